//! Space where an engine keeps its data, and the logs of containers.

use super::{Case, Sight, error, note, warning};
use crate::facts::doctor::ContainerLog;
use crate::preflight::{Finding, Seen};

const GIB: u64 = 1 << 30;

/// With less than this the next image does not fit.
const LITTLE_SPACE: u64 = 5 * GIB;
/// With less than this the daemon's own databases, and logs, soon fail.
const NO_SPACE: u64 = GIB / 2;
/// A large image unpacks to some 100,000 files.
const FEW_INODES: u64 = 100_000;
/// A log that nobody reads any more.
const LARGE_LOG: u64 = GIB;
/// How many large logs are named.
const NAMED: usize = 3;

/// Where containerd keeps its data.
const CONTAINERD: &str = "/var/lib/containerd";

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if case.has_engine() {
        findings.extend(space(case));
        findings.extend(logs(&case.doctor.logs));
    }
    findings
}

fn space(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut devices = Vec::new();
    for path in [case.data_root(), CONTAINERD] {
        let Some(fact) = case.facts.file_systems.get(path) else { continue };
        if path == CONTAINERD && fact.reports_entry_type == Some(false) {
            let file_system = fact.kind.clone();
            findings.push(Finding::warning(Seen::EntryType { path: path.to_owned(), file_system }));
        }
        if devices.contains(&fact.device) {
            continue;
        }
        devices.push(fact.device);
        let (path, available) = (path.to_owned(), fact.available);
        if available < LITTLE_SPACE {
            let sight = Sight::DataSpace { path: path.clone(), available };
            findings.push(if available < NO_SPACE { error(sight) } else { warning(sight) });
        }
        if let Some(available) = fact.inodes.filter(|inodes| *inodes < FEW_INODES) {
            findings.push(warning(Sight::DataInodes { path, available }));
        }
    }
    findings
}

fn logs(logs: &[ContainerLog]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let unrotated = logs.iter().filter(|log| !log.rotated);
    let (containers, bytes) =
        unrotated.fold((0, 0), |(count, bytes): (usize, u64), log| (count + 1, bytes + log.bytes));
    if containers > 0 {
        findings.push(note(Sight::LogsUnrotated { containers, bytes }));
    }
    let mut large: Vec<&ContainerLog> = logs.iter().filter(|log| log.bytes > LARGE_LOG).collect();
    large.sort_by_key(|log| std::cmp::Reverse(log.bytes));
    findings.extend(
        large
            .into_iter()
            .take(NAMED)
            .map(|log| warning(Sight::LogLarge { path: log.path.clone(), bytes: log.bytes })),
    );
    findings
}
