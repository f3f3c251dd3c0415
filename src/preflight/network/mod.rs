//! Whether an engine's networks would cut somebody off, and what its firewall changes.

mod engine;
mod forwarding;
mod proposal;
mod uses;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use uses::{Use, UsedBy};

use super::{Case, Finding, Seen};
use engine::{Bridge, Pools};
use uses::overlap;

/// What is wrong with an address of the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BridgeProblem {
    /// It is no ADDRESS/PREFIX of the right family.
    Form,
    /// It is the network's own address, or its broadcast address.
    NotAHost,
    /// It is outside of the bridge's network.
    Outside,
    /// The key cannot stand beside `bridge`.
    BesideBridge,
}

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = settings(case);
    if !case.facts.live {
        return findings;
    }
    if let Some(reason) = &case.facts.network.unread {
        findings.push(Finding::warning(Seen::RoutesUnknown { reason: reason.clone() }));
    }
    let pools = engine::pools(case);
    let uses = uses::uses(case);
    let mut known: Vec<IpNet> = uses.iter().map(|used| used.network).collect();
    known.extend(uses::engines(case));
    let mut networks = vec![];
    let bridge = engine::bridge(case, &pools);
    if bridge != Bridge::Nothing && pools.first_free(&engine::avoided(case)).is_none() {
        findings.push(no_free_pool(case, &pools, &known, false));
    }
    match bridge {
        Bridge::None | Bridge::Kept(_) => {}
        Bridge::Set { key, network } => networks.push((Some(key), network)),
        Bridge::Nothing => findings.push(no_free_pool(case, &pools, &known, true)),
        Bridge::Chosen(network) => {
            networks.push((None, network));
            let moved = pools.first().filter(|first| *first != network);
            findings.extend(moved.map(|first| {
                let uses = overlapping(&uses, &first);
                Finding::note(Seen::BridgeMoves { first, network, uses })
            }));
        }
    }
    networks.extend(engine::bridge_v6(case).into_iter().map(|(key, net)| (Some(key), net)));
    let addresses = &case.facts.network.addresses;
    networks.retain(|(_, network)| {
        // docker0 has it already: nothing changes.
        !addresses.iter().any(|has| has.link == "docker0" && has.address.trunc() == *network)
    });
    let overlaps = networks.into_iter().map(|(key, net)| of_bridge(key, net, &uses, &known));
    findings.extend(overlaps.flatten());
    findings.extend(of_pools(case, &pools, &uses, &known));
    findings.extend(forwarding::check(case));
    findings
}

/// Values that the daemon would stumble over, also those that stand in daemon.json already.
fn settings(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut problem = |key: &str, value: &str, problem: BridgeProblem| {
        let (key, value) = (key.to_owned(), value.to_owned());
        found.push(Finding::error(Seen::BridgeAddress { key, value, problem }));
    };
    let text = |key: &str| case.setting(key).and_then(Value::as_str);
    for (key, of_host, ipv6) in [
        ("bip", true, false),
        ("bip6", true, true),
        ("fixed-cidr", false, false),
        ("fixed-cidr-v6", false, true),
    ] {
        let Some(value) = text(key) else { continue };
        match value.parse::<IpNet>() {
            Ok(net) if matches!(net, IpNet::V6(_)) == ipv6 => {
                let edge = net.addr() == net.network() || (!ipv6 && net.addr() == net.broadcast());
                if of_host && edge {
                    problem(key, value, BridgeProblem::NotAHost);
                } else if of_host && text("bridge").is_some_and(|name| !name.is_empty()) {
                    problem(key, value, BridgeProblem::BesideBridge);
                }
            }
            _ => problem(key, value, BridgeProblem::Form),
        }
    }
    for (inner, outer) in [("fixed-cidr", "bip"), ("fixed-cidr-v6", "bip6")] {
        let network = |key: &str| text(key)?.parse::<IpNet>().ok();
        if let (Some(value), Some(part), Some(bridge)) =
            (text(inner), network(inner), network(outer))
            && !bridge.contains(&part)
        {
            problem(inner, value, BridgeProblem::Outside);
        }
    }
    found
}

/// A `bip` that is given up: the bridge is there, and keeps what it has.
pub(super) fn stays(case: &Case<'_>) -> Option<Finding> {
    let given: IpNet = case.daemon_json.as_ref()?.get("bip")?.as_str()?.parse().ok()?;
    let has = case.facts.network.addresses.iter().find(|has| has.link == "docker0")?;
    (has.address == given).then(|| Finding::warning(Seen::BridgeAddressStays { address: given }))
}

fn overlapping(uses: &[Use], network: &IpNet) -> Vec<Use> {
    uses.iter().filter(|used| overlap(&used.network, network)).cloned().collect()
}

fn of_bridge(
    key: Option<&'static str>,
    network: IpNet,
    uses: &[Use],
    known: &[IpNet],
) -> Option<Finding> {
    let uses = overlapping(uses, &network);
    if uses.is_empty() {
        return None;
    }
    let flag = match (network, key) {
        (IpNet::V6(_), Some(key)) => proposal::ipv6_flag(key, known),
        _ => proposal::free(known).and_then(proposal::bridge_flag),
    };
    let key = key.map(str::to_owned);
    Some(Finding::error(Seen::NetworkOverlap { key, network, uses, flag }))
}

/// `known` has no halves of the internet, but an old daemon stays clear of them as well: then
/// no pool helps, only a network of one's own.
fn no_free_pool(case: &Case<'_>, pools: &Pools, known: &[IpNet], bridge_too: bool) -> Finding {
    let avoided = engine::avoided(case);
    let bridge = proposal::free(known);
    let mut taken: Vec<IpNet> = known.iter().chain(&avoided).copied().collect();
    taken.extend(bridge.map(IpNet::from));
    let flags = [
        bridge.filter(|_| bridge_too).and_then(proposal::bridge_flag),
        proposal::free(&taken).map(proposal::pools_flag),
    ];
    let of_pools = |used: &IpNet| pools.pools.iter().any(|(base, _)| overlap(base, used));
    let seen = Seen::NoFreePool {
        avoided: avoided.into_iter().filter(of_pools).collect(),
        flags: flags.into_iter().flatten().collect(),
    };
    if bridge_too { Finding::error(seen) } else { Finding::warning(seen) }
}

/// What the daemon stays clear of does no harm, but leaves fewer networks of pools that
/// somebody asked for.
fn of_pools(case: &Case<'_>, pools: &Pools, uses: &[Use], known: &[IpNet]) -> Option<Finding> {
    let avoided = engine::avoided(case);
    let bases: Vec<IpNet> = pools.pools.iter().map(|(base, _)| *base).collect();
    let hit = |used: &&Use| bases.iter().any(|base| overlap(base, &used.network));
    let (skipped, taken): (Vec<&Use>, Vec<&Use>) = uses
        .iter()
        .filter(hit)
        .partition(|used| avoided.iter().any(|net| net.contains(&used.network)));
    let (uses, finding): (Vec<&Use>, fn(Seen) -> Finding) = match (taken, pools.explicit) {
        (taken, _) if !taken.is_empty() => (taken, Finding::warning),
        (_, true) if !skipped.is_empty() => (skipped, Finding::note),
        _ => return None,
    };
    let skips = uses.iter().all(|used| avoided.iter().any(|net| net.contains(&used.network)));
    let pools: Vec<IpNet> = bases
        .into_iter()
        .filter(|base| uses.iter().any(|used| overlap(base, &used.network)))
        .collect();
    let mut known = known.to_vec();
    // Not what --bip is told to take, above.
    known.extend(proposal::free(&known).map(IpNet::from));
    let flag = proposal::free(&known).map(proposal::pools_flag);
    let uses = uses.into_iter().cloned().collect();
    Some(finding(Seen::PoolOverlap { pools, uses, skipped: skips, flag }))
}
