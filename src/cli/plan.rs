//! `landfall plan`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{Global, InstallArgs, PlanArgs};
use super::failure::{Failure, exit};
use super::online;
use super::output::{Output, utc};
use super::prepare::{Config, Looked, Prepared, desired_here, desired_of, make_plan, prepare};
use crate::approved::{ApprovedPlan, Build, Command, FilePin, HostState, SCHEMA};
use crate::desired::Desired;
use crate::facts::identity::{self, Identity};
use crate::host::{Host, clock, input, output as output_file};
use crate::plan::Plan;
use crate::probe::{Probe, ProbeError};
use crate::report::{Event, Reporter};
use crate::run_state::Question;
use crate::stage::Source;
use crate::texts::{approved as texts, progress, status};

/// `landfall plan`: everything but the changes.
pub fn plan(
    global: &Global,
    options: &InstallArgs,
    args: &PlanArgs,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let probe = args.facts.as_deref().map(read_probe).transpose()?;
    let desired = match &probe {
        Some(probe) => desired_of(global, options, probe.receipt.as_ref(), Config::IfNamed)?,
        None => desired_here(global, options, host, output)?,
    };
    if desired.source.online.is_some() {
        return online::plan(global, options, args, desired, host, output);
    }
    let desired = if args.out.is_some() { absolute(desired)? } else { desired };
    let (identity, looked) = match (&args.facts, probe) {
        (Some(file), Some(probe)) => look_at_probe(file, probe, desired, output)?,
        _ => {
            if let Ok(Some(answer)) = host.ask_run(Question::State) {
                let text = status::run(&answer.run, &utc(answer.run.since)).join("; ");
                output.event(&Event::Warning { text });
            }
            (identity::gather(host)?, Looked::at(host, output, desired)?)
        }
    };
    let state = HostState::of(&looked.facts, &looked.desired, looked.receipt_digest);
    let mut prepared = prepare(looked, output, None)?;
    let plan = make_plan(output, &mut prepared)?;
    output.plan(&plan, true);
    let changes = !plan.is_empty();
    match &args.out {
        None => output.line(&format!("\n{}", progress::DRY_RUN)),
        Some(file) => write(file, args.facts.clone(), identity, prepared, plan, state, output)?,
    }
    Ok(if args.detailed_exitcode && changes { exit::CHANGES } else { exit::DONE })
}

/// The Landfall that runs.
pub fn build() -> Result<Build, Failure> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Build { version, sha256: input::own_digest()? })
}

fn write(
    file: &Path,
    from_probe: Option<PathBuf>,
    host: Identity,
    prepared: Prepared,
    plan: Plan,
    host_state: HostState,
    output: &Output,
) -> Result<(), Failure> {
    let pin = |path: &PathBuf, sha256| -> Result<FilePin, Failure> {
        let size = Source::open(path)?.size();
        Ok(FilePin { path: path.clone(), size, sha256 })
    };
    let images = prepared.images.iter().map(|(path, sha256)| pin(path, *sha256));
    let approved = ApprovedPlan {
        schema: SCHEMA,
        about: texts::ABOUT.to_owned(),
        landfall: build()?,
        made: utc(clock::now()),
        host,
        command: command(),
        from_probe,
        archive: pin(&prepared.archive_file, prepared.archive.sha256)?,
        images: images.collect::<Result<_, _>>()?,
        desired: prepared.desired,
        findings: prepared.findings.into_iter().map(Into::into).collect(),
        plan,
        host_state,
    };
    let usage = |error: String| Failure::new(exit::USAGE, error);
    let text = approved.to_text().map_err(|error| usage(error.to_string()))?;
    output_file::write_private(file, text.as_bytes()).map_err(|error| usage(error.to_string()))?;
    let path = file.to_string_lossy();
    output.result(
        &format!("\n{}", texts::written(&path, approved.findings.len())),
        &json!({"event": "plan_written", "path": path, "host": approved.host.name}),
    );
    Ok(())
}

/// The command that runs, to be typed again.
fn command() -> Command {
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let words = std::env::args_os().skip(1).map(lossy);
    let variables = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value)));
    Command {
        directory: std::env::current_dir().unwrap_or_default(),
        environment: variables.filter(|(name, _)| name.starts_with("LANDFALL_")).collect(),
        words: std::iter::once("landfall".to_owned()).chain(words).collect(),
    }
}

/// A plan is applied from another directory, perhaps.
fn absolute(mut desired: Desired) -> Result<Desired, Failure> {
    let Desired { source, images, .. } = &mut desired;
    for path in std::iter::once(&mut source.archive).chain(images) {
        *path = output_file::absolute(path)?;
    }
    Ok(desired)
}

fn read_probe(file: &Path) -> Result<Probe, Failure> {
    let text =
        input::read_document(file).map_err(|error| Failure::new(exit::USAGE, error.to_string()))?;
    Probe::from_text(&text).map_err(|error: ProbeError| {
        let hint = error.hint();
        Failure::new(exit::USAGE, format!("{}: {error}", file.display())).hint(hint)
    })
}

/// The host is not here; what a probe saw of it stands for it.
fn look_at_probe(
    file: &Path,
    probe: Probe,
    desired: Desired,
    output: &Output,
) -> Result<(Identity, Looked), Failure> {
    let usage = |error: String| Failure::new(exit::USAGE, format!("{}: {error}", file.display()));
    let lacking = probe.lacking(&desired);
    if !lacking.is_empty() {
        return Err(
            usage(crate::texts::probe::lacking(&lacking)).hint(crate::texts::probe::SAME_OPTIONS)
        );
    }
    if !probe.redacted.is_empty() {
        output.event(&Event::Warning { text: texts::redacted_facts(&probe.redacted) });
    }
    if !probe.not_seen.is_empty() {
        output.event(&Event::Warning { text: texts::unseen(&probe.not_seen) });
    }
    let identity = probe.host.clone();
    Ok((identity, Looked::in_probe(probe, desired)))
}
