//! What a host is now, against what its receipt says and what the daemon itself reports.
//! Everything here is pure; the looking is done by [`crate::facts::installed`].

mod difference;
mod engine;
mod expected;
mod files;
mod in_force;
#[cfg(test)]
mod tests;

pub use difference::{Difference, Note, Owner};
pub use engine::restored_daemon_json;
pub use expected::{Expected, ExpectedPath, Made};
pub use in_force::{not_in_force, not_reloaded};

use crate::facts::installed::InstalledFacts;
use crate::receipt::Receipt;

/// How a host compares with its receipt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// What is not as Landfall left it, in the order in which it was made.
    pub differences: Vec<Difference>,
    /// What others may rightly do.
    pub notes: Vec<Note>,
}

/// Compares a host with its receipt.
pub fn compare(receipt: &Receipt, seen: &InstalledFacts) -> Comparison {
    let expected = Expected::of(receipt);
    let mut comparison = Comparison::default();
    files::compare(&expected, receipt, &seen.facts, &mut comparison);
    engine::compare(&expected, receipt, seen, &mut comparison);
    packages(&expected, seen, &mut comparison);
    comparison
}

/// What the package manager installed. That it upgrades it is its business.
fn packages(expected: &Expected<'_>, seen: &InstalledFacts, comparison: &mut Comparison) {
    let (Some(step), Some(now)) = (expected.packages, &seen.packages) else { return };
    let mut versions = Vec::new();
    for (name, was) in &step.packages {
        match now.get(name) {
            None => comparison
                .differences
                .push(Difference::Package { package: name.clone(), expected: was.clone() }),
            Some(is) if is != was => versions.push((name.clone(), was.clone(), is.clone())),
            Some(_) => {}
        }
    }
    if !versions.is_empty() {
        // The engine's with them.
        let is_version = |found: &Difference| matches!(found, Difference::Version { .. });
        comparison.differences.retain(|found| !is_version(found));
        comparison.notes.push(Note::Packages { versions });
    }
}
