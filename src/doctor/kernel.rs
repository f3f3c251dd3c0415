//! Build options, modules and control groups.

use super::kernel_options::{Group, Need, groups};
use super::{Case, Sight, error, note, warning};
use crate::facts::CgroupMode;
use crate::preflight::Finding;

/// Modules that rules of an engine load on demand. On minimal images, and on RHEL 10 and its
/// kin, they are in a package of their own.
const ON_DEMAND: [&str; 5] = ["br_netfilter", "nf_nat", "veth", "xt_addrtype", "xt_conntrack"];
/// The same, where iptables drives the older interface.
const ON_DEMAND_LEGACY: [&str; 3] = ["ip_tables", "iptable_filter", "iptable_nat"];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    if !case.facts.live {
        return Vec::new();
    }
    let mut findings = options(case);
    findings.extend(modules(case));
    findings.extend(cgroup_driver(case));
    findings
}

fn is_legacy(case: &Case<'_>) -> bool {
    case.facts.iptables.is_some_and(|iptables| !iptables.nf_tables)
}

fn options(case: &Case<'_>) -> Vec<Finding> {
    let Some(config) = &case.doctor.kernel.config else { return Vec::new() };
    let (major, minor, _) = case.facts.kernel.version;
    let missing = |wanted: &dyn Fn(Need) -> bool| -> Vec<String> {
        let groups = groups();
        let wanted = groups.iter().filter(|group| wanted(group.need));
        let applying = wanted.filter(|group| group.applies_to((major, minor)));
        applying.filter_map(|group| unset(group, config)).collect()
    };
    let mut findings = Vec::new();
    let legacy = is_legacy(case);
    let required = missing(&|need| need == Need::Required || (legacy && need == Need::Legacy));
    if !required.is_empty() {
        findings.push(warning(Sight::KernelOptions { missing: required }));
    }
    let optional = missing(&|need| matches!(need, Need::Optional | Need::Driver));
    if !optional.is_empty() {
        findings.push(note(Sight::KernelOptionsOptional { missing: optional }));
    }
    findings
}

/// The options of a group that are not set, and what they are for.
fn unset(group: &Group, config: &std::collections::BTreeMap<String, String>) -> Option<String> {
    let unset: Vec<&str> =
        group.options.iter().filter(|option| !config.contains_key(**option)).copied().collect();
    (!unset.is_empty()).then(|| format!("{} ({})", unset.join(" "), group.purpose))
}

fn modules(case: &Case<'_>) -> Option<Finding> {
    let details = &case.doctor.kernel;
    let kernel = &case.facts.kernel;
    if details.has_modules == Some(false) {
        let (release, installed) = (kernel.release.clone(), details.others.clone());
        return Some(warning(Sight::ModulesOfAnotherKernel { release, installed }));
    }
    let loadable = kernel.loadable.as_ref()?;
    let legacy: &[&str] = if is_legacy(case) { &ON_DEMAND_LEGACY } else { &[] };
    let absent = ON_DEMAND.iter().chain(legacy).filter(|module| {
        let is_there = |names: &[String]| names.iter().any(|name| name == *module);
        !is_there(loadable) && !is_there(&kernel.modules)
    });
    let modules: Vec<String> = absent.map(|module| (*module).to_owned()).collect();
    (!modules.is_empty())
        .then(|| warning(Sight::ModulesAbsent { modules, package: modules_package(case) }))
}

/// The package that has modules which a distribution does not install by default.
fn modules_package(case: &Case<'_>) -> String {
    let os = &case.facts.os;
    let is = |name: &str| os.id == name || os.id_like.iter().any(|like| like == name);
    let release = &case.facts.kernel.release;
    if is("rhel") || is("fedora") || is("centos") {
        // Named without the architecture, which dnf adds itself.
        format!("kernel-modules-extra-{release}")
    } else if is("ubuntu") {
        format!("linux-modules-extra-{release}")
    } else {
        format!("linux-image-{release}")
    }
}

fn cgroup_driver(case: &Case<'_>) -> Option<Finding> {
    if !case.has_engine() {
        return None;
    }
    let driver = engine_driver(case)?;
    // With another runtime docker's containers are none of kubelet's.
    let kubelet = Some(&case.doctor.kubelet).filter(|kubelet| kubelet.uses_docker());
    let kubelet = kubelet.and_then(|kubelet| kubelet.driver.clone());
    if let Some(kubelet) = kubelet.filter(|kubelet| *kubelet != driver) {
        return Some(error(Sight::CgroupDriverKubelet { engine: driver, kubelet }));
    }
    let by_systemd = case.facts.systemd.as_ref().is_some_and(|systemd| systemd.running);
    (driver == "cgroupfs" && by_systemd && case.facts.cgroups.mode == CgroupMode::V2)
        .then(|| warning(Sight::CgroupDriverPlain { driver }))
}

/// As the daemon says; as it is configured; or else its default: `systemd` on version 2
/// since 20.10, `cgroupfs` on version 1.
fn engine_driver(case: &Case<'_>) -> Option<String> {
    if let Some(Ok(info)) = &case.doctor.answer {
        return Some(info.cgroup_driver.clone()).filter(|driver| !driver.is_empty());
    }
    let configured = case.daemon_json.get("exec-opts").and_then(serde_json::Value::as_array);
    let options = configured.into_iter().flatten().filter_map(serde_json::Value::as_str);
    let mut options = options.chain(case.flag(&["--exec-opt"]));
    if let Some(driver) = options.find_map(|option| option.strip_prefix("native.cgroupdriver=")) {
        return Some(driver.to_owned());
    }
    match case.facts.cgroups.mode {
        CgroupMode::V2 => Some("systemd".to_owned()),
        CgroupMode::V1 | CgroupMode::Hybrid => Some("cgroupfs".to_owned()),
        CgroupMode::None => None,
    }
}
