//! Runs that are cut: by a power failure, or a kill. For every place where that can happen
//! the next run finds the journal and puts the host back.

use super::*;
use crate::apply::journal::{Outcome, cut_run};

/// How much of a step had happened.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Effect {
    /// Its intent is in the journal.
    None,
    /// The new content lies beside the target.
    Half,
    /// All of it, but the journal does not know yet.
    Whole,
}

/// Makes steps as [`apply`] does, up to the one with number `at`, and then no more.
fn cut_at(bed: &Bed, steps: &[Step], at: usize, effect: Effect) {
    let mut session = begin(bed);
    let journal = session.journal().unwrap();
    for (number, step) in steps.iter().take(at + 1).enumerate() {
        let before = step.action().observe(&bed.context()).unwrap();
        journal.write_synced(&Record::Intent { number, step: step.clone(), before }).unwrap();
        if number < at || effect == Effect::Whole {
            step.action().apply(&bed.context()).unwrap();
        } else if let (Effect::Half, Step::WriteFile(write)) = (effect, step) {
            let (directory, name) = write.path.rsplit_once('/').unwrap();
            bed.write(&format!("{directory}/.{name}.landfall-new"), "half");
        }
        if number < at {
            journal.write(&Record::Done { number }).unwrap();
        }
    }
}

fn cuts() -> impl Iterator<Item = (usize, Effect)> {
    (0..steps().len())
        .flat_map(|at| [Effect::None, Effect::Half, Effect::Whole].map(|effect| (at, effect)))
}

/// Lets the next run find the cut one, and looks at what it leaves.
fn recover_all(bed: &mut Bed) {
    bed.reopen();
    let report = undone(recover(&bed.context()).unwrap());
    assert_eq!((report.failed.len(), report.kept.len()), (0, 0), "{report:?}");
    assert!(recover(&bed.context()).unwrap().is_none(), "there is nothing more to undo");
}

#[test]
fn a_cut_at_any_step_leaves_no_trace() {
    for (at, effect) in cuts() {
        let mut bed = bed();
        let before = bed.tree();
        cut_at(&bed, &steps(), at, effect);
        assert_ne!(bed.tree(), before);
        recover_all(&mut bed);
        assert_eq!(bed.tree(), before, "cut at step {at}, effect {effect:?}");
    }
}

#[test]
fn a_cut_while_staging_leaves_no_trace() {
    let mut bed = bed();
    let before = bed.tree();
    drop(begin(&bed));
    assert_ne!(bed.tree(), before);
    recover_all(&mut bed);
    assert_eq!(bed.tree(), before);
}

#[test]
fn a_line_that_was_cut_too_is_survived() {
    for (at, effect) in cuts() {
        let mut bed = bed();
        let before = bed.tree();
        cut_at(&bed, &steps(), at, effect);
        let journal = bed.read(JOURNAL);
        bed.write(JOURNAL, &format!("{journal}{{\"event\":\"done\",\"num"));
        recover_all(&mut bed);
        assert_eq!(bed.tree(), before, "cut at step {at}, effect {effect:?}");
    }
}

#[test]
fn a_recovery_that_is_cut_itself_is_completed() {
    let last = steps().len() - 1;
    for undone in 0..=last {
        for noted in [false, true] {
            let mut bed = bed();
            let before = bed.tree();
            cut_at(&bed, &steps(), last, Effect::Whole);
            let begun = cut_run(&bed.host).unwrap().unwrap().begun;
            let mut journal = Journal::open(&bed.host).unwrap();
            for (number, entry) in begun.iter().rev().take(undone) {
                entry.step.action().undo(&bed.context(), &entry.before).unwrap();
                if noted {
                    journal.note_undone(*number);
                }
            }
            recover_all(&mut bed);
            assert_eq!(bed.tree(), before, "{undone} undone, noted: {noted}");
        }
    }
}

#[test]
fn a_later_run_that_is_cut_goes_back_to_the_earlier() {
    let mut bed = bed();
    complete(&bed, steps());
    let mut before = bed.tree();
    let changes = [text(DAEMON_JSON, "{\"debug\": true}\n"), program("runc", b"newer")];
    for (at, effect) in [(0, Effect::Half), (0, Effect::Whole), (1, Effect::None)] {
        cut_at(&bed, &changes, at, effect);
        recover_all(&mut bed);
        // Copies in the store are kept: the receipt may need them.
        let mut now = bed.tree();
        for tree in [&mut before, &mut now] {
            tree.retain(|path, _| !path.starts_with(STATE_DIR) || path == RECEIPT);
        }
        assert_eq!(now, before, "cut at step {at}, effect {effect:?}");
        assert!(Receipt::load(&bed.host).unwrap().is_some());
    }
}

/// The receipt of an earlier run says nothing about this one.
#[test]
fn a_receipt_of_another_run_does_not_count() {
    let mut bed = bed();
    let before = bed.tree();
    cut_at(&bed, &steps(), 3, Effect::Whole);
    save(&receipt("1-1", Vec::new()), &bed);
    recover_all(&mut bed);
    let mut now = bed.tree();
    now.retain(|path, _| !path.starts_with(STATE_DIR));
    assert_eq!(now, before);
    assert!(matches!(records(&bed).last(), Some(Record::RunEnded { outcome, .. })
        if *outcome == Outcome::RolledBack));
}

#[test]
fn a_host_without_a_journal_has_nothing_to_recover() {
    let bed = bed();
    let before = bed.tree();
    assert!(recover(&bed.context()).unwrap().is_none());
    assert_eq!(bed.tree(), before, "looking writes nothing");
}
