//! Has systemd forget that a unit failed, so that it can be started again.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};

/// Forgets a unit's failure and its start counter. There is nothing to undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetFailed {
    /// The unit.
    pub unit: String,
}

impl Action for ResetFailed {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        context.host.reset_failed(&self.unit);
        Ok(())
    }

    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}
