//! Landfall's own state, and what could not be seen.

use super::{Case, Sight, note, warning};
use crate::desired::DAEMON_JSON;
use crate::preflight::Finding;

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let facts = &case.doctor.landfall;
    let mut findings = Vec::new();
    let (changed, missing) = (facts.changed.clone(), facts.missing.clone());
    if !changed.is_empty() || !missing.is_empty() {
        // A person may edit daemon.json at any time: installing keeps it.
        let edited_only = missing.is_empty() && changed == [DAEMON_JSON];
        let sight = Sight::Drift { changed, missing };
        findings.push(if edited_only { note(sight) } else { warning(sight) });
    }
    if facts.cut.is_some() || !facts.staged.is_empty() {
        let (command, files) = (facts.cut.clone().unwrap_or_default(), facts.staged.clone());
        findings.push(warning(Sight::RunLeft { command, files }));
    }
    if !case.doctor.unseen.is_empty() {
        findings.push(note(Sight::NotSeen { what: case.doctor.unseen.clone() }));
    }
    findings
}
