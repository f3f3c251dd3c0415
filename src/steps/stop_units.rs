//! Stops the units of an engine.

use serde::{Deserialize, Serialize};

use super::containers::STOP_LIMIT;
use super::{Action, Before, Context, StepError, Undone};
use crate::unit_state::UnitAction;

/// Stops units, in this order. They are one step because one may take another with it
/// (docker.service requires docker.socket): which of them ran has to be seen before the first
/// is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopUnits {
    /// Which.
    pub units: Vec<String>,
}

impl Action for StopUnits {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let mut active = Vec::new();
        for unit in &self.units {
            if context.host.unit_state(unit)?.is_active() {
                active.push(unit.clone());
            }
        }
        Ok(Before::Units { active })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        for unit in &self.units {
            context.host.unit_action(unit, UnitAction::Stop, STOP_LIMIT)?;
        }
        Ok(())
    }

    /// They run again once all files are as they were (see [`crate::apply`]).
    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}
