//! `landfall recover`: a run that was cut, and nothing else. The guard of the boot runs it too.

use serde_json::json;

use super::failure::{Failure, exit};
use super::install::changing;
use super::output::Output;
use crate::apply::{Recovered, take_guard_away};
use crate::host::Host;
use crate::host::syslog::Syslog;
use crate::texts::{errors, recover as texts};

/// Completes or undoes a run that was cut. With `boot` the host is on its way up, and the units of
/// the engine wait for this to end.
pub fn recover(boot: bool, host: &Host, output: &Output) -> Result<u8, Failure> {
    if host.is_live() && host.uid() != 0 {
        return Err(Failure::new(exit::REFUSED, texts::NOT_ROOT).hint(errors::USE_SUDO));
    }
    if boot {
        host.set_coming_up();
    }
    let result = changing(host, output, "recover", None, |_, _, recovered| {
        // One that outlived its run.
        take_guard_away(host)?;
        let (text, what) = match recovered {
            None => (texts::NOTHING, None),
            Some(Recovered::Completed { .. }) => (texts::COMPLETED, Some("completed")),
            Some(Recovered::Undone { .. }) => (texts::UNDONE, Some("undone")),
        };
        output.result(text, &json!({"event": "done", "changed": what.is_some(), "run": what}));
        Ok(exit::DONE)
    });
    match result {
        // That run sees to itself.
        Err(failure) if boot && failure.exit == exit::LOCKED => Ok(exit::DONE),
        Err(failure) if boot => Err(at_boot(failure, &host.syslog())),
        result => result,
    }
}

/// Nobody reads this now: it stands in the host's log.
fn at_boot(failure: Failure, log: &Syslog) -> Failure {
    log.error(texts::ENGINE_HELD);
    failure.hint(texts::ENGINE_HELD)
}
