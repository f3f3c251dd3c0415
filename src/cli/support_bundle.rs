//! `landfall support-bundle`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::args::{Global, InstallArgs};
use super::doctor;
use super::failure::{Failure, exit};
use super::output::{Output, finding_json, utc};
use super::probe;
use super::show_plan::megabytes;
use crate::facts::identity;
use crate::host::{Host, clock, output as output_file};
use crate::support_bundle::{Collection, Keep, Limits, collect, pack};
use crate::texts::{errors, support_bundle as texts};

/// `landfall support-bundle`.
pub fn support_bundle(
    global: &Global,
    out: Option<&Path>,
    hours: u32,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let now = clock::now();
    let identity = identity::gather(host).unwrap_or_default();
    let limits = Limits { hours, ..Limits::default() };
    let mut collection = Collection::new(host, identity, utc(now), limits);
    facts_and_findings(global, host, &mut collection);
    collect(&mut collection);
    let name = bundle_name(&collection.manifest.host.name, &collection.manifest.made);
    let (packed, files, left_out) = packed(collection, &name, now)?;
    let path = out.map_or_else(|| PathBuf::from(format!("{name}.tgz")), Path::to_owned);
    output_file::write_private(&path, &packed)
        .map_err(|error| Failure::new(exit::USAGE, error.to_string()))?;
    let shown = path.to_string_lossy();
    let size = megabytes(packed.len() as u64);
    output.result(
        &texts::written(&shown, &size, files, left_out),
        &json!({
            "event": "support_bundle", "path": shown, "bytes": packed.len(),
            "files": files, "left_out": left_out,
        }),
    );
    Ok(exit::DONE)
}

/// The probe, and what doctor finds. A host in any state has some of it.
fn facts_and_findings(global: &Global, host: &Host, collection: &mut Collection<'_>) {
    let probed = probe::wanted(global, &InstallArgs::default(), host)
        .and_then(|desired| probe::look(host, &desired))
        .map_err(|failure| failure.message)
        .and_then(|(probe, _)| probe.to_text().map_err(|error| error.to_string()));
    match probed {
        Ok(text) => collection.add("probe.json", texts::PROBE, "", &text, Keep::Start),
        Err(why) => collection.leave_out("probe.json", why),
    }
    match doctor::findings(host) {
        Ok(found) => {
            let lines: String =
                found.iter().map(|finding| format!("{}\n", finding_json(finding))).collect();
            collection.add("findings.jsonl", texts::FINDINGS, "", &lines, Keep::Start);
        }
        Err(failure) => collection.leave_out("findings.jsonl", failure.message),
    }
}

fn packed(
    collection: Collection<'_>,
    name: &str,
    now: u64,
) -> Result<(Vec<u8>, usize, usize), Failure> {
    let fail = |error: String| Failure::new(exit::FAILED, errors::could_not(texts::PACK, &error));
    let Collection { texts: mut contents, manifest, .. } = collection;
    let (files, left_out) = (manifest.files.len(), manifest.left_out.len());
    let manifest: Value = serde_json::to_value(manifest).map_err(|e| fail(e.to_string()))?;
    contents.insert(0, ("manifest.json".to_owned(), format!("{manifest:#}\n")));
    let packed = pack(name, now, &contents).map_err(|error| fail(error.to_string()))?;
    Ok((packed, files + 1, left_out))
}

/// `landfall-support-web1-20261124T063000Z`.
fn bundle_name(host: &str, made: &str) -> String {
    let plain = |text: &str, also: &str| -> String {
        text.chars().filter(|c| c.is_ascii_alphanumeric() || also.contains(*c)).collect()
    };
    format!("landfall-support-{}-{}", plain(host, "-_"), plain(made, ""))
}
