//! Kernel, control groups, clock, and Landfall's own state.

use crate::preflight::Code;
use crate::texts::findings::Page;

pub(super) fn page(code: Code) -> Option<Page> {
    Some(match code {
        Code::KernelOptions => Page {
            title: "the kernel was built without options that the engine requires",
            why: "what needs them does not work: containers do not start, or have no network",
            check: "zgrep CONFIG_NAME /proc/config.gz, or grep it in /boot/config-$(uname -r)",
            fix: "boot a kernel of the distribution (ls /boot/vmlinuz-*; grubby --set-default \
                  FILE, or apt-get install linux-image-amd64); or build these options into this \
                  one",
        },
        Code::KernelOptionsOptional => Page {
            title: "the kernel was built without options that some features need",
            why: "limits, storage or networks that use them are not to be had; all else works",
            check: "zgrep CONFIG_NAME /proc/config.gz, or grep it in /boot/config-$(uname -r)",
            fix: "nothing, unless you need the feature",
        },
        Code::ModulesAbsent => Page {
            title: "kernel modules that the engine loads are not installed",
            why: "the daemon does not start, or containers get no network, once a rule needs them",
            check: "modinfo NAME",
            fix: "dnf install kernel-modules-extra-$(uname -r), or apt-get install \
                  linux-modules-extra-$(uname -r) (Debian: linux-image-$(uname -r))",
        },
        Code::ModulesOfAnotherKernel => Page {
            title: "the modules of the running kernel are not there any more",
            why: "the kernel was updated and not booted since: nothing more can be loaded, such as \
                  overlay or what firewall rules need",
            check: "uname -r; ls /lib/modules",
            fix: "reboot",
        },
        Code::CgroupDriverKubelet => Page {
            title: "kubelet and docker keep control groups in different ways",
            why: "two managers of one tree: under memory pressure the node becomes unstable",
            check: "docker info --format '{{.CgroupDriver}}'; grep cgroupDriver \
                    /var/lib/kubelet/config.yaml",
            fix: "in /etc/docker/daemon.json: \"exec-opts\": [\"native.cgroupdriver=DRIVER\"], \
                  as kubelet has it; drain the node, then systemctl restart docker",
        },
        Code::CgroupDriverPlain => Page {
            title: "docker writes control groups beside systemd",
            why: "on version 2 the tree is systemd's; limits of containers may be lost when it \
                  reloads its units",
            check: "docker info --format '{{.CgroupDriver}} {{.CgroupVersion}}'",
            fix: "take native.cgroupdriver=cgroupfs out of \"exec-opts\" in \
                  /etc/docker/daemon.json; systemctl restart docker",
        },
        Code::ClockUnsynchronised => Page {
            title: "nothing keeps the clock right",
            why: "a clock that drifts ends in certificates that are “not yet valid” or “expired”, \
                  and in logs that cannot be compared",
            check: "timedatectl",
            fix: "with a time server of your network: server NAME iburst in /etc/chrony.conf, \
                  and systemctl restart chronyd; or NTP=NAME in /etc/systemd/timesyncd.conf, and \
                  systemctl restart systemd-timesyncd",
        },
        Code::ClockPast => Page {
            title: "the clock stands before something that has happened already",
            why: "certificates are “not yet valid”, so that no registry can be reached",
            check: "date; stat FILE",
            fix: "timedatectl set-ntp false; timedatectl set-time 'YYYY-MM-DD HH:MM:SS'",
        },
        Code::KnownProblem => Page {
            title: "an installed version has a known security problem",
            why: "whoever can start a container, or has an image started, may use it; packages of \
                  distributions may have the correction under an older number",
            check: "dockerd --version; runc --version; then look the CVE up",
            fix: "landfall install --offline docker-VERSION.tgz with a later version, or update \
                  the distribution's package",
        },
        Code::Drift => Page {
            title: "what landfall installed is not what it was",
            why: "a program that was replaced is not the one that was verified; landfall uninstall \
                  leaves changed files where they are",
            check: "sha256sum FILE, and compare with /var/lib/landfall/receipt.json",
            fix: "to have it as it was: landfall install, with the same archive and options",
        },
        Code::RunLeft => Page {
            title: "a run of landfall was cut, or has left files",
            why: "it is neither done nor undone; the next run rolls it back first",
            check: "tail -n 1 /var/lib/landfall/journal.jsonl",
            fix: "landfall recover takes it back, or completes it; files alone: rm FILE",
        },
        Code::NotSeen => Page {
            title: "not everything could be looked at",
            why: "what is not seen here may still be wrong",
            check: "run landfall doctor as root",
            fix: "sudo landfall doctor",
        },
        _ => return None,
    })
}
