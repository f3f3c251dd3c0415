//! A free network, as the flag that takes it.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::uses::overlap;

/// Private networks (RFC 1918), those first that Docker's own pools come from.
const PRIVATE: [(&str, u8); 3] = [("172.16.0.0", 12), ("10.0.0.0", 8), ("192.168.0.0", 16)];

/// Lengths of prefixes, the roomiest first.
const SIZES: [u8; 3] = [16, 20, 24];

/// A private IPv4 network that overlaps with none of these.
pub(super) fn free(known: &[IpNet]) -> Option<Ipv4Net> {
    let is_free = |network: &Ipv4Net| !known.iter().any(|used| overlap(used, &(*network).into()));
    PRIVATE.iter().find_map(|(base, prefix)| {
        let range = Ipv4Net::new(base.parse().ok()?, *prefix).ok()?;
        SIZES.iter().find_map(|size| range.subnets(*size).ok()?.find(is_free))
    })
}

/// `--bip` for a network: its first address is the bridge's.
pub(super) fn bridge_flag(network: Ipv4Net) -> Option<String> {
    let first = network.hosts().next()?;
    Some(format!("--bip {first}/{}", network.prefix_len()))
}

/// `--set default-address-pools` for a network, cut in pieces for sixteen or more networks
/// of containers.
pub(super) fn pools_flag(network: Ipv4Net) -> String {
    let size = if network.prefix_len() < 24 { 24 } else { 28 };
    format!("--set 'default-address-pools=[{{\"base\":\"{network}\",\"size\":{size}}}]'")
}

/// `--set KEY` for an IPv6 network that overlaps with none of these. Local addresses
/// (RFC 4193) want a random part of 40 bits; this one was drawn once.
pub(super) fn ipv6_flag(key: &str, known: &[IpNet]) -> Option<String> {
    let range = Ipv6Net::new("fdc8:7b1e:9a42::".parse().ok()?, 48).ok()?;
    let mut networks = range.subnets(64).ok()?.skip(1);
    let network = networks.find(|net| !known.iter().any(|used| overlap(used, &(*net).into())))?;
    let value = if key == "bip6" { format!("{}1/64", network.addr()) } else { network.to_string() };
    Some(format!("--set '{key}=\"{value}\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free_of(known: &[&str]) -> Option<String> {
        let known: Vec<IpNet> = known.iter().map(|text| text.parse().unwrap()).collect();
        free(&known).map(|network| network.to_string())
    }

    #[test]
    fn the_first_that_nobody_uses() {
        assert_eq!(free_of(&[]), Some("172.16.0.0/16".into()));
        assert_eq!(free_of(&["172.16.3.4/32", "172.17.0.0/16"]), Some("172.18.0.0/16".into()));
        // One address in each /16: a smaller network still fits.
        let crowded: Vec<String> = (16..32).map(|n| format!("172.{n}.0.9/32")).collect();
        let crowded: Vec<&str> = crowded.iter().map(String::as_str).collect();
        assert_eq!(free_of(&crowded), Some("172.16.16.0/20".into()));
        assert_eq!(free_of(&["172.16.0.0/12"]), Some("10.0.0.0/16".into()));
        assert_eq!(free_of(&["172.16.0.0/12", "10.0.0.0/9"]), Some("10.128.0.0/16".into()));
        let vpn = ["172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/17", "192.168.200.1/32"];
        assert_eq!(free_of(&vpn), Some("192.168.128.0/20".into()));
        assert_eq!(free_of(&["172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16"]), None);
        // What contains a network overlaps with it as well.
        assert_eq!(free_of(&["0.0.0.0/0"]), None);
    }

    #[test]
    fn flags() {
        let network = |text: &str| text.parse().unwrap();
        assert_eq!(bridge_flag(network("10.201.0.0/24")).as_deref(), Some("--bip 10.201.0.1/24"));
        assert_eq!(
            pools_flag(network("10.202.0.0/16")),
            r#"--set 'default-address-pools=[{"base":"10.202.0.0/16","size":24}]'"#
        );
        let used = ["fdc8:7b1e:9a42:1::/64".parse().unwrap()];
        assert_eq!(
            ipv6_flag("bip6", &used).as_deref(),
            Some(r#"--set 'bip6="fdc8:7b1e:9a42:2::1/64"'"#)
        );
        assert_eq!(
            ipv6_flag("fixed-cidr-v6", &[]).as_deref(),
            Some(r#"--set 'fixed-cidr-v6="fdc8:7b1e:9a42:1::/64"'"#)
        );
    }
}
