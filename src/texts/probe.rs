//! Probes: what they say of themselves, and why one cannot be used.

use std::fmt;

use crate::probe::{ProbeError, SCHEMA};

/// What is in a probe and what is not.
pub const ABOUT: [&str; 6] = [
    "What landfall needs to know of this host to plan an installation elsewhere \
     (landfall plan --facts FILE). Read it before you carry it out.",
    "In it: the host's name and a digest of its machine id; distribution, kernel and its options, \
     systemd, control groups; the files, units and directories that an installation would touch, \
     with the texts of daemon.json and of the engine's units; packages that bring an engine; \
     kind and space of file systems; links and their addresses, routes, name servers, sockets of \
     engines; the networks (/24, /64) of private addresses that are connected; which programs and \
     libraries are there.",
    "Not in it: users, groups and members but for those that the options name; addresses of \
     those who are connected; contents of any other file; environment; logs.",
    "Taken out of texts, with <removed> in their place: users and passwords in URLs and proxies, \
     values named like passwords, tokens and keys, all values of Environment= in units. Names of \
     proxies, mirrors and registries stay, and so do labels.",
    "not_seen says what could not be seen, mostly because landfall did not run as root.",
    "A file whose text had something taken out (redacted) is here without its digest; a plan that \
     changes it is a preview and cannot be applied.",
];

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAProbe(error) => write!(f, "this is not what landfall probe prints: {error}"),
            Self::NoSchema => f.write_str("this is not what landfall probe prints"),
            Self::Schema(found) => {
                write!(f, "this probe has format {found}; this landfall reads format {SCHEMA}")
            }
        }
    }
}

impl ProbeError {
    /// What to type next.
    pub fn hint(&self) -> &'static str {
        "on the host: landfall probe >host.json, with the same landfall as here"
    }
}

/// Instead of an archive's name.
pub const NO_ARCHIVE: &str = "docker.tgz";

/// What could not be seen.
pub fn unseen(what: &[String]) -> String {
    format!("not everything could be seen (run it as root to see all): {}", what.join("; "))
}

/// Options of now ask about more than was looked at.
pub fn lacking(what: &[String]) -> String {
    format!("the probe did not look at what these options need: {}", what.join(", "))
}

/// How to look at it.
pub const SAME_OPTIONS: &str =
    "give landfall probe the options that landfall plan is given: they decide what it looks at";

/// A group id that was not asked about.
pub fn group_id(gid: u32) -> String {
    format!("group id {gid}")
}
