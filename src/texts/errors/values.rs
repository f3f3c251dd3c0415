//! Values that cannot be read: in words.

use std::fmt;

use crate::bundle::ParseKernelVersionError;
use crate::digest::ParseDigestError;
use crate::preflight::ParseCodeError;

impl fmt::Display for ParseDigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => {
                write!(f, "a SHA-256 digest has 64 hexadecimal digits, not {length} characters")
            }
            Self::Digit => f.write_str("a SHA-256 digest has only the digits 0-9 and a-f"),
        }
    }
}

impl fmt::Display for ParseKernelVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self => f.write_str("a kernel version starts with two numbers, such as 5.15"),
        }
    }
}

impl fmt::Display for ParseCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(text) => write!(f, "“{text}” is no finding's code (they look like LF012)"),
        }
    }
}
