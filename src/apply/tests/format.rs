//! The journal's first format: a run that an older Landfall began and that was cut is undone
//! by the next one, whatever its version.

use std::collections::BTreeSet;

use super::*;
use crate::apply::journal::{Outcome, cut_run, runs};

/// As the first release wrote it: one run that was rolled back, and one that was cut.
const SCHEMA_1: &str = include_str!("../../../tests/receipts/journal-1.jsonl");

/// A journal that was shortened, and a run that was cut after it was committed.
const SCHEMA_1_COMMITTED: &str = include_str!("../../../tests/receipts/journal-1-committed.jsonl");

#[test]
fn every_kind_of_line_is_understood_whole() {
    let mut kinds = BTreeSet::new();
    for line in SCHEMA_1.lines().chain(SCHEMA_1_COMMITTED.lines()) {
        let written: serde_json::Value = serde_json::from_str(line).unwrap();
        kinds.insert(written["event"].as_str().unwrap().to_owned());
        let record: Record = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_value(record).unwrap(), written);
    }
    let all = [
        "committed",
        "done",
        "failed",
        "intent",
        "past",
        "run_ended",
        "run_started",
        "staging",
        "undone",
    ];
    assert_eq!(kinds, all.map(str::to_owned).into());
}

#[test]
fn the_committed_run_is_found() {
    let bed = Bed::new(&[]);
    bed.write(JOURNAL, SCHEMA_1_COMMITTED);
    let cut = cut_run(&bed.host).unwrap().unwrap();
    assert_eq!((cut.run.as_str(), cut.command.as_str()), ("9.5-3", "rollback"));
    let (receipt, cleanup) = cut.committed.unwrap();
    assert!(receipt.is_none());
    assert_eq!(cleanup.data.unwrap().directories, ["/var/lib/docker"]);
    let outcomes: Vec<_> = runs(&bed.host).unwrap().into_iter().map(|run| run.outcome).collect();
    assert_eq!(
        outcomes,
        [Some(Outcome::Done), Some(Outcome::RolledBack), Some(Outcome::Stuck), None]
    );
}

#[test]
fn the_cut_run_is_found_and_undone() {
    let mut bed = Bed::new(&["etc/docker", "usr/bin"]);
    bed.write("/etc/docker/daemon.json", "{}\n");
    bed.write("/usr/bin/.dockerd.landfall-new", "half");
    bed.write(JOURNAL, SCHEMA_1);
    let cut = cut_run(&bed.host).unwrap().unwrap();
    assert_eq!((cut.run.as_str(), cut.command.as_str(), cut.since), ("8.5-2", "install", 8));
    assert_eq!(cut.staged, ["/usr/bin/.dockerd.landfall-new"]);
    assert_eq!(cut.begun.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1]);
    bed.reopen();
    assert_eq!(undone(recover(&bed.context()).unwrap()).failed, []);
    assert_eq!(bed.host.read_dir("/etc").unwrap(), [""; 0]);
    assert_eq!(bed.host.read_dir("/usr/bin").unwrap(), [""; 0]);
}
