//! The engine: its configuration, its units, and what it says itself.

use super::{Comparison, Difference, Expected, Made, Note, not_in_force};
use crate::desired::DAEMON_JSON;
use crate::facts::Facts;
use crate::facts::installed::InstalledFacts;
use crate::receipt::Receipt;
use crate::render::daemon_json::{self, DaemonJsonError, Merged};
use crate::steps::wait_api::release;

/// Where units come from that a distribution ships with all its services.
const SHIPPED: [&str; 2] = ["/usr/lib/", "/lib/"];

pub(super) fn compare(
    expected: &Expected<'_>,
    receipt: &Receipt,
    seen: &InstalledFacts,
    comparison: &mut Comparison,
) {
    if !receipt.has_engine() {
        return;
    }
    keys(expected, receipt, &seen.facts, comparison);
    units(expected, receipt, &seen.facts, comparison);
    match &seen.engine {
        None => {}
        Some(Err(error)) => {
            comparison.differences.push(Difference::Silent { error: error.clone() });
        }
        Some(Ok(info)) => answer(receipt, info, comparison),
    }
    let gone = seen.missing_images.iter();
    comparison.differences.extend(gone.map(|(archive, reference)| Difference::Image {
        reference: reference.clone(),
        archive: *archive,
    }));
}

/// daemon.json with Landfall's keys as they were, and all else as it stands there. One that is
/// gone comes back as Landfall wrote it.
///
/// # Errors
/// [`DaemonJsonError`] if it cannot be read.
pub fn restored_daemon_json(receipt: &Receipt, facts: &Facts) -> Result<Merged, DaemonJsonError> {
    let expected = Expected::of(receipt);
    let written = match expected.at(DAEMON_JSON).map(|at| at.made) {
        Some(Made::DaemonJson(step)) => Some(step.text.as_str()),
        _ => None,
    };
    let text = match facts.files.get(DAEMON_JSON) {
        Some(fact) => Some(fact.text.as_deref().unwrap_or_default()),
        None => written,
    };
    daemon_json::merge(text, &receipt.daemon, &receipt.daemon)
}

fn keys(expected: &Expected<'_>, receipt: &Receipt, facts: &Facts, comparison: &mut Comparison) {
    if facts.files.contains_key(DAEMON_JSON) && !receipt.daemon.is_empty() {
        match restored_daemon_json(receipt, facts) {
            Err(error) => {
                comparison.differences.push(Difference::DaemonJson { error: error.to_string() });
            }
            Ok(merged) => {
                comparison.differences.extend(merged.changed_keys.into_iter().map(|change| {
                    Difference::Key {
                        key: change.key,
                        expected: change.after,
                        found: change.before,
                    }
                }))
            }
        }
    } else if !receipt.daemon.is_empty() && expected.at(DAEMON_JSON).is_none() {
        // All of them were there before, and now the file is gone.
        let path = DAEMON_JSON.to_owned();
        let expected = crate::file_state::FileKind::File;
        comparison.differences.push(Difference::Missing { path, expected });
    }
    let json = facts.daemon_json();
    let foreign = json.iter().filter_map(|json| json.as_object()).flat_map(|json| json.keys());
    let keys: Vec<String> =
        foreign.filter(|key| !receipt.daemon.contains_key(*key)).cloned().collect();
    if !keys.is_empty() {
        comparison.notes.push(Note::Keys { keys });
    }
}

fn units(expected: &Expected<'_>, receipt: &Receipt, facts: &Facts, comparison: &mut Comparison) {
    for unit in receipt.topology.units() {
        // In an image nothing runs.
        let Some(state) = facts.units.get(*unit) else { continue };
        if !state.is_active() {
            let (unit, found) = ((*unit).to_owned(), state.active.clone());
            comparison.differences.push(Difference::Inactive { unit, found });
        }
        let foreign = state.drop_ins.iter().filter(|path| {
            expected.at(path).is_none() && !SHIPPED.iter().any(|shipped| path.starts_with(shipped))
        });
        let paths: Vec<String> = foreign.cloned().collect();
        if !paths.is_empty() {
            comparison.notes.push(Note::DropIns { unit: (*unit).to_owned(), paths });
        }
    }
}

fn answer(receipt: &Receipt, info: &landfall_engine::Info, comparison: &mut Comparison) {
    if let Some(expected) = receipt.version.as_ref().filter(|_| !receipt.is_packaged())
        && release(&info.server_version) != release(expected)
    {
        let (expected, found) = (expected.clone(), info.server_version.clone());
        comparison.differences.push(Difference::Version { expected, found });
    }
    let differs = |key: &str| {
        comparison
            .differences
            .iter()
            .any(|found| matches!(found, Difference::Key { key: known, .. } if known == key))
    };
    let ignored = not_in_force(&receipt.daemon, info);
    let ignored: Vec<String> = ignored.into_iter().filter(|key| !differs(key)).collect();
    comparison.differences.extend(ignored.into_iter().map(|key| Difference::NotInForce { key }));
}
