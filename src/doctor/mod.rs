//! `landfall doctor`: the preflight, and what only matters on a host with an engine or on a
//! closer look. Facts become findings by pure functions; [`repair`] plans the few repairs
//! that are safe.

mod advisories;
mod certificates;
mod clock_and_names;
mod daemon;
mod daemon_json;
mod firewall;
mod kernel;
mod kernel_options;
mod landfall;
pub mod repair;
mod sight;
mod storage;
#[cfg(test)]
mod tests;
mod units;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub(crate) use daemon::is_stricter;
pub use sight::Sight;

use crate::desired::{DAEMON_JSON, Desired};
use crate::facts::doctor::{DoctorFacts, Process};
use crate::facts::{Facts, Group};
use crate::preflight::{self, Code, Finding, Seen, Severity};

/// What the checks look at.
struct Case<'a> {
    /// The engine that is installed, or that an installation with default options would install.
    desired: &'a Desired,
    facts: &'a Facts,
    doctor: &'a DoctorFacts,
    /// The keys of daemon.json as it stands.
    daemon_json: Map<String, Value>,
}

/// Everything that is worth knowing about a host, worst first. `desired` asks for the engine
/// that Landfall installed, or else for what an installation with default options would make of
/// the host; `owned` are the paths that Landfall put there.
pub fn examine(
    desired: &Desired,
    facts: &Facts,
    doctor: &DoctorFacts,
    owned: &BTreeSet<String>,
) -> Vec<Finding> {
    let case = Case { desired, facts, doctor, daemon_json: daemon_json::read(facts) };
    let mut findings = preflight(&case, owned);
    findings.extend(closer(&case));
    findings.sort_by(|a, b| (b.severity, a.code).cmp(&(a.severity, b.code)));
    findings
}

/// The checks beyond the preflight.
fn closer(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = kernel::check(case);
    findings.extend(firewall::check(case));
    findings.extend(clock_and_names::check(case));
    findings.extend(daemon::check(case));
    findings.extend(units::check(case));
    findings.extend(storage::check(case));
    findings.extend(certificates::check(case));
    findings.extend(daemon_json::check(case));
    findings.extend(advisories::check(case));
    findings.extend(landfall::check(case));
    findings
}

/// What the preflight finds. Where an engine is there already, what would only stand in the
/// way of an installation is no more than a note.
fn preflight(case: &Case<'_>, owned: &BTreeSet<String>) -> Vec<Finding> {
    let expected = preflight::Expected::default();
    let mut findings = preflight::check(case.desired, case.facts, owned, expected);
    findings.extend(preflight::check_standing(case.desired, case.facts, owned));
    // That not everything could be seen is said once, with what it was.
    findings.retain(|finding| finding.code != Code::Root);
    if case.has_engine() {
        for finding in &mut findings {
            if matters_to_installations_only(case, &finding.seen) {
                finding.severity = Severity::Note;
            }
        }
        // Its members are told by name, or the data directory by its own thresholds.
        findings.retain(|finding| {
            !matches!(
                finding.code,
                Code::NobodyInGroup
                    | Code::SpaceShort
                    | Code::InodesShort
                    // That both places have it is told as it is.
                    | Code::ListenersMoved
            )
        });
    }
    findings
}

/// The engine itself has to write its data, and its programs have to run where they are.
fn matters_to_installations_only(case: &Case<'_>, seen: &Seen) -> bool {
    match seen {
        Seen::ReadOnly { path, .. } => path != case.data_root(),
        Seen::NoExec { path } => {
            let are_there = case.doctor.landfall.installed && *path == case.desired.bin_dir;
            path != case.data_root() && !are_there
        }
        Seen::EnginePackages { .. }
        | Seen::EngineRunning { .. }
        | Seen::GroupProgramMissing { .. }
        | Seen::PackagesUnknown { .. }
        | Seen::Protected { .. }
        | Seen::SnapDocker { .. }
        | Seen::SocketInUse { .. }
        | Seen::TargetKind { .. }
        | Seen::TargetOwned(_)
        | Seen::TargetUnowned { .. } => true,
        _ => false,
    }
}

impl<'a> Case<'a> {
    /// Whether dockerd is installed, or runs.
    fn has_engine(&self) -> bool {
        self.doctor.landfall.installed
            || self.facts.programs.contains_key("dockerd")
            || self.dockerd().is_some()
    }

    /// The running dockerd of this host; one of a user's own (rootless) does not count.
    fn dockerd(&self) -> Option<&'a Process> {
        let all = self.doctor.processes.iter();
        let roots = all.filter(|process| process.name == "dockerd" && process.uid == 0);
        // Of two, the older one is more likely to be the unit's.
        roots.min_by_key(|process| process.pid)
    }

    /// The words of the daemon's command line: as it runs, or else as its unit would start it.
    fn command(&self) -> &'a [String] {
        match (self.dockerd(), self.doctor.units.get("docker.service")) {
            (Some(process), _) => &process.command,
            (None, Some(unit)) => &unit.command,
            (None, None) => &[],
        }
    }

    /// The values of a flag of the daemon, as `--flag=value`, `--flag value` or `-f value`.
    fn flag(&self, names: &[&str]) -> Vec<&'a str> {
        let words = self.command();
        let mut values = Vec::new();
        for (index, word) in words.iter().enumerate() {
            if names.contains(&word.as_str()) {
                values.extend(words.get(index + 1).map(String::as_str));
            } else if let Some((name, value)) = word.split_once('=')
                && names.contains(&name)
            {
                values.push(value);
            }
        }
        values
    }

    /// Whether a switch of the daemon is on: by flag, or in daemon.json.
    fn switch(&self, key: &str, default: bool) -> bool {
        let flag = format!("--{key}");
        match self.flag(&[&flag]).last() {
            Some(&"false") => return false,
            Some(&"true") => return true,
            _ if self.command().contains(&flag) => return true,
            _ => {}
        }
        self.daemon_json.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    /// A text that the daemon is given, by flag or in daemon.json.
    fn text(&self, key: &str) -> Option<&str> {
        let flag = self.flag(&[&format!("--{key}")]).last().copied();
        flag.or_else(|| self.daemon_json.get(key)?.as_str())
    }

    /// Where images and containers are.
    fn data_root(&self) -> &str {
        self.text("data-root").unwrap_or(self.desired.data_root()).trim_end_matches('/')
    }

    /// The group that the API socket is for, by its name or number. A socket that systemd makes
    /// (`-H fd://`) has the group of its unit, whatever daemon.json says.
    fn group(&self) -> Option<(&String, &Group)> {
        let by_systemd = self.flag(&["-H", "--host"]).contains(&"fd://");
        let told = self.text("group").filter(|_| !(by_systemd && self.doctor.landfall.installed));
        let wanted = told.unwrap_or(&self.desired.group.name);
        let groups = &self.facts.accounts.groups;
        let by_number = || groups.iter().find(|(_, group)| group.gid.to_string() == wanted);
        groups.get_key_value(wanted).or_else(by_number)
    }

    /// The engine's version: of the one that runs, or else of the one that is installed.
    fn engine(&self) -> Option<&'a str> {
        match &self.doctor.answer {
            Some(Ok(info)) => Some(&info.server_version),
            _ => self.doctor.versions.get("dockerd").map(String::as_str),
        }
    }

    /// The text of daemon.json.
    fn daemon_json_text(&self) -> Option<&'a str> {
        self.facts.files.get(DAEMON_JSON)?.text.as_deref()
    }
}

fn error(sight: Sight) -> Finding {
    Finding::error(Seen::Doctor(sight))
}

fn warning(sight: Sight) -> Finding {
    Finding::warning(Seen::Doctor(sight))
}

fn note(sight: Sight) -> Finding {
    Finding::note(Seen::Doctor(sight))
}
