//! The steps that bring the engine up and prove it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::files::FilePlan;
use super::{Inputs, security};
use crate::desired::{SOCKET, UNIT_DIR};
use crate::render::daemon_json::{KeyChange, Verdict, verdict};
use crate::steps::{
    DaemonReload, GuardRuntime, LoadImage, SmokeTest, Step, UnitStep, VerifyUnits, WaitApi,
};
use crate::topology::Topology;
use crate::unit_state::UnitAction;

/// What happens to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineAction {
    /// Nothing.
    None,
    /// It is started.
    Start,
    /// It reads its configuration again; containers run on.
    Reload,
    /// It is restarted, which stops containers unless live-restore is on.
    Restart,
    /// containerd alone is restarted; containers run on.
    Containerd,
    /// Nothing can be started in an image.
    Image,
}

/// The service part of a plan.
pub(super) struct ServicePlan {
    pub steps: Vec<Step>,
    pub engine: EngineAction,
}

/// Programs that dockerd's service runs from.
const DOCKERD: [&str; 3] = ["dockerd", "docker-init", "docker-proxy"];

pub(super) fn plan(inputs: &Inputs<'_>, files: &FilePlan) -> ServicePlan {
    let guarded = inputs
        .receipt
        .is_some_and(|receipt| receipt.has(|step| matches!(step, Step::GuardRuntime(_))));
    let guard = || Step::GuardRuntime(GuardRuntime { data: files.topology.data(&files.data_root) });
    if !inputs.facts.live {
        // The engine starts with the image's first boot; what it will change is noted now.
        let steps = if guarded { Vec::new() } else { vec![guard()] };
        return ServicePlan { steps, engine: EngineAction::Image };
    }
    let mut steps = Vec::new();
    if !files.units.is_empty() {
        let paths = files.units.iter().map(|unit| format!("{UNIT_DIR}/{unit}")).collect();
        steps.push(Step::VerifyUnits(VerifyUnits { paths }));
        steps.push(Step::DaemonReload(DaemonReload {}));
    }
    let units = unit_steps(inputs, files);
    if !guarded && units.iter().any(|step| step.action == UnitAction::Start) {
        steps.push(guard());
    }
    steps.extend(security::data_root(inputs, &files.data_root));
    let engine = engine_action(&units);
    let touched = !units.is_empty();
    steps.extend(units.into_iter().map(Step::Unit));
    if touched {
        steps.push(Step::WaitApi(WaitApi {
            socket: SOCKET.to_owned(),
            group: inputs.desired.group.name.clone(),
            version: inputs.version.map(str::to_owned),
            settings: inputs.desired.daemon.clone(),
        }));
    }
    steps.extend(image_steps(inputs));
    let is_new = matches!(engine, EngineAction::Start | EngineAction::Restart);
    if (is_new || !files.programs.is_empty()) && inputs.desired.smoke_test {
        steps.push(Step::SmokeTest(SmokeTest {
            socket: SOCKET.to_owned(),
            // The default network, unless daemon.json says that there is none.
            network: files.bridge.clone().filter(|bridge| bridge == "none"),
        }));
    }
    ServicePlan { steps, engine }
}

fn engine_action(units: &[UnitStep]) -> EngineAction {
    match units.iter().rev().find(|step| step.unit == "docker.service").map(|step| step.action) {
        Some(UnitAction::Start) => EngineAction::Start,
        Some(UnitAction::Reload) => EngineAction::Reload,
        Some(UnitAction::Restart | UnitAction::Stop) => EngineAction::Restart,
        None if units.is_empty() => EngineAction::None,
        None => EngineAction::Containerd,
    }
}

/// Programs of the containerd that dockerd's service starts in the classic topology.
const CONTAINERD: [&str; 2] = ["containerd", "docker-containerd"];

/// What each unit has to do, in the order of starting: containerd, the socket, dockerd.
fn unit_steps(inputs: &Inputs<'_>, files: &FilePlan) -> Vec<UnitStep> {
    let active = |unit: &str| {
        inputs.facts.units.get(unit).is_some_and(crate::unit_state::UnitState::is_active)
    };
    let any = |names: &[&str], changed: &BTreeSet<String>| {
        names.iter().any(|name| changed.contains(*name))
    };
    let step = |unit: &str, action| UnitStep {
        unit: unit.to_owned(),
        action,
        revert: UnitAction::Restart,
    };
    let mut steps = Vec::new();

    let modern = files.topology == Topology::Modern;
    if modern && !active("containerd.service") {
        steps.push(step("containerd.service", UnitAction::Start));
    } else if modern
        && (any(&["containerd"], &files.programs) || files.units.contains("containerd.service"))
    {
        // The shims, and with them the containers, run on; runc and the shim itself are
        // started anew for each container.
        steps.push(step("containerd.service", UnitAction::Restart));
    }
    if modern && !active("docker.socket") {
        steps.push(step("docker.socket", UnitAction::Start));
    }
    let config = verdict(&files.daemon_changes);
    let socket_changed = files.units.contains("docker.socket");
    let restart = any(&DOCKERD, &files.programs)
        || (!modern && any(&CONTAINERD, &files.programs))
        || files.units.contains("docker.service")
        || socket_changed
        || config == Verdict::Restart;
    if !active("docker.service") {
        steps.push(step("docker.service", UnitAction::Start));
    } else if restart {
        if socket_changed && active("docker.socket") {
            // systemd gives a socket new settings only while its service is down.
            steps.push(step("docker.service", UnitAction::Stop));
            steps.push(step("docker.socket", UnitAction::Restart));
        }
        steps.push(step("docker.service", UnitAction::Restart));
    } else if config == Verdict::Reload {
        let back: Vec<KeyChange> = files.daemon_changes.iter().map(KeyChange::reversed).collect();
        let revert = match verdict(&back) {
            Verdict::Restart => UnitAction::Restart,
            Verdict::Reload | Verdict::Nothing => UnitAction::Reload,
        };
        steps.push(UnitStep { revert, ..step("docker.service", UnitAction::Reload) });
    }
    steps
}

fn image_steps(inputs: &Inputs<'_>) -> Vec<Step> {
    inputs
        .images
        .iter()
        .filter(|(_, sha256)| {
            !inputs.receipt.is_some_and(|receipt| receipt.images.contains(sha256))
        })
        .map(|(archive, sha256)| {
            Step::LoadImage(LoadImage {
                archive: archive.clone(),
                sha256: *sha256,
                socket: SOCKET.to_owned(),
            })
        })
        .collect()
}
