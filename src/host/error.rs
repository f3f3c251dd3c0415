//! What can go wrong at the door to the host.

use std::io;

use crate::run_state::RunState;

/// An operation on the host that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A file operation failed.
    Io {
        /// What was tried, as a verb ("read", "rename").
        action: &'static str,
        /// On which path of the host.
        path: String,
        /// What the system answered.
        source: io::Error,
    },
    /// A program could not be started.
    Spawn {
        /// The program's name.
        program: String,
        /// What the system answered.
        source: io::Error,
    },
    /// A program ended with another status than 0.
    Command {
        /// The program and its arguments.
        command: String,
        /// How it ended ("exit status: 1").
        status: String,
        /// The last lines of its stderr.
        stderr: String,
    },
    /// A program did not end in time.
    CommandTimeout {
        /// The program and its arguments.
        command: String,
        /// The time limit.
        seconds: u64,
    },
    /// systemd refused or failed a request.
    Systemd {
        /// What was asked ("start").
        action: &'static str,
        /// Which unit, or "the manager".
        unit: String,
        /// systemd's answer.
        message: String,
    },
    /// A sandbox forbids a system call that cannot be done without.
    Sandbox {
        /// Which.
        call: &'static str,
        /// What the system answered.
        source: io::Error,
    },
    /// Another run of Landfall holds the lock.
    Locked {
        /// What is known of the other run.
        holder: String,
        /// What it says of itself, if it answers.
        run: Option<Box<RunState>>,
    },
    /// The run was asked to end (Ctrl-C, SIGTERM).
    Interrupted,
    /// Nobody confirmed the change in time.
    NotConfirmed {
        /// How long the run waited.
        seconds: u64,
    },
}

impl HostError {
    /// Whether a program of the host failed, or could not be run.
    pub fn is_a_programs(&self) -> bool {
        matches!(self, Self::Spawn { .. } | Self::Command { .. } | Self::CommandTimeout { .. })
    }

    /// An I/O error on a path.
    pub fn io(action: &'static str, path: impl Into<String>, source: io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }

    /// An error number on a path.
    pub(super) fn errno(action: &'static str, path: &str, source: rustix::io::Errno) -> Self {
        Self::io(action, path, source.into())
    }

    /// An error of path resolution beneath the root.
    pub(super) fn path(action: &'static str, path: &str, error: &pathrs::error::Error) -> Self {
        Self::io(action, path, io_error(error))
    }

    /// Whether the system answered that permission is missing.
    pub fn is_permission_denied(&self) -> bool {
        matches!(self, Self::Io { source, .. } if
            source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// The path of the host at which it happened, if it was one.
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::Io { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Whether the system answered that something is in use, such as a mount point.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Io { source, .. } if
            source.kind() == io::ErrorKind::ResourceBusy)
    }

    /// Whether the system answered that there is no such file or directory.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if
            matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
    }
}

pub(super) fn io_error(error: &pathrs::error::Error) -> io::Error {
    match error.kind() {
        pathrs::error::ErrorKind::OsError(Some(errno)) => io::Error::from_raw_os_error(errno),
        _ => io::Error::other(error.to_string()),
    }
}
