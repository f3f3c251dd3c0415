//! Each case changes one thing of a healthy host and names the findings that follow.

mod engine;
mod files;
mod host;

use std::collections::BTreeSet;

use landfall_engine::Info;

use super::*;
use crate::desired::{DAEMON_JSON, GroupWanted, SOCKET, Source};
use crate::facts::doctor::{KernelDetails, Resolver, UnitDetails};
use crate::facts::{CgroupMode, FileFact, Group, Protection};
use crate::file_state::{FileKind, FileState};
use crate::installed::Installed;
use crate::preflight::tests::shown;
use crate::texts::findings::text;
use crate::texts::findings::typed::can_be_typed;
use crate::topology::Topology;

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
        source: Source {
            agreed: None,
            archive: "docker-29.3.1.tgz".into(),
            sha256: None,
            allow_unpinned: false,
            trusted_keys: Vec::new(),
            require_signature: false,
            online: None,
        },
        bin_dir: "/usr/bin".to_owned(),
        group: GroupWanted { name: "docker".to_owned(), gid: None, members: Vec::new() },
        daemon: Map::new(),
        images: Vec::new(),
        smoke_test: false,
        confirm_within: None,
        watch: None,
        proxy: None,
        registries: Vec::new(),
        kernel: Default::default(),
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

/// Without a plan: what Landfall wrote, and what every engine has.
#[test]
fn files_that_are_a_packages_are_told_without_a_plan() {
    let told = |path: &str, owned: &[&str]| {
        let mut world = world();
        world.facts.packages.owners.insert(path.to_owned(), "theirs".to_owned());
        let owned = owned.iter().map(|path| (*path).to_owned()).collect();
        let found = examine(&world.desired, &world.facts, &world.doctor, &owned);
        found.iter().any(|finding| finding.code == Code::TargetOwned)
    };
    assert!(told("/usr/bin/dockerd", &[]));
    assert!(told("/etc/docker/daemon.json", &["/etc/docker/daemon.json"]));
    // Whether these are written depends on what is asked for, and on the archive.
    assert!(!told("/etc/docker/daemon.json", &[]));
    assert!(!told("/usr/bin/docker-containerd", &[]));
    let trust = "/etc/fapolicyd/fapolicyd.trust";
    assert!(!told(trust, &[trust]), "it is fapolicyd's, and written all the same");
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
            assert!(!words.why.is_empty() && can_be_typed(&words.fix), "{name}: {words:?}");
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

/// An engine that Landfall put elsewhere, for another group, on a host with a read-only `/usr`.
fn installed_elsewhere() -> World {
    let mut world = world();
    world.without_engine();
    let installed = Installed {
        version: Some("29.3.1".to_owned()),
        unit_style: Topology::Modern,
        bin_dir: Some("/opt/x".to_owned()),
        group: Some("ops".to_owned()),
        data_root: Some("/data/docker".to_owned()),
    };
    installed.asked_by(&mut world.desired);
    world.doctor.landfall.installed = true;
    let groups = &mut world.facts.accounts.groups;
    let members = vec!["deploy".to_owned()];
    groups.insert("ops".to_owned(), Group { gid: 700, members, local: true });
    let file_systems = &mut world.facts.file_systems;
    file_systems.get_mut("/usr/bin").unwrap().read_only = true;
    for (path, like) in [("/opt/x", "/etc/docker"), ("/data/docker", "/var/lib/docker")] {
        let fact = file_systems[like].clone();
        file_systems.insert(path.to_owned(), fact);
    }
    world.doctor.socket = Some(FileState { gid: 700, ..state(FileKind::Other, 0o660) });
    world
}

#[test]
fn an_engine_is_judged_as_it_was_installed() {
    let mut world = installed_elsewhere();
    assert_eq!(shown(&world.findings()), ["note LF118"]);
    let members = &world.findings()[0];
    assert_eq!(text(members).seen, "ops: deploy");

    // The group of its own, and the data where they are.
    world.doctor.socket.as_mut().unwrap().gid = 998;
    world.facts.file_systems.get_mut("/data/docker").unwrap().available = 1 << 20;
    let found = world.findings();
    assert_eq!(shown(&found), ["error LF129", "warning LF117", "note LF118"]);
    assert!(text(&found[0]).seen.starts_with("/data/docker:"), "{:?}", found[0]);
    assert!(text(&found[1]).fix.contains("chgrp ops"), "{:?}", text(&found[1]));
}

#[test]
fn where_an_engine_is_its_place_need_not_be_writable() {
    let mut world = installed_elsewhere();
    for path in ["/opt/x", "/etc/systemd/system"] {
        world.facts.file_systems.get_mut(path).unwrap().read_only = true;
    }
    assert_eq!(shown(&world.findings()), ["note LF022", "note LF022", "note LF118"]);
    // Not so where it writes, and where it has to run from.
    world.facts.file_systems.get_mut("/data/docker").unwrap().read_only = true;
    world.facts.file_systems.get_mut("/opt/x").unwrap().no_exec = true;
    let found = shown(&world.findings());
    assert_eq!(found[..2], ["error LF022", "error LF023"], "{found:?}");
}

/// An engine of others is nowhere that Landfall would install one.
#[test]
fn where_others_installed_the_usual_place_is_no_error() {
    let mut world = world();
    let usr_bin = world.facts.file_systems.get_mut("/usr/bin").unwrap();
    (usr_bin.read_only, usr_bin.no_exec) = (true, true);
    assert_eq!(shown(&world.findings()), ["note LF022", "note LF023"]);
    world.without_engine();
    assert_eq!(shown(&world.findings())[..2], ["error LF022", "error LF023"]);
}

/// No account has to be changed for an engine that is there.
#[test]
fn protected_accounts_are_no_error_where_an_engine_is() {
    let mut world = world();
    world.facts.accounts.groups.remove("docker");
    world.facts.protected.insert("/etc/group".to_owned(), Protection::Immutable);
    assert_eq!(shown(&world.findings()), ["note LF060"]);
    world.without_engine();
    assert_eq!(shown(&world.findings())[0], "error LF060");
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
