//! The file that the running Landfall was started from.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use super::{Host, HostError};
use crate::file_state::Ownership;

/// The link to it. It also opens when the name is gone, or is another's meanwhile.
const SELF: &str = "/proc/self/exe";

impl Host {
    /// The path by which the host knows the running program; `None` if it does not (the file
    /// was deleted or replaced, or lies outside of the host's root).
    pub fn own_program(&self) -> Option<String> {
        let path = rustix::fs::readlink(SELF, Vec::new()).ok()?;
        let path = path.to_str().ok()?.to_owned();
        let there = self.open_file(&path).ok()??.metadata().ok()?;
        let own = open().ok()?.metadata().ok()?;
        ((there.dev(), there.ino()) == (own.dev(), own.ino())).then_some(path)
    }

    /// Copies the running program: a reflink where the file system has them.
    ///
    /// # Errors
    /// [`HostError::Io`]; what stood at `path` is then as it was.
    pub fn copy_own_program(&self, path: &str) -> Result<(), HostError> {
        let mut own = open().map_err(|source| HostError::io("open", SELF, source))?;
        self.copy_file(&mut own, path, Ownership::root(0o700))
    }
}

#[allow(clippy::disallowed_methods)] // it is not beneath the host's root
fn open() -> std::io::Result<File> {
    File::open(SELF)
}
