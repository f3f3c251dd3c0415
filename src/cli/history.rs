//! `landfall history`.

use serde_json::json;

use super::failure::{Failure, exit};
use super::output::{Output, utc};
use crate::apply::journal;
use crate::host::Host;
use crate::receipt::{Receipt, RunRecord};
use crate::texts::rollback as texts;

/// Lists the runs that the journal knows, oldest first.
pub fn history(host: &Host, output: &Output) -> Result<u8, Failure> {
    let receipt = Receipt::load(host)?;
    let current = receipt.as_ref().map(|receipt| receipt.run.clone());
    let can_be_taken_back = |run: &str| {
        // Behind the first there is nothing to go back to.
        let behind = |record: &&RunRecord| record.before.is_some();
        receipt
            .iter()
            .flat_map(|receipt| receipt.runs.iter().filter(behind))
            .any(|it| it.run == run)
    };
    let mut lines = Vec::new();
    for run in journal::runs(host)? {
        let is_current = current.as_deref() == Some(run.run.as_str());
        let back = can_be_taken_back(&run.run);
        if output.is_json() {
            output.result(
                "",
                &json!({
                    "event": "run", "run": run.run, "command": run.command, "began": run.began,
                    "outcome": run.outcome, "version": run.version, "current": is_current,
                    "can_be_taken_back": back,
                }),
            );
        }
        let version = run.version.as_deref();
        lines.push(texts::run(&utc(run.began), &run.command, run.outcome, version, back));
    }
    if !output.is_json() {
        let text = if lines.is_empty() { texts::NO_RUNS.to_owned() } else { lines.join("\n") };
        output.result(&text, &json!({}));
    }
    Ok(exit::DONE)
}
