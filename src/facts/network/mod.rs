//! Links, routes, who is connected, what forwards packets, and the sockets of engines.

mod forwarding;
mod gather;
pub mod iptables_save;
mod peers;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub(super) use gather::gather;
pub use peers::address_of_url;

use crate::route::{LinkAddress, Route};

/// Links, routes, and who is connected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkFacts {
    /// Names of network links.
    pub links: Vec<String>,
    /// Routes of both families and of all tables but `local`.
    pub routes: Vec<Route>,
    /// Sockets of engines ([`ENGINE_SOCKETS`]) that a process listens on.
    pub listening: Vec<String>,
    /// Addresses of links.
    #[serde(default)]
    pub addresses: Vec<LinkAddress>,
    /// Where the ssh session comes from that Landfall was started in.
    #[serde(default)]
    pub ssh_peers: Vec<IpAddr>,
    /// Far ends of the established TCP connections, each once, but for this host's own
    /// loopback. They change from moment to moment.
    #[serde(default)]
    pub peers: Vec<IpAddr>,
    /// Name servers that programs and containers ask.
    #[serde(default)]
    pub name_servers: Vec<NameServer>,
    /// HTTP proxies of the session that Landfall was started in, where given as addresses.
    #[serde(default)]
    pub proxies: Vec<IpAddr>,
    /// What forwards packets.
    #[serde(default)]
    pub forwarding: Forwarding,
    /// Why routes and addresses could not be read; then they are empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

impl NetworkFacts {
    /// Whether a link is an engine's own bridge.
    pub fn is_engines(link: &str) -> bool {
        matches!(link, "docker0" | "docker_gwbridge") || Self::is_of_container_network(link)
    }

    /// Whether a link is the bridge of a network that an engine made: `br-` and the first 12
    /// digits of the network's id.
    pub fn is_of_container_network(link: &str) -> bool {
        link.strip_prefix("br-")
            .is_some_and(|id| id.len() == 12 && id.bytes().all(|digit| digit.is_ascii_hexdigit()))
    }
}

/// A name server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameServer {
    /// Its address.
    pub address: IpAddr,
    /// The file that names it.
    pub file: String,
}

/// What forwards packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarding {
    /// `net.ipv4.ip_forward`; `None` if it cannot be read.
    pub ipv4: Option<bool>,
    /// Whether a file of sysctl.d(5) sets it at boot.
    pub kept: bool,
    /// The policy of chain FORWARD, such as `ACCEPT`; `None` if there is no such chain yet.
    pub policy: Option<String>,
    /// Chains of nftables other than iptables' own that drop forwarded packets by policy, as
    /// `inet filter forward`.
    pub nft_drops: Vec<String>,
    /// `net.bridge.bridge-nf-call-iptables`: whether what a bridge passes from port to port
    /// goes through iptables; `None` if br_netfilter is not loaded.
    pub bridged_filtered: Option<bool>,
    /// What iptables-save prints; `None` if it cannot be run. It is for this run alone: rules
    /// hold addresses that are nobody else's business.
    #[serde(skip)]
    pub rules: Option<String>,
    /// Bridges, but for those of engines.
    pub bridges: Vec<Bridge>,
}

/// A bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    /// Its name.
    pub name: String,
    /// Links that are its ports.
    pub members: Vec<String>,
}

/// Where engines and their supervisors listen. `/var/run` is `/run` on every host with
/// systemd; older daemons bind the longer name.
pub const ENGINE_SOCKETS: [&str; 5] = [
    "/run/containerd/containerd.sock",
    "/run/docker.sock",
    "/run/docker/containerd/containerd.sock",
    "/run/isulad.sock",
    "/run/podman/podman.sock",
];

/// Those of [`ENGINE_SOCKETS`] that a process listens on, from `/proc/net/unix`.
pub fn parse_listening(text: &str) -> Vec<String> {
    /// `__SO_ACCEPTCON` of the column `Flags`: the socket accepts connections (proc_net(5)).
    const ACCEPTS: &str = "00010000";
    let mut found: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, _, _, ACCEPTS, _, _, _, path] = fields[..] else { return None };
            let path =
                path.strip_prefix("/var").filter(|rest| rest.starts_with("/run/")).unwrap_or(path);
            ENGINE_SOCKETS.contains(&path).then(|| path.to_owned())
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_sockets() {
        let text = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 22001 /var/run/docker.sock\n\
            0000000000000000: 00000003 00000000 00000000 0001 03 22007 /run/docker.sock\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 22002 /run/systemd/private\n\
            0000000000000000: 00000002 00000000 00000000 0002 01 22003\n\
            0000000000000000: 00000003 00000000 00000000 0001 03 22004 /run/podman/podman.sock\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 22005 /run/containerd/containerd.sock\n";
        assert_eq!(parse_listening(text), ["/run/containerd/containerd.sock", "/run/docker.sock"]);
    }
}
