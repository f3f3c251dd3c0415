//! What an engine changes in how a host forwards packets, told before it does.
//!
//! Sources: moby/moby, `libnetwork/drivers/bridge` (`setup_ip_forwarding`, `bridge_linux`,
//! `setup_bridgenetfiltering`) at 18.09, 20.10, 23.0, 27.3, 28 and 29.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::Value;

use super::super::kernel::is_before;
use super::super::{Case, Finding, Seen};
use super::uses::is_own;

/// From here on `ip-forward-no-drop` leaves the policy alone.
const NO_DROP_SINCE: (u32, u32) = (28, 0);

/// From here on br_netfilter is loaded only where `icc` or `userland-proxy` is off; before,
/// at each start.
const NETFILTER_SELDOM_SINCE: (u32, u32) = (27, 3);

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Where an engine runs, all of this has happened.
    if case.is_active("docker.service") || drives_nftables(case) || !is_on(case, "iptables", true) {
        return findings;
    }
    findings.extend(policy(case));
    findings.extend(bridged(case));
    findings.extend(firewalls(case));
    findings
}

fn is_on(case: &Case<'_>, key: &str, default: bool) -> bool {
    case.setting(key).and_then(Value::as_bool).unwrap_or(default)
}

/// nftables as the daemon's own backend (29 and later) turns nothing on.
fn drives_nftables(case: &Case<'_>) -> bool {
    case.setting("firewall-backend").and_then(Value::as_str) == Some("nftables")
}

fn is_older(case: &Case<'_>, since: (u32, u32)) -> bool {
    case.engine().is_some_and(|engine| is_before(&engine, since))
}

/// Where forwarding is off, the daemon turns it on and makes DROP the policy of FORWARD;
/// where it is on, it leaves the policy alone.
fn policy(case: &Case<'_>) -> Option<Finding> {
    let facts = &case.facts.network.forwarding;
    let can_keep = !is_older(case, NO_DROP_SINCE);
    if case.desired.kernel.forwarding == Some(true) {
        return None;
    }
    if !is_on(case, "ip-forward", true) || (can_keep && is_on(case, "ip-forward-no-drop", false)) {
        return None;
    }
    let bridges: Vec<String> = facts.bridges.iter().map(|bridge| bridge.name.clone()).collect();
    let libvirt = case.is_active("libvirtd.service");
    let seen = |now| Seen::ForwardPolicy { now, bridges: bridges.clone(), libvirt, can_keep };
    match facts.ipv4 {
        Some(false) if !bridges.is_empty() || libvirt => Some(Finding::warning(seen(false))),
        // Somebody turned it on by hand: after the next boot the daemon finds it off.
        Some(true) if !facts.kept && facts.policy.as_deref() != Some("DROP") => {
            (libvirt || is_router(case)).then(|| Finding::warning(seen(true)))
        }
        _ => None,
    }
}

/// Whether there is more than one side to forward between.
fn is_router(case: &Case<'_>) -> bool {
    let addresses = case.facts.network.addresses.iter();
    let links: BTreeSet<&str> = addresses
        .filter(|address| matches!(address.address, IpNet::V4(_)))
        .map(|address| address.link.as_str())
        .filter(|link| *link != "lo" && !is_own(case, link))
        .collect();
    links.len() > 1
}

fn bridged(case: &Case<'_>) -> Option<Finding> {
    let facts = &case.facts.network.forwarding;
    let needs = !is_on(case, "icc", true) || !is_on(case, "userland-proxy", true);
    let loads = is_older(case, NETFILTER_SELDOM_SINCE) || needs;
    let changes = match facts.bridged_filtered {
        None => loads,
        Some(false) => needs,
        Some(true) => false,
    };
    let bridges: Vec<String> = facts
        .bridges
        .iter()
        .filter(|bridge| !bridge.members.is_empty())
        .map(|bridge| format!("{} ({})", bridge.name, bridge.members.join(", ")))
        .collect();
    let first = facts.bridges.iter().find(|bridge| !bridge.members.is_empty())?.name.clone();
    changes.then(|| Finding::warning(Seen::BridgedTraffic { bridges, first }))
}

fn firewalls(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let firewalld = case.is_active("firewalld.service");
    if firewalld {
        findings.push(Finding::warning(Seen::Firewalld));
    }
    // firewalld has a chain of its own, with a zone for docker0 in it.
    let drops: Vec<String> = case
        .facts
        .network
        .forwarding
        .nft_drops
        .iter()
        .filter(|chain| !(firewalld && chain.contains(" firewalld ")))
        .cloned()
        .collect();
    let services: Vec<String> = ["nftables.service", "ufw.service"]
        .into_iter()
        .filter(|unit| case.is_active(unit))
        .map(str::to_owned)
        .collect();
    if !drops.is_empty() || !services.is_empty() {
        findings.push(Finding::warning(Seen::FirewallService { services, drops }));
    }
    findings
}
