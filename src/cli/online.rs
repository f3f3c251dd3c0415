//! `install --online`, `upgrade --online` and their plans: an engine from packages.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::args::{Global, InstallArgs, NetworkArgs, PlanArgs};
use super::failure::{Failure, exit};
use super::fetch::sites;
use super::install::{changing, configured, keep};
use super::network::Network;
use super::output::{HEADING, Output};
use super::prepare::{hash_images, pass};
use super::run::Run;
use super::upgrade::keep_theirs;
use crate::apply::{Session, apply};
use crate::bundle::{Archive, program_names, read_program};
use crate::desired::Desired;
use crate::digest::Digest;
use crate::facts::{self, Facts};
use crate::host::Host;
use crate::mirrors::Site;
use crate::net::proxy::Proxies;
use crate::online::{
    self, Authority, Fingerprint, HostFetch, LoginFile, Look, LookError, Manager, Offer, Online,
    Query, Release, apt,
};
use crate::plan::{self, EngineAction, Inputs, Plan};
use crate::preflight::{self, Expected, Finding};
use crate::receipt::{Installed, Receipt};
use crate::report::{Event, Phase, Reporter};
use crate::steps::{Context, Purge, Step};
use crate::texts::{online as texts, progress};
use crate::topology::Topology;

/// The command that was typed.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Packages that are there stay at their versions.
    Install,
    /// They are brought to the newest; these keys of daemon.json are asked for now.
    Upgrade { set: Map<String, Value> },
}

/// What was typed.
pub struct Asked<'a> {
    pub global: &'a Global,
    pub network: &'a NetworkArgs,
    pub command: Command,
}

/// Everything that a plan is made from.
struct Prepared {
    desired: Desired,
    facts: Facts,
    receipt: Option<Receipt>,
    offer: Offer,
    fingerprint: Fingerprint,
    images: Vec<(PathBuf, Digest)>,
    staging: String,
    /// The proxies that the package manager goes through.
    proxies: Proxies,
}

/// Installs packages, or brings them to other versions.
pub fn change(
    asked: &Asked<'_>,
    desired: Desired,
    confirm_within: Option<Duration>,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let confirm_within = confirm_within.or(configured(&desired, host));
    let name = match &asked.command {
        Command::Install => "install",
        Command::Upgrade { .. } => "upgrade",
    };
    changing(host, output, name, confirm_within, |run, session, _| {
        let prepared = prepare(asked, desired, host, output)?;
        let plan = make_plan(output, &prepared)?;
        if plan.is_empty() {
            output.result(progress::NOTHING_TO_DO, &json!({"event": "done", "changed": false}));
            return Ok(exit::DONE);
        }
        output.plan(&plan, false);
        super::confirm(asked.global, host, output, progress::APPLY_QUESTION)?;
        carry_out(run, prepared, plan, session, output)
    })
}

/// `landfall plan --online`: everything but the changes.
pub fn plan(
    global: &Global,
    options: &InstallArgs,
    args: &PlanArgs,
    desired: Desired,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    if args.out.is_some() {
        return Err(Failure::new(exit::USAGE, texts::NO_PLAN_FILE));
    }
    if args.facts.is_some() {
        return Err(Failure::new(exit::USAGE, texts::NO_PROBE));
    }
    let asked = Asked { global, network: &options.network, command: Command::Install };
    let prepared = prepare(&asked, desired, host, output)?;
    let plan = make_plan(output, &prepared)?;
    output.plan(&plan, true);
    output.line(&format!("\n{}", progress::DRY_RUN));
    let changes = !plan.is_empty();
    Ok(if args.detailed_exitcode && changes { exit::CHANGES } else { exit::DONE })
}

fn prepare(
    asked: &Asked<'_>,
    mut desired: Desired,
    host: &Host,
    output: &Output,
) -> Result<Prepared, Failure> {
    let command = &asked.command;
    let Some(online) = desired.source.online.clone() else {
        return Err(Failure::new(exit::USAGE, texts::NEEDS_LIVE));
    };
    if !host.is_live() || !host.is_booted_with_systemd() {
        return Err(Failure::new(exit::USAGE, texts::NEEDS_LIVE));
    }
    refuse_options(&desired)?;
    output.event(&Event::Phase { phase: Phase::Facts, bytes: None });
    let receipt = Receipt::load(host)?;
    let installed = receipt.as_ref().filter(|receipt| receipt.has_engine());
    if matches!(command, Command::Upgrade { .. }) && installed.is_none() {
        return Err(Failure::new(exit::USAGE, crate::texts::errors::NO_ENGINE)
            .hint(crate::texts::errors::INSTALL_FIRST));
    }
    if installed.is_some_and(|receipt| receipt.packages().is_none()) {
        return Err(Failure::new(exit::REFUSED, texts::OTHER_ENGINE).hint(texts::UNINSTALL_FIRST));
    }
    let facts = facts::gather(host, &plan::wanted_online(&desired))?;
    if let (Command::Upgrade { set }, Some(receipt)) = (command, &receipt) {
        keep_theirs(&facts, &mut desired, receipt, set.clone(), output)?;
    }
    let manager = facts.front_end().and_then(Manager::of);
    let apt = match manager {
        Some(Manager::Apt) => {
            let answer = host.run(&["apt-get", "--version"], Duration::from_secs(60))?;
            apt::parse_version(&answer.stdout)
        }
        _ => None,
    };
    let lock = match manager {
        Some(manager @ (Manager::Dnf | Manager::Yum)) if online.hold => {
            let argv = [manager.program(), "-q", "versionlock", "list"];
            Some(host.run(&argv, Duration::from_secs(120))?.code == Some(0))
        }
        _ => None,
    };
    let owned = receipt.as_ref().map(Receipt::paths).unwrap_or_default();
    let found = preflight::check(&desired, &facts, &owned, Expected::default());
    let (mut apply, deferred): (Vec<Finding>, Vec<Finding>) =
        found.into_iter().partition(online::applies);
    apply.extend(online::before(&facts, apt, lock));
    pass(output, &desired, &apply)?;
    let release =
        Release::of(&facts, apt).ok_or_else(|| Failure::new(exit::REFUSED, texts::OTHER_ENGINE))?;
    let pinned = online::pinned(release.manager);
    let fingerprint = online.fingerprint.or(pinned);
    let fingerprint =
        fingerprint.ok_or_else(|| Failure::new(exit::REFUSED, texts::OTHER_ENGINE))?;
    let standing = match command {
        Command::Install => receipt.as_ref().map(|receipt| as_it_is(host, receipt, &online)),
        Command::Upgrade { .. } => None,
    };
    let network = Network::gather(asked.global, asked.network, host)?;
    let offer = match standing.transpose()?.flatten() {
        Some(offer) => {
            // What it came from is asked again by the next upgrade.
            let before = receipt.as_ref().and_then(|receipt| receipt.desired.as_ref());
            if let Some(before) = before.and_then(|before| before.source.online.as_ref()) {
                let hold = online.hold || before.hold;
                desired.source.online = Some(Online { hold, ..before.clone() });
            }
            offer
        }
        None => look(host, output, &network, &release, &online, fingerprint)?,
    };
    desired.source.archive = PathBuf::from(format!("docker-{}.tgz", offer.version));
    let source = texts::source(&offer.site.to_string(), &offer.repository.source.path);
    output.line(&format!("{HEADING}Packages{HEADING:#} {source}"));
    let key = texts::key(&fingerprint.to_string(), Some(fingerprint) == pinned);
    output.line(&format!("{HEADING}Key{HEADING:#}      {key}"));
    let mut found = online::after(&facts, &offer, receipt.as_ref(), online.replace, &deferred);
    let before = receipt.as_ref().and_then(|receipt| receipt.version.as_deref());
    found.extend(preflight::check_upgrade(&desired, &facts, &owned, before));
    pass(output, &desired, &found)?;
    let images = hash_images(&desired.images)?;
    let staging = host.staging_dir(&desired.bin_dir)?.path().to_owned();
    let proxies = network.proxies;
    Ok(Prepared { desired, facts, receipt, offer, fingerprint, images, staging, proxies })
}

/// The packages decide where programs go, who may use them, and which units run them.
fn refuse_options(desired: &Desired) -> Result<(), Failure> {
    let other = [
        (desired.bin_dir != "/usr/bin", "--bin-dir"),
        (desired.group.name != "docker", "--group"),
        (desired.unit_style.is_some_and(|style| style != Topology::Modern), "--unit-style classic"),
    ];
    match other.iter().find(|(is_other, _)| *is_other) {
        Some((_, option)) => Err(Failure::new(exit::USAGE, texts::not_with_packages(option))),
        None => Ok(()),
    }
}

fn look(
    host: &Host,
    output: &Output,
    network: &Network,
    release: &Release,
    online: &Online,
    fingerprint: Fingerprint,
) -> Result<Offer, Failure> {
    let sites = sites(&online.mirrors, &release.key_path(), network, host, output)?;
    // Who asks stands beside the list.
    let with_login = |site: Site| {
        let login = online.logins.iter().find(|login| login.root() == site.root());
        login.cloned().unwrap_or(site)
    };
    let sites: Vec<Site> = sites.into_iter().map(with_login).collect();
    output.event(&Event::Phase { phase: Phase::Facts, bytes: None });
    let fetch = HostFetch { host, web: &network.web };
    let own = network.without_authorities(host)?;
    let without = own.as_ref().map(|web| HostFetch { host, web });
    let authority =
        without.as_ref().map(|without| Authority { certificates: &network.authorities, without });
    let proxies = &network.proxies;
    let looked = Look {
        host,
        release,
        sites: &sites,
        online,
        fingerprint,
        fetch: &fetch,
        authority,
        proxies,
    };
    Ok(online::look(&looked)?)
}

/// What an earlier run has installed, if that is still there and what is asked for: then no mirror
/// is asked at all.
fn as_it_is(host: &Host, receipt: &Receipt, online: &Online) -> Result<Option<Offer>, Failure> {
    let Some(step) = receipt.packages() else { return Ok(None) };
    let before = receipt.desired.as_ref().and_then(|desired| desired.source.online.as_ref());
    let same = before.is_some_and(|before| {
        (online.mirrors.is_empty() || online.mirrors == before.mirrors)
            && online.fingerprint == before.fingerprint
    });
    let names: Vec<&str> = step.packages.keys().map(String::as_str).collect();
    let now = Query::new(host, step.manager, &Proxies::default()).installed(&names)?;
    let mut logins = Vec::new();
    for site in &online.logins {
        logins.extend(online::login_files(step.manager, site)?);
    }
    let known = |login: &LoginFile| {
        receipt.entries.iter().any(|entry| {
            matches!(&entry.step, Step::CopyFile(step)
                if step.path == login.path && step.sha256 == login.sha256)
        })
    };
    let same = same && logins.iter().all(known);
    let offer = Offer::of_receipt(receipt, now);
    Ok(offer.filter(|offer| same && online::fits(&offer.version, online.version.as_deref())))
}

fn make_plan(output: &Output, prepared: &Prepared) -> Result<Plan, Failure> {
    let Prepared { desired, facts, receipt, offer, fingerprint, images, staging, .. } = prepared;
    let hold = desired.source.online.as_ref().is_some_and(|online| online.hold);
    let archive = Archive::of_programs(Vec::new());
    let inputs = Inputs {
        desired,
        facts,
        archive: &archive,
        version: Some(&offer.version),
        staging,
        images,
        receipt: receipt.as_ref(),
    };
    let plan = plan::online(&inputs, offer, *fingerprint, hold)?;
    let owned = receipt.as_ref().map(Receipt::paths).unwrap_or_default();
    let found = preflight::check_plan(desired, facts, &owned, &archive, &plan.steps);
    pass(output, desired, &found)?;
    Ok(plan)
}

fn carry_out(
    run: &Run<'_>,
    prepared: Prepared,
    plan: Plan,
    session: &mut Session<'_>,
    output: &Output,
) -> Result<u8, Failure> {
    let Prepared { desired, receipt, offer, images, proxies, .. } = prepared;
    let context = &Context { proxies, ..run.context(Purge::IfNew) };
    let Plan { steps, daemon, engine, topology, .. } = plan;
    let entries = apply(context, session.journal()?, steps)?;
    let mut receipt = receipt.unwrap_or_else(Receipt::without_engine);
    let mut known = receipt.images.clone();
    known.extend(images.iter().map(|(_, sha256)| *sha256));
    let installed = Installed {
        version: Some(offer.version.clone()),
        archive: Archive::of_programs(programs(run.host, &desired.bin_dir)?),
        topology,
        daemon,
        images: known,
        desired: Some(desired),
        moved: receipt.moved.clone(),
    };
    receipt.loaded.extend(context.loaded.take());
    receipt.add_run(session.run(), session.command(), &entries, Some(installed));
    keep(run, context, session, &entries, receipt)?;
    let text = match engine {
        EngineAction::Reload => progress::reloaded(false).to_owned(),
        _ => progress::running(Some(&offer.version)),
    };
    let object = json!({
        "event": "done", "changed": true, "version": offer.version, "engine": engine,
        "packages": offer.packages,
    });
    output.result(&text, &object);
    Ok(exit::DONE)
}

/// The programs that the packages brought.
fn programs(host: &Host, directory: &str) -> Result<Vec<crate::bundle::Entry>, Failure> {
    let mut entries = Vec::new();
    for name in program_names() {
        let path = format!("{directory}/{name}");
        let (Some(file), Some(state)) = (host.open_file(&path)?, host.stat(&path)?) else {
            continue;
        };
        // A wrapper of the distribution's is no program that could be read.
        if let Ok(entry) = read_program(name, state.mode & 0o777, file) {
            entries.push(entry);
        }
    }
    Ok(entries)
}

impl From<LookError> for Failure {
    fn from(error: LookError) -> Self {
        let exit = match &error {
            LookError::OtherKey(_) => exit::UNTRUSTED,
            _ => exit::FAILED,
        };
        let (details, hints) = (error.details(), error.hints());
        match error {
            LookError::Host(error) => error.into(),
            error => Self { details, hints, ..Self::new(exit, error.to_string()) },
        }
    }
}
