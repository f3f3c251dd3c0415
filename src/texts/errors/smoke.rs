//! How the test container can fail: in words.

use std::fmt;

use crate::smoke::{Cause, LeftBehind, SmokeError, Stage};

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
            Self::Stopped => f.write_str("it was stopped before its end"),
            Self::NotRemoved => {
                f.write_str("the test container ran well, but not all of it could be removed")
            }
        }
    }
}

impl fmt::Display for SmokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the smoke test failed: {}", self.cause)?;
        for LeftBehind { what, error } in &self.left_behind {
            write!(f, "; {what} is left behind: {error}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Look => "looking for traces of an earlier test",
            Self::Load => "loading the test image",
            Self::Create => "creating the test container",
            Self::Start => "starting the test container",
            Self::Wait => "waiting for the end of the test container",
            Self::Output => "reading the output of the test container",
        })
    }
}
