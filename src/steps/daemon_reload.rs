//! Has systemd read all unit files again.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};

/// Has systemd read all unit files again. Undoing does it again once the files are back,
/// together for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonReload {}

impl Action for DaemonReload {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        Ok(context.host.daemon_reload()?)
    }

    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}
