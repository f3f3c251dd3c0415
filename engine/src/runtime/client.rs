//! The daemon's side: starting a shim and talking to it.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    process::Command,
};

use super::{
    Answer, Envelope, Exit, Request, SealedBinary, VERSION, files, protocol::LONGEST_LINE,
    shim::EXIT,
};

/// A supervisor, by its directory.
#[derive(Debug, Clone)]
pub struct Supervised {
    directory: PathBuf,
}

impl Supervised {
    /// The one whose files are in `directory`, whether or not it lives.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Starts the shim of the container in `directory`. It outlives this process.
    pub fn start(directory: &Path, binary: &SealedBinary) -> io::Result<Self> {
        let socket = directory.join("sock");
        if socket.exists() {
            std::fs::remove_file(&socket)?;
        }
        let listener = UnixListener::bind(&socket)?;
        // The runtime reaps it; nothing here waits for it.
        Command::new(binary.path())
            .arg("shim")
            .arg(directory)
            .env_clear()
            .stdin(OwnedFd::from(listener))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(drop)?;
        Ok(Self::at(directory))
    }

    /// How its process ended, once it wrote that.
    pub fn exit(&self) -> io::Result<Option<Exit>> {
        files::read_json(&self.directory.join(EXIT))
    }

    /// Asks something, and waits for the answer.
    pub async fn ask(&self, request: Request) -> io::Result<Answer> {
        let (_, answer) = self.send(request).await?;
        Ok(answer)
    }

    /// The same, where what is not done is an error.
    pub async fn tell(&self, request: Request) -> io::Result<()> {
        match self.ask(request).await? {
            Answer::Done => Ok(()),
            Answer::Failed(why) => Err(io::Error::other(why)),
            other => Err(unexpected(&other)),
        }
    }

    /// The streams of its process.
    pub async fn attach(&self, stdin: bool, stdout: bool, stderr: bool) -> io::Result<UnixStream> {
        match self.send(Request::Attach { stdin, stdout, stderr }).await? {
            (stream, Answer::Done) => Ok(stream),
            (_, Answer::Failed(why)) => Err(io::Error::other(why)),
            (_, other) => Err(unexpected(&other)),
        }
    }

    async fn send(&self, request: Request) -> io::Result<(UnixStream, Answer)> {
        let mut stream = UnixStream::connect(self.directory.join("sock")).await?;
        let mut line = serde_json::to_vec(&Envelope { version: VERSION, request })?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        // One byte after the other at most: what follows the line belongs to who attached.
        let mut answer = Vec::new();
        let mut reader = BufReader::with_capacity(1, &mut stream);
        (&mut reader).take(LONGEST_LINE as u64).read_until(b'\n', &mut answer).await?;
        if answer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the shim has gone"));
        }
        let answer = serde_json::from_slice(&answer)?;
        Ok((stream, answer))
    }
}

fn unexpected(answer: &Answer) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the shim answered {answer:?}"))
}
