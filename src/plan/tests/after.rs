//! The host as a plan leaves it, if every step does what it says.

use super::World;
use crate::digest::Digest;
use crate::facts::{FileFact, Group};
use crate::file_state::{FileKind, FileState, Ownership};
use crate::plan::Plan;
use crate::receipt::{Entry, Receipt, SCHEMA};
use crate::render::trust;
use crate::steps::{Before, Step};
use crate::unit_state::{UnitAction, UnitState};

impl World {
    /// Carries a plan out on paper.
    pub(super) fn after(&self, plan: &Plan) -> Self {
        let mut facts = self.facts.clone();
        for step in &plan.steps {
            match step {
                Step::CreateDir(step) => {
                    facts.files.insert(step.path.clone(), directory(step.ownership));
                }
                Step::InstallBinary(step) => {
                    let file = file(step.ownership, step.size, step.sha256, None);
                    facts.files.insert(step.path.clone(), file);
                }
                Step::WriteFile(step) => {
                    let sha256 = Digest::of(step.text.as_bytes());
                    let size = step.text.len() as u64;
                    let file = file(step.ownership, size, sha256, Some(step.text.clone()));
                    facts.files.insert(step.path.clone(), file);
                }
                Step::CopyFile(step) => {
                    let file = file(step.ownership, 5, step.sha256, None);
                    facts.files.insert(step.path.clone(), file);
                }
                Step::CreateLink(step) => {
                    facts.files.insert(step.path.clone(), link(&step.target));
                }
                Step::CreateGroup(step) => {
                    let group =
                        Group { gid: step.gid.unwrap_or(997), local: true, ..Group::default() };
                    assert_eq!(facts.accounts.groups.insert(step.name.clone(), group), None);
                }
                Step::AddGroupMember(step) => {
                    let group = facts.accounts.groups.get_mut(&step.group).unwrap();
                    group.members.push(step.user.clone());
                }
                Step::Unit(step) => {
                    let up = step.action != UnitAction::Stop;
                    facts.units.insert(step.unit.clone(), unit(up));
                }
                Step::SetLabels(step) => {
                    let selinux = facts.security.selinux.as_mut().unwrap();
                    selinux.wrong.retain(|path, _| !step.paths.contains(path));
                }
                Step::LabelLike(step) => {
                    let selinux = facts.security.selinux.as_mut().unwrap();
                    selinux.equivalences.insert(step.path.clone(), step.like.clone());
                    let directory = directory(Ownership::root(0o710));
                    facts.files.insert(step.path.clone(), directory);
                }
                Step::TrustPrograms(step) => {
                    let text = trust::with("", &step.programs);
                    let (sha256, size) = (Digest::of(text.as_bytes()), text.len() as u64);
                    let file = file(Ownership::root(0o644), size, sha256, Some(text));
                    facts.files.insert(step.path.clone(), file);
                }
                Step::VerifyUnits(_)
                | Step::DaemonReload(_)
                | Step::GuardBoot(_)
                | Step::GuardRuntime(_)
                | Step::WaitApi(_)
                | Step::LoadImage(_)
                | Step::LoadBundled(_)
                | Step::NoteContainers(_)
                | Step::ResumeContainers(_)
                | Step::SnapshotMetadata(_)
                | Step::WatchUnits(_)
                | Step::UpdateTrust(_)
                | Step::SmokeTest(_) => {}
                // Of an installation, this one alone.
                Step::SetSetting(_) => facts.network.forwarding.ipv4 = Some(true),
                Step::RemoveFile(step) => {
                    facts.files.remove(&step.path);
                }
                Step::StopUnits(step) => {
                    for stopped in &step.units {
                        facts.units.insert(stopped.clone(), unit(false));
                    }
                }
                Step::RemoveLink(_)
                | Step::ResetFailed(_)
                | Step::SetMode(_)
                | Step::Revert(_)
                | Step::ExpectGone(_)
                | Step::CopyData(_)
                | Step::SyncData(_)
                | Step::RenamePaths(_)
                | Step::PlaceData(_)
                | Step::NoteInventory(_)
                | Step::CheckInventory(_) => panic!("a repair is no part of an installation"),
                Step::RefreshIndex(_)
                | Step::ImportKey(_)
                | Step::InstallPackages(_)
                | Step::HoldPackages(_)
                | Step::EnableUnits(_) => panic!("an archive is no package"),
            }
        }
        Self {
            desired: self.desired.clone(),
            facts,
            archive: self.archive.clone(),
            receipt: Some(self.receipt_after(plan)),
        }
    }

    fn receipt_after(&self, plan: &Plan) -> Receipt {
        let (mut images, mut entries) =
            self.receipt.clone().map(|old| (old.images, old.entries)).unwrap_or_default();
        images.extend(self.images().into_iter().map(|(_, sha256)| sha256));
        let made = plan.steps.iter().cloned();
        entries.extend(made.map(|step| Entry { step, before: Before::Absent }));
        Receipt {
            schema: SCHEMA,
            landfall: "0.1.0".to_owned(),
            run: "1795494779-1".to_owned(),
            updated: self.facts.now,
            version: self.version(),
            archive: self.archive.clone(),
            topology: plan.topology,
            daemon: plan.daemon.clone(),
            images,
            loaded: std::collections::BTreeMap::new(),
            desired: None,
            moved: None,
            adopted: None,
            runs: Vec::new(),
            entries,
        }
    }
}

fn file(ownership: Ownership, size: u64, sha256: Digest, text: Option<String>) -> FileFact {
    let state = FileState { size, ..state(FileKind::File, ownership) };
    FileFact { state, sha256: Some(sha256), text }
}

fn directory(ownership: Ownership) -> FileFact {
    FileFact { state: state(FileKind::Directory, ownership), sha256: None, text: None }
}

fn link(target: &str) -> FileFact {
    let state = state(FileKind::Symlink, Ownership::root(0o777));
    FileFact {
        state: FileState { target: Some(target.to_owned()), ..state },
        sha256: None,
        text: None,
    }
}

fn state(kind: FileKind, ownership: Ownership) -> FileState {
    FileState {
        kind,
        mode: ownership.mode,
        uid: ownership.uid,
        gid: ownership.gid,
        size: 0,
        mtime: 1_795_494_779,
        xattrs: std::collections::BTreeMap::new(),
        target: None,
    }
}

fn unit(up: bool) -> UnitState {
    let (active, sub) = if up { ("active", "running") } else { ("inactive", "dead") };
    UnitState {
        load: "loaded".to_owned(),
        active: active.to_owned(),
        sub: sub.to_owned(),
        ..UnitState::default()
    }
}
