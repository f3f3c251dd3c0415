//! The copy of the program that shims and exec helpers run from.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    path::PathBuf,
};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// A copy of the running program in memory, that nobody can write to: a container that gets hold
/// of a shim's program through /proc cannot change what root runs next (CVE-2019-5736).
#[derive(Debug)]
pub struct SealedBinary {
    copy: OwnedFd,
}

impl SealedBinary {
    /// Copies the program that runs.
    pub fn of_this_program() -> io::Result<Self> {
        let copy =
            memfd_create("landfall-engine", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut file = File::from(copy);
        io::copy(&mut File::open("/proc/self/exe")?, &mut file)?;
        let copy = OwnedFd::from(file);
        fcntl_add_seals(
            &copy,
            SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
        )?;
        Ok(Self { copy })
    }

    /// A path for starting it from this process.
    pub fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.copy.as_raw_fd()).into()
    }
}
