//! Firewall rules and what forwards packets.

use super::{Case, Sight, error, note, warning};
use crate::facts::doctor::BRIDGE_CALLS_IPV6;
use crate::facts::network::iptables_save::{chains, count, policy};
use crate::preflight::Finding;

/// Who names chains how.
const OWNERS: [(&str, &str); 8] = [
    ("ufw-", "ufw"),
    ("KUBE-", "kube-proxy or kubelet"),
    ("cali-", "Calico"),
    ("CILIUM_", "Cilium"),
    ("FLANNEL-", "flannel"),
    ("f2b-", "fail2ban"),
    ("LIBVIRT_", "libvirt"),
    ("NETAVARK", "podman"),
];

/// The switch of IPv4.
const IP_FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
const BRIDGE_CALLS: &str = "/proc/sys/net/bridge/bridge-nf-call-iptables";

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = interfaces(case);
    if case.dockerd().is_some() {
        findings.extend(forwarding(case));
        findings.extend(chains_gone(case));
    }
    findings
}

fn interfaces(case: &Case<'_>) -> Vec<Finding> {
    let firewall = &case.doctor.firewall;
    let mut findings = Vec::new();
    if let (Some(legacy), Some(nft)) = (&firewall.legacy, &firewall.nft) {
        let (legacy, nft) = (count(legacy), count(nft));
        if legacy > 0 && nft > 0 {
            findings.push(warning(Sight::IptablesBoth { legacy, nft }));
        }
    }
    let all: Vec<&str> = firewall.rules().flat_map(chains).map(|(_, chain, _)| chain).collect();
    let owners: Vec<String> = OWNERS
        .iter()
        .filter(|(prefix, _)| all.iter().any(|chain| chain.starts_with(prefix)))
        .map(|(_, owner)| (*owner).to_owned())
        .collect();
    if !owners.is_empty() {
        findings.push(note(Sight::ForeignRules { owners }));
    }
    if let Some((path, unit)) = firewall.flush.clone().filter(|_| case.has_engine()) {
        findings.push(warning(Sight::RulesetFlushed { path, unit }));
    }
    findings
}

fn forwarding(case: &Case<'_>) -> Vec<Finding> {
    let facts = &case.facts.network.forwarding;
    let mut findings = Vec::new();
    if facts.ipv4 == Some(false) && case.switch("ip-forward", true) && has_bridge(case) {
        findings.push(error(Sight::ForwardingOff { setting: IP_FORWARD.to_owned() }));
    }
    let calls = [
        (BRIDGE_CALLS, facts.bridged_filtered),
        (BRIDGE_CALLS_IPV6, case.doctor.ipv6_bridged_filtered),
    ];
    let off = calls.into_iter().filter(|(_, filtered)| *filtered == Some(false));
    let off: Vec<String> = off.map(|(path, _)| path.to_owned()).collect();
    if !off.is_empty() && case.switch("iptables", true) {
        findings.push(warning(Sight::BridgeCallsOff { settings: off }));
    }
    let dropped =
        case.doctor.firewall.rules().filter_map(|rules| policy(rules, "filter", "FORWARD"));
    if let Some(policy) = dropped.into_iter().find(|policy| *policy != "ACCEPT") {
        findings.push(note(Sight::ForwardDrops { policy: policy.to_owned() }));
    }
    findings
}

fn has_bridge(case: &Case<'_>) -> bool {
    case.text("bridge") != Some("none")
}

/// The daemon writes its chains when it starts; a reload of firewalld, or whatever empties the
/// firewall, takes them away.
fn chains_gone(case: &Case<'_>) -> Option<Finding> {
    let firewall = &case.doctor.firewall;
    let writes = case.switch("iptables", true)
        && has_bridge(case)
        && case.text("firewall-backend") != Some("nftables");
    // The API answers once the daemon has set up its network.
    let is_up = matches!(case.doctor.answer, Some(Ok(_)));
    let known = firewall.legacy.is_some() || firewall.nft.is_some();
    let there = firewall.rules().any(|rules| policy(rules, "nat", "DOCKER").is_some());
    (writes && is_up && known && !there)
        .then(|| error(Sight::DockerChainsGone { firewalld: firewall.firewalld }))
}
