//! Letting go of a Docker that was taken over: what Landfall changed since is put back, and Docker
//! stays.

use serde_json::json;

use super::args::Global;
use super::failure::{Failure, exit};
use super::install::commit;
use super::output::Output;
use super::run::Run;
use super::uninstall::guard_directory;
use crate::adoption::Adoption;
use crate::apply::journal::Cleanup;
use crate::apply::{Session, apply};
use crate::facts;
use crate::host::Host;
use crate::plan::back::{self, Back};
use crate::plan::{Stops, guarded, wanted};
use crate::receipt::Receipt;
use crate::steps::Purge;
use crate::texts::{adoption as texts, migrate, steps};

/// Goes back to what was taken over (`then`), and leaves nothing of Landfall.
pub fn give_back(
    global: &Global,
    run: &Run<'_>,
    session: &mut Session<'_>,
    receipt: &Receipt,
    then: &Receipt,
    back: &Back<'_>,
    output: &Output,
) -> Result<u8, Failure> {
    let then = &match &receipt.moved {
        Some(moved) if moved.old.is_empty() => {
            let failure = Failure::new(exit::REFUSED, migrate::GIVE_BACK_MOVED);
            return Err(failure.hint(migrate::KEEP_OR_REMOVE));
        }
        Some(moved) => {
            output.line(&migrate::given_back(&moved.data_root));
            Receipt { moved: None, ..then.clone() }
        }
        None => then.clone(),
    };
    let plan = back::rollback(back, receipt, then);
    let plan = guarded(plan, guard_directory(run.host, receipt)?.as_deref());
    if !plan.is_empty() {
        output.steps(&plan, &Stops::of(&plan, back.engine, then.version.as_deref()));
    }
    super::confirm(global, run.host, output, texts::GIVE_BACK_QUESTION)?;
    let context = run.context(Purge::Keep);
    let entries = apply(&context, session.journal()?, plan)?;
    commit(run, &context, session, &entries, None, Cleanup::default())?;
    let left = context.kept.borrow();
    let kept: Vec<String> = left.iter().map(steps::kept).collect();
    output.result(
        &texts::given_back(then.version.as_deref(), &kept),
        &json!({"event": "done", "changed": true, "kept": *left, "adopted": "left"}),
    );
    Ok(exit::DONE)
}

/// Only their manager removes what packages own.
pub fn refuse_packaged(host: &Host, receipt: &Receipt, adoption: &Adoption) -> Result<(), Failure> {
    let Some(desired) = receipt.desired.as_ref().filter(|_| !adoption.packages.is_empty()) else {
        return Ok(());
    };
    let facts = facts::gather(host, &wanted(desired))?;
    let remove = facts.removal_command(&adoption.packages);
    let message = texts::kept_by_packages(&adoption.packages);
    let hints = texts::remove_packages(&remove);
    Err(Failure { hints, ..Failure::new(exit::REFUSED, message) })
}
