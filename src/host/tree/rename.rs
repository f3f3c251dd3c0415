//! Moving what is in a directory to another one of the same file system.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::{RenameFlags, renameat, renameat_with};
use rustix::io::Errno;

use super::{names, stat};
use crate::host::fault_point::{self, Effect};
use crate::host::{Host, HostError, kill_point};

impl Host {
    /// Moves each of these names from one directory to another, where nothing has that name.
    ///
    /// # Errors
    /// [`HostError::Io`] if something has it, or the system refuses; what was moved before stays.
    pub fn move_names(
        &self,
        from: &str,
        to: &str,
        which: &dyn Fn(&str) -> bool,
    ) -> Result<(), HostError> {
        let (source, target) = (self.open_dir(from)?, self.open_dir(to)?);
        let all = names(&source).map_err(|errno| HostError::errno("list", from, errno))?;
        for name in all {
            let shown = name.to_string_lossy();
            if which(&shown) {
                kill_point::reached();
                let place = format!("{to}/{shown}");
                fault_point::before(Effect::Changes)
                    .and_then(|()| move_name(&source, &target, &name))
                    .map_err(|errno| HostError::errno("rename to", &place, errno))?;
            }
        }
        for directory in [source, target] {
            rustix::fs::fsync(directory).map_err(|errno| HostError::errno("sync", to, errno))?;
        }
        Ok(())
    }
}

fn move_name(from: &OwnedFd, to: &OwnedFd, name: &CStr) -> rustix::io::Result<()> {
    match renameat_with(from, name, to, name, RenameFlags::NOREPLACE) {
        // An old kernel, or a file system that cannot tell.
        Err(Errno::NOSYS | Errno::INVAL) if stat(to, name)?.is_none() => {
            renameat(from, name, to, name)
        }
        Err(Errno::NOSYS | Errno::INVAL) => Err(Errno::EXIST),
        other => other,
    }
}
