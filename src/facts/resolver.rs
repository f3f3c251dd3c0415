//! Name servers, as resolv.conf(5) names them.

/// What dockerd reads instead of `/etc/resolv.conf` where that names only systemd-resolved's
/// stub (moby's libnetwork/resolvconf does so since 19.03).
pub const UPSTREAM: &str = "/run/systemd/resolve/resolv.conf";

/// The name servers of a resolv.conf.
pub fn parse(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("nameserver")).then(|| words.next().map(str::to_owned))?
        })
        .collect()
}

/// Whether a name server is this host itself, which a container cannot reach.
pub fn is_loopback(server: &str) -> bool {
    let address = server.split('%').next().unwrap_or(server);
    address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers() {
        let text = "# nameserver 10.9.9.9\nsearch example\nnameserver 127.0.0.53\n\
            nameserver fe80::1%eth0\n  nameserver\t10.0.0.2 # office\nnameservers 10.0.0.3\n";
        assert_eq!(parse(text), ["127.0.0.53", "fe80::1%eth0", "10.0.0.2"]);
        let loopback = ["127.0.0.53", "::1", "127.1.2.3", "fe80::1%eth0", "10.0.0.2", "x"];
        assert_eq!(loopback.map(is_loopback), [true, true, true, false, false, false]);
    }
}
