//! `landfall rollback`: back to what was before the last run, or to an engine of before.

use serde_json::json;

use super::args::Global;
use super::failure::{Failure, exit};
use super::install::{changing, keep};
use super::output::{Output, utc};
use super::run::Run;
use super::uninstall::{active_units, guard_directory, unmerged};
use crate::apply::{Recovered, Session, apply, journal};
use crate::bundle::boundaries;
use crate::facts::{containers, engine};
use crate::file_state::is_beneath;
use crate::host::Host;
use crate::installed;
use crate::plan::back::{self, Back};
use crate::plan::{Stops, guarded};
use crate::receipt::{MovedData, Receipt, RunRecord};
use crate::run_state::Question;
use crate::steps::{Purge, Step};
use crate::texts::{adoption, migrate, progress, rollback as texts};

/// What was asked for.
pub struct Asked<'a> {
    /// The version to go back to.
    pub to: Option<&'a str>,
    /// What the engine knew comes back, too.
    pub metadata: bool,
    /// The plan is shown, and that is all.
    pub dry_run: bool,
}

/// Goes back: behind a run that was cut, else behind the last one, else to a version.
pub fn rollback(
    global: &Global,
    asked: &Asked<'_>,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    super::require_root(host)?;
    if asked.dry_run {
        let is_cut = journal::cut_run(host)?.is_some() && host.ask_run(Question::State)?.is_none();
        if is_cut {
            output.line(texts::CUT_RUN_FIRST);
        }
        if (!is_cut || asked.to.is_some()) && prepare(host, asked, output)?.is_none() {
            return Ok(exit::DONE);
        }
        output.line(progress::DRY_RUN);
        return Ok(exit::DONE);
    }
    changing(host, output, "rollback", None, |run, session, recovered| {
        let done = match &recovered {
            // A rollback that was cut is asked for again.
            Some(Recovered::Undone { command, .. }) if command != session.command() => {
                Some(texts::RECOVERED)
            }
            Some(Recovered::Completed { command }) if command == session.command() => {
                Some(texts::COMPLETED)
            }
            _ => None,
        };
        if let Some(text) = done.filter(|_| asked.to.is_none()) {
            output.result(text, &json!({"event": "done", "changed": true}));
            return Ok(exit::DONE);
        }
        rollback_run(global, asked, run, session, output)
    })
}

fn rollback_run(
    global: &Global,
    asked: &Asked<'_>,
    run: &Run<'_>,
    session: &mut Session<'_>,
    output: &Output,
) -> Result<u8, Failure> {
    let host = run.host;
    let Some(Prepared { plan, mut after, moves, runs }) = prepare(host, asked, output)? else {
        return Ok(exit::DONE);
    };
    super::confirm(global, host, output, texts::QUESTION)?;
    let context = run.context(Purge::Keep);
    let entries = apply(&context, session.journal()?, plan)?;
    session.run().clone_into(&mut after.run);
    if let Some(moves) = &moves {
        after.moved = Some(moves.moved.clone());
    }
    let version = after.version.clone();
    keep(run, &context, session, &entries, after)?;
    if let Some(moves) = &moves {
        output.line(&migrate::left_by_rollback(&moves.moved.old));
    }
    output.result(
        &texts::done(version.as_deref()),
        &json!({
            "event": "done", "changed": true, "version": version, "runs": runs,
            "kept": *context.kept.borrow(),
        }),
    );
    Ok(exit::DONE)
}

/// A rollback that can be carried out.
struct Prepared {
    plan: Vec<Step>,
    /// The receipt as it is then.
    after: Receipt,
    /// What becomes of the data, if they move.
    moves: Option<DataMove>,
    /// How many runs are taken back.
    runs: usize,
}

/// Finds out what has to be done, and shows it; `None` if there is nothing to do.
fn prepare(host: &Host, asked: &Asked<'_>, output: &Output) -> Result<Option<Prepared>, Failure> {
    let refuse = |text: String| Failure::new(exit::USAGE, text).hint(texts::SEE_HISTORY);
    let Some(receipt) = Receipt::load(host)? else {
        return Err(Failure::new(exit::USAGE, texts::NOTHING_INSTALLED));
    };
    let runs = match asked.to {
        Some(version) => {
            runs_since(&receipt, version).ok_or_else(|| refuse(texts::no_such_version(version)))?
        }
        None => 1,
    };
    if runs == 0 {
        let text = texts::is_installed(asked.to.unwrap_or_default());
        output.result(&text, &json!({"event": "done", "changed": false}));
        return Ok(None);
    }
    if receipt.runs.last().is_some_and(|run| run.command == "adopt") && asked.to.is_none() {
        return Err(Failure::new(exit::USAGE, adoption::NOTHING_BEFORE).hint(adoption::LET_GO));
    }
    let after = receipt
        .before_last(runs, &receipt.run)
        .ok_or_else(|| refuse(texts::NO_EARLIER_RUN.to_owned()))?;
    let active = active_units(host, &receipt)?;
    let engine = engine::gather(host, active.contains("docker.service"));
    let back = Back {
        entries: receipt.entries_of_last(runs),
        active: &active,
        changed_too: false,
        metadata: asked.metadata || crosses_one_way(&receipt, &after),
        engine: engine.as_ref(),
        daemon_json: unmerged(host, receipt.entries_of_last(runs), &receipt, &after.daemon)?,
    };
    let moves = data_move(host, &receipt, &after)?;
    let plan = back::rollback(&back, &receipt, &after);
    let plan = guarded(plan, guard_directory(host, &receipt)?.as_deref());
    for record in receipt.runs.iter().rev().take(runs) {
        output.line(&texts::takes_back(&record.command, &utc(record.at)));
    }
    output.steps(&plan, &Stops::of(&plan, engine.as_ref(), after.version.as_deref()));
    if let Some(moves) = &moves {
        output.line(&migrate::goes_back(&moves.now, &moves.moved.data_root));
        for (what, names) in containers::newer(host, &moves.now, &moves.moved.data_root)? {
            output.line(&migrate::newer(what, &names));
        }
    }
    if back.metadata {
        output.line(texts::FORGETS);
    }
    Ok(Some(Prepared { plan, after, moves, runs }))
}

/// The data that a rollback goes back to.
struct DataMove {
    /// Where they are now.
    now: String,
    /// What the receipt says of them then.
    moved: MovedData,
}

/// What becomes of the data; `None` if they stay where they are.
fn data_move(host: &Host, now: &Receipt, after: &Receipt) -> Result<Option<DataMove>, Failure> {
    let (Some(from), Some(to)) = (installed::data_root(now), installed::data_root(after)) else {
        return Ok(None);
    };
    if from == to {
        return Ok(None);
    }
    if host.read_dir(to)?.is_empty() {
        return Err(
            Failure::new(exit::REFUSED, migrate::OLD_DATA_GONE).hint(migrate::KEEP_NEW_PLACE)
        );
    }
    let containerd = installed::containerd_root(after);
    let used = after.topology.data(to, containerd);
    let mut old = after.moved.as_ref().map_or_else(Vec::new, |moved| moved.old.clone());
    for directory in now.topology.data(from, installed::containerd_root(now)) {
        let known = used.iter().chain(&old).any(|other| is_beneath(&directory, other));
        if !known && host.stat(&directory)?.is_some() {
            old.push(directory);
        }
    }
    let moved = MovedData {
        data_root: to.to_owned(),
        containerd_root: containerd.to_owned(),
        held: installed::data(now).held,
        old,
        newer: true,
    };
    Ok(Some(DataMove { now: from.to_owned(), moved }))
}

/// Whether the older engine may not read what the newer one left.
fn crosses_one_way(now: &Receipt, after: &Receipt) -> bool {
    match (&now.version, &after.version) {
        (Some(now), Some(after)) => boundaries::is_one_way(after, now),
        _ => false,
    }
}

/// How many of the last runs have to be taken back so that `version` is installed; `None` if it
/// never was.
fn runs_since(receipt: &Receipt, version: &str) -> Option<usize> {
    // People leave out what a package's archive adds to the version.
    let is = |known: &Option<String>| {
        known.as_deref().is_some_and(|known| {
            known == version
                || known.strip_prefix(version).is_some_and(|rest| rest.starts_with('-'))
        })
    };
    if is(&receipt.version) {
        return Some(0);
    }
    let had = |record: &RunRecord| record.before.as_ref().is_some_and(|before| is(&before.version));
    receipt.runs.iter().rev().position(had).map(|position| position + 1)
}
