//! What a host should be: all entries of a receipt together, the last at each path.

use crate::desired::{DAEMON_JSON, SOCKET};
use crate::facts::Wanted;
use crate::file_state::{FileKind, Ownership};
use crate::receipt::{Entry, Receipt};
use crate::steps::{
    AddGroupMember, Before, CopyFile, CreateGroup, CreateLink, InstallBinary, InstallPackages,
    LabelLike, Step, TrustPrograms, WriteFile,
};

/// What a host should be.
#[derive(Debug, Default)]
pub struct Expected<'a> {
    /// Files, directories and links, in the order in which they were first made.
    pub paths: Vec<ExpectedPath<'a>>,
    /// Groups.
    pub groups: Vec<&'a CreateGroup>,
    /// Their members.
    pub members: Vec<&'a AddGroupMember>,
    /// What fapolicyd trusts.
    pub trust: Option<&'a TrustPrograms>,
    /// Directories that the SELinux policy labels like others.
    pub label_rules: Vec<&'a LabelLike>,
    /// What was installed by the package manager.
    pub packages: Option<&'a InstallPackages>,
}

/// What should stand at a path.
#[derive(Debug)]
pub struct ExpectedPath<'a> {
    /// The path.
    pub path: &'a str,
    /// What was made there.
    pub made: Made<'a>,
    /// Its owner and mode, unless they are others' business.
    pub ownership: Option<Ownership>,
}

/// What was made at a path.
#[derive(Clone, Copy, Debug)]
pub enum Made<'a> {
    /// A directory.
    Directory,
    /// A program.
    Program(&'a InstallBinary),
    /// daemon.json, of which only keys are Landfall's.
    DaemonJson(&'a WriteFile),
    /// Any other text.
    Text(&'a WriteFile),
    /// A copy of a file of the caller's.
    Copy(&'a CopyFile),
    /// A symbolic link.
    Link(&'a CreateLink),
}

impl Made<'_> {
    /// What kind of inode it is.
    pub fn kind(&self) -> FileKind {
        match self {
            Self::Directory => FileKind::Directory,
            Self::Program(_) | Self::DaemonJson(_) | Self::Text(_) | Self::Copy(_) => {
                FileKind::File
            }
            Self::Link(_) => FileKind::Symlink,
        }
    }
}

impl<'a> Expected<'a> {
    /// What the entries of a receipt made.
    pub fn of(receipt: &'a Receipt) -> Self {
        let mut expected = Self::default();
        let packaged = receipt.is_packaged();
        // What packages own their manager may change.
        let owned = |entry: &&Entry| packaged && entry.before == Before::Adopted;
        receipt.entries.iter().filter(|entry| !owned(entry)).for_each(|entry| expected.add(entry));
        expected
    }

    /// What should stand at a path.
    pub fn at(&self, path: &str) -> Option<&ExpectedPath<'a>> {
        self.paths.iter().find(|expected| expected.path == path)
    }

    /// What has to be looked at to compare a host with this.
    pub fn wanted(&self, receipt: &Receipt) -> Wanted {
        let mut wanted = Wanted { texts: vec![DAEMON_JSON.to_owned()], ..Wanted::default() };
        for expected in &self.paths {
            let path = expected.path.to_owned();
            match expected.made {
                Made::Program(_) | Made::Copy(_) => wanted.programs.push(path),
                Made::Text(_) => wanted.texts.push(path),
                Made::DaemonJson(_) => {}
                Made::Directory | Made::Link(_) => wanted.paths.push(path),
            }
        }
        // Its group's id is known by it, should the group be gone.
        wanted.paths.push(SOCKET.to_owned());
        wanted.texts.extend(self.trust.map(|trust| trust.path.clone()));
        wanted.groups = self.groups.iter().map(|group| group.name.clone()).collect();
        wanted.groups.extend(self.members.iter().map(|member| member.group.clone()));
        wanted.users = self.members.iter().map(|member| member.user.clone()).collect();
        if receipt.has_engine() {
            wanted.units = receipt.topology.units().iter().map(|unit| (*unit).to_owned()).collect();
        }
        wanted
    }

    fn add(&mut self, Entry { step, before }: &'a Entry) {
        match step {
            Step::CreateDir(step) => {
                // One that was there belongs to others.
                let ours = *before != Before::Present;
                self.put(&step.path, Made::Directory, ours.then_some(step.ownership));
            }
            Step::InstallBinary(step) => {
                self.put(&step.path, Made::Program(step), Some(step.ownership));
            }
            Step::WriteFile(step) => {
                let daemon_json = step.path == DAEMON_JSON;
                let made = if daemon_json { Made::DaemonJson(step) } else { Made::Text(step) };
                self.put(&step.path, made, Some(step.ownership));
            }
            Step::CopyFile(step) => {
                self.put(&step.path, Made::Copy(step), Some(step.ownership));
            }
            Step::CreateLink(step) => self.put(&step.path, Made::Link(step), None),
            Step::SetMode(step) => {
                // Of what Landfall did not write, others have the say: a socket is made anew.
                let at = self.paths.iter_mut().find(|expected| expected.path == step.path);
                if let Some(expected) = at {
                    expected.ownership = Some(step.ownership);
                }
            }
            Step::InstallPackages(step) => self.packages = Some(step),
            Step::RemoveFile(step) => self.paths.retain(|expected| expected.path != step.path),
            Step::CreateGroup(step) => {
                self.groups.retain(|group| group.name != step.name);
                self.groups.push(step);
            }
            Step::AddGroupMember(step) if !self.members.contains(&step) => self.members.push(step),
            Step::TrustPrograms(step) => self.trust = Some(step),
            Step::LabelLike(step) => {
                self.label_rules.retain(|rule| rule.path != step.path);
                self.label_rules.push(step);
            }
            Step::AddGroupMember(_)
            | Step::SetLabels(_)
            | Step::VerifyUnits(_)
            | Step::DaemonReload(_)
            | Step::GuardRuntime(_)
            | Step::GuardBoot(_)
            | Step::Unit(_)
            | Step::WaitApi(_)
            | Step::LoadImage(_)
            | Step::LoadBundled(_)
            | Step::SmokeTest(_)
            | Step::RemoveLink(_)
            | Step::ResetFailed(_)
            | Step::SetSetting(_)
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
            | Step::CheckInventory(_)
            | Step::UpdateTrust(_)
            | Step::RefreshIndex(_)
            | Step::ImportKey(_)
            | Step::HoldPackages(_)
            | Step::EnableUnits(_) => {}
        }
    }

    fn put(&mut self, path: &'a str, made: Made<'a>, ownership: Option<Ownership>) {
        match self.paths.iter_mut().find(|expected| expected.path == path) {
            Some(expected) => (expected.made, expected.ownership) = (made, ownership),
            None => self.paths.push(ExpectedPath { path, made, ownership }),
        }
    }
}
