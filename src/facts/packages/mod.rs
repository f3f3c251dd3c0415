//! Which packages own files, and which bring an engine.

pub mod dpkg;
pub mod rpm;

use super::{OsRelease, PackageManager, Packages};
use crate::host::{Host, HostError};

/// Packages that bring an engine or parts of one, by the names that Debian, Ubuntu, Fedora,
/// RHEL, openEuler, SUSE and Docker itself give them.
pub const ENGINES: [&str; 25] = [
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
    "docker-latest",
    "docker-proxy",
    "docker-runc",
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

/// Asks the host's package manager: who owns each of `paths` (files and links that exist),
/// and which of [`ENGINES`] are installed.
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
    let is_debian = [&os.id]
        .into_iter()
        .chain(&os.id_like)
        .any(|id| matches!(id.as_str(), "debian" | "ubuntu" | "deepin" | "uos"));
    match (rpm, dpkg) {
        (Some(_), true) if is_debian => Database::Dpkg,
        (Some(directory), _) => Database::Rpm(directory),
        (None, true) => Database::Dpkg,
        (None, false) => Database::None,
    }
}

/// What a manager answered if it could not be asked.
fn unknown(manager: PackageManager) -> Packages {
    Packages { manager, ..Packages::default() }
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
}
