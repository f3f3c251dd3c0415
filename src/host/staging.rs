//! A directory in which an archive is unpacked beside its targets, from another thread.

use std::fs::File;
use std::os::fd::OwnedFd;

use super::interrupt::Interrupt;
use super::write::create_anew;
use super::{Host, HostError};
use crate::file_state::new_name;

/// An open directory that staged files are made in. Unlike the host it may move to another
/// thread.
pub struct StagingDir {
    handle: OwnedFd,
    path: String,
    interrupt: Interrupt,
}

impl Host {
    /// Opens `target`, or the nearest directory above it that exists: staged files only
    /// have to lie on the file system of their targets, which a rename cannot leave.
    ///
    /// # Errors
    /// [`HostError::Io`] if no directory can be opened.
    pub fn staging_dir(&self, target: &str) -> Result<StagingDir, HostError> {
        let (handle, path) = self.open_nearest_dir(target)?;
        Ok(StagingDir { handle, path: path.to_owned(), interrupt: self.interrupt().clone() })
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

    /// The wish that the run ends, which a long unpacking heeds.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Makes a staged file, mode 0600, replacing what an earlier run left.
    ///
    /// # Errors
    /// What the system answers.
    pub fn create(&self, name: &str) -> std::io::Result<File> {
        Ok(create_anew(&self.handle, &new_name(name))?)
    }
}
