//! `/etc/docker/daemon.json`: other people's keys stay, ours take effect.

use crate::support::{Machine, Snapshot, installed, with};

/// As a person may have left it: a tab, a blank line, uneven spaces.
const FOREIGN: &str = "{\n\t\"debug\":   true,\n\n    \"labels\": [ \"site=north\" ]\n}\n";

#[test]
fn foreign_keys_stay_byte_for_byte() {
    let host = Machine::boot();
    host.put("/etc/docker/daemon.json", FOREIGN);
    installed(&host, &["--registry-mirror", "https://mirror.example.internal"]);

    let merged = host.read("/etc/docker/daemon.json");
    let body = FOREIGN.trim_end().trim_start_matches('{').trim_end_matches('}').trim_end();
    assert!(merged.contains(body), "{merged}");
    let daemon =
        host.sh("docker info --format '{{.Debug}} {{.Labels}} {{.RegistryConfig.Mirrors}}'");
    assert_eq!(daemon, "true [site=north] [https://mirror.example.internal/]");

    host.landfall(&["uninstall", "--yes"]).exits(0);
    assert_eq!(host.read("/etc/docker/daemon.json"), FOREIGN);
}

#[test]
fn without_options_a_daemon_json_that_is_there_is_not_touched() {
    let host = Machine::boot();
    host.put("/etc/docker/daemon.json", FOREIGN);
    host.sh("chmod 0640 /etc/docker/daemon.json; touch -d 2001-02-03 /etc/docker/daemon.json");
    let look = "stat -c '%i %a %Y %s' /etc/docker/daemon.json; cat /etc/docker/daemon.json";
    let before = host.sh(look);
    installed(&host, &[]);
    assert_eq!(host.sh(look), before);
}

#[test]
fn each_option_reaches_the_daemon() {
    let host = Machine::boot();
    installed(
        &host,
        &[
            "--insecure-registry=10.77.0.1:5000",
            "--data-root=/var/lib/elsewhere",
            "--log-max-size=5m",
            "--log-max-file=2",
            "--live-restore",
            "--bip=172.30.9.1/24",
            "--set=max-concurrent-downloads=2",
            "--set=labels=[\"a=b\"]",
        ],
    );
    let info = host.sh(
        "docker info --format '{{.DockerRootDir}} {{.LiveRestoreEnabled}} {{.LoggingDriver}} {{.Labels}}'",
    );
    assert_eq!(info, "/var/lib/elsewhere true json-file [a=b]");
    let insecure = host.sh("docker info --format '{{json .RegistryConfig.IndexConfigs}}'");
    assert!(insecure.contains("10.77.0.1:5000"), "{insecure}");
    let address = host.sh("ip -4 -o addr show docker0");
    assert!(address.contains("172.30.9.1/24"), "{address}");

    let file: serde_json::Value =
        serde_json::from_str(&host.read("/etc/docker/daemon.json")).expect("JSON");
    assert_eq!(file["log-opts"], serde_json::json!({"max-size": "5m", "max-file": "2"}));
    assert_eq!(file["max-concurrent-downloads"], 2);
}

#[test]
fn a_daemon_json_that_is_no_json_is_refused_before_any_change() {
    refused(Some("{\"debug\": tru\n"), &["--live-restore"], "daemon.json");
}

#[test]
fn a_mirror_without_a_scheme_is_refused_before_any_change() {
    refused(None, &["--registry-mirror", "mirror.example.internal"], "mirror.example.internal");
}

#[test]
fn a_value_that_is_no_json_is_refused_before_any_change() {
    refused(None, &["--set", "labels=[a=b"], "labels");
}

/// An installation that must be refused as a mistake in the configuration.
fn refused(present: Option<&str>, options: &[&str], named: &str) {
    let host = Machine::boot();
    if let Some(text) = present {
        host.put("/etc/docker/daemon.json", text);
    }
    let before: Snapshot = host.snapshot();
    let run = host.landfall(&with("install", options)).says(named);
    assert_eq!(run.code, 2, "{run}");
    before.assert_same(&host.snapshot(), &[]);
}
