//! Owner, mode, extended attributes and times of what is copied.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType, Gid, Mode, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::kind;

/// The longest value of an attribute, and the longest list of names (`XATTR_SIZE_MAX`,
/// `XATTR_LIST_MAX` of linux/limits.h).
const LONGEST: usize = 64 << 10;
/// The label of SELinux: a file system that is mounted with one for all its files takes no other.
const LABEL: &[u8] = b"security.selinux";

/// Something whose attributes are read or set: open, or – what cannot be opened – by its name.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Open(BorrowedFd<'a>),
    Named(BorrowedFd<'a>, &'a CStr),
}

/// Carries attributes; its room is used again and again.
pub(super) struct Attributes {
    list: Vec<u8>,
    value: Vec<u8>,
}

impl Attributes {
    pub(super) fn new() -> Self {
        Self { list: vec![0; LONGEST], value: vec![0; LONGEST] }
    }

    /// Gives `to` everything that `stat` and the extended attributes of `from` say. A change of
    /// owner clears set-user-id bits and capabilities, so it comes first; times come last.
    pub(super) fn carry(
        &mut self,
        from: Place<'_>,
        to: Place<'_>,
        stat: &Stat,
    ) -> rustix::io::Result<()> {
        let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        let mode = Mode::from_raw_mode(stat.st_mode & 0o7777);
        match to {
            Place::Open(file) => {
                rustix::fs::fchown(file, Some(uid), Some(gid))?;
                rustix::fs::fchmod(file, mode)?;
            }
            Place::Named(directory, name) => {
                let flags = AtFlags::SYMLINK_NOFOLLOW;
                rustix::fs::chownat(directory, name, Some(uid), Some(gid), flags)?;
                if kind(stat) != FileType::Symlink {
                    rustix::fs::chmodat(directory, name, mode, AtFlags::empty())?;
                }
            }
        }
        self.carry_extended(from, to)?;
        set_times(to, stat)
    }

    fn carry_extended(&mut self, from: Place<'_>, to: Place<'_>) -> rustix::io::Result<()> {
        let wanted = self.extended(from)?;
        let there = self.extended(to)?;
        // A directory's default access list is inherited by what is made in it.
        for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
            match remove(to, name) {
                Err(_) if name.as_bytes() == LABEL => {}
                other => other?,
            }
        }
        for (name, value) in wanted.iter().filter(|(name, value)| there.get(*name) != Some(value)) {
            match set(to, name, value) {
                Err(Errno::OPNOTSUPP) if name.as_bytes() == LABEL => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// All extended attributes.
    pub(super) fn extended(
        &mut self,
        of: Place<'_>,
    ) -> rustix::io::Result<BTreeMap<CString, Vec<u8>>> {
        let length = match list(of, &mut self.list) {
            Ok(length) => length,
            Err(Errno::OPNOTSUPP) => 0,
            Err(errno) => return Err(errno),
        };
        let mut all = BTreeMap::new();
        for name in self.list[..length].split_inclusive(|byte| *byte == 0) {
            let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
            match get(of, name, &mut self.value) {
                Ok(length) => {
                    all.insert(name.to_owned(), self.value[..length].to_vec());
                }
                // It went in the meantime, or the kernel lists what it does not give.
                Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(all)
    }
}

fn set_times(of: Place<'_>, stat: &Stat) -> rustix::io::Result<()> {
    let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let times = Timestamps {
        // Nobody can set a change time: the copy has the original's here, to be known by it.
        last_access: time(stat.st_ctime, stat.st_ctime_nsec),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
    };
    match of {
        Place::Open(file) => rustix::fs::futimens(file, &times),
        Place::Named(directory, name) => {
            rustix::fs::utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW)
        }
    }
}

/// The calls that do not follow links take paths alone.
fn path(directory: BorrowedFd<'_>, name: &CStr) -> PathBuf {
    let mut path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
    path.push(OsStr::from_bytes(name.to_bytes()));
    path
}

fn list(of: Place<'_>, into: &mut [u8]) -> rustix::io::Result<usize> {
    match of {
        Place::Open(file) => rustix::fs::flistxattr(file, into),
        Place::Named(directory, name) => rustix::fs::llistxattr(path(directory, name), into),
    }
}

fn get(of: Place<'_>, attribute: &CStr, into: &mut [u8]) -> rustix::io::Result<usize> {
    match of {
        Place::Open(file) => rustix::fs::fgetxattr(file, attribute, into),
        Place::Named(directory, name) => {
            rustix::fs::lgetxattr(path(directory, name), attribute, into)
        }
    }
}

fn set(of: Place<'_>, attribute: &CStr, value: &[u8]) -> rustix::io::Result<()> {
    let flags = XattrFlags::empty();
    match of {
        Place::Open(file) => rustix::fs::fsetxattr(file, attribute, value, flags),
        Place::Named(directory, name) => {
            rustix::fs::lsetxattr(path(directory, name), attribute, value, flags)
        }
    }
}

fn remove(of: Place<'_>, attribute: &CStr) -> rustix::io::Result<()> {
    match of {
        Place::Open(file) => rustix::fs::fremovexattr(file, attribute),
        Place::Named(directory, name) => rustix::fs::lremovexattr(path(directory, name), attribute),
    }
}
