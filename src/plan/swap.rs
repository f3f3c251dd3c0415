//! Programs of an engine that runs are swapped while it is down: what comes before the first
//! file changes, and what is asked of the new engine.

use super::files::FilePlan;
use super::{Inputs, Stops, back};
use crate::desired::SOCKET;
use crate::facts::engine::RunningEngine;
use crate::steps::{
    NoteContainers, ResumeContainers, SnapshotMetadata, Step, UnitStep, WaitApi, WatchUnits,
};
use crate::topology::{ALL_UNITS, release};
use crate::unit_state::{UnitAction, UnitState};

/// The programs that go on running as long as the engine does. All others are started anew for
/// each container, and may change beneath it.
const DAEMONS: [&str; 3] = ["dockerd", "containerd", "docker-containerd"];

/// The programs that hold a container, in archives of any age.
pub(super) const SHIMS: [&str; 3] =
    ["containerd-shim", "containerd-shim-runc-v2", "docker-containerd-shim"];

/// The units of the engine that run now.
pub(super) fn active<'a>(inputs: &'a Inputs<'_>) -> impl Iterator<Item = &'static str> + 'a {
    let is_active = |unit: &&str| inputs.facts.units.get(*unit).is_some_and(UnitState::is_active);
    ALL_UNITS.into_iter().filter(is_active)
}

/// Whether a program, by its path or name, goes on running as long as the engine does.
pub(super) fn is_daemon(program: &str) -> bool {
    DAEMONS.contains(&program.rsplit('/').next().unwrap_or(program))
}

/// Whether a daemon that runs is replaced.
pub(super) fn is_one(inputs: &Inputs<'_>, files: &FilePlan) -> bool {
    let daemon = files.programs.iter().any(|name| is_daemon(name));
    daemon && inputs.facts.live && active(inputs).next().is_some()
}

/// What comes before the first program is swapped: nothing of the engine runs then, and nothing
/// starts it.
pub(super) fn down(inputs: &Inputs<'_>, files: &FilePlan) -> Vec<Step> {
    let units: Vec<&str> = active(inputs).collect();
    let mut steps = Vec::from_iter(note_containers(inputs));
    steps.push(back::stop(&units));
    steps.push(Step::SnapshotMetadata(SnapshotMetadata {
        data_root: files.data_root.clone(),
        containerd_root: files.containerd_root.clone(),
    }));
    steps
}

/// Notes the containers of an engine that will be restarted, if one runs.
pub(super) fn note_containers(inputs: &Inputs<'_>) -> Option<Step> {
    let runs = active(inputs).any(|unit| unit == "docker.service");
    let engine = inputs.facts.engine.as_ref();
    let stop = engine.is_some_and(|engine| has_to_stop(engine, inputs.version));
    runs.then_some(Step::NoteContainers(NoteContainers { stop }))
}

/// Whether containers have to be stopped by us before this version takes the engine's place, or
/// comes back: a daemon with live-restore leaves them running,
/// and promises to take them over only within its own release line, and not in a Swarm (Docker's
/// documentation, "Live restore"). One without live-restore stops them itself, all at once.
pub(super) fn has_to_stop(engine: &RunningEngine, version: Option<&str>) -> bool {
    let same_line =
        release(&engine.version).is_some() && version.and_then(release) == release(&engine.version);
    engine.live_restore && (engine.swarm || !same_line)
}

/// The containers that stop for a while: all, unless live-restore keeps them.
pub(super) fn stops(inputs: &Inputs<'_>) -> Stops {
    let Some(engine) = &inputs.facts.engine else { return Stops::default() };
    let run_on = engine.live_restore && !has_to_stop(engine, inputs.version);
    if run_on {
        Stops::in_spite_of_live_restore(engine, inputs.version)
    } else {
        Stops::all(engine)
    }
}

/// How the units come up again.
pub(super) fn up(files: &FilePlan, limit: u64) -> Vec<UnitStep> {
    let start = |unit: &&str| UnitStep {
        unit: (*unit).to_owned(),
        action: UnitAction::Start,
        revert: UnitAction::Restart,
        limit: Some(limit),
    };
    files.topology.units().iter().map(start).collect()
}

/// What the engine is asked once its units are up.
pub(super) fn gate(inputs: &Inputs<'_>, limit: Option<u64>) -> Step {
    Step::WaitApi(WaitApi {
        socket: SOCKET.to_owned(),
        group: inputs.desired.group.name.clone(),
        version: inputs.version.map(str::to_owned),
        settings: inputs.desired.daemon.clone(),
        limit,
    })
}

/// The containers that ran run again.
pub(super) fn resume() -> Step {
    Step::ResumeContainers(ResumeContainers {})
}

/// The units stay up.
pub(super) fn watch(inputs: &Inputs<'_>, files: &FilePlan) -> Option<Step> {
    let seconds = inputs.desired.watch.filter(|seconds| *seconds > 0)?;
    let units = files.topology.units().iter().map(|unit| (*unit).to_owned()).collect();
    Some(Step::WatchUnits(WatchUnits { units, seconds }))
}

/// How long the units may take, in seconds: dockerd reads every container and every layer of
/// every image before it is ready.
pub(super) fn limit(engine: Option<&RunningEngine>) -> u64 {
    let (containers, images) = engine.map_or((0, 0), |engine| (engine.containers, engine.images));
    (LEAST + 2 * containers + images).min(MOST)
}

/// What an engine without containers and images gets, on a slow disk.
const LEAST: u64 = 120;
/// After that an operator shall be told.
const MOST: u64 = 1800;
