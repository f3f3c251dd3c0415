//! The steps that bring the engine up and prove it.

use serde::{Deserialize, Serialize};

use super::files::FilePlan;
use super::{Inputs, Stops, security, swap};
use crate::desired::{SOCKET, UNIT_DIR};
use crate::receipt::Receipt;
use crate::render::daemon_json::{KeyChange, Verdict, verdict};
use crate::steps::{
    DaemonReload, GuardRuntime, LoadBundled, LoadImage, SmokeTest, Step, UnitStep, VerifyUnits,
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
    /// What comes before files that a running engine uses are changed.
    pub before: Vec<Step>,
    /// What comes after all files.
    pub steps: Vec<Step>,
    /// The containers that stop.
    pub stops: Stops,
    pub engine: EngineAction,
}

/// Programs that dockerd looks at once, at its start.
const HELPERS: [&str; 2] = ["docker-init", "docker-proxy"];

pub(super) fn plan(inputs: &Inputs<'_>, files: &FilePlan) -> ServicePlan {
    let guarded = inputs
        .receipt
        .is_some_and(|receipt| receipt.has(|step| matches!(step, Step::GuardRuntime(_))));
    let guard = || {
        Step::GuardRuntime(GuardRuntime {
            data: files.topology.data(&files.data_root, &files.containerd_root),
        })
    };
    if !inputs.facts.live {
        // The engine starts with the image's first boot; what it will change is noted now.
        let steps = if guarded { Vec::new() } else { vec![guard()] };
        let (before, stops) = (Vec::new(), Stops::default());
        return ServicePlan { before, steps, stops, engine: EngineAction::Image };
    }
    let mut steps = Vec::new();
    if !files.units.is_empty() {
        let paths = files.units.iter().map(|unit| format!("{UNIT_DIR}/{unit}")).collect();
        steps.push(Step::VerifyUnits(VerifyUnits { paths }));
        steps.push(Step::DaemonReload(DaemonReload {}));
    }
    let is_swap = swap::is_one(inputs, files);
    let limit = is_swap.then(|| swap::limit(inputs.facts.engine.as_ref()));
    let units = match limit {
        Some(limit) => swap::up(files, limit),
        None => unit_steps(inputs, files),
    };
    if !guarded && units.iter().any(|step| step.action == UnitAction::Start) {
        steps.push(guard());
    }
    steps.extend(security::data_root(inputs, &files.data_root));
    steps.extend(security::containerd_root(inputs, &files.containerd_root));
    let engine = if is_swap { EngineAction::Restart } else { engine_action(&units) };
    let touched = !units.is_empty();
    // Where programs are swapped, they are noted before the engine is stopped for that.
    let restarts = engine == EngineAction::Restart && !is_swap;
    steps.extend(restarts.then(|| swap::note_containers(inputs)).flatten());
    steps.extend(units.into_iter().map(Step::Unit));
    if touched {
        steps.push(swap::gate(inputs, limit));
    }
    if engine == EngineAction::Restart {
        steps.push(swap::resume());
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
    if engine == EngineAction::Restart {
        steps.extend(swap::watch(inputs, files));
    }
    let before = if is_swap { swap::down(inputs, files) } else { Vec::new() };
    let stops = match engine {
        EngineAction::Restart => swap::stops(inputs),
        _ => Stops::default(),
    };
    ServicePlan { before, steps, stops, engine }
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

/// What each unit has to do, in the order of starting: containerd, the socket, dockerd. The
/// daemons' own programs do not change here (see [`swap`]), or they do not run.
fn unit_steps(inputs: &Inputs<'_>, files: &FilePlan) -> Vec<UnitStep> {
    let active = |unit: &str| {
        inputs.facts.units.get(unit).is_some_and(crate::unit_state::UnitState::is_active)
    };
    let step = |unit: &str, action| UnitStep {
        unit: unit.to_owned(),
        action,
        revert: UnitAction::Restart,
        limit: None,
    };
    let mut steps = Vec::new();

    let modern = files.topology == Topology::Modern;
    if modern && !active("containerd.service") {
        steps.push(step("containerd.service", UnitAction::Start));
    } else if modern && files.units.contains("containerd.service") {
        // The shims, and with them the containers, run on.
        steps.push(step("containerd.service", UnitAction::Restart));
    }
    if modern && !active("docker.socket") {
        steps.push(step("docker.socket", UnitAction::Start));
    }
    let config = verdict(&files.daemon_changes);
    let socket_changed = files.units.contains("docker.socket");
    let restart = HELPERS.iter().any(|name| files.programs.contains(*name))
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

pub(super) fn image_steps(inputs: &Inputs<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = bundled_images(inputs).into_iter().collect();
    let archives = inputs
        .images
        .iter()
        .filter(|(_, sha256)| {
            // The bundle itself is among them where its images are to be loaded again.
            let is_bundle =
                inputs.archive.bundled.as_ref().is_some_and(|it| it.manifest == *sha256);
            !is_bundle && !inputs.receipt.is_some_and(|receipt| receipt.images.contains(sha256))
        })
        .map(|(archive, sha256)| {
            Step::LoadImage(LoadImage {
                archive: archive.clone(),
                sha256: *sha256,
                socket: SOCKET.to_owned(),
            })
        });
    steps.extend(archives);
    steps
}

/// Loads the images of the bundle, unless an earlier run did.
fn bundled_images(inputs: &Inputs<'_>) -> Option<Step> {
    let bundled = inputs.archive.bundled.as_ref().filter(|bundled| !bundled.images.is_empty())?;
    let loaded = |receipt: &Receipt| receipt.images.contains(&bundled.manifest);
    if inputs.receipt.is_some_and(loaded) {
        return None;
    }
    Some(Step::LoadBundled(LoadBundled {
        bundle: inputs.desired.source.archive.clone(),
        manifest: bundled.manifest,
        images: bundled.images.iter().map(|image| image.reference.clone()).collect(),
        socket: SOCKET.to_owned(),
    }))
}
