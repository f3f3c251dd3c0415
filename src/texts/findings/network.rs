//! Networks and the firewall.

use ipnet::IpNet;

use crate::preflight::{BridgeProblem, Seen, Use, UsedBy};

/// How many of a list are named.
const NAMED: usize = 4;

pub(super) fn seen(seen: &Seen) -> String {
    match seen {
        Seen::NetworkOverlap { key, network, uses, .. } => {
            let source = key.as_deref().unwrap_or("the daemon's own choice");
            format!("docker0 would get {network} ({source}), but there is {}", list(uses, used))
        }
        Seen::PoolOverlap { pools, uses, skipped, .. } => {
            let what = if *skipped { "skips that part" } else { "does not stay clear of that" };
            format!("{}: there is {}; the daemon {what}", list(pools, plain), list(uses, used))
        }
        Seen::BridgeMoves { first, network, uses } if uses.is_empty() => {
            format!("docker0 gets {network}, since routes cover {first}")
        }
        Seen::BridgeMoves { first, network, uses } => {
            format!("docker0 gets {network}, since in {first} there is {}", list(uses, used))
        }
        Seen::NoFreePool { avoided, .. } => {
            format!("all of its pools overlap with {}", list(avoided, plain))
        }
        Seen::BridgeAddress { key, value, problem } => {
            format!("{key} {value} {}", bridge_problem(*problem))
        }
        Seen::ForwardPolicy { now: true, .. } => {
            "net.ipv4.ip_forward is 1, but no file of sysctl.d keeps it: after the next boot the \
             daemon finds it off, turns it on, and makes DROP the policy of chain FORWARD"
                .to_owned()
        }
        Seen::ForwardPolicy { now: false, bridges, libvirt, .. } => {
            let mut here = bridges.clone();
            here.extend(libvirt.then(|| "libvirtd".to_owned()));
            format!(
                "the daemon sets net.ipv4.ip_forward to 1 and makes DROP the policy of chain \
                 FORWARD; here is {}",
                here.join(", ")
            )
        }
        Seen::BridgedTraffic { bridges, .. } => {
            format!("the daemon turns on br_netfilter; here is {}", bridges.join(", "))
        }
        Seen::Firewalld => "firewalld.service is active".to_owned(),
        Seen::FirewallService { services, drops } => {
            let mut here: Vec<String> =
                services.iter().map(|unit| format!("{unit} is active")).collect();
            here.extend(
                drops.iter().map(|chain| format!("chain {chain} of nftables drops by policy")),
            );
            here.join("; ")
        }
        Seen::RoutesUnknown { reason } => reason.clone(),
        _ => super::security::seen(seen),
    }
}

pub(super) fn fix(seen: &Seen) -> String {
    match seen {
        Seen::NetworkOverlap { flag: Some(flag), .. } => {
            format!("give docker0 a network that nobody uses: {flag}")
        }
        Seen::NetworkOverlap { flag: None, .. } => {
            "ask for a network that nobody uses, and give it to docker0: --bip ADDRESS/PREFIX"
                .to_owned()
        }
        Seen::PoolOverlap { flag: Some(flag), .. } => {
            format!("give the engine a free pool: {flag}")
        }
        Seen::PoolOverlap { flag: None, .. } => {
            "make networks of containers by hand: docker network create --subnet NETWORK NAME"
                .to_owned()
        }
        Seen::BridgeMoves { .. } => {
            "nothing; to choose it yourself: --bip ADDRESS/PREFIX".to_owned()
        }
        Seen::NoFreePool { flags, .. } if !flags.is_empty() => {
            format!("give it networks that nobody uses: {}", flags.join(" "))
        }
        Seen::NoFreePool { .. } => {
            "ask for a network that nobody uses, and give it to docker0: --bip ADDRESS/PREFIX"
                .to_owned()
        }
        Seen::BridgeAddress { key, problem: BridgeProblem::BesideBridge, .. } => {
            format!("take {key}, or bridge, out of the options and of /etc/docker/daemon.json")
        }
        Seen::BridgeAddress { key, .. } => bridge_example(key).to_owned(),
        _ => fix_of_firewall(seen),
    }
}

fn fix_of_firewall(seen: &Seen) -> String {
    match seen {
        Seen::ForwardPolicy { now: true, .. } => {
            "keep it: landfall install --keep-forwarding; by hand: echo net.ipv4.ip_forward=1 \
             >/etc/sysctl.d/50-forward.conf"
                .to_owned()
        }
        Seen::ForwardPolicy { can_keep: true, .. } => {
            "to keep the policy: --set ip-forward-no-drop=true; or let single bridges through \
             later: iptables -I DOCKER-USER -i BRIDGE -j ACCEPT"
                .to_owned()
        }
        Seen::ForwardPolicy { .. } => {
            "to keep the policy: --keep-forwarding, which turns forwarding on first; or let single \
             bridges through later: iptables -I DOCKER-USER -i BRIDGE -j ACCEPT"
                .to_owned()
        }
        Seen::BridgedTraffic { first, .. } => format!(
            "let it through, after each boot: iptables -I DOCKER-USER -i {first} -o {first} -j \
             ACCEPT"
        ),
        Seen::Firewalld => {
            "after a reload: systemctl restart docker, and put your own rules back".to_owned()
        }
        Seen::FirewallService { drops, .. } if !drops.is_empty() => {
            "let containers through where that chain is made: iifname \"docker0\" accept, and \
             oifname \"docker0\" accept; the same for br-*"
                .to_owned()
        }
        Seen::FirewallService { .. } => {
            "if containers have no network after a reload: systemctl restart docker".to_owned()
        }
        Seen::RoutesUnknown { .. } => {
            "compare yourself: ip route show table all; give docker0 a free network: --bip \
             ADDRESS/PREFIX"
                .to_owned()
        }
        _ => super::security::fix(seen),
    }
}

fn used(used: &Use) -> String {
    let network = &used.network;
    let address = network.addr();
    match &used.by {
        UsedBy::SshPeer => format!("{address}, where your ssh session comes from"),
        UsedBy::Address { link } => format!("{address}, the address of {link}"),
        UsedBy::NameServer { file } => format!("{address}, a name server of {file}"),
        UsedBy::Registry { name } => format!("{address}, the registry {name}"),
        UsedBy::Proxy => format!("{address}, a proxy"),
        UsedBy::Route { link, .. } if link.is_empty() => {
            format!("{network}, a route that drops packets")
        }
        UsedBy::Route { link, table: None } => format!("{network}, a route through {link}"),
        UsedBy::Route { link, table: Some(table) } => {
            format!("{network}, a route through {link} in table {table}")
        }
        UsedBy::Peer => format!("{address}, which is connected to this host"),
    }
}

fn plain(network: &IpNet) -> String {
    network.to_string()
}

fn list<T>(items: &[T], show: fn(&T) -> String) -> String {
    let named: Vec<String> = items.iter().take(NAMED).map(show).collect();
    let named = named.join("; ");
    match items.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}

fn bridge_problem(problem: BridgeProblem) -> &'static str {
    match problem {
        BridgeProblem::Form => "is not an ADDRESS/PREFIX of the right family",
        BridgeProblem::NotAHost => "is not the address of a host in its network",
        BridgeProblem::Outside => "is not inside of the bridge's own network",
        BridgeProblem::BesideBridge => "cannot stand beside the key bridge",
    }
}

fn bridge_example(key: &str) -> &'static str {
    match key {
        "bip" => "such as --bip 10.201.0.1/24",
        "bip6" => "such as --set 'bip6=\"fdc8:7b1e:9a42:1::1/64\"'",
        "fixed-cidr" => "such as --bip 10.201.0.1/24 --set 'fixed-cidr=\"10.201.0.128/25\"'",
        _ => "such as --set 'fixed-cidr-v6=\"fdc8:7b1e:9a42:1::/64\"'",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_named() {
        let by = |by, network: &str| Use { by, network: network.parse().unwrap() };
        let finding = Seen::NetworkOverlap {
            key: Some("bip".into()),
            network: "172.17.0.0/16".parse().unwrap(),
            uses: vec![
                by(UsedBy::SshPeer, "172.17.4.5/32"),
                by(UsedBy::Route { link: "tun0".into(), table: Some(220) }, "172.17.4.0/24"),
            ],
            flag: Some("--bip 172.18.0.1/16".into()),
        };
        assert_eq!(
            seen(&finding),
            "docker0 would get 172.17.0.0/16 (bip), but there is 172.17.4.5, where your ssh \
             session comes from; 172.17.4.0/24, a route through tun0 in table 220"
        );
        assert_eq!(fix(&finding), "give docker0 a network that nobody uses: --bip 172.18.0.1/16");
    }

    #[test]
    fn long_lists_are_cut() {
        let networks: Vec<IpNet> =
            (0..6).map(|n| format!("10.{n}.0.0/16").parse().unwrap()).collect();
        let expected = "10.0.0.0/16; 10.1.0.0/16; 10.2.0.0/16; 10.3.0.0/16; and 2 more";
        assert_eq!(list(&networks, plain), expected);
    }
}
