//! Each case changes one thing of a healthy host and names the findings that follow.

mod engine;
mod files;
mod host;

use std::collections::BTreeSet;

use landfall_engine::Info;

use super::*;
use crate::desired::{DAEMON_JSON, GroupWanted, SOCKET, Source};
use crate::facts::doctor::{KernelDetails, Resolver, UnitDetails};
use crate::facts::{CgroupMode, FileFact, Group};
use crate::file_state::{FileKind, FileState};
use crate::preflight::tests::shown;
use crate::texts::findings::text;

/// A healthy host with a running engine, and what the doctor sees of it.
pub(super) struct World {
    desired: Desired,
    pub(super) facts: Facts,
    pub(super) doctor: DoctorFacts,
}

pub(super) fn world() -> World {
    let mut facts: Facts =
        serde_json::from_str(include_str!("../../../tests/facts/bookworm.json")).unwrap();
    for program in ["dockerd", "git", "ps", "xz"] {
        facts.programs.insert(program.to_owned(), format!("/usr/bin/{program}"));
    }
    for fact in facts.file_systems.values_mut() {
        (fact.available, fact.inodes) = (100 << 30, Some(10_000_000));
    }
    facts
        .accounts
        .groups
        .insert("docker".to_owned(), Group { gid: 998, members: Vec::new(), local: true });
    let desired = Desired {
        unit_style: None,
        source: Source { archive: "docker-29.3.1.tgz".into(), sha256: None, allow_unpinned: false },
        bin_dir: "/usr/bin".to_owned(),
        group: GroupWanted { name: "docker".to_owned(), gid: None, members: Vec::new() },
        daemon: Map::new(),
        images: Vec::new(),
        smoke_test: false,
        ignore: Vec::new(),
    };
    let doctor = DoctorFacts {
        kernel: KernelDetails { config: None, has_modules: None, others: Vec::new() },
        resolver: Resolver { exists: true, servers: vec!["10.0.0.2".into()], upstream: Vec::new() },
        synchronised: Some(true),
        processes: vec![process(201, 1, "containerd"), process(214, 1, "dockerd")],
        units: [
            ("containerd.service", unit("/usr/bin/containerd")),
            ("docker.service", unit("/usr/bin/dockerd -H fd://")),
            ("docker.socket", unit("")),
        ]
        .map(|(name, unit)| (name.to_owned(), unit))
        .into(),
        socket: Some(state(FileKind::Other, 0o660)),
        versions: [("containerd", "2.2.1"), ("dockerd", "29.3.1"), ("runc", "1.3.4")]
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .into(),
        answer: Some(Ok(Info {
            server_version: "29.3.1".to_owned(),
            cgroup_driver: "cgroupfs".to_owned(),
            ..Info::default()
        })),
        ..DoctorFacts::default()
    };
    World { desired, facts, doctor }
}

fn process(pid: u32, parent: u32, name: &str) -> Process {
    Process {
        pid,
        parent,
        uid: 0,
        name: name.to_owned(),
        command: vec![format!("/usr/bin/{name}")],
        open_files: Some(524_288),
        proxies: Some(Vec::new()),
    }
}

fn unit(command: &str) -> UnitDetails {
    UnitDetails {
        fragment: "/lib/systemd/system/some.service".to_owned(),
        load: "loaded".to_owned(),
        active: "active".to_owned(),
        file_state: "enabled".to_owned(),
        needs_reload: false,
        result: "success".to_owned(),
        restarts: 0,
        command: command.split_whitespace().map(str::to_owned).collect(),
        program_exists: (!command.is_empty()).then_some(true),
    }
}

fn state(kind: FileKind, mode: u32) -> FileState {
    FileState {
        kind,
        mode,
        uid: 0,
        gid: 998,
        size: 0,
        mtime: 0,
        xattrs: std::collections::BTreeMap::new(),
        target: None,
    }
}

impl World {
    fn findings(&self) -> Vec<Finding> {
        examine(&self.desired, &self.facts, &self.doctor, &BTreeSet::new())
    }

    fn unit(&mut self, name: &str) -> &mut UnitDetails {
        self.doctor.units.get_mut(name).unwrap()
    }

    fn dockerd(&mut self) -> &mut Process {
        self.doctor.processes.iter_mut().find(|process| process.name == "dockerd").unwrap()
    }

    /// With more words on the daemon's command line.
    fn started_with(&mut self, words: &str) {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        self.dockerd().command.extend(words.clone());
        self.unit("docker.service").command.extend(words);
    }

    pub(super) fn daemon_json(&mut self, text: &str) {
        let fact = FileFact {
            state: state(FileKind::File, 0o644),
            sha256: None,
            text: Some(text.to_owned()),
        };
        self.facts.files.insert(DAEMON_JSON.to_owned(), fact);
    }

    fn engine_says(&mut self, change: impl Fn(&mut Info)) {
        if let Some(Ok(info)) = &mut self.doctor.answer {
            change(info);
        }
    }

    /// No engine, and nothing of one.
    fn without_engine(&mut self) {
        self.facts.programs.remove("dockerd");
        self.doctor.processes.clear();
        self.doctor.units.clear();
        (self.doctor.socket, self.doctor.answer) = (None, None);
        self.doctor.versions.clear();
    }
}

/// What is found on a host.
pub(super) fn examined(world: &World) -> Vec<Finding> {
    world.findings()
}

/// A link that enables a unit which is not there.
pub(super) fn link(unit: &str) -> (String, String) {
    let path = format!("/etc/systemd/system/sockets.target.wants/{unit}");
    (path, format!("/nowhere/{unit}"))
}

/// What is changed, how, and which findings come of it.
type Case = (&'static str, fn(&mut World), &'static [&'static str]);

fn cases() -> impl Iterator<Item = &'static Case> {
    [host::CASES, engine::CASES, files::CASES].into_iter().flatten()
}

#[test]
fn a_healthy_host_is_sound() {
    assert_eq!(shown(&world().findings()), [""; 0]);
}

#[test]
fn one_change_each() {
    let mut failed = Vec::new();
    for (name, change, expected) in cases() {
        let mut world = world();
        change(&mut world);
        let found = shown(&world.findings());
        if found != *expected {
            failed.push(format!("{name}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// No code is forgotten: each of the doctor's comes of some case, with all its words.
#[test]
fn every_code_has_a_case_and_words() {
    let mut seen = BTreeSet::new();
    for (name, change, _) in cases() {
        let mut world = world();
        change(&mut world);
        for finding in world.findings() {
            let words = text(&finding);
            assert!(!words.title.is_empty() && !words.seen.is_empty(), "{name}: {finding:?}");
            assert!(!words.why.is_empty() && !words.fix.is_empty(), "{name}: {finding:?}");
            let json = serde_json::to_value(&finding).unwrap();
            assert_eq!(serde_json::from_value::<Finding>(json).unwrap(), finding);
            seen.insert(finding.code);
        }
    }
    let missing: Vec<&Code> =
        Code::ALL.iter().filter(|code| code.is_doctors() && !seen.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_worst_comes_first() {
    let mut world = world();
    world.doctor.socket = Some(state(FileKind::Other, 0o666));
    world.doctor.synchronised = Some(false);
    world.unit("docker.service").needs_reload = true;
    assert_eq!(shown(&world.findings()), ["error LF116", "warning LF123", "note LF111"]);
}

/// What stands in the way of an installation is no error where an engine is used already.
#[test]
fn an_engine_of_others_is_no_error() {
    let mut world = world();
    world.facts.packages.engines.insert("docker.io".into(), "20.10.24".into());
    assert_eq!(shown(&world.findings()), ["note LF030"]);
    world.without_engine();
    assert_eq!(shown(&world.findings())[0], "error LF030");
}

#[test]
fn without_root_it_says_what_it_could_not_see() {
    let mut world = world();
    world.facts.uid = 1000;
    world.doctor.unseen = vec!["firewall rules".to_owned()];
    assert_eq!(shown(&world.findings()), ["note LF148"]);
}

/// The table of all codes, in `docs/findings.md`.
#[test]
#[allow(clippy::disallowed_methods)] // a golden file
fn the_documentation_lists_every_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings.md");
    let table = crate::texts::doctor::table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == table,
        "docs/findings.md is not what the code says: UPDATE_GOLDEN=1 cargo test --lib doctor"
    );
}
