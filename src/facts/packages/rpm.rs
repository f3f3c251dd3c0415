//! The rpm database, asked through the `rpm` program: its formats (Berkeley DB, ndb,
//! SQLite) are its own business.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ENGINES, Installed, USERS, key, unknown};
use crate::facts::{PackageManager, Packages, PackagesProblem};
use crate::file_state::FileKind;
use crate::host::{Host, HostError};

const LIMIT: Duration = Duration::from_secs(60);

/// Where the database lies, by age of the distribution.
const DATABASES: [&str; 3] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"];
/// One of these files is in it.
const FILES: [&str; 3] = ["rpmdb.sqlite", "Packages", "Packages.db"];
/// Held while packages are installed or removed.
const LOCK: &str = ".rpm.lock";

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
    // rpm takes an empty file for a database without packages.
    for file in FILES {
        if host.stat(&format!("{directory}/{file}"))?.is_some_and(|state| state.size == 0) {
            return Ok(unknown(PackageManager::Rpm, PackagesProblem::Damaged));
        }
    }
    let merged = host.stat("/bin")?.is_some_and(|state| state.kind == FileKind::Symlink);
    Ok(match answers(host, directory, paths, merged) {
        Err(problem) => unknown(PackageManager::Rpm, problem),
        Ok((installed, owners)) => {
            let busy = host.is_locked(&format!("{directory}/{LOCK}"))?;
            Packages {
                manager: PackageManager::Rpm,
                known: true,
                problem: busy.then_some(PackagesProblem::Busy),
                owners,
                engines: installed.engines,
                users: installed.users,
            }
        }
    })
}

type Owners = BTreeMap<String, String>;

fn answers(
    host: &Host,
    directory: &str,
    paths: &[&str],
    merged: bool,
) -> Result<(Installed, Owners), PackagesProblem> {
    let mut arguments = vec!["-q", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE}\\n", "--"];
    arguments.extend(ENGINES);
    arguments.extend(USERS);
    let installed = parse_installed(&ask(host, directory, &arguments)?);
    if paths.is_empty() {
        return Ok((installed, Owners::new()));
    }
    let mut arguments = vec!["-qf", "--queryformat", "[%{=NAME} %{FILENAMES}\\n]", "--"];
    arguments.extend(paths);
    let owners = parse_owners(paths, merged, &ask(host, directory, &arguments)?);
    Ok((installed, owners))
}

/// rpm's answer. Its exit code only counts the names that it did not find. The directory of
/// the database is named, because rpm's own default is that of the machine on which it runs,
/// not that of an image.
fn ask(host: &Host, directory: &str, arguments: &[&str]) -> Result<String, PackagesProblem> {
    let root = host.root_dir().to_string_lossy();
    let mut argv = vec!["rpm", "--root", &root, "--dbpath", directory];
    argv.extend(arguments);
    let output = host.run(&argv, LIMIT).map_err(|_| PackagesProblem::NoAnswer)?;
    if output.code.is_none() {
        return Err(PackagesProblem::NoAnswer);
    }
    if output.stderr.lines().any(is_damage) {
        Err(PackagesProblem::Damaged)
    } else {
        Ok(output.stdout)
    }
}

/// rpm goes on with what it can still read of a damaged database, and says on stderr that it
/// is. That nothing stands at a path is said there too.
fn is_damage(line: &str) -> bool {
    line.starts_with("error:") && !line.starts_with("error: file ")
}

/// Reads the answer to `rpm -qf --queryformat '[%{=NAME} %{FILENAMES}\n]' PATH…`: each package
/// that owns one of the paths, with all of its files. Lines of another form say that nobody
/// owns a path.
pub fn parse_owners(paths: &[&str], merged: bool, answer: &str) -> BTreeMap<String, String> {
    let mut owners = Owners::new();
    for line in answer.lines() {
        let Some((package, file)) = line.split_once(' ').filter(|(_, file)| file.starts_with('/'))
        else {
            continue;
        };
        for path in paths.iter().filter(|path| key(path, merged) == key(file, merged)) {
            owners.entry((*path).to_owned()).or_insert_with(|| package.to_owned());
        }
    }
    owners
}

/// Reads `NAME VERSION` lines, and leaves out `package … is not installed`.
pub fn parse_installed(answer: &str) -> Installed {
    let mut installed = Installed::default();
    for (name, version) in answer.lines().filter_map(|line| line.split_once(' ')) {
        if !version.contains(' ') {
            installed.add(name, version);
        }
    }
    installed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_of_paths() {
        let paths = ["/usr/bin/runc", "/usr/bin/docker", "/usr/bin/ctr"];
        // docker is owned by nobody, nothing stands at ctr, runc's list names it before /usr
        // was merged.
        let answer = "runc /bin/runc\nrunc /usr/share/doc/runc\n\
                      file /usr/bin/docker is not owned by any package\n\
                      containerd.io /usr/bin/containerd\ncontainerd.io /usr/bin/ctr\n";
        let owners = parse_owners(&paths, true, answer);
        assert_eq!(owners["/usr/bin/runc"], "runc");
        assert_eq!(owners["/usr/bin/ctr"], "containerd.io");
        assert_eq!(owners.len(), 2);
        assert_eq!(parse_owners(&paths, false, answer).len(), 1);
        assert!(parse_owners(&paths, true, "").is_empty());
    }

    #[test]
    fn damage_is_told_from_what_is_not_there() {
        assert!(is_damage("error: cannot open Packages database in /var/lib/rpm"));
        assert!(is_damage(
            "error: sqlite failure: PRAGMA secure_delete = OFF: file is not a database"
        ));
        assert!(!is_damage("error: file /usr/bin/docker: No such file or directory"));
        assert!(!is_damage("warning: Found bdb Packages database while attempting sqlite backend"));
    }

    #[test]
    fn installed_packages() {
        let installed = parse_installed(
            "package docker is not installed\ndocker-ce 28.5.2-1.el9\nrunc 1.2.5-1.el9\n\
             podman 5.2.2-1.el9\npackage moby-engine is not installed\n",
        );
        assert_eq!(installed.users["podman"], "5.2.2-1.el9");
        assert_eq!(installed.engines["docker-ce"], "28.5.2-1.el9");
        assert_eq!(installed.engines.len(), 2);
    }
}
