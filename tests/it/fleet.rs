//! Many hosts without ssh: one file on every host, one report on all.
// Results are gathered in a directory of this machine.
#![allow(clippy::disallowed_methods)]

use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Machine, Run, bundle};

fn landfall(arguments: &[&str]) -> Run {
    let mut landfall = Command::new(env!("CARGO_BIN_EXE_landfall"));
    Run::of(landfall.args(arguments).env_clear(), b"", Duration::from_secs(60))
}

#[test]
fn one_file_for_three_hosts_and_one_report() {
    let hosts: Vec<Machine> = thread::scope(|scope| {
        let booting: Vec<_> = (0..3).map(|_| scope.spawn(Machine::boot)).collect();
        booting.into_iter().map(|host| host.join().expect("it boots")).collect()
    });
    let docker = bundle::docker();
    let names: Vec<String> = hosts.iter().map(|host| host.sh("hostname")).collect();
    let address = hosts[1].sh("hostname -I").split(' ').next().unwrap().to_owned();
    let id = hosts[2].read("/etc/machine-id");
    let site = format!(
        "version: 1
defaults:
  engine: {{source: {{offline: {path}, sha256: {sha256}}}}}
  daemon: {{log-opts: {{max-size: 50m}}}}
groups:
  near: {{daemon: {{registry-mirrors: [\"https://near.example\"]}}}}
hosts:
  - name: {first}
    groups: [near]
    config: {{daemon: {{log-opts: {{max-file: \"3\"}}}}}}
  - address: {address}
  - machine-id: {id}
    config: {{daemon: {{bip: {address}/24}}}}
  - name: never-there
",
        path = docker.path,
        sha256 = docker.sha256,
        first = names[0],
        id = id.trim(),
    );
    let results = tempfile::tempdir().unwrap();
    let apply = ["apply", "--site", "/root/site.yaml", "--results", "/root"];
    let gather = |host: &Machine, name: &str| {
        let text = host.read(&format!("/root/result-{name}.json"));
        std::fs::write(results.path().join(format!("result-{name}.json")), &text).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let outcome = |at: usize, code: i32| {
        hosts[at].put("/root/site.yaml", &site);
        hosts[at].landfall(&apply).exits(code);
        gather(&hosts[at], &names[at])
    };

    let first = outcome(0, 0);
    assert_eq!(first["outcome"], "changed");
    assert_eq!(first["entry"], names[0].as_str());
    assert!(first["steps"].as_array().unwrap().len() > 10 && first["version"].is_string());
    let daemon: Value = serde_json::from_str(&hosts[0].read("/etc/docker/daemon.json")).unwrap();
    assert_eq!(daemon["log-opts"], serde_json::json!({"max-size": "50m", "max-file": "3"}));
    assert_eq!(daemon["registry-mirrors"][0], "https://near.example");
    assert_eq!(outcome(0, 0)["outcome"], "unchanged", "the second time");

    assert_eq!(outcome(1, 0)["entry"], address.as_str());
    let daemon: Value = serde_json::from_str(&hosts[1].read("/etc/docker/daemon.json")).unwrap();
    assert_eq!(daemon.get("registry-mirrors"), None);

    // Its bridge would take the network that the host is in.
    let before = hosts[2].snapshot();
    let refused = outcome(2, 3);
    assert_eq!(refused["outcome"], "refused");
    assert!(refused["findings"][0]["code"].as_str().unwrap().starts_with("LF"), "{refused}");
    before.assert_same(&hosts[2].snapshot(), &[]);

    let site_file = results.path().join("site.yaml");
    std::fs::write(&site_file, &site).unwrap();
    let at = |name: &str| results.path().join(name).to_str().unwrap().to_owned();
    let (page, junit) = (at("report.html"), at("report.xml"));
    let directory = results.path().to_str().unwrap();
    let report = ["fleet", "report", directory, "--html", &page, "--junit", &junit];
    let told = landfall(&report).exits(8).says("1 refused").says("1 nothing to do").says("1 done");
    assert!(!told.output().contains("never-there"));
    let site_file = site_file.to_str().unwrap();
    let whole = [report.as_slice(), &["--site", site_file]].concat();
    landfall(&whole).exits(8).says("never-there: no result");
    for file in [&page, &junit] {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(names.iter().all(|name| text.contains(name)), "{text}");
    }

    // What is wrong is told, and nothing is done.
    hosts[2].put("/root/site.yaml", site.replace(&format!("machine-id: {}", id.trim()), "name: x"));
    hosts[2].landfall(&apply).exits(2).says("no entry of this file is meant for this host");
    hosts[2].put("/root/site.yaml", site.replace("defaults", "default"));
    hosts[2].landfall(&apply).exits(2).says("line 2, column 1").says("did you mean `defaults`?");
    hosts[2].landfall(&["apply", "--site", "/nowhere.yaml"]).exits(2).says("/nowhere.yaml");
    landfall(&["fleet", "report", "/proc/self/fdinfo"]).exits(2).says("no result-<host>.json");
    before.assert_same(&hosts[2].snapshot(), &[]);
}
