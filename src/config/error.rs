//! What can be wrong with a configuration, and where it was said.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::mirrors::MirrorError;
use crate::render::daemon_json::DaemonJsonError;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line, by this option.
    Flag(&'static str),
    /// In a configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
    },
    /// In a file of many hosts: in the entry of this one, or what that is laid over.
    Entry {
        /// The file.
        path: Box<Path>,
        /// What the entry is called.
        entry: Box<str>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::File { path, line, column } => {
                write!(f, "{}, line {line}, column {column}", path.display())
            }
            Self::Entry { path, entry } => write!(f, "{}, for {entry}", path.display()),
        }
    }
}

/// Why there is no [`Desired`](crate::desired::Desired).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// Nothing says where the engine comes from.
    NoSource,
    /// The file is not valid YAML, or a value in it has the wrong type.
    Syntax {
        /// Where.
        origin: Origin,
        /// What is wrong.
        problem: String,
    },
    /// The file has a key that does not exist.
    UnknownKey {
        /// Where.
        origin: Origin,
        /// The key.
        key: String,
        /// The known key that may have been meant.
        nearest: Option<String>,
        /// All keys that may stand there.
        known: Vec<&'static str>,
    },
    /// The file is of a version that this Landfall does not know.
    Version {
        /// Where.
        origin: Origin,
        /// The version.
        version: u32,
    },
    /// A value that cannot be used.
    Invalid {
        /// Where.
        origin: Origin,
        /// The value.
        value: String,
        /// What is wrong.
        reason: String,
        /// What would be right.
        hint: &'static str,
    },
    /// A mirror that is not known.
    Mirror(MirrorError),
    /// A mirror's URL has a user or a password in it that cannot be kept for apt.
    MirrorLogin {
        /// Its root.
        root: String,
    },
    /// An option that means nothing without `--online`.
    NeedsOnline {
        /// Which.
        flag: &'static str,
    },
    /// A key of daemon.json that cannot be set so.
    Daemon {
        /// Where.
        origin: Origin,
        /// What is wrong.
        problem: DaemonJsonError,
    },
    /// The same key of daemon.json was given twice on the command line.
    Conflict {
        /// The key.
        key: String,
        /// The other option.
        by: &'static str,
    },
}
