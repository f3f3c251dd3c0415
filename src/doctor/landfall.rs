//! Landfall's own state, and what could not be seen.

use super::{Case, Sight, note, warning};
use crate::desired::DAEMON_JSON;
use crate::preflight::Finding;
use crate::texts::phrases::doctor as phrases;

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
    let run = facts.running.as_ref().map(|run| phrases::own_files(&run.command, run.pid));
    let what: Vec<String> = case.doctor.unseen.iter().cloned().chain(run).collect();
    if !what.is_empty() {
        findings.push(note(Sight::NotSeen { what, as_root: case.facts.uid == 0 }));
    }
    findings
}
