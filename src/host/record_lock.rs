//! Locks that other programs hold.

use rustix::process::{Flock, FlockOffsetType, FlockType};

use super::{Host, HostError};

impl Host {
    /// Whether another process holds a writer's lock (fcntl(2), `F_SETLK`) on a file. A file
    /// that is not there, or that the caller may not read, counts as not locked.
    ///
    /// # Errors
    /// [`HostError::Io`] if it is no regular file, or cannot be asked.
    pub fn is_locked(&self, path: &str) -> Result<bool, HostError> {
        let file = match self.open_file(path) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(false),
            Err(error) if error.is_permission_denied() => return Ok(false),
            Err(error) => return Err(error),
        };
        let question = Flock {
            start: 0,
            length: 0,
            pid: None,
            typ: FlockType::WriteLock,
            offset_type: FlockOffsetType::Set,
        };
        let held = rustix::process::fcntl_getlk(&file, &question)
            .map_err(|errno| HostError::errno("look at the lock of", path, errno))?;
        // Readers' locks are in the way of a writer too, and mean nothing here.
        Ok(held.is_some_and(|lock| lock.typ == FlockType::WriteLock))
    }
}
