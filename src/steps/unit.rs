//! Starts, restarts or reloads a unit.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::host::clock::Moment;
use crate::unit_state::UnitAction;

/// How long a unit may take to come up. Upstream's docker.service has no limit of its own
/// (`TimeoutStartSec=0`), since a large data directory takes minutes to read.
const START_LIMIT: Duration = Duration::from_secs(300);
/// How many lines of a failed unit's log are shown.
const LOG_LINES: u32 = 20;

/// Asks systemd to do something with a unit, and waits for the end of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitStep {
    /// The unit.
    pub unit: String,
    /// What it is asked.
    pub action: UnitAction,
    /// What makes a unit that ran before run as before again, once the files are back.
    pub revert: UnitAction,
    /// How many seconds it may take; `None` is the usual limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl Action for UnitStep {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Unit { active: context.host.unit_state(&self.unit)?.is_active() })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        if matches!(self.action, UnitAction::Start | UnitAction::Restart) {
            // Failed starts of an earlier try count towards the unit's start limit.
            context.host.reset_failed(&self.unit);
        }
        let began = Moment::now();
        let limit = self.limit.map_or(START_LIMIT, Duration::from_secs);
        context.host.unit_action(&self.unit, self.action, limit).map_err(|error| {
            let result = context.host.unit_state(&self.unit).map(|state| state.result);
            let message = match result {
                Ok(result) if !result.is_empty() && result != "success" => {
                    format!("result “{result}”")
                }
                _ => error.to_string(),
            };
            StepError::Unit {
                unit: self.unit.clone(),
                action: self.action.verb(),
                message,
                log: context.host.unit_log(&self.unit, LOG_LINES, began),
            }
        })
    }

    /// Stops what this step started. What ran before is brought back together, once all
    /// files are as they were (see [`crate::apply`]).
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        if self.action != UnitAction::Start || *before != (Before::Unit { active: false }) {
            return Ok(Undone::Unchanged);
        }
        if !context.host.unit_state(&self.unit)?.is_active() {
            context.host.reset_failed(&self.unit);
            return Ok(Undone::Unchanged);
        }
        context.host.unit_action(&self.unit, UnitAction::Stop, START_LIMIT)?;
        context.host.reset_failed(&self.unit);
        Ok(Undone::Restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    /// What ran before is not stopped by undoing: systemd is not even asked (there is none for
    /// this root, so that asking would be an error).
    #[test]
    fn undoing_leaves_what_ran_before() {
        let bed = Bed::new(&[]);
        for (action, active) in [
            (UnitAction::Start, true),
            (UnitAction::Restart, true),
            (UnitAction::Reload, true),
            (UnitAction::Stop, true),
            (UnitAction::Restart, false),
        ] {
            let step = UnitStep {
                unit: "docker.service".to_owned(),
                action,
                revert: UnitAction::Restart,
                limit: None,
            };
            assert_eq!(bed.undo(&step, &Before::Unit { active }), Undone::Unchanged, "{action:?}");
        }
    }
}
