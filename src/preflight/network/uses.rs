//! What the host uses: networks and addresses that an engine must not take.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::Case;
use crate::facts::NetworkFacts;
use crate::facts::network::address_of_url;

/// A network, or a single address, and who needs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Use {
    /// Who needs it.
    #[serde(flatten)]
    pub by: UsedBy,
    /// What must stay reachable.
    pub network: IpNet,
}

/// Who needs a network, the worst to lose first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "used_by", rename_all = "snake_case")]
#[allow(missing_docs)] // the fields say it
pub enum UsedBy {
    /// The ssh session in which Landfall was started.
    SshPeer,
    /// A link of the host has this address.
    Address { link: String },
    /// Names are asked there.
    NameServer { file: String },
    /// daemon.json names this registry, or will.
    Registry { name: String },
    /// daemon.json or the session goes through this proxy.
    Proxy,
    /// A route; `table` if it is not of the main one.
    Route { link: String, table: Option<u32> },
    /// The far end of a connection.
    Peer,
}

/// Whether two networks share addresses.
pub(super) fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

/// What the host uses, without what is the engine's own.
pub(super) fn uses(case: &Case<'_>) -> Vec<Use> {
    let facts = &case.facts.network;
    let mut found = of_host(case, facts);
    found.extend(of_settings(case));
    let own: Vec<IpNet> = engines(case).collect();
    let ssh = |network: &IpNet| facts.ssh_peers.contains(&network.addr());
    found.retain(|used| match used.by {
        // Containers are peers too.
        UsedBy::Peer | UsedBy::SshPeer => {
            !own.iter().any(|net| net.contains(&used.network))
                && (used.by == UsedBy::SshPeer || !ssh(&used.network))
        }
        _ => true,
    });
    found.sort();
    found.dedup();
    found
}

/// Networks of the engine's own bridges.
pub(super) fn engines<'a>(case: &'a Case<'_>) -> impl Iterator<Item = IpNet> + 'a {
    let facts = &case.facts.network;
    let addresses = facts.addresses.iter().filter(|address| is_own(case, &address.link));
    let routes = facts.routes.iter().filter(|route| is_own(case, &route.link));
    addresses
        .map(|address| address.address.trunc())
        .chain(routes.map(|route| route.destination))
        .filter(|network| !is_everywhere(network))
}

/// Whether a link is the engine's: one of its bridges, or the one that daemon.json gives it.
pub(super) fn is_own(case: &Case<'_>, link: &str) -> bool {
    let given = case.setting("bridge").and_then(Value::as_str);
    NetworkFacts::is_engines(link) || given == Some(link)
}

fn of_host(case: &Case<'_>, facts: &NetworkFacts) -> Vec<Use> {
    let one = |by: UsedBy, address: &IpAddr| Use { by, network: IpNet::from(*address) };
    let mut found = Vec::new();
    found.extend(facts.ssh_peers.iter().map(|peer| one(UsedBy::SshPeer, peer)));
    found.extend(facts.peers.iter().map(|peer| one(UsedBy::Peer, peer)));
    found.extend(facts.proxies.iter().map(|proxy| one(UsedBy::Proxy, proxy)));
    for server in &facts.name_servers {
        found.push(one(UsedBy::NameServer { file: server.file.clone() }, &server.address));
    }
    for address in facts.addresses.iter().filter(|address| !is_own(case, &address.link)) {
        let by = UsedBy::Address { link: address.link.clone() };
        found.push(one(by, &address.address.addr()));
    }
    for route in facts.routes.iter().filter(|route| !is_own(case, &route.link)) {
        if !route.is_default() {
            let table = (route.table != crate::route::Route::MAIN).then_some(route.table);
            let by = UsedBy::Route { link: route.link.clone(), table };
            found.push(Use { by, network: route.destination });
        }
    }
    found.retain(|used| !is_everywhere(&used.network));
    found
}

/// Each host has these; they are never an engine's.
fn is_everywhere(network: &IpNet) -> bool {
    let address = network.addr();
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    address.is_loopback() || address.is_multicast() || link_local
}

/// What daemon.json names, as it stands and as it will be.
fn of_settings(case: &Case<'_>) -> Vec<Use> {
    let mut found = Vec::new();
    let standing = case.daemon_json.as_ref().and_then(Value::as_object);
    for settings in std::iter::once(&case.desired.daemon).chain(standing) {
        for key in ["registry-mirrors", "insecure-registries"] {
            // A range of insecure registries (ADDRESS/PREFIX) is no place to go to.
            let names = strings(settings.get(key)).filter(|name| is_place(name));
            found.extend(names.filter_map(|name| {
                let by = UsedBy::Registry { name: name.to_owned() };
                Some(Use { by, network: address_of_url(name)?.into() })
            }));
        }
        let servers = strings(settings.get("dns")).filter_map(|text| text.parse::<IpAddr>().ok());
        found.extend(servers.map(|address| {
            let by = UsedBy::NameServer { file: crate::desired::DAEMON_JSON.to_owned() };
            Use { by, network: address.into() }
        }));
        let proxies = settings.get("proxies").and_then(Value::as_object);
        let proxies = proxies.into_iter().flatten().filter(|(key, _)| *key != "no-proxy");
        let proxies = proxies.filter_map(|(_, url)| address_of_url(url.as_str()?));
        found.extend(proxies.map(|address| Use { by: UsedBy::Proxy, network: address.into() }));
    }
    found.retain(|used| !is_everywhere(&used.network));
    found
}

fn is_place(name: &str) -> bool {
    name.contains("://") || !name.contains('/')
}

fn strings(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
