//! Packages: which bring an engine, which need parts of one, and whose the targets are.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Finding, OwnedTargets, Seen};
use crate::bundle::{Archive, required_programs};
use crate::desired::{Desired, UNIT_DIR};
use crate::facts::{Facts, PackageManager, Packages, PackagesProblem};
use crate::file_state::FileKind;
use crate::render::trust;
use crate::steps::Step;

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
    let programs: Vec<String> = programs_to_come(case).collect();
    let mut findings = Vec::from_iter(unreliable(case));
    findings.extend(unanswered_for(case, &programs));
    findings.extend(packages(case));
    findings.extend(of_packages(case.facts, &case.desired.bin_dir, paths(&programs)));
    findings.extend(units_by_hand(case));
    findings
}

/// Where programs go that the archive holds for sure.
fn programs_to_come(case: &Case<'_>) -> impl Iterator<Item = String> {
    let bin_dir = &case.desired.bin_dir;
    required_programs(case.layout()).map(move |name| format!("{bin_dir}/{name}"))
}

fn paths(paths: &[String]) -> impl Iterator<Item = &str> {
    paths.iter().map(String::as_str)
}

/// Whose the files are that steps write. While nobody can say, it is an error as soon as
/// something is replaced that Landfall did not put there: it may be a package's.
pub(super) fn check_steps(
    desired: &Desired,
    facts: &Facts,
    owned: &BTreeSet<String>,
    archive: &Archive,
    steps: &[Step],
) -> Vec<Finding> {
    let mut written: BTreeSet<&str> = steps.iter().filter_map(written_by).collect();
    let unanswered = unanswered(&facts.packages).map(|seen| {
        let at_risk = written.iter().any(|path| is_foreign_file(facts, owned, path));
        if at_risk { Finding::error(seen) } else { Finding::warning(seen) }
    });
    let mut findings = Vec::from_iter(unanswered);
    // A package's program that happens to be the archive's is not written now, but the package's
    // next update would give the engine another. Also a path that an earlier run wrote: the
    // package came to own it since.
    let names = archive.entries.iter().map(|entry| entry.name.as_str());
    let plugin_dir = desired.plugin_dir();
    let plugins = archive.plugins().iter().map(|entry| format!("{plugin_dir}/{}", entry.name));
    let programs: Vec<String> =
        names.map(|name| format!("{}/{name}", desired.bin_dir)).chain(plugins).collect();
    written.extend(paths(&programs));
    findings.extend(of_packages(facts, &desired.bin_dir, written));
    findings
}

/// The file or link that a step writes, so that its owner matters: many packages share a
/// directory, and fapolicyd's package has its trust file for whoever installs programs.
fn written_by(step: &Step) -> Option<&str> {
    match step {
        Step::CreateDir(_) => None,
        Step::TrustPrograms(step) if step.path == trust::SHARED_FILE => None,
        step => step.path(),
    }
}

/// Whether a plan may come to a file that is not to be written: a package's, one of which
/// nobody can say whose it is, or a protected one.
pub(super) fn is_in_doubt(facts: &Facts) -> bool {
    unanswered(&facts.packages).is_some()
        || facts.packages.owners.keys().any(|path| path != trust::SHARED_FILE)
        || !facts.protected.is_empty()
}

/// Beside what [`check`] says: whose the files are that Landfall wrote, where there is no plan.
pub(super) fn check_standing(case: &Case<'_>) -> Vec<Finding> {
    let told: Vec<String> = programs_to_come(case).collect();
    let ours = case.owned.iter().filter(|path| !told.contains(path) && *path != trust::SHARED_FILE);
    let mut findings = Vec::new();
    if unanswered_for(case, &told).is_none() {
        findings.extend(unanswered(&case.facts.packages).map(Finding::warning));
    }
    findings.extend(of_packages(case.facts, &case.desired.bin_dir, ours.map(String::as_str)));
    findings
}

/// Programs that nobody owns and that differ from the archive's: they are replaced, and
/// come back on uninstall.
pub(super) fn check_archive(case: &Case<'_>, archive: &Archive) -> Option<Finding> {
    let (bin_dir, plugin_dir) = (&case.desired.bin_dir, &case.desired.plugin_dir());
    let programs = archive.entries.iter().map(|entry| (bin_dir, entry));
    let plugins = archive.plugins().iter().map(|entry| (plugin_dir, entry));
    let replaced = programs.chain(plugins).filter_map(|(directory, entry)| {
        let path = format!("{directory}/{}", entry.name);
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

/// A manager that answers while it is at work: its answers may be wrong in a moment.
fn unreliable(case: &Case<'_>) -> Option<Finding> {
    let Packages { manager, known, problem, .. } = case.facts.packages;
    let problem = problem.filter(|_| known && manager != PackageManager::None)?;
    Some(Finding::error(Seen::PackagesUnknown { manager, problem }))
}

/// A manager that does not answer.
fn unanswered(packages: &Packages) -> Option<Seen> {
    let Packages { manager, known, problem, .. } = *packages;
    let problem = problem.unwrap_or(PackagesProblem::NoAnswer);
    let is_silent = manager != PackageManager::None && !known;
    is_silent.then_some(Seen::PackagesUnknown { manager, problem })
}

/// A manager that does not answer, and a program at risk for sure.
fn unanswered_for(case: &Case<'_>, programs: &[String]) -> Option<Finding> {
    let seen = unanswered(&case.facts.packages)?;
    let at_risk = paths(programs).any(|path| is_foreign_file(case.facts, case.owned, path));
    at_risk.then(|| Finding::error(seen))
}

fn is_foreign_file(facts: &Facts, owned: &BTreeSet<String>, path: &str) -> bool {
    let is_file = facts.files.get(path).is_some_and(|fact| fact.state.kind == FileKind::File);
    is_file && !owned.contains(path)
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

/// Files of packages, one finding a package.
fn of_packages<'p>(
    facts: &Facts,
    bin_dir: &str,
    paths: impl IntoIterator<Item = &'p str>,
) -> Vec<Finding> {
    let packages = &facts.packages;
    let mut by_package: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    for path in paths {
        if let Some(package) = packages.owners.get(path) {
            by_package.entry(package).or_default().push(path.to_owned());
        }
    }
    let is_program = |path: &String| path.starts_with(&format!("{bin_dir}/"));
    by_package
        .into_iter()
        .map(|(package, paths)| {
            Finding::error(Seen::TargetOwned(OwnedTargets {
                package: package.clone(),
                manager: packages.manager,
                remove: facts.removal_command(std::slice::from_ref(package)),
                users: needed_by(packages, package),
                elsewhere: paths.iter().all(is_program).then(|| elsewhere(bin_dir)),
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
