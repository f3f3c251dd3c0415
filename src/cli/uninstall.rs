//! `landfall uninstall`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::args::{Global, PurgeArg, UninstallArgs};
use super::failure::{Failure, exit};
use super::give_back::{give_back, refuse_packaged};
use super::install::{changing, commit};
use super::network::CACHE;
use super::output::Output;
use super::run::Run;
use super::show_plan::megabytes;
use crate::adoption::{as_installed, since};
use crate::apply::journal::Cleanup;
use crate::apply::{Session, apply};
use crate::desired::DAEMON_JSON;
use crate::facts::engine;
use crate::file_state::parent_of;
use crate::host::Host;
use crate::host::tree::InTheWay;
use crate::installed::{self, with_moved_data};
use crate::plan::back::{self, Back};
use crate::plan::unmerge::{Standing, unmerge};
use crate::plan::{Stops, guarded};
use crate::receipt::{Entry, Receipt};
use crate::report::{Event, Reporter};
use crate::steps::{Purge, Step};
use crate::texts::{adoption as texts, migrate, progress, steps};

/// How long the engine's data are counted before it is asked whether to delete them.
const COUNT_LIMIT: Duration = Duration::from_secs(20);

/// Undoes everything that the receipt holds, in reverse.
pub fn uninstall(
    global: &Global,
    args: &UninstallArgs,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    super::require_root(host)?;
    changing(host, output, "uninstall", None, |run, session, recovered| {
        let Some(receipt) = Receipt::load(host)? else {
            let changed = recovered.is_some();
            let text = if changed { progress::CUT_RUN_UNDONE } else { progress::NOT_INSTALLED };
            output.result(text, &json!({"event": "done", "changed": changed}));
            return Ok(exit::DONE);
        };
        uninstall_run(global, args, run, session, &receipt, output)
    })
}

fn uninstall_run(
    global: &Global,
    args: &UninstallArgs,
    run: &Run<'_>,
    session: &mut Session<'_>,
    receipt: &Receipt,
    output: &Output,
) -> Result<u8, Failure> {
    let host = run.host;
    let UninstallArgs { purge, include_adopted } = *args;
    let purges = |what| purge == Some(what) || purge == Some(PurgeArg::All);
    let active = active_units(host, receipt)?;
    match &receipt.adopted {
        None if include_adopted => return Err(Failure::new(exit::USAGE, texts::NOT_ADOPTED)),
        Some(_) if !include_adopted && purge.is_some_and(|what| what != PurgeArg::Config) => {
            return Err(Failure::new(exit::USAGE, texts::DATA_STAY).hint(texts::INCLUDE));
        }
        Some(adoption) if !include_adopted => {
            let (then, made) = since(receipt, adoption);
            let changed_too = purges(PurgeArg::Config);
            let daemon_json = match changed_too {
                true => None,
                false => unmerged(host, &made, receipt, &then.daemon)?,
            };
            let engine = engine::gather(host, active.contains("docker.service"));
            let back = Back {
                entries: &made,
                active: &active,
                changed_too,
                metadata: false,
                engine: engine.as_ref(),
                daemon_json,
            };
            return give_back(global, run, session, receipt, &then, &back, output);
        }
        Some(adoption) => refuse_packaged(host, receipt, adoption)?,
        None => {}
    }
    let receipt = &Receipt { entries: as_installed(&receipt.entries), ..receipt.clone() };
    let mut data = installed::data(receipt);
    for old in receipt.moved.iter().flat_map(|moved| &moved.old) {
        if let Some(why) = host.in_the_way(old, &[])? {
            data.directories.retain(|path| path != old);
            output.line(&migrate::in_the_way(old, &why));
        }
    }
    if purges(PurgeArg::Data) {
        for path in &data.directories {
            // Found later, it would leave half of the data.
            if let Some(place) = host.protected_beneath(path)? {
                let why = InTheWay::Protected(place);
                return Err(Failure::new(exit::REFUSED, migrate::in_the_way(path, &why))
                    .hint(migrate::out_of_the_way(path, &why)));
            }
        }
    }
    let receipt = &Receipt { entries: with_moved_data(receipt), ..receipt.clone() };
    let back = Back {
        entries: &receipt.entries,
        active: &active,
        changed_too: purges(PurgeArg::Config),
        metadata: false,
        // All of its containers stop, whatever it is.
        engine: None,
        daemon_json: match purges(PurgeArg::Config) {
            true => None,
            false => unmerged(host, &receipt.entries, receipt, &Map::new())?,
        },
    };
    let plan = guarded(back::uninstall(&back), guard_directory(host, receipt)?.as_deref());
    let engine = engine::gather(host, active.contains("docker.service"));
    output.steps(&plan, &Stops::of(&plan, engine.as_ref(), None));
    for path in &data.directories {
        if host.stat(path)?.is_none() {
            continue;
        }
        // Counting takes a while, and is for whoever is asked.
        let usage = if global.yes { None } else { Some(host.usage(path, COUNT_LIMIT)?) };
        let size = usage.map(|usage| (megabytes(usage.bytes), usage.complete));
        output.line(&progress::data(path, size, purges(PurgeArg::Data)));
    }
    let question = match (receipt.has_engine(), purges(PurgeArg::Data)) {
        (false, _) => progress::UNREPAIR_QUESTION,
        (true, true) => progress::PURGE_QUESTION,
        (true, false) if include_adopted => texts::REMOVE_QUESTION,
        (true, false) => progress::UNINSTALL_QUESTION,
    };
    super::confirm(global, host, output, question)?;
    let purge = if purges(PurgeArg::Data) { Purge::AtCommit } else { Purge::Keep };
    let context = run.context(purge);
    let entries = apply(&context, session.journal()?, plan)?;
    let cleanup = Cleanup { data: purges(PurgeArg::Data).then_some(data), ..Cleanup::default() };
    commit(run, &context, session, &entries, None, cleanup)?;
    forget_fetched(host, output);
    let left = context.kept.borrow();
    let mut kept: Vec<String> = left.iter().map(steps::kept).collect();
    if receipt.has(|step| matches!(step, Step::CreateGroup(_) | Step::AddGroupMember(_))) {
        kept.push(progress::SHADOW_BACKUPS.to_owned());
    }
    if include_adopted && host.stat(DAEMON_JSON)?.is_some() {
        kept.push(texts::DAEMON_JSON_STAYS.to_owned());
    }
    output.result(
        &progress::uninstalled(&kept),
        &json!({"event": "done", "changed": true, "kept": *left}),
    );
    Ok(exit::DONE)
}

/// What was fetched is of no use any more.
fn forget_fetched(host: &Host, output: &Output) {
    if host.is_live()
        && let Err(error) = host.remove_tree(CACHE)
    {
        output.event(&Event::Warning { text: error.to_string() });
    }
}

/// What takes daemon.json back to where Landfall had set the keys `after`, if others have written
/// it too.
pub fn unmerged(
    host: &Host,
    entries: &[Entry],
    receipt: &Receipt,
    after: &Map<String, Value>,
) -> Result<Option<Vec<Step>>, Failure> {
    let (text, state) = (host.read_text(DAEMON_JSON), host.stat(DAEMON_JSON)?);
    let now = match (&text, &state) {
        (Ok(Some(text)), Some(state)) => Some(Standing { text, state }),
        // What is no text was changed by others, and is told as such.
        _ => None,
    };
    Ok(unmerge(entries, now, &receipt.daemon, after))
}

/// Where the program may lie that guards the boot while the engine is taken back or changed.
pub fn guard_directory(host: &Host, receipt: &Receipt) -> Result<Option<String>, Failure> {
    let bin_dir = installed::Installed::of(receipt).and_then(|engine| engine.bin_dir);
    let Some(bin_dir) = bin_dir.filter(|_| host.is_booted_with_systemd()) else { return Ok(None) };
    // One that was made for the engine may go with it.
    let made =
        |path: &str| receipt.has(|step| matches!(step, Step::CreateDir(step) if step.path == path));
    let mut above = std::iter::successors(Some(bin_dir.as_str()), |path| parent_of(path));
    let kept = above.find(|path| !made(path)).unwrap_or(&bin_dir);
    Ok(Some(host.staging_dir(kept)?.path().to_owned()))
}

/// The units of the installed engine that run.
pub fn active_units(host: &Host, receipt: &Receipt) -> Result<BTreeSet<String>, Failure> {
    let mut active = BTreeSet::new();
    if !host.is_booted_with_systemd() || !receipt.has_engine() {
        return Ok(active);
    }
    for unit in receipt.topology.units() {
        if host.unit_state(unit)?.is_active() {
            active.insert((*unit).to_owned());
        }
    }
    Ok(active)
}
