//! A daemon made of given answers, for tests: HTTP/1.1 on a unix socket, one request a connection.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

/// A request as it came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The body, joined if it came in chunks.
    pub body: Vec<u8>,
}

/// What the fake daemon does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Answers with a status and a body.
    Reply(u16, Vec<u8>),
    /// Answers with status 200 and the first part of a longer body, then breaks off.
    Torn(Vec<u8>),
    /// Closes the connection without an answer.
    HangUp,
    /// Never answers.
    Silence,
}

impl Answer {
    /// Status 200 with a body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::Reply(200, body.into())
    }

    /// An error as dockerd words it.
    pub fn refusal(status: u16, message: &str) -> Self {
        Self::Reply(status, format!("{{\"message\":\"{message}\"}}\n").into_bytes())
    }
}

/// One piece of a container's output as the API frames it; `stream` is 1 for standard output, 2 for
/// standard error.
pub fn log_frame(stream: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut frame = vec![stream, 0, 0, 0];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(data);
    frame
}

/// Serves until it is dropped.
#[derive(Debug)]
pub struct FakeDaemon {
    requests: Arc<Mutex<Vec<Request>>>,
    accepting: JoinHandle<()>,
}

impl FakeDaemon {
    /// Listens on `socket` and asks `answer` about each request.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn start(
        socket: &Path,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::listen(socket, true, answer)
    }

    /// The same, but answers before it has read the request's body, which is empty to `answer`.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn start_impatient(
        socket: &Path,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::listen(socket, false, answer)
    }

    /// The requests so far, in the order in which they were answered.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn listen(
        socket: &Path,
        patient: bool,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&requests), Arc::new(answer));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    if let Ok(request) = read_request(&mut stream, patient).await {
                        let reply = answer(&request);
                        log.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                        // A client that has gone is what some tests are about.
                        let _ = send(&mut stream, reply).await;
                    }
                });
            }
        });
        Ok(Self { requests, accepting })
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn read_request(stream: &mut BufReader<UnixStream>, patient: bool) -> io::Result<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut request = Request {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        body: Vec::new(),
    };
    let (mut length, mut chunked) = (0, false);
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let header = line.trim_end().to_ascii_lowercase();
        match header.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().map_err(io::Error::other)?,
            Some(("transfer-encoding", value)) => chunked = value == "chunked",
            Some(_) => {}
            None => break,
        }
    }
    if patient && chunked {
        request.body = read_chunks(stream).await?;
    } else if patient {
        request.body.resize(length, 0);
        stream.read_exact(&mut request.body).await?;
    }
    Ok(request)
}

async fn read_chunks(stream: &mut BufReader<UnixStream>) -> io::Result<Vec<u8>> {
    let (mut body, mut line) = (Vec::new(), String::new());
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let length = usize::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
        let start = body.len();
        body.resize(start + length + "\r\n".len(), 0);
        stream.read_exact(&mut body[start..]).await?;
        body.truncate(start + length);
        if length == 0 {
            return Ok(body);
        }
    }
}

async fn send(stream: &mut BufReader<UnixStream>, answer: Answer) -> io::Result<()> {
    let head = |status: u16, length: usize| {
        format!("HTTP/1.1 {status} \r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
    };
    match answer {
        Answer::Reply(status, body) => {
            stream.write_all(head(status, body.len()).as_bytes()).await?;
            stream.write_all(&body).await?;
        }
        Answer::Torn(part) => {
            stream.write_all(head(200, part.len() + 1).as_bytes()).await?;
            stream.write_all(&part).await?;
        }
        Answer::HangUp => {}
        Answer::Silence => std::future::pending().await,
    }
    stream.flush().await
}
