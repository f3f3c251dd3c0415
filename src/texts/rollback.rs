//! Going back, and what can be gone back to.

use crate::apply::journal::Outcome;

/// Before going back.
pub const QUESTION: &str = "Go back? [y/N] ";
/// What was made since the upgrade is not known any more.
pub const FORGETS: &str = "Containers, networks and images that were made since are forgotten; \
     their files stay.";
/// A run that was cut is undone, and that was all.
pub const RECOVERED: &str = "Rolled back: the host is as it was before the run that was cut.";
/// A rollback that was cut is completed, and that was all.
pub const COMPLETED: &str = "Rolled back: the rollback that was cut is completed.";
/// What a rollback does first.
pub const CUT_RUN_FIRST: &str = "landfall rollback takes back the run that was cut, and without \
     --to nothing else.";
/// There is nothing to go back from.
pub const NOTHING_INSTALLED: &str = "landfall has installed nothing on this host";
/// The first run is all that there is.
pub const NO_EARLIER_RUN: &str =
    "there is no earlier state to go back to: landfall uninstall takes back the first run too";
/// What to look at.
pub const SEE_HISTORY: &str = "landfall history lists the runs that can be taken back";

/// A version that was never installed, or is not known any more.
pub fn no_such_version(version: &str) -> String {
    format!("no run that can be taken back brings back version {version}")
}

/// A version that is installed.
pub fn is_installed(version: &str) -> String {
    format!("Nothing to do: Docker {version} is what is installed.")
}

/// What is taken back.
pub fn takes_back(command: &str, at: &str) -> String {
    format!("Takes back: landfall {command} of {at}")
}

/// No runs.
pub const NO_RUNS: &str = "No run of landfall is on record.";
/// Nothing to prune.
pub const NOTHING_TO_PRUNE: &str = "Nothing to do: every copy is needed.";
/// Before pruning.
pub const PRUNE_QUESTION: &str = "Delete them? [y/N] ";

/// A run, in a line.
pub fn run(
    began: &str,
    command: &str,
    outcome: Option<Outcome>,
    version: Option<&str>,
    back: bool,
) -> String {
    let outcome = match outcome {
        Some(Outcome::Done) => "done",
        Some(Outcome::RolledBack) => "rolled back",
        Some(Outcome::Stuck) => "not rolled back",
        None => "cut",
    };
    let version = version.map(|version| format!(" → docker {version}")).unwrap_or_default();
    let back = if back { "  (can be taken back)" } else { "" };
    format!("{began}  {command:<10} {outcome}{version}{back}")
}

/// What is deleted.
pub fn prunes(runs: usize, copies: usize, size: &str) -> String {
    format!("{runs} older runs cannot be taken back any more; {copies} copies go ({size})")
}

/// It is done.
pub fn pruned(size: &str) -> String {
    format!("Pruned: {size} are free again.")
}

/// It is done.
pub fn done(version: Option<&str>) -> String {
    match version {
        Some(version) => format!("Rolled back: Docker {version} is installed."),
        None => "Rolled back.".to_owned(),
    }
}
