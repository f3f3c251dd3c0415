//! Checks that no container outlived its engine.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};

/// How long what holds a container may take to end, once the container has.
const LIMIT: Duration = Duration::from_secs(10);

/// Checks that programs do not run any more. A daemon that was dead already could not end its
/// containers: their shims run on, and with them programs whose files and mounts would be taken
/// away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectGone {
    /// Paths of the programs.
    pub programs: Vec<String>,
}

impl Action for ExpectGone {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let left = context.host.wait_for_end_of(&self.programs, LIMIT)?;
        if left.is_empty() { Ok(()) } else { Err(StepError::ContainersRun(left)) }
    }

    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}
