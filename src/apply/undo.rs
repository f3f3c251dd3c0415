//! Undoing: steps in reverse, then what ran before runs again.

use std::collections::BTreeSet;
use std::time::Duration;

use super::ROOM;
use super::journal::{self, Cleanup, Journal, Outcome};
use super::session::{complete, leave, leave_if_nothing_began};
use crate::file_state::aside_of;
use crate::host::{Host, HostError};
use crate::receipt::{Entry, Receipt, ReceiptError};
use crate::render::boot::{self, RECOVER};
use crate::report::{Event, Phase};
use crate::steps::{
    Before, Context, GuardBoot, KeptReason, NoteContainers, RunningContainer, Step, StepError,
    Undone, containers,
};
use crate::texts::progress;
use crate::topology::ALL_UNITS;
use crate::unit_state::UnitAction;

/// What became of steps that were to be undone.
#[derive(Debug, Default)]
pub struct UndoReport {
    /// What was left on purpose.
    pub kept: Vec<Undone>,
    /// What could not be undone, and why.
    pub failed: Vec<(Option<Step>, String)>,
}

/// Undoes steps in reverse order. One that fails does not stop the others. `undone` is told
/// the index of each that is, or had nothing to undo.
pub fn undo(context: &Context<'_>, entries: &[Entry], mut undone: impl FnMut(usize)) -> UndoReport {
    context.reporter.event(&Event::Phase { phase: Phase::Undo, bytes: None });
    let mut report = UndoReport::default();
    // If it stays, going back may still have enough.
    let _ = context.host.remove_file(ROOM);
    if let Err(error) = stop_started_engine(context, entries) {
        report.failed.push((None, error.to_string()));
    }
    // Nothing that runs then depends on a copy of its data: nobody waits until that is deleted.
    let copy = entries.iter().rposition(|entry| matches!(entry.step, Step::CopyData(_)));
    let first = copy.map_or(0, |copy| copy + 1);
    for index in (first..entries.len()).rev() {
        undo_one(context, entries, index, &mut report, &mut undone);
    }
    if let Err(error) = settle(context, entries) {
        report.failed.push((None, error.to_string()));
    }
    for index in (0..first).rev() {
        undo_one(context, entries, index, &mut report, &mut undone);
    }
    report
}

fn undo_one(
    context: &Context<'_>,
    entries: &[Entry],
    index: usize,
    report: &mut UndoReport,
    undone: &mut impl FnMut(usize),
) {
    let Entry { step, before } = &entries[index];
    let waits = matches!(step, Step::GuardBoot(_) | Step::CopyData(_) | Step::PlaceData(_));
    if waits && !report.failed.is_empty() {
        // The next boot must not start what is half undone, and an engine that could not be told
        // otherwise uses the copy of its data.
        return;
    }
    let (number, of) = (entries.len() - index, entries.len());
    context.reporter.event(&Event::UndoStarted { number, of });
    let outcome = match step {
        Step::PlaceData(place) if came_up(&entries[index..]) => {
            Ok(Undone::Kept { what: place.to.clone(), reason: KeptReason::Data })
        }
        Step::CopyData(_) if came_up(&entries[index..]) => Ok(Undone::Unchanged),
        step => step.action().undo(context, before),
    };
    match outcome {
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

/// Whether these steps brought docker up: its containers may have written since, and nobody but a
/// person can tell whether that is needed.
fn came_up(entries: &[Entry]) -> bool {
    let started = entries.iter().position(|entry| match &entry.step {
        Step::Unit(step) => step.unit == "docker.service" && step.action != UnitAction::Stop,
        _ => false,
    });
    started.is_some_and(|started| started + 1 < entries.len())
}

/// Ends the containers of an engine that these steps started, before it is stopped: with
/// live-restore, or `KillMode=process` alone, they would outlive it. Where they ran before these
/// steps and were not stopped by them, they run on.
fn stop_started_engine(context: &Context<'_>, entries: &[Entry]) -> Result<(), StepError> {
    let docker = |unit: &String| unit == "docker.service";
    let first = entries.iter().find_map(|entry| match (&entry.step, &entry.before) {
        (Step::Unit(step), Before::Unit { active }) if docker(&step.unit) => Some(*active),
        (Step::StopUnits(_), Before::Units { active }) => active.iter().any(docker).then_some(true),
        // Their scripts start it, or not.
        (Step::InstallPackages(_), Before::Packages { active, .. }) => {
            Some(active.iter().any(docker))
        }
        _ => None,
    });
    let stopped =
        entries.iter().any(|entry| matches!(&entry.step, Step::NoteContainers(step) if step.stop));
    let ends = first == Some(false) || (stopped && first == Some(true));
    if ends && context.host.unit_state("docker.service")?.active == "active" {
        containers::stop(context)?;
    }
    Ok(())
}

/// Brings systemd in line with the files that are back. In a shutdown there is nothing to bring
/// in line: systemd refuses to start a unit, and the next boot reads the files that are back.
fn settle(context: &Context<'_>, entries: &[Entry]) -> Result<(), StepError> {
    let host = context.host;
    host.sync_directories()?;
    if !host.is_booted_with_systemd() || host.is_shutting_down() {
        return Ok(());
    }
    if host.is_coming_up() {
        return leave_to_boot(context, entries);
    }
    match revive(context, entries) {
        // It began in the meantime.
        Err(_) if host.is_shutting_down() => Ok(()),
        outcome => outcome,
    }
}

/// While the host comes up its own boot starts the engine, once this run has ended: a unit that
/// was started here would wait for that too. It goes on with the units that are back.
fn leave_to_boot(context: &Context<'_>, entries: &[Entry]) -> Result<(), StepError> {
    let stopped = match noted(entries) {
        Some((NoteContainers { stop: true }, running)) => running,
        _ => &[],
    };
    let smoke_test = entries.iter().any(|entry| matches!(entry.step, Step::SmokeTest(_)));
    let resumes = containers::after_boot(context, stopped, smoke_test)?;
    if entries.iter().any(|entry| entry.step.touches_units()) {
        context.host.daemon_reload()?;
    }
    if resumes {
        context.host.queue_start(boot::RESUME)?;
    }
    Ok(())
}

/// systemd reads the units again, and what ran before these steps runs again with its former
/// files.
fn revive(context: &Context<'_>, entries: &[Entry]) -> Result<(), StepError> {
    let host = context.host;
    if entries.iter().any(|entry| entry.step.touches_units()) {
        host.daemon_reload()?;
    }
    for unit in started(entries) {
        // Failed starts of this run must not count against the next one.
        host.reset_failed(unit);
    }
    for (unit, action) in to_revive(entries) {
        let action = if host.unit_state(&unit)?.is_active() { action } else { UnitAction::Start };
        // One that was stopped is started, which stops nobody.
        if unit == "docker.service" && action == UnitAction::Restart {
            let text = progress::restarted_to_undo(noted(entries).is_some()).to_owned();
            context.reporter.event(&Event::Warning { text });
        }
        host.unit_action(&unit, action, Duration::from_secs(300))?;
    }
    revive_containers(context, entries)?;
    for entry in entries {
        if let Step::SmokeTest(step) = &entry.step {
            step.remove_traces(context)?;
        }
    }
    Ok(())
}

/// What ran before the first of these steps runs again.
fn revive_containers(context: &Context<'_>, entries: &[Entry]) -> Result<(), StepError> {
    let running = noted(entries).map_or(&[][..], |(_, running)| running);
    for (name, why) in containers::resume(context, running)? {
        let text = progress::container_down(&name, &why);
        context.reporter.event(&Event::Warning { text });
    }
    Ok(())
}

/// The containers that ran before the first of these steps.
fn noted(entries: &[Entry]) -> Option<(&NoteContainers, &[RunningContainer])> {
    entries.iter().find_map(|entry| match (&entry.step, &entry.before) {
        (Step::NoteContainers(step), Before::Containers { running }) => {
            Some((step, running.as_slice()))
        }
        _ => None,
    })
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
        if let Before::Units { active } | Before::Packages { active, .. } = before {
            let stopped = ALL_UNITS.into_iter().filter(|unit| active.iter().any(|it| it == unit));
            for unit in stopped.filter(|unit| !seen.contains(unit)) {
                // One may have come up with another.
                units.push((unit.to_owned(), UnitAction::Start));
            }
            seen.extend(active.iter().map(String::as_str));
        }
        if let Before::Packages { .. } = before {
            // Whatever their scripts have started since.
            seen.extend(ALL_UNITS);
        }
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

/// What became of a run that was cut.
#[derive(Debug)]
pub enum Recovered {
    /// It had been committed: what was left of it was done.
    Completed {
        /// Its command.
        command: String,
    },
    /// It was undone, as far as that went.
    Undone {
        /// Its command.
        command: String,
        /// What became of its steps.
        report: UndoReport,
    },
}

/// Completes or undoes a run that was cut, if there is one. A receipt that is damaged or gone
/// is written again from the journal.
///
/// # Errors
/// [`StepError`] if the journal cannot be read or written; [`StepError::NotCompleted`] if what was
/// left of a run that is to stay could not be done.
pub fn recover(context: &Context<'_>) -> Result<Option<Recovered>, StepError> {
    let host = context.host;
    let Some(cut) = journal::cut_run(host)? else {
        restore_receipt(context)?;
        // A run was cut before its first line was whole.
        leave_if_nothing_began(host)?;
        return Ok(None);
    };
    context.reporter.event(&Event::Recovering {
        command: &cut.command,
        since: cut.since,
        committed: cut.committed.is_some(),
    });
    for path in &cut.staged {
        host.remove_file(path)?;
    }
    if let Some((receipt, cleanup)) = cut.committed {
        if let Some(receipt) = &receipt {
            receipt.stage(host)?;
        }
        complete(host, receipt.is_none(), &cleanup)
            .map_err(|error| StepError::NotCompleted(Box::new(error)))?;
        match receipt {
            Some(_) => Journal::open(host)?.end(Outcome::Done)?,
            None => leave(host)?,
        }
        take_guard_away(host)?;
        return Ok(Some(Recovered::Completed { command: cut.command }));
    }
    restore_receipt(context)?;
    let mut journal = Journal::open(host)?;
    let (numbers, entries): (Vec<usize>, Vec<Entry>) = cut.begun.into_iter().unzip();
    let report = undo(context, &entries, |index| journal.note_undone(numbers[index]));
    let outcome = if report.failed.is_empty() { Outcome::RolledBack } else { Outcome::Stuck };
    journal.conclude(host, outcome)?;
    if outcome != Outcome::Stuck {
        take_guard_away(host)?;
    }
    Ok(Some(Recovered::Undone { command: cut.command, report }))
}

/// Writes the receipt again from the journal, if it is damaged, or gone without having been
/// given up.
fn restore_receipt(context: &Context<'_>) -> Result<(), StepError> {
    match Receipt::load(context.host) {
        Ok(Some(_)) | Err(ReceiptError::TooNew { .. }) => return Ok(()),
        Err(ReceiptError::Host(error)) => return Err(error.into()),
        Ok(None) | Err(ReceiptError::Damaged(_)) => {}
    }
    let Some(receipt) = journal::last_receipt(context.host)? else { return Ok(()) };
    receipt.stage(context.host)?;
    Receipt::put(context.host)?;
    let text = progress::RECEIPT_RESTORED.to_owned();
    context.reporter.event(&Event::Warning { text });
    Ok(())
}

/// Does what a committed run left to do.
///
/// # Errors
/// [`StepError`] if something cannot be deleted.
pub(super) fn clean_up(host: &Host, cleanup: &Cleanup) -> Result<(), StepError> {
    for path in &cleanup.files {
        host.remove_file(path)?;
    }
    if let Some(data) = &cleanup.data {
        data.purge(host)?;
    }
    for path in &cleanup.empty {
        host.remove_dir(path)?;
    }
    Ok(host.sync_directories()?)
}

/// Takes the guard of the boot away, once the journal says that the run has ended: a boot before
/// that finds the run, and one after it finds nothing to do but this.
///
/// # Errors
/// [`HostError`] if it cannot be removed, or systemd does not hear of that.
pub fn take_guard_away(host: &Host) -> Result<(), HostError> {
    let Some(guard) = GuardBoot::of(host)? else { return Ok(()) };
    guard.remove(host)?;
    // Only if systemd read its units in between does it know the guard.
    if host.is_booted_with_systemd() && host.unit_state(RECOVER)?.load != "not-found" {
        host.daemon_reload()?;
    }
    Ok(())
}

/// The files that steps set aside rather than removed, and the directories that stayed for their
/// sake.
pub(super) fn set_aside(made: &[Entry]) -> Cleanup {
    let mut cleanup = Cleanup::default();
    for entry in made {
        match (&entry.step, &entry.before) {
            (Step::Revert(revert), _) => {
                cleanup.files.extend(revert.aside());
                cleanup.empty.extend(revert.directory().map(str::to_owned));
            }
            (Step::PlaceData(place), _) => cleanup.empty.push(place.copy()),
            (
                step @ (Step::InstallBinary(_)
                | Step::WriteFile(_)
                | Step::CopyFile(_)
                | Step::RemoveFile(_)),
                Before::File { .. },
            ) => cleanup.files.extend(step.path().map(aside_of)),
            _ => {}
        }
    }
    cleanup
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::{StopUnits, UnitStep};

    fn entry(unit: &str, action: UnitAction, active: bool) -> Entry {
        let revert =
            if action == UnitAction::Reload { UnitAction::Reload } else { UnitAction::Restart };
        let step = Step::Unit(UnitStep { unit: unit.to_owned(), action, revert, limit: None });
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

        let stopped = ["docker.socket", "docker.service", "containerd.service"];
        let units = stopped.map(str::to_owned).to_vec();
        let all = [
            Entry {
                step: Step::StopUnits(StopUnits { units: units.clone() }),
                before: Before::Units { active: units },
            },
            entry("containerd.service", UnitAction::Start, false),
            entry("docker.service", UnitAction::Start, false),
        ];
        assert_eq!(revived(&all), ALL_UNITS.map(|unit| (unit.to_owned(), "start")));

        let later = [
            entry("docker.service", UnitAction::Start, false),
            entry("docker.service", UnitAction::Restart, true),
        ];
        assert_eq!(revived(&later), [], "it was this run that started it");
    }
}
