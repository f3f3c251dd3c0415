//! The second thread of a run: hears signals, and answers those who ask what the run is at.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::board::Board;
use super::interrupt::Interrupt;
use super::{Host, HostError};
use crate::file_state::Ownership;
use crate::run_state::{Answer, Question};

/// Holds the socket; closed to all but root. `/run` is emptied at boot.
const DIRECTORY: &str = "/run/landfall";
/// Where a run can be asked.
const SOCKET: &str = "/run/landfall/run.sock";
/// How long either side waits for the other.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// No question or answer is longer, in bytes.
const LINE_LIMIT: u64 = 64 << 10;

/// A signal that the run heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It shall end (SIGINT, SIGTERM).
    End {
        /// It was told so before.
        again: bool,
    },
    /// Its terminal is gone (SIGHUP), which it survives.
    TerminalGone,
}

impl Host {
    /// Does `work` while a second thread hears signals, which set the host's [`Interrupt`], and
    /// answers on the socket what stands on the board. The caller holds the lock.
    ///
    /// # Errors
    /// [`HostError::Io`] if signals cannot be heard or the socket not be made; nothing was done
    /// then.
    pub fn attended<T>(
        &self,
        board: &Board,
        heard: &(dyn Fn(Heard) + Sync),
        work: impl FnOnce() -> T,
    ) -> Result<T, HostError> {
        let fail = |source| HostError::io("watch over", "the run", source);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(fail)?;
        let door = if self.is_live() { Some(Door::open(self)?) } else { None };
        let signals = {
            let _inside = runtime.enter();
            Signals::hear().map_err(fail)?
        };
        let listener = door.as_ref().map(Door::listener).transpose().map_err(fail)?;
        let interrupt = self.interrupt().clone();
        let (done, over) = oneshot::channel::<()>();
        Ok(std::thread::scope(|scope| {
            scope.spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        // Ends when the work does, also by a panic.
                        _ = over => {}
                        () = signals.attend(&interrupt, heard) => {}
                        () = answer_all(listener, board) => {}
                    }
                });
            });
            let result = work();
            drop(done);
            result
        }))
    }

    /// Asks the run that goes on; `None` if there is none.
    ///
    /// # Errors
    /// [`HostError::Io`] if it does not answer, or may not be asked.
    pub fn ask_run(&self, question: Question) -> Result<Option<Answer>, HostError> {
        if !self.is_live() {
            return Ok(None);
        }
        self.block_on(async {
            match tokio::time::timeout(ANSWER_LIMIT, ask(Path::new(SOCKET), question)).await {
                Ok(Ok(answer)) => Ok(Some(answer)),
                Ok(Err(error)) if is_nobody(&error) => Ok(None),
                Ok(Err(source)) => Err(HostError::io("ask", SOCKET, source)),
                Err(_) => Err(HostError::io("ask", SOCKET, std::io::ErrorKind::TimedOut.into())),
            }
        })
    }
}

/// No socket, or one whose run was killed.
fn is_nobody(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused)
}

/// The signals that a run survives. The programs that it starts have their defaults back.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn hear() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn attend(mut self, interrupt: &Interrupt, heard: &(dyn Fn(Heard) + Sync)) {
        loop {
            let what = tokio::select! {
                _ = self.interrupt.recv() => Heard::End { again: interrupt.set() },
                _ = self.terminate.recv() => Heard::End { again: interrupt.set() },
                _ = self.hangup.recv() => Heard::TerminalGone,
            };
            heard(what);
        }
    }
}

/// The socket, as long as the run goes on.
struct Door<'a> {
    host: &'a Host,
    listener: UnixListener,
}

impl<'a> Door<'a> {
    /// Whoever holds the lock may replace what a killed run left.
    fn open(host: &'a Host) -> Result<Self, HostError> {
        if host.stat(DIRECTORY)?.is_none() {
            host.create_dir(DIRECTORY, Ownership::root(0o700))?;
        }
        host.remove_file(SOCKET)?;
        let bound = UnixListener::bind(SOCKET)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        let listener = bound.map_err(|source| HostError::io("make", SOCKET, source))?;
        Ok(Self { host, listener })
    }

    fn listener(&self) -> std::io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Door<'_> {
    fn drop(&mut self) {
        // What stays is replaced by the next run, and goes at the next boot.
        let _ = self.host.remove_file(SOCKET);
        let _ = self.host.remove_dir(DIRECTORY);
    }
}

async fn answer_all(listener: Option<UnixListener>, board: &Board) {
    let Some(Ok(listener)) = listener.map(tokio::net::UnixListener::from_std) else {
        return std::future::pending().await;
    };
    loop {
        // A caller that goes away, or says nothing, is of no concern to the run.
        if let Ok((stream, _)) = listener.accept().await {
            let _ = tokio::time::timeout(ANSWER_LIMIT, answer(stream, board)).await;
        }
    }
}

async fn answer(stream: UnixStream, board: &Board) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let question: Question = read_line(reading).await?;
    let mut line = serde_json::to_vec(&board.answer(question))?;
    line.push(b'\n');
    writing.write_all(&line).await
}

async fn ask(socket: &Path, question: Question) -> std::io::Result<Answer> {
    let (reading, mut writing) = UnixStream::connect(socket).await?.into_split();
    let mut line = serde_json::to_vec(&question)?;
    line.push(b'\n');
    writing.write_all(&line).await?;
    read_line(reading).await
}

/// One JSON value on a line.
async fn read_line<T: serde::de::DeserializeOwned>(
    reading: tokio::net::unix::OwnedReadHalf,
) -> std::io::Result<T> {
    let mut line = Vec::new();
    BufReader::new(reading.take(LINE_LIMIT)).read_until(b'\n', &mut line).await?;
    Ok(serde_json::from_slice(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_state::Activity;

    /// Asks a run that listens in a directory of the test's own.
    fn asked(board: &Board, questions: &[Question]) -> Vec<Answer> {
        let host = Host::live().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.sock");
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        host.block_on(async {
            let asking = async {
                let mut answers = Vec::new();
                for question in questions {
                    answers.push(ask(&path, *question).await.unwrap());
                }
                answers
            };
            tokio::select! {
                () = answer_all(Some(listener), board) => unreachable!("it answers for ever"),
                answers = asking => answers,
            }
        })
    }

    #[test]
    fn a_run_says_what_it_is_at() {
        let board = Board::new("install");
        board.in_scope("landfall-run-7.scope".into());
        board.post(Activity::Step { number: 3, of: 9, what: "write /etc/x".into() });
        let answers = asked(&board, &[Question::State]);
        assert_eq!(answers[0], Answer { confirmed: false, run: board.state() });
    }

    #[test]
    fn a_run_that_waits_is_confirmed_once() {
        let board = Board::new("install");
        board.open_confirmation(Duration::from_secs(3600));
        let answers = asked(&board, &[Question::Confirm, Question::Confirm]);
        assert_eq!(
            answers.iter().map(|answer| answer.confirmed).collect::<Vec<_>>(),
            [true, false]
        );
        assert!(board.close_confirmation());
    }

    #[test]
    fn a_socket_without_a_run_is_nobody() {
        let host = Host::live().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.sock");
        let absent = host.block_on(ask(&path, Question::State)).unwrap_err();
        drop(UnixListener::bind(&path).unwrap());
        let stale = host.block_on(ask(&path, Question::State)).unwrap_err();
        assert!(is_nobody(&absent) && is_nobody(&stale), "{absent}, {stale}");
    }
}
