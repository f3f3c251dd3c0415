//! `--root`: a mounted image is provisioned, the host that runs is not.

use crate::support::{Machine, bundle, with};

/// A root file system in a directory: a copy of the host's own.
const COPY: &str = "mkdir -p /srv/image/var
    tar -C / --one-file-system --exclude=./srv --exclude=./mnt --exclude=./var/lib -cf - . | tar -C /srv/image -xpf -
    cp -a /var/lib /srv/image/var/lib";

/// One line for each of its paths, with everything that must be as before afterwards.
/// groupadd's and groupdel's own backups of the version before are left out.
const LIST: &str = "cd /srv/image; find . -type d -printf '%P d %m %U:%G\\n' , ! -type d -printf '%P %y %m %U:%G %s %l\\n' | grep -Ev '^etc/g(roup|shadow)- ' | sort
    find etc -type f ! -name group- ! -name gshadow- -exec sha256sum {} + | sort";

#[test]
fn an_image_is_provisioned_and_the_running_host_is_not_touched() {
    let host = Machine::boot();
    // A rule for hosts that run: there is nothing to be confirmed here.
    host.put("/root/landfall.yaml", "version: 1\nconfirm-within: 1s\n");
    host.sh(COPY);
    let image = host.sh(LIST);
    let before = host.snapshot();

    let root = ["--root", "/srv/image"];
    let options = ["--config", "/root/landfall.yaml", "--gid", "2345", "--live-restore"];
    host.landfall(&[&root, with("install", &options).as_slice()].concat()).exits(0);
    before.assert_same(&host.snapshot(), &[]);
    host.sh("chroot /srv/image dockerd --version; grep -x docker:x:2345: /srv/image/etc/group");
    host.sh("grep live-restore /srv/image/etc/docker/daemon.json");
    for link in ["sockets.target.wants/docker.socket", "multi-user.target.wants/docker.service"] {
        assert!(host.exists(&format!("/srv/image/etc/systemd/system/{link}")), "{link}");
    }

    let run = host
        .landfall(&[root.as_slice(), &["uninstall", "--purge", "data", "--yes"]].concat())
        .exits(0);
    let left = host.sh(&format!("{LIST} | grep -v '^var/lib/landfall'"));
    assert_eq!(left, image, "{run}");
    before.assert_same(&host.snapshot(), &[]);
}

#[test]
fn an_image_for_which_nothing_can_be_started_takes_no_container_image() {
    let host = Machine::boot();
    host.sh(COPY);
    let options = with("install", &["--image", bundle::image()]);
    let run = host.landfall(&[&["--root", "/srv/image"], options.as_slice()].concat());
    run.exits(2).says("--image");
    assert!(!host.exists("/srv/image/usr/bin/dockerd"));
}
