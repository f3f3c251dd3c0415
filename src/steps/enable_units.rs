//! Has systemd start units at boot, whatever the distribution's presets say.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};

const LIMIT: Duration = Duration::from_secs(60);

/// Has systemd start units at boot, as their `[Install]` sections say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnableUnits {
    /// Which.
    pub units: Vec<String>,
}

impl Action for EnableUnits {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let mut units = Vec::new();
        for unit in &self.units {
            if is_enabled(context, unit)? {
                units.push(unit.clone());
            }
        }
        Ok(Before::Enabled { units })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let units: Vec<&str> = self.units.iter().map(String::as_str).collect();
        context.host.run_ok(&[&["systemctl", "enable", "--"], units.as_slice()].concat(), LIMIT)?;
        Ok(())
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let Before::Enabled { units: kept } = before else { return Ok(Undone::Unchanged) };
        let mut outcome = Undone::Unchanged;
        for unit in self.units.iter().rev().filter(|unit| !kept.contains(unit)) {
            if is_enabled(context, unit)? {
                context.host.run_ok(&["systemctl", "disable", "--", unit], LIMIT)?;
                outcome = Undone::Restored;
            }
        }
        Ok(outcome)
    }
}

/// A unit that is not there is not enabled.
fn is_enabled(context: &Context<'_>, unit: &str) -> Result<bool, StepError> {
    let answer = context.host.run(&["systemctl", "is-enabled", "--", unit], LIMIT)?;
    Ok(answer.stdout.trim() == "enabled")
}
