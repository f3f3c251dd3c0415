//! Files that lie in memory alone, for what must not lie on a disk.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use super::HostError;

/// A file in memory; it goes when it is dropped.
#[derive(Debug)]
pub struct MemoryFile(File);

impl MemoryFile {
    /// One with these bytes; the name is seen in `/proc` alone.
    ///
    /// # Errors
    /// [`HostError::Io`], also where the kernel has no such files (before 3.17).
    pub fn new(name: &str, bytes: &[u8]) -> Result<Self, HostError> {
        let fail = |source| HostError::io("make in memory", name, source);
        let made = rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC);
        let mut file = File::from(made.map_err(|errno| fail(errno.into()))?);
        file.write_all(bytes).map_err(fail)?;
        Ok(Self(file))
    }

    /// The path by which this process alone reads it, from its start.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("{PREFIX}{}", self.0.as_raw_fd()))
    }
}

/// How the paths of such files begin.
pub const PREFIX: &str = "/proc/self/fd/";
