//! Whether a host is fit: facts and what is desired become findings, by pure functions.
//!
//! [`check`] looks at the host alone, before anything is written; [`check_archive`] adds what only
//! the archive's contents can tell, [`check_plan`] what the plan is going to change. Each finding has a stable code, what was
//! seen, and (in [`crate::texts::findings`]) why it matters and how to mend it.

mod accounts;
mod code;
mod command;
mod engines;
mod finding;
mod host;
mod kernel;
mod libraries;
mod migrate;
mod network;
mod ownership;
mod protection;
mod registries;
mod security;
mod space;
mod sudo;
mod upgrade;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

pub use code::{Code, ParseCodeError, Refusal};
pub use finding::{Finding, MountFlag, OwnedTargets, Seen, Severity, TargetProblem};
pub use migrate::moved as moved_directories;
pub use network::{BridgeProblem, Use, UsedBy};

use crate::bundle::{Archive, Layout, version_from_name};
use crate::desired::Desired;
use crate::facts::Facts;
use crate::facts::data::DataFacts;
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
    /// The generation of the archive's programs, once they are known.
    layout: Option<Layout>,
}

impl<'a> Case<'a> {
    fn new(desired: &'a Desired, facts: &'a Facts, owned: &'a BTreeSet<String>) -> Self {
        Self { desired, facts, owned, daemon_json: facts.daemon_json(), layout: None }
    }

    /// What a key of daemon.json will be: as desired, or else as it stands there.
    fn setting(&self, key: &str) -> Option<&Value> {
        self.desired.daemon.get(key).or_else(|| self.daemon_json.as_ref()?.get(key))
    }

    /// Where images and containers will be.
    fn data_root(&self) -> &str {
        self.setting("data-root").and_then(Value::as_str).unwrap_or(self.desired.data_root())
    }

    /// Which units will run the engine.
    fn topology(&self) -> Topology {
        let by_engine = || match self.starts_its_own_containerd() {
            true => Topology::Classic,
            false => Topology::Modern,
        };
        self.desired.unit_style.unwrap_or_else(by_engine)
    }

    /// Whether the engine knows no containerd but its own.
    fn starts_its_own_containerd(&self) -> bool {
        self.layout() == Some(Layout::Prefixed)
    }

    /// The generation of the archive's programs: as they are, or else as its name says.
    fn layout(&self) -> Option<Layout> {
        let by_name = |version: String| match starts_its_own_containerd(&version) {
            true => Layout::Prefixed,
            false => Layout::Modern,
        };
        self.layout.or_else(|| self.engine().map(by_name))
    }

    /// The engine's version, as far as the archive's name says it.
    fn engine(&self) -> Option<String> {
        version_from_name(&self.desired.source.archive.to_string_lossy())
    }
}

/// What is known of an archive before it is staged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// How many bytes of programs will come.
    pub unpacked: Option<u64>,
    /// The generation of its programs; `None` leaves it to the version in its name.
    pub layout: Option<Layout>,
}

/// Looks at the host before anything is written: `owned` are the paths that an earlier run of
/// Landfall put there.
pub fn check(
    desired: &Desired,
    facts: &Facts,
    owned: &BTreeSet<String>,
    expected: Expected,
) -> Vec<Finding> {
    let case = Case { layout: expected.layout, ..Case::new(desired, facts, owned) };
    let mut findings = host::check(&case);
    findings.extend(kernel::check(&case));
    findings.extend(command::check(&case));
    findings.extend(network::check(&case));
    findings.extend(space::check(&case, expected.unpacked));
    findings.extend(ownership::check(&case));
    findings.extend(engines::check(&case));
    findings.extend(accounts::check(&case));
    findings.extend(sudo::check(&case));
    findings.extend(security::check(&case));
    findings.extend(registries::check(&case));
    findings
}

/// Looks at what the keys of daemon.json do to the host, where nothing else changes. `gone` are
/// the keys that are taken out of it.
pub fn check_settings(
    desired: &Desired,
    facts: &Facts,
    owned: &BTreeSet<String>,
    gone: &BTreeSet<&str>,
) -> Vec<Finding> {
    let case = Case::new(desired, facts, owned);
    let mut findings = command::check_standing(&case);
    findings.extend(network::check(&case));
    if gone.contains("bip") {
        findings.extend(network::stays(&case));
    }
    findings.extend(registries::check(&case));
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

/// Looks at whether the engine's data can be moved to where they are `desired`.
pub fn check_migration(
    desired: &Desired,
    facts: &Facts,
    owned: &BTreeSet<String>,
    data: &DataFacts,
) -> Vec<Finding> {
    let found = migrate::check(&Case::new(desired, facts, owned), data);
    found.into_iter().map(|finding| Finding { moving: true, ..finding }).collect()
}

/// Looks at where an archive's programs are staged and the journal is begun, before either is
/// written.
pub fn check_staging(desired: &Desired, facts: &Facts) -> Vec<Finding> {
    protection::check(facts, [desired.bin_dir.as_str(), STATE_DIR])
}

/// Looks at what a plan is going to change, apart from the files of accounts, which [`check`]
/// has looked at. That no package's file is written is decided here; [`check`] says of it what
/// is certain before.
pub fn check_plan(
    desired: &Desired,
    facts: &Facts,
    owned: &BTreeSet<String>,
    archive: &Archive,
    steps: &[Step],
) -> Vec<Finding> {
    let mut findings = ownership::check_steps(desired, facts, owned, archive, steps);
    findings.extend(protection::check_steps(facts, steps));
    findings
}

/// Whether [`check_plan`] may refuse a plan on this host, so that nothing should be staged
/// before it was asked.
pub fn may_refuse_plan(facts: &Facts) -> bool {
    ownership::is_in_doubt(facts)
}

/// Says beside [`check`] what can be said of packages' files where there is no plan.
pub fn check_standing(desired: &Desired, facts: &Facts, owned: &BTreeSet<String>) -> Vec<Finding> {
    ownership::check_standing(&Case::new(desired, facts, owned))
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
