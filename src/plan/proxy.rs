//! The daemon's proxy: in daemon.json where the engine knows it there (23.0 and later), else in a
//! drop-in of its unit.

use serde_json::{Map, Value};

use super::files::{Directories, FilePlan, plan_text, take_away};
use super::{Inputs, PlanError};
use crate::desired::PROXY_DROP_IN;
use crate::file_state::parent_of;
use crate::render::proxy;

/// Adds the proxy to the keys of daemon.json that are wanted, if it belongs there.
pub(super) fn wanted_key(inputs: &Inputs<'_>, wanted: &mut Map<String, Value>) {
    if proxy::is_key(inputs.version)
        && let Some(value) = inputs.desired.proxy.as_ref().and_then(proxy::key)
    {
        wanted.insert(proxy::KEY.to_owned(), value);
    }
}

/// The drop-in: written, or taken away if the engine does not need it any more.
pub(super) fn plan(
    inputs: &Inputs<'_>,
    directories: &mut Directories<'_>,
    plan: &mut FilePlan,
) -> Result<(), PlanError> {
    let Some(wanted) = &inputs.desired.proxy else { return Ok(()) };
    let text = if proxy::is_key(inputs.version) { None } else { proxy::drop_in(wanted) };
    let changed = match text {
        Some(text) => {
            plan.steps.extend(directories.reach(parent_of(PROXY_DROP_IN).unwrap_or("/")));
            plan_text(inputs, plan, PROXY_DROP_IN, text)?
        }
        None => {
            let gone = take_away(inputs, PROXY_DROP_IN);
            let is_gone = gone.is_some();
            plan.steps.extend(gone);
            is_gone
        }
    };
    if changed {
        // A unit and its drop-ins are one to systemd.
        plan.units.insert("docker.service".to_owned());
    }
    Ok(())
}
