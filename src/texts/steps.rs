//! Steps and their undoing, in words.

use crate::file_state::Ownership;
use crate::host::memory_file;
use crate::online::Transaction;
use crate::receipt::Entry;
use crate::steps::{
    Before, CopyFile, DataPart, InstallBinary, InstallPackages, KeptReason, Step, Undone,
    WhenUpdated, WriteFile,
};
use crate::unit_state::UnitAction;

/// What a step does.
pub fn step(step: &Step) -> String {
    match step {
        Step::CreateDir(step) => format!("create directory {}", step.path),
        Step::CreateGroup(step) => match step.gid {
            Some(gid) => format!("create group {} with id {gid}", step.name),
            None => format!("create group {}", step.name),
        },
        Step::AddGroupMember(step) => format!("add user {} to group {}", step.user, step.group),
        Step::InstallBinary(step) => format!("install {}", step.path),
        Step::WriteFile(step) => format!("write {}", step.path),
        Step::CreateLink(step) => {
            let unit = step.target.rsplit('/').next().unwrap_or(&step.target);
            format!("enable {unit}")
        }
        Step::SetLabels(step) => {
            format!("give {} files the labels of SELinux policy {}", step.paths.len(), step.policy)
        }
        Step::LabelLike(step) => format!("have SELinux label {} like {}", step.path, step.like),
        Step::TrustPrograms(_) => "have fapolicyd trust the programs".to_owned(),
        Step::VerifyUnits(_) => "have systemd-analyze check the units".to_owned(),
        Step::DaemonReload(_) => "have systemd read its units again".to_owned(),
        Step::GuardBoot(_) => "have the next boot see to it, should the power be cut".to_owned(),
        Step::GuardRuntime(_) => {
            "note links, firewall rules and settings, to put them back on uninstall".to_owned()
        }
        Step::Unit(step) => {
            let verb = match step.action {
                UnitAction::Start => "start",
                UnitAction::Stop => "stop",
                UnitAction::Restart => "restart",
                UnitAction::Reload => "reload",
            };
            format!("{verb} {}", step.unit)
        }
        Step::WaitApi(step) => format!("wait for the API on {}", step.socket),
        Step::LoadImage(step) => format!("load images from {}", step.archive.display()),
        Step::LoadBundled(step) => format!("load the images of {}", step.bundle.display()),
        Step::SmokeTest(_) => "run a container and check what it says".to_owned(),
        Step::RemoveFile(step) => format!("remove {}", step.path),
        Step::RemoveLink(step) => format!("remove link {} to {}", step.path, step.target),
        Step::ResetFailed(step) => format!("have systemd forget that {} failed", step.unit),
        Step::SetMode(step) => {
            let Ownership { mode, uid, gid } = step.ownership;
            format!("give {} mode {mode:o} and owner {uid}:{gid}", step.path)
        }
        Step::SetSetting(step) => format!("set {} to {}", step.path, step.value),
        Step::Revert(step) => reverted(&step.entry),
        Step::NoteContainers(step) if step.stop => "stop the running containers".to_owned(),
        Step::NoteContainers(_) => "note which containers run".to_owned(),
        Step::ResumeContainers(_) => "start the containers again that ran before".to_owned(),
        Step::StopUnits(step) => format!("stop {}", step.units.join(", ")),
        Step::SnapshotMetadata(_) => {
            "keep what the engine knows of containers, images and networks".to_owned()
        }
        Step::WatchUnits(step) => format!("watch the units for {} s", step.seconds),
        Step::ExpectGone(_) => "check that no container outlived its engine".to_owned(),
        Step::CopyData(step) => {
            format!("copy {} to {} while it is in use", parts(&step.parts), step.to)
        }
        Step::SyncData(step) => {
            format!("copy what has changed in {} since, and compare", parts(&step.parts))
        }
        Step::RenamePaths(step) => format!("have containers and volumes name {}", step.to),
        Step::PlaceData(step) => format!("put the copy in its place in {}", step.to),
        Step::NoteInventory(_) => "note containers, images and volumes".to_owned(),
        Step::CopyFile(step) if step.source.starts_with(memory_file::PREFIX) => {
            format!("write {} (user and password, for root alone)", step.path)
        }
        Step::CopyFile(step) => {
            format!("copy {} to {}", step.source.display(), step.path)
        }
        Step::UpdateTrust(step) => match step.when {
            WhenUpdated::Made => format!("have the host trust it: {}", step.argv.join(" ")),
            WhenUpdated::Undone => "have the host forget it again, when this is undone".to_owned(),
        },
        Step::CheckInventory(step) => {
            format!("check that docker has all of them in {}", step.data_root)
        }
        Step::RefreshIndex(step) => format!("fetch the index of {}", step.source),
        Step::ImportKey(step) => format!("have rpm trust the key {}", step.fingerprint),
        Step::InstallPackages(step) => installs(step),
        Step::HoldPackages(step) => format!("keep {} at their versions", step.names.join(", ")),
        Step::EnableUnits(step) => format!("enable {}", step.units.join(", ")),
    }
}

fn parts(parts: &[DataPart]) -> String {
    let from: Vec<&str> = parts.iter().map(|part| part.from.as_str()).collect();
    from.join(" and ")
}

/// What the package manager does, a line for each package.
fn installs(step: &InstallPackages) -> String {
    let Transaction { install, change, remove } = &step.transaction;
    let mut text = format!("have {} install", step.manager.program());
    let asked = |name: &String| step.packages.contains_key(name);
    for (name, version) in install {
        let why = if asked(name) { "" } else { "  (needed by it)" };
        text.push_str(&format!("\n    + {name} {version}{why}"));
    }
    for (name, (from, to)) in change {
        text.push_str(&format!("\n    ~ {name} {from} → {to}"));
    }
    for (name, version) in remove {
        text.push_str(&format!("\n    - {name} {version}  (in its way)"));
    }
    text
}

/// What undoing that does.
fn uninstalls(step: &InstallPackages) -> String {
    let Transaction { install, change, remove } = &step.transaction;
    let mut parts = Vec::new();
    let names: Vec<&str> = install.keys().map(String::as_str).collect();
    if !names.is_empty() {
        parts.push(format!("remove {}", names.join(", ")));
    }
    let back: Vec<String> = change
        .iter()
        .map(|(name, (from, _))| format!("{name} {from}"))
        .chain(remove.iter().map(|(name, version)| format!("{name} {version}")))
        .collect();
    if !back.is_empty() {
        parts.push(format!("bring back {}", back.join(", ")));
    }
    format!("have {} {}", step.manager.program(), parts.join(", and "))
}

/// What undoing an entry of the receipt does.
fn reverted(entry: &Entry) -> String {
    let replaced = matches!(entry.before, Before::File { .. });
    match &entry.step {
        Step::CreateDir(step) => format!("remove directory {}", step.path),
        Step::CreateGroup(step) => format!("remove group {}", step.name),
        Step::AddGroupMember(step) => {
            format!("remove user {} from group {}", step.user, step.group)
        }
        Step::InstallBinary(InstallBinary { path, .. })
        | Step::CopyFile(CopyFile { path, .. })
        | Step::WriteFile(WriteFile { path, .. }) => {
            if replaced {
                format!("put back what was at {path}")
            } else {
                format!("remove {path}")
            }
        }
        Step::CreateLink(step) => {
            format!("disable {}", step.target.rsplit('/').next().unwrap_or(&step.target))
        }
        Step::GuardRuntime(_) => "put back links, firewall rules and settings".to_owned(),
        Step::RemoveFile(step) => format!("put back {}", step.path),
        Step::RemoveLink(step) => format!("put back the link {}", step.path),
        Step::SetMode(step) => format!("put back owner and mode of {}", step.path),
        Step::SetSetting(step) => format!("set {} back", step.path),
        Step::SetLabels(_) => "put back former SELinux labels".to_owned(),
        Step::LabelLike(step) => format!("have SELinux label {} as before", step.path),
        Step::TrustPrograms(step) => format!("put back what was in {}", step.path),
        Step::RefreshIndex(step) => format!("remove the index of {}", step.source),
        Step::ImportKey(step) => format!("have rpm forget the key {}", step.fingerprint),
        Step::InstallPackages(step) => uninstalls(step),
        Step::HoldPackages(step) => format!("let {} be upgraded again", step.names.join(", ")),
        Step::EnableUnits(step) => format!("disable {}", step.units.join(", ")),
        other => format!("undo: {}", step(other)),
    }
}

/// How a step was undone; `None` if there was nothing to undo.
pub fn undone(of: &Step, outcome: &Undone) -> Option<String> {
    match outcome {
        Undone::Unchanged => None,
        Undone::Removed => Some(format!("removed {}", of.path().unwrap_or_default())),
        Undone::Restored => Some(restored(of)),
        Undone::Kept { .. } => Some(kept(outcome)),
    }
}

fn restored(of: &Step) -> String {
    match of {
        Step::CreateDir(step) => format!("removed directory {}", step.path),
        Step::CreateGroup(step) => format!("removed group {}", step.name),
        Step::AddGroupMember(step) => {
            format!("removed user {} from group {}", step.user, step.group)
        }
        Step::InstallBinary(step) => format!("put back what was at {}", step.path),
        Step::WriteFile(step) => format!("put back what was at {}", step.path),
        Step::CopyFile(step) => format!("put back what was at {}", step.path),
        Step::UpdateTrust(_) => "the host trusts what it trusted before".to_owned(),
        Step::CreateLink(step) => {
            format!("disabled {}", step.target.rsplit('/').next().unwrap_or(&step.target))
        }
        Step::Unit(step) => format!("stopped {}", step.unit),
        Step::GuardRuntime(_) => {
            "put back links, firewall rules and settings; removed the engine's data".to_owned()
        }
        Step::RemoveFile(step) => format!("put back {}", step.path),
        Step::RemoveLink(step) => format!("put back the link {}", step.path),
        Step::SetMode(step) => format!("put back owner and mode of {}", step.path),
        Step::SetSetting(step) => format!("set {} back", step.path),
        Step::SnapshotMetadata(_) => {
            "put back what the engine knew of containers, images and networks".to_owned()
        }
        Step::SetLabels(_) => "put back former SELinux labels".to_owned(),
        Step::LabelLike(step) => format!("SELinux labels {} as before", step.path),
        Step::TrustPrograms(step) => format!("put back what was at {}", step.path),
        Step::Revert(step) => format!("back again: {}", self::step(&step.entry.step)),
        Step::GuardBoot(_) => "the next boot has nothing to see to".to_owned(),
        Step::CopyData(step) => format!("removed the copy in {}", step.to),
        Step::RefreshIndex(step) => format!("removed the index of {}", step.source),
        Step::ImportKey(step) => format!("rpm has forgotten the key {}", step.fingerprint),
        Step::InstallPackages(step) => format!("done: {}", uninstalls(step)),
        Step::HoldPackages(step) => format!("{} may be upgraded again", step.names.join(", ")),
        Step::EnableUnits(step) => format!("disabled {}", step.units.join(", ")),
        Step::VerifyUnits(_)
        | Step::NoteContainers(_)
        | Step::ResumeContainers(_)
        | Step::ExpectGone(_)
        | Step::SyncData(_)
        | Step::RenamePaths(_)
        | Step::PlaceData(_)
        | Step::NoteInventory(_)
        | Step::CheckInventory(_)
        | Step::StopUnits(_)
        | Step::WatchUnits(_)
        | Step::ResetFailed(_)
        | Step::DaemonReload(_)
        | Step::WaitApi(_)
        | Step::LoadImage(_)
        | Step::LoadBundled(_)
        | Step::SmokeTest(_) => format!("undone: {}", step(of)),
    }
}

/// What was left on purpose, and why.
pub fn kept(outcome: &Undone) -> String {
    let Undone::Kept { what, reason } = outcome else { return String::new() };
    match reason {
        KeptReason::ChangedSince => format!("kept {what}: it was changed after landfall wrote it"),
        KeptReason::NotEmpty => format!("kept {what}: it holds files that landfall did not make"),
        KeptReason::InUse => format!("kept {what}: it has members, or is a user's main group"),
        KeptReason::Data => {
            format!("kept images, containers and volumes in {what}; to delete them: rm -rf {what}")
        }
        KeptReason::Packages => format!(
            "left as they are: {what} (others need it, it was changed since, or no repository has it)"
        ),
    }
}
