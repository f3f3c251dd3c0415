//! A Docker that somebody else installed: its units, its daemon, and what that says of itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use landfall_engine::{Client, EngineError};

use super::doctor::processes;
use super::doctor::program_version;
use super::doctor::units::exec_start;
use crate::desired::SOCKET;
use crate::file_state::FileState;
use crate::host::{Host, HostError};
use crate::topology::ALL_UNITS;
use crate::unit_state::UnitState;

/// How long the daemon may take to say who it is.
const LIMIT: Duration = Duration::from_secs(10);

/// A Docker, as it was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundEngine {
    /// Its units and others that matter, by name.
    pub units: BTreeMap<String, UnitState>,
    /// The texts of docker.service: of its file, and of the drop-ins that apply, by path and in
    /// systemd's order.
    pub service: Vec<(String, String)>,
    /// The text of docker.socket.
    pub socket: Option<String>,
    /// The command line that runs it: of the process, or else of the unit.
    pub command: Vec<String>,
    /// Where the program of that really is, all links resolved; `None` if it is not there.
    pub program: Option<String>,
    /// The daemon that systemd started for docker.service.
    pub runs: bool,
    /// Whether that daemon has a containerd for a child.
    pub has_child: bool,
    /// Daemons of root that no unit started: process id and command line.
    pub by_hand: Vec<(u32, String)>,
    /// Its version, as the daemon or its program says it.
    pub version: Option<String>,
    /// Where the running daemon keeps its data.
    pub data_root: Option<String>,
    /// The API socket.
    pub api_socket: Option<FileState>,
}

/// Docker's snap.
pub const SNAP: &str = "snap.docker.dockerd.service";
/// Kubernetes' agent.
pub const KUBELET: &str = "kubelet.service";

/// Looks at the Docker that is there. Nothing is changed.
///
/// # Errors
/// [`HostError`] if systemd does not answer, or a unit cannot be read.
pub fn gather(host: &Host) -> Result<FoundEngine, HostError> {
    let mut found = FoundEngine::default();
    for unit in ALL_UNITS.into_iter().chain([SNAP, KUBELET]) {
        found.units.insert(unit.to_owned(), host.unit_state(unit)?);
    }
    if let Some(state) = found.units.get("docker.service") {
        for path in state.fragment.iter().chain(&state.drop_ins) {
            found.service.extend(host.read_text(path)?.map(|text| (path.clone(), text)));
        }
    }
    if let Some(path) = found.units.get("docker.socket").and_then(|state| state.fragment.as_ref()) {
        found.socket = host.read_text(path)?;
    }
    let texts: Vec<String> = found.service.iter().map(|(_, text)| text.clone()).collect();
    found.command = exec_start(&texts);
    daemons(host, &mut found)?;
    if let Some(program) = found.command.first().filter(|program| program.starts_with('/')) {
        found.program = host.real_path(program)?;
    }
    found.api_socket = host.stat(SOCKET)?;
    if found.runs
        && let Some((version, data_root)) = ask(host)
    {
        (found.version, found.data_root) = (Some(version), Some(data_root));
    } else if let Some(program) = &found.program {
        found.version = program_version(host, program);
    }
    Ok(found)
}

/// Tells the daemon of docker.service from others by its control group.
fn daemons(host: &Host, found: &mut FoundEngine) -> Result<(), HostError> {
    let processes = processes::gather(host)?;
    let daemons = processes.iter().filter(|process| process.name == "dockerd");
    for daemon in daemons.filter(|process| process.uid == 0) {
        let group = host.read_text(&format!("/proc/{}/cgroup", daemon.pid))?.unwrap_or_default();
        if group.lines().any(|line| line.ends_with("/docker.service")) {
            found.runs = true;
            found.command.clone_from(&daemon.command);
            found.has_child =
                processes.iter().any(|it| it.name == "containerd" && it.parent == daemon.pid);
        } else {
            found.by_hand.push((daemon.pid, daemon.command.join(" ")));
        }
    }
    Ok(())
}

fn ask(host: &Host) -> Option<(String, String)> {
    let asking = async {
        let client = Client::connect(Path::new(SOCKET), LIMIT).await?;
        let info = client.info().await?;
        let data_root = info.data_root.to_string_lossy().into_owned();
        Ok::<_, EngineError>((info.server_version, data_root))
    };
    host.block_on(async { tokio::time::timeout(LIMIT, asking).await.ok()?.ok() })
}
