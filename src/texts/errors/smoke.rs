//! How the test container can fail: in words.

use std::fmt;

use crate::smoke::Cause;

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nonce(error) => write!(f, "/dev/urandom cannot be read: {error}"),
            Self::Engine { stage, error } => write!(f, "{stage}: {error}"),
            Self::NotLoaded => f.write_str(
                "the daemon reported no error while loading the test image, but does not have it",
            ),
            Self::WrongAnswer { status, expected, stdout, stderr } => write!(
                f,
                "the test container should have written {expected:?} and ended with status 0, but it wrote \
         {stdout:?} (and {stderr:?} as errors) and ended with status {status}"
            ),
            Self::NotRemoved => {
                f.write_str("the test container ran well, but not all of it could be removed")
            }
        }
    }
}
