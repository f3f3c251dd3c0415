//! A scope of systemd for a run, so that it does not end with the session it was typed in.

use std::time::Duration;

use zbus::zvariant::Value;

use super::systemd::{CALL_LIMIT, Systemd, manager, wait_for_job};
use super::{Host, HostError};
use crate::texts::phrases::host as phrases;

/// How long a run may take to go back when the host is shut down, until systemd kills it.
const STOP_LIMIT: Duration = Duration::from_secs(300);

/// The scope of the run of a process.
pub fn scope_name(pid: u32) -> String {
    format!("landfall-run-{pid}.scope")
}

impl Host {
    /// Moves this process, with all that it starts from now on, out of the login session's
    /// scope into one of its own: what ends with the session (`KillUserProcesses=` of
    /// logind.conf(5)) does not reach it there.
    ///
    /// The scope ends with the process. At shutdown it is ended before file systems are
    /// unmounted, but not before the bus: units that the run stops on its way back wait for
    /// services to end, and the bus is one, so that each would wait for the other.
    ///
    /// # Errors
    /// [`HostError::Systemd`] if the manager refuses, or is not reached by the bus: `systemctl`
    /// cannot move a process.
    pub fn enter_scope(&self, name: &str) -> Result<(), HostError> {
        let Systemd::Bus(connection) = self.systemd() else {
            return Err(HostError::Systemd {
                action: "start",
                unit: name.to_owned(),
                message: phrases::NO_BUS.to_owned(),
            });
        };
        self.bounded("start", name, CALL_LIMIT, start_scope(connection, name))
    }
}

async fn start_scope(connection: &zbus::Connection, name: &str) -> zbus::Result<()> {
    let manager = manager(connection).await?;
    let mut ends = manager.receive_job_removed().await?;
    let stop_limit = u64::try_from(STOP_LIMIT.as_micros()).unwrap_or(u64::MAX);
    // systemd 219 knows all of these.
    let properties = [
        ("Description", Value::from(phrases::SCOPE_DESCRIPTION)),
        ("Slice", Value::from("system.slice")),
        ("PIDs", Value::from(vec![std::process::id()])),
        ("After", Value::from(vec!["local-fs.target"])),
        ("TimeoutStopUSec", Value::from(stop_limit)),
    ];
    let job = manager.start_transient_unit(name, "fail", &properties, &[]).await?;
    wait_for_job(&mut ends, &job).await
}
