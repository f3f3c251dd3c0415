//! `landfall adopt`: a receipt for a Docker that somebody else installed. Nothing else is written.

use std::path::PathBuf;

use serde_json::json;

use super::args::Global;
use super::failure::{Failure, exit};
use super::install::{changing, keep};
use super::output::Output;
use super::run::Run;
use crate::adoption::{self, Engine, Unfit};
use crate::apply::Session;
use crate::bundle::{Archive, read_program};
use crate::config::{self, Options};
use crate::desired::Desired;
use crate::facts::{self, found_engine};
use crate::host::Host;
use crate::receipt::{Installed, Receipt};
use crate::report::{Event, Phase, Reporter};
use crate::steps::Purge;
use crate::texts::{adoption as texts, errors};

/// `landfall adopt`.
pub fn adopt(global: &Global, dry_run: bool, host: &Host, output: &Output) -> Result<u8, Failure> {
    if !host.is_live() || !host.is_booted_with_systemd() {
        return Err(Failure::new(exit::USAGE, texts::NEEDS_LIVE));
    }
    if host.uid() != 0 {
        return Err(Failure::new(exit::REFUSED, texts::NOT_ROOT).hint(errors::USE_SUDO));
    }
    if dry_run {
        let (facts, engine) = look(host, output)?;
        show(output, &engine, &facts);
        output.result(texts::DRY_RUN, &described("adoptable", &engine));
        return Ok(exit::DONE);
    }
    changing(host, output, "adopt", None, |run, session, _| adopt_run(global, run, session, output))
}

fn adopt_run(
    global: &Global,
    run: &Run<'_>,
    session: &mut Session<'_>,
    output: &Output,
) -> Result<u8, Failure> {
    let host = run.host;
    let receipt = Receipt::load(host)?;
    if let Some(receipt) = receipt.as_ref().filter(|receipt| receipt.has_engine()) {
        if receipt.adopted.is_none() {
            return Err(Failure::new(exit::USAGE, texts::INSTALLED));
        }
        output.result(texts::ADOPTED_ALREADY, &json!({"event": "done", "changed": false}));
        return Ok(exit::DONE);
    }
    let (facts, engine) = look(host, output)?;
    let installed = installed(host, &engine, &facts)?;
    show(output, &engine, &facts);
    super::confirm(global, host, output, texts::QUESTION)?;
    session.journal()?;
    let mut receipt = receipt.unwrap_or_else(Receipt::without_engine);
    receipt.add_run(session.run(), session.command(), &engine.entries, Some(installed));
    receipt.adopted = Some(engine.adoption.clone());
    keep(run, &run.context(Purge::Keep), session, &[], receipt)?;
    let mut object = described("done", &engine);
    object["changed"] = true.into();
    output.result(&texts::done(&engine), &object);
    Ok(exit::DONE)
}

/// The engine, for programs.
fn described(event: &str, engine: &Engine) -> serde_json::Value {
    let adoption = &engine.adoption;
    json!({
        "event": event, "version": adoption.version, "unit_style": engine.topology.name(),
        "bin_dir": engine.bin_dir, "group": engine.group, "data_root": engine.data_root,
        "packages": adoption.packages, "flags": adoption.flags,
    })
}

/// What is there, and what the host says of its files.
fn look(host: &Host, output: &Output) -> Result<(facts::Facts, Engine), Failure> {
    output.event(&Event::Phase { phase: Phase::Facts, bytes: None });
    let found = found_engine::gather(host)?;
    let directory = found.program.as_deref().and_then(crate::file_state::parent_of);
    let usual = config::desired(&options(None), None)?;
    let desired =
        Desired { bin_dir: directory.map_or(usual.bin_dir.clone(), str::to_owned), ..usual };
    let facts = facts::gather(host, &adoption::wanted(&found, &desired))?;
    let engine = adoption::judge(&found, &facts)?;
    Ok((facts, engine))
}

fn options(version: Option<&str>) -> Options {
    let name = version.map_or_else(PathBuf::new, |it| PathBuf::from(format!("docker-{it}.tgz")));
    Options { archive: Some(name), ..Options::default() }
}

/// What the receipt says of the engine: as if these had been the options of its installation.
fn installed(host: &Host, engine: &Engine, facts: &facts::Facts) -> Result<Installed, Failure> {
    let desired = config::desired(
        &Options {
            bin_dir: engine.adoption.packages.is_empty().then(|| engine.bin_dir.clone()),
            group: Some(engine.group.clone()),
            unit_style: Some(engine.topology),
            ..options(engine.adoption.version.as_deref())
        },
        None,
    )?;
    let mut entries = Vec::new();
    for (name, path) in &engine.programs {
        let Some(file) = host.open_file(path)? else { continue };
        let mode = facts.files.get(path).map_or(0, |file| file.state.mode & 0o777);
        match read_program(name, mode, file) {
            Ok(entry) => entries.push(entry),
            Err(error) => {
                return Err(Failure::new(exit::REFUSED, texts::not_read(path, &error.to_string())));
            }
        }
        host.interrupt().check()?;
    }
    Ok(Installed {
        version: engine.adoption.version.clone(),
        archive: Archive::of_programs(entries),
        topology: engine.topology,
        daemon: serde_json::Map::new(),
        images: std::collections::BTreeSet::new(),
        desired: Some(Desired { bin_dir: engine.bin_dir.clone(), ..desired }),
        moved: None,
    })
}

fn show(output: &Output, engine: &Engine, facts: &facts::Facts) {
    for line in texts::found(engine) {
        output.line(&line);
    }
    let packages = &engine.adoption.packages;
    if !packages.is_empty() {
        output.line(&texts::packaged(
            packages,
            &facts.upgrade_command(packages),
            &facts.removal_command(packages),
        ));
    }
    for text in texts::lost(&engine.adoption.flags) {
        output.event(&Event::Warning { text });
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        let hint = texts::hint(&unfit);
        Self::new(exit::REFUSED, unfit.to_string()).hint(hint)
    }
}
