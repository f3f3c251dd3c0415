//! `landfall migrate-data-root`: the engine's data move to another directory.

use std::time::Duration;

use serde_json::json;

use super::args::{Global, MigrateArgs};
use super::failure::{Failure, exit};
use super::install::{changing, commit, keep, usual_within};
use super::output::{Output, utc};
use super::prepare::{desired_owned, installed_engine, pass};
use super::run::Run;
use super::show_plan::megabytes;
use crate::apply::journal::Cleanup;
use crate::apply::{Session, apply};
use crate::bundle::Archive;
use crate::desired::{DAEMON_JSON, DEFAULT_DATA_ROOT, Desired};
use crate::facts::data::{self, DataFacts};
use crate::facts::{self, Facts, containers, engine};
use crate::file_state::is_beneath;
use crate::host::Host;
use crate::installed;
use crate::plan::{Inputs, Plan, migrate as plan_migrate};
use crate::preflight;
use crate::receipt::{Installed, MovedData, Receipt};
use crate::report::{Event, Phase, Reporter};
use crate::steps::{EngineData, Purge};
use crate::texts::{migrate as texts, progress};
use crate::unit_state::UnitState;

/// The name of the command, as the journal and the receipt have it.
pub const COMMAND: &str = "migrate-data-root";
/// The name of the other half of it.
const FINISH: &str = "migrate-data-root --finish";
/// How long data that are to be deleted are counted.
const COUNT_LIMIT: Duration = Duration::from_secs(20);

/// Moves the data, or deletes those that were left behind.
pub fn migrate(
    global: &Global,
    args: &MigrateArgs,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    if !host.is_live() || !host.is_booted_with_systemd() {
        return Err(Failure::new(exit::USAGE, texts::NEEDS_LIVE));
    }
    super::require_root(host)?;
    let Some(directory) = &args.directory else {
        return changing(host, output, FINISH, None, |run, session, _| {
            finish(global, run, session, output)
        });
    };
    let to = normal(directory)?;
    if args.dry_run {
        let prepared = prepare(host, &to, &args.ignore, output)?;
        prepared.show(output, true);
        output.line(&format!("\n{}", progress::DRY_RUN));
        return Ok(exit::DONE);
    }
    let within = args.confirm.within.or_else(|| usual_within(host));
    changing(host, output, COMMAND, within, |run, session, _| {
        let prepared = prepare(host, &to, &args.ignore, output)?;
        prepared.show(output, false);
        super::confirm(global, host, output, texts::QUESTION)?;
        carry_out(run, session, prepared, output)
    })
}

/// A path as it is compared and written: absolute, without a trailing slash.
fn normal(directory: &str) -> Result<String, Failure> {
    let path = directory.trim_end_matches('/');
    let mut names = path.split('/').skip(1);
    if !path.starts_with('/') || names.any(|name| ["", ".", ".."].contains(&name)) {
        return Err(Failure::new(exit::USAGE, texts::not_absolute(directory)));
    }
    Ok(path.to_owned())
}

struct Prepared {
    receipt: Receipt,
    data: DataFacts,
    plan: Plan,
    moved: MovedData,
}

fn prepare(host: &Host, to: &str, ignore: &[String], output: &Output) -> Result<Prepared, Failure> {
    let receipt = installed_engine(host, texts::ADOPT_FIRST)?;
    if let Some(moved) = receipt.moved.as_ref().filter(|moved| !moved.old.is_empty()) {
        let text = texts::not_finished(&moved.old, moved.newer);
        return Err(Failure::new(exit::REFUSED, text).hint(texts::FINISH_FIRST));
    }
    output.event(&Event::Phase { phase: Phase::Facts, bytes: None });
    let mut desired = desired_owned(&receipt)?;
    desired.daemon.insert("data-root".to_owned(), to.into());
    desired.ignore = ignore.to_vec();
    let facts = facts::gather(host, &plan_migrate::wanted(&desired))?;
    let Some(engine) = &facts.engine else {
        return Err(Failure::new(exit::REFUSED, texts::SILENT).hint(texts::START_IT));
    };
    let from = data_root(&receipt, &facts, &engine.data_root);
    let data = data::gather(host, &from, receipt.topology, &facts.units, to)?;
    let owned = receipt.paths();
    let found = preflight::check_migration(&desired, &facts, &owned, &data);
    pass(output, &desired, &found)?;
    let directory = host.staging_dir(&desired.bin_dir)?;
    let packaged = receipt.is_packaged();
    let inputs = Inputs {
        desired: &desired,
        facts: &facts,
        archive: &receipt.archive,
        version: receipt.version.as_deref().filter(|_| !packaged),
        staging: directory.path(),
        images: &[],
        receipt: Some(&receipt),
    };
    let (plan, moved) = plan_migrate::migrate(&inputs, &receipt, &data)?;
    // Programs stay as they are, whoever owns them.
    let none = Archive::of_programs(Vec::new());
    let found = preflight::check_plan(&desired, &facts, &owned, &none, &plan.steps);
    pass(output, &desired, &found)?;
    Ok(Prepared { receipt, data, plan, moved })
}

/// The data-root that was configured; the daemon's own word for it may be a directory in it, one
/// for each mapping of users.
fn data_root(receipt: &Receipt, facts: &Facts, by_daemon: &str) -> String {
    let json = facts.daemon_json();
    let configured = json.as_ref().and_then(|json| json.get("data-root")?.as_str());
    let known = [configured, installed::data_root(receipt), Some(DEFAULT_DATA_ROOT)];
    let known = known.into_iter().flatten().map(|path| path.trim_end_matches('/'));
    let found = known.into_iter().find(|path| is_beneath(by_daemon, path));
    found.unwrap_or(by_daemon).to_owned()
}

impl Prepared {
    fn show(&self, output: &Output, asked_for: bool) {
        for directory in preflight::moved_directories(&self.data) {
            let is_docker = directory.path == self.data.docker.path;
            let to = if is_docker { &self.moved.data_root } else { &self.moved.containerd_root };
            let (from, bytes, counted) = (&directory.path, directory.bytes, directory.counted);
            let object = json!({
                "event": "moves", "from": from, "to": to, "bytes": bytes, "counted": counted,
            });
            let text = texts::moves(from, to, &megabytes(bytes), counted);
            if !output.is_quiet() {
                output.result(&text, &object);
            }
        }
        output.line(texts::STAYS);
        output.plan(&self.plan, asked_for);
    }
}

fn carry_out(
    run: &Run<'_>,
    session: &mut Session<'_>,
    prepared: Prepared,
    output: &Output,
) -> Result<u8, Failure> {
    let Prepared { mut receipt, plan, moved, .. } = prepared;
    let context = run.context(Purge::Keep);
    let entries = apply(&context, session.journal()?, plan.steps)?;
    let with_data_root = |desired: &Desired| {
        let mut desired = desired.clone();
        desired.daemon.insert("data-root".to_owned(), moved.data_root.clone().into());
        desired
    };
    let installed = Installed {
        daemon: plan.daemon,
        desired: receipt.desired.as_ref().map(with_data_root),
        moved: Some(moved.clone()),
        ..receipt.installed()
    };
    receipt.add_run(session.run(), session.command(), &entries, Some(installed));
    keep(run, &context, session, &entries, receipt)?;
    output.result(
        &texts::moved(&moved.data_root, &moved.old),
        &json!({
            "event": "done", "changed": true, "data_root": moved.data_root,
            "containerd_root": moved.containerd_root, "old": moved.old,
        }),
    );
    Ok(exit::DONE)
}

/// Deletes the data that were left behind.
fn finish(
    global: &Global,
    run: &Run<'_>,
    session: &mut Session<'_>,
    output: &Output,
) -> Result<u8, Failure> {
    let host = run.host;
    let mut receipt = installed_engine(host, texts::ADOPT_FIRST)?;
    let Some(moved) = receipt.moved.clone().filter(|moved| !moved.old.is_empty()) else {
        output.result(texts::NOTHING_LEFT, &json!({"event": "done", "changed": false}));
        return Ok(exit::DONE);
    };
    let (engine, used) = in_use(host, &moved)?;
    refuse_changed(host, &moved.old, &used)?;
    refuse_needed(host, &engine, &moved.old)?;
    let held = moved.held.iter().filter(|(path, _)| moved.old.contains(*path));
    let data = EngineData {
        directories: moved.old.clone(),
        held: held.map(|(path, names)| (path.clone(), names.clone())).collect(),
        moved: moved.old.clone(),
        used,
    };
    let at = receipt.runs.iter().rev().find(|record| record.command == COMMAND);
    let at = at.map(|record| utc(record.at));
    output.line(&texts::whose(&moved.old, moved.newer, at.as_deref()));
    let mut bytes = 0;
    for path in &moved.old {
        let usage = host.usage(path, COUNT_LIMIT)?;
        bytes += usage.bytes;
        output.line(&progress::data(path, Some((megabytes(usage.bytes), usage.complete)), true));
    }
    output.line(&texts::in_use(&moved.data_root));
    super::confirm(global, host, output, texts::FINISH_QUESTION)?;
    // The question may have waited for long.
    refuse_changed(host, &moved.old, &data.used)?;
    refuse_needed(host, &engine, &moved.old)?;
    session.journal()?;
    // What was before the move cannot be gone back to without its data.
    if let Some(at) = receipt.runs.iter().rposition(|record| record.command == COMMAND) {
        receipt.forget_all_but(receipt.runs.len() - 1 - at);
    }
    session.run().clone_into(&mut receipt.run);
    receipt.moved = Some(MovedData { old: Vec::new(), ..moved.clone() });
    let cleanup = Cleanup { data: Some(data), ..Cleanup::default() };
    commit(run, &run.context(Purge::Keep), session, &[], Some(receipt), cleanup)?;
    output.result(
        &texts::finished(&moved.old, &megabytes(bytes)),
        &json!({"event": "done", "changed": true, "deleted": moved.old, "bytes": bytes}),
    );
    Ok(exit::DONE)
}

/// Old data are deleted whole, and as they were left, or not at all.
fn refuse_changed(host: &Host, old: &[String], used: &[String]) -> Result<(), Failure> {
    for path in old {
        if let Some(why) = host.in_the_way(path, used)? {
            return Err(Failure::new(exit::REFUSED, texts::in_the_way(path, &why))
                .hint(texts::out_of_the_way(path, &why)));
        }
    }
    Ok(())
}

/// A container whose mounts come from the old data would not start any more without them.
fn refuse_needed(host: &Host, data_root: &str, old: &[String]) -> Result<(), Failure> {
    let [containers, volumes] = containers::still_in(host, data_root, old)?;
    if containers.is_empty() && volumes.is_empty() {
        return Ok(());
    }
    let text = texts::still_needed(&containers, &volumes);
    Err(Failure::new(exit::REFUSED, text).hint(texts::no_longer_needed(&containers, &volumes)))
}

/// Nothing is deleted unless docker answers, and from the place that it shall: where its data are,
/// and all directories that it, and each containerd that runs, use.
fn in_use(host: &Host, moved: &MovedData) -> Result<(String, Vec<String>), Failure> {
    let runs = UnitState::is_active(&host.unit_state("docker.service")?);
    let Some(engine) = engine::gather(host, runs) else {
        return Err(Failure::new(exit::REFUSED, texts::SILENT).hint(texts::START_IT));
    };
    let real = host.real_path(&moved.data_root)?.unwrap_or_else(|| moved.data_root.clone());
    let is_there =
        is_beneath(&engine.data_root, &moved.data_root) || is_beneath(&engine.data_root, &real);
    if !is_there {
        let text = texts::used_elsewhere(&engine.data_root, &moved.data_root, DAEMON_JSON);
        return Err(Failure::new(exit::REFUSED, text).hint(texts::SEE_VERIFY));
    }
    let mut used = vec![moved.data_root.clone(), engine.data_root.clone()];
    used.push(moved.containerd_root.clone());
    used.extend(data::running_containerd_roots(host)?);
    Ok((engine.data_root, used))
}
