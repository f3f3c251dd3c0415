//! `landfall prune`.

use serde_json::json;

use super::args::Global;
use super::failure::{Failure, exit};
use super::install::{changing, commit};
use super::output::Output;
use super::show_plan::megabytes;
use crate::apply::journal::Cleanup;
use crate::host::Host;
use crate::receipt::Receipt;
use crate::steps::Purge;
use crate::store::Store;
use crate::texts::rollback as texts;

/// Gives up going back behind all but the last `keep` runs, and deletes copies that nothing
/// needs any more.
pub fn prune(global: &Global, keep: usize, host: &Host, output: &Output) -> Result<u8, Failure> {
    super::require_root(host)?;
    changing(host, output, "prune", None, |run, session, _| {
        let nothing = || {
            output.result(texts::NOTHING_TO_PRUNE, &json!({"event": "done", "changed": false}));
            Ok(exit::DONE)
        };
        let Some(mut receipt) = Receipt::load(host)? else { return nothing() };
        let given_up = receipt.forget_all_but(keep);
        let (files, bytes) = Store::new(host).unused(&receipt)?;
        if given_up == 0 && files.is_empty() {
            return nothing();
        }
        output.line(&texts::prunes(given_up, files.len(), &megabytes(bytes)));
        super::confirm(global, host, output, texts::PRUNE_QUESTION)?;
        session.journal()?;
        session.run().clone_into(&mut receipt.run);
        let count = files.len();
        let cleanup = Cleanup { files, ..Cleanup::default() };
        commit(run, &run.context(Purge::Keep), session, &[], Some(receipt), cleanup)?;
        output.result(
            &texts::pruned(&megabytes(bytes)),
            &json!({"event": "done", "changed": true, "runs": given_up, "files": count, "bytes": bytes}),
        );
        Ok(exit::DONE)
    })
}
