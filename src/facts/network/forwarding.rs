//! What forwards packets, and what stops them.

/// Chains that drop forwarded packets by policy, from what `nft list chains` prints. The
/// table that iptables keeps its own chains in is left out.
pub(super) fn parse_nft_drops(chains: &str) -> Vec<String> {
    let (mut table, mut chain) = ("", "");
    let mut found = Vec::new();
    for line in chains.lines().map(str::trim) {
        let named = |keyword: &str| line.strip_prefix(keyword)?.strip_suffix('{').map(str::trim);
        if let Some(name) = named("table ") {
            table = name;
        } else if let Some(name) = named("chain ") {
            chain = name;
        } else if line.contains("hook forward")
            && line.contains("policy drop")
            && !(matches!(table, "ip filter" | "ip6 filter") && chain == "FORWARD")
        {
            found.push(format!("{table} {chain}"));
        }
    }
    found
}

/// Whether one of the files of sysctl.d(5) turns forwarding on at boot.
pub(super) fn is_kept(files: &str) -> bool {
    files.lines().filter_map(|line| line.split_once('=')).any(|(key, value)| {
        let key = key.trim().trim_start_matches('-').replace('/', ".");
        matches!(key.as_str(), "net.ipv4.ip_forward" | "net.ipv4.conf.all.forwarding")
            && value.trim() == "1"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_of_nftables() {
        let chains = "table ip filter {\n\tchain FORWARD {\n\
            \t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n\
            table inet fw {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n\
            \tchain fwd {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n\
            \tchain open {\n\t\ttype filter hook forward priority filter + 5; policy accept;\n\t}\n}\n";
        assert_eq!(parse_nft_drops(chains), ["inet fw fwd"]);
    }

    #[test]
    fn forwarding_at_boot() {
        assert!(is_kept("kernel.sysrq=1\nnet.ipv4.ip_forward = 1\n"));
        assert!(is_kept("-net/ipv4/ip_forward=1"));
        assert!(!is_kept("# net.ipv4.ip_forward=1\nnet.ipv4.ip_forward=0\n"));
    }
}
