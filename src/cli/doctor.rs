//! `landfall doctor`.

use std::path::PathBuf;

use serde_json::{Map, json};

use super::args::{DoctorArgs, Global};
use super::failure::{Failure, exit};
use super::install::{changing, keep};
use super::output::Output;
use super::run::Run;
use crate::apply::{Session, apply};
use crate::config::{self, Options};
use crate::desired::Desired;
use crate::doctor::{self, repair};
use crate::facts::doctor::DoctorFacts;
use crate::facts::{self, Facts};
use crate::host::Host;
use crate::plan::{self, EngineAction, Plan};
use crate::preflight::{Code, Finding, ParseCodeError, Severity};
use crate::receipt::{RECEIPT, Receipt};
use crate::render::diff::diff;
use crate::steps::{Purge, Step};
use crate::texts::{doctor as texts, errors, findings};
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
    let code = tell(output, &seen.findings);
    if seen.findings.iter().any(|finding| repair::can_repair(finding.code)) {
        output.line(texts::CAN_REPAIR);
    }
    Ok(code)
}

/// Prints all findings and how many there are; the exit code.
fn tell(output: &Output, findings: &[Finding]) -> u8 {
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
    let scope = facts::doctor::scope(host, &desired);
    let mut unseen = scope.unseen;
    let receipt = Receipt::load(host).unwrap_or_else(|error| {
        unseen.push(texts::unreadable(RECEIPT, &error.to_string()));
        None
    });
    let facts = facts::gather(host, &scope.wanted)?;
    let mut closer = facts::doctor::gather(host, &facts, receipt.as_ref());
    closer.unseen.splice(0..0, unseen);
    let version = receipt.as_ref().and_then(|receipt| receipt.version.clone());
    if let Some(version) = version.or_else(|| closer.versions.get("dockerd").cloned()) {
        // The engine that is there is the one whose needs are compared with the host.
        desired.source.archive = PathBuf::from(format!("docker-{version}.tgz"));
    }
    if let Some(receipt) = receipt.as_ref().filter(|receipt| receipt.has_engine()) {
        desired.unit_style = Some(receipt.topology);
    }
    let owned = receipt.map(|receipt| receipt.paths()).unwrap_or_default();
    let findings = doctor::examine(&desired, &facts, &closer, &owned);
    Ok(Seen { facts, closer, findings })
}

/// What an installation without options would want.
fn usual() -> Result<Desired, Failure> {
    // No archive has to be there: its name alone would count, and it has none.
    let options = Options { archive: Some(PathBuf::new()), ..Options::default() };
    Ok(config::desired(&options, None)?)
}

/// Repairs what is safe: as a plan, journal first, and with a receipt.
fn fix(global: &Global, host: &Host, output: &Output) -> Result<u8, Failure> {
    if !host.is_live() {
        return Err(Failure::new(exit::USAGE, texts::FIX_NEEDS_LIVE));
    }
    if host.uid() != 0 {
        return Err(Failure::new(exit::REFUSED, errors::NOT_ROOT).hint(errors::USE_SUDO));
    }
    changing(host, output, "doctor", None, |run, session| fix_run(global, run, output, session))
}

fn fix_run(
    global: &Global,
    run: &Run<'_>,
    output: &Output,
    session: &mut Session<'_>,
) -> Result<u8, Failure> {
    let context = &run.context(Purge::IfNew);
    let seen = examine(context.host)?;
    let code = tell(output, &seen.findings);
    let steps = repair::plan(&seen.facts, &seen.closer, &seen.findings);
    if steps.is_empty() {
        output.result(texts::NOTHING_TO_REPAIR, &json!({"event": "done", "changed": false}));
        return Ok(code);
    }
    output.plan(&shown(&steps), false);
    super::confirm(global, run.host, output, texts::QUESTION)?;
    let mut receipt = Receipt::load(context.host)?.unwrap_or_else(Receipt::without_engine);
    let entries = apply(context, session.journal()?, steps)?;
    session.run().clone_into(&mut receipt.run);
    keep(run, context, session, &entries, receipt)?;
    output.result(texts::REPAIRED, &json!({"event": "done", "changed": true}));
    Ok(exit::DONE)
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
