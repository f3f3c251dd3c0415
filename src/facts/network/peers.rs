//! Who this host talks to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::facts::resolver;

/// Far ends of established connections, from `/proc/net/tcp` and `/proc/net/tcp6`; each
/// once, in order, without loopback.
pub(super) fn parse_established(text: &str) -> Vec<IpAddr> {
    /// `TCP_ESTABLISHED` of the column `st` (proc_net(5)).
    const ESTABLISHED: &str = "01";
    let mut found: Vec<IpAddr> = text
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip(2);
            let (remote, state) = (fields.next()?, fields.next()?);
            let (address, _) = remote.split_once(':')?;
            if state == ESTABLISHED { parse_address(address) } else { None }
        })
        .filter(|address| !address.is_loopback())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// An address as the kernel prints it: words of 32 bits in the machine's own order.
fn parse_address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let number = u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?;
        Some(u32::from_be_bytes(number.to_ne_bytes()))
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from_bits(word(0)?).into()),
        32 => {
            let mut bits = 0;
            for at in [0, 8, 16, 24] {
                bits = (bits << 32) | u128::from(word(at)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical())
        }
        _ => None,
    }
}

/// The client's address in `SSH_CONNECTION` (ssh(1)) of an environment as `/proc` shows it.
pub(super) fn parse_ssh_peer(environment: &str) -> Option<IpAddr> {
    let value = variable(environment, "SSH_CONNECTION")?;
    let client = value.split(' ').next()?;
    // A link-local address has its link behind it.
    let client = client.split('%').next()?;
    client.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// HTTP proxies that an environment names by address.
pub(super) fn parse_proxies(environment: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        let upper = name.to_uppercase();
        for value in [variable(environment, name), variable(environment, &upper)] {
            found.extend(value.and_then(address_of_url));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn variable<'a>(environment: &'a str, name: &str) -> Option<&'a str> {
    environment.split('\0').find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='))
}

/// The host of a URL, or of `HOST[:PORT]`, if it is an address.
pub fn address_of_url(url: &str) -> Option<IpAddr> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(inner) = host.strip_prefix('[') {
        return inner.split(']').next()?.parse().ok();
    }
    host.split(':').next()?.parse().ok()
}

/// `nameserver` lines of resolv.conf(5), without those on the loopback: a stub's answers
/// come from elsewhere.
pub(super) fn parse_name_servers(text: &str) -> Vec<IpAddr> {
    resolver::parse(text)
        .iter()
        .filter_map(|server| server.split('%').next()?.parse::<IpAddr>().ok())
        .filter(|address| !address.is_loopback())
        .collect()
}

/// The parent's id, from `/proc/PID/status`.
pub(super) fn parse_parent(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(addresses: &[IpAddr]) -> Vec<String> {
        addresses.iter().map(ToString::to_string).collect()
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn established_connections() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n\
            \x20  0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000\n\
            \x20  1: 020200C0:0016 0900A8C0:C350 01 00000000:00000000 02:000A0000 00000000\n\
            \x20  2: 020200C0:0016 0900A8C0:C351 01 00000000:00000000 02:000A0000 00000000\n\
            \x20  3: 020200C0:9452 507100CB:0050 06 00000000:00000000 03:0000097E 00000000\n\
            \x20  4: 0100007F:0016 0100007F:C351 01 00000000:00000000 02:000A0000 00000000\n\
            \x20  5: 0000000000000000FFFF0000020200C0:0016 0000000000000000FFFF0000051010AC:D4F2 01 0\n\
            \x20  6: B80D01200000000000000000010000FF:0016 B80D0120000000000000000002000000:D4F2 01 0\n\
            broken\n";
        let expected = ["172.16.16.5", "192.168.0.9", "2001:db8::2"];
        assert_eq!(shown(&parse_established(text)), expected);
    }

    #[test]
    fn environments() {
        let environment = "HOME=/root\0SSH_CONNECTION=10.1.2.3 50022 192.0.2.2 22\0\
            HTTPS_PROXY=http://me:secret@10.9.0.1:3128/\0http_proxy=proxy.example:3128\0";
        assert_eq!(parse_ssh_peer(environment), Some("10.1.2.3".parse().unwrap()));
        assert_eq!(shown(&parse_proxies(environment)), ["10.9.0.1"]);
        let far = "SSH_CONNECTION=fe80::1%eth0 50022 fe80::2%eth0 22\0";
        assert_eq!(parse_ssh_peer(far), Some("fe80::1".parse().unwrap()));
        assert_eq!(parse_ssh_peer("MY_SSH_CONNECTION=10.1.2.3 1 2 3\0"), None);
        assert_eq!(parse_parent("Name:\tsudo\nPid:\t77\nPPid:\t42\n"), Some(42));
    }

    #[test]
    fn addresses_of_urls() {
        let host = |url| address_of_url(url).map(|address| address.to_string());
        assert_eq!(host("https://10.0.0.5:5000/"), Some("10.0.0.5".into()));
        assert_eq!(host("10.0.0.5:5000"), Some("10.0.0.5".into()));
        assert_eq!(host("http://[2001:db8::1]:5000"), Some("2001:db8::1".into()));
        assert_eq!(host("mirror.example.internal:5000"), None);
        assert_eq!(host("10.0.0.0/8"), Some("10.0.0.0".into()));
    }

    #[test]
    fn name_servers() {
        let text = "# nameserver 10.0.0.1\nnameserver 127.0.0.53\nnameserver 172.17.0.53 \n\
            search example\nnameserver\tfe80::1%eth0\n";
        assert_eq!(shown(&parse_name_servers(text)), ["172.17.0.53", "fe80::1"]);
    }
}
