//! What an installation leaves: a Docker that works, and nothing that nobody asked for.

use crate::support::{Machine, bundle, installed, with};

#[test]
fn install_turns_a_fresh_host_into_a_docker_host() {
    let host = Machine::boot();
    host.landfall(&with("install", &["--image", bundle::image()])).exits(0);

    for unit in ["docker.socket", "docker.service", "containerd.service"] {
        assert_eq!(host.unit(unit, "ActiveState"), "active", "{unit}");
        assert_eq!(host.unit(unit, "UnitFileState"), "enabled", "{unit}");
        assert_eq!(host.unit(unit, "FragmentPath"), format!("/etc/systemd/system/{unit}"));
    }
    assert_eq!(host.sh("stat -c '%a %U:%G' /run/docker.sock"), "660 root:docker");
    let run = ["docker", "run", "--rm", bundle::IMAGE_NAME, "echo", "hello"];
    assert_eq!(host.exec(&run).ok(), "hello");
}

#[test]
fn the_programs_are_the_archives_own_and_belong_to_root() {
    let host = Machine::boot();
    installed(&host, &[]);
    let archive = host.sh(&format!(
        "mkdir /tmp/x; tar -xzf {} -C /tmp/x; cd /tmp/x/docker; sha256sum *",
        bundle::docker().path
    ));
    assert_eq!(archive.lines().count(), 8, "{archive}");
    assert_eq!(
        host.sh("cd /tmp/x/docker; names=$(echo *); cd /usr/bin; sha256sum $names"),
        archive
    );
    let modes =
        host.sh("cd /tmp/x/docker; names=$(echo *); cd /usr/bin; stat -c '%a %u:%g' $names");
    assert!(modes.lines().all(|line| line == "755 0:0"), "{modes}");
}

#[test]
fn the_smoke_test_leaves_no_image_and_no_container() {
    let host = Machine::boot();
    installed(&host, &[]);
    assert_eq!(host.sh("docker ps --all --quiet"), "");
    assert_eq!(host.sh("docker images --all --quiet"), "");
}

#[test]
fn nobody_joins_the_group_unless_named() {
    let host = Machine::boot();
    host.sh("useradd --create-home alice");
    installed(&host, &[]);
    let group = host.sh("getent group docker");
    assert!(group.ends_with(':'), "no members in {group}");
}

#[test]
fn a_restrictive_umask_does_not_make_the_programs_unusable_for_others() {
    let host = Machine::boot();
    let arguments = with("install", &[]).join(" ");
    host.sh(&format!("umask 077; /mnt/share/landfall {arguments}"));
    host.sh("useradd --create-home alice; runuser -u alice -- docker --version");
    assert_eq!(host.sh("stat -c %a /etc/systemd/system/docker.service"), "644");
}

#[test]
fn plan_and_dry_run_show_what_would_be_done_and_change_nothing() {
    let host = Machine::boot();
    let before = host.snapshot();
    let options = ["--registry-mirror", "https://mirror.example.internal"];
    let plan = host.landfall(&with("plan", &options)).exits(0);
    let shown = [
        "/usr/bin/dockerd",
        "/etc/systemd/system/docker.service",
        "https://mirror.example.internal",
    ];
    for text in shown {
        assert!(plan.stdout.contains(text), "no {text} in {plan}");
    }
    let dry_run = host.landfall(&[with("install", &options), vec!["--dry-run"]].concat()).exits(0);
    assert_eq!(dry_run.stdout, plan.stdout, "--dry-run is the plan");
    before.assert_same(&host.snapshot(), &[]);
}

#[test]
fn events_are_lines_of_json() {
    let host = Machine::boot();
    let run = host.landfall(&[vec!["--json"], with("install", &[])].concat()).exits(0);
    let events: Vec<serde_json::Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}")))
        .collect();
    assert!(!events.is_empty(), "{run}");
    assert!(events.iter().all(serde_json::Value::is_object), "{run}");
}

#[test]
fn status_names_the_version_that_runs() {
    let host = Machine::boot();
    installed(&host, &[]);
    let version = host.sh("docker version --format '{{.Server.Version}}'");
    host.landfall(&["status"]).exits(0).says(&version);
}
