//! Plans in files: what they say of themselves, and why one is not applied.

use std::fmt;

use crate::approved::{Build, Difference, PlanFileError, SCHEMA};

/// What a plan file is.
pub const ABOUT: &str = "A plan of landfall, to be read and approved: `changes` and `steps` say what will be \
     done. `landfall apply FILE` does exactly that, on this host alone, and refuses when what it \
     rests on (`host_state`, the archive, landfall itself) has changed, or this file. The digest \
     at its end finds mistakes; it keeps nobody from forging a plan. The file can hold secrets \
     that daemon.json holds.";

/// A plan was written.
pub fn written(path: &str, findings: usize) -> String {
    let findings = match findings {
        0 => String::new(),
        1 => " (with 1 finding)".to_owned(),
        count => format!(" (with {count} findings)"),
    };
    format!("The plan is in {path}{findings}. To carry it out: landfall apply {path}")
}

/// What is carried out, and who made it where.
pub fn applying(path: &str, host: &str, made: &str) -> String {
    format!("{path}: made {made} for {host}")
}

impl fmt::Display for PlanFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPlan(error) => write!(f, "this is not a plan of landfall: {error}"),
            Self::NoSchema => {
                f.write_str("this is not a plan of landfall: it has no `schema` of a plan file")
            }
            Self::Schema(found) => {
                write!(f, "this plan has format {found}; this landfall reads format {SCHEMA}")
            }
            Self::Edited => f.write_str("this plan was changed after landfall wrote it"),
        }
    }
}

/// What to type when a file is not a plan.
pub fn file_hint(error: &PlanFileError) -> &'static str {
    match error {
        PlanFileError::NotAPlan(_) | PlanFileError::NoSchema => {
            "landfall plan … -o FILE writes one; a receipt, a probe or the output of --json is \
             something else"
        }
        PlanFileError::Schema(_) => "make a new plan with this landfall: landfall plan … -o FILE",
        PlanFileError::Edited => {
            "say what you want in the options of landfall plan, and make a new plan with -o FILE"
        }
    }
}

/// Another Landfall made the plan.
pub fn other_landfall(made_by: &Build, this: &Build) -> String {
    if made_by.version != this.version {
        return format!(
            "landfall {} made this plan, and this is landfall {}",
            made_by.version, this.version
        );
    }
    format!(
        "another build of landfall {} made this plan (sha256:{}; this one is sha256:{})",
        this.version, made_by.sha256, this.sha256
    )
}

/// The host has changed.
pub fn host_changed(count: usize) -> String {
    let what = if count == 1 { "1 thing is".to_owned() } else { format!("{count} things are") };
    format!(
        "this host is not as it was when the plan was made: {what} different; nothing was changed"
    )
}

/// The host is another one.
pub const OTHER_HOST: &str = "this plan was made for another host; nothing was changed";
/// The facts are the same, and the plan is not.
pub const OTHER_PLAN: &str =
    "the plan would be another one now, though nothing it rests on differs; nothing was changed";
/// The name of the host, as a fact.
pub const HOST_NAME: &str = "host name";
/// The identity of the host, as a fact.
pub const MACHINE_ID: &str = "machine id (its digest)";

/// A fact that is different.
pub fn difference(difference: &Difference) -> String {
    let fact = &difference.fact;
    match (&difference.before, &difference.now) {
        (None, None) => fact.clone(),
        (Some(before), None) => format!("{fact}: was {before}; is not there"),
        (None, Some(now)) => format!("{fact}: was not there; is {now}"),
        (Some(before), Some(now)) => format!("{fact}: was {before}; is {now}"),
    }
}

/// A step that only the approved plan has.
pub fn only_approved(step: &str) -> String {
    format!("approved, and not needed now: {step}")
}

/// A step that only the plan of now has.
pub fn only_now(step: &str) -> String {
    format!("needed now, and not approved: {step}")
}

/// The archive is not the approved one.
pub fn other_archive(path: &str, approved: &str, found: &str) -> String {
    format!("{path} is not what was approved: sha256:{found} instead of sha256:{approved}")
}

/// The archive is not where it was.
pub fn archive_moved(path: &str) -> String {
    format!("if {path} was moved: landfall apply … --offline FILE")
}

/// How to make a new plan.
pub fn make_new(command: &str, directory: &str) -> String {
    format!("to make a new plan, as this one was made: {command} (in {directory})")
}

/// Facts from a file had secrets taken out.
pub fn redacted_facts(paths: &[String]) -> String {
    format!(
        "{} had secrets in it, which the probe left out: where the plan changes it, the \
         difference is not what the host would show, and the plan cannot be applied",
        paths.join(", ")
    )
}

/// The probe could not see everything.
pub fn unseen(what: &[String]) -> String {
    format!("the probe could not see everything: {}", what.join("; "))
}
