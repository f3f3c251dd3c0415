//! `plan -o` and `apply`: exactly what was approved, or nothing.
// What a test reads is checked as it is read.
#![allow(clippy::expect_used)]

use landfall::approved::ApprovedPlan;

use crate::support::{Allowed, Machine, bundle, said_to_be_kept, with};

/// What the tests themselves leave.
const OWN_FILES: Allowed = Allowed { lines: "file /root", reason: "the test's own plans" };

const PLAN: &str = "/root/plan.json";

fn planned(host: &Machine, options: &[&str]) -> serde_json::Value {
    let options = [&["-o", PLAN], options].concat();
    host.landfall(&with("plan", &options)).exits(0).says("landfall apply /root/plan.json");
    serde_json::from_str(&host.read(PLAN)).expect("JSON")
}

#[test]
fn a_plan_is_applied_as_it_was_approved_or_not_at_all() {
    let host = Machine::boot();
    host.sh("useradd --create-home deploy");
    let before = host.snapshot();
    let plan = planned(&host, &["--user", "deploy", "--live-restore"]);
    assert_eq!(host.sh("stat -c %a /root/plan.json"), "600");
    assert_eq!(plan["archive"]["sha256"], bundle::docker().sha256);
    assert_eq!(plan["desired"]["group"]["members"][0], "deploy");
    let changes = plan["plan"]["changes"].to_string();
    assert!(changes.contains("live-restore") && changes.contains("docker.service"), "{changes}");

    refuses_other_files(&host);
    refuses_a_host_that_changed(&host);
    before.assert_same(&host.snapshot(), &[OWN_FILES]);

    // The archive was moved, and has another name now.
    host.sh(&format!("cp {} /root/moved", bundle::docker().path));
    host.landfall(&["apply", PLAN, "--offline", "/root/moved"]).exits(0);
    assert_eq!(host.unit("docker.service", "ActiveState"), "active");
    assert_eq!(host.sh("docker info --format '{{.LiveRestoreEnabled}}'"), "true");
    assert!(host.sh("getent group docker").ends_with(":deploy"));
    assert!(host.read("/var/lib/landfall/journal.jsonl").contains("\"command\":\"apply\""));
    let version = host.sh("docker version --format '{{.Server.Version}}'");
    host.landfall(&["status"]).exits(0).says(version.split('+').next().expect("a version"));

    // What was planned before is not what this host needs any more.
    let again = host.landfall(&["apply", PLAN]).exits(3);
    again.says("/var/lib/landfall/receipt.json").says("unit docker.service");
    planned(&host, &["--user", "deploy", "--live-restore"]);
    host.landfall(&["apply", PLAN]).exits(0).says("nothing to do");
    planned(&host, &["--registry-mirror", "https://mirror.example.internal"]);
    host.landfall(&["apply", PLAN]).exits(0);
    let mirrors = host.sh("docker info --format '{{.RegistryConfig.Mirrors}}'");
    assert_eq!(mirrors, "[https://mirror.example.internal/]");

    let run = host.landfall(&["uninstall", "--yes"]).exits(0);
    let allowed = [said_to_be_kept(&run), vec![OWN_FILES]].concat();
    before.assert_same(&host.snapshot(), &allowed);
}

fn refuses_other_files(host: &Machine) {
    host.sh("sed s/live-restore/debug/ /root/plan.json >/root/edited.json");
    host.landfall(&["apply", "/root/edited.json"]).exits(3).says("was changed after");
    // With a digest that fits: what is planned anew has to be equal, whatever the file says.
    let text = host.read(PLAN);
    let mut forged = ApprovedPlan::from_text(&text).expect("a plan");
    forged.plan.steps.pop();
    host.put("/root/forged.json", forged.to_text().expect("JSON"));
    host.landfall(&["apply", "/root/forged.json"]).exits(3).says("not approved: run a container");
    host.sh("sed '0,/\"schema\": 1/s//\"schema\": 9/' /root/plan.json >/root/newer.json");
    host.landfall(&["apply", "/root/newer.json"]).exits(2).says("format 9");
    host.landfall(&["apply", "/etc/os-release"]).exits(2).says("not a plan of landfall");
    let damaged = &bundle::damaged().path;
    let other = host.landfall(&["apply", PLAN, "--offline", damaged]).exits(4);
    other.says(&bundle::docker().sha256).says("landfall plan --offline");
    host.sh("cp /mnt/share/landfall /root/other-build; printf x >>/root/other-build");
    host.exec(&["/root/other-build", "apply", PLAN]).exits(3).says("another build");
}

fn refuses_a_host_that_changed(host: &Machine) {
    let name = host.sh("hostname");
    host.sh("hostname somewhere-else");
    host.landfall(&["apply", PLAN]).exits(3).says("another host").says("somewhere-else");
    host.sh(&format!("hostname {name}"));

    host.put("/etc/docker/daemon.json", "{\"debug\": true}\n");
    let changed = host.landfall(&["apply", PLAN]).exits(3);
    let changed = changed.says("/etc/docker/daemon.json: was not there");
    changed.says("landfall plan --offline").says("--live-restore");
    host.sh("rm -r /etc/docker");
}

#[test]
fn a_plan_that_fails_is_rolled_back_as_an_installation_is() {
    let host = Machine::boot();
    let before = host.snapshot();
    let bundle = bundle::missing_library();
    // The library is missed before, too; here it is the container that shows it.
    let plan = [vec!["plan"], bundle.arguments(), vec!["-o", PLAN]].concat();
    let refused = host.landfall(&plan);
    let ignored = if refused.code == 0 { Vec::new() } else { refused.findings() };
    let ignored = ignored.iter().flat_map(|code| ["--ignore", code.as_str()]);
    host.landfall(&plan.into_iter().chain(ignored).collect::<Vec<_>>()).exits(0);
    let run = host.landfall(&["apply", PLAN]).exits(1).says("rolled back");
    let allowed = [said_to_be_kept(&run), vec![OWN_FILES]].concat();
    before.assert_same(&host.snapshot(), &allowed);
}
