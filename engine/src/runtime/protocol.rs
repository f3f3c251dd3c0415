//! What a daemon and its shims say to each other.
//!
//! One request a connection: a line of JSON, answered by a line of JSON. After an attach the
//! connection carries bytes: Docker's frames (or the terminal's bytes) out of the container, and
//! what is typed into it; closing one's half is the end of stdin.

use serde::{Deserialize, Serialize};

/// The version of [`Request`] and [`Answer`]. A daemon understands its own and the one before, so
/// that it adopts the containers of the version that it replaces.
pub const VERSION: u32 = 1;

/// The longest line that either side reads, in bytes.
pub const LONGEST_LINE: usize = 64 << 10;

/// A request and the version it is written in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Envelope {
    /// See [`VERSION`].
    pub version: u32,
    /// What is asked.
    pub request: Request,
}

/// What a shim can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Request {
    /// How it is.
    Status,
    /// Run the created process.
    Start,
    /// End, if the process was not started.
    Leave,
    /// Send the process a signal, by its number.
    Signal {
        /// As in signal(7).
        number: i32,
    },
    /// Set the size of the terminal.
    Resize {
        /// Rows.
        height: u16,
        /// Columns.
        width: u16,
    },
    /// Answer when the process has ended.
    Wait,
    /// Turn this connection into the process's streams.
    Attach {
        /// Pass on what comes in.
        stdin: bool,
        /// Send its stdout, or what its terminal shows.
        stdout: bool,
        /// Send its stderr.
        stderr: bool,
    },
    /// Run another process, as its directory says, with a supervisor of its own.
    Exec {
        /// The directory, relative to the container's.
        directory: String,
    },
    /// Stop or continue all processes of the container.
    Freeze {
        /// Stop them.
        frozen: bool,
    },
}

/// What a shim answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done.
    Done,
    /// How the process is.
    Status(Status),
    /// How the process ended.
    Exited(Exit),
    /// Why it cannot be.
    Failed(String),
}

/// How a supervised process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its process ID on the host.
    pub pid: i32,
    /// Whether it was started.
    pub started: bool,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Its code, or 128 and the number of the signal that killed it.
    pub code: i32,
    /// Whether the kernel killed a process of the container for want of memory.
    pub oom: bool,
    /// When, in RFC 3339 with nanoseconds.
    pub at: String,
    /// Why it never ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One stream of output, as Docker numbers them in its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// 1.
    Stdout,
    /// 2.
    Stderr,
}

impl Stream {
    /// As json-file logs name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// The eight bytes before `length` bytes of this stream (Docker Engine API, attach).
    pub fn frame(self, length: usize) -> [u8; 8] {
        let number = match self {
            Self::Stdout => 1,
            Self::Stderr => 2,
        };
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        [number, 0, 0, 0, length[0], length[1], length[2], length[3]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_written_as_later_versions_will_read_them() {
        let line =
            |request| serde_json::to_string(&Envelope { version: VERSION, request }).unwrap();
        assert_eq!(line(Request::Status), r#"{"version":1,"request":{"do":"status"}}"#);
        assert_eq!(
            line(Request::Attach { stdin: true, stdout: true, stderr: false }),
            r#"{"version":1,"request":{"do":"attach","stdin":true,"stdout":true,"stderr":false}}"#
        );
        assert_eq!(
            serde_json::to_string(&Answer::Exited(Exit {
                code: 137,
                oom: true,
                at: "2026-01-02T03:04:05Z".into(),
                error: None
            }))
            .unwrap(),
            r#"{"exited":{"code":137,"oom":true,"at":"2026-01-02T03:04:05Z"}}"#
        );
    }

    #[test]
    fn a_frame_says_stream_and_length() {
        assert_eq!(Stream::Stderr.frame(258), [2, 0, 0, 0, 0, 0, 1, 2]);
    }
}
