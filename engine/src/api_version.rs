//! Versions of the Engine API and how one is agreed on.

use std::{fmt, num::ParseIntError, str::FromStr};

/// A version of the Engine API, such as 1.41.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// The part before the dot.
    pub major: u32,
    /// The part after the dot.
    pub minor: u32,
}

impl ApiVersion {
    /// The oldest version that this crate speaks: Docker 1.12.
    pub const OLDEST: ApiVersion = ApiVersion { major: 1, minor: 24 };

    /// The newest version that this crate speaks, that of bollard's models.
    pub const NEWEST: ApiVersion = ApiVersion { major: 1, minor: 53 };

    /// The version to speak with a daemon that serves `oldest` to `newest`: the newest that both
    /// know, `None` if there is none. Daemons before API 1.25 do not say what their oldest is.
    pub fn agree(oldest: Option<ApiVersion>, newest: ApiVersion) -> Option<ApiVersion> {
        let agreed = newest.min(Self::NEWEST);
        (agreed >= Self::OLDEST && oldest.is_none_or(|oldest| agreed >= oldest)).then_some(agreed)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ApiVersion {
    type Err = ParseIntError;

    /// Reads `1.41`. A missing second part counts as 0.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Ok(Self { major: major.parse()?, minor: minor.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> ApiVersion {
        text.parse().unwrap()
    }

    #[test]
    fn parses_and_prints() {
        assert_eq!(version("1.41"), ApiVersion { major: 1, minor: 41 });
        assert_eq!(version("1.41").to_string(), "1.41");
        assert!(version("1.9") < version("1.24"));
        assert!("".parse::<ApiVersion>().is_err());
        assert!("1.41-rc".parse::<ApiVersion>().is_err());
    }

    #[test]
    fn newest_matches_the_models() {
        let models = bollard::API_DEFAULT_VERSION;
        assert_eq!(ApiVersion::NEWEST.to_string(), models.to_string());
    }

    #[test]
    fn agrees_on_the_newest_that_both_know() {
        let agree = |oldest: Option<&str>, newest| {
            ApiVersion::agree(oldest.map(version), version(newest)).map(|v| v.to_string())
        };
        assert_eq!(agree(None, "1.24").as_deref(), Some("1.24"));
        assert_eq!(agree(Some("1.12"), "1.41").as_deref(), Some("1.41"));
        assert_eq!(agree(Some("1.44"), "1.99").as_deref(), Some("1.53"));
        assert_eq!(agree(Some("1.54"), "1.99"), None);
        assert_eq!(agree(None, "1.23"), None);
    }
}
