//! Taking over a Docker that a tutorial, a package or a script installed: what it is, and
//! whether Landfall can look after it. Pure; why it is so stands in `docs/design/adoption.md`.

mod flags;
mod judge;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use flags::Flags;
pub use judge::{Engine, Unfit, judge, wanted};

use crate::desired::UNIT_DIR;
use crate::digest::Digest;
use crate::facts::Facts;
use crate::facts::doctor::units::exec_start;
use crate::receipt::{Entry, Receipt};
use crate::steps::{Before, RuntimeBefore, Step};
use crate::topology::Topology;

/// What a receipt says of the engine that was taken over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adoption {
    /// Its version then.
    pub version: Option<String>,
    /// The file of its docker.service.
    pub unit: String,
    /// Digest of that file.
    pub unit_sha256: Digest,
    /// What its command line said that a docker.service of Landfall's does not.
    pub flags: Flags,
    /// The packages that own it. Such an engine is changed by their manager alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
}

/// What the docker.service that stands there says on its command line, and that of Landfall's
/// would not; `None` if that has taken its place already, or nothing was taken over.
pub fn flags_in_force(
    receipt: Option<&Receipt>,
    facts: &Facts,
    topology: Topology,
) -> Option<Flags> {
    let receipt = receipt?;
    let adoption = receipt.adopted.as_ref()?;
    let path = format!("{UNIT_DIR}/docker.service");
    let Some(file) = facts.files.get(&path) else {
        // The one that was taken over lies elsewhere.
        return (adoption.unit != path).then(|| adoption.flags.clone());
    };
    let text = file.text.as_ref()?;
    let ours = receipt.entries.iter().rev().any(|entry| match &entry.step {
        Step::WriteFile(step) => {
            entry.before != Before::Adopted && step.path == path && step.text == *text
        }
        _ => false,
    });
    if ours {
        return None;
    }
    if adoption.unit == path && file.sha256 == Some(adoption.unit_sha256) {
        return Some(adoption.flags.clone());
    }
    // Somebody has changed it since.
    Some(Flags::parse(&exec_start(std::slice::from_ref(text))).for_units_of(topology))
}

/// The entries of a receipt as if Landfall had installed what it took over: undone, it goes.
pub fn as_installed(entries: &[Entry]) -> Vec<Entry> {
    let installed = |entry: &Entry| match (&entry.before, &entry.step) {
        (Before::Adopted, Step::GuardRuntime(_)) => {
            Entry { before: Before::Runtime(RuntimeBefore::default()), ..entry.clone() }
        }
        (Before::Adopted, _) => Entry { before: Before::Absent, ..entry.clone() },
        _ => entry.clone(),
    };
    entries.iter().map(installed).collect()
}

/// A receipt as it was when the engine was taken over, and the entries that were made since.
pub fn since(receipt: &Receipt, adoption: &Adoption) -> (Receipt, Vec<Entry>) {
    let (taken_over, made): (Vec<Entry>, Vec<Entry>) =
        receipt.entries.iter().cloned().partition(is_adopted);
    let then =
        Receipt { version: adoption.version.clone(), entries: taken_over, ..receipt.clone() };
    (then, made)
}

/// Whether an entry tells of something that was there, and that Landfall did not make.
fn is_adopted(entry: &Entry) -> bool {
    entry.before == Before::Adopted
}
