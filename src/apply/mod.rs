//! Runs a plan: the intent on disk first, then the step; and back, if a step fails.

mod evidence;
pub mod journal;
mod session;
#[cfg(test)]
mod tests;
mod undo;

use std::time::Instant;

use crate::file_state::{FileKind, FileState};
use crate::host::clock::Moment;
use crate::host::{HostError, kill_point};
use crate::receipt::Entry;
use crate::report::{Event, Phase};
use crate::steps::{Context, Step, StepError};

use journal::{Journal, Record};
pub use session::Session;
pub use undo::{Recovered, UndoReport, recover, take_guard_away, undo};
use undo::{clean_up, set_aside};

/// The file that holds room for going back.
const ROOM: &str = "/var/lib/landfall/.room";
/// Enough for the daemons' own databases, logs and temporary files, and the units' logs.
const ROOM_BYTES: u64 = 16 << 20;

/// A plan that was not carried out.
#[derive(Debug)]
pub struct ApplyError {
    /// The step that failed; `None` if it was not a step (the journal, say).
    pub step: Option<Step>,
    /// Why.
    pub cause: StepError,
    /// What became of the steps before it.
    pub undone: UndoReport,
    /// Where the units' logs of before the rollback are kept.
    pub evidence: Option<String>,
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
    let run_began = Moment::now();
    if let Err(cause) = keep_ahead(context, &steps) {
        let undone = UndoReport::default();
        return Err(Box::new(ApplyError { step: None, cause, undone, evidence: None }));
    }
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
                let _ = context.host.remove_file(ROOM);
                let evidence = evidence::keep(context.host, run_began).unwrap_or_default();
                let undone = undo(context, &made, |number| journal.note_undone(number));
                return Err(Box::new(ApplyError { step: Some(step), cause, undone, evidence }));
            }
        }
    }
    let ended = context
        .host
        .interrupt()
        .check()
        .and_then(|()| context.host.remove_file(ROOM))
        .and_then(|()| context.host.sync_directories());
    if let Err(error) = ended {
        let undone = undo(context, &made, |number| journal.note_undone(number));
        let cause = error.into();
        return Err(Box::new(ApplyError { step: None, cause, undone, evidence: None }));
    }
    Ok(made)
}

/// Keeps copies of the files that will be replaced while everything still runs: while an engine
/// is down for it, only renames are left to do.
fn keep_ahead(context: &Context<'_>, steps: &[Step]) -> Result<(), StepError> {
    for step in steps {
        let (Step::InstallBinary(_) | Step::RemoveFile(_) | Step::WriteFile(_) | Step::CopyFile(_)) =
            step
        else {
            continue;
        };
        let Some(path) = step.path() else { continue };
        let is_file = |state: FileState| state.kind == FileKind::File;
        if context.host.stat(path)?.is_some_and(is_file) {
            context.host.interrupt().check()?;
            context.store.keep(path)?;
        }
    }
    take_room(context, steps)
}

/// Takes room that is given back before an undo: daemons that were stopped do not start on a disk
/// that has become full. Without it no engine is swapped; an uninstallation, which may be there to
/// make room, goes on.
fn take_room(context: &Context<'_>, steps: &[Step]) -> Result<(), StepError> {
    if !steps.iter().any(|step| matches!(step, Step::StopUnits(_))) {
        return Ok(());
    }
    let is_swap = steps.iter().any(|step| matches!(step, Step::SnapshotMetadata(_)));
    match context.host.take_room(ROOM, ROOM_BYTES) {
        Err(error) if is_swap => Err(error.into()),
        _ => Ok(()),
    }
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
    kill_point::after_step(step);
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
