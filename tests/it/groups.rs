//! The group `docker` and its members.

use crate::support::{Machine, installed, with};

#[test]
fn a_group_that_is_there_is_kept_whatever_its_gid() {
    let host = Machine::boot();
    host.sh("groupadd --gid 4321 docker; useradd --create-home --groups docker bob");
    let before = host.sh("getent group docker");
    installed(&host, &[]);
    assert_eq!(host.sh("getent group docker"), before);
    assert_eq!(host.sh("stat -c %g /run/docker.sock"), "4321");
    host.sh("runuser -u bob -- docker version");

    host.landfall(&["uninstall", "--yes"]).exits(0);
    assert_eq!(host.sh("getent group docker"), before);
}

#[test]
fn the_gid_can_be_chosen() {
    let host = Machine::boot();
    installed(&host, &["--gid", "2345"]);
    assert_eq!(host.sh("getent group docker"), "docker:x:2345:");
    assert_eq!(host.sh("stat -c %g /run/docker.sock"), "2345");
}

#[test]
fn a_gid_that_another_group_has_is_refused_before_any_change() {
    let host = Machine::boot();
    host.sh("groupadd --gid 2345 people");
    let before = host.snapshot();
    let run = host.landfall(&with("install", &["--gid", "2345"])).says("people");
    assert_eq!(run.code, 2, "{run}");
    before.assert_same(&host.snapshot(), &[]);
}

#[test]
fn named_users_may_use_docker_until_it_is_uninstalled() {
    let host = Machine::boot();
    host.sh("useradd --create-home alice; useradd --create-home bob; useradd --create-home carol");
    installed(&host, &["--user", "alice", "--user", "bob"]);
    host.sh("runuser -u alice -- docker version; runuser -u bob -- docker version");
    host.exec(&["runuser", "-u", "carol", "--", "docker", "version"])
        .exits(1)
        .says("permission denied");

    host.landfall(&["uninstall", "--yes"]).exits(0);
    assert_eq!(host.sh("id -nG alice"), "alice");
    host.exec(&["getent", "group", "docker"]).exits(2);
}

#[test]
fn an_unknown_user_is_refused_before_any_change() {
    let host = Machine::boot();
    host.sh("useradd --create-home alice");
    let before = host.snapshot();
    let users = ["--user", "alice", "--user", "nobody-by-that-name"];
    let run = host.landfall(&with("install", &users)).says("nobody-by-that-name");
    assert_eq!(run.code, 2, "{run}");
    before.assert_same(&host.snapshot(), &[]);
}
