//! Each case changes one thing of a healthy host and names the findings that follow.

mod configuration;
mod engines;
mod hardened;
mod migrate;
mod network;
mod programs;
mod registries;
mod security;
mod space;
mod system;
mod upgrade;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::bundle::{ElfInfo, Entry, Machine, Role, VersionNeed};
use crate::desired::{GroupWanted, Source};
use crate::digest::Digest;
use crate::facts::FileFact;
use crate::facts::data::DataFacts;
use crate::file_state::{FileKind, FileState};
use crate::plan;
use crate::texts::findings::text;
use crate::unit_state::UnitState;

/// A healthy host, an archive that fits it, and what is asked for.
struct World {
    desired: Desired,
    facts: Facts,
    owned: BTreeSet<String>,
    expected: Option<u64>,
    archive: Archive,
    /// The version that Landfall installed here.
    installed: Option<&'static str>,
    /// The data that shall be moved, and where to.
    data: Option<DataFacts>,
    /// Keys that are taken out of daemon.json, where nothing else changes.
    gone: Option<BTreeSet<&'static str>>,
}

fn world() -> World {
    let facts: Facts =
        serde_json::from_str(include_str!("../../../tests/facts/bookworm.json")).unwrap();
    let desired = Desired {
        source: Source {
            agreed: None,
            archive: PathBuf::from("/root/docker-28.5.2.tgz"),
            sha256: None,
            allow_unpinned: false,
            trusted_keys: Vec::new(),
            require_signature: false,
            online: None,
        },
        bin_dir: "/usr/bin".to_owned(),
        group: GroupWanted {
            name: "docker".to_owned(),
            gid: None,
            members: vec!["www-data".to_owned()],
        },
        unit_style: None,
        daemon: serde_json::Map::new(),
        images: Vec::new(),
        smoke_test: true,
        confirm_within: None,
        watch: None,
        proxy: None,
        registries: Vec::new(),
        kernel: Default::default(),
        ignore: Vec::new(),
    };
    let elf = ElfInfo {
        machine: Machine::X86_64,
        interpreter: None,
        needed: Vec::new(),
        version_needs: Vec::new(),
        dependencies_known: true,
    };
    let program = |name: &str, role| Entry {
        name: name.to_owned(),
        role,
        sha256: Digest::of(name.as_bytes()),
        size: 100 << 20,
        mode: 0o755,
        elf: elf.clone(),
    };
    let archive = Archive {
        sha256: Digest::of(b"archive"),
        size: 70 << 20,
        unpacked: 200 << 20,
        newest_mtime: facts.now - 1000,
        bundled: None,
        entries: vec![program("dockerd", Role::Daemon), program("runc", Role::Runtime)],
    };
    World {
        desired,
        facts,
        owned: BTreeSet::new(),
        expected: Some(200 << 20),
        archive,
        installed: None,
        data: None,
        gone: None,
    }
}

impl World {
    fn findings(&self) -> Vec<Finding> {
        if let Some(data) = &self.data {
            return check_migration(&self.desired, &self.facts, &self.owned, data);
        }
        if let Some(gone) = &self.gone {
            return check_settings(&self.desired, &self.facts, &self.owned, gone);
        }
        let layout = self.version().is_none().then(|| self.archive.layout());
        let expected = Expected { unpacked: self.expected, layout };
        let mut found = check(&self.desired, &self.facts, &self.owned, expected);
        let installed = self.installed;
        found.extend(check_upgrade(&self.desired, &self.facts, &self.owned, installed));
        found.extend(check_archive(&self.desired, &self.facts, &self.owned, &self.archive));
        // What is refused before gets no plan.
        if !found.iter().any(|finding| finding.code == Code::TargetOwned) {
            let more: Vec<Finding> =
                self.of_plan().into_iter().filter(|finding| !found.contains(finding)).collect();
            found.extend(more);
        }
        found
    }

    fn version(&self) -> Option<String> {
        version_from_name(&self.desired.source.archive.to_string_lossy())
    }

    /// What is found in the plan that is made here, where one can be made.
    fn of_plan(&self) -> Vec<Finding> {
        let plan = plan::make(&plan::Inputs {
            desired: &self.desired,
            facts: &self.facts,
            archive: &self.archive,
            version: self.version().as_deref(),
            staging: &self.desired.bin_dir,
            images: &[],
            receipt: None,
        });
        let steps = plan.map(|plan| plan.steps).unwrap_or_default();
        check_plan(&self.desired, &self.facts, &self.owned, &self.archive, &steps)
    }

    fn set(&mut self, key: &str, value: Value) {
        self.desired.daemon.insert(key.to_owned(), value);
    }

    fn put(&mut self, path: &str, kind: FileKind) -> &mut FileFact {
        let state = FileState {
            kind,
            mode: 0o755,
            uid: 0,
            gid: 0,
            size: 50 << 20,
            mtime: 0,
            xattrs: std::collections::BTreeMap::new(),
            target: (kind == FileKind::Symlink).then(|| "/dev/null".to_owned()),
        };
        let sha256 = (kind == FileKind::File).then(|| Digest::of(b"another"));
        self.facts.files.insert(path.to_owned(), FileFact { state, sha256, text: None });
        self.facts.files.get_mut(path).unwrap()
    }

    fn unit(&mut self, name: &str, load: &str, active: &str, fragment: &str) {
        let state = UnitState {
            load: load.to_owned(),
            active: active.to_owned(),
            fragment: Some(fragment.to_owned()),
            ..UnitState::default()
        };
        self.facts.units.insert(name.to_owned(), state);
    }

    fn own(&mut self, path: &str, package: &str) {
        self.put(path, FileKind::File);
        self.facts.packages.owners.insert(path.to_owned(), package.to_owned());
    }

    fn file_system(&mut self, path: &str) -> &mut crate::facts::FileSystemFact {
        self.facts.file_systems.get_mut(path).unwrap()
    }

    fn dynamic(&mut self, needed: &[&str], versions: &[(&str, &str)]) {
        let elf = &mut self.archive.entries[0].elf;
        elf.interpreter = Some("/lib64/ld-linux-x86-64.so.2".to_owned());
        elf.needed = needed.iter().map(|name| (*name).to_owned()).collect();
        let need = |(library, version): &(&str, &str)| VersionNeed {
            library: (*library).to_owned(),
            version: (*version).to_owned(),
        };
        elf.version_needs = versions.iter().map(need).collect();
    }
}

/// What a healthy host has beside errors: programs that are no part of a minimal Debian.
const HEALTHY: [&str; 1] = ["note LF056"];

#[test]
fn a_healthy_host_has_no_errors() {
    assert_eq!(shown(&world().findings()), HEALTHY);
}

/// Each finding as `error LF001`.
pub(crate) fn shown(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|finding| {
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            format!("{severity} {}", finding.code)
        })
        .collect()
}

type Change = fn(&mut World);

/// What is changed, how, and which findings come of it.
type Case = (&'static str, Change, &'static [&'static str]);

fn cases() -> impl Iterator<Item = &'static Case> {
    [
        system::CASES,
        space::CASES,
        engines::CASES,
        programs::CASES,
        network::CASES,
        registries::CASES,
        security::CASES,
        hardened::CASES,
        upgrade::CASES,
        migrate::CASES,
        configuration::CASES,
    ]
    .into_iter()
    .flatten()
}

#[test]
fn one_change_each() {
    let mut failed = Vec::new();
    for (name, change, expected) in cases() {
        let mut world = world();
        change(&mut world);
        let mut found = shown(&world.findings());
        found.retain(|line| !HEALTHY.contains(&line.as_str()));
        if found != *expected {
            failed.push(format!("{name}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Codes that no case can bring about: no engine in the catalogue has an upper bound.
const UNREACHED: [Code; 1] = [Code::KernelTooNew];

#[test]
fn every_code_has_a_case_and_words() {
    let mut seen = BTreeSet::new();
    let mut advice = Vec::new();
    for (name, change, _) in cases() {
        let mut world = world();
        change(&mut world);
        for finding in world.findings() {
            let words = text(&finding);
            assert!(!words.title.is_empty() && !words.seen.is_empty(), "{name}: {finding:?}");
            assert!(!words.why.is_empty(), "{name}: {finding:?}");
            let needs_fix = finding.severity != Severity::Note;
            if needs_fix && !crate::texts::findings::typed::can_be_typed(&words.fix) {
                advice.push(format!("{name}: {}", words.fix));
            }
            seen.insert(finding.code);
        }
    }
    assert!(advice.is_empty(), "nobody can type {advice:#?}");
    let missing: Vec<&Code> = Code::ALL
        .iter()
        .filter(|code| !code.is_doctors() && !code.is_of_registries() && !code.is_of_packages())
        .filter(|code| !seen.contains(code) && !UNREACHED.contains(code))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn an_image_is_not_judged_by_the_kernel_that_runs_now() {
    let mut world = world();
    world.facts.live = false;
    world.facts.kernel = crate::facts::Kernel::default();
    world.facts.cgroups = crate::facts::Cgroups::default();
    world.facts.systemd.as_mut().unwrap().running = false;
    world.facts.iptables = None;
    assert_eq!(shown(&world.findings()), [""; 0]);
}

#[test]
fn ignored_codes_do_not_block() {
    let mut world = world();
    world.facts.uid = 1000;
    world.facts.programs.remove("iptables");
    let found = world.findings();
    let codes = |ignore: &[&str]| -> Vec<Code> {
        let ignore: Vec<String> = ignore.iter().map(|code| (*code).to_owned()).collect();
        blocking(&found, &ignore).iter().map(|finding| finding.code).collect()
    };
    assert_eq!(codes(&[]), [Code::Root, Code::IptablesMissing]);
    assert_eq!(codes(&["lf018", "LF999"]), [Code::Root]);
    // Going on without root is bound to fail.
    assert_eq!(codes(&["LF001"]), [Code::Root, Code::IptablesMissing]);
}

#[test]
fn codes_are_text_in_json() {
    let finding = Finding::error(Seen::GidTaken {
        gid: 33,
        group: "www-data".into(),
        wanted_for: "docker".into(),
    });
    let json = serde_json::to_value(&finding).unwrap();
    let expected = json!({
        "code": "LF051", "severity": "error",
        "seen": {"kind": "gid_taken", "gid": 33, "group": "www-data", "wanted_for": "docker"},
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<Finding>(json).unwrap(), finding);
    assert_eq!("LF051".parse(), Ok(Code::GidTaken));
    assert!("LF007".parse::<Code>().is_err());
}

#[test]
fn packages_are_removed_with_the_hosts_own_front_end() {
    let fix = |front_end: Option<&str>| {
        let mut world = world();
        world.facts.packages.engines.insert("docker.io".into(), "20.10.24".into());
        world.facts.packages.engines.insert("containerd".into(), "1.6.20".into());
        world.facts.programs.remove("apt-get");
        if let Some(name) = front_end {
            world.facts.programs.insert(name.into(), format!("/usr/bin/{name}"));
        }
        let found = world.findings();
        let finding = found.iter().find(|finding| finding.code == Code::EnginePackages).unwrap();
        text(finding).fix
    };
    let starts = |front_end, start: &str| {
        let fix = fix(front_end);
        assert!(fix.starts_with(start), "{fix}");
    };
    starts(Some("apt-get"), "apt-get remove containerd docker.io ");
    starts(Some("dnf"), "dnf remove containerd docker.io ");
    starts(None, "dpkg --remove containerd docker.io ");
}

#[test]
fn what_others_need_is_never_told_to_be_removed() {
    let mut world = world();
    world.facts.packages.engines.insert("runc".into(), "1.2.5".into());
    world.facts.packages.users.insert("podman".into(), "5.2.2".into());
    world.own("/usr/bin/runc", "runc");
    for finding in world.findings() {
        let fix = text(&finding).fix;
        assert!(!fix.contains("remove"), "{}: {fix}", finding.code);
    }
    let owned = world.findings().into_iter().find(|finding| finding.code == Code::TargetOwned);
    let fix = text(&owned.unwrap()).fix;
    assert!(fix.contains("podman needs it") && fix.contains("--bin-dir /usr/local/bin"), "{fix}");
}

#[test]
fn what_a_package_owns_is_never_written_whatever_is_ignored() {
    let mut world = world();
    world.own("/usr/bin/runc", "runc");
    let found = world.findings();
    assert_eq!(blocking(&found, &["LF032".to_owned()]).len(), 1);
    // Not even where an earlier run wrote it: the package came later.
    world.owned.insert("/usr/bin/runc".to_owned());
    assert_eq!(blocking(&world.findings(), &[]).len(), 1);
}

#[test]
fn what_is_not_known_before_reading_is_not_counted() {
    let mut world = world();
    world.file_system("/usr/bin").available = 150 << 20;
    world.expected = None;
    assert_eq!(shown(&world.findings()), HEALTHY);
}
