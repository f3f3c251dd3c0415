//! Other engines: their packages, units and sockets, and whose the targets are.

use super::{Case, Finding, Seen};
use crate::bundle::Archive;
use crate::desired::{DAEMON_JSON, UNIT_DIR};
use crate::facts::{FileFact, PackageManager};
use crate::file_state::FileKind;
use crate::store::STATE_DIR;
use crate::topology::{ALL_UNITS, Topology, starts_its_own_containerd};

/// Packages that share files or units with an engine, but run none: where they own a target
/// that is a finding of its own.
const PARTS: [&str; 14] = [
    "docker-ce-cli",
    "docker-cli",
    "docker-client",
    "docker-common",
    "docker-ee-cli",
    "docker-proxy",
    "docker-runc",
    "iSulad",
    "moby-cli",
    "moby-runc",
    "podman-docker",
    "runc",
    "tini",
    "tini-static",
];

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
    let mut findings = packages(case);
    findings.extend(units(case));
    findings.extend(containerd_taken(case));
    findings.extend(sockets(case));
    findings.extend(targets(case));
    findings
}

/// Programs that nobody owns and that differ from the archive's: they are replaced, and
/// come back on uninstall.
pub(super) fn check_archive(case: &Case<'_>, archive: &Archive) -> Option<Finding> {
    let replaced = archive.entries.iter().filter_map(|entry| {
        let path = format!("{}/{}", case.desired.bin_dir, entry.name);
        let fact = case.facts.files.get(&path)?;
        let differs = fact.sha256.is_some_and(|digest| digest != entry.sha256);
        let nobodys =
            !case.owned.contains(&path) && !case.facts.packages.owners.contains_key(&path);
        (differs && nobodys).then_some(path)
    });
    let paths: Vec<String> = replaced.collect();
    (!paths.is_empty()).then(|| Finding::warning(Seen::TargetUnowned { paths }))
}

fn packages(case: &Case<'_>) -> Vec<Finding> {
    let packages = &case.facts.packages;
    if packages.manager != PackageManager::None && !packages.known {
        return vec![Finding::warning(Seen::PackagesUnknown { manager: packages.manager })];
    }
    let named = |part: bool| -> Vec<String> {
        let names = packages.engines.keys().filter(|name| PARTS.contains(&name.as_str()) == part);
        names.cloned().collect()
    };
    let seen = |packages: Vec<String>| Seen::EnginePackages {
        manager: case.facts.packages.manager,
        remove: removal(case, &packages),
        packages,
    };
    let (engines, parts) = (named(false), named(true));
    let mut findings = Vec::new();
    if !engines.is_empty() {
        findings.push(Finding::error(seen(engines)));
    }
    if !parts.is_empty() {
        findings.push(Finding::note(seen(parts)));
    }
    findings
}

/// The command that removes packages, of the front end that the host has.
fn removal(case: &Case<'_>, packages: &[String]) -> String {
    let front_ends = ["apt-get", "dnf", "yum", "zypper"];
    let found = front_ends.into_iter().find(|name| case.facts.programs.contains_key(*name));
    let program = match (found, case.facts.packages.manager) {
        (Some(program), _) => format!("{program} remove"),
        (None, PackageManager::Dpkg) => "dpkg --remove".to_owned(),
        (None, PackageManager::Rpm | PackageManager::None) => "rpm --erase".to_owned(),
    };
    format!("{program} {}", packages.join(" "))
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
    if case.is_loaded(KUBELET) && case.is_loaded(CONTAINERD) && !ours(CONTAINERD) {
        findings.push(Finding::error(Seen::ContainerdShared { user: KUBELET.to_owned() }));
    }
    findings
}

/// A dockerd that shall start a containerd of its own takes one that is there already instead:
/// from 18.09 on it looks at the socket's path first.
fn containerd_taken(case: &Case<'_>) -> Option<Finding> {
    let listens = case.facts.network.listening.iter().any(|path| path == CONTAINERD_SOCKET);
    let blind = case.engine().is_some_and(|version| starts_its_own_containerd(&version));
    let taken =
        case.topology() == Topology::Classic && !blind && (listens || case.is_active(CONTAINERD));
    taken.then(|| Finding::error(Seen::ContainerdTaken { path: CONTAINERD_SOCKET.to_owned() }))
}

fn sockets(case: &Case<'_>) -> Vec<Finding> {
    let classic = case.topology() == Topology::Classic;
    let taken = SOCKETS.iter().filter(|(path, units)| {
        !(classic && *path == CONTAINERD_SOCKET)
            && case.facts.network.listening.iter().any(|listening| listening == path)
            && !units.iter().any(|unit| case.is_active(unit))
            && !case.is_loaded(SNAP)
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
            } else if path != DAEMON_JSON && !case.owned.contains(path) {
                findings.extend(owner(case, path));
            }
        } else if is_directory && !matches!(what, FileKind::Directory | FileKind::Symlink) {
            findings.push(kind());
        }
    }
    let by_hand = |path: &&String| {
        !case.owned.contains(*path)
            && !case.facts.packages.owners.contains_key(*path)
            && case.facts.files.get(*path).is_some_and(|fact| fact.state.kind == FileKind::File)
    };
    let paths: Vec<String> = units.iter().filter(by_hand).cloned().collect();
    if !paths.is_empty() {
        findings.push(Finding::warning(Seen::TargetUnowned { paths }));
    }
    findings
}

fn owner(case: &Case<'_>, path: &str) -> Option<Finding> {
    let package = case.facts.packages.owners.get(path)?.clone();
    let remove = removal(case, std::slice::from_ref(&package));
    let (path, manager) = (path.to_owned(), case.facts.packages.manager);
    Some(Finding::error(Seen::TargetOwned { path, package, manager, remove }))
}
