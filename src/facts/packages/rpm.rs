//! The rpm database, asked through the `rpm` program: its formats (Berkeley DB, ndb,
//! SQLite) are its own business.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ENGINES, unknown};
use crate::facts::{PackageManager, Packages};
use crate::host::{Host, HostError};

const LIMIT: Duration = Duration::from_secs(60);

/// Where the database lies, by age of the distribution.
const DATABASES: [&str; 3] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"];
/// One of these files is in it.
const FILES: [&str; 3] = ["rpmdb.sqlite", "Packages", "Packages.db"];

/// The directory of the host's rpm database, if it has one.
pub(super) fn database(host: &Host) -> Result<Option<&'static str>, HostError> {
    for directory in DATABASES {
        for file in FILES {
            if host.stat(&format!("{directory}/{file}"))?.is_some() {
                return Ok(Some(directory));
            }
        }
    }
    Ok(None)
}

pub(super) fn gather(host: &Host, directory: &str, paths: &[&str]) -> Result<Packages, HostError> {
    let Some(engines) =
        ask(host, directory, &with_format("-q", "%{NAME} %{VERSION}-%{RELEASE}\\n", &ENGINES))
    else {
        return Ok(unknown(PackageManager::Rpm));
    };
    let Some(owners) = owners(host, directory, paths) else {
        return Ok(unknown(PackageManager::Rpm));
    };
    Ok(Packages {
        manager: PackageManager::Rpm,
        known: true,
        owners,
        engines: parse_installed(&engines),
    })
}

/// One question for all paths; one for each where the answers cannot be told apart.
fn owners(host: &Host, directory: &str, paths: &[&str]) -> Option<BTreeMap<String, String>> {
    if paths.is_empty() {
        return Some(BTreeMap::new());
    }
    let question = |paths: &[&str]| ask(host, directory, &with_format("-qf", "%{NAME}\\n", paths));
    if let Some(owners) = parse_owners(paths, &question(paths)?) {
        return Some(owners);
    }
    let mut owners = BTreeMap::new();
    for path in paths {
        let answer = question(&[path])?;
        if let Some(package) = answer.lines().find_map(package_name) {
            owners.insert((*path).to_owned(), package.to_owned());
        }
    }
    Some(owners)
}

fn with_format<'a>(mode: &'a str, format: &'a str, names: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec![mode, "--queryformat", format, "--"];
    arguments.extend(names);
    arguments
}

/// rpm's answer, or `None` if it cannot be run. Its exit code only counts the names that it
/// did not find. The directory of the database is named, because rpm's own default is that
/// of the machine on which it runs, not that of an image.
fn ask(host: &Host, directory: &str, arguments: &[&str]) -> Option<String> {
    let root = host.root_dir().to_string_lossy();
    let mut argv = vec!["rpm", "--root", &root, "--dbpath", directory];
    argv.extend(arguments);
    host.run(&argv, LIMIT).ok().filter(|output| output.code.is_some()).map(|output| output.stdout)
}

/// Reads the answer to `rpm -qf --queryformat '%{NAME}\n' PATH…`: one line a path, in their
/// order. `None` if there are more (a file that two packages share) or fewer (one that is
/// gone, which is said on stderr), so that it is not clear which line is whose.
pub fn parse_owners(paths: &[&str], answer: &str) -> Option<BTreeMap<String, String>> {
    let lines: Vec<&str> = answer.lines().collect();
    let owners = paths
        .iter()
        .zip(&lines)
        .filter_map(|(path, line)| Some(((*path).to_owned(), package_name(line)?.to_owned())));
    (lines.len() == paths.len()).then(|| owners.collect())
}

/// A package's name holds no space; `file … is not owned by any package` does.
fn package_name(line: &str) -> Option<&str> {
    (!line.is_empty() && !line.contains(' ')).then_some(line)
}

/// Reads `NAME VERSION` lines, and leaves out `package … is not installed`.
pub fn parse_installed(answer: &str) -> BTreeMap<String, String> {
    answer
        .lines()
        .filter_map(|line| {
            let (name, version) = line.split_once(' ')?;
            (!version.contains(' ')).then(|| (name.to_owned(), version.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_in_the_order_of_the_paths() {
        let paths = ["/usr/bin/runc", "/usr/bin/docker", "/usr/bin/ctr"];
        let answer = "runc\nfile /usr/bin/docker is not owned by any package\ncontainerd.io\n";
        let owners = parse_owners(&paths, answer).unwrap();
        assert_eq!(owners["/usr/bin/runc"], "runc");
        assert_eq!(owners["/usr/bin/ctr"], "containerd.io");
        assert_eq!(owners.len(), 2);
    }

    #[test]
    fn answers_that_cannot_be_told_apart() {
        assert_eq!(parse_owners(&["/a", "/b"], "one\ntwo\nthree\n"), None);
        assert_eq!(parse_owners(&["/a", "/b"], "one\n"), None);
        assert_eq!(parse_owners(&[], ""), Some(BTreeMap::new()));
    }

    #[test]
    fn installed_packages() {
        let installed = parse_installed(
            "package docker is not installed\ndocker-ce 28.5.2-1.el9\nrunc 1.2.5-1.el9\n\
             package moby-engine is not installed\n",
        );
        assert_eq!(installed["docker-ce"], "28.5.2-1.el9");
        assert_eq!(installed.len(), 2);
    }
}
