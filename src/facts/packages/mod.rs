//! Which packages own files, which bring an engine, and which need parts of one.

pub mod dpkg;
pub mod rpm;

use std::collections::BTreeMap;

use super::distribution::{Family, family};
use super::{OsRelease, PackageManager, Packages, PackagesProblem};
use crate::host::{Host, HostError};

/// Packages that bring an engine or parts of one, by the names that Debian, Ubuntu, Fedora,
/// RHEL, openEuler, Kylin, SUSE and Docker itself give them.
pub const ENGINES: [&str; 27] = [
    "containerd",
    "containerd.io",
    "docker",
    "docker-ce",
    "docker-ce-cli",
    "docker-cli",
    "docker-client",
    "docker-common",
    "docker-ee",
    "docker-ee-cli",
    "docker-engine",
    "docker-kubic",
    "docker-latest",
    "docker-proxy",
    "docker-runc",
    "docker-stable",
    "docker.io",
    "iSulad",
    "moby-cli",
    "moby-containerd",
    "moby-engine",
    "moby-runc",
    "podman-docker",
    "runc",
    "runc-app",
    "tini",
    "tini-static",
];

/// Packages that run containers with the host's runc or containerd, and are no Docker.
pub const USERS: [&str; 7] =
    ["buildah", "cri-o", "kubeadm", "kubelet", "nerdctl", "podman", "toolbox"];

/// Asks the host's package manager: who owns each of `paths` (also those at which nothing
/// stands: a package's file may have been removed by hand), and which of [`ENGINES`] and
/// [`USERS`] are installed.
///
/// # Errors
/// [`HostError`] if the database is there but cannot be read.
pub fn gather(host: &Host, os: &OsRelease, paths: &[&str]) -> Result<Packages, HostError> {
    match choose(os, rpm::database(host)?, dpkg::is_used(host)?) {
        Database::Dpkg => dpkg::gather(host, paths),
        Database::Rpm(directory) => rpm::gather(host, directory, paths),
        Database::None => Ok(Packages::default()),
    }
}

enum Database {
    None,
    Dpkg,
    Rpm(&'static str),
}

/// A host may have both databases, since each family packages the other's tools: then the
/// distribution decides.
fn choose(os: &OsRelease, rpm: Option<&'static str>, dpkg: bool) -> Database {
    match (rpm, dpkg) {
        (Some(_), true) if family(os) == Some(Family::Debian) => Database::Dpkg,
        (Some(directory), _) => Database::Rpm(directory),
        (None, true) => Database::Dpkg,
        (None, false) => Database::None,
    }
}

/// Those of [`ENGINES`] and [`USERS`] that are installed, with their versions.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// Of [`ENGINES`].
    pub engines: BTreeMap<String, String>,
    /// Of [`USERS`].
    pub users: BTreeMap<String, String>,
}

impl Installed {
    fn add(&mut self, name: &str, version: &str) {
        let kind = if ENGINES.contains(&name) {
            &mut self.engines
        } else if USERS.contains(&name) {
            &mut self.users
        } else {
            return;
        };
        kind.insert(name.to_owned(), version.to_owned());
    }
}

/// What is known if a manager did not answer.
fn unknown(manager: PackageManager, problem: PackagesProblem) -> Packages {
    Packages { manager, problem: Some(problem), ..Packages::default() }
}

/// One name for the two that a path has where `/bin`, `/sbin` and `/lib*` are links into
/// `/usr`, as on all current hosts (`merged`): then packages may name it either way.
fn key(path: &str, merged: bool) -> &str {
    match path.strip_prefix("/usr") {
        Some(rest)
            if merged
                && ["/bin/", "/sbin/", "/lib"].iter().any(|start| rest.starts_with(start)) =>
        {
            rest
        }
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(id: &str, like: &str, rpm: bool, dpkg: bool) -> PackageManager {
        let id_like = like.split_whitespace().map(str::to_owned).collect();
        let os = OsRelease { id: id.to_owned(), id_like, ..OsRelease::default() };
        match choose(&os, rpm.then_some("/var/lib/rpm"), dpkg) {
            Database::None => PackageManager::None,
            Database::Dpkg => PackageManager::Dpkg,
            Database::Rpm(_) => PackageManager::Rpm,
        }
    }

    #[test]
    fn the_distribution_decides_between_two_databases() {
        assert_eq!(chosen("debian", "", true, true), PackageManager::Dpkg);
        assert_eq!(chosen("kylin", "debian", true, true), PackageManager::Dpkg);
        assert_eq!(chosen("centos", "rhel fedora", true, true), PackageManager::Rpm);
        assert_eq!(chosen("unheard-of", "", false, true), PackageManager::Dpkg);
        assert_eq!(chosen("alpine", "", false, false), PackageManager::None);
    }

    #[test]
    fn the_tables_are_sorted() {
        assert!(ENGINES.is_sorted() && USERS.is_sorted());
    }
}
