//! The daemon's proxy: in daemon.json where the engine knows it there (23.0 and later), else in a
//! drop-in of its unit.

use serde_json::{Map, Value};

use super::files::{Directories, FilePlan, plan_text};
use super::{Inputs, PlanError};
use crate::desired::PROXY_DROP_IN;
use crate::file_state::parent_of;
use crate::render::proxy;
use crate::steps::{RemoveFile, Step};
use crate::topology::release;

/// The first release that knows `proxies` in daemon.json.
const IN_DAEMON_JSON: (u32, u32) = (23, 0);

/// Adds the proxy to the keys of daemon.json that are wanted, if it belongs there.
pub(super) fn wanted_key(inputs: &Inputs<'_>, wanted: &mut Map<String, Value>) {
    if knows_key(inputs)
        && let Some(value) = inputs.desired.proxy.as_ref().and_then(proxy::key)
    {
        wanted.insert("proxies".to_owned(), value);
    }
}

/// The drop-in: written, or taken away if the engine does not need it any more.
pub(super) fn plan(
    inputs: &Inputs<'_>,
    directories: &mut Directories<'_>,
    plan: &mut FilePlan,
) -> Result<(), PlanError> {
    let Some(wanted) = &inputs.desired.proxy else { return Ok(()) };
    let text = if knows_key(inputs) { None } else { proxy::drop_in(wanted) };
    let changed = match text {
        Some(text) => {
            plan.steps.extend(directories.reach(parent_of(PROXY_DROP_IN).unwrap_or("/")));
            plan_text(inputs, plan, PROXY_DROP_IN, text)?
        }
        None => remove(inputs, plan),
    };
    if changed {
        // A unit and its drop-ins are one to systemd.
        plan.units.insert("docker.service".to_owned());
    }
    Ok(())
}

fn knows_key(inputs: &Inputs<'_>) -> bool {
    inputs.version.and_then(release).is_some_and(|release| release >= IN_DAEMON_JSON)
}

fn remove(inputs: &Inputs<'_>, plan: &mut FilePlan) -> bool {
    let is_ours = inputs.receipt.is_some_and(|receipt| receipt.paths().contains(PROXY_DROP_IN));
    let standing = inputs.facts.files.get(PROXY_DROP_IN).and_then(|file| file.sha256);
    let Some(sha256) = standing.filter(|_| is_ours) else { return false };
    let path = PROXY_DROP_IN.to_owned();
    plan.steps.push(Step::RemoveFile(RemoveFile { path, sha256 }));
    true
}
