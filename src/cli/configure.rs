//! `landfall configure`.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::args::{ConfigureArgs, Global};
use super::failure::{Failure, exit};
use super::install::{changing, keep, usual_within};
use super::output::Output;
use super::prepare::{Config, asked, desired_by, installed_engine, pass};
use super::run::Run;
use super::validate::validate;
use crate::apply::{Session, apply};
use crate::bundle::Archive;
use crate::config::Options;
use crate::desired::{DAEMON_JSON, Desired, ProxyWanted};
use crate::facts::{self, Facts};
use crate::host::Host;
use crate::plan::{self, EngineAction, Inputs, Plan};
use crate::preflight;
use crate::receipt::{Installed, Receipt};
use crate::registry::files::{self, RegistryFiles};
use crate::render::daemon_edit::{self, Edits, Standing};
use crate::render::daemon_json::{self, DaemonJsonError};
use crate::render::daemon_options::{self, OptionType};
use crate::render::json_document::Document;
use crate::render::json_repair;
use crate::render::proxy;
use crate::report::{Event, Phase, Reporter};
use crate::steps::Purge;
use crate::texts::{configure as texts, progress};

/// Changes keys of daemon.json, and brings the engine in line.
pub fn configure(
    global: &Global,
    args: &ConfigureArgs,
    within: Option<Duration>,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let options = Options {
        // Its name alone would count.
        archive: Some(PathBuf::new()),
        ignore: args.ignore.clone(),
        ..args.daemon.options()
    };
    let wanted = asked(global, &options, Config::IfNamed)?;
    let edits = edits(args, wanted.daemon)?;
    let asked =
        Asked { edits, registries: wanted.registries, proxy: wanted.proxy, ignore: wanted.ignore };
    let is_nothing =
        asked.edits == Edits::default() && asked.registries.is_empty() && asked.proxy.is_none();
    if is_nothing && !args.repair {
        return Err(Failure::new(exit::USAGE, texts::NOTHING_ASKED).hint(texts::ASK));
    }
    if args.dry_run {
        let Change { plan, .. } = look(args, &asked, host, output)?;
        output.plan(&plan, true);
        output.line(&format!("\n{}", progress::DRY_RUN));
        return Ok(exit::DONE);
    }
    super::require_root(host)?;
    let within = within.or_else(|| usual_within(host));
    changing(host, output, "configure", within, |run, session, _| {
        let change = look(args, &asked, host, output)?;
        carry_out(global, run, session, change, output)
    })
}

/// What the arguments ask for. `set` are the keys that have these values by flag or by file.
fn edits(args: &ConfigureArgs, mut set: Map<String, Value>) -> Result<Edits, Failure> {
    // The two flags for logs leave other options of logs alone.
    let has_log_flag = args.daemon.log_max_size.is_some() || args.daemon.log_max_file.is_some();
    let log_options = if has_log_flag { set.remove_entry("log-opts") } else { None };
    let elements = |flag: &'static str, arguments: &[String]| {
        arguments.iter().map(|argument| element(flag, argument)).collect::<Result<Vec<_>, _>>()
    };
    let add = elements("--add", &args.add)?;
    for (key, value) in &add {
        daemon_json::validate_key(key, &Value::Array(vec![value.clone()]), None)
            .map_err(|problem| invalid("--add", &problem))?;
    }
    let remove = elements("--remove", &args.remove)?;
    for key in &args.unset {
        if daemon_options::find(key).is_none() && daemon_options::nearest(key).is_some() {
            let nearest = daemon_options::nearest(key);
            let problem = DaemonJsonError::UnknownKey { key: key.clone(), nearest };
            return Err(invalid("--unset", &problem));
        }
    }
    let extend = log_options.into_iter().collect();
    Ok(Edits { set, extend, unset: args.unset.clone(), add, remove })
}

/// `KEY=VALUE`; the elements of most lists are strings.
fn element(flag: &'static str, argument: &str) -> Result<(String, Value), Failure> {
    let usage = |text| Failure::new(exit::USAGE, text).hint(texts::ELEMENT_FORM);
    let no_element = || texts::no_element(flag, argument);
    let (key, value) = argument.split_once('=').ok_or_else(|| usage(no_element()))?;
    if key.is_empty() || value.is_empty() {
        return Err(usage(no_element()));
    }
    let is_object = daemon_options::find(key).is_some_and(|it| it.kind == OptionType::Pools);
    let value = match is_object {
        true => serde_json::from_str(value)
            .map_err(|error| usage(format!("{}: {error}", no_element())))?,
        false => value.into(),
    };
    Ok((key.to_owned(), value))
}

fn invalid(flag: &str, problem: &DaemonJsonError) -> Failure {
    Failure::new(exit::USAGE, format!("{flag}: {problem}")).hint(problem.hint())
}

/// What is asked for.
struct Asked {
    /// Of daemon.json.
    edits: Edits,
    /// Of certificates.
    registries: Vec<RegistryFiles>,
    /// Of the proxy.
    proxy: Option<ProxyWanted>,
    /// Codes that shall not stop it.
    ignore: Vec<String>,
}

/// What shall be done.
struct Change {
    receipt: Receipt,
    desired: Desired,
    plan: Plan,
}

fn look(
    args: &ConfigureArgs,
    asked: &Asked,
    host: &Host,
    output: &Output,
) -> Result<Change, Failure> {
    let receipt = installed_engine(host, texts::ADOPT_FIRST)?;
    let mut earlier = desired_by(&receipt)?;
    // What is not asked for stays as it is, also where a person changed it since.
    let (registries, kept) = (asked.registries.clone(), std::mem::take(&mut earlier.registries));
    let (mut edits, asked_proxy) = (asked.edits.clone(), asked.proxy.as_ref());
    let mut proxy = None;
    if proxy::is_key(receipt.version.as_deref()) {
        proxy_as_key(&mut edits, asked_proxy, &mut earlier);
    } else {
        proxy = asked_proxy.map(|now| proxy_over(now, earlier.proxy.as_ref()));
    }
    let kept_proxy = earlier.proxy.take();
    let ignore = asked.ignore.clone();
    let mut desired = Desired { ignore, registries, proxy, images: Vec::new(), ..earlier };
    desired.unit_style = Some(receipt.topology);
    output.event(&Event::Phase { phase: Phase::Facts, bytes: None });
    let facts = facts::gather(host, &plan::wanted(&desired))?;

    let text = facts.files.get(DAEMON_JSON).and_then(|file| file.text.as_deref());
    let repaired = repaired(text, args.repair)?;
    let document = repaired.as_deref().or(text).map(Document::parse).transpose();
    // It could be read a moment ago.
    let document = document.map_err(|error| broken(&error.into()))?;
    let standing = Standing {
        now: document.as_ref().map(Document::value),
        owned: &receipt.daemon,
        asked: &desired.daemon,
    };
    let edited =
        daemon_edit::edit(standing, &edits).map_err(|problem| invalid(DAEMON_JSON, &problem))?;
    edited.kept.iter().for_each(|path| output.line(&texts::kept(path)));
    settle(args.force, &edited.conflicts, host, output)?;

    desired.daemon = edited.wanted;
    check_version(&desired, &receipt)?;
    let owned = receipt.paths();
    let gone = edited.previous.keys().map(String::as_str);
    let gone = gone.filter(|key| !desired.daemon.contains_key(*key)).collect();
    pass(output, &desired, &preflight::check_settings(&desired, &facts, &owned, &gone))?;
    let plan = plan(&desired, &facts, &receipt, edited.previous, repaired.as_deref(), host)?;
    // Programs stay as they are, whoever owns them.
    let none = Archive::of_programs(Vec::new());
    let found = preflight::check_plan(&desired, &facts, &owned, &none, &plan.steps);
    pass(output, &desired, &found)?;
    validate(&plan, &desired, &facts, host, output)?;
    files::keep(&mut desired.registries, Some(&kept));
    desired.proxy = desired.proxy.or(kept_proxy);
    Ok(Change { receipt, desired, plan })
}

/// Where the engine has its proxy in daemon.json, it is a key like any other.
fn proxy_as_key(edits: &mut Edits, asked: Option<&ProxyWanted>, earlier: &mut Desired) {
    if let Some(value) = earlier.proxy.take().as_ref().and_then(proxy::key) {
        earlier.daemon.entry(proxy::KEY).or_insert(value);
    }
    let Some(asked) = asked else { return };
    let before = earlier.daemon.get(proxy::KEY).map(proxy::of_key);
    match proxy::key(&proxy_over(asked, before.as_ref())) {
        Some(value) => {
            edits.set.insert(proxy::KEY.to_owned(), value);
        }
        None => edits.unset.push(proxy::KEY.to_owned()),
    }
}

/// What is asked for now, value by value, over what was asked for before.
fn proxy_over(now: &ProxyWanted, earlier: Option<&ProxyWanted>) -> ProxyWanted {
    let Some(earlier) = earlier else { return now.clone() };
    ProxyWanted {
        http: now.http.clone().or_else(|| earlier.http.clone()),
        https: now.https.clone().or_else(|| earlier.https.clone()),
        no: now.no.clone().or_else(|| earlier.no.clone()),
    }
}

fn plan(
    desired: &Desired,
    facts: &Facts,
    receipt: &Receipt,
    previous: Map<String, Value>,
    repaired: Option<&str>,
    host: &Host,
) -> Result<Plan, Failure> {
    let before = Receipt { daemon: previous, ..receipt.clone() };
    let directory = host.staging_dir(&desired.bin_dir)?;
    let inputs = Inputs {
        desired,
        facts,
        archive: &receipt.archive,
        // Packages may have been updated since.
        version: receipt.version.as_deref().filter(|_| !receipt.is_packaged()),
        // The boot's guard may lie there.
        staging: directory.path(),
        images: &[],
        receipt: Some(&before),
    };
    Ok(plan::configure(&inputs, repaired)?)
}

/// The text that stands for a daemon.json that is no JSON; `None` if it is.
fn repaired(text: Option<&str>, may_repair: bool) -> Result<Option<String>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let Err(error) = Document::parse(text) else { return Ok(None) };
    match json_repair::repaired(text) {
        Ok(json) if may_repair => Ok(Some(json)),
        Ok(_) => Err(broken(&error.into()).hint(texts::REPAIR_HINT)),
        Err(left) => Err(broken(&left.into())),
    }
}

fn broken(error: &DaemonJsonError) -> Failure {
    let failure = Failure::new(exit::USAGE, format!("{DAEMON_JSON}, {error}"));
    failure.hint(error.hint())
}

/// What somebody else set is replaced only by choice.
fn settle(
    force: bool,
    conflicts: &[daemon_edit::Conflict],
    host: &Host,
    output: &Output,
) -> Result<(), Failure> {
    if conflicts.is_empty() || force {
        return Ok(());
    }
    let details: Vec<String> = conflicts.iter().flat_map(texts::conflict).collect();
    let mut failure = Failure::new(exit::REFUSED, texts::CONFLICT).hint(texts::CONFLICT_HINT);
    if output.can_ask() {
        output.line(&format!("{}:", texts::CONFLICT));
        details.iter().for_each(|line| output.line(&format!("  {line}")));
        if output.ask(host, texts::CONFLICT_QUESTION)? == Some(true) {
            return Ok(());
        }
    } else {
        failure.details = details;
    }
    Err(failure)
}

/// A key that this engine does not know would keep it from starting.
fn check_version(desired: &Desired, receipt: &Receipt) -> Result<(), Failure> {
    let Some(version) = receipt.version.as_deref() else { return Ok(()) };
    for key in desired.daemon.keys() {
        daemon_json::check_version(key, version)
            .map_err(|problem| invalid(DAEMON_JSON, &problem))?;
    }
    Ok(())
}

fn carry_out(
    global: &Global,
    run: &Run<'_>,
    session: &mut Session<'_>,
    change: Change,
    output: &Output,
) -> Result<u8, Failure> {
    let Change { mut receipt, desired, plan } = change;
    if plan.is_empty() {
        output.result(progress::NOTHING_TO_DO, &json!({"event": "done", "changed": false}));
        return Ok(exit::DONE);
    }
    output.plan(&plan, false);
    super::confirm(global, run.host, output, progress::APPLY_QUESTION)?;
    let context = run.context(Purge::Keep);
    let Plan { steps, daemon, engine, .. } = plan;
    let entries = apply(&context, session.journal()?, steps)?;
    let now = Installed { daemon, desired: Some(desired), ..receipt.installed() };
    receipt.add_run(session.run(), session.command(), &entries, Some(now));
    let version = receipt.version.clone();
    keep(run, &context, session, &entries, receipt)?;
    let text = match engine {
        EngineAction::Image => progress::IMAGE_DONE.to_owned(),
        EngineAction::Restart => progress::reloaded(true).to_owned(),
        EngineAction::Reload => progress::reloaded(false).to_owned(),
        EngineAction::None => texts::CERTIFICATES_IN_FORCE.to_owned(),
        EngineAction::Start | EngineAction::Containerd => progress::running(version.as_deref()),
    };
    output.result(&text, &json!({"event": "done", "changed": true, "engine": engine}));
    Ok(exit::DONE)
}
