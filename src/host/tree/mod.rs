//! Whole directories of an engine's data: copied twice (once while they are in use, then what has
//! changed since), compared, and removed. All of it goes by handles of directories: no path is
//! followed twice, no link is followed at all, and no other file system is entered.

mod attributes;
mod compare;
mod content;
mod copy;
mod left;
mod open_files;
mod remove;
mod rename;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::mounts::Mount;
use super::{Host, HostError};

pub use compare::{Differs, TreeDifference};
pub use left::InTheWay;
pub(super) use walk::walk;

/// A directory, and where its copy is.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'a> {
    /// The directory.
    pub from: &'a str,
    /// Its copy.
    pub to: &'a str,
    /// Names directly in either that are no part of it.
    pub beside: &'a [String],
}

impl Tree<'_> {
    fn is_beside(&self, way: &Way, name: &CStr) -> bool {
        let is = |beside: &String| beside.as_bytes() == name.to_bytes();
        !way.is_inner() && self.beside.iter().any(is)
    }
}

/// What a pass over a directory did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files, directories and all else that was made or made anew.
    pub made: u64,
    /// Bytes of files that were copied.
    pub bytes: u64,
    /// File systems that are mounted in it, and were not entered; relative paths.
    pub mounts: Vec<String>,
    /// What lies on another file system without being mounted (a subvolume), and was not copied
    /// either; relative paths.
    pub foreign: Vec<String>,
    /// Files that an attribute protects (`chattr +i`, `+a`), which their copies do not have:
    /// how many, and the first of them.
    pub protected: (u64, Option<String>),
}

/// A moment, by the clock that the kernel stamps files with: seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileTime(i64, i64);

impl FileTime {
    /// Now.
    pub fn now() -> Self {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        Self(now.tv_sec, now.tv_nsec)
    }

    /// When an inode was last changed in any way.
    fn of_change(stat: &Stat) -> Self {
        Self(stat.st_ctime, stat.st_ctime_nsec)
    }
}

/// The names in a directory, but for `.` and `..`.
fn names(directory: impl AsFd) -> rustix::io::Result<BTreeSet<CString>> {
    let mut names = BTreeSet::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_owned();
        if !matches!(name.as_bytes(), b"." | b"..") {
            names.insert(name);
        }
    }
    Ok(names)
}

/// What stands at a name; `None` if nothing does.
fn stat(directory: impl AsFd, name: &CStr) -> rustix::io::Result<Option<Stat>> {
    match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Opens a directory to read it; one that this reads is not marked as read, where that can be had.
fn open_directory(parent: impl AsFd, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(&parent, name, flags | OFlags::NOATIME, Mode::empty()) {
        // Another's, and no right to read it without a trace.
        Err(Errno::PERM) => rustix::fs::openat(&parent, name, flags, Mode::empty()),
        other => other,
    }
}

/// Opens a regular file to read it, without noting that it was read, and what it is; `None` if
/// something else stands there. Only what is known to be a file is opened: opening a device does
/// something.
fn open_file(parent: impl AsFd, name: &CStr) -> rustix::io::Result<Option<(OwnedFd, Stat)>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = match rustix::fs::openat(&parent, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        other => other?,
    };
    let found = rustix::fs::fstat(&place)?;
    if kind(&found) != FileType::RegularFile {
        return Ok(None);
    }
    let place = format!("/proc/self/fd/{}", place.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(&place, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => rustix::fs::open(&place, flags, Mode::empty())?,
        other => other?,
    };
    Ok(Some((file, found)))
}

fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// A relative path that grows and shrinks with the way through a directory.
#[derive(Default)]
pub(super) struct Way(Vec<u8>);

impl Way {
    /// Whether it leads beneath the directory.
    fn is_inner(&self) -> bool {
        !self.0.is_empty()
    }

    fn enter(&mut self, name: &CStr) -> usize {
        let length = self.0.len();
        if length > 0 {
            self.0.push(b'/');
        }
        self.0.extend_from_slice(name.to_bytes());
        length
    }

    fn leave(&mut self, length: usize) {
        self.0.truncate(length);
    }

    pub(super) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    pub(super) fn beneath(&self, root: &str) -> String {
        if self.0.is_empty() { root.to_owned() } else { format!("{root}/{}", self.shown()) }
    }
}

impl Host {
    /// The mount points beneath `directory`, as paths relative to it. A directory that is mounted
    /// on itself (engines do so) is none.
    ///
    /// # Errors
    /// [`HostError::Io`] if the kernel's table cannot be read.
    pub fn mounted_beneath(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.mounted(directory, |_| true)
    }

    /// The same without what engines mount for containers: what a person mounted.
    ///
    /// # Errors
    /// [`HostError::Io`] if the kernel's table cannot be read.
    pub fn others_mounted_beneath(&self, directory: &str) -> Result<Vec<String>, HostError> {
        self.mounted(directory, |mount| !mount.is_engines())
    }

    fn mounted(
        &self,
        directory: &str,
        which: impl Fn(&Mount) -> bool,
    ) -> Result<Vec<String>, HostError> {
        let mounts = self.mounts()?;
        let those = mounts.iter().filter(|mount| which(mount) && !is_on_itself(mount, &mounts));
        let mut paths: Vec<String> =
            those.filter_map(|mount| beneath(&mount.point, directory)).map(str::to_owned).collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }
}

/// The rest of `path` beneath `directory`.
fn beneath<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?.strip_prefix('/')?;
    (!rest.is_empty()).then_some(rest)
}

/// Whether a mount shows at its point what is there without it.
pub(super) fn is_on_itself(mount: &Mount, all: &[Mount]) -> bool {
    let around = |other: &&Mount| {
        let is_root = other.point == "/" && mount.point != "/";
        is_root || beneath(&mount.point, &other.point).is_some()
    };
    let Some(below) = all.iter().filter(around).max_by_key(|other| other.point.len()) else {
        return false;
    };
    let rest = mount.point.strip_prefix(below.point.trim_end_matches('/')).unwrap_or_default();
    below.device == mount.device
        && mount.root == format!("{}{rest}", below.root.trim_end_matches('/'))
}
