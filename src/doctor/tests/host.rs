//! Kernel, firewall, clock, names.

use super::{Case, CgroupMode, World, process};
use crate::doctor::kernel_options::{Need, groups};
use crate::facts::Iptables;
use crate::facts::doctor::Kubelet;

/// A kernel with all options of the table but these.
fn kernel_without(world: &mut World, options: &[&str]) {
    let all = groups().into_iter().filter(|group| group.need != Need::Unsafe);
    let set = all.flat_map(|group| group.options).filter(|option| !options.contains(option));
    world.doctor.kernel.config =
        Some(set.map(|option| (option.to_owned(), "m".to_owned())).collect());
}

fn kubelet(endpoint: &str, version: &str) -> Kubelet {
    Kubelet {
        driver: Some("systemd".to_owned()),
        endpoint: Some(endpoint.to_owned()),
        runtime: None,
        version: Some(version.to_owned()),
    }
}

fn loadable(world: &mut World, without: &[&str]) {
    world.facts.kernel.modules.retain(|module| !without.contains(&module.as_str()));
    let all = crate::facts::kernel::MODULES.iter().filter(|module| !without.contains(module));
    world.facts.kernel.loadable = Some(all.map(|module| (*module).to_owned()).collect());
}

const DOCKER: &str = "*nat\n:DOCKER - [0:0]\n-A PREROUTING -j DOCKER\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n";

pub(super) const CASES: &[Case] = &[
    ("a kernel with all options", |w| kernel_without(w, &[]), &[]),
    ("required options", |w| kernel_without(w, &["VETH", "POSIX_MQUEUE"]), &["warning LF095"]),
    ("the older interface, not in use", |w| kernel_without(w, &["IP_NF_FILTER"]), &[]),
    (
        "the older interface, in use",
        |w| {
            kernel_without(w, &["IP_NF_FILTER"]);
            w.facts.iptables = Some(Iptables { version: (1, 8, 7), nf_tables: false });
        },
        &["warning LF095"],
    ),
    ("optional options", |w| kernel_without(w, &["USER_NS", "VXLAN"]), &["note LF096"]),
    ("modules that are there", |w| loadable(w, &[]), &[]),
    ("modules in a package of their own", |w| loadable(w, &["br_netfilter"]), &["warning LF097"]),
    (
        "a kernel that was updated",
        |w| {
            w.doctor.kernel.has_modules = Some(false);
            w.doctor.kernel.others = vec!["6.1.0-40-amd64".into()];
        },
        &["warning LF098"],
    ),
    (
        "kubelet with another driver",
        |w| w.doctor.kubelet = kubelet("unix:///run/cri-dockerd.sock", "1.30.2"),
        &["error LF099"],
    ),
    (
        "kubelet of the time of dockershim",
        |w| {
            w.doctor.kubelet = kubelet("", "1.23.17");
            w.doctor.kubelet.endpoint = None;
        },
        &["error LF099"],
    ),
    (
        "kubelet that has a runtime of its own",
        |w| w.doctor.kubelet = kubelet("unix:///run/containerd/containerd.sock", "1.30.2"),
        &[],
    ),
    (
        "kubelet with the same driver, as daemon.json has it",
        |w| {
            w.doctor.answer = None;
            w.daemon_json(r#"{"exec-opts": ["native.cgroupdriver=systemd"]}"#);
            w.doctor.kubelet = kubelet("unix:///run/cri-dockerd.sock", "1.30.2");
        },
        &[],
    ),
    (
        "cgroupfs on version 2",
        |w| {
            w.facts.cgroups.mode = CgroupMode::V2;
            w.facts.cgroups.controllers =
                ["cpu", "cpuset", "io", "memory", "pids"].map(str::to_owned).to_vec();
        },
        &["warning LF100"],
    ),
    ("docker's rules", |w| w.doctor.firewall.nft = Some(DOCKER.into()), &[]),
    (
        "rules in both interfaces",
        |w| {
            w.doctor.firewall.nft = Some(DOCKER.into());
            w.doctor.firewall.legacy = Some("*filter\n-A INPUT -j ACCEPT\nCOMMIT\n".into());
        },
        &["warning LF101"],
    ),
    (
        "rules of others",
        |w| {
            let ufw = DOCKER.replace(":DOCKER", ":ufw-before-input - [0:0]\n:DOCKER");
            w.doctor.firewall.nft = Some(ufw);
        },
        &["note LF102"],
    ),
    (
        "a firewall that is emptied",
        |w| {
            w.doctor.firewall.flush =
                Some(("/etc/nftables.conf".into(), "nftables.service".into()));
        },
        &["warning LF103"],
    ),
    (
        "a policy",
        |w| w.doctor.firewall.nft = Some(DOCKER.replace("FORWARD ACCEPT", "FORWARD DROP")),
        &["note LF104"],
    ),
    ("forwarding is off", |w| w.facts.network.forwarding.ipv4 = Some(false), &["error LF105"]),
    (
        "forwarding is off, and no engine runs",
        |w| {
            w.facts.network.forwarding.ipv4 = Some(false);
            w.doctor.processes.clear();
            w.doctor.answer = None;
        },
        &[],
    ),
    (
        "forwarding is not the daemon's",
        |w| {
            w.facts.network.forwarding.ipv4 = Some(false);
            w.started_with("--ip-forward=false");
        },
        &[],
    ),
    (
        "bridges pass the firewall by",
        |w| w.facts.network.forwarding.bridged_filtered = Some(false),
        &["warning LF106"],
    ),
    (
        "IPv6 on bridges passes the firewall by",
        |w| w.doctor.ipv6_bridged_filtered = Some(false),
        &["warning LF106"],
    ),
    (
        "docker's chains are gone",
        |w| {
            w.doctor.firewall.nft = Some("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n".into());
            w.doctor.firewall.firewalld = true;
        },
        &["error LF107"],
    ),
    (
        "docker writes no rules",
        |w| {
            w.doctor.firewall.nft = Some("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n".into());
            w.daemon_json(r#"{"iptables": false}"#);
        },
        &[],
    ),
    (
        "a stub",
        |w| {
            w.doctor.resolver.servers = vec!["127.0.0.53".into()];
            w.doctor.resolver.upstream = vec!["10.0.0.2".into()];
        },
        &["note LF108"],
    ),
    (
        "a stub with nothing behind it",
        |w| w.doctor.resolver.servers = vec!["127.0.0.53".into()],
        &["warning LF109"],
    ),
    (
        "a server of its own, but containers get another",
        |w| {
            w.doctor.resolver.servers = vec!["127.0.0.1".into()];
            w.daemon_json(r#"{"dns": ["10.0.0.2"]}"#);
        },
        &[],
    ),
    ("no server", |w| w.doctor.resolver.servers.clear(), &["warning LF110"]),
    ("a clock that drifts", |w| w.doctor.synchronised = Some(false), &["note LF111"]),
    (
        "a clock that is behind",
        |w| {
            let later = w.facts.now + 7200;
            w.doctor.newest = Some((later, "/usr/bin/dockerd".into()));
        },
        &["warning LF112"],
    ),
    (
        "a clock that was set back a little",
        |w| {
            let later = w.facts.now + 60;
            w.doctor.newest = Some((later, "/usr/bin/dockerd".into()));
        },
        &[],
    ),
    (
        "a rootless dockerd beside it",
        |w| {
            let mut own = process(900, 880, "dockerd");
            own.uid = 1000;
            own.open_files = Some(1024);
            w.doctor.processes.push(own);
        },
        &[],
    ),
];
