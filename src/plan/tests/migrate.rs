//! Moving data: which directories go where, and which files say so.

use super::*;
use crate::desired::DAEMON_JSON;
use crate::facts::FileFact;
use crate::facts::data::{ContainerdData, DataDirectory, DataFacts, Target};
use crate::plan::migrate::migrate;
use crate::receipt::MovedData;

const NEW: &str = "/data/docker";

/// A host on which this case was carried out, and its data.
fn installed(case: &str) -> (World, DataFacts) {
    let world = World::of(case);
    let mut world = world.after(&world.plan().unwrap());
    world.desired.daemon.insert("data-root".to_owned(), NEW.into());
    world.facts.engine = Some(crate::facts::engine::RunningEngine::default());
    let directory =
        |path: &str| DataDirectory { path: path.to_owned(), ..DataDirectory::default() };
    let exec_start = "/usr/bin/containerd --log-level warn".to_owned();
    let directory_of = |path| ContainerdData {
        directory: directory(path),
        exec_start: exec_start.clone(),
        ..ContainerdData::default()
    };
    let modern = world.receipt.as_ref().unwrap().topology == Topology::Modern;
    let data = DataFacts {
        docker: directory("/var/lib/docker"),
        containerd: modern.then(|| directory_of("/var/lib/containerd")),
        target: Target { path: NEW.to_owned(), ..Target::default() },
        ..DataFacts::default()
    };
    (world, data)
}

fn planned(world: &World, data: &DataFacts) -> (Plan, MovedData) {
    let version = world.version();
    let inputs = Inputs {
        desired: &world.desired,
        facts: &world.facts,
        archive: &world.archive,
        version: version.as_deref(),
        staging: "/usr/bin",
        images: &[],
        receipt: world.receipt.as_ref(),
    };
    migrate(&inputs, world.receipt.as_ref().unwrap(), data).unwrap()
}

fn said(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(crate::texts::steps::step).collect()
}

/// The texts that a plan writes, by path.
fn written<'a>(plan: &'a Plan, path: &str) -> Option<&'a str> {
    plan.steps.iter().find_map(|step| match step {
        Step::WriteFile(step) if step.path == path => Some(step.text.as_str()),
        _ => None,
    })
}

#[test]
fn all_data_are_copied_twice_and_what_runs_is_down_for_the_second_time_alone() {
    let (world, data) = installed("fresh");
    let (plan, moved) = planned(&world, &data);
    let expected = [
        "create directory /data",
        "copy /var/lib/docker and /var/lib/containerd to /data/docker while it is in use",
        "have the next boot see to it, should the power be cut",
        "note containers, images and volumes",
        "note which containers run",
        "stop docker.socket, docker.service, containerd.service",
        "check that no container outlived its engine",
        "copy what has changed in /var/lib/docker and /var/lib/containerd since, and compare",
        "have containers and volumes name /data/docker",
        "put the copy in its place in /data/docker",
        "create directory /etc/docker",
        "write /etc/docker/daemon.json",
        "write /etc/systemd/system/docker.service",
        "write /etc/systemd/system/containerd.service",
        "have systemd-analyze check the units",
        "have systemd read its units again",
        "start containerd.service",
        "start docker.socket",
        "start docker.service",
        "wait for the API on /run/docker.sock",
        "check that docker has all of them in /data/docker",
        "start the containers again that ran before",
        "run a container and check what it says",
    ];
    assert_eq!(said(&plan), expected);
    assert_eq!(moved.old, ["/var/lib/docker", "/var/lib/containerd"]);
    assert_eq!(moved.containerd_root, "/data/docker/containerd");
    assert_eq!(plan.daemon["data-root"], NEW);
    let unit = written(&plan, "/etc/systemd/system/containerd.service").unwrap();
    assert!(unit.contains("/containerd --root /data/docker/containerd\n"), "{unit}");
    let parts: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::CopyData(step) => Some(&step.parts),
            Step::SyncData(step) => Some(&step.parts),
            _ => None,
        })
        .map(|parts| parts.iter().map(|part| part.name.as_deref()).collect::<Vec<_>>())
        .collect();
    assert_eq!(parts, [[None, Some("containerd")], [None, Some("containerd")]]);
}

/// They would go on in the old data.
#[test]
fn containers_that_live_restore_keeps_are_stopped() {
    let (mut world, data) = installed("fresh");
    let engine = world.facts.engine.insert(crate::facts::engine::RunningEngine::default());
    engine.live_restore = true;
    assert_eq!(said(&planned(&world, &data).0)[4], "stop the running containers");
}

#[test]
fn the_classic_engine_has_one_directory() {
    let (world, data) = installed("classic");
    let (plan, moved) = planned(&world, &data);
    assert_eq!(moved.old, ["/var/lib/docker"]);
    let units = plan.steps.iter().filter(|step| matches!(step, Step::Unit(_))).count();
    assert_eq!(units, 1);
}

#[test]
fn a_containerd_of_others_is_left_alone() {
    let (world, mut data) = installed("fresh");
    data.containerd.as_mut().unwrap().others = vec!["k8s.io".to_owned()];
    let (plan, moved) = planned(&world, &data);
    assert_eq!(moved.old, ["/var/lib/docker"]);
    assert_eq!(moved.containerd_root, "/var/lib/containerd");
    let texts = said(&plan);
    assert!(!texts.iter().any(|text| text.contains("containerd")), "{texts:#?}");
}

#[test]
fn a_containerd_in_the_data_goes_with_them() {
    let (world, mut data) = installed("fresh");
    data.containerd.as_mut().unwrap().directory.path = "/var/lib/docker/own".to_owned();
    let (plan, moved) = planned(&world, &data);
    assert_eq!(moved.containerd_root, "/data/docker/own");
    assert_eq!(plan.steps.iter().filter(|step| matches!(step, Step::CopyData(_))).count(), 1);
}

/// What dockerd's own containerd of before left there is docker's.
#[test]
fn a_name_that_is_taken_is_not_taken_twice() {
    let (world, mut data) = installed("fresh");
    data.docker.names = vec!["containerd".to_owned()];
    assert_eq!(planned(&world, &data).1.containerd_root, "/data/docker/containerd-root");
}

/// A unit that somebody else wrote, or changed, gets a file beside it.
#[test]
fn units_of_others_are_not_written() {
    let (mut world, data) = installed("fresh");
    for unit in ["docker.service", "containerd.service"] {
        let path = format!("/etc/systemd/system/{unit}");
        let file: &mut FileFact = world.facts.files.get_mut(&path).unwrap();
        file.text = Some("[Service]\nExecStart=/bin/mine\n".to_owned());
    }
    let (plan, _) = planned(&world, &data);
    assert_eq!(written(&plan, "/etc/systemd/system/docker.service"), None);
    let beside = "/etc/systemd/system/docker.service.d/landfall-data-root.conf";
    assert!(written(&plan, beside).unwrap().ends_with("[Unit]\nRequiresMountsFor=/data/docker\n"));
    let beside = "/etc/systemd/system/containerd.service.d/zz-landfall-data-root.conf";
    let text = written(&plan, beside).unwrap();
    let command = "ExecStart=\nExecStart=/usr/bin/containerd --log-level warn --root \
                   /data/docker/containerd\n";
    assert!(text.ends_with(command), "{text}");
}

/// Only the one key changes, in the text that stands there.
#[test]
fn a_persons_daemon_json_keeps_its_look() {
    let (mut world, data) = installed("fresh");
    let mut file = world.facts.files["/etc/systemd/system/docker.service"].clone();
    file.text = Some("{\n   \"debug\":true,  \"data-root\": \"/var/lib/docker\"\n}".to_owned());
    world.facts.files.insert(DAEMON_JSON.to_owned(), file);
    let (plan, _) = planned(&world, &data);
    let text = written(&plan, DAEMON_JSON).unwrap();
    assert_eq!(text, "{\n   \"debug\":true,  \"data-root\": \"/data/docker\"\n}");
}

/// Prefixes and quotes mean something to systemd.
#[test]
fn a_command_line_keeps_what_it_is_written_with() {
    for (line, expected) in [
        ("-/usr/bin/containerd", "-/usr/bin/containerd"),
        ("@/opt/x ctd --root=/a -l warn", "@/opt/x ctd -l warn"),
        ("!/opt/x --root \"/a b\" --state '/run/a b'", "!/opt/x --state '/run/a b'"),
        ("/opt/x \"--root=/a b\" $OPTIONS", "/opt/x $OPTIONS"),
    ] {
        let (mut world, mut data) = installed("fresh");
        let unit = "/etc/systemd/system/containerd.service";
        world.facts.files.get_mut(unit).unwrap().text = Some("[Service]\n".to_owned());
        data.containerd.as_mut().unwrap().exec_start = line.to_owned();
        let (plan, _) = planned(&world, &data);
        let path = format!("{unit}.d/zz-landfall-data-root.conf");
        let expected = format!("\nExecStart={expected} --root /data/docker/containerd\n");
        let text = written(&plan, &path).unwrap();
        assert!(text.ends_with(&expected), "{line}: {text}");
    }
}
