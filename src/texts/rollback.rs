//! Going back, and what can be gone back to.

/// Before going back.
pub const QUESTION: &str = "Go back? [y/N] ";
/// A run that was cut is undone, and that was all.
pub const RECOVERED: &str = "Rolled back: the host is as it was before the run that was cut.";
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

/// It is done.
pub fn done(version: Option<&str>) -> String {
    match version {
        Some(version) => format!("Rolled back: Docker {version} is installed."),
        None => "Rolled back.".to_owned(),
    }
}
