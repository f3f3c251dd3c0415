//! dpkg's database, read directly.
//!
//! `dpkg-query -S` gives the same answers, but takes 150 to 190 ms on a host with 730
//! packages (it builds its whole file table first), which is most of what a second run of
//! Landfall may take; reading the lists takes a tenth of that. It also works on an image
//! where no dpkg can be run. The files and their formats are those of dpkg(1), "FILES", and
//! have been the same since the nineties: `status`, `diversions`, `info/<package>.list`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Installed, key, unknown};
use crate::facts::{PackageManager, Packages, PackagesProblem};
use crate::file_state::FileKind;
use crate::host::{Host, HostError};

const STATUS: &str = "/var/lib/dpkg/status";
const DIVERSIONS: &str = "/var/lib/dpkg/diversions";
const INFO: &str = "/var/lib/dpkg/info";
/// What an installation that goes on, or was cut, has not written to `status` yet.
const UPDATES: &str = "/var/lib/dpkg/updates";
/// Held by dpkg and its front ends while they work.
const LOCKS: [&str; 2] = ["/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"];

/// `docker` is a dock for old X11 window managers in Debian: not an engine.
const NOT_ENGINES: [&str; 1] = ["docker"];

pub(super) fn is_used(host: &Host) -> Result<bool, HostError> {
    let has_status = host.stat(STATUS)?.is_some_and(|state| state.size > 0);
    // Without a status, but with lists of files: a database that lost a part.
    Ok(has_status || host.read_dir(INFO)?.iter().any(|name| name.ends_with(".list")))
}

pub(super) fn gather(host: &Host, paths: &[&str]) -> Result<Packages, HostError> {
    let status = host.read(STATUS)?.unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let Some(installed) = parse_status(&status) else {
        return Ok(unknown(PackageManager::Dpkg, PackagesProblem::Damaged));
    };
    let diversions = host.read_text(DIVERSIONS)?.unwrap_or_default();
    let merged = host.stat("/bin")?.is_some_and(|state| state.kind == FileKind::Symlink);
    let mut owners = Owners::new(paths, parse_diversions(&diversions), merged);
    if !paths.is_empty() {
        for name in host.read_dir(INFO)? {
            let Some(package) = name.strip_suffix(".list") else { continue };
            if let Some(list) = host.read(&format!("{INFO}/{name}"))? {
                owners.add_list(package.split(':').next().unwrap_or(package), &list);
            }
        }
    }
    Ok(Packages {
        manager: PackageManager::Dpkg,
        known: true,
        problem: problem(host)?,
        owners: owners.finish(),
        engines: installed.engines,
        users: installed.users,
    })
}

fn problem(host: &Host) -> Result<Option<PackagesProblem>, HostError> {
    for lock in LOCKS {
        if host.is_locked(lock)? {
            return Ok(Some(PackagesProblem::Busy));
        }
    }
    let is_cut =
        host.read_dir(UPDATES)?.iter().any(|name| name.starts_with(|c: char| c.is_ascii_digit()));
    Ok(is_cut.then_some(PackagesProblem::Interrupted))
}

/// Reads `status`; `None` if it names no package at all.
pub fn parse_status(text: &str) -> Option<Installed> {
    let mut installed = Installed::default();
    let mut names_any = false;
    for paragraph in text.split("\n\n") {
        let field = |name: &str| {
            paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let Some(package) = field("Package") else { continue };
        names_any = true;
        if NOT_ENGINES.contains(&package) {
            continue;
        }
        // The third word is the state: "config-files" is a package that was removed.
        let state = field("Status").and_then(|status| status.split(' ').nth(2));
        if state.is_some_and(|state| !matches!(state, "not-installed" | "config-files")) {
            installed.add(package, field("Version").unwrap_or_default());
        }
    }
    names_any.then_some(installed)
}

/// A file that one package moved aside from all others (dpkg-divert(1)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// Where the others' file would be.
    pub from: String,
    /// Where it is.
    pub to: String,
    /// The package whose own file stays at `from`; `:` if the administrator moved it, and
    /// no package's stays.
    pub by: String,
}

/// Reads `diversions`: three lines each.
pub fn parse_diversions(text: &str) -> Vec<Diversion> {
    let lines: Vec<&str> = text.lines().collect();
    let (threes, _) = lines.as_chunks::<3>();
    let diversion = |[from, to, by]: &[&str; 3]| Diversion {
        from: (*from).to_owned(),
        to: (*to).to_owned(),
        by: (*by).to_owned(),
    };
    threes.iter().map(diversion).collect()
}

/// Finds the owners of paths while the packages' lists are read.
#[derive(Debug)]
pub struct Owners {
    /// By what a list would call a path: the packages that list it.
    listed: BTreeMap<String, BTreeSet<String>>,
    asked: Vec<String>,
    diversions: Vec<Diversion>,
    merged: bool,
}

impl Owners {
    /// Asks for the owners of `paths`. `merged` says that `/bin`, `/sbin` and `/lib*` are
    /// links into `/usr`, as on all current hosts: then lists may name a path either way.
    pub fn new(paths: &[&str], diversions: Vec<Diversion>, merged: bool) -> Self {
        let asked: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let mut owners = Self { listed: BTreeMap::new(), asked, diversions, merged };
        for path in paths {
            owners.listed.insert(owners.key(path).to_owned(), BTreeSet::new());
        }
        // What was moved to an asked path stands in the lists under its old name.
        let sources: Vec<String> = owners
            .diversions
            .iter()
            .filter(|diversion| owners.listed.contains_key(owners.key(&diversion.to)))
            .map(|diversion| owners.key(&diversion.from).to_owned())
            .collect();
        for source in sources {
            owners.listed.entry(source).or_default();
        }
        owners
    }

    /// Reads the list of one package: one path a line.
    pub fn add_list(&mut self, package: &str, list: &[u8]) {
        for line in list.split(|byte| *byte == b'\n') {
            let Ok(line) = std::str::from_utf8(line) else { continue };
            let key = key(line, self.merged);
            if let Some(packages) = self.listed.get_mut(key) {
                packages.insert(package.to_owned());
            }
        }
    }

    /// Path to owner. Of several owners (which dpkg only has for files that `Replaces` or a
    /// diversion allow) the first by name.
    pub fn finish(self) -> BTreeMap<String, String> {
        let owner = |path: &String| self.owner(path).map(|owner| (path.clone(), owner));
        self.asked.iter().filter_map(owner).collect()
    }

    fn owner(&self, path: &str) -> Option<String> {
        let key = self.key(path);
        if let Some(moved) = self.diversions.iter().find(|moved| self.key(&moved.to) == key) {
            let packages = self.listed.get(self.key(&moved.from))?;
            return packages.iter().find(|package| **package != moved.by).cloned();
        }
        let packages = self.listed.get(key)?;
        match self.diversions.iter().find(|moved| self.key(&moved.from) == key) {
            Some(moved) => packages.get(&moved.by).cloned(),
            None => packages.first().cloned(),
        }
    }

    fn key<'a>(&self, path: &'a str) -> &'a str {
        key(path, self.merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(
        paths: &[&str],
        diversions: &str,
        lists: &[(&str, &str)],
    ) -> BTreeMap<String, String> {
        let mut owners = Owners::new(paths, parse_diversions(diversions), true);
        for (package, list) in lists {
            owners.add_list(package, list.as_bytes());
        }
        owners.finish()
    }

    #[test]
    fn owners_of_files() {
        let found = owners(
            &["/usr/bin/docker", "/usr/sbin/runc", "/usr/bin/ctr"],
            "",
            &[
                ("docker.io", "/.\n/usr\n/usr/bin\n/usr/bin/docker\n/usr/bin/docker-compose\n"),
                ("runc", "/usr/sbin/runc\n"),
            ],
        );
        assert_eq!(found["/usr/bin/docker"], "docker.io");
        assert_eq!(found["/usr/sbin/runc"], "runc");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn merged_usr() {
        let lists = [("old", "/bin/tool\n/lib/systemd/system/docker.service\n")];
        let asked = ["/usr/bin/tool", "/usr/lib/systemd/system/docker.service"];
        assert_eq!(owners(&asked, "", &lists).len(), 2);
        let mut apart = Owners::new(&asked, Vec::new(), false);
        apart.add_list("old", lists[0].1.as_bytes());
        assert!(apart.finish().is_empty());
    }

    #[test]
    fn diversions() {
        let lists =
            [("dash", "/bin/sh\n"), ("other", "/bin/sh\n"), ("docker.io", "/usr/bin/docker\n")];
        let moved = "/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/docker\n/usr/bin/docker.real\n:\n";
        let asked = ["/bin/sh", "/bin/sh.distrib", "/usr/bin/docker", "/usr/bin/docker.real"];
        let found = owners(&asked, moved, &lists);
        assert_eq!(found["/bin/sh"], "dash");
        assert_eq!(found["/bin/sh.distrib"], "other");
        assert_eq!(found["/usr/bin/docker.real"], "docker.io");
        // The administrator moved the package's file aside: what stands there now is theirs.
        assert!(!found.contains_key("/usr/bin/docker"));
    }

    #[test]
    fn installed_engines() {
        let installed = parse_status(
            "Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24+dfsg1-1+deb12u1\n\
             Description: Linux container runtime\n Status: x\n\n\
             Package: runc\nStatus: deinstall ok config-files\nVersion: 1.1.5\n\n\
             Package: docker\nStatus: install ok installed\nVersion: 1.5-2\n\n\
             Package: podman\nStatus: install ok half-configured\nVersion: 4.3.1\n\n\
             Package: bash\nStatus: install ok installed\nVersion: 5.2.15-2+b13\n",
        )
        .unwrap();
        assert_eq!(installed.engines.len(), 1);
        assert_eq!(installed.engines["docker.io"], "20.10.24+dfsg1-1+deb12u1");
        assert_eq!(installed.users["podman"], "4.3.1");
    }

    #[test]
    fn a_status_that_names_no_package_is_damaged() {
        assert!(parse_status("").is_none());
        assert!(parse_status("\u{0}\u{0}\u{0}").is_none());
        assert!(parse_status("Package: bash\nStatus: install ok installed\n").is_some());
    }
}
