//! `landfall status` in words.

use crate::run_state::{Activity, RunState};

/// A first installation goes on.
pub const NOT_YET: &str = "Nothing is installed yet.";

/// A run that goes on; `since` is when it began.
pub fn run(run: &RunState, since: &str) -> Vec<String> {
    let scope = run.scope.as_ref().map(|scope| format!(", {scope}")).unwrap_or_default();
    vec![
        format!("in progress: landfall {}, since {since}, pid {}{scope}", run.command, run.pid),
        activity(&run.activity),
    ]
}

fn activity(activity: &Activity) -> String {
    match activity {
        Activity::Preparing => "looking at the host and the archive, or asking".to_owned(),
        Activity::Step { number, of, what } => format!("step {number} of {of}: {what}"),
        Activity::Confirming { seconds_left } => format!(
            "waiting for confirmation, {seconds_left} s left (landfall confirm keeps the change)"
        ),
        Activity::Finishing => "all is made; it ends in a moment".to_owned(),
        Activity::Undoing { number: 0, .. } => "undoing".to_owned(),
        Activity::Undoing { number, of } => format!("undoing step {number} of {of}"),
    }
}

/// What was installed, from what, when, by which Landfall.
/// Without an archive it was there before Landfall.
pub fn installed(
    version: Option<&str>,
    sha256: Option<&str>,
    updated: &str,
    landfall: &str,
) -> String {
    let version = version.unwrap_or("of unknown version");
    match sha256 {
        Some(sha256) => format!(
            "Docker {version}, installed by landfall {landfall}, last changed {updated}\n\
             archive sha256:{sha256}"
        ),
        None => format!("Docker {version}, taken over by landfall {landfall}, {updated}"),
    }
}

/// It was there before Landfall.
pub fn adopted(version: Option<&str>, packages: &[String]) -> String {
    let version = version.unwrap_or("of unknown version");
    let whose = match packages {
        [] => String::new(),
        packages => format!("; it belongs to packages: {}", packages.join(" ")),
    };
    format!("{:20} Docker {version} was here{whose}", "before landfall")
}

/// The distribution, and whether Landfall works on it.
pub fn host(distribution: &str) -> String {
    format!("host                 {distribution}")
}

/// A unit.
pub fn unit(name: &str, active: &str, sub: &str) -> String {
    format!("{name:20} {active} ({sub})")
}

/// The engine answers.
pub fn engine(version: &str, images: u64, running: u64, total: u64) -> String {
    format!(
        "engine               answers: version {version}, {running} of {total} containers \
         running, {images} images"
    )
}

/// The engine does not answer.
pub fn no_engine(error: &str) -> String {
    format!("engine               does not answer: {error}")
}
