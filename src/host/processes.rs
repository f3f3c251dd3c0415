//! Processes of the running system.

use std::time::Duration;

use super::{Host, HostError};

/// How often a wait looks again.
const INTERVAL: Duration = Duration::from_millis(50);

impl Host {
    /// Ids of processes that run one of these programs, also one whose file was replaced or
    /// removed since.
    ///
    /// # Errors
    /// [`HostError::Io`] if `/proc` cannot be read.
    pub fn processes_of(&self, programs: &[String]) -> Result<Vec<u32>, HostError> {
        let mut found = Vec::new();
        for name in self.read_dir("/proc")? {
            let Ok(pid) = name.parse::<u32>() else { continue };
            // Kernel threads have no program, and processes end while this looks.
            let Ok(program) = rustix::fs::readlink(format!("/proc/{pid}/exe"), Vec::new()) else {
                continue;
            };
            let program = program.to_string_lossy();
            let program = program.strip_suffix(" (deleted)").unwrap_or(&program);
            if programs.iter().any(|known| known == program) {
                found.push(pid);
            }
        }
        Ok(found)
    }

    /// Waits until no process runs one of these programs any more; returns those that still
    /// do when `limit` has passed.
    ///
    /// # Errors
    /// As [`Host::processes_of`].
    pub fn wait_for_end_of(
        &self,
        programs: &[String],
        limit: Duration,
    ) -> Result<Vec<u32>, HostError> {
        let deadline = std::time::Instant::now() + limit;
        loop {
            let left = self.processes_of(programs)?;
            if left.is_empty() || std::time::Instant::now() >= deadline {
                return Ok(left);
            }
            self.block_on(tokio::time::sleep(INTERVAL));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_by_its_program() {
        let host = Host::live().unwrap();
        let own = std::env::current_exe().unwrap().to_string_lossy().into_owned();
        assert!(host.processes_of(&[own]).unwrap().contains(&std::process::id()));
        let limit = Duration::from_secs(5);
        assert!(host.wait_for_end_of(&["/no/such/program".into()], limit).unwrap().is_empty());
    }
}
