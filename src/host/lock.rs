//! One run at a time.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{FlockOperation, Mode, OFlags};

use super::{Host, HostError};
use crate::run_state::Question;

/// The lock of a live host. `/run` is emptied at boot, so nothing stale survives.
const LOCK: &str = "/run/landfall.lock";

/// Held as long as the value lives; the kernel lets go of it when the process ends,
/// however it ends.
#[derive(Debug)]
pub struct RunLock {
    _handle: OwnedFd,
}

impl Host {
    /// Takes the lock, without waiting.
    ///
    /// On a live host it is a file that names its holder; beneath `--root` it is the root
    /// directory itself, so that nothing is left in the image.
    ///
    /// # Errors
    /// [`HostError::Locked`] if another run holds it.
    pub fn lock(&self) -> Result<RunLock, HostError> {
        if !self.live {
            let handle = self.open_dir("/")?;
            return match rustix::fs::flock(&handle, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Ok(RunLock { _handle: handle }),
                Err(rustix::io::Errno::WOULDBLOCK) => Err(HostError::Locked {
                    holder: self.dir.to_string_lossy().into_owned(),
                    run: None,
                }),
                Err(errno) => Err(HostError::errno("lock", "/", errno)),
            };
        }
        let (parent, name) = self.parent(LOCK)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o644))
            .map(File::from)
            .map_err(|errno| HostError::errno("open", LOCK, errno))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                let _ = (&mut file).take(200).read_to_string(&mut holder);
                let run = self.ask_run(Question::State).ok().flatten();
                return Err(HostError::Locked {
                    holder: holder.trim().to_owned(),
                    run: run.map(|answer| Box::new(answer.run)),
                });
            }
            Err(errno) => return Err(HostError::errno("lock", LOCK, errno)),
        }
        let note = format!("pid {}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(note.as_bytes()))
            .map_err(|source| HostError::io("write", LOCK, source))?;
        Ok(RunLock { _handle: file.into() })
    }
}
