//! The kernel, control groups, and what drives the firewall.

use super::{Case, Finding, Seen};
use crate::bundle::KernelVersion;
use crate::bundle::catalogue::{self, KernelRange};
use crate::facts::distribution::Tool;
use crate::facts::{CgroupMode, Kernel, kernel};

/// Storage drivers of the daemon that need no overlay file system.
const OTHER_STORAGE: [&str; 7] =
    ["aufs", "btrfs", "devicemapper", "fuse-overlayfs", "native", "vfs", "zfs"];

/// Version 1 controllers without which no container starts, or without which the limits of
/// `docker run` do nothing.
const V1_NEEDED: [&str; 1] = ["devices"];
const V1_WANTED: [&str; 5] = ["blkio", "cpu", "cpuset", "freezer", "memory"];
/// On version 2 devices are guarded by BPF, and freezing is built in.
const V2_WANTED: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];

/// The first release that knows version 2 of control groups.
const CGROUP_V2_SINCE: (u32, u32) = (20, 10);
/// The first release that can drive nftables itself.
const NFTABLES_SINCE: (u32, u32) = (29, 0);

/// What the bridge network of an engine uses: what it is called, the modules of which one
/// is enough, and the build options of which one is enough.
const NETWORK: [(&str, &[&str], &[&str]); 6] = [
    ("bridge", &["bridge"], &["BRIDGE"]),
    ("veth", &["veth"], &["VETH"]),
    ("NAT", &["nf_nat"], &["NF_NAT"]),
    ("addrtype match", &["xt_addrtype"], &["NETFILTER_XT_MATCH_ADDRTYPE"]),
    ("conntrack match", &["xt_conntrack"], &["NETFILTER_XT_MATCH_CONNTRACK"]),
    (
        "MASQUERADE target",
        &["xt_MASQUERADE", "ipt_MASQUERADE"],
        &["NETFILTER_XT_TARGET_MASQUERADE", "IP_NF_TARGET_MASQUERADE"],
    ),
];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let engine = case.engine();
    let mut findings = Vec::from_iter(firewall(case, engine.as_deref()));
    if case.facts.live {
        let range = catalogue::kernel_range(engine.as_deref().unwrap_or_default());
        findings.extend(version(case, &range, engine.as_deref()));
        findings.extend(overlay(case, &range));
        findings.extend(cgroups(case, engine.as_deref()));
        findings.extend(network(case));
    }
    findings
}

fn version(case: &Case<'_>, range: &KernelRange, engine: Option<&str>) -> Option<Finding> {
    let release = case.facts.kernel.release.clone();
    let seen: KernelVersion = release.parse().ok()?;
    let engine = engine.unwrap_or_default().to_owned();
    if seen < range.min {
        let minimum = range.min.to_string();
        return Some(Finding::error(Seen::KernelTooOld { release, minimum, engine }));
    }
    let maximum = range.max.filter(|max| seen > *max)?.to_string();
    Some(Finding::warning(Seen::KernelTooNew { release, maximum, engine }))
}

fn overlay(case: &Case<'_>, range: &KernelRange) -> Option<Finding> {
    let driver = case.setting("storage-driver").and_then(serde_json::Value::as_str);
    if driver.is_some_and(|driver| OTHER_STORAGE.contains(&driver)) {
        return None;
    }
    let kernel = &case.facts.kernel;
    let mounted = kernel.file_systems.iter().any(|name| name == "overlay");
    let available =
        if mounted { Some(true) } else { available(kernel, &["overlay"], &["OVERLAY_FS"]) };
    let loads =
        mounted || builtin(kernel, "OVERLAY_FS") || case.facts.programs.contains_key("modprobe");
    match available {
        Some(true) if loads => {}
        Some(_) => return Some(Finding::error(Seen::OverlayMissing { certain: true })),
        None => return Some(Finding::warning(Seen::OverlayMissing { certain: false })),
    }
    let seen: KernelVersion = kernel.release.parse().ok()?;
    let el7 = kernel.release.contains(".el7");
    (!range.overlay_works(seen, el7)).then(|| {
        Finding::error(Seen::OverlayTooOld {
            release: kernel.release.clone(),
            minimum: range.overlay.to_string(),
            el7_minimum: range.overlay_el7.map(|version| version.to_string()),
        })
    })
}

/// Whether the kernel has something, built in or as a module; `None` if it cannot be told.
fn available(kernel: &Kernel, modules: &[&str], options: &[&str]) -> Option<bool> {
    let has = |names: &[String]| names.iter().any(|name| modules.contains(&name.as_str()));
    let option = |value: &str| {
        let config = kernel.config.as_ref()?;
        Some(options.iter().any(|name| config.get(*name).is_some_and(|set| set == value)))
    };
    if option("y") == Some(true) || has(&kernel.modules) {
        return Some(true);
    }
    match (&kernel.loadable, option("m")) {
        (Some(loadable), _) => Some(has(loadable)),
        // Built as a module, which may or may not be there; in a container it is not seen.
        (None, Some(true) | None) => None,
        (None, Some(false)) => Some(false),
    }
}

fn builtin(kernel: &Kernel, option: &str) -> bool {
    kernel.config.as_ref().and_then(|config| config.get(option)).is_some_and(|value| value == "y")
}

fn cgroups(case: &Case<'_>, engine: Option<&str>) -> Option<Finding> {
    let cgroups = &case.facts.cgroups;
    let missing = |names: &[&str]| -> Vec<String> {
        let absent =
            names.iter().filter(|name| !cgroups.controllers.iter().any(|has| has == *name));
        absent.map(|name| (*name).to_owned()).collect()
    };
    let seen = |missing| Seen::CgroupControllers { mode: cgroups.mode, missing };
    match cgroups.mode {
        CgroupMode::None => return Some(Finding::error(Seen::CgroupsMissing)),
        CgroupMode::V1 | CgroupMode::Hybrid => {
            let needed = missing(&V1_NEEDED);
            if !needed.is_empty() {
                return Some(Finding::error(seen(needed)));
            }
        }
        CgroupMode::V2 => {
            if let Some(engine) = engine.filter(|engine| is_before(engine, CGROUP_V2_SINCE)) {
                return Some(Finding::error(Seen::CgroupVersion { engine: engine.to_owned() }));
            }
        }
    }
    let wanted = missing(if cgroups.mode == CgroupMode::V2 { &V2_WANTED } else { &V1_WANTED });
    (!wanted.is_empty()).then(|| Finding::warning(seen(wanted)))
}

/// Whether an engine is older than a line of releases.
pub(super) fn is_before(engine: &str, since: (u32, u32)) -> bool {
    kernel::parse_version(engine).is_some_and(|(major, minor, _)| (major, minor) < since)
}

fn network(case: &Case<'_>) -> Option<Finding> {
    if !uses_iptables(case) {
        return None;
    }
    let kernel = &case.facts.kernel;
    let missing: Vec<String> = NETWORK
        .iter()
        .filter(|(_, modules, options)| available(kernel, modules, options) == Some(false))
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    let release = kernel.release.clone();
    let install = case.facts.install_command(&[Tool::KernelModules]);
    let seen = || Seen::KernelNetwork { missing: missing.clone(), release, install };
    (!missing.is_empty()).then(|| Finding::warning(seen()))
}

fn uses_iptables(case: &Case<'_>) -> bool {
    case.setting("iptables").and_then(serde_json::Value::as_bool).unwrap_or(true)
        && !drives_nftables(case)
}

fn drives_nftables(case: &Case<'_>) -> bool {
    case.setting("firewall-backend").and_then(serde_json::Value::as_str) == Some("nftables")
}

fn firewall(case: &Case<'_>, engine: Option<&str>) -> Option<Finding> {
    let facts = case.facts;
    let nft = facts.programs.contains_key("nft");
    let can_do_without = drives_nftables(case)
        && nft
        && engine.is_some_and(|engine| !is_before(engine, NFTABLES_SINCE));
    let off = case.setting("iptables").and_then(serde_json::Value::as_bool) == Some(false);
    if can_do_without || off {
        return None;
    }
    if !facts.programs.contains_key("iptables") {
        let install = facts.install_command(&[Tool::Iptables]);
        return Some(Finding::error(Seen::IptablesMissing { nft, install }));
    }
    let (major, minor, patch) = facts.iptables?.version;
    let minimum = catalogue::engine_line(engine.unwrap_or_default())?.iptables_min;
    ((major, minor) < minimum).then(|| {
        Finding::error(Seen::IptablesTooOld {
            version: format!("{major}.{minor}.{patch}"),
            minimum: format!("{}.{}", minimum.0, minimum.1),
        })
    })
}
