//! Runs that are asked to end.

use super::*;
use crate::apply::journal::{Outcome, cut_run};
use crate::host::interrupt::Interrupt;
use crate::report::Reporter;

/// Asks the run to end at a moment of its own.
struct AskAt {
    interrupt: Interrupt,
    number: usize,
}

impl AskAt {
    fn new(bed: &Bed, number: usize) -> Self {
        Self { interrupt: bed.host.interrupt().clone(), number }
    }
}

impl Reporter for AskAt {
    fn event(&self, event: &Event<'_>) {
        let (Event::StepDone { number, .. } | Event::UndoStarted { number, .. }) = event else {
            return;
        };
        if *number == self.number {
            self.interrupt.set();
        }
    }
}

#[test]
fn after_any_step_it_goes_back() {
    for at in 1..=steps().len() {
        let bed = bed();
        let before = bed.tree();
        let asks = AskAt::new(&bed, at);
        let context = Context { reporter: &asks, ..bed.context() };
        let mut session = begin(&bed);
        let error = apply(&context, session.journal().unwrap(), steps()).unwrap_err();
        assert!(matches!(error.cause, StepError::Host(HostError::Interrupted)), "{}", error.cause);
        assert_eq!((error.undone.failed.len(), error.undone.not_begun), (0, 0));
        session.close(Outcome::RolledBack).unwrap();
        assert_eq!(bed.tree(), before, "asked after step {at}");
    }
}

#[test]
fn an_undoing_stops_and_is_completed_by_the_next() {
    for at in 1..=steps().len() {
        let mut bed = bed();
        let before = bed.tree();
        let made = complete(&bed, steps());
        let asks = AskAt::new(&bed, at);
        let context = Context { reporter: &asks, ..bed.context() };
        let report = undo_unless_interrupted(&context, &made);
        assert_eq!(report.not_begun, made.len() - at, "the step that was begun is finished");
        bed.reopen();
        let report = undo_unless_interrupted(&bed.context(), &made);
        assert_eq!((report.failed.len(), report.kept.len(), report.not_begun), (0, 0, 0));
        let mut now = bed.tree();
        now.retain(|path, _| !path.starts_with(STATE_DIR));
        assert_eq!(now, before, "asked at undo {at}");
    }
}

#[test]
fn a_rollback_does_not_stop() {
    let bed = bed();
    let made = complete(&bed, steps());
    bed.host.interrupt().set();
    let report = undo(&bed.context(), &made, |_| {});
    assert_eq!((report.failed.len(), report.not_begun), (0, 0));
}

#[test]
fn the_next_run_completes_a_rollback_whatever_was_asked_of_the_cut_one() {
    let mut bed = bed();
    let before = bed.tree();
    drop(begin(&bed));
    bed.reopen();
    bed.host.interrupt().set();
    assert!(recover(&bed.context()).unwrap().is_some());
    assert_eq!(cut_run(&bed.host).unwrap(), None);
    assert_eq!(bed.tree(), before);
}
