//! Desired + facts + archive (+ receipt) → plan. Pure: values in, values out.

pub mod back;
mod changes;
mod configure;
mod effects;
mod files;
mod guard;
mod kernel;
mod listeners;
pub mod migrate;
mod online;
mod proxy;
mod registries;
pub mod repair;
mod security;
mod services;
pub mod stops;
mod swap;
mod topology;
pub mod unmerge;
mod wanted;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::bundle::Archive;
use crate::desired::Desired;
use crate::digest::Digest;
use crate::facts::Facts;
use crate::receipt::Receipt;
use crate::render::daemon_json::DaemonJsonError;
use crate::render::units::RenderError;
use crate::steps::Step;
use crate::topology::Topology;

pub use changes::{Change, ChangeKind};
pub use configure::configure;
pub use effects::Effect;
pub use guard::guarded;
pub use listeners::FlagConflict;
pub use online::{online, wanted as wanted_online};
pub use services::EngineAction;
pub use stops::Stops;
pub use topology::topology;
pub use wanted::wanted;

/// What shall be done to a host, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this format.
    pub schema: u32,
    /// The engine's version, from the archive's name.
    pub version: Option<String>,
    /// Which units run the engine.
    #[serde(default)]
    pub topology: Topology,
    /// The steps.
    pub steps: Vec<Step>,
    /// What changes in which file.
    pub changes: Vec<Change>,
    /// What happens to the engine.
    pub engine: EngineAction,
    /// Names of the containers that stop for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopping: Vec<String>,
    /// Names of the containers that are gone once they stop (`docker run --rm`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ending: Vec<String>,
    /// What the changed keys of daemon.json mean for an engine that runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Effect>,
    /// All keys of daemon.json that Landfall will have set, for the receipt.
    pub daemon: Map<String, Value>,
}

/// The version of the plan format that this Landfall writes.
pub const SCHEMA: u32 = 1;

/// What a plan is made from.
pub struct Inputs<'a> {
    /// What the host shall be.
    pub desired: &'a Desired,
    /// What it is.
    pub facts: &'a Facts,
    /// What the archive holds.
    pub archive: &'a Archive,
    /// The engine's version, from the archive's name.
    pub version: Option<&'a str>,
    /// The directory in which programs are staged, without a trailing slash.
    pub staging: &'a str,
    /// Archives of images, with their digests.
    pub images: &'a [(PathBuf, Digest)],
    /// What earlier runs did.
    pub receipt: Option<&'a Receipt>,
}

/// Why no plan can be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The existing daemon.json cannot be merged with.
    DaemonJson(#[from] DaemonJsonError),
    /// Keys of daemon.json that the daemon's command line says too: it does not start with both.
    SetByFlag(Vec<FlagConflict>),
    /// The engine's data would be left behind.
    DataRootMoves {
        /// Where the data are.
        from: String,
        /// Where they would be looked for.
        to: String,
    },
    /// A unit cannot be rendered.
    Render(#[from] RenderError),
    /// The engine is installed with the other units.
    UnitStyleKept {
        /// What the host has.
        installed: Topology,
        /// What was asked for.
        asked: Topology,
    },
    /// The engine is of the time before containerd was a program of its own.
    NeedsClassic {
        /// Its version.
        version: Option<String>,
        /// Whether the host has the modern units already; else they were asked for.
        installed: bool,
    },
    /// `group` in daemon.json names another group than the one that shall own the socket.
    GroupTwice {
        /// What daemon.json is wanted to say.
        daemon: String,
        /// The group that was asked for.
        group: String,
    },
    /// `hosts` in daemon.json leaves out the socket that the engine is reached by.
    SocketNotServed,
    /// `containerd` in daemon.json names one that dockerd would use instead of its own.
    ForeignContainerd,
    /// Keys that would stand in daemon.json and that this engine does not know.
    KeysUnknown(Vec<DaemonJsonError>),
    /// A file that has to be edited is not text.
    NotText(String),
}

/// Makes the plan.
///
/// # Errors
/// [`PlanError`] if files that stand there cannot be merged with.
pub fn make(inputs: &Inputs<'_>) -> Result<Plan, PlanError> {
    let layout = Some(inputs.archive.layout());
    let topology = topology(inputs.desired, inputs.version, layout, inputs.receipt)?;
    let files = files::plan(inputs, topology)?;
    Ok(assembled(inputs, files))
}

/// The steps that change files, and those that bring the engine up with them.
fn assembled(inputs: &Inputs<'_>, files: files::FilePlan) -> Plan {
    let services = services::plan(inputs, &files);
    let runs = matches!(services.engine, EngineAction::Reload | EngineAction::Restart);
    let settings = if runs { effects::effects(&files.daemon_changes) } else { Vec::new() };
    let mut steps = files.steps;
    // What needs no silence of the engine is done before.
    let first = steps.iter().position(|step| {
        matches!(step, Step::InstallBinary(_) | Step::WriteFile(_) | Step::TrustPrograms(_))
    });
    let at = first.unwrap_or(steps.len());
    steps.splice(at..at, services.before);
    steps.extend(services.steps);
    Plan {
        schema: SCHEMA,
        version: inputs.version.map(str::to_owned),
        topology: files.topology,
        steps: guarded(steps, inputs.facts.live.then_some(inputs.staging)),
        changes: files.changes,
        engine: services.engine,
        stopping: services.stops.stopping,
        ending: services.stops.ending,
        settings,
        daemon: files.daemon,
    }
}

impl Plan {
    /// Whether the host is already as it shall be.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
