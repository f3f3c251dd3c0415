//! The classic style: docker.service alone, with containerd as dockerd's child.

use crate::support::{
    Allowed, Machine, MachineOptions, RUNNING, bundle, installed, said_to_be_kept, with,
};

#[test]
fn docker_service_alone_from_install_to_uninstall() {
    let classic = ["--unit-style", "classic", "--image", bundle::image()];
    let host = Machine::boot();
    let before = host.snapshot();
    let plan = host.landfall(&with("plan", &classic)).exits(0);
    assert!(plan.stdout.contains("Classic style: docker.service is the only unit"), "{plan}");
    installed(&host, &classic);

    is_classic(&host, "/usr/bin/containerd");
    assert_eq!(host.sh("stat -c '%a %U:%G' /run/docker.sock"), "660 root:docker");
    let flags = host.sh("tr '\\0' ' ' </proc/$(systemctl show --value -p MainPID docker)/cmdline");
    assert_eq!(flags, "/usr/bin/dockerd");
    runs_a_container(&host);
    let status = host.landfall(&["status"]).exits(0);
    assert!(!status.stdout.contains("docker.socket"), "{status}");

    a_second_run_changes_nothing(&host, &with("install", &classic));
    a_second_run_changes_nothing(&host, &with("install", &["--image", bundle::image()]));
    let modern = host.landfall(&with("install", &["--unit-style", "modern"])).exits(2);
    modern.says("classic style").says("landfall uninstall");

    host.sh(&format!(
        "docker run -d --name web --restart always {} sleep 100000",
        bundle::IMAGE_NAME
    ));
    host.reboot();
    is_classic(&host, "/usr/bin/containerd");
    assert_eq!(host.sh("docker inspect --format '{{.State.Running}}' web"), "true");

    let run = host.landfall(&["uninstall", "--yes"]).exits(0).says("/var/lib/docker");
    assert!(!run.stdout.contains("/var/lib/containerd"), "{run}");
    nothing_runs(&host);
    // The reboot made a journal and a seed anew, no program of ours.
    before.assert_same(&host.snapshot(), &[REBOOTED, &said_to_be_kept(&run)].concat());
}

/// What a host that booted once more has written.
const REBOOTED: &[Allowed] =
    &[Allowed { lines: "file /var/lib/systemd", reason: "systemd's own, at every boot" }];

#[test]
fn the_socket_belongs_to_the_group_that_was_asked_for() {
    let host = Machine::boot();
    let before = host.snapshot();
    let registry = ["--insecure-registry", "10.0.0.5:5000", "--image", bundle::image()];
    let group = [["--group", "engine", "--live-restore"].as_slice(), &registry].concat();
    let command = with("install", &group).join(" ");
    host.sh(&format!("LANDFALL_UNIT_STYLE=classic /mnt/share/landfall {command}"));
    is_classic(&host, "/usr/bin/containerd");
    assert_eq!(host.sh("stat -c '%a %U:%G' /run/docker.sock"), "660 root:engine");
    host.sh("grep -F 10.0.0.5:5000 /etc/docker/daemon.json");
    a_second_run_changes_nothing(&host, &with("install", &group));

    // The daemon and its containerd go and come again; with live-restore containers stay.
    host.sh(&format!("docker run -d --name web {} sleep 100000", bundle::IMAGE_NAME));
    let pid = || host.sh("docker inspect --format '{{.State.Running}} {{.State.Pid}}' web");
    let before_restart = pid();
    host.sh("systemctl restart docker");
    assert_eq!(pid(), before_restart);
    host.sh("systemctl kill -s KILL --kill-who=main docker
        until docker version; do sleep 0.1; done");
    assert_eq!(pid(), before_restart);
    is_classic(&host, "/usr/bin/containerd");
    let run = host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    nothing_runs(&host);
    assert!(!host.exists("/var/lib/docker"), "{run}");
    let mut allowed = said_to_be_kept(&run);
    allowed.retain(|kept| !RUNNING.iter().any(|data| data.lines == kept.lines));
    before.assert_same(&host.snapshot(), &allowed);
}

#[test]
fn an_archive_of_the_old_layout_is_classic_by_itself() {
    let archive = bundle::old_layout();
    let host = Machine::boot();
    let before = host.snapshot();
    let install = |options: &[&'static str]| -> Vec<&str> {
        [vec!["install"], archive.arguments(), options.to_vec()].concat()
    };
    let modern = host.landfall(&install(&["--unit-style", "modern"])).exits(2);
    modern.says("classic style only");
    before.assert_same(&host.snapshot(), &[]);

    let options = ["--image", bundle::image()];
    host.landfall(&install(&options)).exits(0).says("classic style");
    is_classic(&host, "/usr/bin/docker-containerd");
    runs_a_container(&host);
    a_second_run_changes_nothing(&host, &install(&options));
    host.sh("systemctl restart docker");
    runs_a_container(&host);

    // A container that runs when its engine goes is stopped first, and its shim with it.
    host.sh(&format!("docker run -d --name web {} sleep 100000", bundle::IMAGE_NAME));
    assert_ne!(host.sh("pgrep -f /docker-containerd-shim"), "");
    let run = host.landfall(&["uninstall", "--yes"]).exits(0);
    nothing_runs(&host);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
}

#[test]
fn another_containerd_is_not_taken_over() {
    let host = MachineOptions::default().boot();
    // Somebody else's, which listens where dockerd looks.
    host.sh("mkdir -p /run/containerd
        systemd-run --unit other --service-type=exec systemd-socket-activate -l /run/containerd/containerd.sock sleep 1000
        until [ -S /run/containerd/containerd.sock ]; do sleep 0.1; done");
    let before = host.snapshot();
    let run = host.landfall(&with("install", &["--unit-style", "classic"])).exits(3);
    run.says("LF057");
    before.assert_same(&host.snapshot(), &[]);
}

/// One unit, and containerd beneath it.
#[track_caller]
fn is_classic(host: &Machine, containerd: &str) {
    assert_eq!(host.unit("docker.service", "ActiveState"), "active");
    assert_eq!(host.unit("docker.service", "UnitFileState"), "enabled");
    for unit in ["docker.socket", "containerd.service"] {
        assert_eq!(host.unit(unit, "LoadState"), "not-found", "{unit}");
    }
    let child = "pid=$(pgrep -P $(systemctl show --value -p MainPID docker) containerd)
        readlink /proc/$pid/exe";
    assert_eq!(host.sh(child), containerd);
}

#[track_caller]
fn runs_a_container(host: &Machine) {
    let run = ["docker", "run", "--rm", bundle::IMAGE_NAME, "echo", "hello"];
    assert_eq!(host.exec(&run).ok(), "hello");
}

#[track_caller]
fn a_second_run_changes_nothing(host: &Machine, install: &[&str]) {
    let before = host.snapshot();
    let started = host.unit("docker.service", "ExecMainStartTimestampMonotonic");
    host.landfall(install).exits(0).says("nothing");
    assert_eq!(host.unit("docker.service", "ExecMainStartTimestampMonotonic"), started);
    before.assert_same(&host.snapshot(), RUNNING);
}

/// No process of an engine outlives its uninstallation.
#[track_caller]
fn nothing_runs(host: &Machine) {
    let run = host.exec(&["pgrep", "-a", "docker|containerd|runc"]);
    assert_eq!(run.code, 1, "{run}");
}
