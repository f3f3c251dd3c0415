//! Firewall rules. A program is only run for a packet filter that is in use: it would load
//! its modules otherwise.

use std::time::Duration;

use super::FirewallFacts;
use crate::facts::Facts;
use crate::host::{Host, HostError};
use crate::unit_state::UnitState;

/// How long a program may take that prints rules.
const LIMIT: Duration = Duration::from_secs(30);

/// Where nftables.service keeps its rules: Debian and kin, and RHEL and kin.
const NFTABLES_CONF: [&str; 2] = ["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"];
/// The unit that loads them.
const NFTABLES_UNIT: &str = "nftables.service";

/// Reads the rules. Only root can. What the plain `iptables-save` prints is among the facts
/// already.
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
    // iptables before 1.8 knows the older interface alone, under the plain name.
    let is_nft = facts.iptables.is_some_and(|iptables| iptables.nf_tables);
    let rules = |nft: bool, program: &str| match nft == is_nft {
        true => facts.network.forwarding.rules.clone(),
        false => save(host, program),
    };
    Ok(FirewallFacts {
        legacy: legacy_in_use.then(|| rules(false, "iptables-legacy-save")).flatten(),
        nft: nft_in_use.then(|| rules(true, "iptables-nft-save")).flatten(),
        flush: flush(host, facts)?,
        firewalld: is_active(facts, "firewalld.service"),
    })
}

/// What this program prints, if the host has it.
fn save(host: &Host, program: &str) -> Option<String> {
    host.find_program(program)?;
    let output = host.run(&[program], LIMIT).ok()?;
    (output.code == Some(0)).then_some(output.stdout)
}

fn flush(host: &Host, facts: &Facts) -> Result<Option<(String, String)>, HostError> {
    if !is_active(facts, NFTABLES_UNIT) {
        return Ok(None);
    }
    for path in NFTABLES_CONF {
        if host.read_text(path)?.is_some_and(|text| flushes(&text)) {
            return Ok(Some((path.to_owned(), NFTABLES_UNIT.to_owned())));
        }
    }
    Ok(None)
}

fn is_active(facts: &Facts, unit: &str) -> bool {
    facts.units.get(unit).is_some_and(UnitState::is_active)
}

/// Whether rules of nft(8) begin with an empty firewall.
pub fn flushes(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        words.next() == Some("flush")
            && words.next().is_some_and(|word| word.starts_with("ruleset"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_flush() {
        assert!(flushes("#!/usr/sbin/nft -f\n\nflush ruleset\n"));
        assert!(flushes("flush ruleset;\n"));
        assert!(!flushes("# flush ruleset\nflush table inet mine\n"));
    }
}
