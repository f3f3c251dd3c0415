//! `landfall install` and `landfall plan`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, json};

use super::args::{Global, InstallArgs};
use super::failure::{Failure, exit};
use super::output::{HEADING, Output, utc};
use super::show_plan::megabytes;
use crate::apply::journal::{self, Outcome};
use crate::apply::{self, ApplyError, Session, apply};
use crate::bundle::trust::{self, Evidence, Verdict};
use crate::bundle::{self, Archive};
use crate::config::{self, FileConfig};
use crate::desired::Desired;
use crate::digest::Digest;
use crate::facts::{self, Facts};
use crate::host::{Host, HostError, input};
use crate::plan::{self, EngineAction, Inputs, Plan};
use crate::preflight::{self, Code, Finding, Refusal};
use crate::receipt::Receipt;
use crate::report::{Event, Phase, Reporter};
use crate::stage;
use crate::steps::{Context, Purge, Step};
use crate::store::Store;
use crate::texts::{errors, progress, trust as trust_texts};

/// Everything that is known before a plan is made.
struct Prepared {
    desired: Desired,
    facts: Facts,
    receipt: Option<Receipt>,
    archive: Archive,
    version: Option<String>,
    staging: String,
    images: Vec<(PathBuf, Digest)>,
}

/// `landfall plan`: everything but the changes.
pub fn plan(
    global: &Global,
    args: &InstallArgs,
    detailed_exitcode: bool,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let desired = desired(global, args)?;
    if let Ok(Some(cut)) = journal::cut_run(host) {
        let text = progress::cut(&cut.command, &utc(cut.since));
        output.event(&Event::Warning { text });
    }
    let prepared = prepare(host, output, desired, None)?;
    let plan = make_plan(&prepared)?;
    output.plan(&plan, true);
    output.line(&format!("\n{}", progress::DRY_RUN));
    Ok(if detailed_exitcode && !plan.is_empty() { exit::CHANGES } else { exit::DONE })
}

/// `landfall install`.
pub fn install(
    global: &Global,
    args: &InstallArgs,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let desired = desired(global, args)?;
    let context = Context { host, store: Store::new(host), reporter: output, purge: Purge::IfNew };
    // Without root there is no lock to take; preflight then says why it goes no further.
    let _lock = if host.uid() == 0 { Some(host.lock()?) } else { None };
    if host.uid() == 0 {
        recover(&context)?;
    }
    let mut session = Session::new(host, "install");
    let result = install_locked(global, &context, output, desired, &mut session);
    let outcome = match &result {
        Ok(_) => Outcome::Done,
        Err(failure) if failure.exit == exit::STUCK => Outcome::Stuck,
        Err(_) => Outcome::RolledBack,
    };
    let closed = session.close(outcome);
    let code = result?;
    closed?;
    Ok(code)
}

/// Completes the rollback of a run that was cut; `true` if there was one.
pub fn recover(context: &Context<'_>) -> Result<bool, Failure> {
    match apply::recover(context)? {
        Some(report) if !report.failed.is_empty() => {
            let (_, error) = &report.failed[0];
            Err(Failure::new(exit::STUCK, format!("{}: {error}", errors::NOT_ROLLED_BACK))
                .hint(errors::RETRY_ROLLBACK))
        }
        report => Ok(report.is_some()),
    }
}

fn install_locked(
    global: &Global,
    context: &Context<'_>,
    output: &Output,
    desired: Desired,
    session: &mut Session<'_>,
) -> Result<u8, Failure> {
    let host = context.host;
    let mut prepared = prepare(host, output, desired, Some(session))?;
    let mut plan = make_plan(&prepared)?;
    if plan.is_empty() {
        output.result(progress::NOTHING_TO_DO, &json!({"event": "done", "changed": false}));
        return Ok(exit::DONE);
    }
    let needs_programs = plan.steps.iter().any(|step| matches!(step, Step::InstallBinary(_)));
    if needs_programs && !session.has_staged() {
        // The receipt knew the archive, but a program on the host is not what it was.
        let archive = read_archive(output, &prepared.desired, Some(session))?;
        if archive.sha256 != prepared.archive.sha256 {
            let path = prepared.desired.source.archive.to_string_lossy();
            return Err(Failure::new(exit::UNTRUSTED, errors::archive_changed(&path)));
        }
        prepared.archive = archive;
        plan = make_plan(&prepared)?;
    }
    output.plan(&plan, false);
    if !has_members(&prepared) {
        output.line(&format!("{}\n", progress::NOBODY));
    }
    super::confirm(global, output, progress::APPLY_QUESTION)?;
    carry_out(context, &prepared, plan, session, output)
}

/// Whether anybody but root may use the engine, or will.
fn has_members(prepared: &Prepared) -> bool {
    let group = &prepared.desired.group;
    let existing = prepared.facts.accounts.groups.get(&group.name);
    !group.members.is_empty() || existing.is_some_and(|group| !group.members.is_empty())
}

fn carry_out(
    context: &Context<'_>,
    prepared: &Prepared,
    plan: Plan,
    session: &mut Session<'_>,
    output: &Output,
) -> Result<u8, Failure> {
    let Plan { steps, daemon, engine, .. } = plan;
    let entries = apply(context, session.journal()?, steps)?;
    let mut receipt = receipt_of(prepared, session.run().to_owned(), daemon);
    receipt.images.extend(prepared.images.iter().map(|(_, sha256)| *sha256));
    receipt.entries.extend(entries.iter().cloned());
    if let Err(error) = receipt.save(context.host) {
        // Without a receipt nothing could be undone later: it is undone now.
        let journal = session.journal()?;
        let undone = apply::undo(context, &entries, |number| journal.note_undone(number));
        return Err(Box::new(ApplyError { step: None, cause: error.into(), undone }).into());
    }
    let fresh = prepared.receipt.is_none();
    let version = prepared.version.as_deref();
    let text = match engine {
        EngineAction::Image => progress::IMAGE_DONE.to_owned(),
        EngineAction::None | EngineAction::Start | EngineAction::Containerd => {
            progress::running(version)
        }
        EngineAction::Restart if fresh => progress::running(version),
        EngineAction::Restart => progress::reloaded(true).to_owned(),
        EngineAction::Reload => progress::reloaded(false).to_owned(),
    };
    output.result(
        &text,
        &json!({"event": "done", "changed": true, "version": version, "engine": engine}),
    );
    Ok(exit::DONE)
}

fn receipt_of(prepared: &Prepared, run: String, daemon: Map<String, serde_json::Value>) -> Receipt {
    let earlier = prepared.receipt.clone();
    let (images, entries) =
        earlier.map(|receipt| (receipt.images, receipt.entries)).unwrap_or_default();
    Receipt {
        schema: crate::receipt::SCHEMA,
        landfall: String::new(),
        run,
        updated: 0,
        version: prepared.version.clone(),
        archive: prepared.archive.clone(),
        daemon,
        images,
        entries,
    }
}

/// Where the configuration is looked for when `--config` does not name it.
const CONFIG_FILE: &str = "/etc/landfall/landfall.yaml";

fn config_file(named: Option<&Path>) -> Result<Option<FileConfig>, Failure> {
    let path = named.unwrap_or(Path::new(CONFIG_FILE));
    let text =
        input::read_text(path).map_err(|error| Failure::new(exit::USAGE, error.to_string()))?;
    match text {
        Some(text) => Ok(Some(FileConfig::parse(&text, path)?)),
        None if named.is_none() => Ok(None),
        None => Err(Failure::new(exit::USAGE, errors::no_config(&path.to_string_lossy()))),
    }
}

fn desired(global: &Global, args: &InstallArgs) -> Result<Desired, Failure> {
    let file = config_file(global.config.as_deref())?;
    let desired = config::desired(&args.options(), file.as_ref())?;
    for path in std::iter::once(&desired.source.archive).chain(&desired.images) {
        // A wrong name is a matter of usage, and found before anything else.
        input::open(path).map_err(|error| Failure::new(exit::USAGE, error.to_string()))?;
    }
    if !desired.images.is_empty() && global.root.is_some() {
        return Err(Failure::new(exit::USAGE, errors::IMAGE_NEEDS_ENGINE));
    }
    for code in &desired.ignore {
        if let Err(error) = code.parse::<Code>() {
            return Err(Failure::new(exit::USAGE, format!("--ignore {code}: {error}")));
        }
    }
    Ok(desired)
}

/// Gathers facts, checks the host, reads the archive and checks it too. With a session
/// the archive's programs are staged; without one nothing is written.
fn prepare(
    host: &Host,
    output: &Output,
    desired: Desired,
    session: Option<&mut Session<'_>>,
) -> Result<Prepared, Failure> {
    output.event(&Event::Phase { phase: Phase::Facts, bytes: None });
    let receipt = Receipt::load(host)?;
    let facts = facts::gather(host, &plan::wanted(&desired))?;
    let owned = receipt.as_ref().map(Receipt::paths).unwrap_or_default();
    let archive_path = &desired.source.archive;
    let known = known_archive(&desired, receipt.as_ref())?;
    let expected = match known {
        Some(_) => None,
        None => stage::expected_unpacked(archive_path)?,
    };
    let found = preflight::check(&desired, &facts, &owned, expected);
    pass(output, &desired, &found)?;
    let archive = match known {
        Some(archive) => archive,
        None => read_archive(output, &desired, session)?,
    };
    let version = bundle::version_from_name(&file_name(archive_path));
    show_source(output, &facts, &archive, archive_path);
    check_trust(&desired, &archive, output)?;
    let found = preflight::check_archive(&desired, &facts, &owned, &archive);
    pass(output, &desired, &found)?;
    let staging = host.staging_dir(&desired.bin_dir)?.path().to_owned();
    let images = hash_images(&desired.images)?;
    Ok(Prepared { desired, facts, receipt, archive, version, staging, images })
}

/// Prints findings; an error that is not ignored refuses the host.
fn pass(output: &Output, desired: &Desired, found: &[Finding]) -> Result<(), Failure> {
    output.findings(found);
    let blocking = preflight::blocking(found, &desired.ignore);
    if blocking.is_empty() {
        return Ok(());
    }
    // What is wrong with the request, or with the archive, is so on any host.
    let is = |refusal| blocking.iter().any(|finding| finding.code.refusal() == refusal);
    let exit = if is(Refusal::Usage) {
        exit::USAGE
    } else if is(Refusal::Archive) {
        exit::UNTRUSTED
    } else {
        exit::REFUSED
    };
    let codes: BTreeSet<Code> = blocking.iter().map(|finding| finding.code).collect();
    let failure = Failure::new(exit, errors::refused(&codes));
    let ignorable: Vec<Code> = codes.iter().copied().filter(|code| code.can_be_ignored()).collect();
    if ignorable.len() < codes.len() {
        return Err(failure);
    }
    Err(failure.hint(errors::ignore_hint(&ignorable)))
}

/// The archive that an earlier run installed, if the file is still the same: then it only
/// has to be hashed.
fn known_archive(desired: &Desired, receipt: Option<&Receipt>) -> Result<Option<Archive>, Failure> {
    let Some(receipt) = receipt else { return Ok(None) };
    let size = input::open(&desired.source.archive)?.metadata().map(|data| data.len()).ok();
    if size != Some(receipt.archive.size)
        || hash(&desired.source.archive)? != receipt.archive.sha256
    {
        return Ok(None);
    }

    Ok(Some(receipt.archive.clone()))
}

fn read_archive(
    output: &Output,
    desired: &Desired,
    session: Option<&mut Session<'_>>,
) -> Result<Archive, Failure> {
    let path = &desired.source.archive;
    let archive = match session {
        None => stage::inspect(path, output)?,
        Some(session) => stage::stage(path, session.staging_dir(&desired.bin_dir)?, output)?,
    };
    Ok(archive)
}

/// Asks everybody who knows a digest whether this is the archive it should be.
fn check_trust(desired: &Desired, archive: &Archive, output: &Output) -> Result<(), Failure> {
    let path = &desired.source.archive;
    let mut sidecar = path.clone().into_os_string();
    sidecar.push(".sha256");
    let sidecar = input::read_text(Path::new(&sidecar))?;
    let name = file_name(path);
    let machine = archive.machine().map(|machine| machine.to_string());
    let verdict = trust::judge(
        archive.sha256,
        &Evidence {
            file_name: &name,
            version: bundle::version_from_name(&name).as_deref(),
            arch: machine.as_deref(),
            argument: desired.source.sha256,
            sidecar: sidecar.as_deref(),
        },
    )?;
    output.line(&trust_texts::verdict(&verdict));
    match verdict {
        Verdict::Unpinned { digest } if !desired.source.allow_unpinned => {
            Err(Failure::new(exit::UNTRUSTED, trust_texts::unpinned(&name, digest))
                .hint(trust_texts::pin_it(digest)))
        }
        _ => Ok(()),
    }
}

fn show_source(output: &Output, facts: &Facts, archive: &Archive, path: &Path) {
    let host = progress::host(
        &facts.os.pretty_name,
        &facts.architecture,
        &facts.kernel.release,
        facts.systemd.as_ref().map_or(0, |systemd| systemd.version),
    );
    output.line(&format!("{HEADING}Host{HEADING:#}     {host}"));
    output.line(&format!(
        "{HEADING}Archive{HEADING:#}  {} ({}) sha256:{}",
        path.display(),
        megabytes(archive.size),
        archive.sha256
    ));
}

fn make_plan(prepared: &Prepared) -> Result<Plan, Failure> {
    Ok(plan::make(&Inputs {
        desired: &prepared.desired,
        facts: &prepared.facts,
        archive: &prepared.archive,
        version: prepared.version.as_deref(),
        staging: &prepared.staging,
        images: &prepared.images,
        receipt: prepared.receipt.as_ref(),
    })?)
}

fn hash_images(images: &[PathBuf]) -> Result<Vec<(PathBuf, Digest)>, Failure> {
    let mut seen: BTreeMap<Digest, PathBuf> = BTreeMap::new();
    for path in images {
        if !stage::looks_like_archive(path)? {
            return Err(Failure::new(exit::USAGE, errors::not_an_image(&path.to_string_lossy())));
        }
        seen.entry(hash(path)?).or_insert_with(|| path.clone());
    }
    Ok(seen.into_iter().map(|(sha256, path)| (path, sha256)).collect())
}

fn hash(path: &Path) -> Result<Digest, Failure> {
    let digest = Digest::of_reader(input::open(path)?);
    digest.map_err(|source| HostError::io("read", path.to_string_lossy(), source).into())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
