//! `landfall confirm`.

use serde_json::json;

use super::failure::{Failure, exit};
use super::output::{Output, utc};
use crate::host::Host;
use crate::run_state::Question;
use crate::texts::{errors, progress, status as texts};

/// Has the run that waits for it keep what it made.
pub fn confirm(host: &Host, output: &Output) -> Result<u8, Failure> {
    if host.is_live() && host.uid() != 0 {
        return Err(Failure::new(exit::REFUSED, errors::CONFIRM_NOT_ROOT).hint(errors::USE_SUDO));
    }
    let Some(answer) = host.ask_run(Question::Confirm)? else {
        return Err(Failure::new(exit::FAILED, errors::NO_RUN_TO_CONFIRM)
            .hint(errors::LOOK_WHETHER_ROLLED_BACK));
    };
    if !answer.confirmed {
        let mut failure = Failure::new(exit::FAILED, errors::RUN_NOT_WAITING);
        failure.details = texts::run(&answer.run, &utc(answer.run.since));
        return Err(failure);
    }
    output.result(progress::CONFIRMED, &json!({"event": "confirmed", "run": answer.run}));
    Ok(exit::DONE)
}
