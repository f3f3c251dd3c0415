//! Packages: which bring an engine, which need parts of one, and whose the targets are.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Finding, OwnedTargets, Seen};
use crate::bundle::Archive;
use crate::desired::{DAEMON_JSON, PROFILE, UNIT_DIR};
use crate::facts::{PackageManager, Packages, PackagesProblem};
use crate::file_state::FileKind;
use crate::render::trust;
use crate::render::units::wants_dir;

/// Packages that share files or units with an engine, but run none: where they own a target
/// that is a finding of its own. (podman-docker is none of them: it keeps a link at
/// `/run/docker.sock`.)
const PARTS: [&str; 13] = [
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
    "runc",
    "tini",
    "tini-static",
];

/// Packages of the runtime alone, and who needs them.
const RUNTIMES: [&str; 3] = ["docker-runc", "moby-runc", "runc"];
const USERS_OF_RUNTIME: [&str; 4] = ["buildah", "cri-o", "podman", "toolbox"];
/// Packages of containerd, and who needs them.
const SUPERVISORS: [&str; 3] = ["containerd", "containerd.io", "moby-containerd"];
const USERS_OF_SUPERVISOR: [&str; 3] = ["kubeadm", "kubelet", "nerdctl"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::from_iter(unanswered(case));
    findings.extend(packages(case));
    findings.extend(owned_targets(case));
    findings.extend(units_by_hand(case));
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

/// Who of the installed packages needs a package to stay; nobody: it may be removed.
pub(super) fn needed_by(packages: &Packages, package: &str) -> Vec<String> {
    let mut users: BTreeSet<&str> = BTreeSet::new();
    if SUPERVISORS.contains(&package) {
        users.extend(USERS_OF_SUPERVISOR);
    }
    if RUNTIMES.contains(&package) {
        users.extend(USERS_OF_RUNTIME);
        // A packaged containerd that has to stay runs containers with it.
        if containerds(packages).next().is_some() {
            users.extend(USERS_OF_SUPERVISOR);
        }
    }
    users.retain(|user| packages.users.contains_key(*user));
    users.into_iter().map(str::to_owned).collect()
}

/// The installed packages of containerd.
pub(super) fn containerds(packages: &Packages) -> impl Iterator<Item = &str> {
    packages.engines.keys().map(String::as_str).filter(|name| SUPERVISORS.contains(name))
}

/// A manager that does not answer, or answers while it is at work. An error as soon as
/// something stands where something would be replaced: it may be a package's.
fn unanswered(case: &Case<'_>) -> Option<Finding> {
    let Packages { manager, known, problem, .. } = case.facts.packages;
    if manager == PackageManager::None || (known && problem.is_none()) {
        return None;
    }
    let problem = problem.unwrap_or(PackagesProblem::NoAnswer);
    let seen = Seen::PackagesUnknown { manager, problem };
    let is_foreign_file = |path: &String| {
        !case.owned.contains(path)
            && case.facts.files.get(path).is_some_and(|fact| fact.state.kind == FileKind::File)
    };
    let at_risk = known || case.targets().iter().any(is_foreign_file);
    Some(if at_risk { Finding::error(seen) } else { Finding::warning(seen) })
}

fn packages(case: &Case<'_>) -> Vec<Finding> {
    let packages = &case.facts.packages;
    let (needed, removable): (Vec<&String>, Vec<&String>) =
        packages.engines.keys().partition(|name| !needed_by(packages, name).is_empty());
    let (parts, engines): (Vec<&String>, Vec<&String>) =
        removable.into_iter().partition(|name| PARTS.contains(&name.as_str()));
    let seen = |named: Vec<&String>| {
        let packages: Vec<String> = named.into_iter().cloned().collect();
        let remove = case.facts.removal_command(&packages);
        Seen::EnginePackages { manager: case.facts.packages.manager, remove, packages }
    };
    let mut findings = Vec::new();
    match (engines.is_empty(), parts.is_empty()) {
        (true, true) => {}
        (true, false) => findings.push(Finding::note(seen(parts))),
        // One command removes all that would be in the way.
        (false, _) => findings.push(Finding::error(seen([engines, parts].concat()))),
    }
    if !needed.is_empty() {
        let users: BTreeSet<String> =
            needed.iter().flat_map(|name| needed_by(packages, name)).collect();
        findings.push(Finding::note(Seen::PackagesNeeded {
            packages: needed.into_iter().cloned().collect(),
            users: users.into_iter().collect(),
        }));
    }
    findings
}

impl Case<'_> {
    /// Every file and link that a plan may write.
    pub(super) fn targets(&self) -> BTreeSet<String> {
        let mut targets: BTreeSet<String> =
            crate::bundle::program_names().map(|name| self.program_path(name)).collect();
        targets.extend([DAEMON_JSON, trust::OWN_FILE].map(str::to_owned));
        if !self.desired.is_in_system_path() {
            targets.insert(PROFILE.to_owned());
        }
        for unit in self.topology().units() {
            targets.insert(format!("{UNIT_DIR}/{unit}"));
            targets.extend(wants_dir(unit).map(|wants| format!("{UNIT_DIR}/{wants}/{unit}")));
        }
        targets
    }

    fn program_path(&self, name: &str) -> String {
        format!("{}/{name}", self.desired.bin_dir)
    }

    /// Whether the file will be written: a link that is there is left, and so is a daemon.json
    /// that says already what it shall.
    fn is_written(&self, path: &str) -> bool {
        if path == DAEMON_JSON {
            let set = |key| self.daemon_json.as_ref().and_then(|json| json.get(key));
            return self.desired.daemon.iter().any(|(key, value)| set(key) != Some(value));
        }
        let is_link = path.strip_prefix(UNIT_DIR).is_some_and(|rest| rest.matches('/').count() > 1);
        !(is_link && self.facts.files.contains_key(path))
    }
}

/// Targets of packages, one finding a package.
fn owned_targets(case: &Case<'_>) -> Vec<Finding> {
    let packages = &case.facts.packages;
    let mut by_package: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    for path in case.targets() {
        // Also of a path that an earlier run wrote: the package came to own it since.
        let owner = packages.owners.get(&path);
        if let Some(package) = owner.filter(|_| case.is_written(&path)) {
            by_package.entry(package).or_default().push(path);
        }
    }
    by_package
        .into_iter()
        .map(|(package, paths)| {
            let is_program =
                |path: &String| path.starts_with(&format!("{}/", case.desired.bin_dir));
            Finding::error(Seen::TargetOwned(OwnedTargets {
                package: package.clone(),
                manager: packages.manager,
                remove: case.facts.removal_command(std::slice::from_ref(package)),
                users: needed_by(packages, package),
                elsewhere: paths.iter().all(is_program).then(|| elsewhere(&case.desired.bin_dir)),
                paths,
            }))
        })
        .collect()
}

/// Another directory for programs, which no package writes to.
fn elsewhere(bin_dir: &str) -> String {
    let other = if bin_dir == "/usr/local/bin" { "/opt/docker/bin" } else { "/usr/local/bin" };
    other.to_owned()
}

fn units_by_hand(case: &Case<'_>) -> Option<Finding> {
    let by_hand = |path: &String| {
        !case.owned.contains(path)
            && !case.facts.packages.owners.contains_key(path)
            && case.facts.files.get(path).is_some_and(|fact| fact.state.kind == FileKind::File)
    };
    let units = case.topology().units().iter().map(|unit| format!("{UNIT_DIR}/{unit}"));
    let paths: Vec<String> = units.filter(by_hand).collect();
    (!paths.is_empty()).then(|| Finding::warning(Seen::TargetUnowned { paths }))
}
