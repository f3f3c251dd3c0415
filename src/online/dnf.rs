//! What dnf(8), yum(8) and rpm(8) are asked, and how their answers are read.

use std::collections::BTreeMap;

use super::{Transaction, Versions};

/// What rpm is asked about installed packages: name and version as [`Versions`] has them.
pub const QUERY: &str = "%{NAME}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\\n";

/// A package as dnf and yum take it: `docker-ce-3:28.5.2-1.el9.x86_64`.
pub fn spec(name: &str, version: &str) -> String {
    format!("{name}-{version}")
}

/// Reads what rpm answers to [`QUERY`]; lines that name a package which is not installed are
/// passed over.
pub fn parse_installed(answer: &str) -> Versions {
    let pairs = answer.lines().filter_map(|line| line.split_once('\t'));
    pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

/// Reads `list --showduplicates`: name with architecture, version, repository; a long line is
/// broken in two.
pub fn parse_offered(answer: &str, repository: &str) -> BTreeMap<String, Vec<String>> {
    let words: Vec<&str> = answer.split_whitespace().collect();
    let mut offered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for three in words.windows(3) {
        let [package, version, from] = three else { continue };
        if *from != repository {
            continue;
        }
        if let Some((name, arch)) = package.rsplit_once('.') {
            let version = format!("{}.{arch}", with_epoch(version));
            offered.entry(name.to_owned()).or_default().push(version);
        }
    }
    offered
}

/// No epoch is epoch 0.
fn with_epoch(version: &str) -> String {
    if version.contains(':') { version.to_owned() } else { format!("0:{version}") }
}

/// What happens to the packages of a part of dnf's table.
#[derive(Clone, Copy)]
enum Part {
    Comes,
    Goes,
    Other,
}

/// The parts of dnf's table, by what stands above them.
fn part(line: &str) -> Option<Part> {
    let title = line.strip_suffix(':').filter(|_| !line.starts_with(' '))?;
    Some(match title {
        _ if title.starts_with("Installing") || title.starts_with("Upgrading") => Part::Comes,
        "Updating" | "Updating for dependencies" | "Downgrading" | "Reinstalling" => Part::Comes,
        _ if title.starts_with("Removing") => Part::Goes,
        _ => Part::Other,
    })
}

/// Reads the table that `--assumeno` ends with; `installed` are the versions of before. `None`: dnf
/// made no plan, and says why elsewhere.
pub fn parse_simulated(answer: &str, installed: &Versions) -> Option<Transaction> {
    let mut transaction = Transaction::default();
    if answer.lines().any(|line| line.trim() == "Nothing to do." || line == "Nothing to do") {
        return Some(transaction);
    }
    let begin = answer.find("Dependencies resolved").or_else(|| answer.find("\nInstalling:"))?;
    let table = &answer[begin..];
    let table = &table[..table.find("\nTransaction Summary")?];
    let mut words: Vec<&str> = Vec::new();
    let mut at = Part::Other;
    for line in table.lines() {
        if let Some(next) = part(line) {
            take(&mut transaction, at, &mut words, installed);
            at = next;
        } else {
            words.extend(line.split_whitespace());
        }
    }
    take(&mut transaction, at, &mut words, installed);
    Some(transaction)
}

/// Units of sizes, of dnf 4 and of dnf 5.
const UNITS: [&str; 8] = ["k", "M", "G", "T", "B", "KiB", "MiB", "GiB"];

/// Packages: name, architecture, version, repository, size, unit; the unit may be missing. What a
/// package takes the place of stands behind it.
fn take(transaction: &mut Transaction, part: Part, words: &mut Vec<&str>, installed: &Versions) {
    let mut rest = words.as_slice();
    while let Some(first) = rest.first() {
        if *first == "replacing" {
            let Some(name) = rest.get(1).map(|name| name.rsplit_once('.').map_or(*name, |it| it.0))
            else {
                break;
            };
            let version = installed.get(name).cloned().unwrap_or_default();
            transaction.remove.insert(name.to_owned(), version);
            rest = &rest[3.min(rest.len())..];
            continue;
        }
        let [name, arch, version, _repository, _size, ..] = rest else { break };
        let version = format!("{}.{arch}", with_epoch(version));
        match (part, installed.get(*name)) {
            (Part::Comes, None) => {
                transaction.install.insert((*name).to_owned(), version);
            }
            (Part::Comes, Some(old)) => {
                transaction.change.insert((*name).to_owned(), (old.clone(), version));
            }
            (Part::Goes, _) => {
                transaction.remove.insert((*name).to_owned(), version);
            }
            (Part::Other, _) => {}
        }
        rest = &rest[5..];
        if rest.first().is_some_and(|word| UNITS.contains(word)) {
            rest = &rest[1..];
        }
    }
    words.clear();
}

/// Why dnf made no plan: what stands behind `Error:`.
pub fn reason(output: &str) -> Option<String> {
    let at = output.rfind("Error:")?;
    let lines = output[at..].trim_start_matches("Error:").lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('('));
    let text = lines.collect::<Vec<_>>().join("; ");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
Last metadata expiration check: 0:00:01 ago.
Dependencies resolved.
================================================================================
 Package           Arch       Version                 Repository           Size
================================================================================
Installing:
 containerd.io     x86_64     1.6.20-1.el9            landfall-docker      34 M
     replacing  runc.noarch 4:1.2.5-1.el9
 docker-ce         x86_64     3:20.10.24-1.el9        landfall-docker      27 M
Upgrading:
 docker-ce-cli     x86_64     1:20.10.24-1.el9        landfall-docker      15 M
Installing dependencies:
 a-package-with-a-very-long-name-that-does-not-fit
                   x86_64     2.8-1.el9               landfall-docker     6.0 k
Removing dependent packages:
 podman-docker     noarch     5.2.2-1.el9             @System              35  

Transaction Summary
================================================================================
Install  4 Packages
Operation aborted.
";

    fn installed() -> Versions {
        parse_installed(
            "runc\t4:1.2.5-1.el9.noarch\npackage docker-ce is not installed\n\
             docker-ce-cli\t1:20.10.5-1.el9.x86_64\n",
        )
    }

    #[test]
    fn the_table_of_a_transaction() {
        let done = parse_simulated(TABLE, &installed()).unwrap();
        assert_eq!(done.install["docker-ce"], "3:20.10.24-1.el9.x86_64");
        assert_eq!(done.install["containerd.io"], "0:1.6.20-1.el9.x86_64");
        let long = "a-package-with-a-very-long-name-that-does-not-fit";
        assert_eq!(done.install[long], "0:2.8-1.el9.x86_64");
        let (from, to) = &done.change["docker-ce-cli"];
        assert_eq!(from, "1:20.10.5-1.el9.x86_64");
        assert_eq!(to, "1:20.10.24-1.el9.x86_64");
        assert_eq!(done.remove["runc"], "4:1.2.5-1.el9.noarch");
        assert_eq!(done.remove["podman-docker"], "0:5.2.2-1.el9.noarch");
        assert_eq!((done.install.len(), done.change.len(), done.remove.len()), (3, 1, 2));
    }

    #[test]
    fn no_plan_and_why() {
        let nothing = "Dependencies resolved.\nNothing to do.\nComplete!\n";
        assert_eq!(parse_simulated(nothing, &installed()), Some(Transaction::default()));
        let error = "Error: \n Problem: package docker-ce conflicts with podman-docker\n  - conflicting requests\n(try to add '--allowerasing')\n";
        assert_eq!(parse_simulated(error, &installed()), None);
        let why = "Problem: package docker-ce conflicts with podman-docker; - conflicting requests";
        assert_eq!(reason(error).as_deref(), Some(why));
        assert_eq!(reason("all is well"), None);
    }

    #[test]
    fn what_is_offered() {
        let answer = "Installed Packages\ndocker-ce.x86_64   3:20.10.5-1.el9   @landfall-docker\nAvailable Packages\ncontainerd.io.x86_64              1.4.13-1.el9                   landfall-docker\ndocker-ce.x86_64                  3:20.10.5-1.el9                landfall-docker\ndocker-ce.x86_64\n                                  3:20.10.24-1.el9               landfall-docker\ndocker-ce.x86_64 3:99 other\n";
        let offered = parse_offered(answer, "landfall-docker");
        assert_eq!(offered["containerd.io"], ["0:1.4.13-1.el9.x86_64"]);
        assert_eq!(offered["docker-ce"], ["3:20.10.5-1.el9.x86_64", "3:20.10.24-1.el9.x86_64"]);
        assert_eq!(offered.len(), 2);
    }
}
