//! `GET /containers/{id}/logs`: json-file logs, from the files.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::Response,
};
use serde::Deserialize;

use super::list::is_true;
use crate::{
    runtime::{Entry, Stream, log_files},
    server::{
        engine::{Container, Engine},
        error::{ApiError, ApiResult},
    },
};

/// How often a log that is followed is looked at.
const INTERVAL: Duration = Duration::from_millis(100);
/// Bytes of answers that are put together at most, before they are sent.
const CHUNK: usize = 64 << 10;

/// The query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    follow: String,
    stdout: String,
    stderr: String,
    timestamps: String,
    since: String,
    until: String,
    tail: String,
}

/// What a container said.
pub async fn logs(engine: &Arc<Engine>, id: &str, parameters: Parameters) -> ApiResult<Response> {
    let container = engine.find(id)?;
    let wanted = Wanted::read(&parameters, container.config("Tty") == true)?;
    let path = engine.store.directory(&container.id).join(format!("{}-json.log", container.id));
    let kind = if wanted.framed {
        "application/vnd.docker.multiplexed-stream"
    } else {
        "application/vnd.docker.raw-stream"
    };
    let follow = is_true(&parameters.follow);
    let reader = Reader::new(path, wanted, follow.then_some(container));
    let stream = futures_util::stream::unfold(reader, |mut reader| async move {
        reader.next().await.transpose().map(|chunk| (chunk, reader))
    });
    let mut response = Response::new(Body::from_stream(stream));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// Which entries, and how they are shown.
struct Wanted {
    framed: bool,
    stdout: bool,
    stderr: bool,
    timestamps: bool,
    since: Option<jiff::Timestamp>,
    until: Option<jiff::Timestamp>,
    tail: Option<usize>,
}

impl Wanted {
    fn read(parameters: &Parameters, terminal: bool) -> ApiResult<Self> {
        let wanted = Self {
            framed: !terminal,
            stdout: is_true(&parameters.stdout),
            stderr: is_true(&parameters.stderr),
            timestamps: is_true(&parameters.timestamps),
            since: time(&parameters.since)?,
            until: time(&parameters.until)?,
            // Anything but a number means all of it, for dockerd too.
            tail: parameters.tail.parse().ok(),
        };
        if !wanted.stdout && !wanted.stderr {
            return Err(ApiError::bad("Bad parameters: you must choose at least one stream"));
        }
        Ok(wanted)
    }

    /// The bytes to send for a line of the log; none if it is not wanted.
    fn show(&self, line: &[u8]) -> Option<Vec<u8>> {
        // A line that a full disk has cut is passed over.
        let entry: Entry<'_> = serde_json::from_slice(line).ok()?;
        let (stream, wanted) = match entry.stream.as_ref() {
            "stdout" => (Stream::Stdout, self.stdout),
            _ => (Stream::Stderr, self.stderr),
        };
        let at: Option<jiff::Timestamp> = entry.time.parse().ok();
        let after = at.zip(self.since).is_none_or(|(at, since)| at >= since);
        let before = at.zip(self.until).is_none_or(|(at, until)| at <= until);
        if !(wanted && after && before) {
            return None;
        }
        let mut text = Vec::new();
        if self.timestamps {
            text.extend_from_slice(entry.time.as_bytes());
            text.push(b' ');
        }
        text.extend_from_slice(entry.log.as_bytes());
        if !self.framed {
            return Some(text);
        }
        Some([&stream.frame(text.len())[..], &text].concat())
    }
}

/// Goes through the files of a log, and waits for more if it is followed.
struct Reader {
    path: PathBuf,
    wanted: Wanted,
    followed: Option<Arc<Container>>,
    files: VecDeque<PathBuf>,
    current: Option<BufReader<File>>,
    partial: Vec<u8>,
    begun: bool,
}

impl Reader {
    fn new(path: PathBuf, wanted: Wanted, followed: Option<Arc<Container>>) -> Self {
        let files = log_files(&path).into();
        Self { path, wanted, followed, files, current: None, partial: Vec::new(), begun: false }
    }

    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        if !self.begun {
            self.begun = true;
            if let Some(lines) = self.wanted.tail {
                let last = self.last(lines)?;
                if !last.is_empty() {
                    return Ok(Some(last));
                }
            }
        }
        loop {
            let over = self.is_over();
            let chunk = self.read()?;
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
            // Looked at before reading, so that nothing said before the end is missed.
            if over {
                return Ok(None);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn is_over(&self) -> bool {
        self.followed.as_ref().is_none_or(|container| !container.life.borrow().running)
    }

    /// What there is, up to some size; nothing at the end.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut chunk = Vec::new();
        while chunk.len() < CHUNK {
            match self.line()? {
                Some(line) => chunk.extend(self.wanted.show(&line).unwrap_or_default()),
                None => break,
            }
        }
        Ok(chunk)
    }

    /// The next whole line.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if self.current.is_none() {
                let Some(file) = self.files.pop_front() else { return Ok(None) };
                self.current = open(&file)?;
                continue;
            }
            let Some(reader) = &mut self.current else { return Ok(None) };
            reader.read_until(b'\n', &mut self.partial)?;
            if self.partial.ends_with(b"\n") {
                return Ok(Some(std::mem::take(&mut self.partial)));
            }
            if self.files.is_empty() {
                if !was_rotated(reader.get_ref(), &self.path)? {
                    return Ok(None);
                }
                self.files.push_back(self.path.clone());
            }
            self.current = None;
            self.partial.clear();
        }
    }

    /// The last lines of what there is now.
    fn last(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut last: VecDeque<Vec<u8>> = VecDeque::new();
        while let Some(line) = self.line()? {
            let Some(shown) = self.wanted.show(&line) else { continue };
            last.push_back(shown);
            if last.len() > count {
                last.pop_front();
            }
        }
        Ok(last.into_iter().flatten().collect())
    }
}

fn open(path: &Path) -> io::Result<Option<BufReader<File>>> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::new(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether another file has the log's name by now.
fn was_rotated(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let known = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(now) => Ok((now.dev(), now.ino()) != (known.dev(), known.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Seconds since 1970, with a fraction; 0 and nothing are no limit.
fn time(text: &str) -> ApiResult<Option<jiff::Timestamp>> {
    if matches!(text, "" | "0") {
        return Ok(None);
    }
    let invalid = || ApiError::bad(format!("invalid value for a time: {text:?}"));
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanoseconds: i32 =
        format!("{fraction:0<9}").get(..9).ok_or_else(invalid)?.parse().map_err(|_| invalid())?;
    let seconds = seconds.parse().map_err(|_| invalid())?;
    jiff::Timestamp::new(seconds, nanoseconds).map(Some).map_err(|_| invalid())
}
