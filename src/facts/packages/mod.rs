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
    let aliases = aliases(host, paths)?;
    let asked: Vec<&str> =
        paths.iter().copied().chain(aliases.iter().map(|(_, real)| real.as_str())).collect();
    let mut packages = match choose(os, rpm::database(host)?, dpkg::is_used(host)?) {
        Database::Dpkg => dpkg::gather(host, &asked)?,
        Database::Rpm(directory) => rpm::gather(host, directory, &asked)?,
        Database::None => return Ok(Packages::default()),
    };
    packages.owners = by_asked_path(packages.owners, paths, &aliases);
    Ok(packages)
}

/// Those of `paths` that lead through a link of the host, such as `/usr/sbin` where it is
/// `/usr/bin`, and the name by which a package knows the same file.
fn aliases<'a>(host: &Host, paths: &[&'a str]) -> Result<Vec<(&'a str, String)>, HostError> {
    let root = host.root_dir().to_string_lossy();
    let root = root.trim_end_matches('/');
    let mut reals: BTreeMap<&str, Option<String>> = BTreeMap::new();
    let mut aliases = Vec::new();
    for path in paths {
        let Some((directory, name)) = path.rsplit_once('/').filter(|(above, _)| !above.is_empty())
        else {
            continue;
        };
        if !reals.contains_key(directory) {
            reals.insert(directory, host.real_path(directory)?);
        }
        let real = reals.get(directory).and_then(Option::as_deref);
        if let Some(real) = real.and_then(|real| real.strip_prefix(root))
            && real != directory
        {
            aliases.push((*path, format!("{real}/{name}")));
        }
    }
    Ok(aliases)
}

/// The owners of all names, as those of the paths that were asked for.
fn by_asked_path(
    owners: BTreeMap<String, String>,
    paths: &[&str],
    aliases: &[(&str, String)],
) -> BTreeMap<String, String> {
    let names = paths.iter().map(|path| (*path, *path));
    let names = names.chain(aliases.iter().map(|(path, real)| (*path, real.as_str())));
    let mut by_path = BTreeMap::new();
    for (path, name) in names {
        if let Some(owner) = owners.get(name) {
            by_path.entry(path.to_owned()).or_insert_with(|| owner.clone());
        }
    }
    by_path
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
    use crate::steps::testing::Bed;

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
    fn an_owner_is_found_behind_a_link() {
        let bed = Bed::new(&["usr/bin", "opt", "var/lib/dpkg/info"]);
        bed.host.create_link("/usr/sbin", "bin").unwrap();
        bed.write("/var/lib/dpkg/status", "Package: runc\nStatus: install ok installed\n");
        bed.write("/var/lib/dpkg/info/runc.list", "/usr/bin\n/usr/bin/runc\n");
        let asked = ["/usr/sbin/runc", "/opt/runc", "/nowhere/runc"];
        let found = gather(&bed.host, &OsRelease::default(), &asked).unwrap();
        let owner = ("/usr/sbin/runc".to_owned(), "runc".to_owned());
        assert_eq!(found.owners, BTreeMap::from([owner]));
    }

    #[test]
    fn the_tables_are_sorted() {
        assert!(ENGINES.is_sorted() && USERS.is_sorted());
    }
}
