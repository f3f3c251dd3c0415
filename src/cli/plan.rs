//! `landfall plan`.

use super::args::{Global, InstallArgs};
use super::failure::{Failure, exit};
use super::output::{Output, utc};
use super::prepare::{desired, make_plan, prepare};
use crate::apply::journal;
use crate::host::Host;
use crate::report::{Event, Reporter};
use crate::texts::progress;

/// `landfall plan`: everything but the changes.
pub fn plan(
    global: &Global,
    args: &InstallArgs,
    detailed_exitcode: bool,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let desired = desired(global, args)?;
    if let Ok(Some(cut)) = journal::cut_run(host) {
        let text = progress::cut(&cut.command, &utc(cut.since));
        output.event(&Event::Warning { text });
    }
    let prepared = prepare(host, output, desired, None)?;
    let plan = make_plan(&prepared)?;
    output.plan(&plan, true);
    output.line(&format!("\n{}", progress::DRY_RUN));
    Ok(if detailed_exitcode && !plan.is_empty() { exit::CHANGES } else { exit::DONE })
}
