//! `landfall uninstall`.

use serde_json::json;

use super::args::Global;
use super::failure::{Failure, exit};
use super::output::Output;
use super::run::{self, Run};
use crate::apply::{stop_engine, undo_unless_interrupted};
use crate::host::Host;
use crate::receipt::Receipt;
use crate::steps::{Purge, Step, StepError};
use crate::store::STATE_DIR;
use crate::texts::{errors, progress, steps};

/// Undoes everything that the receipt holds, in reverse. Asked to end, it stops between two
/// containers or steps: there is no former state to go back to but the one it is on the way to.
pub fn uninstall(
    global: &Global,
    purge_data: bool,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    if host.is_live() && host.uid() != 0 {
        return Err(Failure::new(exit::REFUSED, errors::NOT_ROOT).hint(errors::USE_SUDO));
    }
    run::run(host, output, "uninstall", None, |run| uninstall_run(global, purge_data, run, output))
}

fn uninstall_run(
    global: &Global,
    purge_data: bool,
    run: &Run<'_>,
    output: &Output,
) -> Result<u8, Failure> {
    let host = run.host;
    let context = run.context(if purge_data { Purge::Data } else { Purge::Keep });
    let recovered = run.recover()?;
    let Some(receipt) = Receipt::load(host)? else {
        let text = if recovered { progress::CUT_RUN_UNDONE } else { progress::NOT_INSTALLED };
        output.result(text, &json!({"event": "done", "changed": recovered}));
        return Ok(exit::DONE);
    };
    let question = match (receipt.has_engine(), purge_data) {
        (false, _) => progress::UNREPAIR_QUESTION,
        (true, true) => progress::PURGE_QUESTION,
        (true, false) => progress::UNINSTALL_QUESTION,
    };
    super::confirm(global, host, output, question)?;
    host.interrupt().check()?;
    stop_engine(&context, &receipt).map_err(|error| {
        let (state, hint) = match &error {
            StepError::ContainersLeft { .. } => {
                (errors::NOTHING_UNDONE, errors::COMPLETE_UNINSTALL)
            }
            _ => (errors::ENGINE_NOT_STOPPED, errors::RETRY_UNINSTALL),
        };
        let mut failure = Failure { exit: exit::STUCK, ..Failure::from(error) };
        failure.details.push(state.to_owned());
        failure.hint(hint)
    })?;
    let report = undo_unless_interrupted(&context, &receipt.entries);
    if report.not_begun > 0 && report.failed.is_empty() {
        let left = errors::uninstall_interrupted(report.not_begun, receipt.entries.len());
        return Err(Failure::new(exit::STUCK, left).hint(errors::COMPLETE_UNINSTALL));
    }
    if !report.failed.is_empty() {
        let mut failure =
            Failure::new(exit::STUCK, errors::UNINSTALL_INCOMPLETE).hint(errors::RETRY_UNINSTALL);
        failure.details = report
            .failed
            .iter()
            .map(|(step, error)| match step {
                Some(step) => format!("{}: {error}", steps::step(step)),
                None => error.clone(),
            })
            .collect();
        return Err(failure);
    }
    host.remove_tree(STATE_DIR)?;
    host.sync_directories()?;
    let mut kept: Vec<String> = report.kept.iter().map(steps::kept).collect();
    if receipt.has(|step| matches!(step, Step::CreateGroup(_) | Step::AddGroupMember(_))) {
        kept.push(progress::SHADOW_BACKUPS.to_owned());
    }
    output.result(
        &progress::uninstalled(&kept),
        &json!({"event": "done", "changed": true, "kept": report.kept}),
    );
    Ok(exit::DONE)
}
