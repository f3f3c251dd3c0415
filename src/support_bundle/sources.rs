//! What is collected, from where.

use super::{Collection, Keep, engine};
use crate::apply::journal::JOURNAL;
use crate::config::CONFIG_FILE;
use crate::desired::DAEMON_JSON;
use crate::receipt::RECEIPT;
use crate::texts::support_bundle as texts;
use crate::topology::ALL_UNITS;

/// Lines of a log, at most, before its size is looked at.
const LOG_LINES: &str = "20000";

/// Words of kernel messages that have to do with containers.
const KERNEL_WORDS: [&str; 16] = [
    "apparmor",
    "audit",
    "bridge",
    "br-",
    "cgroup",
    "containerd",
    "docker",
    "iptables",
    "nf_",
    "oom",
    "out of memory",
    "overlay",
    "runc",
    "seccomp",
    "segfault",
    "veth",
];

/// Programs, with the name that their output gets.
const PROGRAMS: [(&str, &[&str]); 17] = [
    ("system/uname.txt", &["uname", "-a"]),
    ("system/failed-units.txt", &["systemctl", "--no-pager", "--plain", "--failed"]),
    ("system/time.txt", &["timedatectl", "--no-pager"]),
    ("system/memory.txt", &["free", "-m"]),
    ("system/df.txt", &["df", "-hT"]),
    ("system/df-inodes.txt", &["df", "-i"]),
    ("system/mounts.txt", &["findmnt", "--list", "--output", "TARGET,SOURCE,FSTYPE,OPTIONS"]),
    ("system/modules.txt", &["lsmod"]),
    ("system/processes.txt", &["ps", "-eo", "pid,ppid,user,lstart,stat,comm"]),
    ("network/addresses.txt", &["ip", "address"]),
    ("network/links.txt", &["ip", "-details", "link"]),
    ("network/routes.txt", &["ip", "route", "show", "table", "all"]),
    ("network/rules.txt", &["ip", "rule"]),
    ("network/sockets.txt", &["ss", "-lntupx"]),
    ("network/iptables.txt", &["iptables-save", "-c"]),
    ("network/ip6tables.txt", &["ip6tables-save", "-c"]),
    ("network/nft.txt", &["nft", "list", "ruleset"]),
];

/// Files, with the name that their copies get.
const FILES: [(&str, &str, Keep); 8] = [
    ("etc/docker/daemon.json.txt", DAEMON_JSON, Keep::Start),
    ("landfall/journal.jsonl", JOURNAL, Keep::End),
    ("landfall/receipt.json", RECEIPT, Keep::Start),
    ("landfall/landfall.yaml.txt", CONFIG_FILE, Keep::Start),
    ("system/os-release.txt", "/etc/os-release", Keep::Start),
    ("network/resolv.conf.txt", "/etc/resolv.conf", Keep::Start),
    ("network/hosts.txt", "/etc/hosts", Keep::Start),
    ("system/cgroups.txt", "/proc/cgroups", Keep::Start),
];

/// Collects everything that can be had from the host itself. Facts and findings are the
/// caller's to add.
pub fn collect(collection: &mut Collection<'_>) {
    for (name, path, keep) in FILES {
        collection.file(name, path, keep);
    }
    if !collection.host.is_live() {
        // Programs would speak of the system that runs, not of the image.
        return collection.leave_out("system, network, units, logs, engine", texts::IMAGE);
    }
    for unit in ALL_UNITS {
        let name = format!("units/{unit}.txt");
        collection.program(&name, &["systemctl", "--no-pager", "cat", unit], Keep::Start);
        let name = format!("units/{unit}.show.txt");
        collection.program(&name, &["systemctl", "--no-pager", "show", unit], Keep::Start);
    }
    engine::collect(collection);
    logs(collection);
    for (name, argv) in PROGRAMS {
        collection.program(name, argv, Keep::Start);
    }
}

fn logs(collection: &mut Collection<'_>) {
    let since = format!("--since=-{}h", collection.limits.hours);
    for unit in ALL_UNITS {
        let argv = [
            "journalctl",
            "--no-pager",
            "-q",
            "-o",
            "short-iso",
            "-n",
            LOG_LINES,
            &since,
            "-u",
            unit,
        ];
        collection.program(&format!("logs/{unit}.txt"), &argv, Keep::End);
    }
    let of_kernel =
        ["journalctl", "--no-pager", "-q", "-o", "short-iso", "-n", LOG_LINES, &since, "-k"];
    let name = "logs/kernel.txt";
    collection.program_part(name, &of_kernel, Keep::End, about_containers);
    if !collection.manifest.files.iter().any(|file| file.name == name && file.bytes > 0) {
        collection.program_part("logs/dmesg.txt", &["dmesg"], Keep::End, about_containers);
    }
}

/// The lines of a kernel log that have to do with containers.
fn about_containers(log: &str) -> String {
    let matters = |line: &&str| {
        let line = line.to_lowercase();
        KERNEL_WORDS.iter().any(|word| line.contains(word))
    };
    log.split_inclusive('\n').filter(matters).collect()
}
