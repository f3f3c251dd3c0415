//! `landfall verify`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::copy;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::args::{Global, VerifyArgs};
use super::failure::{Failure, exit};
use super::install::{changing, keep, usual_within};
use super::output::{CAUTION, Output, QUIET, utc};
use super::prepare::{desired_owned, hash, pass, read_archive};
use super::run::Run;
use super::status::running;
use crate::apply::{Session, apply};
use crate::bundle::signature::Trust;
use crate::desired::Desired;
use crate::digest::Digest;
use crate::facts::{self, Wanted, installed};
use crate::file_state::parent_of;
use crate::host::{Host, HostError};
use crate::plan::repair::{Damage, Repair, repair as plan_repair};
use crate::plan::{self, Inputs};
use crate::preflight;
use crate::receipt::Receipt;
use crate::report::{Event, Phase, Reporter};
use crate::stage::Source;
use crate::steps::{Purge, Step};
use crate::store::Store;
use crate::texts::{errors, status, verify as texts};
use crate::verify::{self, Comparison, Difference, Expected, Made};

/// Compares the host with its receipt, and puts back what differs if that is asked for.
pub fn verify(
    global: &Global,
    args: &VerifyArgs,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    if args.repair {
        return repair(global, args, host, output);
    }
    if let Some(run) = running(host, output) {
        let mut failure = Failure::new(exit::LOCKED, texts::RUN_GOES_ON).hint(texts::WHEN_ENDED);
        failure.details = status::run(&run, &utc(run.since));
        return Err(failure);
    }
    let receipt = load(host)?;
    let comparison = now(host, &receipt)?;
    let code = tell(output, &comparison);
    let (cut, other): (Vec<_>, Vec<_>) = comparison.differences.iter().partition(is_unreadable);
    if !other.is_empty() {
        output.line(texts::CAN_REPAIR);
    }
    if !cut.is_empty() {
        output.line(texts::MEND_DAEMON_JSON);
    }
    Ok(code)
}

/// How a host compares with its receipt now.
pub fn now(host: &Host, receipt: &Receipt) -> Result<Comparison, Failure> {
    Ok(verify::compare(receipt, &installed::gather(host, receipt)?))
}

/// Whether it is a daemon.json in which what is a person's cannot be told from what is not.
fn is_unreadable(difference: &&Difference) -> bool {
    matches!(difference, Difference::DaemonJson { .. })
}

fn load(host: &Host) -> Result<Receipt, Failure> {
    let receipt = Receipt::load(host)?;
    receipt.ok_or_else(|| Failure::new(exit::USAGE, texts::NOTHING_INSTALLED))
}

/// Says what differs; the exit code.
fn tell(output: &Output, comparison: &Comparison) -> u8 {
    let Comparison { differences, notes } = comparison;
    differences.iter().for_each(|difference| tell_difference(output, difference));
    for note in notes {
        let text = texts::note(note);
        let object = event("note", serde_json::to_value(note).ok(), &text);
        if output.is_quiet() {
            continue;
        }
        output.result(&format!("{QUIET}note:{QUIET:#} {text}"), &object);
    }
    let (count, notes) = (differences.len(), notes.len());
    output.result(
        &texts::summary(count),
        &json!({"event": "verified", "differences": count, "notes": notes}),
    );
    if count == 0 { exit::DONE } else { exit::UNSOUND }
}

fn tell_difference(output: &Output, difference: &Difference) {
    let text = texts::difference(difference);
    let object = event("drift", serde_json::to_value(difference).ok(), &text);
    let mut shown = format!("{CAUTION}drift:{CAUTION:#} {text}");
    if let Difference::Text { diff, .. } = difference {
        shown.push('\n');
        super::show_plan::write_diff(&mut shown, diff);
    }
    output.result(shown.trim_end(), &object);
}

fn event(name: &str, fields: Option<Value>, text: &str) -> Value {
    let mut object = Map::from_iter([("event".to_owned(), name.into())]);
    if let Some(Value::Object(fields)) = fields {
        object.extend(fields);
    }
    object.insert("text".to_owned(), text.into());
    Value::Object(object)
}

fn repair(global: &Global, args: &VerifyArgs, host: &Host, output: &Output) -> Result<u8, Failure> {
    super::require_root(host)?;
    let within = args.confirm.within.or_else(|| usual_within(host));
    changing(host, output, "verify", within, |run, session, _| {
        repair_run(global, args.offline.as_deref(), run, session, output)
    })
}

fn repair_run(
    global: &Global,
    offline: Option<&Path>,
    run: &Run<'_>,
    session: &mut Session<'_>,
    output: &Output,
) -> Result<u8, Failure> {
    let host = run.host;
    let mut receipt = load(host)?;
    let desired = desired_owned(&receipt)?;
    output.event(&Event::Phase { phase: Phase::Facts, bytes: None });
    let facts = facts::gather(host, &wanted(&desired, &receipt))?;
    let seen = installed::with_engine(host, &receipt, facts);
    let comparison = verify::compare(&receipt, &seen);
    if tell(output, &comparison) == exit::DONE {
        output.result(texts::NO_DRIFT, &json!({"event": "done", "changed": false}));
        return Ok(exit::DONE);
    }
    let differences = &comparison.differences;
    let staged = staged_programs(offline, &desired, &receipt, differences, session, output)?;
    let images = loadable_images(&receipt, differences);
    let directory = host.staging_dir(&desired.bin_dir)?;
    let inputs = Inputs {
        desired: &desired,
        facts: &seen.facts,
        archive: &receipt.archive,
        version: receipt.version.as_deref(),
        // The boot's guard may lie there.
        staging: directory.path(),
        images: &images,
        receipt: Some(&without_images(&receipt, &images)),
    };
    let damage = Damage { receipt: &receipt, differences, staged: &staged };
    let Repair { plan, left } = plan_repair(&inputs, &damage)?;
    if !left.is_empty() {
        output.line(texts::LEFT);
        left.iter().for_each(|left| output.line(&format!("  {}", texts::difference(left))));
        if left.iter().any(|left| is_unreadable(&left)) {
            output.line(texts::MEND_DAEMON_JSON);
        }
    }
    if plan.is_empty() {
        output.result(texts::NOTHING_TO_REPAIR, &json!({"event": "done", "changed": false}));
        return Ok(exit::UNSOUND);
    }
    let owned = receipt.paths();
    let archive = &receipt.archive;
    let found = preflight::check_plan(&desired, &seen.facts, &owned, archive, &plan.steps);
    pass(output, &desired, &found)?;
    output.plan(&plan, false);
    super::confirm(global, host, output, texts::QUESTION)?;
    let context = run.context(Purge::Keep);
    let entries = apply(&context, session.journal()?, plan.steps)?;
    receipt.loaded.extend(context.loaded.take());
    receipt.add_run(session.run(), session.command(), &entries, None);
    let repaired = receipt.clone();
    keep(run, &context, session, &entries, receipt)?;
    let after = now(host, &repaired)?;
    after.differences.iter().for_each(|difference| tell_difference(output, difference));
    let whole = after.differences.is_empty();
    output.result(
        if whole { texts::REPAIRED } else { texts::REPAIRED_IN_PART },
        &json!({"event": "done", "changed": true, "left": after.differences.len()}),
    );
    Ok(if whole { exit::DONE } else { exit::UNSOUND })
}

/// What planning looks at, and what the receipt speaks of.
fn wanted(desired: &Desired, receipt: &Receipt) -> Wanted {
    let mut wanted = plan::wanted(desired);
    let more = Expected::of(receipt).wanted(receipt);
    for (list, more) in [
        (&mut wanted.texts, more.texts),
        (&mut wanted.programs, more.programs),
        (&mut wanted.paths, more.paths),
        (&mut wanted.groups, more.groups),
        (&mut wanted.users, more.users),
    ] {
        list.extend(more);
        list.sort();
        list.dedup();
    }
    wanted
}

/// Stages the bytes of programs that differ: from the store, or from the archive that was
/// installed. Where each is staged, by the program's path.
fn staged_programs(
    offline: Option<&Path>,
    desired: &Desired,
    receipt: &Receipt,
    differences: &[Difference],
    session: &mut Session<'_>,
    output: &Output,
) -> Result<BTreeMap<String, String>, Failure> {
    let damaged: BTreeSet<&str> = differences
        .iter()
        .filter(|found| matches!(found, Difference::Missing { .. } | Difference::Bytes { .. }))
        .filter_map(Difference::path)
        .collect();
    let expected = Expected::of(receipt);
    let mut needed: BTreeMap<String, Digest> = BTreeMap::new();
    for at in expected.paths.iter().filter(|at| damaged.contains(at.path)) {
        if let Made::Program(step) = at.made {
            needed.insert(at.path.to_owned(), step.sha256);
        }
    }
    let mut staged = BTreeMap::new();
    if let Some(file) = offline.filter(|_| !needed.is_empty()) {
        let archive = read_archive(output, file, None, desired, Some(session))?;
        if archive.sha256 != receipt.archive.sha256 {
            let path = file.to_string_lossy();
            let text = texts::other_archive(&path, archive.sha256, receipt.archive.sha256);
            return Err(Failure::new(exit::UNTRUSTED, text));
        }
        let plugin_dir = desired.plugin_dir();
        let programs = archive.entries.iter().map(|entry| (&desired.bin_dir, entry));
        let plugins = archive.plugins().iter().map(|entry| (&plugin_dir, entry));
        for (directory, entry) in programs.chain(plugins) {
            let path = format!("{directory}/{}", entry.name);
            if needed.get(&path) == Some(&entry.sha256) {
                needed.remove(&path);
                staged.insert(path, session.staged_path(&desired.bin_dir, &entry.name)?);
            }
        }
    }
    needed.retain(|path, sha256| match from_store(path, *sha256, session) {
        Ok(Some(at)) => {
            staged.insert(path.clone(), at);
            false
        }
        Ok(None) => true,
        Err(error) => {
            let text = errors::could_not(path, &error.to_string());
            output.event(&Event::Warning { text });
            true
        }
    });
    if needed.is_empty() {
        return Ok(staged);
    }
    let missing: Vec<String> = needed.into_keys().collect();
    let failure = Failure::new(exit::USAGE, texts::no_bytes(&missing));
    if receipt.has_no_archive() {
        return Err(failure.hint(texts::NO_ARCHIVE));
    }
    Err(failure.hint(texts::give_archive(&desired.source.archive, receipt.archive.sha256)))
}

/// Stages a program from the store, if that holds it.
fn from_store(
    path: &str,
    sha256: Digest,
    session: &mut Session<'_>,
) -> Result<Option<String>, HostError> {
    let (Some(directory), Some((_, name))) = (parent_of(path), path.rsplit_once('/')) else {
        return Ok(None);
    };
    let Some(mut from) = Store::new(session.host()).open(sha256)? else { return Ok(None) };
    let staging = session.staging_dir(directory)?;
    let at = staging.path_of(name);
    let failed = |source| HostError::io("write", &at, source);
    let mut to = staging.create(name).map_err(failed)?;
    copy(&mut from, &mut to).and_then(|_| to.sync_all()).map_err(failed)?;
    Ok(Some(at))
}

/// The archives of images that are gone, where they still are what they were.
fn loadable_images(receipt: &Receipt, differences: &[Difference]) -> Vec<(PathBuf, Digest)> {
    let gone: BTreeSet<Digest> = differences
        .iter()
        .filter_map(|found| match found {
            Difference::Image { archive, .. } => Some(*archive),
            _ => None,
        })
        .collect();
    let mut images: BTreeMap<Digest, PathBuf> = BTreeMap::new();
    for entry in receipt.entries.iter().rev() {
        if let Step::LoadImage(step) = &entry.step
            && gone.contains(&step.sha256)
            && !images.contains_key(&step.sha256)
            && hash(&step.archive).is_ok_and(|found| found == step.sha256)
        {
            images.insert(step.sha256, step.archive.clone());
        }
        if let Step::LoadBundled(step) = &entry.step
            && gone.contains(&step.manifest)
            && is_bundle(&step.bundle, step.manifest)
        {
            images.insert(step.manifest, step.bundle.clone());
        }
    }
    images.into_iter().map(|(sha256, path)| (path, sha256)).collect()
}

/// Whether this file still is the bundle with this manifest.
fn is_bundle(path: &Path, manifest: Digest) -> bool {
    let head = Source::open(path).and_then(|source| source.head(&Trust::default()));
    head.is_ok_and(|head| head.is_some_and(|(head, _)| head.sha256() == manifest))
}

/// What has to be loaded again counts as not loaded.
fn without_images(receipt: &Receipt, images: &[(PathBuf, Digest)]) -> Receipt {
    let mut receipt = receipt.clone();
    receipt.images.retain(|known| !images.iter().any(|(_, sha256)| sha256 == known));
    receipt
}
