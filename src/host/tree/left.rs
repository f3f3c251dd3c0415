//! Directories that a move of data left behind: deleted as they were left, or not at all. They are
//! reached without following any link, and what is reached is compared with what is in use.

use std::ffi::{CStr, CString};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::{beneath, is_on_itself, kind, names, open_directory, stat, walk};
use crate::file_state::LOST_AND_FOUND;
use crate::host::{Host, HostError};

/// Why a directory that was left behind is not deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InTheWay {
    /// This path is a link now: the directory, or one above it.
    Link(String),
    /// It is no directory any more.
    NotADirectory,
    /// A file system is mounted here: at the directory, or in it.
    Mount(String),
    /// By a link or a mount it is this directory, which is in use, or holds it, or lies in it.
    InUse(String),
    /// This path is immutable or append-only.
    Protected(String),
}

/// What a path leads to.
enum Reached {
    Nothing,
    Wrong(InTheWay),
    Directory(OwnedFd),
}

/// Device and inode: a directory is the same by whatever way it is reached.
type Identity = (u64, u64);

impl Host {
    /// Why a directory that was left behind cannot be deleted as a whole; `None` also if it is not
    /// there, and if an empty file system is mounted there. `used` are directories in use.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be looked at, [`HostError::Interrupted`].
    pub fn in_the_way(&self, path: &str, used: &[String]) -> Result<Option<InTheWay>, HostError> {
        match self.reach(path, used)? {
            Reached::Nothing => Ok(None),
            Reached::Wrong(why) => Ok(Some(why)),
            Reached::Directory(_) => Ok(self.protected_beneath(path)?.map(InTheWay::Protected)),
        }
    }

    /// Deletes what is in a directory that was left behind, but for the names that are `kept`; or
    /// deletes nothing, and says why.
    ///
    /// # Errors
    /// [`HostError::Io`] if something cannot be removed.
    pub fn empty_left_behind(
        &self,
        path: &str,
        used: &[String],
        kept: &dyn Fn(&str) -> bool,
    ) -> Result<Option<InTheWay>, HostError> {
        match self.reach(path, used)? {
            Reached::Nothing => Ok(None),
            Reached::Wrong(why) => Ok(Some(why)),
            Reached::Directory(directory) => self.empty(path, &directory, kept).map(|()| None),
        }
    }

    /// The first thing in a directory, or itself, that is immutable or append-only (`chattr +i`,
    /// `+a`), so that it cannot be deleted.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be looked at, [`HostError::Interrupted`].
    pub fn protected_beneath(&self, path: &str) -> Result<Option<String>, HostError> {
        let directory = match self.open_dir(path) {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        match is_protected(&directory, c".") {
            Ok(true) => return Ok(Some(path.to_owned())),
            Ok(false) => {}
            // Before kernel 4.11: the removal will tell.
            Err(Errno::NOSYS) => return Ok(None),
            Err(errno) => return Err(HostError::errno("look at", path, errno)),
        }
        let mut found = None;
        let walked = walk(&directory, &mut |entry| {
            if self.interrupt().check().is_err() {
                return Ok(ControlFlow::Break(()));
            }
            match is_protected(entry.directory, entry.name) {
                Ok(true) => {
                    found = Some(entry.way.beneath(path));
                    Ok(ControlFlow::Break(()))
                }
                Ok(false) | Err(Errno::NOENT) => Ok(ControlFlow::Continue(())),
                Err(errno) => Err(errno),
            }
        });
        self.interrupt().check()?;
        walked.map_err(|(way, errno)| HostError::errno("look at", &way.beneath(path), errno))?;
        Ok(found)
    }

    fn reach(&self, path: &str, used: &[String]) -> Result<Reached, HostError> {
        let failed = |errno| HostError::errno("look at", path, errno);
        let Some(real) = self.real_path(path)? else {
            // A link that leads nowhere, for now: what was here may be on a disk that is not there.
            return Ok(match self.open_without_links(path)? {
                Err(why @ InTheWay::Link(_)) => Reached::Wrong(why),
                _ => Reached::Nothing,
            });
        };
        let way = self.identities(path)?;
        let leads_to =
            |way: &[Identity], end: Option<&Identity>| end.is_some_and(|end| way.contains(end));
        for other in used {
            let to_other = self.identities(other)?;
            if leads_to(&way, to_other.first()) || leads_to(&to_other, way.first()) {
                return Ok(Reached::Wrong(InTheWay::InUse(other.clone())));
            }
        }
        let directory = match self.open_without_links(path)? {
            Ok(directory) => directory,
            Err(why) => return Ok(Reached::Wrong(why)),
        };
        if way.first() != Some(&identity(&directory).map_err(failed)?) {
            // Something else stands there since a moment ago.
            return Ok(Reached::Wrong(InTheWay::Link(path.to_owned())));
        }
        let mounts = self.mounts()?;
        if let Some(inside) = mounts.iter().find_map(|mount| beneath(&mount.point, &real)) {
            return Ok(Reached::Wrong(InTheWay::Mount(format!("{path}/{inside}"))));
        }
        if mounts.iter().any(|mount| mount.point == real && !is_on_itself(mount, &mounts)) {
            let found = names(&directory).map_err(failed)?;
            if found.iter().any(|name| name.to_bytes() != LOST_AND_FOUND.as_bytes()) {
                return Ok(Reached::Wrong(InTheWay::Mount(path.to_owned())));
            }
        }
        Ok(Reached::Directory(directory))
    }

    /// Opens a directory whose path has no links.
    fn open_without_links(&self, path: &str) -> Result<Result<OwnedFd, InTheWay>, HostError> {
        let mut directory = self.open_dir("/")?;
        let mut at = String::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            at = format!("{at}/{name}");
            let failed = |errno| HostError::errno("open", &at, errno);
            let name = CString::new(name).map_err(|_| failed(Errno::INVAL))?;
            match stat(&directory, &name).map_err(failed)?.map(|found| kind(&found)) {
                Some(FileType::Directory) => {}
                Some(FileType::Symlink) => return Ok(Err(InTheWay::Link(at))),
                _ => return Ok(Err(InTheWay::NotADirectory)),
            }
            directory = open_directory(&directory, &name).map_err(failed)?;
        }
        Ok(Ok(directory))
    }

    /// What a path leads to, and the directories above that; nothing if it leads nowhere.
    fn identities(&self, path: &str) -> Result<Vec<Identity>, HostError> {
        let failed = |errno| HostError::errno("look at", path, errno);
        let mut way = Vec::new();
        let mut directory = match self.open_dir(path) {
            Err(error) if error.is_not_found() => return Ok(way),
            other => other?,
        };
        let root = identity(self.open_dir("/")?).map_err(failed)?;
        loop {
            let own = identity(&directory).map_err(failed)?;
            if way.last() == Some(&own) {
                return Ok(way);
            }
            way.push(own);
            if own == root {
                return Ok(way);
            }
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            directory =
                rustix::fs::openat(&directory, c"..", flags, Mode::empty()).map_err(failed)?;
        }
    }
}

fn identity(directory: impl AsFd) -> rustix::io::Result<Identity> {
    rustix::fs::fstat(directory).map(|stat| (stat.st_dev, stat.st_ino))
}

fn is_protected(directory: impl AsFd, name: &CStr) -> rustix::io::Result<bool> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let found = rustix::fs::statx(directory, name, flags, StatxFlags::TYPE)?;
    Ok(found.stx_attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND))
}
