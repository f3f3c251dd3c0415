//! Downloads: what was fetched, and why something was not.

use std::fmt;

use super::net::connect_error;
use crate::download::race::Speed;
use crate::download::{FetchError, Passed, TransferError};
use crate::host::HostError;
use crate::net::web::WebError;

/// Two sources of an engine.
pub const TWO_SOURCES: &str = "--offline and --online are two sources of an engine; name one";
/// `--method` without a mirror.
pub const METHOD_ALONE: &str = "--method is for engines from a mirror: add --online";
/// How a version is named.
pub const VERSION_FORM: &str = "a number as upstream names it, such as --version 28.5.2";
/// A directory that cannot be used.
pub const OTHER_CACHE: &str = "give another directory with --cache-dir";
/// There is no directory for what is fetched.
pub const NO_HOME: &str = "neither XDG_CACHE_HOME nor HOME says where files can be kept";
/// How an authority is given.
pub const CA_FORM: &str = "a file with one or more certificates in PEM form";
/// None can be reached.
pub const NO_MIRROR_REACHED: &str = "no mirror gives an archive for this machine";
/// What to do then.
pub const PROBE_MIRRORS: &str = "landfall mirrors --probe shows why, one by one";
/// What to do then.
pub const REACH_MIRRORS: &str = "behind a proxy: set https_proxy; a mirror of your own: landfall \
     mirrors --probe URL; without any network: landfall install --offline FILE";
/// After the list of mirrors.
pub const PROBE_THEM: &str = "\nTo measure them from here: landfall mirrors --probe";

/// A distribution without packages.
pub fn no_packages(distribution: &str) -> String {
    format!(
        "Docker builds no packages for {distribution} (any more): its static archive is fetched"
    )
}

/// Which version is meant.
pub fn newest(version: &str) -> String {
    format!("No --version was given: {version}, the newest whose digest is known")
}

/// It is no version.
pub fn no_version(version: &str) -> String {
    format!("`{}` is no version", version.escape_debug())
}

/// None is known.
pub fn no_archive(machine: &str) -> String {
    format!("no archive is known for {machine}: name its version")
}

/// A file that is not there.
pub fn no_ca(path: &str) -> String {
    format!("there is no {path}")
}

/// A file without certificates.
pub fn no_certificate(path: &str) -> String {
    format!("{path} holds no certificate in PEM form")
}

/// Mirrors are measured.
pub fn racing(count: usize) -> String {
    match count {
        1 => "Asking the mirror …".to_owned(),
        _ => format!("Asking {count} mirrors …"),
    }
}

/// The first of them.
pub fn fastest(site: &str) -> String {
    format!("The fastest is {site}")
}

/// How fast a mirror is.
pub fn speed(speed: &Speed) -> String {
    let rate = speed.bytes_per_second / 100_000;
    let ranges = if speed.ranges { "" } else { ", gives whole files only" };
    format!("{} ms, {}.{} MB/s{ranges}", speed.milliseconds, rate / 10, rate % 10)
}

/// Whether it has packages for this distribution.
pub fn packages(has: bool) -> &'static str {
    if has { ", packages too" } else { ", no packages for this distribution" }
}

/// A file that is there.
pub fn fetched(name: &str, size: &str, from: &[String]) -> String {
    match from {
        [] => format!("{name} ({size}) is in the cache"),
        from => format!("Fetched {name} ({size}) from {}", from.join(" and ")),
    }
}

/// A source that does not count.
pub fn passed_over(source: &str, why: &Passed) -> String {
    format!("{source} is passed over: {why}")
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transfer(error) => error.fmt(f),
            Self::Other(sha256) => {
                write!(f, "what it gives is another file than it should be (sha256 {sha256})")
            }
        }
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(error) => error.fmt(f),
            Self::Status(404) => f.write_str("there is no such file (404)"),
            Self::Status(status @ (401 | 403)) => {
                write!(f, "it wants another user and password, or gives this to nobody ({status})")
            }
            Self::Status(407) => f.write_str("the proxy wants another user and password (407)"),
            Self::Status(status) => write!(f, "it answers with {status}"),
            Self::Busy(status, None) => write!(f, "it answers with {status}, again and again"),
            Self::Busy(status, Some(asked)) => {
                let seconds = asked.as_secs();
                write!(f, "it answers with {status}, and to come again in {seconds} seconds")
            }
            Self::Broken(error) => write!(f, "the connection breaks: {error}"),
            Self::Changed => f.write_str("the file changes while it is fetched"),
            Self::Page => f.write_str(
                "a page for people comes instead of the file (a network that wants a login?)",
            ),
            Self::TooLarge(limit) => {
                write!(f, "it is larger than {} MiB, which no such file is", limit >> 20)
            }
            Self::Cache(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for WebError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => f.write_str(&connect_error(error)),
            Self::Broken(error) => write!(f, "the connection breaks: {error}"),
            Self::Redirect(to) => write!(f, "it leads nowhere, at last to {to}"),
            Self::Downgrade(to) => write!(f, "it leads from https to {to}, which is not followed"),
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere { name, tried } if tried.is_empty() => {
                write!(f, "no mirror was named that could have {name}")
            }
            Self::Nowhere { name, tried } if tried.iter().any(|(_, why)| why.is_other()) => {
                write!(f, "no mirror gives the {name} that is expected")
            }
            Self::Nowhere { name, .. } => write!(f, "{name} could not be fetched"),
            Self::Disagree { name, .. } => {
                write!(f, "two mirrors give different files as {name}; neither is used")
            }
            Self::Alone { name, from, sha256, .. } => write!(
                f,
                "{name} came from {from} alone, with sha256 {sha256}, which is not in the \
                 catalogue; no second mirror confirms it"
            ),
            Self::Cache(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FetchError {}

impl FetchError {
    /// What belongs to it: each mirror, with what it gave.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Nowhere { tried, .. } | Self::Alone { tried, .. } => {
                tried.iter().map(|(source, why)| format!("{source}: {why}")).collect()
            }
            Self::Disagree { given, .. } => {
                given.iter().map(|(source, sha256)| format!("{source}: sha256 {sha256}")).collect()
            }
            Self::Cache(_) => Vec::new(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Nowhere { tried, .. } if tried.iter().any(|(_, why)| why.is_other()) => {
                "somebody changed the file on its way, or the mirror is damaged: give another \
                 one with --mirror"
                    .to_owned()
            }
            Self::Nowhere { .. } => {
                "landfall mirrors --probe shows which mirrors this host reaches; what has come is \
                 kept, and taken up by the next try"
                    .to_owned()
            }
            Self::Disagree { .. } => {
                "compare the digests with one from a source that you trust, then give it: \
                 --sha256 HEX"
                    .to_owned()
            }
            Self::Alone { sha256, .. } => format!(
                "name a second mirror with --mirror; or compare the digest with one from a source \
                 that you trust and give it: --sha256 {sha256} (or take the risk: \
                 --allow-unpinned)"
            ),
            Self::Cache(error) => cache_hint(error).to_owned(),
        }
    }
}

fn cache_hint(error: &HostError) -> &'static str {
    if error.is_busy() {
        "wait for the other one, or give another directory with --cache-dir"
    } else {
        "make room, or give another directory with --cache-dir"
    }
}
