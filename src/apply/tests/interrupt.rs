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
        let Event::StepDone { number, .. } = event else {
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
        assert_eq!(error.undone.failed, []);
        session.close(Outcome::RolledBack).unwrap();
        assert_eq!(bed.tree(), before, "asked after step {at}");
    }
}

#[test]
fn a_rollback_does_not_stop() {
    let bed = bed();
    let made = complete(&bed, steps());
    bed.host.interrupt().set();
    let report = undo(&bed.context(), &made, |_| {});
    assert_eq!(report.failed, []);
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
