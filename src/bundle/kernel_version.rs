//! Kernel versions, as far as they decide what an engine can do.

use std::fmt;
use std::str::FromStr;

/// A kernel's version: `5.15.0`, or with the distribution's build number `3.10.0-514`.
///
/// Ordered number by number. Build numbers of different distributions do not compare; those of
/// one distribution's one kernel line do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelVersion {
    /// The 5 of `5.15.3-104.el9`.
    pub major: u32,
    /// The 15 of it.
    pub minor: u32,
    /// The 3 of it.
    pub patch: u32,
    /// The 104 of it; 0 where there is none.
    pub build: u32,
}

/// The text does not start as a kernel's version does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct ParseKernelVersionError;

impl FromStr for KernelVersion {
    type Err = ParseKernelVersionError;

    /// Reads the start of what `uname -r` prints: `3.10.0-514.el7.x86_64`, `6.1.0-13-amd64`,
    /// `4.19.90+`. What follows the numbers is left aside.
    fn from_str(release: &str) -> Result<Self, Self::Err> {
        let (major, rest) = number(release).ok_or(ParseKernelVersionError)?;
        let (minor, rest) = after_dot(rest).ok_or(ParseKernelVersionError)?;
        let (patch, rest) = after_dot(rest).unwrap_or((0, rest));
        let build = rest.strip_prefix('-').and_then(number).map_or(0, |(build, _)| build);
        Ok(Self { major, minor, patch, build })
    }
}

/// The digits at the start as a number, and the rest.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn after_dot(text: &str) -> Option<(u32, &str)> {
    text.strip_prefix('.').and_then(number)
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 || self.build > 0 {
            write!(f, ".{}", self.patch)?;
        }
        if self.build > 0 {
            write!(f, "-{}", self.build)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_uname_prints() {
        for (release, major, minor, patch, build) in [
            ("3.10.0-514.el7.x86_64", 3, 10, 0, 514),
            ("3.10.0-1160.119.1.el7.x86_64", 3, 10, 0, 1160),
            ("6.1.0-13-amd64", 6, 1, 0, 13),
            ("4.19.90+", 4, 19, 90, 0),
            ("4.19.90-2107.6.0.0192.8.oe1.bclinux.aarch64", 4, 19, 90, 2107),
            ("5.15.167.4-microsoft-standard-WSL2", 5, 15, 167, 0),
            ("6.18", 6, 18, 0, 0),
            ("6.12-rc3", 6, 12, 0, 0),
        ] {
            let version = KernelVersion { major, minor, patch, build };
            assert_eq!(release.parse(), Ok(version), "{release}");
        }
        for release in ["", "5", "5.", "linux", ".5.1", "99999999999.1"] {
            assert_eq!(release.parse::<KernelVersion>(), Err(ParseKernelVersionError), "{release}");
        }
    }

    #[test]
    fn order_and_text() {
        let parse = |text: &str| text.parse::<KernelVersion>().unwrap();
        assert!(parse("3.10.0-514") < parse("3.10.0-1160.el7"));
        assert!(parse("3.10.0-1160") < parse("4.0"));
        assert!(parse("4.9") < parse("4.18"));
        for text in ["3.10", "3.10.0-514", "4.0", "5.15.3", "5.15.3-104"] {
            assert_eq!(parse(text).to_string(), text);
        }
    }
}
