//! Data, logs, certificates, daemon.json, versions, Landfall's own state.

use super::{Case, FileKind, World, state};
use crate::facts::doctor::{Certificate, CertificateFile, ContainerLog};
use crate::run_state::{Activity, RunState};

const DAY: u64 = 24 * 3600;

fn file_system(world: &mut World) -> &mut crate::facts::FileSystemFact {
    world.facts.file_systems.get_mut("/var/lib/docker").unwrap()
}

/// A certificate that is valid from so many days from now, for so many days from now.
fn certificate(world: &mut World, from: i64, until: i64) {
    let at = |days: i64| world.facts.now.saturating_add_signed(days * DAY.cast_signed());
    let certificate =
        Certificate { subject: "CN=registry.example".into(), from: at(from), until: at(until) };
    let path = "/etc/docker/certs.d/registry.example/ca.crt".to_owned();
    world.doctor.certificates.push(CertificateFile { path, certificates: vec![certificate] });
}

fn log(world: &mut World, bytes: u64, rotated: bool) {
    let path = "/var/lib/docker/containers/aa/aa-json.log".to_owned();
    world.doctor.logs.push(ContainerLog { path, bytes, rotated });
}

pub(super) const CASES: &[Case] = &[
    ("little space", |w| file_system(w).available = 2 << 30, &["warning LF129"]),
    ("no space", |w| file_system(w).available = 100 << 20, &["error LF129"]),
    ("few inodes", |w| file_system(w).inodes = Some(5000), &["warning LF130"]),
    (
        "containerd's directory without types of entries",
        |w| {
            let mut fact = file_system(w).clone();
            fact.reports_entry_type = Some(false);
            w.facts.file_systems.insert("/var/lib/containerd".into(), fact);
        },
        &["warning LF024"],
    ),
    ("a log with a limit", |w| log(w, 10 << 20, true), &[]),
    ("a log without a limit", |w| log(w, 10 << 20, false), &["note LF131"]),
    ("a large log", |w| log(w, 3 << 30, false), &["warning LF132", "note LF131"]),
    ("a certificate", |w| certificate(w, -10, 300), &[]),
    ("an expired certificate", |w| certificate(w, -400, -5), &["error LF133"]),
    ("a certificate that ends soon", |w| certificate(w, -400, 20), &["warning LF134"]),
    ("a certificate of tomorrow", |w| certificate(w, 1, 300), &["error LF135"]),
    (
        "a certificate that is none",
        |w| {
            certificate(w, -10, 300);
            w.doctor.certificates[0].certificates.clear();
        },
        &["error LF136"],
    ),
    (
        "a certificate without its key",
        |w| {
            let at = "/etc/docker/certs.d/registry.example/client";
            w.doctor.unpaired.push((format!("{at}.cert"), format!("{at}.key")));
        },
        &["error LF137"],
    ),
    (
        "a key for everybody",
        |w| {
            let path = "/etc/docker/certs.d/registry.example/client.key".to_owned();
            w.doctor.keys.push((path, state(FileKind::File, 0o644)));
        },
        &["warning LF138"],
    ),
    (
        "a key for its group",
        |w| w.doctor.keys.push(("/etc/docker/key.pem".into(), state(FileKind::File, 0o640))),
        &["note LF138"],
    ),
    ("daemon.json that is none", |w| w.daemon_json("{\"debug\": true"), &["error LF139"]),
    ("daemon.json that is a list", |w| w.daemon_json("[]"), &["error LF139"]),
    ("an unknown key", |w| w.daemon_json(r#"{"registry-mirror": []}"#), &["error LF140"]),
    ("a key of older engines", |w| w.daemon_json(r#"{"graph": "/data"}"#), &["error LF141"]),
    (
        "a key in both places",
        |w| {
            w.started_with("--log-driver=local");
            w.daemon_json(r#"{"log-driver": "local"}"#);
            w.engine_says(|info| info.log_driver = "local".to_owned());
        },
        &["error LF142"],
    ),
    (
        "runtimes in both places",
        |w| {
            w.started_with("--runtimes=x");
            w.daemon_json(r#"{"runtimes": {}}"#);
        },
        &[],
    ),
    (
        "a key that is not in force",
        |w| w.daemon_json(r#"{"live-restore": true}"#),
        &["warning LF143"],
    ),
    (
        "an engine that lets containers out",
        |w| {
            w.doctor.versions.insert("runc".into(), "1.1.11".into());
        },
        &["warning LF145"],
    ),
    (
        "an engine with plugins that can be passed by",
        |w| {
            w.doctor.versions.insert("dockerd".into(), "27.1.0".into());
            w.daemon_json(r#"{"authorization-plugins": ["p"]}"#);
        },
        &["warning LF145"],
    ),
    (
        "the same engine, without plugins",
        |w| {
            w.doctor.versions.insert("dockerd".into(), "27.1.0".into());
        },
        &[],
    ),
    (
        "a program that was replaced",
        |w| {
            w.doctor.landfall.installed = true;
            w.doctor.landfall.changed = vec!["/usr/bin/runc".into()];
        },
        &["warning LF146"],
    ),
    (
        "a daemon.json that was edited",
        |w| w.doctor.landfall.changed = vec!["/etc/docker/daemon.json".into()],
        &["note LF146"],
    ),
    ("a run that was cut", |w| w.doctor.landfall.cut = Some("install".into()), &["warning LF147"]),
    (
        "files that a run left",
        |w| w.doctor.landfall.staged = vec!["/usr/bin/.dockerd.landfall-new".into()],
        &["warning LF147"],
    ),
    (
        "a run that goes on",
        |w| {
            w.doctor.landfall.running = Some(RunState {
                command: "install".into(),
                pid: 412,
                since: w.facts.now,
                scope: None,
                activity: Activity::Preparing,
            });
        },
        &["note LF148"],
    ),
    (
        "what could not be seen",
        |w| w.doctor.unseen = vec!["firewall rules".into()],
        &["note LF148"],
    ),
];
