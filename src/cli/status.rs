//! `landfall status`.

use std::path::Path;
use std::time::Duration;

use landfall_engine::{Client, EngineError, Info};
use serde_json::json;

use super::failure::{Failure, exit};
use super::output::{Output, utc};
use crate::desired::SOCKET;
use crate::facts::{self, distribution};
use crate::host::Host;
use crate::receipt::Receipt;
use crate::report::{Event, Reporter};
use crate::run_state::{Question, RunState};
use crate::texts::{online, progress, status as texts, verify};

/// What is installed, and whether it runs.
pub fn status(host: &Host, output: &Output) -> Result<u8, Failure> {
    let run = running(host, output);
    let run_lines = run.iter().flat_map(|run| texts::run(run, &utc(run.since)));
    let Some(receipt) = Receipt::load(host)? else {
        let text = if run.is_some() { texts::NOT_YET } else { progress::NOT_INSTALLED };
        let lines: Vec<String> = run_lines.chain([text.to_owned()]).collect();
        let object = json!({"event": "status", "installed": false, "run": run});
        output.result(&lines.join("\n"), &object);
        return Ok(exit::DONE);
    };
    let mut lines: Vec<String> = run_lines.collect();
    if !receipt.has_engine() {
        lines.push(progress::REPAIRED_ONLY.to_owned());
        output.result(
            &lines.join("\n"),
            &json!({"event": "status", "installed": false, "repaired": true, "run": run}),
        );
        return Ok(exit::DONE);
    }
    let archive = (!receipt.has_no_archive()).then(|| receipt.archive.sha256.to_string());
    lines.push(texts::installed(
        receipt.version.as_deref(),
        archive.as_deref(),
        &utc(receipt.updated),
        &receipt.landfall,
    ));
    if let Some(adoption) = &receipt.adopted {
        lines.push(texts::adopted(adoption.version.as_deref(), &adoption.packages));
    }
    if let Some(step) = receipt.packages() {
        let versions = step.packages.iter().map(|(name, version)| format!("{name} {version}"));
        let versions: Vec<String> = versions.collect();
        lines.pop();
        lines.push(online::installed(
            receipt.version.as_deref(),
            &receipt.landfall,
            &utc(receipt.updated),
        ));
        lines.push(online::packages(step.manager.program(), &versions));
    }
    let os = facts::distribution_of(host)?;
    lines.push(texts::host(&progress::distribution(&os)));
    let mut drift = None;
    if run.is_none() {
        let differences = super::verify::now(host, &receipt)?.differences.len();
        lines.push(verify::status(differences));
        drift = Some(differences);
    }
    let mut units = serde_json::Map::new();
    let mut engine = serde_json::Value::Null;
    if host.is_booted_with_systemd() {
        for unit in receipt.topology.units() {
            let state = host.unit_state(unit)?;
            lines.push(texts::unit(unit, &state.active, &state.sub));
            units.insert((*unit).to_owned(), json!(state));
        }
        let answer = ask_engine(host);
        lines.push(match &answer {
            Ok(info) => texts::engine(
                &info.server_version,
                info.images,
                info.containers.running,
                info.containers.total,
            ),
            Err(error) => texts::no_engine(&error.to_string()),
        });
        engine = match answer {
            Ok(info) => json!({
                "version": info.server_version, "images": info.images,
                "containers_running": info.containers.running,
                "containers": info.containers.total,
            }),
            Err(error) => json!({"error": error.to_string()}),
        };
    }
    output.result(
        &lines.join("\n"),
        &json!({
            "event": "status", "installed": true, "version": receipt.version,
            "archive": archive, "packages": receipt.packages().map(|step| &step.packages),
            "adopted": receipt.adopted.is_some(), "updated": receipt.updated,
            "landfall": receipt.landfall, "unit_style": receipt.topology.name(),
            "distribution": os.shown(), "standing": distribution::standing(&os),
            "units": units, "engine": engine, "drift": drift, "run": run,
        }),
    );
    Ok(exit::DONE)
}

/// The run that goes on, if there is one.
pub fn running(host: &Host, output: &Output) -> Option<RunState> {
    match host.ask_run(Question::State) {
        Ok(answer) => answer.map(|answer| answer.run),
        // Without root the receipt cannot be read either, and that says so.
        Err(error) if error.is_permission_denied() => None,
        Err(error) => {
            output.event(&Event::Warning { text: progress::run_silent(&error.to_string()) });
            None
        }
    }
}

fn ask_engine(host: &Host) -> Result<Info, EngineError> {
    host.block_on(async {
        let client = Client::connect(Path::new(SOCKET), Duration::from_secs(10)).await?;
        client.info().await
    })
}
