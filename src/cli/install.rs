//! `landfall install`.

use std::time::Duration;

use serde_json::json;

use super::args::{Global, InstallArgs};
use super::failure::{Failure, exit};
use super::online;
use super::output::Output;
use super::prepare::{Looked, Prepared, desired_here, make_plan, plan_of, prepare, read_archive};
use super::run::{self, Run};
use super::validate::validate;
use crate::apply::journal::{Cleanup, JOURNAL, Outcome};
use crate::apply::{self, ApplyError, Recovered, Session, apply};
use crate::desired::Desired;
use crate::host::Host;
use crate::plan::{EngineAction, Plan};
use crate::receipt::{Entry, Installed, Receipt};
use crate::steps::{Context, Purge, Step, StepError};
use crate::texts::{errors, progress};

/// `landfall install`.
pub fn install(
    global: &Global,
    args: &InstallArgs,
    confirm_within: Option<Duration>,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let desired = desired_here(global, args, host, output)?;
    if desired.source.online.is_some() {
        let asked =
            online::Asked { global, network: &args.network, command: online::Command::Install };
        return online::change(&asked, desired, confirm_within, host, output);
    }
    let confirm_within = confirm_within.or(configured(&desired, host));
    changing(host, output, "install", confirm_within, |run, session, _| {
        let looked = Looked::at(host, output, desired)?;
        let mut prepared = prepare(looked, output, Some(session))?;
        let plan = make_plan(output, &mut prepared)?;
        carry_out_asked(global, run, prepared, plan, session, output)
    })
}

/// How long a run waits to be confirmed if its caller does not say; it is running hosts that are
/// meant.
pub fn configured(desired: &Desired, host: &Host) -> Option<Duration> {
    desired.confirm_within.filter(|_| host.is_live()).map(Duration::from_secs)
}

/// What was asked for when the engine was installed, if that can be told.
pub fn usual_within(host: &Host) -> Option<Duration> {
    configured(&Receipt::load(host).ok()??.desired?, host)
}

/// Runs a command that changes the host: one at a time, after the rollback of one that was
/// cut, with a journal.
pub fn changing(
    host: &Host,
    output: &Output,
    command: &'static str,
    confirm_within: Option<Duration>,
    act: impl FnOnce(&Run<'_>, &mut Session<'_>, Option<Recovered>) -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    if confirm_within.is_some() && !host.is_live() {
        return Err(Failure::new(exit::USAGE, errors::NOTHING_TO_CONFIRM));
    }
    run::run(host, output, command, confirm_within, |run| {
        let recovered = if host.uid() == 0 { run.recover()? } else { None };
        let mut session = Session::new(host, command);
        let result = act(run, &mut session, recovered);
        let outcome = match &result {
            Ok(_) => Outcome::Done,
            Err(failure) if failure.exit == exit::STUCK => Outcome::Stuck,
            Err(_) => Outcome::RolledBack,
        };
        let committed = session.is_committed();
        let closed = session.close(outcome);
        let code = result.map_err(|failure| match &closed {
            // Without its last line in the journal a run is looked at once more, and is as undone.
            Err(error) if error.place() != Some(JOURNAL) => failure.with_left(error),
            _ => failure,
        })?;
        closed.map_err(|error| match committed {
            true => Failure::from(error).left_to_complete(),
            false => error.into(),
        })?;
        Ok(code)
    })
}

/// Shows a plan, asks, and carries it out.
pub fn carry_out_asked(
    global: &Global,
    run: &Run<'_>,
    mut prepared: Prepared,
    mut plan: Plan,
    session: &mut Session<'_>,
    output: &Output,
) -> Result<u8, Failure> {
    if plan.is_empty() {
        output.result(progress::NOTHING_TO_DO, &json!({"event": "done", "changed": false}));
        return Ok(exit::DONE);
    }
    let needs_programs = plan.steps.iter().any(|step| matches!(step, Step::InstallBinary(_)));
    if needs_programs && !session.has_staged() {
        // The receipt knew the archive, but a program on the host is not what it was; or the plan
        // had to be judged first.
        let file = &prepared.archive_file;
        let bundled = prepared.archive.bundled.as_ref();
        let manifest = bundled.map(|bundled| bundled.manifest);
        let archive = read_archive(output, file, manifest, &prepared.desired, Some(session))?;
        if archive.sha256 != prepared.archive.sha256 {
            let path = file.to_string_lossy();
            return Err(Failure::new(exit::UNTRUSTED, errors::archive_changed(&path)));
        }
        prepared.archive = archive;
        plan = plan_of(&prepared)?;
    }
    validate(&plan, &prepared.desired, &prepared.facts, run.host, output)?;
    output.plan(&plan, false);
    if !has_members(&prepared) {
        output.line(&format!("{}\n", progress::NOBODY));
    }
    super::confirm(global, run.host, output, progress::APPLY_QUESTION)?;
    carry_out(run, &prepared, plan, session, output)
}

/// Whether anybody but root may use the engine, or will.
fn has_members(prepared: &Prepared) -> bool {
    let group = &prepared.desired.group;
    let existing = prepared.facts.accounts.groups.get(&group.name);
    !group.members.is_empty() || existing.is_some_and(|group| !group.members.is_empty())
}

fn carry_out(
    run: &Run<'_>,
    prepared: &Prepared,
    plan: Plan,
    session: &mut Session<'_>,
    output: &Output,
) -> Result<u8, Failure> {
    let context = &run.context(Purge::IfNew);
    let Plan { steps, daemon, engine, topology, .. } = plan;
    let entries = apply(context, session.journal()?, steps)?;
    let mut receipt = prepared.receipt.clone().unwrap_or_else(Receipt::without_engine);
    let mut images = receipt.images.clone();
    images.extend(prepared.images.iter().map(|(_, sha256)| *sha256));
    let bundled = prepared.archive.bundled.as_ref().filter(|bundled| !bundled.images.is_empty());
    images.extend(bundled.map(|bundled| bundled.manifest));
    let installed = Installed {
        version: prepared.version.clone(),
        archive: prepared.archive.clone(),
        topology,
        daemon,
        images,
        desired: Some(prepared.desired.clone()),
        moved: receipt.moved.clone(),
    };
    receipt.loaded.extend(context.loaded.take());
    let (fresh, before) = (!receipt.has_engine(), receipt.version.clone());
    receipt.add_run(session.run(), session.command(), &entries, Some(installed));
    keep(run, context, session, &entries, receipt)?;
    let version = prepared.version.as_deref();
    let text = match engine {
        EngineAction::Image => progress::IMAGE_DONE.to_owned(),
        EngineAction::None | EngineAction::Start | EngineAction::Containerd => {
            progress::running(version)
        }
        EngineAction::Restart if fresh => progress::running(version),
        EngineAction::Restart if version != before.as_deref() => {
            version.map_or_else(|| progress::reloaded(true).to_owned(), progress::upgraded)
        }
        EngineAction::Restart => progress::reloaded(true).to_owned(),
        EngineAction::Reload => progress::reloaded(false).to_owned(),
    };
    output.result(
        &text,
        &json!({"event": "done", "changed": true, "version": version, "engine": engine}),
    );
    if !prepared.desired.is_in_system_path() {
        output.line(&progress::programs_are_in(&prepared.desired.bin_dir));
    }
    if !prepared.archive.plugins().is_empty() && !prepared.desired.finds_plugins() {
        output.line(&progress::plugins_are_in(&prepared.desired.plugin_dir()));
    }
    Ok(exit::DONE)
}

/// Writes the receipt of steps that were made, once they are confirmed if they have to be. Not
/// confirmed, or without a receipt to undo them by later, they are undone now.
pub fn keep(
    run: &Run<'_>,
    context: &Context<'_>,
    session: &mut Session<'_>,
    entries: &[Entry],
    receipt: Receipt,
) -> Result<(), Failure> {
    commit(run, context, session, entries, Some(receipt), Cleanup::default())
}

/// Makes what was done stay, as [`keep`] does; without a receipt nothing of Landfall is left.
pub fn commit(
    run: &Run<'_>,
    context: &Context<'_>,
    session: &mut Session<'_>,
    entries: &[Entry],
    receipt: Option<Receipt>,
    cleanup: Cleanup,
) -> Result<(), Failure> {
    let committed = run
        .confirm()
        .map_err(StepError::from)
        .and_then(|()| session.commit(receipt, entries, cleanup));
    let Err(error) = committed else { return Ok(()) };
    if session.is_committed() {
        return Err(Failure::from(error).left_to_complete());
    }
    let journal = session.journal()?;
    let undone = apply::undo(context, entries, |number| journal.note_undone(number));
    Err(Box::new(ApplyError { step: None, cause: error, undone, evidence: None }).into())
}
