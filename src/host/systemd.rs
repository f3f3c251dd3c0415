//! systemd: by D-Bus, which reports the result of each job; by `systemctl` where the bus
//! cannot be reached.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::clock::Moment;
use super::{Host, HostError};
use crate::texts::phrases::host as phrases;
use crate::unit_state::{UnitAction, UnitState};

/// The way to the service manager.
pub enum Systemd {
    /// The system bus.
    Bus(zbus::Connection),
    /// The `systemctl` program (which has a private socket to the manager).
    Systemctl,
}

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1",
    gen_blocking = false
)]
pub(super) trait Manager {
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    fn start_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn stop_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn restart_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn reload_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn start_transient_unit(
        &self,
        name: &str,
        mode: &str,
        properties: &[(&str, Value<'_>)],
        auxiliary: &[(&str, &[(&str, Value<'_>)])],
    ) -> zbus::Result<OwnedObjectPath>;
    fn reset_failed_unit(&self, name: &str) -> zbus::Result<()>;
    fn reload(&self) -> zbus::Result<()>;
    fn subscribe(&self) -> zbus::Result<()>;
    #[zbus(property)]
    fn version(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn system_state(&self) -> zbus::Result<String>;
    #[zbus(signal)]
    fn job_removed(
        &self,
        id: u32,
        job: OwnedObjectPath,
        unit: String,
        result: String,
    ) -> zbus::Result<()>;
}

/// Whether systemd runs the system that this process sees: in a chroot that an installer made, `/run`
/// may be the installer's own.
pub(super) fn is_booted() -> bool {
    let at = |path: &str| rustix::fs::stat(path);
    let is_own_root = match (at("/proc/1/root/"), at("/")) {
        (Ok(first), Ok(own)) => (first.st_dev, first.st_ino) == (own.st_dev, own.st_ino),
        // Not for everybody to look at; only where there is no /proc, the question is answered.
        (Err(errno), _) => errno != rustix::io::Errno::NOENT,
        (_, Err(_)) => true,
    };
    is_own_root && at("/run/systemd/system").is_ok()
}

/// How long a call that starts no job may take.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(90);

impl Host {
    /// Whether systemd runs this host (`sd_booted(3)`), and not that of an installer around it.
    pub fn is_booted_with_systemd(&self) -> bool {
        self.live && is_booted()
    }

    pub(super) fn systemd(&self) -> &Systemd {
        self.systemd.get_or_init(|| {
            let connecting =
                async { tokio::time::timeout(Duration::from_secs(5), connect()).await };
            match self.block_on(connecting) {
                Ok(Ok(connection)) => Systemd::Bus(connection),
                Ok(Err(_)) | Err(_) => Systemd::Systemctl,
            }
        })
    }

    /// From now on: the host is on its way up, this run is part of its boot, and the units of the
    /// engine wait for it. There is no bus yet.
    pub fn set_coming_up(&self) {
        self.coming_up.set(true);
        let _ = self.systemd.set(Systemd::Systemctl);
    }

    /// Whether this run is part of the host's boot.
    pub fn is_coming_up(&self) -> bool {
        self.coming_up.get()
    }

    /// The running manager's version, as it writes it: `252.39-1~deb12u2`, `219`.
    ///
    /// # Errors
    /// [`HostError::Systemd`] if the manager does not answer.
    pub fn manager_version(&self) -> Result<String, HostError> {
        match self.systemd() {
            Systemd::Bus(connection) => {
                self.bounded("ask for the version of", phrases::THE_MANAGER, CALL_LIMIT, async {
                    manager(connection).await?.version().await
                })
            }
            Systemd::Systemctl => {
                let shown =
                    self.run_ok(&["systemctl", "show", "--property=Version"], CALL_LIMIT)?;
                Ok(shown.trim().trim_start_matches("Version=").to_owned())
            }
        }
    }

    /// Whether the host is on its way down: a shutdown or reboot has begun. From then on systemd
    /// refuses to start anything. A manager that does not answer is taken to be up.
    pub fn is_shutting_down(&self) -> bool {
        let stopping = |state: &str| state.trim() == "stopping";
        if let Systemd::Bus(connection) = self.systemd() {
            let state = async { manager(connection).await?.system_state().await };
            let asked = self.bounded("look at", phrases::THE_MANAGER, CALL_LIMIT, state);
            // Early in a shutdown the bus goes.
            if let Ok(state) = asked {
                return stopping(&state);
            }
        }
        self.run(&["systemctl", "is-system-running"], CALL_LIMIT)
            .is_ok_and(|output| stopping(&output.stdout))
    }

    /// What systemd knows of a unit; `load` is `not-found` if it has none of that name.
    ///
    /// # Errors
    /// [`HostError::Systemd`] if the manager does not answer.
    pub fn unit_state(&self, unit: &str) -> Result<UnitState, HostError> {
        if let Systemd::Bus(connection) = self.systemd() {
            let state = bus_unit_state(connection, unit);
            if let Some(state) = self.while_bus_lives("look at", unit, CALL_LIMIT, state)? {
                return Ok(state);
            }
        }
        self.systemctl_unit_state(unit)
    }

    /// Asks a unit to do something and waits for the job's end.
    ///
    /// # Errors
    /// [`HostError::Systemd`] with the job's result (`failed`, `dependency`, `timeout`, …)
    /// or if it has not ended within `limit`.
    pub fn unit_action(
        &self,
        unit: &str,
        action: UnitAction,
        limit: Duration,
    ) -> Result<(), HostError> {
        if let Systemd::Bus(connection) = self.systemd() {
            let job = bus_job(connection, unit, action);
            if let Some(()) = self.while_bus_lives(action.verb(), unit, limit, job)? {
                return Ok(());
            }
        }
        self.run_ok(&["systemctl", action.verb(), unit], limit).map(|_| ())
    }

    /// Asks for a unit to be started, and does not wait for it.
    ///
    /// # Errors
    /// [`HostError::Command`] if systemd does not take the job.
    pub fn queue_start(&self, unit: &str) -> Result<(), HostError> {
        self.run_ok(&["systemctl", "--no-block", "start", unit], CALL_LIMIT).map(|_| ())
    }

    /// Has the manager read all unit files again.
    ///
    /// # Errors
    /// [`HostError::Systemd`] if it fails.
    pub fn daemon_reload(&self) -> Result<(), HostError> {
        if let Systemd::Bus(connection) = self.systemd() {
            let reload = async { manager(connection).await?.reload().await };
            let done = self.while_bus_lives("reload", phrases::THE_MANAGER, CALL_LIMIT, reload)?;
            if done.is_some() {
                return Ok(());
            }
        }
        self.run_ok(&["systemctl", "daemon-reload"], CALL_LIMIT).map(|_| ())
    }

    /// Forgets a unit's failure and its start counter. A unit without one is no error.
    pub fn reset_failed(&self, unit: &str) {
        if let Systemd::Bus(connection) = self.systemd() {
            let reset = async { manager(connection).await?.reset_failed_unit(unit).await };
            // A unit that is not loaded is refused, which is as good.
            if !matches!(self.while_bus_lives("reset", unit, CALL_LIMIT, reset), Ok(None)) {
                return;
            }
        }
        let _ = self.run(&["systemctl", "reset-failed", unit], CALL_LIMIT);
    }

    /// The last lines that a unit logged since a moment, oldest first. Empty if the journal has
    /// none.
    pub fn unit_log(&self, unit: &str, lines: u32, since: Moment) -> Vec<String> {
        let count = lines.to_string();
        let since = format!("--since=@{}", since.earliest_stamp());
        let argv =
            ["journalctl", "--no-pager", "-q", "-o", "cat", "-n", &count, &since, "-u", unit];
        match self.run(&argv, Duration::from_secs(10)) {
            Ok(output) => output.stdout.lines().map(str::to_owned).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// The same; `None` if the bus is gone, as it is early in a shutdown, when a run may still
    /// be on its way back. `systemctl` reaches the manager to the end.
    fn while_bus_lives<T>(
        &self,
        action: &'static str,
        unit: &str,
        limit: Duration,
        call: impl Future<Output = zbus::Result<T>>,
    ) -> Result<Option<T>, HostError> {
        self.bounded(action, unit, limit, async {
            match call.await {
                Err(zbus::Error::InputOutput(_)) => Ok(None),
                outcome => outcome.map(Some),
            }
        })
    }

    pub(super) fn bounded<T>(
        &self,
        action: &'static str,
        unit: &str,
        limit: Duration,
        call: impl Future<Output = zbus::Result<T>>,
    ) -> Result<T, HostError> {
        let failed =
            |message: String| HostError::Systemd { action, unit: unit.to_owned(), message };
        match self.block_on(async { tokio::time::timeout(limit, call).await }) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(failed(plain(&error))),
            Err(_) => Err(failed(phrases::not_done_within(limit.as_secs()))),
        }
    }

    fn systemctl_unit_state(&self, unit: &str) -> Result<UnitState, HostError> {
        let properties = "--property=LoadState,ActiveState,SubState,FragmentPath,DropInPaths,\
                          Result,ActiveEnterTimestampMonotonic";
        let shown = self.run_ok(&["systemctl", "show", properties, unit], CALL_LIMIT)?;
        Ok(parse_show(&shown))
    }
}

fn parse_show(text: &str) -> UnitState {
    let values: HashMap<&str, &str> =
        text.lines().filter_map(|line| line.split_once('=')).collect();
    let value = |key: &str| values.get(key).copied().unwrap_or_default().to_owned();
    UnitState {
        load: value("LoadState"),
        active: value("ActiveState"),
        sub: value("SubState"),
        fragment: Some(value("FragmentPath")).filter(|path| !path.is_empty()),
        drop_ins: value("DropInPaths").split_whitespace().map(str::to_owned).collect(),
        result: value("Result"),
        active_since: value("ActiveEnterTimestampMonotonic")
            .parse()
            .ok()
            .filter(|_| value("ActiveState") == "active"),
    }
}

/// An error of the bus without its name and signature.
fn plain(error: &zbus::Error) -> String {
    match error {
        zbus::Error::MethodError(name, message, _) => {
            message.clone().unwrap_or_else(|| name.to_string())
        }
        zbus::Error::Failure(message) => message.clone(),
        other => other.to_string(),
    }
}

/// Connects to the bus. Without a subscription systemd sends no signals; it takes one for
/// each connection.
async fn connect() -> zbus::Result<zbus::Connection> {
    let connection = zbus::Connection::system().await?;
    manager(&connection).await?.subscribe().await?;
    Ok(connection)
}

pub(super) async fn manager(connection: &zbus::Connection) -> zbus::Result<ManagerProxy<'_>> {
    ManagerProxy::builder(connection)
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await
}

async fn properties_of(
    connection: &zbus::Connection,
    path: &OwnedObjectPath,
    interface: &str,
) -> zbus::Result<HashMap<String, OwnedValue>> {
    let proxy = zbus::fdo::PropertiesProxy::builder(connection)
        .destination("org.freedesktop.systemd1")?
        .path(path)?
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await?;
    let interface = zbus::names::InterfaceName::try_from(interface)?;
    Ok(proxy.get_all(interface).await?)
}

async fn bus_unit_state(connection: &zbus::Connection, unit: &str) -> zbus::Result<UnitState> {
    let path = manager(connection).await?.load_unit(unit).await?;
    let unit_values = properties_of(connection, &path, "org.freedesktop.systemd1.Unit").await?;
    let interface = match unit.rsplit_once('.') {
        Some((_, "socket")) => Some("org.freedesktop.systemd1.Socket"),
        Some((_, "service")) => Some("org.freedesktop.systemd1.Service"),
        _ => None,
    };
    let kind_values = match interface {
        Some(interface) => properties_of(connection, &path, interface).await.unwrap_or_default(),
        None => HashMap::new(),
    };
    let text = |values: &HashMap<String, OwnedValue>, key: &str| {
        values
            .get(key)
            .and_then(|value| value.downcast_ref::<&str>().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let drop_ins = unit_values
        .get("DropInPaths")
        .and_then(|value| value.try_clone().ok())
        .and_then(|value| Vec::<String>::try_from(value).ok())
        .unwrap_or_default();
    let active = text(&unit_values, "ActiveState");
    let since = unit_values.get("ActiveEnterTimestampMonotonic");
    let active_since = since.and_then(|since| u64::try_from(since).ok());
    Ok(UnitState {
        load: text(&unit_values, "LoadState"),
        active_since: active_since.filter(|_| active == "active"),
        active,
        sub: text(&unit_values, "SubState"),
        fragment: Some(text(&unit_values, "FragmentPath")).filter(|path| !path.is_empty()),
        drop_ins,
        result: text(&kind_values, "Result"),
    })
}

async fn bus_job(
    connection: &zbus::Connection,
    unit: &str,
    action: UnitAction,
) -> zbus::Result<()> {
    let manager = manager(connection).await?;
    // The stream is opened before the job is asked for, so that its end cannot be missed.
    let mut ends = manager.receive_job_removed().await?;
    let job = match action {
        UnitAction::Start => manager.start_unit(unit, "replace").await?,
        UnitAction::Stop => manager.stop_unit(unit, "replace").await?,
        UnitAction::Restart => manager.restart_unit(unit, "replace").await?,
        UnitAction::Reload => manager.reload_unit(unit, "replace").await?,
    };
    wait_for_job(&mut ends, &job).await
}

/// Waits until a job has ended, and for its result.
pub(super) async fn wait_for_job(
    ends: &mut JobRemovedStream,
    job: &OwnedObjectPath,
) -> zbus::Result<()> {
    while let Some(signal) = ends.next().await {
        let end = signal.args()?;
        if end.job == *job {
            return match end.result.as_str() {
                "done" | "skipped" => Ok(()),
                result => Err(zbus::Error::Failure(phrases::job_result(result))),
            };
        }
    }
    Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemctl_show_is_read() {
        let state = parse_show(
            "LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n\
             FragmentPath=/etc/systemd/system/docker.service\nDropInPaths=/a.conf /b.conf\n",
        );
        assert_eq!(state.active, "failed");
        assert_eq!(state.result, "exit-code");
        assert_eq!(state.fragment.as_deref(), Some("/etc/systemd/system/docker.service"));
        assert_eq!(state.drop_ins, ["/a.conf", "/b.conf"]);
        assert!(!state.is_active());
    }

    #[test]
    fn a_unit_that_was_started_again_is_active_since_another_moment() {
        let show = |active, since| {
            let text = format!("ActiveState={active}\nActiveEnterTimestampMonotonic={since}\n");
            parse_show(&text).active_since
        };
        assert_eq!(show("active", "1234567"), Some(1_234_567));
        assert_eq!(show("activating", "1234567"), None, "that is when it was last");
        assert_eq!(show("active", ""), None);
    }
}
