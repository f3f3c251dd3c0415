//! Whether a host is fit: facts and what is desired become findings, by pure functions.
//!
//! [`check`] looks at the host alone, before anything is read or written; [`check_archive`]
//! adds what only the archive's contents can tell. Each finding has a stable code, what was
//! seen, and (in [`crate::texts::findings`]) why it matters and how to mend it.

mod accounts;
mod code;
mod engines;
mod finding;
mod host;
mod kernel;
mod libraries;
mod network;
mod ownership;
mod protection;
mod security;
mod space;
mod sudo;
mod upgrade;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

pub use code::{Code, ParseCodeError, Refusal};
pub use finding::{Finding, MountFlag, OwnedTargets, Seen, Severity};
pub use network::{BridgeProblem, Use, UsedBy};

use crate::bundle::{Archive, version_from_name};
use crate::desired::Desired;
use crate::facts::Facts;
use crate::steps::Step;
use crate::store::STATE_DIR;
use crate::topology::{Topology, starts_its_own_containerd};

/// What a check looks at.
struct Case<'a> {
    desired: &'a Desired,
    facts: &'a Facts,
    /// Paths that Landfall itself put there.
    owned: &'a BTreeSet<String>,
    /// What stands in daemon.json now.
    daemon_json: Option<Value>,
}

impl<'a> Case<'a> {
    fn new(desired: &'a Desired, facts: &'a Facts, owned: &'a BTreeSet<String>) -> Self {
        Self { desired, facts, owned, daemon_json: facts.daemon_json() }
    }

    /// What a key of daemon.json will be: as desired, or else as it stands there.
    fn setting(&self, key: &str) -> Option<&Value> {
        self.desired.daemon.get(key).or_else(|| self.daemon_json.as_ref()?.get(key))
    }

    /// Where images and containers will be.
    fn data_root(&self) -> &str {
        self.setting("data-root").and_then(Value::as_str).unwrap_or(self.desired.data_root())
    }

    /// Which units will run the engine, as far as it can be told before the archive is read.
    fn topology(&self) -> Topology {
        let by_engine = || match self.engine() {
            Some(version) if starts_its_own_containerd(&version) => Topology::Classic,
            _ => Topology::Modern,
        };
        self.desired.unit_style.unwrap_or_else(by_engine)
    }

    /// The engine's version, as far as the archive's name says it.
    fn engine(&self) -> Option<String> {
        version_from_name(&self.desired.source.archive.to_string_lossy())
    }
}

/// Looks at the host before anything is read: `owned` are the paths that an earlier run of
/// Landfall put there, `expected_unpacked` how many bytes of programs will come, as far as
/// it is known.
pub fn check(
    desired: &Desired,
    facts: &Facts,
    owned: &BTreeSet<String>,
    expected_unpacked: Option<u64>,
) -> Vec<Finding> {
    let case = Case::new(desired, facts, owned);
    let mut findings = host::check(&case);
    findings.extend(kernel::check(&case));
    findings.extend(network::check(&case));
    findings.extend(space::check(&case, expected_unpacked));
    findings.extend(ownership::check(&case));
    findings.extend(engines::check(&case));
    findings.extend(accounts::check(&case));
    findings.extend(sudo::check(&case));
    findings.extend(security::check(&case));
    findings
}

/// Looks at what is lost on the way from the engine that is installed to the one that is asked
/// for.
pub fn check_upgrade(
    desired: &Desired,
    facts: &Facts,
    owned: &BTreeSet<String>,
    installed: Option<&str>,
) -> Vec<Finding> {
    upgrade::check(&Case::new(desired, facts, owned), installed)
}

/// Looks at where an archive's programs are staged and the journal is begun, before either is
/// written.
pub fn check_staging(desired: &Desired, facts: &Facts) -> Vec<Finding> {
    protection::check(facts, [desired.bin_dir.as_str(), STATE_DIR])
}

/// Looks at what a plan is going to change, apart from the files of accounts, which [`check`]
/// has looked at.
pub fn check_plan(facts: &Facts, steps: &[Step]) -> Vec<Finding> {
    protection::check_steps(facts, steps)
}

/// Compares the host with what the archive holds, before anything has its final name.
pub fn check_archive(
    desired: &Desired,
    facts: &Facts,
    owned: &BTreeSet<String>,
    archive: &Archive,
) -> Vec<Finding> {
    let case = Case::new(desired, facts, owned);
    let mut findings = host::check_archive(&case, archive);
    findings.extend(libraries::check(&case, archive));
    findings.extend(ownership::check_archive(&case, archive));
    findings
}

/// Whether a file or link is one that a plan may write, so that its owner is looked at.
#[cfg(test)]
#[cfg(test)]
pub(crate) fn is_target(desired: &Desired, path: &str) -> bool {
    let (facts, owned) = (Facts::default(), BTreeSet::new());
    Case::new(desired, &facts, &owned).targets().contains(path)
}

/// The errors that stop a run: those whose code `ignore` does not name, or that cannot be
/// ignored.
pub fn blocking<'f>(findings: &'f [Finding], ignore: &[String]) -> Vec<&'f Finding> {
    let ignored: BTreeSet<Code> = ignore.iter().filter_map(|code| code.parse().ok()).collect();
    findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .filter(|finding| !(finding.code.can_be_ignored() && ignored.contains(&finding.code)))
        .collect()
}
