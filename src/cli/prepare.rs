//! From arguments to everything that a plan is made from: what is asked, the host, the archive.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::args::{Global, InstallArgs};
use super::failure::{Failure, exit};
use super::fetch;
use super::output::{HEADING, Output};
use super::show_plan::megabytes;
use super::source;
use crate::adoption;
use crate::apply::Session;
use crate::approved::receipt_digest;
use crate::bundle::format::{FileRole, Head};
use crate::bundle::{self, Archive};
use crate::config::{self, CONFIG_FILE, FileConfig, Options, RegistryAsked};
use crate::desired::Desired;
use crate::digest::Digest;
use crate::facts::{self, Facts};
use crate::host::{Host, HostError, input};
use crate::installed::Installed;
use crate::plan::{self, Inputs, Plan};
use crate::preflight::{self, Code, Expected, Finding, Refusal};
use crate::probe::Probe;
use crate::receipt::Receipt;
use crate::registry::files::{self, ClientFiles, PemFile, RegistryFiles};
use crate::report::{Event, Phase, Reporter};
use crate::stage::{self, Source};
use crate::texts::{
    adoption as adoption_texts, bundle as bundle_texts, errors, online as online_texts, progress,
};

/// Everything that is known before a plan is made.
pub struct Prepared {
    pub desired: Desired,
    pub facts: Facts,
    pub receipt: Option<Receipt>,
    pub archive: Archive,
    pub version: Option<String>,
    pub staging: String,
    pub images: Vec<(PathBuf, Digest)>,
    /// Where the archive is now.
    pub archive_file: PathBuf,
    /// Paths that earlier runs wrote.
    pub owned: BTreeSet<String>,
    pub findings: Vec<Finding>,
}

/// What is asked, and the host that it is asked of.
pub struct Looked {
    pub desired: Desired,
    pub facts: Facts,
    pub receipt: Option<Receipt>,
    /// What tells the receipt from others, which a probe does not hold whole.
    pub receipt_digest: Option<Digest>,
    /// Where the archive is now; `desired` names where it was when it was asked for.
    pub archive_file: PathBuf,
    staging: String,
}

impl Looked {
    /// Gathers facts of a host.
    pub fn at(host: &Host, output: &Output, desired: Desired) -> Result<Self, Failure> {
        output.event(&Event::Phase { phase: Phase::Facts, bytes: None });
        let receipt = Receipt::load(host)?;
        Ok(Self {
            facts: facts::gather(host, &plan::wanted(&desired))?,
            receipt_digest: receipt_digest(receipt.as_ref()),
            receipt,
            archive_file: desired.source.archive.clone(),
            staging: host.staging_dir(&desired.bin_dir)?.path().to_owned(),
            desired,
        })
    }

    /// Takes what a probe saw; no host is looked at.
    pub fn in_probe(probe: Probe, desired: Desired) -> Self {
        let there = |path: &&str| probe.facts.files.contains_key(*path);
        let mut above = std::iter::successors(Some(desired.bin_dir.as_str()), |path| {
            path.rsplit_once('/').map(|(parent, _)| parent)
        });
        Self {
            staging: above.find(there).unwrap_or_default().to_owned(),
            facts: probe.facts,
            receipt: probe.receipt,
            receipt_digest: probe.receipt_sha256,
            archive_file: desired.source.archive.clone(),
            desired,
        }
    }
}

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

/// Which configuration file counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Config {
    /// The one that is named, or else this host's own.
    OfThisHost,
    /// Only the one that is named: it is another host that is asked about.
    IfNamed,
}

/// What is asked for of this host.
pub fn desired_here(
    global: &Global,
    args: &InstallArgs,
    host: &Host,
    output: &Output,
) -> Result<Desired, Failure> {
    // That the receipt cannot be read is said by those who need it.
    let receipt = Receipt::load(host).ok().flatten();
    let options = keeping(args.options(), global, receipt.as_ref(), Config::OfThisHost)?;
    let options = fetch::archive(options, global, &args.network, host, output)?;
    checked_over(receipt.as_ref(), global, &options, Config::OfThisHost)
}

/// What is asked for of a host with this receipt; the files that it names are there.
pub fn desired_of(
    global: &Global,
    args: &InstallArgs,
    receipt: Option<&Receipt>,
    config: Config,
) -> Result<Desired, Failure> {
    checked_over(receipt, global, &keeping(args.options(), global, receipt, config)?, config)
}

fn checked_over(
    receipt: Option<&Receipt>,
    global: &Global,
    options: &Options,
    config: Config,
) -> Result<Desired, Failure> {
    let mut desired = checked(global, options, config)?;
    // Certificates stay until they are taken out by name.
    let earlier = receipt.and_then(|receipt| receipt.desired.as_ref());
    files::keep(&mut desired.registries, earlier.map(|it| it.registries.as_slice()));
    Ok(desired)
}

/// The options, and for an engine that was taken over its directory and its group, unless others
/// are asked for.
pub fn keeping(
    mut options: Options,
    global: &Global,
    receipt: Option<&Receipt>,
    config: Config,
) -> Result<Options, Failure> {
    let adopted = receipt.filter(|receipt| receipt.adopted.is_some());
    let Some(kept) = adopted.and_then(Installed::of) else { return Ok(options) };
    let file = named_file(global, config)?;
    let in_file = |says: fn(&FileConfig) -> bool| file.as_ref().is_some_and(says);
    if !in_file(FileConfig::says_bin_dir) {
        options.bin_dir = options.bin_dir.or(kept.bin_dir);
    }
    if !in_file(FileConfig::says_group) {
        options.group = options.group.or(kept.group);
    }
    Ok(options)
}

pub fn named_file(global: &Global, config: Config) -> Result<Option<FileConfig>, Failure> {
    if let Some(of_site) = &global.site {
        return Ok(Some(of_site.clone()));
    }
    match config {
        Config::IfNamed if global.config.is_none() => Ok(None),
        Config::OfThisHost | Config::IfNamed => config_file(global.config.as_deref()),
    }
}

/// What is asked for, by arguments, environment and the file that is named; the files that it
/// names are there.
pub fn desired(
    global: &Global,
    args: &InstallArgs,
    host: &Host,
    output: &Output,
) -> Result<Desired, Failure> {
    let options = fetch::archive(args.options(), global, &args.network, host, output)?;
    checked(global, &options, Config::IfNamed)
}

fn checked(global: &Global, options: &Options, config: Config) -> Result<Desired, Failure> {
    let file = named_file(global, config)?;
    let mut desired = wanted(options, file.as_ref())?;
    // A wrong name is a matter of usage, and found before anything else.
    if desired.source.online.is_none() {
        source::exists(&desired.source.archive)?;
    }
    for path in &desired.images {
        input::open(path).map_err(|error| Failure::new(exit::USAGE, error.to_string()))?;
    }
    if let Some(below) = configuration_in(&desired)? {
        // It holds where arguments and file say nothing.
        let file = match file {
            Some(file) => file.over(below),
            None => below,
        };
        desired = wanted(options, Some(&file))?;
    }
    if !desired.images.is_empty() && global.root.is_some() {
        return Err(Failure::new(exit::USAGE, errors::IMAGE_NEEDS_ENGINE));
    }
    Ok(desired)
}

/// The configuration that the bundle brings along, if it is one and does.
fn configuration_in(desired: &Desired) -> Result<Option<FileConfig>, Failure> {
    if desired.source.online.is_some() {
        return Ok(None);
    }
    let archive = &desired.source.archive;
    let head = source::head(archive, &desired.source)?.map(|(head, _)| head);
    let Some(text) = head.and_then(|head| head.manifest.configuration) else { return Ok(None) };
    let below = bundled_config(&text, archive)?;
    // What is wrong in it is told as its own fault.
    let alone = Options { archive: Some(archive.clone()), ..Options::default() };
    config::desired(&alone, Some(&below))?;
    Ok(Some(below))
}

/// Whether this host's configuration accepts nothing but signed bundles.
pub fn required_signature(global: &Global) -> Result<bool, Failure> {
    let file = named_file(global, Config::OfThisHost)?;
    Ok(file.is_some_and(|file| file.requires_signature()))
}

/// The configuration in a bundle, as far as it says what a bundle may.
pub fn bundled_config(text: &str, bundle: &Path) -> Result<FileConfig, Failure> {
    let file = FileConfig::parse(text, bundle)?;
    match file.key_not_for_bundles() {
        None => Ok(file),
        Some(key) => Err(Failure::new(exit::USAGE, bundle_texts::key_not_for_bundles(key))),
    }
}

/// What an installation without options would want.
pub fn usual() -> Result<Desired, Failure> {
    // No archive has to be there: its name alone would count, and it has none.
    let options = Options { archive: Some(PathBuf::new()), ..Options::default() };
    Ok(config::desired(&options, None)?)
}

/// The receipt of the engine on this host; `hint` is what to do if there is none.
pub fn installed_engine(host: &Host, hint: &str) -> Result<Receipt, Failure> {
    let none = || Failure::new(exit::USAGE, errors::NO_ENGINE).hint(hint);
    Receipt::load(host)?.filter(Receipt::has_engine).ok_or_else(none)
}

/// The same as [`desired_by`], but of daemon.json only the keys that Landfall set are meant.
pub fn desired_owned(receipt: &Receipt) -> Result<Desired, Failure> {
    Ok(Desired { daemon: receipt.daemon.clone(), ..desired_by(receipt)? })
}

/// What was asked for when the engine was installed; an older receipt tells it by its steps.
pub fn desired_by(receipt: &Receipt) -> Result<Desired, Failure> {
    if let Some(desired) = &receipt.desired {
        return Ok(desired.clone());
    }
    let mut desired = usual()?;
    desired.daemon.clone_from(&receipt.daemon);
    if let Some(installed) = Installed::of(receipt) {
        installed.asked_by(&mut desired);
    }
    Ok(desired)
}

/// What is asked for; the files that it names are not looked at.
pub fn asked(global: &Global, options: &Options, config: Config) -> Result<Desired, Failure> {
    wanted(options, named_file(global, config)?.as_ref())
}

fn wanted(options: &Options, file: Option<&FileConfig>) -> Result<Desired, Failure> {
    let mut desired = config::desired(options, file)?;
    let registries = config::registries(options, file)?;
    desired.registries = registries.into_iter().map(read_files).collect::<Result<_, _>>()?;
    for code in &desired.ignore {
        if let Err(error) = code.parse::<Code>() {
            return Err(Failure::new(exit::USAGE, format!("--ignore {code}: {error}")));
        }
    }
    Ok(desired)
}

/// The certificates that are named for a registry. Of a key no more is taken than its digest, and
/// whether it fits.
fn read_files(asked: RegistryAsked) -> Result<RegistryFiles, Failure> {
    let usage = |error: HostError| Failure::new(exit::USAGE, error.to_string());
    let pem = |path: PathBuf| {
        let bytes = input::read_secret_bytes(&path).map_err(usage)?;
        Ok::<_, Failure>(PemFile { text: String::from_utf8_lossy(&bytes).into_owned(), path })
    };
    let client = |(certificate, key): (PathBuf, PathBuf)| {
        let certificate = pem(certificate)?;
        let bytes = input::read_secret_bytes(&key).map_err(usage)?;
        let key_state = files::key_state(&certificate.text, &bytes);
        Ok::<_, Failure>(ClientFiles {
            certificate,
            key: std::path::absolute(&key).unwrap_or(key),
            key_sha256: Digest::of(&bytes),
            key_state,
        })
    };
    Ok(RegistryFiles {
        registry: asked.registry,
        ca: asked.ca.map(pem).transpose()?,
        client: asked.client.map(client).transpose()?,
        system_store: asked.system_store,
    })
}

/// Checks the host, reads the archive and checks it too. With a session the archive's
/// programs are staged; without one nothing is written. Nothing is staged either while the plan
/// may still be refused, or while it cannot be told what to check the host for: whoever carries
/// the plan out reads the archive once more then.
pub fn prepare(
    looked: Looked,
    output: &Output,
    session: Option<&mut Session<'_>>,
) -> Result<Prepared, Failure> {
    let Looked { mut desired, facts, receipt, archive_file, staging, .. } = looked;
    let (head, signature) = source::head(&archive_file, &desired.source)?.unzip();
    let version = match &head {
        Some(head) => Some(head.manifest.version().map(str::to_owned).ok_or_else(no_engine)?),
        None => bundle::version_from_name(&file_name(&desired.source.archive)),
    };
    let expected = head.as_ref().map(Head::sha256);
    // Refused now rather than after the archive was read.
    plan::topology(&desired, version.as_deref(), None, receipt.as_ref())?;
    let installed = receipt.as_ref().filter(|receipt| receipt.has_engine());
    refuse_packaged(receipt.as_ref(), &facts)?;
    desired.unit_style = desired.unit_style.or(installed.map(|receipt| receipt.topology));
    let owned = receipt.as_ref().map(Receipt::paths).unwrap_or_default();
    let known = known_archive(&archive_file, receipt.as_ref())?;
    let is_known = known.is_some();
    // Without a version in the name, the programs tell of what time the engine is.
    let seen = match known {
        None if version.is_none() => {
            Some(read_archive(output, &archive_file, expected, &desired, None)?)
        }
        known => known,
    };
    let layout = seen.as_ref().map(Archive::layout);
    plan::topology(&desired, version.as_deref(), layout, receipt.as_ref())?;
    let unpacked = match &head {
        _ if is_known => None,
        Some(Head { manifest, .. }) => {
            Some(manifest.size_of(FileRole::Engine) + manifest.size_of(FileRole::Plugin))
        }
        None => stage::expected_unpacked(&archive_file)?,
    };
    let mut findings = preflight::check(&desired, &facts, &owned, Expected { unpacked, layout });
    let before = installed.and_then(|receipt| receipt.version.as_deref());
    findings.extend(preflight::check_upgrade(&desired, &facts, &owned, before));
    if !is_known {
        findings.extend(preflight::check_staging(&desired, &facts));
    }
    pass(output, &desired, &findings)?;
    let archive = match seen {
        Some(archive) => archive,
        None => {
            let session = session.filter(|_| !preflight::may_refuse_plan(&facts));
            read_archive(output, &archive_file, expected, &desired, session)?
        }
    };
    show_source(output, &facts, &archive, &archive_file);
    let signature = signature.as_ref();
    let verdict = source::check_trust(&desired.source, &archive_file, &archive, signature)?;
    source::show_trust(output, signature, &verdict);
    source::show_packages(output, &archive, &facts.os);
    let found = preflight::check_archive(&desired, &facts, &owned, &archive);
    pass(output, &desired, &found)?;
    findings.extend(found);
    let images = hash_images(&desired.images)?;
    Ok(Prepared {
        desired,
        facts,
        receipt,
        archive,
        version,
        staging,
        images,
        archive_file,
        owned,
        findings,
    })
}

fn no_engine() -> Failure {
    Failure::new(exit::USAGE, bundle_texts::NO_ENGINE)
}

/// A Docker that was taken over from packages is theirs.
fn refuse_packaged(receipt: Option<&Receipt>, facts: &Facts) -> Result<(), Failure> {
    if receipt.is_some_and(|receipt| receipt.packages().is_some()) {
        return Err(Failure::new(exit::REFUSED, online_texts::PACKAGES_STAY)
            .hint(online_texts::UPGRADE_ONLINE));
    }
    let packages = receipt.and_then(|it| it.adopted.as_ref()).map(|adoption| &adoption.packages);
    let Some(packages) = packages.filter(|packages| !packages.is_empty()) else { return Ok(()) };
    let (upgrade, remove) = (facts.upgrade_command(packages), facts.removal_command(packages));
    let hints = adoption_texts::package_hints(&upgrade, &remove);
    Err(Failure {
        hints,
        ..Failure::new(exit::REFUSED, adoption_texts::kept_by_packages(packages))
    })
}

/// Prints findings; an error that is not ignored refuses the host.
pub fn pass(output: &Output, desired: &Desired, found: &[Finding]) -> Result<(), Failure> {
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
fn known_archive(file: &Path, receipt: Option<&Receipt>) -> Result<Option<Archive>, Failure> {
    // What was taken over came from no archive.
    let Some(receipt) = receipt.filter(|receipt| !receipt.has_no_archive()) else {
        return Ok(None);
    };
    if Source::open(file)?.size() != receipt.archive.size || hash(file)? != receipt.archive.sha256 {
        return Ok(None);
    }

    Ok(Some(receipt.archive.clone()))
}

/// Reads an archive, or the bundle whose manifest has the digest `manifest` if that is known.
pub fn read_archive(
    output: &Output,
    file: &Path,
    manifest: Option<Digest>,
    desired: &Desired,
    session: Option<&mut Session<'_>>,
) -> Result<Archive, Failure> {
    let trust = &source::trusted(&desired.source)?;
    let expected = &stage::Expected { trust, manifest };
    let archive = match session {
        None => stage::inspect(file, expected, output)?,
        Some(session) => {
            stage::stage(file, expected, session.staging_dir(&desired.bin_dir)?, output)?
        }
    };
    Ok(archive)
}

fn show_source(output: &Output, facts: &Facts, archive: &Archive, path: &Path) {
    let host = progress::host(
        &facts.os,
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

/// Makes the plan, and refuses it if it would write what is a package's or protected.
pub fn make_plan(output: &Output, prepared: &mut Prepared) -> Result<Plan, Failure> {
    let plan = plan_of(prepared)?;
    let Prepared { desired, facts, owned, archive, .. } = &prepared;
    let mut found = preflight::check_plan(desired, facts, owned, archive, &plan.steps);
    // What was said before was passed before.
    found.retain(|finding| !prepared.findings.contains(finding));
    pass(output, desired, &found)?;
    let lost = adoption::flags_in_force(prepared.receipt.as_ref(), facts, plan.topology);
    for text in lost.iter().flat_map(adoption_texts::lost) {
        output.event(&Event::Warning { text });
    }
    prepared.findings.extend(found);
    Ok(plan)
}

/// Makes the plan.
pub fn plan_of(prepared: &Prepared) -> Result<Plan, Failure> {
    let plan = plan::make(&Inputs {
        desired: &prepared.desired,
        facts: &prepared.facts,
        archive: &prepared.archive,
        version: prepared.version.as_deref(),
        staging: &prepared.staging,
        images: &prepared.images,
        receipt: prepared.receipt.as_ref(),
    })?;
    Ok(plan)
}

pub fn hash_images(images: &[PathBuf]) -> Result<Vec<(PathBuf, Digest)>, Failure> {
    let mut seen: BTreeMap<Digest, PathBuf> = BTreeMap::new();
    for path in images {
        if !stage::looks_like_archive(path)? {
            return Err(Failure::new(exit::USAGE, errors::not_an_image(&path.to_string_lossy())));
        }
        seen.entry(hash(path)?).or_insert_with(|| path.clone());
    }
    Ok(seen.into_iter().map(|(sha256, path)| (path, sha256)).collect())
}

pub fn hash(path: &Path) -> Result<Digest, Failure> {
    let digest = Digest::of_reader(Source::open(path)?.bytes());
    digest.map_err(|source| HostError::io("read", path.to_string_lossy(), source).into())
}

pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
