//! Whether packages can be installed on a host: facts and what the manager would do become findings,
//! by pure functions.

use super::{Manager, OPTIONAL, Offer, OnlineSight, REQUIRED};
use crate::desired::UNIT_DIR;
use crate::facts::Facts;
use crate::facts::distribution::Quirk;
use crate::file_state::FileKind;
use crate::preflight::{Code, Finding, Seen, Severity};
use crate::receipt::Receipt;
use crate::topology::ALL_UNITS;

/// The oldest apt that takes a key as text in a file of its own.
const OLDEST_APT: (u32, u32) = (1, 4);

fn error(sight: OnlineSight) -> Finding {
    Finding::error(Seen::Online(sight))
}

/// What can be said before a mirror is asked: `apt` is apt's version, `lock` whether versions can be
/// locked, where that is asked for.
pub fn before(facts: &Facts, apt: Option<(u32, u32)>, lock: Option<bool>) -> Vec<Finding> {
    let distribution = facts.os.shown().to_owned();
    let known = facts.distribution();
    let manager = facts.front_end().and_then(Manager::of);
    let mut findings = Vec::new();
    if known.and_then(|known| known.docker_ce).is_none() || manager.is_none() {
        findings.push(error(OnlineSight::NoPackages { distribution: distribution.clone() }));
    }
    if known.is_some_and(|known| known.quirks.contains(&Quirk::NoNewDockerCe)) {
        let sight = OnlineSight::PackagesOld { distribution };
        findings.push(Finding::warning(Seen::Online(sight)));
    }
    if let Some((major, minor)) = apt.filter(|apt| *apt < OLDEST_APT) {
        findings.push(error(OnlineSight::AptTooOld { version: format!("{major}.{minor}") }));
    }
    if lock == Some(false) {
        let program = manager.map_or("dnf", Manager::program);
        let package = match manager {
            Some(Manager::Yum) => "yum-plugin-versionlock",
            _ => "python3-dnf-plugin-versionlock",
        };
        let install = format!("{program} install {package}");
        findings.push(error(OnlineSight::LockMissing { install }));
    }
    findings
}

/// Whether a finding of an installation from an archive says something about packages too. What it
/// says of packages and of the engine that runs is decided by [`after`], which knows more.
pub fn applies(finding: &Finding) -> bool {
    if let Seen::TargetKind { path, .. } = &finding.seen {
        // A link to a program, of a package perhaps: the manager knows what to do with it.
        return !path.starts_with("/usr/bin/");
    }
    !matches!(
        finding.code,
        Code::EnginePackages
            | Code::PackagesNeeded
            | Code::EngineRunning
            | Code::TargetOwned
            | Code::TargetUnowned
            | Code::HelperPrograms
            | Code::IptablesMissing
    )
}

/// What can be said once it is known what the manager would do. `found` are the findings that do not
/// apply as they are, see [`applies`].
pub fn after(
    facts: &Facts,
    offer: &Offer,
    receipt: Option<&Receipt>,
    replace: bool,
    found: &[Finding],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !offer.passed.is_empty() {
        let mirrors = offer.passed.iter().map(ToString::to_string).collect();
        let sight = OnlineSight::MirrorsPassed { mirrors, used: offer.site.to_string() };
        findings.push(Finding::warning(Seen::Online(sight)));
    }
    let goes = &offer.transaction.remove;
    if !goes.is_empty() {
        let packages = goes.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let sight = OnlineSight::PackagesInTheWay { packages, replaced: replace };
        let finding = Seen::Online(sight);
        findings.push(if replace { Finding::warning(finding) } else { Finding::error(finding) });
    }
    let ours = |name: &str| REQUIRED.contains(&name) || OPTIONAL.contains(&name);
    // Other packages of an engine that the manager would leave beside it.
    for finding in found {
        if let Seen::EnginePackages { packages, .. } = &finding.seen {
            let stays = packages.iter().any(|name| !ours(name) && !goes.contains_key(name));
            let beside = stays && finding.severity == Severity::Error;
            findings.extend(beside.then(|| finding.clone()));
        }
    }
    let packaged = facts.packages.engines.keys().any(|name| ours(name) || goes.contains_key(name));
    let known = receipt.is_some_and(|receipt| receipt.packages().is_some());
    if !packaged && !known {
        let runs = found.iter().filter(|finding| finding.code == Code::EngineRunning);
        findings.extend(runs.cloned());
    }
    findings.extend(files_in_the_way(facts));
    findings
}

/// Programs and units that nobody owns: packages would overwrite the ones, and be hidden by the
/// others.
fn files_in_the_way(facts: &Facts) -> Option<Finding> {
    let units = ALL_UNITS.map(|unit| format!("{UNIT_DIR}/{unit}"));
    let programs = crate::bundle::program_names().map(|name| format!("/usr/bin/{name}"));
    let nobodys = |path: &String| {
        !facts.packages.owners.contains_key(path)
            && facts.files.get(path).is_some_and(|file| file.state.kind == FileKind::File)
    };
    let paths: Vec<String> = units.into_iter().chain(programs).filter(nobodys).collect();
    (!paths.is_empty()).then(|| error(OnlineSight::FilesInTheWay { paths }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::facts::OsRelease;
    use crate::mirrors;
    use crate::online::{Index, Passed, Repository, RepositoryFile, Transaction, Versions, Why};
    use crate::texts::findings::{text, typed::can_be_typed};

    fn facts(id: &str, version: &str, manager: &str) -> Facts {
        let mut facts: Facts =
            serde_json::from_str(include_str!("../../tests/facts/bookworm.json")).unwrap();
        facts.os = OsRelease {
            id: id.to_owned(),
            version_id: version.to_owned(),
            pretty_name: format!("{id} {version}"),
            ..OsRelease::default()
        };
        facts.programs.retain(|name, _| name != "apt-get");
        facts.programs.insert(manager.to_owned(), format!("/usr/bin/{manager}"));
        facts
    }

    fn offer() -> Offer {
        let file = |path: &str| RepositoryFile { path: path.to_owned(), text: String::new() };
        Offer {
            site: mirrors::site("tuna").unwrap(),
            manager: Manager::Apt,
            index: Index { directory: "/lists".to_owned(), prefix: "x".to_owned() },
            repository: Repository {
                source: file("/s"),
                key: file("/k"),
                authority: Vec::new(),
                login: Vec::new(),
            },
            version: "28.5.2".to_owned(),
            packages: Versions::new(),
            transaction: Transaction::default(),
            passed: Vec::new(),
        }
    }

    fn codes(findings: &[Finding]) -> Vec<String> {
        for finding in findings {
            let words = text(finding);
            assert!(!words.title.is_empty() && !words.seen.is_empty(), "{finding:?}");
            assert!(!words.why.is_empty(), "{finding:?}");
            assert!(can_be_typed(&words.fix), "{finding:?}: {}", words.fix);
        }
        findings.iter().map(|finding| finding.code.to_string()).collect()
    }

    #[test]
    fn hosts_that_packages_cannot_come_to() {
        let of = |id, version, manager, apt, lock| {
            codes(&before(&facts(id, version, manager), apt, lock))
        };
        assert_eq!(of("debian", "12", "apt-get", Some((2, 6)), None), [""; 0]);
        assert_eq!(of("amzn", "2023", "dnf", None, None), ["LF210"]);
        assert_eq!(of("sles", "15", "zypper", None, None), ["LF210"]);
        assert_eq!(of("unheard-of", "1", "dnf", None, None), ["LF210"]);
        assert_eq!(of("centos", "7", "yum", None, Some(false)), ["LF211", "LF216"]);
        assert_eq!(of("debian", "12", "apt-get", Some((1, 2)), None), ["LF212"]);
        assert_eq!(of("centos", "9", "dnf", None, Some(false)), ["LF216"]);
        assert_eq!(of("centos", "9", "dnf", None, Some(true)), [""; 0]);
    }

    #[test]
    fn what_is_in_the_way() {
        let mut facts = facts("debian", "12", "apt-get");
        let mut offer = offer();
        assert_eq!(codes(&after(&facts, &offer, None, false, &[])), [""; 0]);
        offer.transaction.remove.insert("runc".to_owned(), "1.1.5".to_owned());
        let refused = after(&facts, &offer, None, false, &[]);
        assert_eq!(codes(&refused), ["LF213"]);
        assert_eq!(refused[0].severity, Severity::Error);
        assert!(text(&refused[0]).seen.contains("runc 1.1.5"));
        let allowed = after(&facts, &offer, None, true, &[]);
        assert_eq!(
            (codes(&allowed), allowed[0].severity),
            (vec!["LF213".to_owned()], Severity::Warning)
        );
        let site = mirrors::site("official").unwrap();
        offer.passed = vec![Passed { site, why: Why::Lacks("docker-ce") }];
        offer.transaction = Transaction::default();
        assert_eq!(codes(&after(&facts, &offer, None, true, &[])), ["LF215"]);
        offer.passed.clear();
        // Somebody has put one there by hand.
        let mut file = facts.files.values().next().cloned().unwrap();
        file.state.kind = FileKind::File;
        facts.files.insert("/usr/bin/dockerd".to_owned(), file);
        assert_eq!(codes(&after(&facts, &offer, None, true, &[])), ["LF214"]);
        let owner = ("/usr/bin/dockerd".to_owned(), "docker-ce".to_owned());
        facts.packages.owners = BTreeMap::from([owner]);
        assert_eq!(codes(&after(&facts, &offer, None, true, &[])), [""; 0]);
    }

    #[test]
    fn other_engines_are_named_unless_they_go() {
        let facts = facts("debian", "12", "apt-get");
        let mut offer = offer();
        let packages = vec!["docker.io".to_owned()];
        let engine = Finding::error(Seen::EnginePackages {
            packages,
            manager: crate::facts::PackageManager::Dpkg,
            remove: "apt-get remove docker.io".to_owned(),
        });
        assert!(!applies(&engine));
        let found = [engine];
        assert_eq!(codes(&after(&facts, &offer, None, true, &found)), ["LF030"]);
        offer.transaction.remove.insert("docker.io".to_owned(), "20.10".to_owned());
        assert_eq!(codes(&after(&facts, &offer, None, true, &found)), ["LF213"]);
    }
}
