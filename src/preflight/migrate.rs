//! Whether an engine's data can be moved.

use super::{Case, Finding, Seen, TargetProblem, security, space};
use crate::facts::data::{ContainerdData, DataDirectory, DataFacts};
use crate::file_state::{FileKind, LOST_AND_FOUND, is_beneath};

/// Drivers that keep layers as subvolumes, data sets or blocks: files are only what they show.
const NOT_FILES: [&str; 4] = ["btrfs", "devicemapper", "devmapper", "zfs"];
/// Drivers of containerd's image store.
const SNAPSHOTTERS: [&str; 6] = ["blockfile", "erofs", "native", "nydus", "overlayfs", "stargz"];
/// Room that is left, at least, when everything is copied, and of how much one part more.
const MARGIN: u64 = 100 << 20;
const MARGIN_PART: u64 = 20;

pub(super) fn check(case: &Case<'_>, data: &DataFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(problem) = target(data) {
        let path = data.target.path.clone();
        findings.push(Finding::error(Seen::MigrationTarget { path, problem }));
    }
    let driver = case.facts.engine.as_ref().map_or("", |engine| engine.storage_driver.as_str());
    if NOT_FILES.contains(&driver) {
        findings.push(Finding::error(Seen::DriverNotCopied { driver: driver.to_owned() }));
    }
    if let Some(flag) = data.flag.clone() {
        let unit = "docker.service".to_owned();
        findings.push(Finding::error(Seen::DataRootFlag { unit, flag }));
    }
    if let Some(containerd) = &data.containerd {
        findings.extend(containerd_stays(case, data, containerd, driver));
    }
    for directory in moved(data) {
        if !directory.mounts.is_empty() {
            let (path, mounts) = (directory.path.clone(), directory.mounts.clone());
            findings.push(Finding::error(Seen::DataMounts { path, mounts }));
        }
    }
    if !data.binds.is_empty() {
        let (binds, to) = (data.binds.clone(), data.target.path.clone());
        findings.push(Finding::warning(Seen::BindsOfData { binds, to }));
    }
    // Of a place that is none nothing more has to be said.
    if !findings.iter().any(|finding| matches!(finding.seen, Seen::MigrationTarget { .. })) {
        findings.extend(file_system(case, data));
        findings.extend(security::data_root(case));
    }
    findings
}

/// The directories that are copied. One that lies in the other goes with it.
pub fn moved(data: &DataFacts) -> Vec<&DataDirectory> {
    let own = data.containerd.as_ref().filter(|containerd| containerd.others.is_empty());
    let own = own.map(|containerd| &containerd.directory);
    let apart = own.filter(|directory| !is_beneath(&directory.path, &data.docker.path));
    std::iter::once(&data.docker).chain(apart).collect()
}

fn target(data: &DataFacts) -> Option<TargetProblem> {
    let target = &data.target;
    if let Some(real) = target.real.clone() {
        return Some(TargetProblem::Link { real });
    }
    let exists = target.kind.is_some();
    let containerd = data.containerd.as_ref().map(|containerd| &containerd.directory);
    for directory in std::iter::once(&data.docker).chain(containerd) {
        let path = directory.path.clone();
        if target.path == path {
            return Some(TargetProblem::Same);
        }
        if is_beneath(&target.path, &path) {
            return Some(TargetProblem::Inside { data: path });
        }
        if is_beneath(&path, &target.path) {
            return Some(TargetProblem::Around { data: path });
        }
        let (here, there) = (&target.on_disk, &directory.on_disk);
        let known = !here.is_empty() && !there.is_empty();
        if known && (is_beneath(here, there) || (exists && is_beneath(there, here))) {
            return Some(TargetProblem::SameByMount { data: path });
        }
    }
    match target.kind {
        None => return None,
        Some(FileKind::Directory) => {}
        Some(_) => return Some(TargetProblem::NotADirectory),
    }
    let names: Vec<String> =
        target.names.iter().filter(|name| *name != LOST_AND_FOUND).take(3).cloned().collect();
    (!names.is_empty()).then_some(TargetProblem::NotEmpty { names })
}

/// A containerd that others use is theirs as well; one whose unit says where its data are is as a
/// person wanted it, unless Landfall wrote it.
fn containerd_stays(
    case: &Case<'_>,
    data: &DataFacts,
    containerd: &ContainerdData,
    driver: &str,
) -> Option<Finding> {
    if !containerd.others.is_empty() {
        let images = SNAPSHOTTERS.contains(&driver);
        let (root, users) = (containerd.directory.path.clone(), containerd.others.clone());
        let seen = Seen::ContainerdStays { root, users, images };
        return Some(if images { Finding::warning(seen) } else { Finding::note(seen) });
    }
    let is_ours = case.facts.units.get("containerd.service").is_some_and(|unit| {
        let fragment = unit.fragment.as_deref().unwrap_or_default();
        case.owned.contains(fragment) && unit.drop_ins.iter().all(|path| case.owned.contains(path))
    });
    let inside = is_beneath(&containerd.directory.path, &data.docker.path);
    (containerd.by_flag && !is_ours && !inside).then(|| {
        let (unit, flag) = ("containerd.service".to_owned(), "--root".to_owned());
        Finding::error(Seen::DataRootFlag { unit, flag })
    })
}

/// What the place is like, and how much room it has.
fn file_system(case: &Case<'_>, data: &DataFacts) -> Vec<Finding> {
    let path = &data.target.path;
    let Some(fact) = case.facts.file_systems.get(path) else { return Vec::new() };
    let mut findings = space::migration_target(case, fact);
    if fact.read_only {
        return findings;
    }
    let parts = moved(data);
    let within = parts.iter().all(|part| part.device == fact.device);
    if within || data.target.on_root {
        let (path, root) = (path.clone(), data.target.on_root);
        findings.push(Finding::note(Seen::SameFileSystem { path, root }));
    }
    let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    let need = bytes + (bytes / MARGIN_PART).max(MARGIN);
    let paths = || vec![path.clone()];
    if need > fact.available {
        let available = fact.available;
        findings.push(Finding::error(Seen::SpaceShort { paths: paths(), need, available }));
    }
    let inodes: u64 = parts.iter().map(|part| part.inodes).sum();
    let need = inodes + inodes / MARGIN_PART;
    if let Some(available) = fact.inodes.filter(|available| need > *available) {
        findings.push(Finding::error(Seen::InodesShort { paths: paths(), need, available }));
    }
    findings
}
