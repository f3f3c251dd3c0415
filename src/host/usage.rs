//! How much room a directory takes.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rustix::fs::FileType;

use super::tree::walk;
use super::{Host, HostError};

/// How much room a directory takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes on disk.
    pub bytes: u64,
    /// Files, directories and all else.
    pub inodes: u64,
    /// Whether all of it was counted, in the time that was given.
    pub complete: bool,
}

impl Host {
    /// How much room a directory and all beneath it take, without other file systems that are
    /// mounted there. Nothing if it is not there. Counting ends after `limit`.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be read.
    pub fn usage(&self, path: &str, limit: Duration) -> Result<Usage, HostError> {
        let deadline = Instant::now() + limit;
        let failed = |errno| HostError::errno("list", path, errno);
        let directory = match self.open_dir(path) {
            Ok(directory) => directory,
            Err(error) if error.is_not_found() => {
                return Ok(Usage { complete: true, ..Usage::default() });
            }
            Err(error) => return Err(error),
        };
        let own = rustix::fs::fstat(&directory).map_err(failed)?;
        let mut usage = Usage { bytes: bytes(&own), inodes: 1, complete: true };
        let mut linked = HashSet::new();
        let walked = walk(&directory, &mut |entry| {
            if Instant::now() > deadline {
                usage.complete = false;
                return Ok(ControlFlow::Break(()));
            }
            let is_directory = FileType::from_raw_mode(entry.stat.st_mode) == FileType::Directory;
            // A file of several names takes its room once.
            if is_directory || entry.stat.st_nlink == 1 || linked.insert(entry.stat.st_ino) {
                usage.inodes += 1;
                usage.bytes += bytes(entry.stat);
            }
            Ok(ControlFlow::Continue(()))
        });
        walked.map_err(|(way, errno)| HostError::errno("list", &way.beneath(path), errno))?;
        Ok(usage)
    }
}

/// stat(2): blocks are counted by 512 bytes, whatever the file system's own are.
fn bytes(stat: &rustix::fs::Stat) -> u64 {
    u64::try_from(stat.st_blocks).unwrap_or_default() * 512
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_state::Ownership;
    use crate::steps::testing::Bed;

    #[test]
    fn counts_what_is_beneath_and_nothing_that_is_not_there() {
        let bed = Bed::new(&["data/a/b", "other"]);
        let count = |path| bed.host.usage(path, Duration::from_secs(60)).unwrap();
        let before = count("/data").bytes;
        for path in ["/data/a/b/file", "/other/file"] {
            let text = "x".repeat(100_000);
            // Blocks are given out when a file is synced.
            bed.host.write_file(path, text.as_bytes(), Ownership::own(0o600)).unwrap();
        }
        let after = count("/data");
        assert!(after.complete && after.bytes >= before + 100_000, "{before} {after:?}");
        assert!(after.bytes < before + 200_000, "{before} {after:?}");
        assert_eq!(count("/absent"), Usage { complete: true, ..Usage::default() });
    }

    #[test]
    fn counting_ends_in_time() {
        let bed = Bed::new(&["data/a"]);
        assert!(!bed.host.usage("/data", Duration::ZERO).unwrap().complete);
    }
}
