//! Links, routes and the sockets of engines.

use super::Route;

/// Where engines and their supervisors listen. `/var/run` is `/run` on every host with
/// systemd; older daemons bind the longer name.
pub const ENGINE_SOCKETS: [&str; 5] = [
    "/run/containerd/containerd.sock",
    "/run/docker.sock",
    "/run/docker/containerd/containerd.sock",
    "/run/isulad.sock",
    "/run/podman/podman.sock",
];

/// Reads `/proc/net/route`: IPv4 routes of the main table, without default routes. The
/// numbers are addresses in network order, printed as numbers of the machine's own order.
pub fn parse_routes(text: &str) -> Vec<Route> {
    let mut routes: Vec<Route> = text.lines().skip(1).filter_map(route).collect();
    routes.sort_by(|a, b| (&a.destination, &a.link).cmp(&(&b.destination, &b.link)));
    routes.dedup();
    routes
}

fn route(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [link, destination, _, _, _, _, _, mask, ..] = fields[..] else { return None };
    let mask = address(mask)?;
    if mask == 0 {
        return None;
    }
    let network = std::net::Ipv4Addr::from_bits(address(destination)?);
    let destination = format!("{network}/{}", mask.leading_ones());
    Some(Route { destination, link: link.to_owned() })
}

fn address(hex: &str) -> Option<u32> {
    u32::from_str_radix(hex, 16).ok().map(|number| u32::from_be_bytes(number.to_ne_bytes()))
}

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

    #[cfg(target_endian = "little")]
    #[test]
    fn routes() {
        let text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT \n\
            eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0 \n\
            eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0 \n\
            docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0 \n\
            tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0 \n\
            broken\n";
        let routes: Vec<(String, String)> =
            parse_routes(text).into_iter().map(|route| (route.destination, route.link)).collect();
        let expected =
            [("10.0.0.0/8", "tun0"), ("172.17.0.0/16", "docker0"), ("192.0.2.0/24", "eth0")];
        assert_eq!(routes, expected.map(|(to, link)| (to.to_owned(), link.to_owned())));
        assert!(parse_routes("").is_empty());
    }

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
