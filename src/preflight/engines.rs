//! Other engines: their units and sockets, and what stands in the way.

use super::{Case, Finding, Seen, ownership};
use crate::desired::{DAEMON_JSON, UNIT_DIR};
use crate::facts::FileFact;
use crate::file_state::FileKind;
use crate::store::STATE_DIR;
use crate::topology::{ALL_UNITS, Topology};

/// Docker's snap.
const SNAP: &str = "snap.docker.dockerd.service";
/// Kubernetes' agent, which uses the host's containerd.
const KUBELET: &str = "kubelet.service";

const CONTAINERD: &str = "containerd.service";
/// Where a containerd listens that is not dockerd's child.
const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

/// Sockets, and the units that serve them.
const SOCKETS: [(&str, &[&str]); 2] = [
    ("/run/docker.sock", &["docker.service", "docker.socket"]),
    (CONTAINERD_SOCKET, &[CONTAINERD]),
];

impl Case<'_> {
    /// The programs of an engine that stand in the directory of programs.
    pub(super) fn programs_there(&self) -> impl Iterator<Item = (&String, &FileFact)> {
        self.facts.files.iter().filter(|(path, _)| self.program_name(path).is_some())
    }

    fn program_name<'p>(&self, path: &'p str) -> Option<&'p str> {
        let name = path.strip_prefix(&self.desired.bin_dir)?.strip_prefix('/')?;
        (!name.contains('/')).then_some(name)
    }

    fn is_loaded(&self, unit: &str) -> bool {
        self.facts.units.get(unit).is_some_and(|state| state.load == "loaded")
    }

    /// Whether a unit runs, or is on its way up.
    pub(super) fn is_active(&self, unit: &str) -> bool {
        self.facts.units.get(unit).is_some_and(crate::unit_state::UnitState::is_active)
    }
}

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = units(case);
    findings.extend(containerd_taken(case));
    findings.extend(sockets(case));
    findings.extend(targets(case));
    findings
}

fn units(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let ours_to_be = case.topology().units();
    for name in ALL_UNITS {
        let Some(state) = case.facts.units.get(name) else { continue };
        let name = &name.to_owned();
        if name == CONTAINERD && !ours_to_be.contains(&CONTAINERD) {
            continue;
        }
        if state.load == "masked" && ours_to_be.contains(&name.as_str()) {
            findings.push(Finding::error(Seen::UnitMasked { unit: name.clone() }));
        }
        let fragment = state.fragment.clone().unwrap_or_default();
        if state.is_active() && !case.owned.contains(&fragment) {
            findings.push(Finding::error(Seen::EngineRunning { unit: name.clone(), fragment }));
        }
    }
    if case.is_loaded(SNAP) {
        findings.push(Finding::error(Seen::SnapDocker { unit: SNAP.to_owned() }));
    }
    let ours = |unit: &str| case.owned.contains(&format!("{UNIT_DIR}/{unit}"));
    if !ours(CONTAINERD) {
        let is_nodes = case.is_loaded(KUBELET) && case.is_loaded(CONTAINERD);
        let user = is_nodes.then(|| KUBELET.to_owned()).or_else(|| containerds_user(case));
        findings.extend(user.map(|user| Finding::error(Seen::ContainerdShared { user })));
    }
    findings
}

/// A dockerd that shall start a containerd of its own takes one that is there already instead:
/// from 18.09 on it looks at the socket's path first.
fn containerd_taken(case: &Case<'_>) -> Option<Finding> {
    let listens = case.facts.network.listening.iter().any(|path| path == CONTAINERD_SOCKET);
    let blind = case.starts_its_own_containerd();
    let taken =
        case.topology() == Topology::Classic && !blind && (listens || case.is_active(CONTAINERD));
    taken.then(|| Finding::error(Seen::ContainerdTaken { path: CONTAINERD_SOCKET.to_owned() }))
}

/// A package that runs containers with the packaged containerd: a unit of ours would take the
/// place of the package's.
fn containerds_user(case: &Case<'_>) -> Option<String> {
    let packages = &case.facts.packages;
    ownership::containerds(packages)
        .find_map(|package| ownership::needed_by(packages, package).into_iter().next())
}

fn sockets(case: &Case<'_>) -> Vec<Finding> {
    let classic = case.topology() == Topology::Classic;
    let taken = SOCKETS.iter().filter(|(path, units)| {
        let ours_to_make = !classic || *path != CONTAINERD_SOCKET;
        let listens = case.facts.network.listening.iter().any(|listening| listening == path);
        let known = case.is_loaded(SNAP) || units.iter().any(|unit| case.is_active(unit));
        ours_to_make && listens && !known
    });
    taken.map(|(path, _)| Finding::error(Seen::SocketInUse { path: (*path).to_owned() })).collect()
}

fn targets(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let units = case.topology().units().iter().map(|unit| format!("{UNIT_DIR}/{unit}"));
    let units: Vec<String> = units.collect();
    for (path, fact) in &case.facts.files {
        let is_unit = units.contains(path);
        let is_program = case.program_name(path).is_some();
        let is_directory =
            [&case.desired.bin_dir, UNIT_DIR, STATE_DIR, case.data_root()].contains(&path.as_str());
        let what = fact.state.kind;
        let masked = is_unit && fact.state.target.as_deref() == Some("/dev/null");
        let kind = || Finding::error(Seen::TargetKind { path: path.clone(), what });
        if masked {
            let unit = path.trim_start_matches(UNIT_DIR).trim_start_matches('/').to_owned();
            let seen = Finding::error(Seen::UnitMasked { unit });
            // A live host's manager has said so already.
            if case.facts.units.is_empty() {
                findings.push(seen);
            }
        } else if is_unit || is_program || path == DAEMON_JSON {
            if what != FileKind::File {
                findings.push(kind());
            }
        } else if is_directory && !matches!(what, FileKind::Directory | FileKind::Symlink) {
            findings.push(kind());
        }
    }
    findings
}
