//! A change of daemon.json alone: programs, units and accounts stay as they are.

use serde_json::Map;

use super::files::{self, Directories, FilePlan};
use super::listeners::{self, Unit};
use super::repair::all_new;
use super::{
    EngineAction, Inputs, Plan, PlanError, SCHEMA, assembled, proxy, registries, security,
};
use crate::desired::DAEMON_JSON;
use crate::render::daemon_json;
use crate::topology::Topology;

/// Plans daemon.json with the keys that are desired. `repaired` is the text that stands for the one
/// on the host if that cannot be read: what the daemon knows of it is not certain then.
///
/// # Errors
/// [`PlanError`] as for an installation.
pub fn configure(inputs: &Inputs<'_>, repaired: Option<&str>) -> Result<Plan, PlanError> {
    let fresh = || FilePlan::empty(Topology::default());
    let mut plan = inputs.receipt.map_or_else(fresh, files::empty);
    let existing = match repaired {
        Some(text) => Some(text),
        None => files::standing_daemon_json(inputs)?,
    };
    let unit = Unit::Stays(plan.topology);
    let text = files::plan_daemon_json(inputs, &mut plan, existing, &Map::new(), unit)?;
    let mut directories = Directories::new(inputs);
    if let Some(text) = text.or_else(|| repaired.map(str::to_owned)) {
        plan.steps = directories.reach("/etc/docker");
        files::plan_text(inputs, &mut plan, DAEMON_JSON, text.clone())?;
        let command = inputs.facts.start_command.of_unit.as_deref();
        listeners::plan(inputs, &mut plan, &mut directories, command)?;
        if repaired.is_some() {
            let whole = daemon_json::merge(Some(&text), &Map::new(), &Map::new())?;
            plan.daemon_changes = all_new(&whole.value);
        }
    }
    registries::plan(inputs, &mut directories, &mut plan)?;
    proxy::plan(inputs, &mut directories, &mut plan)?;
    if plan.steps.is_empty() {
        return Ok(nothing(inputs, plan));
    }
    plan.steps.extend(security::labels(inputs, &plan.steps));
    Ok(assembled(inputs, plan))
}

/// The file is as it shall be.
fn nothing(inputs: &Inputs<'_>, files: FilePlan) -> Plan {
    Plan {
        schema: SCHEMA,
        version: inputs.version.map(str::to_owned),
        topology: files.topology,
        steps: Vec::new(),
        changes: Vec::new(),
        engine: EngineAction::None,
        stopping: Vec::new(),
        ending: Vec::new(),
        settings: Vec::new(),
        daemon: files.daemon,
    }
}
