//! Removing a directory of data.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use super::{Way, kind, names, open_directory, stat};
use crate::host::{Host, HostError};

impl Host {
    /// Removes everything in a directory but what is called one of `kept`. Links are removed, not
    /// followed; another file system that is mounted there is an error. An absent one is empty.
    ///
    /// # Errors
    /// [`HostError::Io`] if something cannot be removed.
    pub fn empty_tree(&self, path: &str, kept: &[String]) -> Result<(), HostError> {
        let directory = match self.open_dir(path) {
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
        if let Some(mount) = self.mounted_beneath(path)?.first() {
            let place = format!("{path}/{mount}");
            return Err(HostError::errno("remove", &place, Errno::BUSY));
        }
        let failed = |errno| HostError::errno("remove", path, errno);
        let device = rustix::fs::fstat(&directory).map_err(failed)?.st_dev;
        let mut remover = Remover { root: path, device, way: Way::default() };
        for name in names(&directory).map_err(failed)? {
            if !kept.iter().any(|kept| kept.as_bytes() == name.as_bytes()) {
                remover.remove(&directory, &name)?;
            }
        }
        rustix::fs::fsync(&directory).map_err(failed)
    }
}

/// Removes names of one file system.
pub(super) struct Remover<'a> {
    /// The directory, for messages.
    pub root: &'a str,
    pub device: u64,
    pub way: Way,
}

impl Remover<'_> {
    /// Removes what stands at a name, with all beneath it.
    pub(super) fn remove(&mut self, directory: &OwnedFd, name: &CStr) -> Result<(), HostError> {
        let length = self.way.enter(name);
        let result = self.remove_entered(directory, name);
        self.way.leave(length);
        result
    }

    fn remove_entered(&mut self, directory: &OwnedFd, name: &CStr) -> Result<(), HostError> {
        let Some(found) = stat(directory, name).map_err(|errno| self.failed(errno))? else {
            return Ok(());
        };
        if found.st_dev != self.device {
            return Err(self.failed(Errno::XDEV));
        }
        let mut flags = AtFlags::empty();
        if kind(&found) == FileType::Directory {
            flags = AtFlags::REMOVEDIR;
            let inner = open_directory(directory, name).map_err(|errno| self.failed(errno))?;
            for name in names(inner.as_fd()).map_err(|errno| self.failed(errno))? {
                self.remove(&inner, &name)?;
            }
        }
        rustix::fs::unlinkat(directory, name, flags).map_err(|errno| self.failed(errno))
    }

    fn failed(&self, errno: Errno) -> HostError {
        HostError::errno("remove", &self.way.beneath(self.root), errno)
    }
}
