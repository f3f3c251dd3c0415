//! What can go wrong with a repository: in words.

use std::fmt;

use crate::online::openpgp::{KeyError, ParseFingerprintError};
use crate::online::{FetchError, LookError, OtherKey, Passed, Why};

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(404) => f.write_str("it is not there (404)"),
            Self::Status(status) => write!(f, "the server answers {status}"),
            Self::Body(why) | Self::NoAnswer(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for FetchError {}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("it is too long for a key"),
            Self::NotKeys => f.write_str("it is no OpenPGP key"),
            Self::Damaged => f.write_str("it is a damaged OpenPGP key"),
            Self::Version(version) => write!(f, "it is a key of version {version}, not 4"),
            Self::Foreign(tag) => {
                write!(f, "it holds more than public keys (a packet of kind {tag})")
            }
            Self::None => f.write_str("it holds no primary key"),
        }
    }
}

impl std::error::Error for KeyError {}

impl fmt::Display for ParseFingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fingerprint has 40 hexadecimal digits (gpg --show-keys FILE)")
    }
}

impl std::error::Error for ParseFingerprintError {}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(error) => write!(f, "its key could not be fetched: {error}"),
            Self::NoKey(error) => write!(f, "what it gives for its key is none: {error}"),
            Self::NoRelease(release) => write!(f, "it has no packages for {release} (404)"),
            Self::Index(why) => write!(f, "its index is not accepted: {why}"),
            Self::Lacks(package) => write!(f, "it has no {package}"),
            Self::Version(None) => f.write_str("it has not the version that is asked for"),
            Self::Version(Some(newest)) => {
                write!(f, "it has not the version that is asked for; the newest is {newest}")
            }
        }
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.site, self.why)
    }
}

impl fmt::Display for LookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => error.fmt(f),
            Self::OtherKey(other) => {
                let OtherKey { site, found, wanted } = &**other;
                let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                let found = found.join(", ");
                write!(f, "{site} gives another key than expected: {found}, not {wanted} alone")
            }
            Self::NoMirror(passed) if passed.len() == 1 => f.write_str("the mirror does not work"),
            Self::NoMirror(_) => f.write_str("no mirror works"),
            Self::Template(error) => write!(f, "the repository file cannot be rendered: {error}"),
        }
    }
}

impl std::error::Error for LookError {}

impl LookError {
    /// What belongs to it.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::NoMirror(passed) => passed.iter().map(|passed| format!("  {passed}")).collect(),
            _ => Vec::new(),
        }
    }

    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::OtherKey(_) => vec![
                "do not use this mirror; if the key is meant to be another one, because the mirror \
                 signs its own packages: --gpg-fingerprint HEX"
                    .to_owned(),
            ],
            Self::NoMirror(passed)
                if passed.iter().any(|it| matches!(it.why, Why::NoRelease(_))) =>
            {
                vec![
                    "a release that is new may not be there yet, and an old one not any more: \
                     another mirror with --mirror NAME|URL, or an engine without packages: landfall \
                     install --online --method static"
                        .to_owned(),
                ]
            }
            Self::NoMirror(_) => vec![
                "another mirror: --mirror NAME|URL; without internet: landfall install --offline \
                 FILE"
                    .to_owned(),
            ],
            Self::Host(_) | Self::Template(_) => Vec::new(),
        }
    }
}
