//! Watches the engine's units for a while: a daemon that answers once may still die again and
//! again.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::host::clock::Moment;

/// How often the units are looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How many lines of a unit's log are shown if it did not stay up.
const LOG_LINES: u32 = 20;

/// Watches units; none may stop or start again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchUnits {
    /// Which.
    pub units: Vec<String>,
    /// For how many seconds.
    pub seconds: u64,
}

impl Action for WatchUnits {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let host = context.host;
        let began = Moment::now();
        let mut since = Vec::new();
        for unit in &self.units {
            since.push(host.unit_state(unit)?.active_since);
        }
        let deadline = Instant::now() + Duration::from_secs(self.seconds);
        while Instant::now() < deadline {
            host.interrupt().check()?;
            for (unit, since) in self.units.iter().zip(&since) {
                if since.is_none() || host.unit_state(unit)?.active_since != *since {
                    return Err(StepError::NotSteady {
                        unit: unit.clone(),
                        log: host.unit_log(unit, LOG_LINES, began),
                    });
                }
            }
            std::thread::sleep(LOOK_AGAIN.min(deadline.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }

    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}
