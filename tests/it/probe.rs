//! `probe` on one host, `plan --facts` on another.
// What a test reads is checked as it is read.
#![allow(clippy::expect_used)]

use crate::support::{Machine, with};

const SECRET: &str = "S3CR3T";

fn probed(host: &Machine, options: &[&str]) -> String {
    host.landfall(&[&["probe"], options].concat()).exits(0).stdout
}

#[test]
fn what_is_planned_elsewhere_is_what_the_host_itself_would_plan() {
    let (host, elsewhere) = (Machine::boot(), Machine::boot());
    host.sh("useradd --create-home deploy; useradd --create-home ann");
    let options = ["--user", "deploy", "--live-restore"];
    let probe = probed(&host, &options);
    assert!(probe.len() < 60_000, "small enough to be read: {}", probe.len());
    assert!(!probe.contains("\"ann\"") && !probe.contains("/home"), "{probe}");
    let json: serde_json::Value = serde_json::from_str(&probe).expect("JSON");
    assert_eq!(json["not_seen"], serde_json::json!([]), "root sees everything");

    // Nothing of the machine that plans may count.
    elsewhere.put("/root/host.json", &probe);
    elsewhere.put("/etc/docker/daemon.json", "{\"debug\": true}");
    elsewhere.put("/etc/landfall/landfall.yaml", "version: 1\nignore: [nonsense]\n");
    elsewhere.put("/usr/bin/dockerd", "something else");
    let planned = with("plan", &[&options[..], &["--facts", "/root/host.json"]].concat());
    let there = elsewhere.landfall(&planned).exits(0);
    let here = host.landfall(&with("plan", &options)).exits(0);
    assert_eq!(there.stdout, here.stdout);

    // A plan that was made elsewhere runs on the host that it was made for, and there alone.
    let out = [planned, vec!["-o", "/root/plan.json"]].concat();
    elsewhere.landfall(&out).exits(0);
    elsewhere.landfall(&["apply", "/root/plan.json"]).exits(3).says("another host");
    host.put("/root/plan.json", elsewhere.read("/root/plan.json"));
    host.landfall(&["apply", "/root/plan.json"]).exits(0);
    assert!(host.sh("getent group docker").ends_with(":deploy"));

    // And once more with what landfall did there, which the probe tells.
    let more = ["--user", "deploy", "--set", "debug=true"];
    elsewhere.put("/root/host.json", probed(&host, &more));
    let planned = with("plan", &[&more[..], &["--facts", "/root/host.json"]].concat());
    let there = elsewhere.landfall(&planned).exits(0);
    assert_eq!(there.stdout, host.landfall(&with("plan", &more)).exits(0).stdout);

    // Other options than the probe's look at more than it saw.
    let planned = with("plan", &["--user", "ann", "--facts", "/root/host.json"]);
    elsewhere.landfall(&planned).exits(2).says("ann").says("landfall probe");
    secrets_stay_there(&host, &elsewhere);
}

fn secrets_stay_there(host: &Machine, elsewhere: &Machine) {
    host.put(
        "/etc/docker/daemon.json",
        format!("{{\"registry-mirrors\": [\"https://ann:{SECRET}@mirror.example\"]}}"),
    );
    host.sh("chmod 0600 /etc/docker/daemon.json");
    let probe = probed(host, &[]);
    assert!(probe.contains("https://<removed>@mirror.example"), "{probe}");
    assert!(!probe.contains(SECRET), "{probe}");
    elsewhere.put("/root/host.json", &probe);
    let options = ["--set", "debug=true", "--facts", "/root/host.json", "-o", "/root/plan.json"];
    elsewhere.landfall(&with("plan", &options)).exits(0).says("cannot be applied");
    host.put("/root/plan.json", elsewhere.read("/root/plan.json"));
    host.landfall(&["apply", "/root/plan.json"]).exits(3).says("/etc/docker/daemon.json");

    // Somebody who is not root sees less, and is told.
    let run = host.exec(&["runuser", "-u", "ann", "--", "/mnt/share/landfall", "probe"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let not_seen = json["not_seen"].to_string();
    assert!(not_seen.contains("/etc/docker/daemon.json"), "{not_seen}");
    assert!(not_seen.contains("/var/lib/landfall/receipt.json"), "{not_seen}");
    assert!(run.stderr.contains("as root"), "{run}");
    assert!(!run.output().contains(SECRET), "{run}");
}
