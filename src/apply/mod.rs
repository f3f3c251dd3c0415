//! Runs a plan: the intent on disk first, then the step; and back, if a step fails.

pub mod journal;
mod session;
#[cfg(test)]
mod tests;
mod undo;

use std::time::Instant;

use crate::host::HostError;
use crate::receipt::Entry;
use crate::report::{Event, Phase};
use crate::steps::{Context, Step, StepError};

use journal::{Journal, Record};
pub use session::Session;
pub use undo::{Recovered, UndoReport, recover, undo};
use undo::{clean_up, set_aside};

/// A plan that was not carried out.
#[derive(Debug)]
pub struct ApplyError {
    /// The step that failed; `None` if it was not a step (the journal, say).
    pub step: Option<Step>,
    /// Why.
    pub cause: StepError,
    /// What became of the steps before it.
    pub undone: UndoReport,
}

/// Carries out steps in order. If one fails, it and all before it are undone, in reverse.
///
/// The journal must have been started; the caller ends it, once the receipt is written.
///
/// # Errors
/// [`ApplyError`] with the failed step and what was undone.
pub fn apply(
    context: &Context<'_>,
    journal: &mut Journal,
    steps: Vec<Step>,
) -> Result<Vec<Entry>, Box<ApplyError>> {
    context.reporter.event(&Event::Phase { phase: Phase::Apply, bytes: None });
    let of = steps.len();
    let mut made: Vec<Entry> = Vec::with_capacity(of);
    for (index, step) in steps.into_iter().enumerate() {
        context.reporter.event(&Event::StepStarted { number: index + 1, of, step: &step });
        let began = Instant::now();
        let result = make(context, journal, index, &step, &mut made);
        match result {
            Ok(()) => context.reporter.event(&Event::StepDone {
                number: index + 1,
                of,
                step: &step,
                took: began.elapsed(),
            }),
            Err(cause) => {
                let error = cause.to_string();
                // The failure is being reported; a journal that cannot be written must not
                // keep the host from being put back.
                let _ = journal.write(&Record::Failed { number: index, error });
                let undone = undo(context, &made, |number| journal.note_undone(number));
                return Err(Box::new(ApplyError { step: Some(step), cause, undone }));
            }
        }
    }
    let ended = context.host.interrupt().check().and_then(|()| context.host.sync_directories());
    if let Err(error) = ended {
        let undone = undo(context, &made, |number| journal.note_undone(number));
        return Err(Box::new(ApplyError { step: None, cause: error.into(), undone }));
    }
    Ok(made)
}

fn make(
    context: &Context<'_>,
    journal: &mut Journal,
    number: usize,
    step: &Step,
    made: &mut Vec<Entry>,
) -> Result<(), StepError> {
    context.host.interrupt().check()?;
    let before = step.action().observe(context)?;
    if starts_something(step) {
        // Names that earlier steps made are durable before anything runs that uses them.
        context.host.sync_directories()?;
    }
    record_intent(journal, number, step, &before)?;
    made.push(Entry { step: step.clone(), before });
    step.action().apply(context)?;
    journal.write(&Record::Done { number })?;
    Ok(())
}

fn record_intent(
    journal: &mut Journal,
    number: usize,
    step: &Step,
    before: &crate::steps::Before,
) -> Result<(), HostError> {
    let record = Record::Intent { number, step: step.clone(), before: before.clone() };
    journal.write_synced(&record)
}

/// Whether a step makes other programs use the files that steps before it changed.
fn starts_something(step: &Step) -> bool {
    matches!(step, Step::VerifyUnits(_) | Step::DaemonReload(_) | Step::Unit(_))
}
