//! Running again: nothing where nothing changed, as little as possible where something did.

use crate::support::{Allowed, Machine, RUNNING, bundle, installed, with};

#[test]
fn a_second_run_writes_nothing_and_restarts_nothing() {
    let host = Machine::boot();
    let options =
        ["--registry-mirror", "https://mirror.example.internal", "--image", bundle::image()];
    installed(&host, &options);
    let before = host.snapshot();
    let daemons = daemons(&host);

    host.landfall(&with("install", &options)).exits(0).says("nothing");
    assert_eq!(self::daemons(&host), daemons);
    before.assert_same(&host.snapshot(), RUNNING);
}

#[test]
fn another_mirror_changes_daemon_json_alone_and_reloads() {
    let host = Machine::boot();
    installed(&host, &["--registry-mirror", "https://one.example.internal"]);
    let before = host.snapshot();
    let daemons = daemons(&host);

    host.landfall(&with("install", &["--registry-mirror", "https://two.example.internal"]))
        .exits(0);
    assert_eq!(self::daemons(&host), daemons, "reloaded, not restarted");
    let mirrors = host.sh("docker info --format '{{json .RegistryConfig.Mirrors}}'");
    assert_eq!(mirrors, r#"["https://two.example.internal/"]"#);
    let meant = [
        Allowed { lines: "file /etc/docker/daemon.json", reason: "it holds the mirror" },
        Allowed { lines: "file /var/lib/landfall", reason: "the journal and receipt of this run" },
    ];
    before.assert_same(&host.snapshot(), &[&meant, RUNNING].concat());
}

/// What tells a restarted daemon from one that was reloaded.
fn daemons(host: &Machine) -> Vec<String> {
    ["docker.service", "containerd.service"]
        .iter()
        .map(|unit| {
            let pid = host.unit(unit, "MainPID");
            assert_ne!(pid, "0", "{unit} runs");
            format!("{unit} {pid} {}", host.unit(unit, "ExecMainStartTimestampMonotonic"))
        })
        .collect()
}
