//! Undoing: steps in reverse, then what ran before runs again.

use std::collections::BTreeSet;
use std::time::Duration;

use super::journal::{self, Journal, Outcome};
use super::stop_engine::stop_containers;
use crate::receipt::{Entry, Receipt, ReceiptError};
use crate::report::{Event, Phase};
use crate::steps::{Before, Context, Step, StepError, Undone};
use crate::texts::progress;
use crate::unit_state::UnitAction;

/// What became of steps that were to be undone.
#[derive(Debug, Default)]
pub struct UndoReport {
    /// What was left on purpose.
    pub kept: Vec<Undone>,
    /// What could not be undone, and why.
    pub failed: Vec<(Option<Step>, String)>,
    /// How many steps were not looked at, since the run was asked to end.
    pub not_begun: usize,
}

/// Undoes steps in reverse order. One that fails does not stop the others. `undone` is told
/// the index of each that is, or had nothing to undo.
pub fn undo(context: &Context<'_>, entries: &[Entry], undone: impl FnMut(usize)) -> UndoReport {
    undo_while(context, entries, undone, || true)
}

/// The same for an undoing that is itself the run: once it is asked to end it begins no further
/// step. What is undone stays undone, and undoing all again completes it.
pub fn undo_unless_interrupted(context: &Context<'_>, entries: &[Entry]) -> UndoReport {
    undo_while(context, entries, |_| {}, || !context.host.interrupt().is_set())
}

fn undo_while(
    context: &Context<'_>,
    entries: &[Entry],
    mut undone: impl FnMut(usize),
    go_on: impl Fn() -> bool,
) -> UndoReport {
    context.reporter.event(&Event::Phase { phase: Phase::Undo, bytes: None });
    let mut report = UndoReport::default();
    if let Err(error) = stop_started_engine(context, entries) {
        report.failed.push((None, error.to_string()));
    }
    for (index, Entry { step, before }) in entries.iter().enumerate().rev() {
        if !go_on() {
            report.not_begun = index + 1;
            break;
        }
        let (number, of) = (entries.len() - index, entries.len());
        context.reporter.event(&Event::UndoStarted { number, of });
        match step.action().undo(context, before) {
            Ok(outcome) => {
                undone(index);
                context.reporter.event(&Event::StepUndone { step, outcome: &outcome });
                if matches!(outcome, Undone::Kept { .. }) {
                    report.kept.push(outcome);
                }
            }
            Err(error) => {
                let error = error.to_string();
                context.reporter.event(&Event::UndoFailed { step, error: error.clone() });
                report.failed.push((Some(step.clone()), error));
            }
        }
    }
    // Half-way nothing is started again: what it needs may be gone, or not be back yet.
    let to_revive = if report.not_begun == 0 { to_revive(entries) } else { Vec::new() };
    if let Err(error) = settle(context, entries, to_revive) {
        report.failed.push((None, error.to_string()));
    }
    report
}

/// Ends the containers of an engine that these steps started, before it is stopped: with
/// live-restore, or `KillMode=process` alone, they would outlive it.
fn stop_started_engine(context: &Context<'_>, entries: &[Entry]) -> Result<(), StepError> {
    let started = entries.iter().any(|entry| {
        entry.before == (Before::Unit { active: false })
            && matches!(&entry.step, Step::Unit(step) if step.unit == "docker.service")
    });
    if started && context.host.unit_state("docker.service")?.active == "active" {
        // A rollback is not interrupted.
        stop_containers(context, || true)?;
    }
    Ok(())
}

/// Brings systemd in line with the files that are back. In a shutdown there is nothing to bring
/// in line: systemd refuses to start a unit, and the next boot reads the files that are back.
fn settle(
    context: &Context<'_>,
    entries: &[Entry],
    to_revive: Vec<(String, UnitAction)>,
) -> Result<(), StepError> {
    let host = context.host;
    host.sync_directories()?;
    if !host.is_booted_with_systemd() || host.is_shutting_down() {
        return Ok(());
    }
    match revive(context, entries, to_revive) {
        // It began in the meantime.
        Err(_) if host.is_shutting_down() => Ok(()),
        outcome => outcome,
    }
}

/// systemd reads the units again, and what ran before these steps runs again with its former
/// files.
fn revive(
    context: &Context<'_>,
    entries: &[Entry],
    to_revive: Vec<(String, UnitAction)>,
) -> Result<(), StepError> {
    let host = context.host;
    if entries.iter().any(|entry| entry.step.touches_units()) {
        host.daemon_reload()?;
    }
    for unit in started(entries) {
        // Failed starts of this run must not count against the next one.
        host.reset_failed(unit);
    }
    for (unit, action) in to_revive {
        let action = if host.unit_state(&unit)?.is_active() { action } else { UnitAction::Start };
        if unit == "docker.service" && action != UnitAction::Reload {
            let text = progress::RESTARTED_TO_UNDO.to_owned();
            context.reporter.event(&Event::Warning { text });
        }
        host.unit_action(&unit, action, Duration::from_secs(300))?;
    }
    Ok(())
}

/// The units that these steps started, each once.
fn started(entries: &[Entry]) -> BTreeSet<&str> {
    let units = entries.iter().filter_map(|entry| match &entry.step {
        Step::Unit(step) => Some(step.unit.as_str()),
        _ => None,
    });
    units.collect()
}

/// Units that ran before the first step touched them, and how they get their former
/// configuration back.
fn to_revive(entries: &[Entry]) -> Vec<(String, UnitAction)> {
    let mut units: Vec<(String, UnitAction)> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for Entry { step, before } in entries {
        let Step::Unit(step) = step else { continue };
        if seen.contains(&step.unit.as_str()) {
            continue;
        }
        seen.push(&step.unit);
        if *before == (Before::Unit { active: true }) {
            units.push((step.unit.clone(), step.revert));
        }
    }
    units
}

/// Undoes a run that was cut, if there is one.
///
/// # Errors
/// [`StepError`] if the journal cannot be read or written.
pub fn recover(context: &Context<'_>) -> Result<Option<UndoReport>, StepError> {
    let Some(cut) = journal::cut_run(context.host)? else { return Ok(None) };
    if receipt_holds(context, &cut.run)? {
        // All its steps were made; only the end is missing.
        Journal::open(context.host)?.end(Outcome::Done)?;
        return Ok(None);
    }
    context.reporter.event(&Event::Recovering { command: &cut.command, since: cut.since });
    for path in &cut.staged {
        context.host.remove_file(path)?;
    }
    let mut journal = Journal::open(context.host)?;
    let (numbers, entries): (Vec<usize>, Vec<Entry>) = cut.begun.into_iter().unzip();
    let report = undo(context, &entries, |index| journal.note_undone(numbers[index]));
    let outcome = if report.failed.is_empty() { Outcome::RolledBack } else { Outcome::Stuck };
    journal.conclude(context.host, outcome)?;
    Ok(Some(report))
}

fn receipt_holds(context: &Context<'_>, run: &str) -> Result<bool, StepError> {
    match Receipt::load(context.host) {
        Ok(receipt) => Ok(receipt.is_some_and(|receipt| receipt.run == run)),
        Err(ReceiptError::Host(error)) => Err(error.into()),
        // Whoever needs the receipt reports that it is damaged.
        Err(ReceiptError::Damaged(_) | ReceiptError::TooNew { .. }) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::UnitStep;

    fn entry(unit: &str, action: UnitAction, active: bool) -> Entry {
        let revert =
            if action == UnitAction::Reload { UnitAction::Reload } else { UnitAction::Restart };
        let step = Step::Unit(UnitStep { unit: unit.to_owned(), action, revert });
        Entry { step, before: Before::Unit { active } }
    }

    fn revived(entries: &[Entry]) -> Vec<(String, &'static str)> {
        to_revive(entries).into_iter().map(|(unit, action)| (unit, action.verb())).collect()
    }

    #[test]
    fn what_did_not_run_before_stays_down() {
        let start = |unit| entry(unit, UnitAction::Start, false);
        assert_eq!(revived(&[start("containerd.service"), start("docker.service")]), []);
        assert_eq!(revived(&[]), []);
    }

    #[test]
    fn what_ran_gets_its_former_files_as_each_step_says() {
        let entries = [
            entry("containerd.service", UnitAction::Restart, true),
            entry("docker.service", UnitAction::Reload, true),
        ];
        let expected = [("containerd.service", "restart"), ("docker.service", "reload")];
        assert_eq!(revived(&entries), expected.map(|(unit, verb)| (unit.to_owned(), verb)));
    }

    /// A service that is stopped for its socket's sake, and restarted after it: what counts is
    /// how it was before the first of these steps.
    #[test]
    fn only_the_state_before_the_first_step_counts() {
        let entries = [
            entry("docker.service", UnitAction::Stop, true),
            entry("docker.socket", UnitAction::Restart, true),
            entry("docker.service", UnitAction::Restart, false),
        ];
        let expected = [("docker.service", "restart"), ("docker.socket", "restart")];
        assert_eq!(revived(&entries), expected.map(|(unit, verb)| (unit.to_owned(), verb)));

        let later = [
            entry("docker.service", UnitAction::Start, false),
            entry("docker.service", UnitAction::Restart, true),
        ];
        assert_eq!(revived(&later), [], "it was this run that started it");
    }
}
