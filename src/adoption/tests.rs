use std::collections::BTreeMap;

use super::*;
use crate::facts::found_engine::FoundEngine;
use crate::facts::{FileFact, Group, PackageManager};
use crate::file_state::{FileKind, FileState};
use crate::unit_state::UnitState;

const SERVICE: &str = "/etc/systemd/system/docker.service";

fn file(text: Option<&str>, target: Option<&str>) -> FileFact {
    let kind = if target.is_some() { FileKind::Symlink } else { FileKind::File };
    let state = FileState {
        kind,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 7,
        mtime: 0,
        xattrs: BTreeMap::new(),
        target: target.map(str::to_owned),
    };
    let sha256 = target.is_none().then(|| Digest::of(text.unwrap_or("program").as_bytes()));
    FileFact { state, sha256, text: text.map(str::to_owned) }
}

/// A unit of this name, with this text, in force.
fn add_unit(case: &mut (FoundEngine, Facts), name: &str, path: &str, text: &str) {
    let state = UnitState {
        load: "loaded".to_owned(),
        active: "active".to_owned(),
        fragment: Some(path.to_owned()),
        ..UnitState::default()
    };
    case.0.units.insert(name.to_owned(), state);
    case.1.files.insert(path.to_owned(), file(Some(text), None));
    match name {
        "docker.service" => {
            case.0.service = vec![(path.to_owned(), text.to_owned())];
            case.0.command = exec_start(&[text.to_owned()]);
        }
        "docker.socket" => case.0.socket = Some(text.to_owned()),
        _ => {}
    }
}

/// What a tutorial makes, with these flags.
fn tutorial(flags: &str) -> (FoundEngine, Facts) {
    let mut case = (FoundEngine::default(), Facts::default());
    let text = format!("[Service]\nExecStart=/usr/bin/dockerd {flags}\n");
    add_unit(&mut case, "docker.service", SERVICE, &text);
    let (found, facts) = &mut case;
    found.program = Some("/usr/bin/dockerd".to_owned());
    (found.runs, found.has_child) = (true, true);
    found.version = Some("26.1.5".to_owned());
    for name in ["dockerd", "docker", "containerd"] {
        facts.files.insert(format!("/usr/bin/{name}"), file(None, None));
    }
    let link = format!("{UNIT_DIR}/multi-user.target.wants/docker.service");
    facts.files.insert(link, file(None, Some(SERVICE)));
    let group = Group { gid: 999, members: Vec::new(), local: true };
    facts.accounts.groups.insert("docker".to_owned(), group);
    facts.packages.manager = PackageManager::Dpkg;
    facts.packages.known = true;
    case
}

fn modern(service: &str, socket: &str) -> (FoundEngine, Facts) {
    let mut case = tutorial("");
    let text = format!("[Service]\nExecStart={service}\n");
    add_unit(&mut case, "docker.service", SERVICE, &text);
    add_unit(&mut case, "docker.socket", &format!("{UNIT_DIR}/docker.socket"), socket);
    add_unit(&mut case, "containerd.service", "/usr/lib/systemd/system/containerd.service", "");
    case.0.has_child = false;
    case
}

const DOCKERD: &str = "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock";

fn judged((found, facts): &(FoundEngine, Facts)) -> Result<Engine, Unfit> {
    judge(found, facts)
}

fn steps(engine: &Engine) -> Vec<String> {
    engine.entries.iter().map(|entry| crate::texts::steps::step(&entry.step)).collect()
}

#[test]
fn a_tutorials_engine_is_classic_and_taken_over_whole() {
    let engine = judged(&tutorial("-g /data/docker -G docker")).unwrap();
    assert_eq!((engine.topology, engine.bin_dir.as_str()), (Topology::Classic, "/usr/bin"));
    assert_eq!((engine.group.as_str(), engine.data_root.as_str()), ("docker", "/data/docker"));
    assert!(engine.entries.iter().all(|entry| entry.before == Before::Adopted));
    let expected = [
        "create group docker",
        "install /usr/bin/docker",
        "install /usr/bin/dockerd",
        "install /usr/bin/containerd",
        "write /etc/systemd/system/docker.service",
        "enable docker.service",
    ];
    let steps = steps(&engine);
    for step in expected {
        assert!(steps.iter().any(|it| it == step), "{step}: {steps:?}");
    }
    assert_eq!(steps.len(), expected.len() + 1, "and what the engine does: {steps:?}");
    assert_eq!(engine.adoption.flags.daemon["data-root"], "/data/docker");
}

#[test]
fn a_modern_engine_has_three_units_and_the_sockets_group() {
    let mut case = modern(DOCKERD, "[Socket]\nListenStream=/run/docker.sock\nSocketGroup=999\n");
    let engine = judged(&case).unwrap();
    assert_eq!((engine.topology, engine.group.as_str()), (Topology::Modern, "docker"));
    let taken = steps(&engine);
    let containerd = "write /usr/lib/systemd/system/containerd.service".to_owned();
    assert!(taken.contains(&containerd), "{taken:?}");
    assert_eq!(engine.adoption.flags.daemon.len() + engine.adoption.flags.lost.len(), 0);

    // Another listener has no place in the modern style.
    case = modern(&format!("{DOCKERD} -H tcp://0.0.0.0:2376"), "");
    assert_eq!(judged(&case).unwrap().adoption.flags.lost, ["-H tcp://0.0.0.0:2376"]);
}

#[test]
fn what_packages_own_is_named_and_never_taken() {
    let mut case = modern(DOCKERD, "");
    for path in [SERVICE, "/usr/bin/dockerd"] {
        case.1.packages.owners.insert(path.to_owned(), "docker.io".to_owned());
    }
    let owners = &mut case.1.packages.owners;
    owners.insert("/usr/bin/containerd".to_owned(), "containerd".to_owned());
    let engine = judged(&case).unwrap();
    assert_eq!(engine.adoption.packages, ["containerd", "docker.io"]);
    assert_eq!(engine.entries.len(), 1, "where its data are: {:?}", steps(&engine));
    assert_eq!(engine.programs.len(), 3);

    // Of an engine that was put there by hand only this file is a package's.
    let mut case = tutorial("");
    let owners = &mut case.1.packages.owners;
    owners.insert("/usr/bin/containerd".to_owned(), "containerd".to_owned());
    let engine = judged(&case).unwrap();
    assert!(engine.adoption.packages.is_empty());
    assert!(!steps(&engine).iter().any(|step| step.ends_with("/containerd")));
    assert_eq!(engine.of_packages.len(), 1);
}

#[test]
fn what_cannot_be_taken_over_is_refused_with_its_reason() {
    let refused = |change: fn(&mut (FoundEngine, Facts))| {
        let mut case = tutorial("");
        change(&mut case);
        let unfit = judged(&case).unwrap_err();
        assert!(!unfit.to_string().is_empty());
        assert!(!crate::texts::adoption::hint(&unfit).is_empty());
        unfit
    };
    let unfit = refused(|case| drop(case.0.units.remove("docker.service")));
    assert_eq!(unfit, Unfit::None { podman: false });
    let unfit = refused(|case| {
        case.0.units.remove("docker.service");
        case.1.packages.engines.insert("podman-docker".to_owned(), "4.3".to_owned());
    });
    assert_eq!(unfit, Unfit::None { podman: true });
    let unfit = refused(|case| {
        add_unit(case, "snap.docker.dockerd.service", "/etc/systemd/system/snap", "");
    });
    assert_eq!(unfit, Unfit::Snap);
    let unfit = refused(|case| case.0.by_hand.push((7, "dockerd".to_owned())));
    assert!(matches!(unfit, Unfit::ByHand { pid: 7, .. }));
    let unfit = refused(|case| case.0.command = vec!["/bin/sh".to_owned(), "-c".to_owned()]);
    assert!(matches!(unfit, Unfit::NotDockerd { .. }));
    let unfit = refused(|case| case.0.program = None);
    assert!(matches!(unfit, Unfit::ProgramMissing { .. }));
    let unfit = refused(|case| case.0.program = Some("/opt/a b/dockerd".to_owned()));
    assert!(matches!(unfit, Unfit::ProgramDirectory { .. }));
    let unfit = refused(|case| case.0.command.push("--config-file=/etc/d.json".to_owned()));
    assert!(matches!(unfit, Unfit::OtherConfigFile { .. }));
    let unfit = refused(|case| {
        let text = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n";
        case.0.service.push(("/etc/x.conf".to_owned(), text.to_owned()));
    });
    assert_eq!(unfit, Unfit::CommandInDropIn { path: "/etc/x.conf".to_owned() });
    let unfit = refused(|case| case.0.command.push("-H=tcp://127.0.0.1:2375".to_owned()));
    assert_eq!(unfit, Unfit::SocketNotServed);
    let unfit = refused(|case| {
        let text = "{\"hosts\": [\"tcp://127.0.0.1:2375\"]}";
        case.1.files.insert(crate::desired::DAEMON_JSON.to_owned(), file(Some(text), None));
    });
    assert_eq!(unfit, Unfit::SocketNotServed);
    let unfit = refused(|case| {
        case.1.files.insert(crate::desired::DAEMON_JSON.to_owned(), file(Some("{"), None));
    });
    assert_eq!(unfit, Unfit::DaemonJson);
    let unfit = refused(|case| case.0.command.push("--containerd=/x.sock".to_owned()));
    assert!(matches!(unfit, Unfit::ForeignContainerd { .. }));
    let unfit = refused(|case| case.0.command.push("-Hfd://".to_owned()));
    assert_eq!(unfit, Unfit::SocketUnitAlone);
    let unfit = refused(|case| {
        *case = modern("/usr/bin/dockerd", "");
    });
    assert_eq!(unfit, Unfit::NoSocketUnit);
    let unfit = refused(|case| {
        *case = modern(DOCKERD, "");
        add_unit(case, "kubelet.service", "/etc/systemd/system/kubelet.service", "");
    });
    assert_eq!(unfit, Unfit::Kubelet);
    let unfit = refused(|case| {
        case.1.files.insert(SERVICE.to_owned(), file(None, Some("/opt/docker.service")));
    });
    assert_eq!(unfit, Unfit::UnitFile { path: SERVICE.to_owned() });
    let unfit = refused(|case| case.1.packages.known = false);
    assert_eq!(unfit, Unfit::PackagesUnknown);
}

/// The receipt of a tutorial's engine with these flags.
fn receipt(case: &(FoundEngine, Facts)) -> Receipt {
    let engine = judged(case).unwrap();
    let mut receipt = Receipt::without_engine();
    receipt.entries.clone_from(&engine.entries);
    receipt.adopted = Some(engine.adoption);
    receipt
}

#[test]
fn flags_count_as_long_as_the_unit_is_in_force_that_has_them() {
    let case = tutorial("--insecure-registry reg.lan");
    let mut receipt = receipt(&case);
    let mut facts = case.1;
    let keys = |receipt: &Receipt, facts: &Facts| -> Option<Vec<String>> {
        let flags = flags_in_force(Some(receipt), facts, Topology::Classic)?;
        Some(flags.daemon.keys().cloned().collect())
    };
    assert_eq!(keys(&receipt, &facts).unwrap(), ["insecure-registries"]);
    let edited = "[Service]\nExecStart=/usr/bin/dockerd --mtu 1400\n";
    facts.files.insert(SERVICE.to_owned(), file(Some(edited), None));
    assert_eq!(keys(&receipt, &facts).unwrap(), ["mtu"], "somebody changed it");
    let ours = crate::steps::WriteFile {
        path: SERVICE.to_owned(),
        text: edited.to_owned(),
        ownership: crate::file_state::Ownership::root(0o644),
    };
    receipt.entries.push(Entry { step: Step::WriteFile(ours), before: Before::Absent });
    assert_eq!(keys(&receipt, &facts), None, "it is ours");
    assert_eq!(flags_in_force(None, &facts, Topology::Classic), None);
}

/// Given back, the unit that was taken over stands there again; removed, nothing does.
#[test]
fn what_was_made_since_is_told_from_what_was_there() {
    let mut receipt = receipt(&tutorial(""));
    let ours = crate::steps::WriteFile {
        path: SERVICE.to_owned(),
        text: "ours".to_owned(),
        ownership: crate::file_state::Ownership::root(0o644),
    };
    let state = file(Some("theirs"), None).state;
    let before = Before::File { state, sha256: Digest::of(b"theirs") };
    receipt.entries.push(Entry { step: Step::WriteFile(ours), before: before.clone() });
    let adoption = receipt.adopted.clone().unwrap();
    let (then, made) = since(&receipt, &adoption);
    assert_eq!((then.entries.len() + 1, made.len()), (receipt.entries.len(), 1));
    assert_eq!(then.version.as_deref(), Some("26.1.5"));
    assert_eq!(crate::receipt::merged(&receipt.entries), receipt.entries, "never one of both");

    let merged = crate::receipt::merged(&as_installed(&receipt.entries));
    let unit = merged.iter().find(|entry| entry.step.path() == Some(SERVICE)).unwrap();
    assert_eq!(unit.before, Before::Absent);
    let Step::WriteFile(step) = &unit.step else { panic!("{unit:?}") };
    assert_eq!(step.text, "ours");
    assert!(merged.iter().all(|entry| entry.before != Before::Adopted));
}
