//! What can be wrong with daemon.json, or with what it shall say.

use super::json_document::JsonError;

/// Why daemon.json cannot be merged, or a key cannot be set.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DaemonJsonError {
    /// The file that is there is broken.
    #[error(transparent)]
    Broken(#[from] JsonError),
    /// The file that is there has a value that nothing can be merged into.
    #[error("line {line}, column {column}: `{key}` is {found} instead of {expected}")]
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
    #[error("the log driver is `{driver}`, which does not know `{option}`")]
    LogDriver {
        /// The driver.
        driver: String,
        /// The option of `log-opts`.
        option: String,
    },
    /// A key that no engine knows.
    #[error("daemon.json has no key `{key}`{}", crate::nearest::suggestion(*.nearest))]
    UnknownKey {
        /// The key.
        key: String,
        /// The known key that may have been meant.
        nearest: Option<&'static str>,
    },
    /// A key that counts only inside of an object.
    #[error("`{key}` has no effect at the top of daemon.json: it belongs into `{parent}`")]
    Misplaced {
        /// The key.
        key: String,
        /// The object.
        parent: &'static str,
    },
    /// A value of the wrong type.
    #[error("`{key}` must be {expected}, not {found}")]
    Type {
        /// The key, with those of objects within: `a.b`.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A value that the daemon would not take.
    #[error("`{key}`: `{value}` {reason}")]
    Value {
        /// The key.
        key: String,
        /// The value, or the part of it that is wrong.
        value: String,
        /// What is wrong.
        reason: &'static str,
        /// What would be right.
        hint: &'static str,
    },
    /// A key that docker.service sets on the command line.
    #[error(
        "`{key}` cannot stand in daemon.json: docker.service starts dockerd with {flag}, and dockerd does not start if it is told the same thing twice"
    )]
    SetByUnit {
        /// The key.
        key: &'static str,
        /// The flag.
        flag: &'static str,
    },
}

impl DaemonJsonError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Broken(error) => error.hint().to_string(),
            Self::ExistingType { key, .. } => {
                format!("correct `{key}` in the file; the daemon does not start with it either")
            }
            Self::LogDriver { .. } => {
                "leave the limits out, or choose a driver that has them: --set 'log-driver=\"json-file\"'"
                    .to_string()
            }
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("write `{nearest}`"),
            Self::UnknownKey { .. } => {
                "dockerd does not start with a key that it does not know: leave it out".to_string()
            }
            Self::Misplaced { key, parent } => format!("--set '{parent}={{\"{key}\": …}}'"),
            Self::Type { found: "a number", expected: "a string", .. } => {
                "put the number in quotes: \"3\"".to_string()
            }
            Self::Type { expected, .. } => format!("give it {expected}"),
            Self::Value { hint, .. } => (*hint).to_string(),
            Self::SetByUnit { key: "hosts", .. } => {
                "more sockets: `systemctl edit docker.socket` with a line ListenStream=ADDRESS in [Socket]"
                    .to_string()
            }
            Self::SetByUnit { .. } => {
                "another address: `systemctl edit docker.service` with an ExecStart= of your own"
                    .to_string()
            }
        }
    }
}
