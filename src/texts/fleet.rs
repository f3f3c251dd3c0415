//! Fleets: sites, results and reports.

use std::collections::BTreeMap;
use std::fmt;

use crate::fleet::report::ReportError;
use crate::fleet::result::{Outcome, ResultError};
use crate::fleet::site::SiteError;
use crate::nearest::suggestion;

impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::NoEntry { name, nearest } => write!(
                f,
                "no entry of this file is meant for this host, {name}{}",
                suggestion(nearest.as_deref())
            ),
            Self::Several { name, entries } => write!(
                f,
                "several entries of this file are meant for this host, {name}: {}",
                entries.join(", ")
            ),
            Self::NoSuchEntry(label) => write!(f, "no entry of this file is called {label}"),
        }
    }
}

impl SiteError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Config(error) => error.hint(),
            Self::NoEntry { .. } => "add it beneath hosts, or name an entry: --as NAME".to_owned(),
            Self::Several { .. } => {
                "tell them apart by address or machine-id, or name one: --as NAME".to_owned()
            }
            Self::NoSuchEntry(_) => {
                "--as takes an entry's name, as it is written, or its address or machine-id"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for ResultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAResult(error) => {
                write!(f, "this is no result of landfall apply --site: {error}")
            }
            Self::TooNew(schema) => {
                write!(f, "a newer landfall wrote this result (format {schema})")
            }
        }
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template(error) => write!(f, "the report's template is wrong: {error}"),
            Self::Junit(error) => write!(f, "the results cannot be written as XML: {error}"),
        }
    }
}

/// How it went.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Stuck => "failed, not rolled back",
        Outcome::Failed => "failed, rolled back",
        Outcome::Untrusted => "archive not trusted",
        Outcome::Refused => "refused",
        Outcome::Usage => "wrong configuration",
        Outcome::Busy => "another run was in progress",
        Outcome::Changed => "done",
        Outcome::Unchanged => "nothing to do",
    }
}

/// A time span.
pub fn seconds(milliseconds: u64) -> String {
    match milliseconds {
        ..1000 => format!("{milliseconds} ms"),
        1000..100_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => format!("{} s", milliseconds / 1000),
    }
}

/// A host that has left nothing.
pub fn no_result(entry: &str) -> String {
    format!("{entry}: no result")
}

/// All hosts in a line.
pub fn summary(
    counts: &BTreeMap<Outcome, usize>,
    versions: &BTreeMap<String, usize>,
    missing: usize,
) -> String {
    let hosts = counts.values().sum::<usize>() + missing;
    let mut parts: Vec<String> =
        counts.iter().map(|(kind, count)| format!("{count} {}", outcome(*kind))).collect();
    if missing > 0 {
        parts.push(format!("{missing} without a result"));
    }
    let versions: Vec<String> =
        versions.iter().map(|(version, count)| format!("{version} on {count}")).collect();
    let engines =
        if versions.is_empty() { String::new() } else { format!("; {}", versions.join(", ")) };
    let word = if hosts == 1 { "host" } else { "hosts" };
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("{hosts} {word}{parts}{engines}")
}

/// Where the result is.
pub fn result_written(path: &str) -> String {
    format!("result: {path}")
}

/// Which entry it was.
pub fn this_is(host: &str, entry: &str) -> String {
    format!("{host} is {entry} in this file")
}

/// There is no such directory, or nothing in it.
pub fn no_results(directory: &str) -> String {
    format!("there is no result-<host>.json in {directory}")
}

/// What to do then.
pub const NO_RESULTS_HINT: &str = "landfall apply --site writes them, on each host";
