//! And back: the host as it was, but for what the program says it keeps.

use crate::support::{Machine, RUNNING, bundle, installed, said_to_be_kept};

#[test]
fn uninstall_leaves_the_host_as_it_was_but_for_what_it_says() {
    let host = Machine::boot();
    host.sh("useradd --create-home alice");
    let before = host.snapshot();
    installed(&host, &["--image", bundle::image(), "--user", "alice", "--live-restore"]);
    let run = host.landfall(&["uninstall", "--yes"]).exits(0);
    let run = run.says("/var/lib/docker").says("/var/lib/containerd");
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
}

#[test]
fn uninstall_with_its_data_leaves_nothing() {
    let host = Machine::boot();
    let before = host.snapshot();
    installed(&host, &["--image", bundle::image()]);
    host.sh(&format!("docker run --name kept {} touch /file", bundle::IMAGE_NAME));
    let run = host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert!(!host.exists("/var/lib/docker") && !host.exists("/var/lib/containerd"), "{run}");
    // What was purged may be named, but not be there; our own journal may stay if it is named.
    let mut allowed = said_to_be_kept(&run);
    allowed.retain(|kept| !RUNNING.iter().any(|data| data.lines == kept.lines));
    before.assert_same(&host.snapshot(), &allowed);

    // A data-root that was a link before: what it leads to is emptied, both stay.
    host.sh("mkdir /var/lib/elsewhere; ln -s /var/lib/elsewhere /var/lib/docker");
    installed(&host, &["--image", bundle::image()]);
    assert!(host.exists("/var/lib/elsewhere/image"));
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert_eq!(host.sh("readlink /var/lib/docker; ls -A /var/lib/elsewhere"), "/var/lib/elsewhere");
}

#[test]
fn images_and_containers_are_there_again_after_the_next_install() {
    let host = Machine::boot();
    installed(&host, &["--image", bundle::image()]);
    host.sh(&format!("docker run --name kept {} sh -c 'echo mine >/file'", bundle::IMAGE_NAME));
    host.landfall(&["uninstall", "--yes"]).exits(0);
    installed(&host, &[]);
    assert_eq!(host.sh("docker cp kept:/file - | tar -xO"), "mine");
}

#[test]
fn what_stood_before_is_restored() {
    let host = Machine::boot();
    let unit = "[Service]\nExecStart=/usr/bin/sleep 1000\n";
    host.put("/etc/docker/daemon.json", "{\"debug\": true}\n");
    host.sh("chmod 0600 /etc/docker/daemon.json; chown 1:1 /etc/docker/daemon.json");
    // What a tutorial left: a unit, and a program with an attribute and a mode of its own.
    host.put("/etc/systemd/system/docker.service", unit);
    host.put("/usr/bin/runc", "#!/bin/sh\n");
    host.sh("chmod 0711 /usr/bin/runc; setfattr -n user.origin -v tutorial /usr/bin/runc");
    let before = host.snapshot();
    installed(&host, &["--live-restore"]);
    let run = host.landfall(&["uninstall", "--yes"]).exits(0);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
}

#[test]
fn what_a_person_changed_since_is_kept_and_named() {
    let host = Machine::boot();
    installed(&host, &[]);
    host.sh("sed -i '1i # our own' /etc/systemd/system/docker.service");
    let changed = host.read("/etc/systemd/system/docker.service");
    host.landfall(&["uninstall", "--yes"]).exits(0).says("/etc/systemd/system/docker.service");
    assert_eq!(host.read("/etc/systemd/system/docker.service"), changed);
    assert!(!host.exists("/usr/bin/dockerd"));
}

#[test]
fn where_nothing_was_installed_there_is_nothing_to_do() {
    let host = Machine::boot();
    let before = host.snapshot();
    host.landfall(&["uninstall", "--yes"]).exits(0).says("nothing");
    before.assert_same(&host.snapshot(), &[]);
}
