//! `landfall doctor`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, json};

use super::args::{DoctorArgs, Global};
use super::failure::{Failure, exit};
use super::install::{changing, keep};
use super::output::{Output, utc};
use super::prepare::usual;
use super::run::Run;
use crate::apply::{Session, apply};
use crate::doctor::{self, repair};
use crate::facts::doctor::DoctorFacts;
use crate::facts::{self, Facts};
use crate::host::{Host, HostError};
use crate::installed::Installed;
use crate::plan::{self, EngineAction, Plan};
use crate::preflight::{Code, Finding, ParseCodeError, Severity};
use crate::receipt::{RECEIPT, Receipt};
use crate::render::diff::diff;
use crate::report::{Event, Reporter};
use crate::steps::{Purge, Step};
use crate::texts::{doctor as texts, errors, findings, status};
use crate::topology::Topology;

/// Looks at everything; changes nothing, unless asked to repair.
pub fn doctor(
    global: &Global,
    args: &DoctorArgs,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    if let Some(code) = args.code.as_deref().or(args.explain.as_deref()) {
        return explain(code, output);
    }
    if args.fix {
        return fix(global, host, output);
    }
    let seen = examine(host)?;
    let code = tell(output, &seen);
    if seen.findings.iter().any(repair::can_repair) {
        output.line(texts::CAN_REPAIR);
    }
    Ok(code)
}

/// Prints a run that goes on, all findings and how many there are; the exit code.
fn tell(output: &Output, seen: &Seen) -> u8 {
    if let Some(run) = &seen.closer.landfall.running {
        let text = texts::going_on(&status::run(run, &utc(run.since)).join("; "));
        output.event(&Event::Warning { text });
    }
    let findings = &seen.findings;
    output.diagnosis(findings);
    let count = |severity| findings.iter().filter(|found| found.severity == severity).count();
    let errors = count(Severity::Error);
    let (warnings, notes) = (count(Severity::Warning), count(Severity::Note));
    output.result(
        &texts::summary(errors, warnings, notes),
        &json!({"event": "diagnosis", "errors": errors, "warnings": warnings, "notes": notes}),
    );
    if errors == 0 { exit::DONE } else { exit::UNSOUND }
}

/// What was seen, and what is to be said about it.
struct Seen {
    facts: Facts,
    closer: DoctorFacts,
    findings: Vec<Finding>,
}

/// What there is to say about a host.
pub(super) fn findings(host: &Host) -> Result<Vec<Finding>, Failure> {
    Ok(examine(host)?.findings)
}

fn examine(host: &Host) -> Result<Seen, Failure> {
    let mut desired = usual()?;
    let mut unseen = Vec::new();
    let receipt = Receipt::load(host).unwrap_or_else(|error| {
        unseen.push(texts::unreadable(RECEIPT, &error.to_string()));
        None
    });
    let installed = receipt.as_ref().and_then(Installed::of);
    if let Some(installed) = &installed {
        installed.asked_by(&mut desired);
    }
    let (facts, denied) = facts::gather_visible(host, &plan::wanted(&desired))?;
    let shown = |error: &HostError| error.place().map_or_else(|| error.to_string(), str::to_owned);
    unseen.extend(denied.iter().map(shown));
    let mut closer = facts::doctor::gather(host, &facts, &desired, receipt.as_ref());
    closer.unseen.splice(0..0, unseen);
    once_each(&mut closer.unseen);
    // The engine that is there, as it is configured now, is what the host is compared with.
    if installed.is_none_or(|installed| installed.version.is_none())
        && let Some(version) = closer.versions.get("dockerd")
    {
        desired.source.archive = PathBuf::from(format!("docker-{version}.tgz"));
    }
    if facts.daemon_json().is_some_and(|json| json.get("data-root").is_some()) {
        desired.daemon.remove("data-root");
    }
    let owned = receipt.map(|receipt| receipt.paths()).unwrap_or_default();
    let findings = doctor::examine(&desired, &facts, &closer, &owned);
    Ok(Seen { facts, closer, findings })
}

fn once_each(texts: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
}

/// Repairs what is safe: as a plan, journal first, and with a receipt.
fn fix(global: &Global, host: &Host, output: &Output) -> Result<u8, Failure> {
    if !host.is_live() {
        return Err(Failure::new(exit::USAGE, texts::FIX_NEEDS_LIVE));
    }
    if host.uid() != 0 {
        return Err(Failure::new(exit::REFUSED, errors::NOT_ROOT).hint(errors::USE_SUDO));
    }
    let mut repaired = false;
    let code = changing(host, output, "doctor", None, |run, session, _| {
        fix_run(global, run, output, session, &mut repaired)
    })?;
    if !repaired {
        return Ok(code);
    }
    output.line(texts::WHAT_IS_LEFT);
    let code = tell(output, &examine(host)?);
    output.result(texts::REPAIRED, &json!({"event": "done", "changed": true}));
    Ok(code)
}

/// The exit code is that of what was found; `repaired` is set once there is something to look at
/// again.
fn fix_run(
    global: &Global,
    run: &Run<'_>,
    output: &Output,
    session: &mut Session<'_>,
    repaired: &mut bool,
) -> Result<u8, Failure> {
    let context = &run.context(Purge::IfNew);
    let seen = examine(context.host)?;
    let code = tell(output, &seen);
    let steps = repair::plan(&seen.facts, &seen.closer, &seen.findings);
    if steps.is_empty() {
        output.result(texts::NOTHING_TO_REPAIR, &json!({"event": "done", "changed": false}));
        return Ok(code);
    }
    output.plan(&shown(&steps), false);
    super::confirm(global, run.host, output, texts::QUESTION)?;
    let mut receipt = Receipt::load(context.host)?.unwrap_or_else(Receipt::without_engine);
    let entries = apply(context, session.journal()?, steps)?;
    receipt.add_run(session.run(), session.command(), &entries, None);
    keep(run, context, session, &entries, receipt)?;
    *repaired = true;
    Ok(code)
}

/// The repairs as a plan, which is what is shown.
fn shown(steps: &[Step]) -> Plan {
    let changes = steps.iter().filter_map(|step| match step {
        Step::WriteFile(file) => Some(plan::Change {
            path: file.path.clone(),
            kind: plan::ChangeKind::Text { exists: false, diff: diff("", &file.text) },
        }),
        _ => None,
    });
    Plan {
        schema: plan::SCHEMA,
        version: None,
        topology: Topology::default(),
        changes: changes.collect(),
        steps: steps.to_vec(),
        engine: EngineAction::None,
        stopping: Vec::new(),
        ending: Vec::new(),
        settings: Vec::new(),
        daemon: Map::new(),
    }
}

/// The page about a code.
fn explain(code: &str, output: &Output) -> Result<u8, Failure> {
    let code: Code = code.parse().map_err(|error: ParseCodeError| {
        Failure::new(exit::USAGE, error.to_string()).hint(texts::ALL_CODES)
    })?;
    let page = findings::page(code);
    output.result(
        &texts::page(code, &page),
        &json!({
            "event": "explanation", "code": code, "title": page.title, "why": page.why,
            "check": page.check, "fix": page.fix,
        }),
    );
    Ok(exit::DONE)
}
