//! How a smoke test can fail.

use std::io;

use landfall_engine::EngineError;

/// A smoke test that failed, and what it left on the host because it could not be removed.
#[derive(Debug)]
pub struct SmokeError {
    /// Why it failed.
    pub cause: Cause,
    /// What is still there. Normally nothing.
    pub left_behind: Vec<LeftBehind>,
}

/// Why a smoke test failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// There was no random number to be had.
    Nonce(io::Error),
    /// The daemon refused, failed, or is gone.
    Engine {
        /// What the test was at.
        stage: Stage,
        /// What came back.
        error: EngineError,
    },
    /// The daemon took the image and does not have it.
    NotLoaded,
    /// The container ran, and did not do what it was told to.
    WrongAnswer {
        /// Exit status.
        status: i64,
        /// What standard output should have been.
        expected: String,
        /// What it was, 4 KiB of it at most.
        stdout: String,
        /// Standard error, which should have been empty.
        stderr: String,
    },
    /// It was told to stop before its end.
    Stopped,
    /// Everything went well until the traces had to be removed.
    NotRemoved,
}

/// The stages of a smoke test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Looking for what an earlier test left.
    Look,
    /// Loading the image.
    Load,
    /// Creating the container.
    Create,
    /// Starting it. Here the runtime, the network and the security profiles come in.
    Start,
    /// Waiting for its end.
    Wait,
    /// Reading its output.
    Output,
}

/// Something that could not be removed.
#[derive(Debug)]
pub struct LeftBehind {
    /// `container NAME` or `image REFERENCE`.
    pub what: String,
    /// Why.
    pub error: EngineError,
}

impl SmokeError {
    pub(super) fn new(cause: Cause) -> Self {
        Self { cause, left_behind: Vec::new() }
    }
}

impl std::error::Error for SmokeError {}
