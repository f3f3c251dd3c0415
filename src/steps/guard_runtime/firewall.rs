//! Taking an engine's rules out of the firewall, and nobody else's.
//!
//! The rules as they stood before the engine's first start are compared with the rules
//! now. What is dockerd's – its chains, all named `DOCKER…`, jumps into them, and the few
//! rules that it writes for each of its bridges – and did not stand there before is deleted;
//! every other rule stays, also those that were added meanwhile.

use super::{LIMIT, is_engines_link};
use crate::host::{Host, HostError};

/// The rules as `iptables-save` prints them; `None` where the host has no such program, or
/// it cannot read its tables (a kernel without IPv6, say).
pub(super) fn save(host: &Host, program: &str) -> Result<Option<String>, HostError> {
    if host.find_program(program).is_none() {
        return Ok(None);
    }
    let output = host.run(&[program], LIMIT)?;
    Ok((output.code == Some(0)).then_some(output.stdout))
}

/// What there was before the engine's first start.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    /// The rules, as [`save`] gives them.
    pub rules: &'a str,
    /// The links.
    pub links: &'a [String],
    /// Whether packets were forwarded already, or it is not known.
    pub forwarded: bool,
}

/// Deletes dockerd's rules that were not there before.
pub(super) fn restore(host: &Host, program: &str, before: &Before<'_>) -> Result<(), HostError> {
    let restore = program.replace("-save", "-restore");
    let attempt = || {
        let Some(now) = save(host, program)? else { return Ok(()) };
        let script = removal(before, &now);
        if script.is_empty() {
            return Ok(());
        }
        host.run_with_input(&[&restore, "--noflush"], &script, LIMIT).map(|_| ())
    };
    // It is all or nothing: a rule that went meanwhile fails the first try.
    attempt().or_else(|_| attempt())
}

/// The input for `iptables-restore --noflush` that takes dockerd's rules out.
fn removal(before: &Before<'_>, now: &str) -> String {
    let links = before.links;
    let forwarded = before.forwarded;
    let before = tables(before.rules);
    let mut script = String::new();
    for table in tables(now) {
        let old = before.iter().find(|old| old.name == table.name);
        let is_new = |line: &str| !old.is_some_and(|old| old.lines.contains(&line));
        let chains: Vec<&str> = table
            .lines
            .iter()
            .filter_map(|line| line.strip_prefix(':')?.split(' ').next())
            .filter(|chain| chain.starts_with("DOCKER"))
            .filter(|chain| !old.is_some_and(|old| old.has_chain(chain)))
            .collect();
        let mut commands: Vec<String> = Vec::new();
        for line in &table.lines {
            let Some(rule) = line.strip_prefix("-A ") else { continue };
            let in_own_chain = rule.split(' ').next().is_some_and(|chain| chains.contains(&chain));
            if is_new(line) && !in_own_chain && is_engines(table.name, rule, links) {
                commands.push(format!("-D {rule}"));
            }
        }
        // All are emptied before any is deleted: they jump into each other.
        commands.extend(chains.iter().map(|chain| format!("-F {chain}")));
        commands.extend(chains.iter().map(|chain| format!("-X {chain}")));
        // dockerd sets this policy when it is the one who switches forwarding on.
        let was_accept = old.and_then(|old| old.policy("FORWARD")).is_none_or(|p| p == "ACCEPT");
        if !forwarded && was_accept && !chains.is_empty() && table.policy("FORWARD") == Some("DROP")
        {
            commands.insert(0, ":FORWARD ACCEPT [0:0]".to_owned());
        }
        if !commands.is_empty() {
            script.push_str(&format!("*{}\n{}\nCOMMIT\n", table.name, commands.join("\n")));
        }
    }
    script
}

/// Whether a rule outside dockerd's own chains is dockerd's: it goes to one of those chains,
/// or has one of the shapes that dockerd gives its rules (moby, libnetwork's bridge driver).
fn is_engines(table: &str, rule: &str, links: &[String]) -> bool {
    let words: Vec<&str> = rule.split(' ').collect();
    let own = |link: &str| is_engines_link(link, links);
    match (table, words.as_slice()) {
        (_, [.., "-j" | "-g", target]) if target.starts_with("DOCKER") => true,
        ("filter", ["FORWARD", "-o", link, "-m", "conntrack", "--ctstate", _, "-j", "ACCEPT"]) => {
            own(link)
        }
        ("filter", ["FORWARD", "-i", from, "!", "-o", to, "-j", "ACCEPT"])
        | ("filter", ["FORWARD", "-i", from, "-o", to, "-j", "ACCEPT" | "DROP"]) => {
            from == to && own(from)
        }
        ("nat", ["POSTROUTING", "-s", _, "!", "-o", link, "-j", "MASQUERADE"])
        | ("raw", ["PREROUTING", "-d", _, "!", "-i", link, "-j", "DROP"]) => own(link),
        _ => false,
    }
}

struct Table<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
}

impl Table<'_> {
    fn has_chain(&self, chain: &str) -> bool {
        self.policy(chain).is_some()
    }

    fn policy(&self, chain: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| {
            line.strip_prefix(':')?.strip_prefix(chain)?.strip_prefix(' ')?.split(' ').next()
        })
    }
}

fn tables(saved: &str) -> Vec<Table<'_>> {
    let mut tables: Vec<Table<'_>> = Vec::new();
    for line in saved.lines() {
        if let Some(name) = line.strip_prefix('*') {
            tables.push(Table { name, lines: Vec::new() });
        } else if let Some(table) = tables.last_mut()
            && (line.starts_with(':') || line.starts_with("-A "))
        {
            table.lines.push(line);
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Before<'static> = Before { rules: "", links: &[], forwarded: false };

    const WITH_ENGINE: &str = "\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
COMMIT
";

    #[test]
    fn takes_out_the_engines_rules_alone() {
        let script = removal(&FRESH, WITH_ENGINE);
        assert_eq!(
            script,
            "*filter\n:FORWARD ACCEPT [0:0]\n-D FORWARD -j DOCKER-USER\n\
             -D FORWARD -o docker0 -j DOCKER\n-D FORWARD -i docker0 ! -o docker0 -j ACCEPT\n\
             -F DOCKER\n-F DOCKER-USER\n-X DOCKER\n-X DOCKER-USER\nCOMMIT\n\
             *nat\n-D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n\
             -D POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n\
             -F DOCKER\n-X DOCKER\nCOMMIT\n"
        );
    }

    #[test]
    fn what_was_there_before_stays() {
        let before = "*filter\n:FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n\
                      -A FORWARD -j DOCKER-USER\nCOMMIT\n";
        let script = removal(&Before { rules: before, ..FRESH }, WITH_ENGINE);
        assert!(!script.contains(":FORWARD"), "{script}");
        assert!(!script.contains("-X DOCKER-USER"), "{script}");
        assert!(!script.contains("-D FORWARD -j DOCKER-USER"), "{script}");
        assert!(script.contains("-X DOCKER\n"), "{script}");
    }

    #[test]
    fn nothing_to_do_without_an_engine() {
        let plain = "*filter\n:FORWARD DROP [1:2]\n-A FORWARD -i eth0 -j ACCEPT\nCOMMIT\n";
        assert_eq!(removal(&FRESH, plain), "");
    }

    #[test]
    fn rules_that_only_look_alike_stay() {
        let mixed = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:DOCKER - [0:0]\n\
                     -A INPUT -i br-lan -p tcp -m tcp --dport 22 -j ACCEPT\n\
                     -A INPUT -i docker0 -j ACCEPT\n\
                     -A FORWARD -i br-ex -o br-ex -j ACCEPT\n\
                     -A FORWARD -o docker0 -s 10.0.0.0/8 -j DROP\nCOMMIT\n";
        let script = removal(&Before { forwarded: true, ..FRESH }, mixed);
        assert_eq!(script, "*filter\n-F DOCKER\n-X DOCKER\nCOMMIT\n");
    }
}
