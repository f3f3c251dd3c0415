//! What a run that goes on says of itself, to `landfall status`, to `landfall confirm` and to
//! another run that has to wait.

use serde::{Deserialize, Serialize};

/// A run that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunState {
    /// The command, such as `install`.
    pub command: String,
    /// Its process.
    pub pid: u32,
    /// When it began, seconds since 1970.
    pub since: u64,
    /// The scope of systemd that it runs in; `None` if it has none of its own.
    #[serde(default)]
    pub scope: Option<String>,
    /// What it is at.
    pub activity: Activity,
}

/// What a run is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "doing", rename_all = "snake_case")]
pub enum Activity {
    /// It looks at the host, reads the archive, or asks.
    Preparing,
    /// It makes a step.
    Step {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Which, in words.
        what: String,
    },
    /// All is made; it waits for `landfall confirm`.
    Confirming {
        /// How long it still waits, rounded up to whole seconds.
        seconds_left: u64,
    },
    /// All is made (and confirmed, if it had to be); it writes its receipt.
    Finishing,
    /// It undoes steps.
    Undoing {
        /// The number of the step that is being undone, from 1 upwards in the order of undoing;
        /// 0 before the first.
        number: usize,
        /// How many there are to undo.
        of: usize,
    },
}

/// What can be asked of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// What it is at.
    State,
    /// To keep what it made.
    Confirm,
}

/// A run's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it took the question as its confirmation.
    pub confirmed: bool,
    /// What it is at.
    pub run: RunState,
}
