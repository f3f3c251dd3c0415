//! The networks that an engine will make, by the rules of its release line.
//!
//! Sources: moby/moby, `daemon/daemon_unix.go` (the default bridge), `libnetwork/ipamutils`
//! (the default pools, the same in each line from 18.09 to 29) and `libnetwork/netutils`
//! (what the choice of a pool stays clear of).

use ipnet::{IpNet, Ipv4Net};
use serde_json::Value;

use super::super::Case;
use super::super::kernel::is_before;
use super::uses::{is_own, overlap};

/// The pools of an engine that is not told others, with the prefix of each network of it.
const DEFAULT_POOLS: [(&str, u8); 7] = [
    ("172.17.0.0/16", 16),
    ("172.18.0.0/16", 16),
    ("172.19.0.0/16", 16),
    ("172.20.0.0/14", 16),
    ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16),
    ("192.168.0.0/16", 20),
];

/// From here on only routes of scope link, networks that the host is in itself, are stayed
/// clear of; before, each route of the main table but the default one.
const ON_LINK_ONLY_SINCE: (u32, u32) = (23, 0);

/// From here on `fixed-cidr` makes the bridge's network if `bip` does not.
const FIXED_CIDR_IS_NETWORK_SINCE: (u32, u32) = (28, 0);

/// How many networks of one pool are looked at: a pool that is taken to the last one is, as
/// a rule, taken as a whole.
const LOOK_AT: usize = 1 << 16;

/// The network of `docker0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bridge {
    /// There will be none, or a bridge that others made.
    None,
    /// It has this network already, and keeps it.
    Kept(IpNet),
    /// A key of daemon.json gives it.
    Set { key: &'static str, network: IpNet },
    /// The first network of the pools that the daemon sees no use of.
    Chosen(IpNet),
    /// The daemon finds none, and does not start.
    Nothing,
}

/// Pools of networks.
pub(super) struct Pools {
    /// Whether daemon.json names them.
    pub explicit: bool,
    /// Each with the prefix of its networks.
    pub pools: Vec<(IpNet, u8)>,
}

/// Which network `docker0` will have.
pub(super) fn bridge(case: &Case<'_>, pools: &Pools) -> Bridge {
    let network = |key: &'static str| -> Option<IpNet> {
        let network: IpNet = case.setting(key)?.as_str()?.parse().ok()?;
        Some(network.trunc())
    };
    if case.setting("bridge").and_then(Value::as_str).is_some_and(|name| !name.is_empty()) {
        return Bridge::None;
    }
    let addresses = &case.facts.network.addresses;
    let existing = addresses
        .iter()
        .find(|address| address.link == "docker0" && matches!(address.address, IpNet::V4(_)));
    let existing = existing.map(|address| address.address.trunc());
    if let Some(network) = network("bip") {
        return match existing == Some(network) {
            true => Bridge::Kept(network),
            false => Bridge::Set { key: "bip", network },
        };
    }
    // With pools of its own the daemon makes docker0 anew when it starts.
    if let Some(network) = existing.filter(|_| !pools.explicit) {
        return Bridge::Kept(network);
    }
    let modern =
        !case.engine().is_some_and(|engine| is_before(&engine, FIXED_CIDR_IS_NETWORK_SINCE));
    if let Some(network) = network("fixed-cidr").filter(|_| modern) {
        return Bridge::Set { key: "fixed-cidr", network };
    }
    pools.first_free(&avoided(case)).map_or(Bridge::Nothing, Bridge::Chosen)
}

/// IPv6 networks of `docker0`, with the keys that give them.
pub(super) fn bridge_v6(case: &Case<'_>) -> Vec<(&'static str, IpNet)> {
    if case.setting("ipv6").and_then(Value::as_bool) != Some(true) {
        return Vec::new();
    }
    ["bip6", "fixed-cidr-v6"]
        .into_iter()
        .filter_map(|key| {
            let network: IpNet = case.setting(key)?.as_str()?.parse().ok()?;
            Some((key, network.trunc()))
        })
        .collect()
}

/// The pools that networks of containers are made of.
pub(super) fn pools(case: &Case<'_>) -> Pools {
    let listed = case.setting("default-address-pools").and_then(Value::as_array);
    let listed: Vec<(IpNet, u8)> = listed
        .into_iter()
        .flatten()
        .filter_map(|pool| {
            let base: IpNet = pool.get("base")?.as_str()?.parse().ok()?;
            let size = u8::try_from(pool.get("size")?.as_u64()?).ok()?;
            Some((base.trunc(), size))
        })
        .collect();
    if !listed.is_empty() {
        return Pools { explicit: true, pools: listed };
    }
    let default = |(base, size): &(&str, u8)| Some((base.parse().ok()?, *size));
    Pools { explicit: false, pools: DEFAULT_POOLS.iter().filter_map(default).collect() }
}

impl Pools {
    /// The first IPv4 network that overlaps with none of these.
    pub(super) fn first_free(&self, avoided: &[IpNet]) -> Option<IpNet> {
        let is_free =
            |network: &Ipv4Net| !avoided.iter().any(|used| overlap(used, &(*network).into()));
        self.pools.iter().find_map(|(base, size)| {
            let IpNet::V4(base) = base else { return None };
            base.subnets(*size).ok()?.take(LOOK_AT).find(is_free).map(IpNet::from)
        })
    }

    /// The network that `docker0` has on a host that uses none of them.
    pub(super) fn first(&self) -> Option<IpNet> {
        self.first_free(&[])
    }
}

/// What the daemon itself stays clear of when it chooses a network: name servers, and
/// routes of the main table.
pub(super) fn avoided(case: &Case<'_>) -> Vec<IpNet> {
    let all_routes = case.engine().is_some_and(|engine| is_before(&engine, ON_LINK_ONLY_SINCE));
    let facts = &case.facts.network;
    let routes = facts.routes.iter().filter(|route| {
        route.table == crate::route::Route::MAIN
            && route.destination.prefix_len() > 0
            && (all_routes || route.on_link)
            && !is_own(case, &route.link)
    });
    let servers = facts.name_servers.iter().map(|server| IpNet::from(server.address));
    routes.map(|route| route.destination).chain(servers).collect()
}
