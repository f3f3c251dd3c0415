//! Reading it through the host.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::{
    Bridge, Forwarding, NameServer, NetworkFacts, forwarding, iptables_save, parse_listening, peers,
};
use crate::facts::resolver;
use crate::host::{Host, HostError};

/// How long a program may take that prints rules.
const LIMIT: Duration = Duration::from_secs(30);

/// How many processes are looked at upwards for the ssh session.
const ANCESTORS: usize = 32;

/// Looks at the network of the running system.
pub(in crate::facts) fn gather(
    host: &Host,
    programs: &BTreeMap<String, String>,
) -> Result<NetworkFacts, HostError> {
    let text = |path: &str| host.read_text(path).map(Option::unwrap_or_default);
    let (routes, addresses, unread) = match host.routes_and_addresses() {
        Ok((routes, addresses)) => (routes, addresses, None),
        Err(error) => (Vec::new(), Vec::new(), Some(error.to_string())),
    };
    let session = session(host);
    // A host with a hundred thousand connections has a table that is too long to be read.
    let table = |path: &str| text(path).unwrap_or_default();
    let sockets = table("/proc/net/tcp") + &table("/proc/net/tcp6");
    // The bonding driver keeps a file among the links.
    let links: Vec<String> = host
        .read_dir("/sys/class/net")?
        .into_iter()
        .filter(|name| name != "bonding_masters")
        .collect();
    Ok(NetworkFacts {
        forwarding: forwarding_facts(host, programs, &links)?,
        links,
        routes,
        listening: parse_listening(&text("/proc/net/unix")?),
        addresses,
        ssh_peers: session.ssh_peer.into_iter().collect(),
        peers: peers::parse_established(&sockets),
        name_servers: name_servers(host),
        proxies: session.proxies,
        unread,
    })
}

/// What the environment of the session says.
#[derive(Default)]
struct Session {
    ssh_peer: Option<IpAddr>,
    proxies: Vec<IpAddr>,
}

/// sudo drops `SSH_CONNECTION`, but the shell that it was called from still has it: the
/// environments of this process and of its ancestors are read, nearest first.
fn session(host: &Host) -> Session {
    let mut session = Session::default();
    let mut process = "self".to_owned();
    for _ in 0..ANCESTORS {
        // A process may end meanwhile, and its environment be another user's.
        let environment = host.read(&format!("/proc/{process}/environ")).ok().flatten();
        let environment = environment.unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment);
        if session.ssh_peer.is_none() {
            session.ssh_peer = peers::parse_ssh_peer(&environment);
        }
        if session.proxies.is_empty() {
            session.proxies = peers::parse_proxies(&environment);
        }
        let status = host.read_text(&format!("/proc/{process}/status")).ok().flatten();
        match peers::parse_parent(&status.unwrap_or_default()) {
            Some(parent) if parent > 0 => process = parent.to_string(),
            _ => break,
        }
    }
    session
}

fn name_servers(host: &Host) -> Vec<NameServer> {
    let mut found = Vec::new();
    for file in ["/etc/resolv.conf", resolver::UPSTREAM] {
        let text = host.read_text(file).ok().flatten().unwrap_or_default();
        for address in peers::parse_name_servers(&text) {
            if !found.iter().any(|server: &NameServer| server.address == address) {
                found.push(NameServer { address, file: file.to_owned() });
            }
        }
    }
    found
}

fn forwarding_facts(
    host: &Host,
    programs: &BTreeMap<String, String>,
    links: &[String],
) -> Result<Forwarding, HostError> {
    let switch = |path: &str| -> Result<Option<bool>, HostError> {
        Ok(host.read_text(path)?.map(|text| text.trim() != "0"))
    };
    let mut bridges = Vec::new();
    for name in links.iter().filter(|name| !NetworkFacts::is_engines(name)) {
        if host.stat(&format!("/sys/class/net/{name}/bridge"))?.is_some() {
            let members = host.read_dir(&format!("/sys/class/net/{name}/brif"))?;
            bridges.push(Bridge { name: name.clone(), members });
        }
    }
    // Neither program makes tables that are not there when it prints all that are.
    let print = |program: &str, argv: &[&str]| -> Option<String> {
        let output = programs.contains_key(program).then(|| host.run(argv, LIMIT))?.ok()?;
        (output.code == Some(0)).then_some(output.stdout)
    };
    let rules = print("iptables", &["iptables-save"]);
    let chains = print("nft", &["nft", "list", "chains"]).unwrap_or_default();
    let policy =
        |rules: &String| iptables_save::policy(rules, "filter", "FORWARD").map(str::to_owned);
    Ok(Forwarding {
        ipv4: switch("/proc/sys/net/ipv4/ip_forward")?,
        kept: forwarding::is_kept(&sysctl_files(host)?),
        policy: rules.as_ref().and_then(policy),
        nft_drops: forwarding::parse_nft_drops(&chains),
        bridged_filtered: switch("/proc/sys/net/bridge/bridge-nf-call-iptables")?,
        bridges,
        rules,
    })
}

/// The files of sysctl.d(5), one behind the other.
fn sysctl_files(host: &Host) -> Result<String, HostError> {
    let mut text = String::new();
    for directory in
        ["/usr/lib/sysctl.d", "/usr/local/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d"]
    {
        for name in host.read_dir(directory)?.iter().filter(|name| name.ends_with(".conf")) {
            // A link that dangles says nothing.
            let path = format!("{directory}/{name}");
            text += &host.read_text(&path).ok().flatten().unwrap_or_default();
            text.push('\n');
        }
    }
    Ok(text + &host.read_text("/etc/sysctl.conf").ok().flatten().unwrap_or_default())
}
