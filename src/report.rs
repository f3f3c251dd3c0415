//! What a run tells about itself while it goes on. The library reports events; only
//! `cli/` turns them into text or JSON.

use std::time::Duration;

use crate::digest::Digest;
use crate::steps::{Step, Undone};

/// The phases of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The host is looked at.
    Facts,
    /// The archive is read, checked and unpacked beside its targets.
    Stage,
    /// A bundle is written.
    Pack,
    /// The steps are carried out.
    Apply,
    /// Steps are undone.
    Undo,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A phase begins; `bytes` is how much there is to read, where that is known.
    Phase {
        /// Which.
        phase: Phase,
        /// Bytes to read.
        bytes: Option<u64>,
    },
    /// So many bytes of the archive have been read.
    Bytes(u64),
    /// So many bytes of files have been fetched.
    Downloading {
        /// How many.
        bytes: u64,
        /// Of how many, as far as is known.
        of: u64,
    },
    /// A file was fetched, or was in the cache.
    Downloaded {
        /// Its name.
        name: &'a str,
        /// From where; empty if it was in the cache.
        from: &'a [String],
        /// Its size.
        bytes: u64,
        /// Its digest.
        sha256: Digest,
    },
    /// Nothing more is fetched.
    DownloadsEnd,
    /// So many bytes of a directory have been copied.
    Copied {
        /// Of which.
        from: &'a str,
        /// How many.
        bytes: u64,
        /// Of about how many.
        of: u64,
    },
    /// So many bytes of images have been given to the engine.
    Loading {
        /// How many.
        bytes: u64,
        /// Of about how many.
        of: u64,
    },
    /// A step begins.
    StepStarted {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Which.
        step: &'a Step,
    },
    /// A step is done.
    StepDone {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Which.
        step: &'a Step,
        /// How long it took.
        took: Duration,
    },
    /// A step is about to be undone.
    UndoStarted {
        /// Its number in the order of undoing, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// A step was undone, or left.
    StepUndone {
        /// Which.
        step: &'a Step,
        /// How.
        outcome: &'a Undone,
    },
    /// Something was left on purpose beside what the step's outcome says.
    Left {
        /// What, and why.
        outcome: &'a Undone,
    },
    /// Something to know, which stops nothing.
    Warning {
        /// What.
        text: String,
    },
    /// A step could not be undone.
    UndoFailed {
        /// Which.
        step: &'a Step,
        /// Why.
        error: String,
    },
    /// Images were loaded.
    ImagesLoaded {
        /// Their references.
        references: &'a [String],
    },
    /// The test container said what it should.
    Proven {
        /// The random text that went in and came out.
        nonce: &'a str,
        /// How long it took.
        took: Duration,
    },
    /// A run that was cut is being undone, or completed, first.
    Recovering {
        /// The command that was cut.
        command: &'a str,
        /// When it began, seconds since 1970.
        since: u64,
        /// Whether it is completed.
        committed: bool,
    },
    /// All steps are made; the run waits for its confirmation.
    AwaitingConfirmation {
        /// For how long.
        within: Duration,
    },
    /// Containers are being stopped because their engine goes away.
    StoppingContainers {
        /// Their names.
        names: &'a [String],
    },
}

/// Takes events.
pub trait Reporter: Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Tells nobody.
#[derive(Debug)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _event: &Event<'_>) {}
}
