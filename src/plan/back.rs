//! Going back: entries of the receipt, undone in reverse, as the steps of a plan.

use std::collections::BTreeSet;

use serde_json::Map;

use super::swap;
use crate::desired::DAEMON_JSON;
use crate::facts::engine::RunningEngine;
use crate::installed;
use crate::receipt::{Entry, Receipt, merged};
use crate::steps::{
    Before, DaemonReload, ExpectGone, NoteContainers, ResetFailed, ResumeContainers, Revert, Step,
    StopUnits, UnitStep, WaitApi,
};
use crate::topology::ALL_UNITS;
use crate::unit_state::UnitAction;

/// The order in which units are stopped: first the socket, so that nothing starts docker again.
const STOP_ORDER: [&str; 3] = ["docker.socket", "docker.service", "containerd.service"];

/// What is to be taken back.
pub struct Back<'a> {
    /// The entries, oldest first.
    pub entries: &'a [Entry],
    /// The units of the engine that run; none of an image's.
    pub active: &'a BTreeSet<String>,
    /// Files go also if they were changed after Landfall wrote them.
    pub changed_too: bool,
    /// What the engine knew of containers, images and networks comes back, and what it came to
    /// know since is forgotten.
    pub metadata: bool,
    /// The engine that runs and answers, if one does.
    pub engine: Option<&'a RunningEngine>,
    /// What takes daemon.json back, where others have written it too (see [`super::unmerge`]).
    pub daemon_json: Option<Vec<Step>>,
}

/// The steps that take everything back: the engine stops, and is gone.
pub fn uninstall(back: &Back<'_>) -> Vec<Step> {
    let ours = paths(back.entries);
    let is_packages = |entry: &Entry| matches!(entry.step, Step::InstallPackages(_));
    let packaged = back.entries.iter().any(is_packages);
    let is_ours = |unit: &&str| packaged || ours.iter().any(|path| is_unit(path, unit));
    let units: Vec<&str> = STOP_ORDER.into_iter().filter(is_ours).collect();
    let active: Vec<&str> =
        units.iter().copied().filter(|unit| back.active.contains(*unit)).collect();
    let mut steps = Vec::new();
    if active.contains(&"docker.service") {
        steps.push(Step::NoteContainers(NoteContainers { stop: true }));
    }
    if !active.is_empty() {
        steps.push(stop(&active));
    }
    let shims: Vec<String> = ours
        .iter()
        .filter(|path| path.rsplit('/').next().is_some_and(|name| swap::SHIMS.contains(&name)))
        .map(|path| (*path).to_owned())
        .collect();
    if !active.is_empty() && !shims.is_empty() {
        steps.push(Step::ExpectGone(ExpectGone { programs: shims }));
    }
    let of_units = reverts(back, &mut steps);
    if of_units && !active.is_empty() {
        steps.push(Step::DaemonReload(DaemonReload {}));
        // A unit that ended badly would be listed as failed for ever.
        let forget = |unit: &&str| Step::ResetFailed(ResetFailed { unit: (*unit).to_owned() });
        steps.extend(active.iter().map(forget));
    }
    steps
}

/// The steps that go back to what `after` describes: the engine that ran then runs again, with
/// the containers that run now, and is looked at as it was then.
pub fn rollback(back: &Back<'_>, now: &Receipt, after: &Receipt) -> Vec<Step> {
    // One that others use as well is not touched where only docker changes.
    let of_containerd = back.entries.iter().any(|entry| {
        let path = entry.step.path().unwrap_or_default();
        matches!(entry.step, Step::InstallBinary(_) | Step::InstallPackages(_))
            || path.contains("/containerd.service")
    });
    let running: Vec<&str> = ALL_UNITS
        .into_iter()
        .filter(|unit| back.active.contains(*unit))
        .filter(|unit| of_containerd || *unit != "containerd.service")
        .collect();
    // As forward: what is started anew for each container changes beneath a running engine.
    let swaps = back.entries.iter().any(|entry| match &entry.step {
        Step::InstallBinary(step) => swap::is_daemon(&step.path),
        Step::InstallPackages(_) => true,
        step => step.touches_units() && matches!(step, Step::WriteFile(_)),
    });
    let programs = back.entries.iter().any(|entry| matches!(entry.step, Step::InstallBinary(_)));
    let up: Vec<UnitStep> = if swaps {
        running.iter().map(|unit| unit_action(unit, UnitAction::Start)).collect()
    } else {
        followers(back)
    };
    let mut steps = Vec::new();
    let disturbs =
        up.iter().any(|step| step.unit == "docker.service" && step.action != UnitAction::Reload);
    if disturbs && running.contains(&"docker.service") {
        // Containers that are kept while the daemon is down would go on in the data of now. One
        // that answers nothing is asked again when it is to stop its containers.
        let moves = installed::data_root(now) != installed::data_root(after);
        let stop = back.engine.is_none_or(|engine| {
            let forgets = (back.metadata || moves) && engine.live_restore;
            forgets || swap::has_to_stop(engine, after.version.as_deref())
        });
        steps.push(Step::NoteContainers(NoteContainers { stop }));
    }
    if swaps && !running.is_empty() {
        steps.push(stop(&running));
    }
    let of_units = reverts(back, &mut steps);
    if of_units && !running.is_empty() {
        steps.push(Step::DaemonReload(DaemonReload {}));
    }
    let touched = !up.is_empty();
    steps.extend(up.into_iter().map(Step::Unit));
    if touched {
        let gate = last(after, |step| matches!(step, Step::WaitApi(_)));
        steps.extend(gate.map(|step| match step {
            // What others had made of its settings before it was repaired is not to be followed.
            Step::WaitApi(gate) if undoes_a_repair(back, now, after) => {
                Step::WaitApi(WaitApi { settings: Map::new(), ..gate })
            }
            step => step,
        }));
    }
    if disturbs {
        steps.push(Step::ResumeContainers(ResumeContainers {}));
    }
    if disturbs || (programs && running.contains(&"docker.service")) {
        steps.extend(last(after, |step| matches!(step, Step::SmokeTest(_))));
    }
    steps
}

/// What has to follow the files of a change of configuration alone.
fn followers(back: &Back<'_>) -> Vec<UnitStep> {
    let mut seen = BTreeSet::new();
    let mut steps = Vec::new();
    for Entry { step, before } in back.entries {
        let Step::Unit(step) = step else { continue };
        let ran = *before == (Before::Unit { active: true });
        if seen.insert(step.unit.as_str()) && ran && back.active.contains(&step.unit) {
            steps.push(UnitStep { action: step.revert, ..step.clone() });
        }
    }
    steps
}

fn last(receipt: &Receipt, is: impl Fn(&Step) -> bool) -> Option<Step> {
    receipt.entries.iter().rev().map(|entry| &entry.step).find(|step| is(step)).cloned()
}

/// Whether daemon.json was written though Landfall's own keys are the same before and after.
fn undoes_a_repair(back: &Back<'_>, now: &Receipt, after: &Receipt) -> bool {
    now.daemon == after.daemon && paths(back.entries).contains(DAEMON_JSON)
}

/// Adds the undoing of every entry that left something; `true` if units are among it.
fn reverts(back: &Back<'_>, steps: &mut Vec<Step>) -> bool {
    let mut of_units = false;
    for entry in merged(back.entries).into_iter().rev() {
        let is_metadata = back.metadata && matches!(entry.step, Step::SnapshotMetadata(_));
        // What was taken over stays as it is.
        let is_kept = entry.before == Before::Adopted || !leaves_something(&entry.step);
        if !is_metadata && is_kept {
            continue;
        }
        if entry.step.path() == Some(DAEMON_JSON)
            && let Some(instead) = &back.daemon_json
        {
            steps.extend(instead.iter().cloned());
            continue;
        }
        of_units = of_units || entry.step.touches_units();
        let entry = Box::new(entry);
        steps.push(Step::Revert(Revert { entry, changed_too: back.changed_too }));
    }
    of_units
}

/// Whether there is something to undo after a step, apart from what runs.
fn leaves_something(step: &Step) -> bool {
    match step {
        Step::CreateDir(_)
        | Step::CreateGroup(_)
        | Step::AddGroupMember(_)
        | Step::InstallBinary(_)
        | Step::WriteFile(_)
        | Step::CopyFile(_)
        | Step::UpdateTrust(_)
        | Step::CreateLink(_)
        | Step::SetLabels(_)
        | Step::LabelLike(_)
        | Step::TrustPrograms(_)
        | Step::GuardRuntime(_)
        | Step::RemoveFile(_)
        | Step::RemoveLink(_)
        | Step::SetMode(_)
        | Step::SetSetting(_)
        | Step::RefreshIndex(_)
        | Step::ImportKey(_)
        | Step::InstallPackages(_)
        | Step::HoldPackages(_)
        | Step::EnableUnits(_) => true,
        Step::GuardBoot(_)
        | Step::VerifyUnits(_)
        | Step::DaemonReload(_)
        | Step::Unit(_)
        | Step::WaitApi(_)
        | Step::LoadImage(_)
        | Step::LoadBundled(_)
        | Step::SmokeTest(_)
        | Step::ResetFailed(_)
        | Step::Revert(_)
        | Step::NoteContainers(_)
        | Step::ResumeContainers(_)
        | Step::StopUnits(_)
        | Step::SnapshotMetadata(_)
        | Step::WatchUnits(_)
        | Step::ExpectGone(_)
        | Step::CopyData(_)
        | Step::SyncData(_)
        | Step::RenamePaths(_)
        | Step::PlaceData(_)
        | Step::NoteInventory(_)
        | Step::CheckInventory(_) => false,
    }
}

/// Whether this is the file of a unit; one that was taken over may lie beneath /usr/lib.
fn is_unit(path: &str, unit: &str) -> bool {
    path.strip_suffix(unit).is_some_and(|directory| directory.ends_with("/systemd/system/"))
}

fn paths(entries: &[Entry]) -> BTreeSet<&str> {
    entries.iter().filter_map(|entry| entry.step.path()).collect()
}

fn unit_action(unit: &str, action: UnitAction) -> UnitStep {
    UnitStep { unit: unit.to_owned(), action, revert: UnitAction::Restart, limit: None }
}

/// Stops these units.
pub(super) fn stop(units: &[&str]) -> Step {
    let units = STOP_ORDER.iter().filter(|unit| units.contains(unit));
    Step::StopUnits(StopUnits { units: units.map(|unit| (*unit).to_owned()).collect() })
}
