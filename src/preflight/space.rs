//! Space, inodes, mount flags and kinds of file systems.

use std::collections::BTreeMap;

use super::{Case, Finding, MountFlag, Seen};
use crate::desired::{DAEMON_JSON, OTHER_BIN_DIRS, UNIT_DIR};
use crate::facts::FileSystemFact;
use crate::file_state::parent_of;
use crate::store::STATE_DIR;

const MIB: u64 = 1 << 20;

/// The least that a data directory is good for: an engine's own databases, and one small
/// image.
const DATA_ROOT_MINIMUM: u64 = 100 * MIB;

/// File systems on which overlay2 does not work, or not reliably.
const NO_OVERLAY_ON: [&str; 12] = [
    "9p", "aufs", "cifs", "ecryptfs", "exfat", "fuse", "nfs", "overlay", "smb", "smb2", "vfat",
    "squashfs",
];
/// File systems that lose everything at the next boot.
const VOLATILE: [&str; 2] = ["ramfs", "tmpfs"];

/// What will be written beneath a path.
struct Demand<'a> {
    path: &'a str,
    bytes: u64,
    inodes: u64,
}

pub(super) fn check(case: &Case<'_>, expected_unpacked: Option<u64>) -> Vec<Finding> {
    let mut findings = shortages(case, expected_unpacked);
    findings.extend(mount_flags(case));
    findings.extend(data_root(case));
    findings
}

/// What is wrong with a file system that data shall be moved to. They are in use, so that more is
/// refused than for an engine that has none yet.
pub(super) fn migration_target(case: &Case<'_>, fact: &FileSystemFact) -> Vec<Finding> {
    let path = case.data_root().to_owned();
    if fact.read_only {
        return vec![Finding::error(Seen::ReadOnly { path, instead: None })];
    }
    let mut findings = Vec::new();
    let kind = fact.kind.as_str();
    if NO_OVERLAY_ON.contains(&kind) || VOLATILE.contains(&kind) {
        let file_system = fact.kind.clone();
        findings.push(Finding::error(Seen::DataRootKind { path: path.clone(), file_system }));
    } else if fact.reports_entry_type == Some(false) {
        let file_system = fact.kind.clone();
        findings.push(Finding::error(Seen::EntryType { path: path.clone(), file_system }));
    }
    if fact.no_exec {
        // Volumes are directories of the data, and programs in them ran until now.
        findings.push(Finding::error(Seen::NoExec { path }));
    } else {
        findings.extend(data_root_flags(case));
    }
    findings
}

fn shortages(case: &Case<'_>, expected_unpacked: Option<u64>) -> Vec<Finding> {
    let demands = demands(case, expected_unpacked);
    let mut devices: BTreeMap<u64, (&FileSystemFact, Vec<&Demand<'_>>)> = BTreeMap::new();
    for demand in &demands {
        if let Some(fact) = case.facts.file_systems.get(demand.path) {
            devices.entry(fact.device).or_insert((fact, Vec::new())).1.push(demand);
        }
    }
    let mut findings = Vec::new();
    for (fact, demands) in devices.into_values() {
        // Nothing can be written there at all, which is a finding of its own.
        if fact.read_only {
            continue;
        }
        let paths = || demands.iter().map(|demand| demand.path.to_owned()).collect();
        let need = demands.iter().map(|demand| demand.bytes).sum();
        if need > fact.available {
            let available = fact.available;
            findings.push(Finding::error(Seen::SpaceShort { paths: paths(), need, available }));
        }
        let need = demands.iter().map(|demand| demand.inodes).sum();
        if let Some(available) = fact.inodes.filter(|inodes| need > *inodes) {
            findings.push(Finding::error(Seen::InodesShort { paths: paths(), need, available }));
        }
    }
    findings
}

/// Programs are written beside those that they replace, and the replaced ones are kept in
/// the state directory: while a run lasts both are there.
fn demands<'a>(case: &'a Case<'_>, expected_unpacked: Option<u64>) -> [Demand<'a>; 5] {
    let replaced = case.programs_there().map(|(_, fact)| fact.state.size).sum::<u64>();
    let unpacked = expected_unpacked.unwrap_or(0);
    let config_dir = parent(DAEMON_JSON);
    [
        Demand { path: &case.desired.bin_dir, bytes: unpacked, inodes: 32 },
        Demand { path: STATE_DIR, bytes: replaced + MIB, inodes: 64 },
        Demand { path: UNIT_DIR, bytes: MIB, inodes: 16 },
        Demand { path: config_dir, bytes: MIB, inodes: 8 },
        Demand { path: case.data_root(), bytes: DATA_ROOT_MINIMUM, inodes: 1000 },
    ]
}

fn parent(path: &str) -> &str {
    parent_of(path).unwrap_or("/")
}

fn mount_flags(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let written =
        [&case.desired.bin_dir, STATE_DIR, UNIT_DIR, parent(DAEMON_JSON), case.data_root()];
    for path in written {
        if case.facts.file_systems.get(path).is_some_and(|fact| fact.read_only) {
            let instead = (path == case.desired.bin_dir).then(|| other_bin_dir(case)).flatten();
            findings.push(Finding::error(Seen::ReadOnly { path: path.to_owned(), instead }));
        }
    }
    let bin_dir = &case.desired.bin_dir;
    if case.facts.file_systems.get(bin_dir).is_some_and(|fact| fact.no_exec) {
        findings.push(Finding::error(Seen::NoExec { path: bin_dir.clone() }));
    }
    findings.extend(data_root_flags(case));
    findings
}

/// A place for programs on this host that can be written and run from.
fn other_bin_dir(case: &Case<'_>) -> Option<String> {
    let suits = |path: &&str| {
        let fact = case.facts.file_systems.get(*path);
        fact.is_some_and(|fact| !fact.read_only && !fact.no_exec)
    };
    OTHER_BIN_DIRS.into_iter().find(suits).map(str::to_owned)
}

/// What containers see of the data directory's mount flags. An overlay is a mount of its own
/// without them; a volume is a directory of the data directory, mounted with them. A storage
/// driver that gives containers plain directories hands on `noexec`, and then nothing runs.
fn data_root_flags(case: &Case<'_>) -> Option<Finding> {
    let path = case.data_root().to_owned();
    let fact = case.facts.file_systems.get(&path)?;
    if fact.no_exec && has_plain_directories(case, fact) {
        return Some(Finding::error(Seen::NoExec { path }));
    }
    let flags = [
        (fact.no_exec, MountFlag::NoExec),
        (fact.no_suid, MountFlag::NoSuid),
        (fact.no_dev, MountFlag::NoDev),
    ];
    let flags: Vec<MountFlag> =
        flags.into_iter().filter_map(|(set, flag)| set.then_some(flag)).collect();
    if flags.is_empty() {
        return None;
    }
    let seen = Seen::DataRootFlags { path, flags };
    Some(if fact.no_exec { Finding::warning(seen) } else { Finding::note(seen) })
}

/// Whether the storage driver makes a container's root a directory of the data directory,
/// rather than an overlay.
fn has_plain_directories(case: &Case<'_>, fact: &FileSystemFact) -> bool {
    match case.setting("storage-driver").and_then(|driver| driver.as_str()) {
        Some(driver) => ["btrfs", "vfs"].contains(&driver),
        // What the daemon falls back to where overlay2 does not work, and what older ones prefer.
        None => NO_OVERLAY_ON.contains(&fact.kind.as_str()) || fact.kind == "btrfs",
    }
}

fn data_root(case: &Case<'_>) -> Vec<Finding> {
    let path = case.data_root();
    let Some(fact) = case.facts.file_systems.get(path) else { return Vec::new() };
    let file_system = fact.kind.clone();
    let kind = file_system.as_str();
    let seen = Seen::DataRootKind { path: path.to_owned(), file_system: file_system.clone() };
    let default_storage = case.setting("storage-driver").is_none();
    if default_storage && NO_OVERLAY_ON.contains(&kind) || VOLATILE.contains(&kind) {
        return vec![Finding::warning(seen)];
    }
    if default_storage && fact.reports_entry_type == Some(false) {
        let path = path.to_owned();
        return vec![Finding::error(Seen::EntryType { path, file_system })];
    }
    Vec::new()
}
