//! What can be wrong with arguments and the configuration file: in words.

use std::fmt;

use crate::config::ConfigError;
use crate::nearest::suggestion;

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSource => f.write_str("no archive of an engine was given"),
            Self::Mirror(error) => write!(f, "--mirror: {error}"),
            Self::MirrorLogin { root } => {
                write!(
                    f,
                    "--mirror: the user or the password for {root} is empty or has blanks in it"
                )
            }
            Self::NeedsOnline { flag } => write!(f, "{flag} is for an installation --online"),
            Self::Syntax { origin, problem } => write!(f, "{origin}: {problem}"),
            Self::UnknownKey { origin, key, nearest, .. } => write!(
                f,
                "{origin}: there is no key `{key}` here{}",
                suggestion(nearest.as_deref())
            ),
            Self::Version { origin, version } => {
                write!(f, "{origin}: version {version} of the file is not known, only version 1")
            }
            Self::Invalid { origin, value, reason, .. } => {
                write!(f, "{origin}: `{value}` {reason}", value = value.escape_debug())
            }
            Self::Daemon { origin, problem } => write!(f, "{origin}: {problem}"),
            Self::Conflict { key, by } => {
                write!(f, "`{key}` was given twice: by --set and by {by}")
            }
        }
    }
}

impl ConfigError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoSource => {
                "name the archive: landfall install --offline docker-<version>.tgz; or, with a way \
                 to a mirror: landfall install --online"
                    .to_string()
            }
            Self::Mirror(error) => error.hint(),
            Self::MirrorLogin { .. } => {
                "apt has no way to write these down (apt_auth.conf(5)): give the mirror another \
                 password"
                    .to_string()
            }
            Self::NeedsOnline { .. } => "add --online, or leave it out".to_string(),
            Self::Syntax { problem, .. } if problem.contains("missing field `version`") => {
                "start the file with the line `version: 1`".to_string()
            }
            Self::Syntax { .. } => "correct the file at this place".to_string(),
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("write `{nearest}`"),
            Self::UnknownKey { known, .. } => format!("known keys here: {}", known.join(", ")),
            Self::Version { .. } => {
                "use the Landfall that the file was written for, or write `version: 1`".to_string()
            }
            Self::Invalid { hint, .. } => (*hint).to_string(),
            Self::Daemon { problem, .. } => problem.hint(),
            Self::Conflict { .. } => "give it once".to_string(),
        }
    }
}
