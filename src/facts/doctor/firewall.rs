//! Firewall rules. A program is only run for a packet filter that is in use: it would load
//! its modules otherwise.

use std::time::Duration;

use super::FirewallFacts;
use crate::facts::Facts;
use crate::host::{Host, HostError};

/// How long a program may take that prints rules.
const LIMIT: Duration = Duration::from_secs(30);

/// Where nftables.service keeps its rules: Debian and kin, and RHEL and kin.
const NFTABLES_CONF: [&str; 2] = ["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"];
/// The unit that loads them.
const NFTABLES_UNIT: &str = "nftables.service";

/// Reads the rules. Only root can.
///
/// # Errors
/// [`HostError`] if a file that is there cannot be read.
pub fn gather(host: &Host, facts: &Facts) -> Result<FirewallFacts, HostError> {
    // The tables of the older interface that the kernel has now.
    let tables = host.read_text("/proc/net/ip_tables_names")?.unwrap_or_default();
    let legacy_in_use = !tables.trim().is_empty();
    let nft_in_use = facts.kernel.modules.iter().any(|module| module == "nf_tables")
        || facts.kernel.config.as_ref().and_then(|config| config.get("NF_TABLES"))
            == Some(&"y".to_owned());
    let is_nft = facts.iptables.is_some_and(|iptables| iptables.nf_tables);
    // iptables before 1.8 knows the older interface alone, under the plain name.
    let plain = |wanted: bool| if is_nft == wanted { "iptables-save" } else { "" };
    Ok(FirewallFacts {
        legacy: legacy_in_use
            .then(|| save(host, &["iptables-legacy-save", plain(false)]))
            .flatten(),
        nft: nft_in_use.then(|| save(host, &["iptables-nft-save", plain(true)])).flatten(),
        flush: flush(host)?,
        firewalld: is_active(host, "firewalld.service"),
    })
}

/// What the first of these programs that the host has prints.
fn save(host: &Host, programs: &[&str]) -> Option<String> {
    let program =
        programs.iter().find(|name| !name.is_empty() && host.find_program(name).is_some())?;
    let output = host.run(&[program], LIMIT).ok()?;
    (output.code == Some(0)).then_some(output.stdout)
}

fn flush(host: &Host) -> Result<Option<(String, String)>, HostError> {
    if !is_active(host, NFTABLES_UNIT) {
        return Ok(None);
    }
    for path in NFTABLES_CONF {
        if host.read_text(path)?.is_some_and(|text| flushes(&text)) {
            return Ok(Some((path.to_owned(), NFTABLES_UNIT.to_owned())));
        }
    }
    Ok(None)
}

fn is_active(host: &Host, unit: &str) -> bool {
    host.is_booted_with_systemd() && host.unit_state(unit).is_ok_and(|state| state.is_active())
}

/// Whether rules of nft(8) begin with an empty firewall.
pub fn flushes(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        words.next() == Some("flush")
            && words.next().is_some_and(|word| word.starts_with("ruleset"))
    })
}

/// How many rules there are, in what `iptables-save` prints.
pub fn count(rules: &str) -> usize {
    rules.lines().filter(|line| line.starts_with("-A ")).count()
}

/// The policy of a chain of a table; `None` if it has no such chain.
pub fn policy<'r>(rules: &'r str, table: &str, chain: &str) -> Option<&'r str> {
    chains(rules).find(|(of, name, _)| (*of, *name) == (table, chain)).map(|(_, _, policy)| policy)
}

/// All chains: table, name, policy.
pub fn chains(rules: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let mut table = "";
    rules.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        }
        let mut words = line.strip_prefix(':')?.split(' ');
        Some((table, words.next()?, words.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "# Generated\n*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n\
        -A PREROUTING -j DOCKER\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n\
        -A FORWARD -j DOCKER-USER\n-A FORWARD -o docker0 -j DOCKER\nCOMMIT\n";

    #[test]
    fn rules() {
        assert_eq!(count(RULES), 3);
        assert_eq!(policy(RULES, "filter", "FORWARD"), Some("DROP"));
        assert_eq!(policy(RULES, "nat", "DOCKER"), Some("-"));
        assert_eq!(policy(RULES, "filter", "DOCKER"), None);
    }

    #[test]
    fn files_that_flush() {
        assert!(flushes("#!/usr/sbin/nft -f\n\nflush ruleset\n"));
        assert!(flushes("flush ruleset;\n"));
        assert!(!flushes("# flush ruleset\nflush table inet mine\n"));
    }
}
