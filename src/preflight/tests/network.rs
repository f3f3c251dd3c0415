//! Networks and the firewall.

use serde_json::json;

use super::{Case, Code, Finding, Seen, World, text};
use crate::facts::{Bridge, FileFact, NameServer};
use crate::file_state::FileKind;
use crate::route::{LinkAddress, Route};

pub(super) const CASES: &[Case] = &[
    ("a network that the host is in", |w| w.on_link("172.17.0.0/16", "eth1"), &["note LF087"]),
    (
        "the same, known by a gateway, to an engine that looks at those as well",
        |w| {
            w.engine("20.10.24");
            w.route("172.17.0.0/16", "eth1", Route::MAIN);
        },
        &["note LF087"],
    ),
    (
        "the same, to an engine that does not",
        |w| w.route("172.17.0.0/16", "eth1", Route::MAIN),
        &["error LF085", "warning LF086"],
    ),
    (
        "a route of another table",
        |w| {
            w.engine("20.10.24");
            w.route("172.17.8.0/24", "wg0", 51820);
        },
        &["error LF085", "warning LF086"],
    ),
    (
        "a VPN's halves of the internet",
        |w| {
            w.route("0.0.0.0/1", "tun0", Route::MAIN);
            w.route("128.0.0.0/1", "tun0", Route::MAIN);
        },
        &[],
    ),
    (
        "the same, and an engine that stays clear of them",
        |w| {
            w.engine("20.10.24");
            w.route("0.0.0.0/1", "tun0", Route::MAIN);
            w.route("128.0.0.0/1", "tun0", Route::MAIN);
        },
        &["error LF088"],
    ),
    (
        "the same with a network for docker0",
        |w| {
            w.engine("20.10.24");
            w.route("0.0.0.0/1", "tun0", Route::MAIN);
            w.route("128.0.0.0/1", "tun0", Route::MAIN);
            w.set("bip", json!("172.16.0.1/16"));
        },
        &["warning LF088"],
    ),
    ("the ssh session", |w| w.ssh("172.17.4.5"), &["error LF085", "warning LF086"]),
    (
        "the ssh session, and another network",
        |w| {
            w.ssh("172.17.4.5");
            w.set("bip", json!("10.201.0.1/24"));
            w.set("default-address-pools", json!([{"base": "10.202.0.0/16", "size": 24}]));
        },
        &[],
    ),
    (
        "the ssh session in the explicit network",
        |w| {
            w.ssh("10.201.0.77");
            w.set("bip", json!("10.201.0.1/24"));
        },
        &["error LF085"],
    ),
    ("a peer", |w| w.peer("172.17.4.5"), &["error LF085", "warning LF086"]),
    ("a peer in a pool", |w| w.peer("192.168.7.8"), &["warning LF086"]),
    (
        "a peer in a pool that the daemon skips",
        |w| {
            w.peer("192.168.7.8");
            w.on_link("192.168.7.0/24", "eth1");
        },
        &[],
    ),
    (
        "pools of one's own, of which the daemon skips a part",
        |w| {
            w.on_link("10.1.0.0/16", "eth1");
            w.set("default-address-pools", json!([{"base": "10.0.0.0/10", "size": 16}]));
        },
        &["note LF086"],
    ),
    (
        "pools of one's own on a route",
        |w| {
            w.route("10.1.0.0/16", "tun0", Route::MAIN);
            w.set("default-address-pools", json!([{"base": "10.0.0.0/10", "size": 16}]));
        },
        &["warning LF086"],
    ),
    ("a name server, which the daemon sees", |w| w.name_server("172.17.0.53"), &["note LF087"]),
    (
        "a name server in the explicit network",
        |w| {
            w.name_server("10.9.0.53");
            w.set("bip", json!("10.9.0.1/16"));
        },
        &["error LF085"],
    ),
    (
        "a desired registry",
        |w| w.set("registry-mirrors", json!(["https://172.17.9.9:5000"])),
        &["error LF085", "warning LF086"],
    ),
    (
        "a registry of daemon.json as it stands",
        |w| w.daemon_json(r#"{"insecure-registries": ["172.17.9.9:5000", "172.16.0.0/12"]}"#),
        &["error LF085", "warning LF086"],
    ),
    (
        "a proxy",
        |w| w.set("proxies", json!({"http-proxy": "http://172.17.9.9:3128"})),
        &["error LF085", "warning LF086"],
    ),
    ("an address", |w| w.address("172.17.9.9/32", "eth1"), &["error LF085", "warning LF086"]),
    (
        "the engine's own networks, and containers as peers",
        |w| {
            w.address("172.17.0.1/16", "docker0");
            w.on_link("172.17.0.0/16", "docker0");
            w.on_link("172.18.0.0/16", "br-0123456789ab");
            w.peer("172.17.0.2");
            w.peer("172.18.0.2");
        },
        &[],
    ),
    (
        "docker0 as it is, wherever it is",
        |w| {
            w.address("172.17.0.1/16", "docker0");
            w.route("172.17.0.0/24", "tun0", 220);
            w.set("bip", json!("172.17.0.1/16"));
            w.set("default-address-pools", json!([{"base": "10.202.0.0/16", "size": 24}]));
        },
        &[],
    ),
    (
        "no bridge",
        |w| {
            w.ssh("172.17.4.5");
            w.set("bridge", json!("none"));
            w.set("default-address-pools", json!([{"base": "10.202.0.0/16", "size": 24}]));
        },
        &[],
    ),
    (
        "fixed-cidr makes the network",
        |w| {
            w.ssh("10.3.0.9");
            w.set("fixed-cidr", json!("10.3.0.0/24"));
        },
        &["error LF085"],
    ),
    (
        "IPv6",
        |w| {
            w.on_link("2001:db8:7::/48", "eth1");
            w.set("ipv6", json!(true));
            w.set("fixed-cidr-v6", json!("2001:db8:7:1::/64"));
        },
        &["error LF085"],
    ),
    ("a network's own address", |w| w.set("bip", json!("10.201.0.0/24")), &["error LF089"]),
    ("no IPv6 address", |w| w.set("bip6", json!("10.201.0.1/24")), &["error LF089"]),
    ("IPv6 network as the address", |w| w.set("bip6", json!("fd00:1::/64")), &["error LF089"]),
    (
        "fixed-cidr outside of bip",
        |w| {
            w.set("bip", json!("10.201.0.1/24"));
            w.set("fixed-cidr", json!("10.202.0.0/25"));
        },
        &["error LF089"],
    ),
    (
        "bip beside bridge",
        |w| {
            w.set("bip", json!("10.201.0.1/24"));
            w.set("bridge", json!("br0"));
        },
        &["error LF089"],
    ),
    ("a hypervisor", |w| w.hypervisor(), &["warning LF090"]),
    (
        "a hypervisor, and the policy kept",
        |w| {
            w.hypervisor();
            w.set("ip-forward-no-drop", json!(true));
        },
        &[],
    ),
    (
        "a hypervisor, and an engine that knows no such key",
        |w| {
            w.hypervisor();
            w.engine("20.10.24");
            w.set("ip-forward-no-drop", json!(true));
        },
        &["warning LF090", "warning LF091"],
    ),
    (
        "a hypervisor, and br_netfilter for containers that shall not talk",
        |w| {
            w.hypervisor();
            w.facts.network.forwarding.bridged_filtered = Some(false);
            w.set("icc", json!(false));
        },
        &["warning LF090", "warning LF091"],
    ),
    (
        "no firewall",
        |w| {
            w.hypervisor();
            w.set("iptables", json!(false));
        },
        &[],
    ),
    ("libvirtd alone", |w| w.libvirtd(), &["warning LF090"]),
    ("a router until it boots", World::router, &["warning LF090"]),
    (
        "a router whose packets are dropped already",
        |w| {
            w.router();
            w.facts.network.forwarding.policy = Some("DROP".into());
        },
        &[],
    ),
    ("a host with one link", |w| w.facts.network.forwarding.ipv4 = Some(true), &[]),
    (
        "a router",
        |w| {
            w.router();
            w.facts.network.forwarding.kept = true;
        },
        &[],
    ),
    ("firewalld", |w| w.unit("firewalld.service", "loaded", "active", ""), &["warning LF092"]),
    (
        "firewalld's own chain",
        |w| {
            w.unit("firewalld.service", "loaded", "active", "");
            w.facts.network.forwarding.nft_drops = vec!["inet firewalld filter_FORWARD".into()];
        },
        &["warning LF092"],
    ),
    ("ufw", |w| w.unit("ufw.service", "loaded", "active", ""), &["warning LF093"]),
    (
        "a chain that drops",
        |w| w.facts.network.forwarding.nft_drops = vec!["inet filter forward".into()],
        &["warning LF093"],
    ),
    ("no routes", |w| w.facts.network.unread = Some("refused".into()), &["warning LF094"]),
];

impl World {
    fn engine(&mut self, version: &str) {
        self.desired.source.archive = format!("/root/docker-{version}.tgz").into();
    }

    fn route(&mut self, to: &str, link: &str, table: u32) {
        self.facts.network.routes.push(Route {
            destination: to.parse().unwrap(),
            link: link.to_owned(),
            table,
            gateway: Some("10.79.0.1".parse().unwrap()),
            on_link: false,
        });
    }

    fn on_link(&mut self, network: &str, link: &str) {
        self.route(network, link, Route::MAIN);
        let route = self.facts.network.routes.last_mut().unwrap();
        (route.gateway, route.on_link) = (None, true);
    }

    fn address(&mut self, address: &str, link: &str) {
        let address = LinkAddress { link: link.to_owned(), address: address.parse().unwrap() };
        self.facts.network.addresses.push(address);
    }

    fn ssh(&mut self, peer: &str) {
        self.facts.network.ssh_peers.push(peer.parse().unwrap());
        self.peer(peer);
    }

    fn peer(&mut self, peer: &str) {
        self.facts.network.peers.push(peer.parse().unwrap());
    }

    fn name_server(&mut self, address: &str) {
        let (address, file) = (address.parse().unwrap(), "/etc/resolv.conf".to_owned());
        self.facts.network.name_servers.push(NameServer { address, file });
    }

    fn daemon_json(&mut self, text: &str) {
        let fact: &mut FileFact = self.put(crate::desired::DAEMON_JSON, FileKind::File);
        fact.text = Some(text.to_owned());
    }

    fn hypervisor(&mut self) {
        let members = vec!["vnet0".to_owned(), "vnet1".to_owned()];
        let forwarding = &mut self.facts.network.forwarding;
        forwarding.bridges = vec![Bridge { name: "virbr0".to_owned(), members }];
        forwarding.ipv4 = Some(false);
    }

    fn router(&mut self) {
        self.address("10.79.0.2/24", "eth0");
        self.address("10.80.0.2/24", "eth1");
        self.facts.network.forwarding.ipv4 = Some(true);
    }

    fn libvirtd(&mut self) {
        self.unit("libvirtd.service", "loaded", "active", "");
        self.facts.network.forwarding.ipv4 = Some(false);
    }
}

fn world() -> World {
    super::world()
}

/// Taking what is proposed, and nothing else, leaves nothing to say.
#[test]
fn proposals_work() {
    let changes: [fn(&mut World); 4] = [
        |w| w.ssh("172.17.4.5"),
        |w| {
            w.route("172.16.0.0/12", "tun0", Route::MAIN);
            w.route("10.0.0.0/9", "tun0", 220);
        },
        |w| w.set("registry-mirrors", json!(["http://172.17.1.1:5000", "http://172.16.0.1"])),
        |w| {
            w.engine("20.10.24");
            w.on_link("172.16.0.0/12", "eth1");
            w.on_link("192.168.0.0/16", "eth1");
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut world = world();
        change(&mut world);
        let bip = flag(&world.findings(), Code::NetworkOverlap)
            .or_else(|| flag(&world.findings(), Code::NoFreePool));
        let bip = bip.unwrap_or_else(|| panic!("{number}: {:?}", world.findings()));
        let (_, rest) = bip.split_once("--bip ").unwrap();
        world.set("bip", json!(rest.split(' ').next().unwrap()));
        for code in [Code::PoolOverlap, Code::NoFreePool] {
            let Some(pools) = flag(&world.findings(), code) else { continue };
            let (_, value) = pools.split_once("default-address-pools=").unwrap();
            let value = value.trim_end_matches('\'');
            world.set("default-address-pools", serde_json::from_str(value).unwrap());
        }
        let left: Vec<Finding> = world.findings();
        let left: Vec<&Finding> =
            left.iter().filter(|finding| finding.code != Code::HelperPrograms).collect();
        assert!(left.is_empty(), "{number}: {left:?}");
    }
}

fn flag(found: &[Finding], code: Code) -> Option<String> {
    let finding = found.iter().find(|finding| finding.code == code)?;
    Some(text(finding).fix)
}

#[test]
fn what_moves_docker0_is_named() {
    let mut world = world();
    world.on_link("172.17.0.0/16", "eth1");
    world.route("172.18.0.0/16", "tun0", Route::MAIN);
    world.name_server("172.18.0.53");
    let found = world.findings();
    let moved = found.iter().find(|finding| finding.code == Code::BridgeMoves).unwrap();
    assert_eq!(
        text(moved).seen,
        "docker0 gets 172.19.0.0/16, since in 172.17.0.0/16 there is 172.17.0.0/16, a route \
         through eth1"
    );
}

#[test]
fn each_use_is_said_once_and_the_worst_first() {
    let mut world = world();
    world.ssh("10.201.0.9");
    world.peer("10.201.0.8");
    world.route("10.201.0.0/25", "eth1", Route::MAIN);
    world.set("bip", json!("10.201.0.1/24"));
    let found = world.findings();
    let Some(Seen::NetworkOverlap { uses, .. }) = found
        .iter()
        .find(|finding| finding.code == Code::NetworkOverlap)
        .map(|finding| &finding.seen)
    else {
        panic!("{found:?}");
    };
    let shown: Vec<String> = uses.iter().map(|used| used.network.to_string()).collect();
    assert_eq!(shown, ["10.201.0.9/32", "10.201.0.0/25", "10.201.0.8/32"]);
    let json = serde_json::to_value(&uses[1]).unwrap();
    assert_eq!(json["used_by"], "route");
}
