//! `landfall apply`: carries out a plan that was made before, and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::Global;
use super::failure::{Failure, exit};
use super::install::{carry_out_asked, changing, configured};
use super::output::Output;
use super::prepare::{Looked, Prepared, hash, make_plan, prepare};
use super::run::Run;
use crate::apply::Session;
use crate::approved::{
    ApprovedPlan, Difference, FilePin, HostState, PlanFileError, receipt_digest,
};
use crate::facts::identity;
use crate::host::{Host, input};
use crate::plan::Plan;
use crate::steps::Step;
use crate::texts::approved as texts;
use crate::texts::{errors, steps};

/// `landfall apply`.
pub fn apply(
    global: &Global,
    file: &Path,
    offline: Option<&Path>,
    confirm_within: Option<Duration>,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let approved = read(file)?;
    check_build(&approved)?;
    let archive = offline.unwrap_or(&approved.archive.path).to_owned();
    check_host(&approved, host)?;
    output.line(&texts::applying(&file.to_string_lossy(), &approved.host.name, &approved.made));
    let confirm_within = confirm_within.or(configured(&approved.desired, host));
    changing(host, output, "apply", confirm_within, |run, session, _| {
        apply_locked(global, run, output, &approved, archive, session)
    })
}

fn read(file: &Path) -> Result<ApprovedPlan, Failure> {
    let usage = |error: String| Failure::new(exit::USAGE, error);
    let text = input::read_document(file).map_err(|error| usage(error.to_string()))?;
    ApprovedPlan::from_text(&text).map_err(|error| {
        let exit = match &error {
            PlanFileError::Edited => exit::REFUSED,
            PlanFileError::NotAPlan(_) | PlanFileError::NoSchema | PlanFileError::Schema(_) => {
                exit::USAGE
            }
        };
        Failure::new(exit, format!("{}: {error}", file.display())).hint(texts::file_hint(&error))
    })
}

fn check_build(approved: &ApprovedPlan) -> Result<(), Failure> {
    let this = super::plan::build()?;
    if approved.landfall == this {
        return Ok(());
    }
    Err(refused(approved, texts::other_landfall(&approved.landfall, &this), Vec::new()))
}

fn check_host(approved: &ApprovedPlan, host: &Host) -> Result<(), Failure> {
    let this = identity::gather(host)?;
    let found = |fact: &str, before: Option<String>, now: Option<String>| {
        (before != now).then(|| Difference { fact: fact.to_owned(), before, now })
    };
    let digest = |machine: Option<crate::digest::Digest>| machine.map(|id| id.to_string());
    let differences: Vec<Difference> = [
        found(texts::HOST_NAME, Some(approved.host.name.clone()), Some(this.name)),
        found(texts::MACHINE_ID, digest(approved.host.machine), digest(this.machine)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(refused(approved, texts::OTHER_HOST, differences.iter().map(texts::difference).collect()))
}

fn apply_locked(
    global: &Global,
    run: &Run<'_>,
    output: &Output,
    approved: &ApprovedPlan,
    archive: PathBuf,
    session: &mut Session<'_>,
) -> Result<u8, Failure> {
    let mut looked = Looked::at(run.host, output, approved.desired.clone())?;
    looked.archive_file = archive;
    let receipt = receipt_digest(looked.receipt.as_ref());
    let now = HostState::of(&looked.facts, &looked.desired, receipt);
    let differences = approved.host_state.differences(&now);
    if !differences.is_empty() {
        let details = differences.iter().map(texts::difference).collect();
        return Err(refused(approved, texts::host_changed(differences.len()), details));
    }
    check_file(approved, &approved.archive, &looked.archive_file)
        .map_err(|failure| failure.hint(texts::archive_moved(&shown(&approved.archive.path))))?;
    for image in &approved.images {
        check_file(approved, image, &image.path)?;
    }
    let mut prepared = prepare(looked, output, Some(session))?;
    check_read(approved, &prepared)?;
    let mut plan = make_plan(output, &mut prepared)?;
    check_plan(approved, &plan)?;
    // It may have moved since.
    for step in &mut plan.steps {
        if let Step::LoadBundled(step) = step {
            step.bundle.clone_from(&prepared.archive_file);
        }
    }
    carry_out_asked(global, run, prepared, plan, session, output)
}

/// A file is the approved one, wherever it lies now.
fn check_file(approved: &ApprovedPlan, pin: &FilePin, file: &Path) -> Result<(), Failure> {
    let found = hash(file).map_err(|failure| Failure { exit: exit::UNTRUSTED, ..failure })?;
    if found == pin.sha256 {
        return Ok(());
    }
    let (wanted, found) = (pin.sha256.to_string(), found.to_string());
    let message = texts::other_archive(&shown(file), &wanted, &found);
    Err(Failure { exit: exit::UNTRUSTED, ..refused(approved, message, Vec::new()) })
}

/// What was read is what was looked at a moment before.
fn check_read(approved: &ApprovedPlan, prepared: &Prepared) -> Result<(), Failure> {
    let images: BTreeSet<_> = prepared.images.iter().map(|(_, sha256)| *sha256).collect();
    let wanted: BTreeSet<_> = approved.images.iter().map(|pin| pin.sha256).collect();
    if prepared.archive.sha256 == approved.archive.sha256 && images == wanted {
        return Ok(());
    }
    let path = shown(&prepared.archive_file);
    Err(Failure::new(exit::UNTRUSTED, errors::archive_changed(&path)))
}

/// Planning again, by the same function from the same facts, gives the same plan; if it does
/// not, something was overlooked, and the approved plan is not what this host needs.
fn check_plan(approved: &ApprovedPlan, now: &Plan) -> Result<(), Failure> {
    if approved.plan == *now {
        return Ok(());
    }
    let before = &approved.plan.steps;
    let gone = before.iter().filter(|step| !now.steps.contains(step));
    let new = now.steps.iter().filter(|step| !before.contains(step));
    let details = gone
        .map(|step| texts::only_approved(&steps::step(step)))
        .chain(new.map(|step| texts::only_now(&steps::step(step))))
        .collect();
    Err(refused(approved, texts::OTHER_PLAN, details))
}

fn refused(approved: &ApprovedPlan, message: impl Into<String>, details: Vec<String>) -> Failure {
    let command = &approved.command;
    let failure = Failure { details, ..Failure::new(exit::REFUSED, message) };
    failure.hint(texts::make_new(&command.shell(), &shown(&command.directory)))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
