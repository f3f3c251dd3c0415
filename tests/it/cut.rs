//! A run that is cut – here by SIGKILL – is rolled back by the next command, whichever it is.

use crate::support::{Machine, SHADOW_BACKUPS, with};

/// Starts an installation and kills it as soon as its journal says that it is about to do this.
fn cut(host: &Machine, at: &str) {
    let install = with("install", &["--registry-mirror", "https://mirror.example.internal"]);
    // The loop ends by itself when the installation does; the test then fails for want of a cut.
    let killed = host.sh(&format!(
        "/mnt/share/landfall {} >/tmp/out 2>&1 & pid=$!
         while kill -0 $pid 2>/dev/null; do
           if grep -qs '\"event\":\"intent\".*{at}' /var/lib/landfall/journal.jsonl; then
             kill -9 $pid; break
           fi
         done
         wait $pid && echo 0 || echo $?",
        install.join(" ")
    ));
    assert_eq!(killed, "137", "killed while it did {at}: {}", host.read("/tmp/out"));
}

#[track_caller]
fn cut_is_rolled_back(at: &str) {
    let host = Machine::boot();
    let before = host.snapshot();
    cut(&host, at);
    host.landfall(&["uninstall", "--yes"]).exits(0).says("an earlier run was cut").says("nothing");
    before.assert_same(&host.snapshot(), SHADOW_BACKUPS);
}

#[test]
fn among_the_programs() {
    cut_is_rolled_back("/usr/bin/ctr");
}

#[test]
fn while_units_start() {
    cut_is_rolled_back("docker.service\",\"action\":\"start");
}

#[test]
fn the_next_install_goes_on_from_a_clean_host() {
    let host = Machine::boot();
    cut(&host, "/usr/bin/dockerd");
    let run = host.landfall(&with("install", &[])).exits(0).says("an earlier run was cut");
    assert!(!host.exists("/etc/docker/daemon.json"), "the cut run's mirror is gone: {run}");
    assert_eq!(host.unit("docker.service", "ActiveState"), "active");
}
