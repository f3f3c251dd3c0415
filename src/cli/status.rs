//! `landfall status`.

use std::path::Path;
use std::time::Duration;

use landfall_engine::{Client, EngineError, Info};
use serde_json::json;

use super::failure::{Failure, exit};
use super::output::{Output, utc};
use crate::apply::journal;
use crate::desired::SOCKET;
use crate::facts::{self, distribution};
use crate::host::Host;
use crate::receipt::Receipt;
use crate::report::{Event, Reporter};
use crate::texts::{progress, status as texts};

/// What is installed, and whether it runs.
pub fn status(host: &Host, output: &Output) -> Result<u8, Failure> {
    if let Some(cut) = journal::cut_run(host)? {
        let text = progress::cut(&cut.command, &utc(cut.since));
        output.event(&Event::Warning { text });
    }
    let Some(receipt) = Receipt::load(host)? else {
        output.result(progress::NOT_INSTALLED, &json!({"event": "status", "installed": false}));
        return Ok(exit::DONE);
    };
    if !receipt.has_engine() {
        output.result(
            progress::REPAIRED_ONLY,
            &json!({"event": "status", "installed": false, "repaired": true}),
        );
        return Ok(exit::DONE);
    }
    let mut lines = vec![texts::installed(
        receipt.version.as_deref(),
        &receipt.archive.sha256.to_string(),
        &utc(receipt.updated),
        &receipt.landfall,
    )];
    let os = facts::distribution_of(host)?;
    lines.push(texts::host(&progress::distribution(&os)));
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
            "archive": receipt.archive.sha256, "updated": receipt.updated,
            "landfall": receipt.landfall, "unit_style": receipt.topology.name(),
            "distribution": os.shown(), "standing": distribution::standing(&os),
            "units": units, "engine": engine,
        }),
    );
    Ok(exit::DONE)
}

fn ask_engine(host: &Host) -> Result<Info, EngineError> {
    host.block_on(async {
        let client = Client::connect(Path::new(SOCKET), Duration::from_secs(10)).await?;
        client.info().await
    })
}
