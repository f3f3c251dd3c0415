//! `support-bundle`: everything that matters, no secrets, on hosts in any state.
// What a test reads is checked as it is read.
#![allow(clippy::expect_used)]

use std::collections::BTreeSet;

use crate::support::{Machine, bundle, installed};

const SECRET: &str = "S3CR3T";

/// Makes a bundle and unpacks it to `/root/unpacked`; its manifest.
fn bundled(host: &Machine, prefix: &[&str]) -> serde_json::Value {
    let command = ["/mnt/share/landfall", "support-bundle", "-o", "/tmp/bundle.tgz"];
    host.exec(&[prefix, &command].concat()).exits(0).says("/tmp/bundle.tgz");
    assert_eq!(host.sh("stat -c %a /tmp/bundle.tgz"), "600");
    host.sh("rm -rf /root/unpacked; mkdir /root/unpacked
         tar -xzf /tmp/bundle.tgz -C /root/unpacked --strip-components=1; rm /tmp/bundle.tgz");
    let found = host.exec(&["grep", "-r", SECRET, "/root/unpacked"]);
    assert_eq!(found.code, 1, "a secret got out: {found}");
    let manifest: serde_json::Value =
        serde_json::from_str(&host.read("/root/unpacked/manifest.json")).expect("JSON");
    let listed: BTreeSet<String> = names(&manifest, "files");
    let there = host.sh("cd /root/unpacked; find . -type f ! -name manifest.json -printf '%P\\n'");
    assert_eq!(there.lines().map(str::to_owned).collect::<BTreeSet<_>>(), listed);
    manifest
}

fn names(manifest: &serde_json::Value, list: &str) -> BTreeSet<String> {
    let list = manifest[list].as_array().expect("a list");
    list.iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

fn why_not(manifest: &serde_json::Value, name: &str) -> String {
    let left_out = manifest["left_out"].as_array().expect("a list");
    let found = left_out.iter().find(|item| item["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not left out: {manifest:#}"))["why"].to_string()
}

#[test]
fn a_bundle_says_what_is_there_and_keeps_secrets() {
    let host = Machine::boot();
    let fresh = bundled(&host, &[]);
    assert!(why_not(&fresh, "units/docker.service.txt").contains("docker.service"));
    assert!(why_not(&fresh, "engine/info.json").contains("docker.sock"));
    assert!(names(&fresh, "files").contains("network/iptables.txt"));

    plant(&host);
    let manifest = bundled(&host, &[]);
    let read = |name: &str| host.read(&format!("/root/unpacked/{name}"));
    assert!(read("logs/docker.service.txt").contains("password=<removed>"));
    let unit = read("units/docker.service.txt");
    assert!(unit.contains("HTTP_PROXY=<removed>") && unit.contains("ExecStart="), "{unit}");
    assert!(read("units/docker.service.show.txt").contains("Environment=HTTP_PROXY=<removed>"));
    assert!(read("etc/docker/daemon.json.txt").contains("token=<removed>"));
    assert!(read("network/iptables.txt").contains("password=<removed>"));
    for name in
        ["engine/info.json", "engine/containers.json", "landfall/receipt.json", "probe.json"]
    {
        let json: serde_json::Value = serde_json::from_str(&read(name)).expect(name);
        assert!(json.is_object() || json.is_array(), "{name}");
    }
    assert!(read("engine/containers.json").contains("planted"));
    let lines = read("landfall/journal.jsonl") + &read("findings.jsonl");
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    let removed = |name: &str| {
        let files = manifest["files"].as_array().expect("a list");
        files.iter().find(|file| file["name"] == name).expect(name)["removed"].as_u64()
    };
    for name in ["landfall/journal.jsonl", "landfall/receipt.json", "engine/containers.json"] {
        assert_ne!(removed(name), Some(0), "{name}");
    }

    // A dead daemon and a receipt that was cut are what bundles are made for.
    host.sh("systemctl stop docker.socket docker.service containerd.service");
    host.sh("truncate -s 100 /var/lib/landfall/receipt.json");
    let broken = bundled(&host, &[]);
    assert!(why_not(&broken, "engine/info.json").contains("docker.sock"));
    let not_seen = read("probe.json");
    assert!(not_seen.contains("/var/lib/landfall/receipt.json: "), "{not_seen}");

    // And somebody who is not root gets what may be read.
    let others = bundled(&host, &["runuser", "-u", "ann", "--"]);
    assert!(why_not(&others, "landfall/journal.jsonl").contains("Permission denied"));
    assert!(names(&others, "files").contains("network/routes.txt"));
}

/// Puts a secret into every place that a bundle takes something from.
fn plant(host: &Machine) {
    host.sh("useradd --create-home ann");
    let label = format!("labels=[\"token={SECRET}-label\"]");
    installed(host, &["--set", &label, "--image", bundle::image()]);
    host.put(
        "/etc/systemd/system/docker.service.d/proxy.conf",
        format!(
            "[Service]\nEnvironment=\"HTTP_PROXY=http://ann:{SECRET}-env@proxy:1\" \\\n  OTHER={SECRET}-more\n\
             ExecStartPre=/bin/echo password={SECRET}-log Authorization: Bearer {SECRET}-bearer\n"
        ),
    );
    host.put(
        "/etc/landfall/landfall.yaml",
        format!("version: 1\ndaemon:\n  labels: [\"password={SECRET}-yaml\"]\n"),
    );
    let image = bundle::IMAGE_NAME;
    host.sh(&format!(
        "docker create --name planted --label password={SECRET}-container {image}
         iptables -A INPUT -m comment --comment 'password={SECRET}-rule' -j ACCEPT
         systemctl daemon-reload; systemctl restart docker.service"
    ));
    // They are really there: where they are looked for, and where nobody may find them.
    host.sh(&format!(
        "journalctl -u docker.service | grep -q {SECRET}-log
         systemctl show docker.service | grep -q {SECRET}-env
         iptables-save | grep -q {SECRET}-rule
         grep -q {SECRET} /var/lib/landfall/receipt.json
         grep -q {SECRET} /var/lib/landfall/journal.jsonl
         docker inspect planted | grep -q {SECRET}-container"
    ));
}
