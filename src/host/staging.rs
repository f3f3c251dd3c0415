//! A directory in which an archive is unpacked beside its targets, from another thread.

use std::fs::File;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags};

use super::{Host, HostError};
use crate::file_state::new_name;

/// An open directory that staged files are made in. Unlike the host it may move to another
/// thread.
pub struct StagingDir {
    handle: OwnedFd,
    path: String,
}

impl Host {
    /// Opens `target`, or the nearest directory above it that exists: staged files only
    /// have to lie on the file system of their targets, which a rename cannot leave.
    ///
    /// # Errors
    /// [`HostError::Io`] if no directory can be opened.
    pub fn staging_dir(&self, target: &str) -> Result<StagingDir, HostError> {
        let mut path = target;
        loop {
            match self.open_dir(path) {
                Ok(handle) => return Ok(StagingDir { handle, path: path.to_owned() }),
                Err(error) if error.is_not_found() && path.len() > 1 => {
                    path = match path.rfind('/') {
                        Some(slash) if slash > 0 => &path[..slash],
                        _ => "/",
                    };
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl StagingDir {
    /// Its path, without a trailing slash (empty for the root).
    pub fn path(&self) -> &str {
        self.path.trim_end_matches('/')
    }

    /// The path under which a program of this name is staged.
    pub fn path_of(&self, name: &str) -> String {
        format!("{}/{}", self.path(), new_name(name))
    }

    /// Makes a staged file, mode 0600, replacing what an earlier run left.
    ///
    /// # Errors
    /// What the system answers.
    pub fn create(&self, name: &str) -> std::io::Result<File> {
        let name = new_name(name);
        match rustix::fs::unlinkat(&self.handle, &name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.handle, &name, flags, Mode::from_raw_mode(0o600))?;
        Ok(File::from(file))
    }
}
