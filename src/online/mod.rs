//! An engine from Docker's own packages, through the host's package manager: which repository, whose
//! key, which versions, and what the manager would do. Why it is so stands in
//! `docs/design/online.md`.

mod access;
pub mod apt;
pub mod dnf;
mod fetch;
mod findings;
mod keys;
mod look;
mod manager;
pub mod openpgp;
mod repository;
mod sight;
mod version;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use access::{CA_FILES, LOGIN_FILES, LoginFile, login_files};
pub use fetch::{Fetch, FetchError, HostFetch};
pub use findings::{after, applies, before};
pub use keys::pinned;
pub use look::{Authority, Index, Look, LookError, Offer, OtherKey, Passed, Why, look};
pub use manager::Query;
pub use openpgp::Fingerprint;
pub use repository::{FILES, ID, Release, Repository, RepositoryFile};
pub use sight::OnlineSight;
pub use version::{fits, upstream};

use crate::facts::distribution::FrontEnd;
use crate::mirrors::Site;

/// What is asked for of an installation from a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Online {
    /// Mirrors by name or root, in order; none: the official one and the public ones.
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// Those of them that want to know who asks. Nothing of this is written down.
    #[serde(skip)]
    pub logins: Vec<Site>,
    /// The engine's version, or the first numbers of it; `None`: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whose key it is to be, if not upstream's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// Whether the packages are kept at their versions.
    #[serde(default)]
    pub hold: bool,
    /// Whether packages that conflict may be removed.
    #[serde(default)]
    pub replace: bool,
}

/// A package manager that can be driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manager {
    /// apt-get(8) and dpkg(1).
    Apt,
    /// dnf(8) and rpm(8).
    Dnf,
    /// yum(8) and rpm(8).
    Yum,
}

impl Manager {
    /// The one of a distribution; `None` if it cannot be driven.
    pub fn of(front_end: FrontEnd) -> Option<Self> {
        match front_end {
            FrontEnd::Apt => Some(Self::Apt),
            FrontEnd::Dnf => Some(Self::Dnf),
            FrontEnd::Yum => Some(Self::Yum),
            FrontEnd::Zypper => None,
        }
    }

    /// The program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Yum => "yum",
        }
    }
}

/// The packages of an engine: those that it cannot be without, and then those that come with it
/// where they are offered.
pub const REQUIRED: [&str; 3] = ["docker-ce", "docker-ce-cli", "containerd.io"];
/// See [`REQUIRED`].
pub const OPTIONAL: [&str; 3] =
    ["docker-buildx-plugin", "docker-compose-plugin", "docker-ce-rootless-extras"];
/// Those that have the engine's own version.
pub const OF_THE_ENGINE: [&str; 3] = ["docker-ce", "docker-ce-cli", "docker-ce-rootless-extras"];

/// Packages by name, and their versions as the manager writes them: `5:28.5.2-1~debian.12~bookworm`,
/// or `3:28.5.2-1.el9.x86_64` with the architecture.
pub type Versions = BTreeMap<String, String>;

/// What a package manager does, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// What was not there, with its version.
    #[serde(default)]
    pub install: Versions,
    /// What was there in another version: from, to.
    #[serde(default)]
    pub change: BTreeMap<String, (String, String)>,
    /// What goes, with its version.
    #[serde(default)]
    pub remove: Versions,
}

impl Transaction {
    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        self.install.is_empty() && self.change.is_empty() && self.remove.is_empty()
    }

    /// The names of all that it touches.
    pub fn names(&self) -> Vec<&str> {
        let names = self.install.keys().chain(self.change.keys()).chain(self.remove.keys());
        names.map(String::as_str).collect()
    }

    /// What `self` does that was not planned in `plan`, in the manager's words: `+`, `~` or `-`.
    pub fn beyond(&self, plan: &Self) -> Vec<String> {
        let added = |name: &String, version: &String| {
            let planned = plan.install.get(name).or(plan.change.get(name).map(|(_, to)| to));
            (planned != Some(version)).then(|| format!("+ {name} {version}"))
        };
        let install = self.install.iter().filter_map(|(name, version)| added(name, version));
        let changed = self.change.iter().filter_map(|(name, (from, to))| {
            added(name, to).map(|_| format!("~ {name} {from} → {to}"))
        });
        let removed = self.remove.keys().filter(|name| !plan.remove.contains_key(*name));
        install.chain(changed).chain(removed.map(|name| format!("- {name}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(pairs: &[(&str, &str)]) -> Versions {
        pairs.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect()
    }

    #[test]
    fn what_goes_beyond_a_plan() {
        let plan = Transaction {
            install: versions(&[("docker-ce", "2"), ("iptables", "1")]),
            change: BTreeMap::from([("libc6".to_owned(), ("1".to_owned(), "2".to_owned()))]),
            remove: versions(&[("docker.io", "1")]),
        };
        assert_eq!(plan.beyond(&plan), [""; 0]);
        // Somebody has installed a part of it meanwhile.
        let less = Transaction { install: versions(&[("docker-ce", "2")]), ..plan.clone() };
        assert_eq!(less.beyond(&plan), [""; 0]);
        let other = Transaction {
            install: versions(&[("docker-ce", "3"), ("git", "1")]),
            change: BTreeMap::from([("libc6".to_owned(), ("1".to_owned(), "3".to_owned()))]),
            remove: versions(&[("docker.io", "1"), ("podman", "4")]),
        };
        let expected = ["+ docker-ce 3", "+ git 1", "~ libc6 1 → 3", "- podman"];
        assert_eq!(other.beyond(&plan), expected);
    }
}
