//! Kernel settings that last over reboots.

use super::files::{Directories, FilePlan, plan_text, take_away};
use super::{Inputs, PlanError};
use crate::file_state::parent_of;
use crate::render::kernel_settings::{FORWARDING, FORWARDING_TEXT, MODULES, modules};
use crate::steps::{SetSetting, Step};

/// Modules that are loaded at boot, and forwarding, which is turned on at once too. What is not
/// known, or not asked for, stays as it is.
pub(super) fn plan(
    inputs: &Inputs<'_>,
    directories: &mut Directories<'_>,
    plan: &mut FilePlan,
) -> Result<(), PlanError> {
    let (wanted, facts) = (inputs.desired.kernel, inputs.facts);
    if wanted.modules == Some(false) {
        plan.steps.extend(take_away(inputs, MODULES));
    } else if let Some(text) = modules(&facts.kernel) {
        plan.steps.extend(directories.reach(parent_of(MODULES).unwrap_or("/")));
        plan_text(inputs, plan, MODULES, text)?;
    }
    match wanted.forwarding {
        None => {}
        Some(false) => plan.steps.extend(take_away(inputs, FORWARDING)),
        Some(true) => {
            plan.steps.extend(directories.reach(parent_of(FORWARDING).unwrap_or("/")));
            plan_text(inputs, plan, FORWARDING, FORWARDING_TEXT.to_owned())?;
            if facts.network.forwarding.ipv4 == Some(false) {
                plan.steps.push(Step::SetSetting(SetSetting {
                    path: "/proc/sys/net/ipv4/ip_forward".to_owned(),
                    value: "1".to_owned(),
                }));
            }
        }
    }
    Ok(())
}
