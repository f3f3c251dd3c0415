//! Host and kernel.

use serde_json::json;

use super::{Case, World};
use crate::bundle::Machine;
use crate::facts::{CgroupMode, Iptables};

pub(super) const CASES: &[Case] = &[
    ("not root", |w| w.facts.uid = 1000, &["error LF001"]),
    (
        "systemd installed, but not running",
        |w| w.facts.systemd.as_mut().unwrap().running = false,
        &["error LF002"],
    ),
    ("no systemd", |w| w.facts.systemd = None, &["error LF003"]),
    (
        "a distribution that is not in the table",
        |w| {
            w.facts.os.id = "unheard-of".into();
            w.facts.os.pretty_name = "Unheard of 1".into();
        },
        &["warning LF043"],
    ),
    (
        "a distribution of which too little is on record",
        |w| {
            w.facts.os.id = "Deepin".into();
            w.facts.os.version_id = "25".into();
        },
        &["note LF043"],
    ),
    ("MIPS", |w| w.facts.architecture = "mips64".into(), &["error LF004"]),
    (
        "an archive for Arm",
        |w| w.archive.entries[1].elf.machine = Machine::Aarch64,
        &["error LF005"],
    ),
    ("an archive for armhf on its host", |w| arm(w, "armv7l", Machine::Armhf), &[]),
    ("an archive for armel on Arm v7", |w| arm(w, "armv7l", Machine::Armel), &[]),
    ("an archive for armhf on Arm v6", |w| arm(w, "armv6l", Machine::Armhf), &["error LF005"]),
    ("an hour behind", |w| w.archive.newest_mtime = w.facts.now + 3600, &["warning LF006"]),
    ("a year behind", |w| w.archive.newest_mtime = w.facts.now + 365 * 86_400, &["error LF006"]),
    (
        "kernel 2.6",
        |w| w.facts.kernel.release = "2.6.32-754.el6.x86_64".into(),
        &["error LF010", "error LF013"],
    ),
    (
        "EL7 before 7.3",
        |w| w.facts.kernel.release = "3.10.0-327.el7.x86_64".into(),
        &["error LF013"],
    ),
    ("EL7 from 7.3 on", |w| w.facts.kernel.release = "3.10.0-514.el7.x86_64".into(), &[]),
    ("mainline 3.10", |w| w.facts.kernel.release = "3.10.0-514.generic".into(), &["error LF013"]),
    ("no overlay", |w| no_overlay(w, Some("n")), &["error LF012"]),
    ("overlay perhaps", |w| no_overlay(w, Some("m")), &["warning LF012"]),
    (
        "overlay as a module",
        |w| {
            no_overlay(w, Some("m"));
            loadable(w, &["overlay"]);
        },
        &[],
    ),
    (
        "overlay as a module without modprobe",
        |w| {
            no_overlay(w, Some("m"));
            loadable(w, &["overlay"]);
            w.facts.programs.remove("modprobe");
        },
        &["error LF012"],
    ),
    ("no overlay, nothing known", |w| no_overlay(w, None), &["warning LF012"]),
    (
        "no overlay, other storage",
        |w| {
            no_overlay(w, Some("n"));
            w.set("storage-driver", json!("btrfs"));
        },
        &[],
    ),
    ("no cgroups", |w| w.facts.cgroups.mode = CgroupMode::None, &["error LF014"]),
    (
        "no device controller",
        |w| w.facts.cgroups.controllers.retain(|name| name != "devices"),
        &["error LF015"],
    ),
    (
        "no memory controller",
        |w| w.facts.cgroups.controllers.retain(|name| name != "memory"),
        &["warning LF015"],
    ),
    ("version 2", |w| v2(w, &["cpu", "cpuset", "io", "memory", "pids"]), &[]),
    ("version 2 without controllers", |w| v2(w, &[]), &["warning LF015"]),
    (
        "version 2 and an old engine",
        |w| {
            v2(w, &["cpu", "cpuset", "io", "memory", "pids"]);
            w.desired.source.archive = "docker-19.03.15.tgz".into();
        },
        &["error LF016"],
    ),
    (
        "no xt_addrtype",
        |w| {
            w.facts.kernel.config.as_mut().unwrap().remove("NETFILTER_XT_MATCH_ADDRTYPE");
        },
        &["warning LF017"],
    ),
    (
        "modules that are not installed",
        |w| {
            w.facts.kernel.config.as_mut().unwrap().insert("VETH".into(), "m".into());
            loadable(w, &["bridge"]);
        },
        &["warning LF017"],
    ),
    (
        "no iptables",
        |w| {
            w.facts.programs.remove("iptables");
        },
        &["error LF018"],
    ),
    (
        "no iptables, none wanted",
        |w| {
            w.facts.programs.remove("iptables");
            w.set("iptables", json!(false));
        },
        &[],
    ),
    ("nft alone, and an engine that drives it", |w| nft_alone(w, "docker-29.1.0.tgz"), &[]),
    ("nft alone, and an older engine", |w| nft_alone(w, "docker-28.5.2.tgz"), &["error LF018"]),
    (
        "iptables 1.3",
        |w| w.facts.iptables = Some(Iptables { version: (1, 3, 5), nf_tables: false }),
        &["error LF019"],
    ),
];

/// A host of 32-bit Arm; Go's own linker does not say which one a program is for.
fn arm(world: &mut World, uname: &str, machine: Machine) {
    world.facts.architecture = uname.into();
    world.archive.entries[0].elf.machine = machine;
    world.archive.entries[1].elf.machine = Machine::Arm;
}

fn no_overlay(world: &mut World, option: Option<&str>) {
    let kernel = &mut world.facts.kernel;
    kernel.file_systems.retain(|name| name != "overlay");
    match option {
        Some("m") => drop(kernel.config.as_mut().unwrap().insert("OVERLAY_FS".into(), "m".into())),
        Some(_) => drop(kernel.config.as_mut().unwrap().remove("OVERLAY_FS")),
        None => kernel.config = None,
    }
}

fn loadable(world: &mut World, modules: &[&str]) {
    world.facts.kernel.loadable = Some(modules.iter().map(|name| (*name).to_owned()).collect());
}

fn v2(world: &mut World, controllers: &[&str]) {
    world.facts.cgroups.mode = CgroupMode::V2;
    world.facts.cgroups.controllers = controllers.iter().map(|name| (*name).to_owned()).collect();
}

fn nft_alone(world: &mut World, archive: &str) {
    world.facts.programs.remove("iptables");
    world.facts.programs.insert("nft".into(), "/usr/sbin/nft".into());
    world.set("firewall-backend", json!("nftables"));
    world.desired.source.archive = archive.into();
}
