//! Whether a Docker that was found can be taken over, and what it is then.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Adoption, Flags};
use crate::bundle::program_names;
use crate::desired::{DAEMON_JSON, DEFAULT_CONTAINERD_ROOT, DEFAULT_DATA_ROOT, SOCKET, UNIT_DIR};
use crate::digest::Digest;
use crate::facts::doctor::units::exec_start;
use crate::facts::found_engine::{FoundEngine, KUBELET, SNAP};
use crate::facts::{Facts, FileFact, PackageManager, Wanted};
use crate::file_state::{FileKind, new_name, parent_of};
use crate::plan;
use crate::receipt::Entry;
use crate::render::units::{is_program_directory, wants_dir};
use crate::steps::{
    Before, CreateGroup, CreateLink, GuardRuntime, InstallBinary, Step, WaitApi, WriteFile,
};
use crate::topology::{Topology, starts_its_own_containerd};
use crate::unit_state::UnitState;

/// A Docker that can be taken over.
#[derive(Clone, Debug, PartialEq)]
pub struct Engine {
    /// For the receipt.
    pub adoption: Adoption,
    /// Which units run it.
    pub topology: Topology,
    /// Where its programs are.
    pub bin_dir: String,
    /// The group that may use its API.
    pub group: String,
    /// Where its data are.
    pub data_root: String,
    /// Whether it runs.
    pub runs: bool,
    /// What is taken over, as the receipt will hold it.
    pub entries: Vec<Entry>,
    /// Programs in `bin_dir`, by name and path.
    pub programs: Vec<(String, String)>,
    /// Files that packages own beside, in an engine that is not theirs: path and package.
    pub of_packages: Vec<(String, String)>,
}

/// Why a Docker cannot be taken over.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// There is none; `podman` says that podman answers to its name.
    None {
        /// Whether podman-docker is installed.
        podman: bool,
    },
    /// It is a snap.
    Snap,
    /// Nobody but who started it looks after it.
    ByHand {
        /// Its process.
        pid: u32,
        /// Its command line.
        command: String,
    },
    /// docker.service is masked, or broken.
    NotLoaded {
        /// What systemd says of it.
        load: String,
    },
    /// docker.service starts something else than dockerd.
    NotDockerd {
        /// The unit's file.
        unit: String,
        /// What it starts.
        command: String,
    },
    /// The program is not there.
    ProgramMissing {
        /// Where it should be.
        program: String,
    },
    /// Units cannot name the directory of the programs.
    ProgramDirectory {
        /// The directory.
        directory: String,
    },
    /// The daemon reads another file than daemon.json.
    OtherConfigFile {
        /// Which.
        path: String,
    },
    /// daemon.json cannot be read.
    DaemonJson,
    /// A drop-in says how dockerd is started.
    CommandInDropIn {
        /// The drop-in.
        path: String,
    },
    /// The daemon does not serve the usual socket.
    SocketNotServed,
    /// The daemon uses a containerd that is not containerd.service's.
    ForeignContainerd {
        /// Its address.
        address: String,
    },
    /// kubelet uses the same containerd.
    Kubelet,
    /// containerd is a service of its own, and there is no docker.socket.
    NoSocketUnit,
    /// There is a docker.socket, and containerd is dockerd's child.
    SocketUnitAlone,
    /// A unit's file is a link, or no text.
    UnitFile {
        /// The file.
        path: String,
    },
    /// The package manager does not say whose the files are.
    PackagesUnknown,
}

/// What has to be known of the host to judge this engine, beside what was found; its programs
/// are in `bin_dir`.
pub fn wanted(found: &FoundEngine, desired: &crate::desired::Desired) -> Wanted {
    let mut wanted = plan::wanted(desired);
    for unit in found.units.values() {
        wanted.texts.extend(unit.fragment.iter().cloned());
    }
    wanted.programs.extend(found.program.iter().cloned());
    for list in [&mut wanted.texts, &mut wanted.programs] {
        list.sort();
        list.dedup();
    }
    wanted
}

/// Judges a Docker that was found.
///
/// # Errors
/// [`Unfit`] if it cannot be taken over.
pub fn judge(found: &FoundEngine, facts: &Facts) -> Result<Engine, Unfit> {
    let program = daemon(found, facts)?;
    let bin_dir = parent_of(&program).unwrap_or("/").to_owned();
    let service = unit(found, "docker.service").fragment.clone().unwrap_or_default();
    if facts.packages.manager != PackageManager::None && !facts.packages.known {
        return Err(Unfit::PackagesUnknown);
    }
    let owner = |path: &str| facts.packages.owners.get(path).cloned();
    let is_packaged = owner(&program).is_some() || owner(&service).is_some();
    if !is_packaged {
        by_hand_is_sound(found, &bin_dir)?;
    }
    let daemon_json = match facts.files.get(DAEMON_JSON) {
        None => None,
        // An empty one is as good as none.
        Some(file) if file.text.as_deref().is_some_and(|text| text.trim().is_empty()) => None,
        Some(_) => Some(facts.daemon_json().filter(Value::is_object).ok_or(Unfit::DaemonJson)?),
    };
    let flags = Flags::parse(&found.command);
    if let Some(path) = &flags.config_file {
        return Err(Unfit::OtherConfigFile { path: path.clone() });
    }
    let topology = match topology(found, &flags) {
        // Its manager keeps it, whatever it is.
        Err(Unfit::NoSocketUnit) if is_packaged => Topology::Modern,
        Err(Unfit::SocketUnitAlone) if is_packaged => Topology::Classic,
        topology => topology?,
    };
    let key = |name: &str| daemon_json.as_ref().and_then(|json| json.get(name));
    let hosts = key("hosts").and_then(Value::as_array);
    let in_file = hosts.is_none_or(|hosts| {
        hosts.iter().filter_map(Value::as_str).any(super::flags::is_usual_socket)
    });
    if !flags.serves_usual_socket() || !in_file {
        return Err(Unfit::SocketNotServed);
    }
    let text = |name: &str| key(name).and_then(Value::as_str).map(str::to_owned);
    let flag = |name: &str| flags.daemon.get(name).and_then(Value::as_str).map(str::to_owned);
    let data_root = found.data_root.clone().or_else(|| flag("data-root"));
    let data_root = data_root.or_else(|| text("data-root")).or_else(|| text("graph"));
    let group = group_of_socket(found, facts, topology);
    let group = group.or_else(|| flag("group")).or_else(|| text("group"));
    let data_root = data_root.unwrap_or_else(|| DEFAULT_DATA_ROOT.to_owned());
    let mut engine = Engine {
        adoption: Adoption {
            version: found.version.clone(),
            unit_sha256: Digest::of(
                found.service.first().map_or(&[][..], |(_, text)| text.as_bytes()),
            ),
            unit: service,
            flags: if is_packaged { Flags::default() } else { flags.for_units_of(topology) },
            packages: Vec::new(),
        },
        topology,
        bin_dir,
        group: group.unwrap_or_else(|| "docker".to_owned()),
        data_root: data_root.trim_end_matches('/').to_owned(),
        runs: found.runs,
        entries: Vec::new(),
        programs: Vec::new(),
        of_packages: Vec::new(),
    };
    take(found, facts, is_packaged, &mut engine)?;
    Ok(engine)
}

fn unit<'f>(found: &'f FoundEngine, name: &str) -> &'f UnitState {
    static NONE: UnitState = UnitState {
        load: String::new(),
        active: String::new(),
        sub: String::new(),
        fragment: None,
        drop_ins: Vec::new(),
        result: String::new(),
        active_since: None,
    };
    found.units.get(name).unwrap_or(&NONE)
}

fn is_loaded(found: &FoundEngine, name: &str) -> bool {
    unit(found, name).load == "loaded"
}

/// The program of the daemon that docker.service runs, or would run.
fn daemon(found: &FoundEngine, facts: &Facts) -> Result<String, Unfit> {
    if is_loaded(found, SNAP) {
        return Err(Unfit::Snap);
    }
    let service = unit(found, "docker.service");
    if !is_loaded(found, "docker.service") {
        if let Some((pid, command)) = found.by_hand.first() {
            return Err(Unfit::ByHand { pid: *pid, command: command.clone() });
        }
        if matches!(service.load.as_str(), "" | "not-found") {
            let podman = facts.packages.engines.contains_key("podman-docker");
            return Err(Unfit::None { podman });
        }
        return Err(Unfit::NotLoaded { load: service.load.clone() });
    }
    let named = found.command.first().cloned().unwrap_or_default();
    if named.rsplit('/').next() != Some("dockerd") {
        let unit = service.fragment.clone().unwrap_or_default();
        return Err(Unfit::NotDockerd { unit, command: found.command.join(" ") });
    }
    let program = found.program.clone().ok_or(Unfit::ProgramMissing { program: named })?;
    if program.rsplit('/').next() != Some("dockerd") {
        let unit = service.fragment.clone().unwrap_or_default();
        return Err(Unfit::NotDockerd { unit, command: program });
    }
    match found.by_hand.first() {
        Some((pid, command)) => Err(Unfit::ByHand { pid: *pid, command: command.clone() }),
        None => Ok(program),
    }
}

/// What matters only if Landfall is going to change the engine.
fn by_hand_is_sound(found: &FoundEngine, bin_dir: &str) -> Result<(), Unfit> {
    if !is_program_directory(bin_dir) {
        return Err(Unfit::ProgramDirectory { directory: bin_dir.to_owned() });
    }
    let drop_in = found
        .service
        .iter()
        .skip(1)
        .find(|(_, text)| !exec_start(std::slice::from_ref(text)).is_empty());
    match drop_in {
        Some((path, _)) => Err(Unfit::CommandInDropIn { path: path.clone() }),
        None => Ok(()),
    }
}

/// Addresses of the containerd that containerd.service runs.
const CONTAINERD: [&str; 2] =
    ["/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock"];

fn topology(found: &FoundEngine, flags: &Flags) -> Result<Topology, Unfit> {
    let has_unit = is_loaded(found, "containerd.service");
    let old = found.version.as_deref().is_some_and(starts_its_own_containerd);
    let separate = match &flags.containerd {
        Some(address) => {
            let path = address.strip_prefix("unix://").unwrap_or(address);
            if !has_unit || !CONTAINERD.contains(&path) {
                return Err(Unfit::ForeignContainerd { address: address.clone() });
            }
            true
        }
        None if old => false,
        None if found.runs => !found.has_child,
        None => has_unit,
    };
    if separate && is_loaded(found, KUBELET) {
        return Err(Unfit::Kubelet);
    }
    if separate && !has_unit {
        return Err(Unfit::ForeignContainerd { address: CONTAINERD[0].to_owned() });
    }
    let by_systemd = flags.hosts.iter().any(|host| host.starts_with("fd://"));
    match (separate, by_systemd) {
        (true, true) => Ok(Topology::Modern),
        (true, false) => Err(Unfit::NoSocketUnit),
        (false, true) => Err(Unfit::SocketUnitAlone),
        (false, false) => Ok(Topology::Classic),
    }
}

/// The group that docker.socket gives the API to, by name where it has one.
fn group_of_socket(found: &FoundEngine, facts: &Facts, topology: Topology) -> Option<String> {
    if topology == Topology::Classic {
        return None;
    }
    let lines = found.socket.as_deref()?.lines();
    let told = lines.filter_map(|line| line.trim().strip_prefix("SocketGroup=")).next_back()?;
    let by_number = |number: u32| {
        let groups = facts.accounts.groups.iter();
        groups.filter(|(_, group)| group.gid == number).map(|(name, _)| name.clone()).next()
    };
    told.trim().parse().map_or_else(|_| Some(told.trim().to_owned()), by_number)
}

/// Notes what is taken over, in the order in which an installation makes it. A package's files are
/// its own.
fn take(
    found: &FoundEngine,
    facts: &Facts,
    is_packaged: bool,
    engine: &mut Engine,
) -> Result<(), Unfit> {
    let mut packages = BTreeSet::new();
    let mut steps = Vec::new();
    let is_local = |name: &String| facts.accounts.groups.get(name).is_some_and(|it| it.local);
    if !is_packaged && is_local(&engine.group) {
        steps.push(Step::CreateGroup(CreateGroup { name: engine.group.clone(), gid: None }));
    }
    for name in program_names() {
        let path = format!("{}/{name}", engine.bin_dir);
        let Some((file, sha256)) = program_file(facts, &path) else { continue };
        engine.programs.push((name.to_owned(), path.clone()));
        match facts.packages.owners.get(&path) {
            Some(package) => note_owner(engine, &mut packages, &path, package),
            None if is_packaged => {}
            None => steps.push(Step::InstallBinary(InstallBinary {
                staged: format!("{}/{}", engine.bin_dir, new_name(name)),
                sha256,
                size: file.state.size,
                ownership: file.state.ownership(),
                path,
            })),
        }
    }
    for name in engine.topology.units() {
        let Some(path) = unit(found, name).fragment.clone() else { continue };
        let file = facts.files.get(&path).filter(|file| file.state.kind == FileKind::File);
        let text = file.and_then(|file| Some((file, file.text.clone()?)));
        match (facts.packages.owners.get(&path), text) {
            (Some(package), _) => note_owner(engine, &mut packages, &path, package),
            (None, _) if is_packaged => {}
            (None, None) => return Err(Unfit::UnitFile { path }),
            (None, Some((file, text))) => steps.push(Step::WriteFile(WriteFile {
                path,
                text,
                ownership: file.state.ownership(),
            })),
        }
    }
    if is_packaged {
        engine.adoption.packages = packages.into_iter().collect();
        engine.of_packages.clear();
    } else {
        steps.extend(engine.topology.units().iter().filter_map(|name| link(facts, name)));
    }
    let data = engine.topology.data(&engine.data_root, DEFAULT_CONTAINERD_ROOT);
    steps.push(Step::GuardRuntime(GuardRuntime { data }));
    let taken = |step| Entry { step, before: Before::Adopted };
    engine.entries = steps.into_iter().map(taken).collect();
    // Looked at as it is now, should anything be taken back to it.
    let gid = facts.accounts.groups.get(&engine.group).map(|group| group.gid);
    let socket = found.api_socket.as_ref();
    if socket.is_some_and(|it| (it.mode, it.uid, Some(it.gid)) == (0o660, 0, gid)) {
        engine.entries.push(taken(Step::WaitApi(WaitApi {
            socket: SOCKET.to_owned(),
            group: engine.group.clone(),
            version: engine.adoption.version.clone(),
            settings: serde_json::Map::new(),
            limit: None,
        })));
    }
    Ok(())
}

fn note_owner(engine: &mut Engine, packages: &mut BTreeSet<String>, path: &str, package: &str) {
    packages.insert(package.to_owned());
    engine.of_packages.push((path.to_owned(), package.to_owned()));
}

fn program_file<'f>(facts: &'f Facts, path: &str) -> Option<(&'f FileFact, Digest)> {
    let file = facts.files.get(path)?;
    Some((file, file.sha256.filter(|_| file.state.kind == FileKind::File)?))
}

/// What enables a unit.
fn link(facts: &Facts, unit: &str) -> Option<Step> {
    let path = format!("{UNIT_DIR}/{}/{unit}", wants_dir(unit)?);
    let target = facts.files.get(&path)?.state.target.clone()?;
    Some(Step::CreateLink(CreateLink { path, target }))
}
