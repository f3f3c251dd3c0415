//! What can be wrong with daemon.json, or with what it shall say.

use super::json_document::JsonError;
use crate::topology::Topology;

/// Why daemon.json cannot be merged, or a key cannot be set.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DaemonJsonError {
    /// The file that is there is broken.
    Broken(#[from] JsonError),
    /// The file that is there has a value that nothing can be merged into.
    ExistingType {
        /// Line of the key, from 1.
        line: usize,
        /// Column of the key, from 1.
        column: usize,
        /// The key, with that of an object within: `a.b`.
        key: String,
        /// What its value is.
        found: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// Log limits are wanted, but the file has a log driver that does not know them.
    LogDriver {
        /// The driver.
        driver: String,
        /// The option of `log-opts`.
        option: String,
    },
    /// A key that no engine knows.
    UnknownKey {
        /// The key.
        key: String,
        /// The known key that may have been meant.
        nearest: Option<&'static str>,
    },
    /// A key that other engines know, but not this one.
    OtherEngine {
        /// The key.
        key: String,
        /// The engine's version.
        version: String,
        /// The first release line that knows it.
        first: (u32, u32),
        /// The last one.
        last: (u32, u32),
    },
    /// A key that counts only inside of an object.
    Misplaced {
        /// The key.
        key: String,
        /// The object.
        parent: &'static str,
    },
    /// A value of the wrong type.
    Type {
        /// The key, with those of objects within: `a.b`.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A value that the daemon would not take.
    Value {
        /// The key.
        key: String,
        /// The value, or the part of it that is wrong.
        value: String,
        /// What is wrong.
        reason: &'static str,
        /// What would be right.
        hint: Box<str>,
    },
    /// A key that docker.service sets on the command line.
    SetByUnit {
        /// The key.
        key: &'static str,
        /// The flag, which the modern unit style gives.
        flag: &'static str,
        /// The unit style that is asked for; `None`: what is installed or the engine decides.
        style: Option<Topology>,
    },
}
