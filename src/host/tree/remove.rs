//! Removing a directory of data.

use std::collections::btree_set;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, StatxFlags};
use rustix::io::Errno;

use super::open_files::OpenFiles;
use super::{Way, kind, names, open_directory, stat};
use crate::host::fault_point::{self, Effect};
use crate::host::{Host, HostError};

impl Host {
    /// Removes everything in a directory. Links are removed, not followed; another file system that
    /// is mounted there is an error. An absent one is empty.
    ///
    /// # Errors
    /// [`HostError::Io`] if something cannot be removed.
    pub fn empty_tree(&self, path: &str) -> Result<(), HostError> {
        match self.open_dir(path) {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
            Ok(directory) => {
                if let Some(mount) = self.mounted_beneath(path)?.first() {
                    let place = format!("{path}/{mount}");
                    return Err(HostError::errno("remove", &place, Errno::BUSY));
                }
                self.empty(path, &directory, &|_| false)
            }
        }
    }

    /// Removes everything in an open directory but for the names that are `kept`.
    pub(super) fn empty(
        &self,
        path: &str,
        directory: &OwnedFd,
        kept: &dyn Fn(&str) -> bool,
    ) -> Result<(), HostError> {
        let failed = |errno| HostError::errno("remove", path, errno);
        fault_point::before(Effect::Changes).map_err(failed)?;
        let mut remover = Remover::new(path, directory).map_err(failed)?;
        for name in names(directory).map_err(failed)? {
            if !kept(&name.to_string_lossy()) {
                remover.remove(directory.as_fd(), &name)?;
            }
        }
        rustix::fs::fsync(directory).map_err(failed)
    }
}

/// Removes names of one file system.
pub(super) struct Remover<'a> {
    /// The directory, for messages.
    root: &'a str,
    device: u64,
    /// `None` before kernel 5.8.
    mount: Option<u64>,
    way: Way,
    _open_files: OpenFiles,
}

/// A directory that is being emptied.
struct Level {
    directory: OwnedFd,
    name: CString,
    names: btree_set::IntoIter<CString>,
    length: usize,
}

impl<'a> Remover<'a> {
    pub(super) fn new(root: &'a str, directory: &OwnedFd) -> rustix::io::Result<Self> {
        Ok(Self {
            root,
            device: rustix::fs::fstat(directory)?.st_dev,
            mount: mount(directory)?,
            way: Way::default(),
            _open_files: OpenFiles::raise(),
        })
    }

    /// Removes what stands at a name, with all beneath it.
    pub(super) fn remove(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &CStr,
    ) -> Result<(), HostError> {
        let mut levels = Vec::new();
        levels.extend(self.begin(directory, name)?);
        while let Some(level) = levels.last_mut() {
            if let Some(name) = level.names.next() {
                let inner = self.begin(level.directory.as_fd(), &name)?;
                levels.extend(inner);
                continue;
            }
            let Some(Level { name, length, .. }) = levels.pop() else { break };
            let parent = levels.last().map_or(directory, |level| level.directory.as_fd());
            rustix::fs::unlinkat(parent, &name, AtFlags::REMOVEDIR)
                .map_err(|errno| self.failed(errno))?;
            self.way.leave(length);
        }
        Ok(())
    }

    /// Removes what stands at a name, unless that is a directory, which has to be emptied first.
    fn begin(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<Option<Level>, HostError> {
        let length = self.way.enter(name);
        let directory = self.unlink(parent, name).map_err(|errno| self.failed(errno))?;
        let Some((directory, names)) = directory else {
            self.way.leave(length);
            return Ok(None);
        };
        Ok(Some(Level { directory, name: name.to_owned(), names, length }))
    }

    fn unlink(
        &self,
        parent: BorrowedFd<'_>,
        name: &CStr,
    ) -> rustix::io::Result<Option<(OwnedFd, btree_set::IntoIter<CString>)>> {
        let Some(found) = stat(parent, name)? else { return Ok(None) };
        if found.st_dev != self.device {
            return Err(Errno::XDEV);
        }
        if kind(&found) != FileType::Directory {
            rustix::fs::unlinkat(parent, name, AtFlags::empty())?;
            return Ok(None);
        }
        let directory = open_directory(parent, name)?;
        // Also what is mounted from the same file system, to be seen at two places.
        if rustix::fs::fstat(&directory)?.st_dev != self.device || mount(&directory)? != self.mount
        {
            return Err(Errno::XDEV);
        }
        let names = names(&directory)?.into_iter();
        Ok(Some((directory, names)))
    }

    fn failed(&self, errno: Errno) -> HostError {
        HostError::errno("remove", &self.way.beneath(self.root), errno)
    }
}

/// Which mount a directory was reached by.
fn mount(directory: &OwnedFd) -> rustix::io::Result<Option<u64>> {
    match rustix::fs::statx(directory, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID) {
        Ok(found) => {
            let known = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID);
            Ok(known.then_some(found.stx_mnt_id))
        }
        Err(Errno::NOSYS) => Ok(None),
        Err(errno) => Err(errno),
    }
}
