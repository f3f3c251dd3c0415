//! The bench itself: what the other tests take for granted.

use crate::support::{Machine, MachineOptions, Registry, bundle};

#[test]
fn snapshots_of_an_untouched_host_are_equal_and_a_change_is_seen() {
    let host = Machine::boot();
    let before = host.snapshot();
    before.assert_same(&host.snapshot(), &[]);

    host.sh(
        "echo x >/etc/new; chmod g+w /etc/hosts; groupadd -g 4444 people; ip link add d0 type bridge
             sysctl -qw net.ipv4.ip_forward=1; iptables -A INPUT -s 192.0.2.1 -j DROP
             mount -t tmpfs none /mnt; systemd-run -q --unit=waiting sleep 1000",
    );
    let changes = before.changes(&host.snapshot());
    for expected in [
        "+ file /etc/new regular 0644 0:0 2 ",
        "+ file /etc/hosts regular 0664 ",
        "+ user group people:x:4444:",
        "+ link d0:",
        "+ sysctl net/ipv4/ip_forward = 1",
        "+ firewall iptables-nft-save filter -A INPUT -s 192.0.2.1/32 -j DROP",
        "+ mount none /mnt tmpfs",
        "+ process sleep /usr/bin/sleep 1000",
    ] {
        assert!(
            changes.iter().any(|line| line.starts_with(expected)),
            "no {expected:?} in {changes:#?}"
        );
    }
}

#[test]
fn a_rebooted_host_keeps_its_disk_and_is_otherwise_the_same() {
    let host = Machine::boot();
    host.put("/etc/kept", "yes\n");
    let before = host.snapshot();
    host.reboot();
    assert_eq!(host.read("/etc/kept"), "yes\n");
    before.assert_same(&host.snapshot(), &[]);
}

#[test]
fn the_bundle_installed_by_hand_runs_a_container() {
    let host = Machine::boot();
    let docker = bundle::docker();
    host.sh(&format!(
        "groupadd docker; tar -xzf {} -C /tmp; cp /tmp/docker/* /usr/bin/
         systemd-run -q --unit=docker --property=Type=notify --property=Delegate=yes dockerd
         docker load -q -i {}",
        docker.path,
        bundle::image()
    ));
    // Debian's own versions have a suffix: 20.10.24+dfsg1.
    let version = host.sh("docker version --format '{{.Server.Version}}' | sed 's/+.*//'");
    assert!(docker.path.ends_with(&format!("docker-{version}.tgz")), "{version} runs");
    let run = ["docker", "run", "--rm", bundle::IMAGE_NAME, "echo", "hello"];
    assert_eq!(host.exec(&run).ok(), "hello");
    // As on most hosts, not the slow fallback "vfs".
    assert_eq!(host.sh("docker info --format '{{.Driver}}'"), "overlay2");
}

#[test]
fn a_registry_is_reachable_from_a_host_and_the_internet_is_not() {
    let registry = Registry::start();
    let host = Machine::boot();
    let (ip, port) = registry.address.split_once(':').expect("HOST:PORT");
    let request = format!(
        "exec 3<>/dev/tcp/{ip}/{port} && printf 'GET /v2/ HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
    );
    let answer = host.exec(&["bash", "-c", &request]).ok();
    assert!(answer.contains("200 OK"), "{answer}");
    assert!(registry.log().contains("GET /v2/"), "{}", registry.log());
    host.exec(&["ip", "route", "get", "203.0.113.1"]).exits(2).says("unreachable");
}

#[test]
fn a_host_with_a_disk_of_its_own_runs_out_of_space() {
    let host = MachineOptions { disk: Some("200M"), ..MachineOptions::default() }.boot();
    host.exec(&["dd", "if=/dev/zero", "of=/usr/bin/large", "bs=1M", "count=220"])
        .exits(1)
        .says("No space left on device");
}
