//! What a session leaves behind, by how it ends.

use super::*;
use crate::apply::journal::{Outcome, cut_run};

#[test]
fn a_run_that_writes_nothing_leaves_nothing() {
    for outcome in [Outcome::Done, Outcome::RolledBack, Outcome::Stuck] {
        let bed = bed();
        let before = bed.tree();
        let session = Session::new(&bed.host, "install");
        assert_eq!((session.run(), session.has_staged()), ("", false));
        session.close(outcome).unwrap();
        assert_eq!(bed.tree(), before, "{outcome:?}");
    }
}

#[test]
fn staged_files_go_however_it_ends() {
    for outcome in [Outcome::Done, Outcome::RolledBack, Outcome::Stuck] {
        let bed = bed();
        let session = begin(&bed);
        assert!(session.has_staged());
        assert_eq!(bed.host.read_dir("/usr/bin").unwrap().len(), 3);
        session.close(outcome).unwrap();
        assert_eq!(bed.host.read_dir("/usr/bin").unwrap(), ["runc"], "{outcome:?}");
    }
}

#[test]
fn its_journal_names_the_run_and_how_it_ended() {
    for outcome in [Outcome::Done, Outcome::Stuck] {
        let bed = bed();
        let session = begin(&bed);
        let run = session.run().to_owned();
        session.close(outcome).unwrap();
        let records = records(&bed);
        assert!(matches!(&records[0], Record::RunStarted { run: name, command, .. }
            if *name == run && command == "install"));
        assert!(matches!(records.last(), Some(Record::RunEnded { outcome: end, .. })
            if *end == outcome));
        assert_eq!(cut_run(&bed.host).unwrap().is_some(), outcome == Outcome::Stuck);
    }
}

#[test]
fn rolled_back_without_a_receipt_nothing_of_it_stays() {
    let bed = bed();
    let before = bed.tree();
    begin(&bed).close(Outcome::RolledBack).unwrap();
    assert_eq!(bed.tree(), before);
}

#[test]
fn rolled_back_with_a_receipt_the_state_stays() {
    let bed = bed();
    receipt("1-1", Vec::new()).save_beside(&bed);
    begin(&bed).close(Outcome::RolledBack).unwrap();
    assert!(bed.host.stat(RECEIPT).unwrap().is_some());
    assert!(bed.host.stat(JOURNAL).unwrap().is_some());
    assert_eq!(cut_run(&bed.host).unwrap(), None);
}

impl Receipt {
    /// Saves it where no run has made the directory yet.
    fn save_beside(self, bed: &Bed) {
        bed.host.create_dir(STATE_DIR, Ownership::own(0o700)).unwrap();
        save(&self, bed);
    }
}

#[test]
fn the_state_directory_is_closed_to_others() {
    let bed = bed();
    complete(&bed, steps());
    let mode = |path: &str| bed.host.stat(path).unwrap().unwrap().mode;
    assert_eq!(mode(STATE_DIR), 0o700);
    assert_eq!(mode(&format!("{STATE_DIR}/store")), 0o700);
    for file in [JOURNAL, RECEIPT] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}
