//! The steps that a plan is made of: each the smallest thing that can be undone alone.
//!
//! A step is data; its three verbs are functions of the host. `observe` reads what stands
//! there and keeps a copy of what will be replaced, `apply` makes the change, `undo`
//! compares what stands there now with what the step made and puts back what was observed
//! – or leaves alone what somebody changed since. `undo` works from any state in between,
//! so that a run that was cut can be undone from its journal.

pub mod add_group_member;
pub mod containers;
pub mod copy_data;
pub mod copy_file;
pub mod create_dir;
pub mod create_group;
pub mod create_link;
pub mod daemon_reload;
pub mod enable_units;
pub mod expect_gone;
pub mod guard_boot;
pub mod guard_runtime;
pub mod hold_packages;
pub mod import_key;
pub mod install_binary;
pub mod install_packages;
pub mod inventory;
pub mod label_like;
mod link;
pub mod load_bundled;
pub mod load_image;
pub mod place_data;
pub mod refresh_index;
pub mod remove_file;
pub mod remove_link;
pub mod rename_paths;
mod replace;
pub mod reset_failed;
pub mod revert;
pub mod set_labels;
pub mod set_mode;
pub mod set_setting;
pub mod smoke_test;
pub mod snapshot_metadata;
pub mod stop_units;
#[cfg(test)]
pub(crate) mod testing;
pub mod trust_programs;
pub mod unit;
pub mod update_trust;
pub mod verify_units;
pub mod wait_api;
pub mod watch_units;
pub mod write_file;

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::file_state::{FileState, Ownership};
use crate::host::labels::WrongLabel;
use crate::host::tree::{FileTime, InTheWay, TreeDifference};
use crate::host::{Host, HostError};
use crate::net::proxy::Proxies;
use crate::online::Versions;
use crate::report::Reporter;
use crate::stage::StageError;
use crate::store::Store;

pub use add_group_member::AddGroupMember;
pub use containers::{NoteContainers, ResumeContainers, RunningContainer};
pub use copy_data::{CopyData, DataPart, SyncData};
pub use copy_file::CopyFile;
pub use create_dir::CreateDir;
pub use create_group::CreateGroup;
pub use create_link::CreateLink;
pub use daemon_reload::DaemonReload;
pub use enable_units::EnableUnits;
pub use expect_gone::ExpectGone;
pub use guard_boot::GuardBoot;
pub use guard_runtime::{EngineData, GuardRuntime, RuntimeBefore};
pub use hold_packages::HoldPackages;
pub use import_key::ImportKey;
pub use install_binary::InstallBinary;
pub use install_packages::InstallPackages;
pub use inventory::{CheckInventory, Inventory, NoteInventory};
pub use label_like::LabelLike;
pub use load_bundled::LoadBundled;
pub use load_image::LoadImage;
pub use place_data::PlaceData;
pub use refresh_index::RefreshIndex;
pub use remove_file::RemoveFile;
pub use remove_link::RemoveLink;
pub use rename_paths::RenamePaths;
pub use reset_failed::ResetFailed;
pub use revert::Revert;
pub use set_labels::SetLabels;
pub use set_mode::SetMode;
pub use set_setting::SetSetting;
pub use smoke_test::SmokeTest;
pub use snapshot_metadata::SnapshotMetadata;
pub use stop_units::StopUnits;
pub use trust_programs::{TrustPrograms, TrustedProgram};
pub use unit::UnitStep;
pub use update_trust::{UpdateTrust, WhenUpdated};
pub use verify_units::VerifyUnits;
pub use wait_api::WaitApi;
pub use watch_units::WatchUnits;
pub use write_file::WriteFile;

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// Makes a directory.
    CreateDir(CreateDir),
    /// Makes the group that owns the API socket.
    CreateGroup(CreateGroup),
    /// Makes a user a member of it.
    AddGroupMember(AddGroupMember),
    /// Gives a staged program its final name.
    InstallBinary(InstallBinary),
    /// Writes a configuration file or a unit.
    WriteFile(WriteFile),
    /// Makes a symbolic link; enabling a unit is one.
    CreateLink(CreateLink),
    /// Gives files the labels that the SELinux policy names for them.
    SetLabels(SetLabels),
    /// Has the SELinux policy label one directory like another.
    LabelLike(LabelLike),
    /// Has fapolicyd trust the programs.
    TrustPrograms(TrustPrograms),
    /// Has `systemd-analyze` look at the units.
    VerifyUnits(VerifyUnits),
    /// Has systemd read all unit files again.
    DaemonReload(DaemonReload),
    /// Has the next boot complete the run, or take it back, before the engine starts.
    GuardBoot(GuardBoot),
    /// Notes what a running engine changes by itself, so that it can be undone.
    GuardRuntime(GuardRuntime),
    /// Starts, restarts or reloads a unit.
    Unit(UnitStep),
    /// Waits for the engine's API.
    WaitApi(WaitApi),
    /// Loads an archive of images.
    LoadImage(LoadImage),
    /// Loads the images of a bundle.
    LoadBundled(LoadBundled),
    /// Runs a container and checks what it says.
    SmokeTest(SmokeTest),
    /// Removes a program that the new engine does not have.
    RemoveFile(RemoveFile),
    /// Removes a link that leads nowhere, or not where it should.
    RemoveLink(RemoveLink),
    /// Has systemd forget that a unit failed.
    ResetFailed(ResetFailed),
    /// Sets owner and mode of what is there.
    SetMode(SetMode),
    /// Sets a kernel setting.
    SetSetting(SetSetting),
    /// Undoes a step that an earlier run made.
    Revert(Revert),
    /// Notes which containers run, and stops them if they would not survive otherwise.
    NoteContainers(NoteContainers),
    /// Starts the containers again that ran before.
    ResumeContainers(ResumeContainers),
    /// Stops units.
    StopUnits(StopUnits),
    /// Keeps the engine's metadata while it is down.
    SnapshotMetadata(SnapshotMetadata),
    /// Watches units for a while.
    WatchUnits(WatchUnits),
    /// Checks that no container outlived its engine.
    ExpectGone(ExpectGone),
    /// Copies data that are in use.
    CopyData(CopyData),
    /// Brings the copy up to date while nothing uses the data, and compares the two.
    SyncData(SyncData),
    /// Has containers in the copy name it, and not the original.
    RenamePaths(RenamePaths),
    /// Moves what was copied to where it shall be used.
    PlaceData(PlaceData),
    /// Notes what containers, images and volumes there are.
    NoteInventory(NoteInventory),
    /// Checks that all of them are there again.
    CheckInventory(CheckInventory),
    /// Copies a file that the caller names.
    CopyFile(CopyFile),
    /// Has the system's trust store put together again.
    UpdateTrust(UpdateTrust),
    /// Has the package manager fetch the index of one repository.
    RefreshIndex(RefreshIndex),
    /// Has rpm trust a key.
    ImportKey(ImportKey),
    /// Has the package manager install packages.
    InstallPackages(InstallPackages),
    /// Keeps packages at their versions.
    HoldPackages(HoldPackages),
    /// Has systemd start units at boot.
    EnableUnits(EnableUnits),
}

/// What stood there before a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "snake_case")]
pub enum Before {
    /// The step replaces nothing.
    Nothing,
    /// Nothing stood there.
    Absent,
    /// A file, whose bytes are in the store.
    File {
        /// Its attributes.
        state: FileState,
        /// Its bytes.
        sha256: Digest,
    },
    /// What the step makes was there already; undoing leaves it.
    Present,
    /// A unit's state.
    Unit {
        /// Whether it ran.
        active: bool,
    },
    /// The units that ran, of those that are stopped.
    Units {
        /// Which, in the order of stopping.
        active: Vec<String>,
    },
    /// What a running engine would change.
    Runtime(RuntimeBefore),
    /// An owner and mode.
    Ownership {
        /// Which.
        ownership: Ownership,
    },
    /// A kernel setting.
    Setting {
        /// Its value.
        value: String,
    },
    /// Labels of files.
    Labels {
        /// Those that the policy has otherwise, by path.
        labels: BTreeMap<String, WrongLabel>,
    },
    /// How a directory is labelled.
    LabelRule {
        /// The rule was there.
        existed: bool,
        /// The directory was there.
        directory: bool,
    },
    /// A group.
    Group {
        /// Its id.
        gid: u32,
    },
    /// Files, whose bytes are in the store, and directories.
    Files {
        /// Attributes and bytes, by path.
        files: BTreeMap<String, (FileState, Digest)>,
        /// Owner and mode, by path.
        directories: BTreeMap<String, Ownership>,
    },
    /// The containers that ran.
    Containers {
        /// Which.
        running: Vec<RunningContainer>,
    },
    /// It stood there, made by somebody else, and was taken over as it was: undoing leaves it.
    Adopted,
    /// Names in a directory.
    Names {
        /// Which.
        names: Vec<String>,
    },
    /// Packages.
    Packages {
        /// Those that were there, and their versions.
        installed: Versions,
        /// The units of an engine that ran.
        active: Vec<String>,
    },
    /// Packages that were kept at their versions.
    Held {
        /// Which.
        names: Vec<String>,
    },
    /// Units that started at boot.
    Enabled {
        /// Which.
        units: Vec<String>,
    },
    /// Lines of a trust file.
    Trusted {
        /// The file was there.
        existed: bool,
        /// The lines that it had for the same programs.
        lines: Vec<String>,
    },
}

/// How an undo ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undone", rename_all = "snake_case")]
pub enum Undone {
    /// What stood there before stands there again.
    Restored,
    /// What the step made is gone; nothing stood there before.
    Removed,
    /// There was nothing to undo.
    Unchanged,
    /// Left as it is, on purpose.
    Kept {
        /// What was left.
        what: String,
        /// Why.
        reason: KeptReason,
    },
}

/// Why an undo leaves something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptReason {
    /// It was changed after Landfall wrote it.
    ChangedSince,
    /// It holds files that Landfall did not make.
    NotEmpty,
    /// It has members that Landfall did not add, or is a user's main group.
    InUse,
    /// Images, containers and volumes, which were not asked to be deleted.
    Data,
    /// Packages that others have come to need or that are not to be had any more, and
    /// configuration of packages that somebody has changed.
    Packages,
}

impl From<StageError> for StepError {
    fn from(error: StageError) -> Self {
        Self::Stage(Box::new(error))
    }
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The host refused.
    Host(#[from] HostError),
    /// A bundle cannot be read.
    Stage(Box<StageError>),
    /// The engine's API refused.
    Engine(#[from] landfall_engine::EngineError),
    /// The container that proves the engine did not do what it should.
    Smoke(#[from] crate::smoke::SmokeError),
    /// A unit failed.
    Unit {
        /// Its name.
        unit: String,
        /// What it was asked.
        action: &'static str,
        /// What systemd says.
        message: String,
        /// Its last log lines.
        log: Vec<String>,
    },
    /// A unit did not stay up.
    NotSteady {
        /// Its name.
        unit: String,
        /// Its last log lines.
        log: Vec<String>,
    },
    /// `systemd-analyze verify` objects to our units.
    UnitsRefused(String),
    /// Something stands where the step wants to write.
    NotAFile {
        /// Where.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// A directory that shall be filled holds something.
    NotEmpty(String),
    /// A file is not the one that the plan was made with.
    SourceChanged(String),
    /// A copy in the store is not what it was.
    StoreDamaged(Digest),
    /// The daemon that answers is not the one that was installed.
    WrongVersion {
        /// What answers.
        found: String,
        /// What was installed.
        wanted: String,
    },
    /// The daemon does not follow its configuration.
    NotInForce(Vec<String>),
    /// The API socket has wrong permissions.
    SocketPermissions {
        /// The socket.
        path: String,
        /// Its mode.
        mode: u32,
        /// Its group.
        gid: u32,
        /// The group it should have.
        wanted_gid: u32,
    },
    /// What was left to do of a run that was cut, and is to stay, could not be done.
    NotCompleted(Box<StepError>),
    /// Containers outlived their daemon.
    ContainersRun(Vec<u32>),
    /// Containers that ran before do not run now: names, and why.
    ContainersDown(Vec<(String, String)>),
    /// A group that was just made is not there.
    NoGroup(String),
    /// SELinux is on, and no program that sets labels is there.
    NoLabeller,
    /// Files keep other labels than the policy's.
    WrongLabels(BTreeMap<String, WrongLabel>),
    /// File systems are mounted in a directory that has to be copied.
    Mounted(Vec<String>),
    /// Directories in one that has to be copied lie on another file system, and are not mounted.
    OtherFileSystem(Vec<String>),
    /// A directory that was left behind is not what it was, and is not deleted.
    InTheWay {
        /// The directory.
        path: String,
        /// Why.
        why: InTheWay,
    },
    /// A copy is not like its original.
    CopyDiffers(Vec<TreeDifference>),
    /// The daemon keeps its data elsewhere.
    OtherDataRoot {
        /// Where.
        found: String,
        /// Where it should.
        wanted: String,
    },
    /// The engine has not all that it had.
    Lacking(Vec<String>),
    /// fapolicyd was told to trust a program, and it is refused all the same.
    NotTrusted(String),
    /// The package manager would do more than was shown: what.
    OtherTransaction(Vec<String>),
    /// The package manager succeeded, and these are not all there in their versions.
    NotInstalled(Vec<String>),
    /// Packages that others need cannot be removed.
    PackagesNeeded(Vec<String>),
    /// Packages are left alone while the host comes up: their scripts start units, which wait for
    /// the run that takes them back, and there is no network yet.
    PackagesAtBoot,
}

/// What steps work with.
pub struct Context<'a> {
    /// The host.
    pub host: &'a Host,
    /// Copies of what was replaced.
    pub store: Store<'a>,
    /// Where progress goes.
    pub reporter: &'a dyn Reporter,
    /// Delete images, containers and volumes when undoing, if the engine's start made them
    /// (a failed install), or in any case.
    pub purge: Purge,
    /// The containers that [`NoteContainers`] found running.
    pub running: RefCell<Vec<RunningContainer>>,
    /// What archives of images held, by their digests.
    pub loaded: RefCell<BTreeMap<Digest, Vec<String>>>,
    /// What steps left on purpose.
    pub kept: RefCell<Vec<Undone>>,
    /// When the last pass of [`CopyData`] over each directory began.
    pub copied: RefCell<BTreeMap<String, FileTime>>,
    /// What [`NoteInventory`] found.
    pub inventory: RefCell<Inventory>,
    /// The proxies that package managers go through.
    pub proxies: Proxies,
}

/// What happens to the engine's data when an installation is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// They stay.
    Keep,
    /// They go if this run made them: for a failed installation.
    IfNew,
    /// They go, but only once the run is committed: the caller asked for it.
    AtCommit,
}

/// The verbs of a step.
pub trait Action {
    /// Reads what stands there, and keeps a copy of what will be replaced.
    ///
    /// # Errors
    /// [`StepError`] if it cannot be read or copied; nothing was changed then.
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError>;

    /// Makes the change. Already done counts as done.
    ///
    /// # Errors
    /// [`StepError`]; the change may have been made in part, and `undo` copes with that.
    fn apply(&self, context: &Context<'_>) -> Result<(), StepError>;

    /// Puts back what was observed, from whatever state the step was left in.
    ///
    /// # Errors
    /// [`StepError`] if it could not be put back.
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError>;
}

impl Step {
    /// The verbs of this step.
    pub fn action(&self) -> &dyn Action {
        match self {
            Self::CreateDir(step) => step,
            Self::CreateGroup(step) => step,
            Self::AddGroupMember(step) => step,
            Self::InstallBinary(step) => step,
            Self::WriteFile(step) => step,
            Self::CreateLink(step) => step,
            Self::SetLabels(step) => step,
            Self::LabelLike(step) => step,
            Self::TrustPrograms(step) => step,
            Self::VerifyUnits(step) => step,
            Self::DaemonReload(step) => step,
            Self::GuardBoot(step) => step,
            Self::GuardRuntime(step) => step,
            Self::Unit(step) => step,
            Self::WaitApi(step) => step,
            Self::LoadImage(step) => step,
            Self::LoadBundled(step) => step,
            Self::SmokeTest(step) => step,
            Self::RemoveFile(step) => step,
            Self::RemoveLink(step) => step,
            Self::ResetFailed(step) => step,
            Self::SetMode(step) => step,
            Self::SetSetting(step) => step,
            Self::Revert(step) => step,
            Self::NoteContainers(step) => step,
            Self::ResumeContainers(step) => step,
            Self::StopUnits(step) => step,
            Self::SnapshotMetadata(step) => step,
            Self::WatchUnits(step) => step,
            Self::ExpectGone(step) => step,
            Self::CopyData(step) => step,
            Self::SyncData(step) => step,
            Self::RenamePaths(step) => step,
            Self::PlaceData(step) => step,
            Self::NoteInventory(step) => step,
            Self::CheckInventory(step) => step,
            Self::CopyFile(step) => step,
            Self::UpdateTrust(step) => step,
            Self::RefreshIndex(step) => step,
            Self::ImportKey(step) => step,
            Self::InstallPackages(step) => step,
            Self::HoldPackages(step) => step,
            Self::EnableUnits(step) => step,
        }
    }

    /// The path that the step writes, if it writes one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::CreateDir(step) => Some(&step.path),
            Self::InstallBinary(step) => Some(&step.path),
            Self::WriteFile(step) => Some(&step.path),
            Self::CreateLink(step) => Some(&step.path),
            Self::CopyFile(step) => Some(&step.path),
            Self::RemoveFile(step) => Some(&step.path),
            Self::TrustPrograms(step) => Some(&step.path),
            _ => None,
        }
    }

    /// Whether systemd has to read its unit files again once this step is undone.
    pub fn touches_units(&self) -> bool {
        match self {
            Self::RemoveLink(step) => return step.path.starts_with(crate::desired::UNIT_DIR),
            Self::Revert(step) => return step.entry.step.touches_units(),
            _ => {}
        }
        if matches!(self, Self::InstallPackages(_) | Self::EnableUnits(_)) {
            return true;
        }
        // Units that were taken over may lie beneath /usr/lib or /lib.
        self.path().is_some_and(|path| path.contains("/systemd/system/"))
            && !matches!(self, Self::CreateDir(_))
    }
}
