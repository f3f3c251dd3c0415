//! What apt-get(8), apt-cache(8) and dpkg are asked, and how their answers are read.

use std::collections::BTreeMap;

use super::{Transaction, Versions};

/// What every call of apt-get says: nothing is asked of anybody, configuration files stay as they
/// are, and another run of apt is waited for.
pub const ALWAYS: [&str; 10] = [
    "-q",
    "-y",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "DPkg::Lock::Timeout=300",
    "-o",
    "APT::Get::AutomaticRemove=false",
];

/// The variables that keep maintainer scripts and apt's own hooks from asking.
pub const ENVIRONMENT: [(&str, &str); 4] = [
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("APT_LISTCHANGES_FRONTEND", "none"),
    ("NEEDRESTART_MODE", "l"),
    ("DEBIAN_PRIORITY", "critical"),
];

/// apt's version: the first two numbers of `apt 2.6.1 (amd64)`.
pub fn parse_version(answer: &str) -> Option<(u32, u32)> {
    let version = answer.lines().next()?.split_whitespace().nth(1)?;
    let mut numbers = version.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Reads `apt-cache madison`: package, version and source in each line.
pub fn parse_offered(answer: &str) -> BTreeMap<String, Vec<String>> {
    let mut offered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in answer.lines() {
        let mut fields = line.split('|').map(str::trim);
        if let (Some(name), Some(version), Some(source)) =
            (fields.next(), fields.next(), fields.next())
            && source.ends_with("Packages")
        {
            offered.entry(name.to_owned()).or_default().push(version.to_owned());
        }
    }
    offered
}

/// Reads `apt-get --simulate`: `Inst NAME [OLD] (NEW SOURCE [ARCH])`, `Remv NAME [OLD]`, and
/// `Purg NAME [OLD]`.
pub fn parse_simulated(answer: &str) -> Transaction {
    let mut transaction = Transaction::default();
    for line in answer.lines() {
        let Some((verb, rest)) = line.split_once(' ') else { continue };
        let Some((name, rest)) = rest.split_once(' ') else { continue };
        let old = rest.strip_prefix('[').and_then(|rest| rest.split(']').next());
        match verb {
            "Inst" => {
                let new = rest.split_once('(').and_then(|(_, new)| new.split_whitespace().next());
                let Some(new) = new else { continue };
                let (name, new) = (name.to_owned(), new.to_owned());
                match old {
                    Some(old) => {
                        transaction.change.insert(name, (old.to_owned(), new));
                    }
                    None => {
                        transaction.install.insert(name, new);
                    }
                }
            }
            "Remv" | "Purg" => {
                transaction.remove.insert(name.to_owned(), old.unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }
    // What goes in order to come in another version.
    for name in transaction.install.keys().chain(transaction.change.keys()) {
        transaction.remove.remove(name);
    }
    transaction
}

/// Reads `dpkg-query --show --showformat '${Package}\t${Version}\t${db:Status-Status}\n'`: what is there,
/// also in part. Configuration alone is not.
pub fn parse_installed(answer: &str) -> Versions {
    let lines = answer.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let (name, version, status) = (fields.next()?, fields.next()?, fields.next()?);
        let there = !matches!(status, "config-files" | "not-installed") && !version.is_empty();
        there.then(|| (name.to_owned(), version.to_owned()))
    });
    lines.collect()
}

/// Reads `dpkg --verify`: the configuration files that somebody has changed.
pub fn parse_changed_configuration(answer: &str) -> Vec<String> {
    let changed = answer.lines().filter_map(|line| {
        let (flags, path) = line.split_once(" c ")?;
        flags.contains('5').then(|| path.trim().to_owned())
    });
    changed.collect()
}

/// The names that the index files of a repository have in `/var/lib/apt/lists`: URL and suite,
/// with `_` for `/`, as apt's `URItoFileName` writes them.
pub fn index_prefix(base: &str, suite: &str) -> String {
    let place = base.split_once("://").map_or(base, |(_, place)| place);
    let mut prefix = String::new();
    for byte in format!("{place}/dists/{suite}/").bytes() {
        match byte {
            b'/' => prefix.push('_'),
            b'\\' | b'|' | b'{' | b'}' | b'[' | b']' | b'<' | b'>' | b'"' | b'^' | b'~' | b'_'
            | b'=' | b'!' | b'@' | b'#' | b'$' | b'%' | b'*' => {
                prefix.push_str(&format!("%{byte:02x}"));
            }
            byte => prefix.push(char::from(byte)),
        }
    }
    prefix
}

/// What `apt-get update` complains of; it often succeeds all the same, and goes on with what it
/// had before.
pub fn complaints(stderr: &str) -> Vec<String> {
    let serious = |line: &str| {
        let said = line.strip_prefix("E: ").or_else(|| line.strip_prefix("W: "))?;
        (!said.contains("unsandboxed")).then(|| said.to_owned())
    };
    stderr.lines().filter_map(serious).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_apt() {
        assert_eq!(parse_version("apt 2.6.1 (amd64)\nSupported modules:\n"), Some((2, 6)));
        assert_eq!(parse_version("apt 1.0.9.8 for amd64 compiled on …"), Some((1, 0)));
        assert_eq!(parse_version("apt 3.0~rc1 (amd64)"), Some((3, 0)));
        assert_eq!(parse_version(""), None);
    }

    #[test]
    fn what_is_offered() {
        let answer = " docker-ce | 5:28.5.2-1~debian | http://10.77.0.1/linux/debian bookworm/stable amd64 Packages\n docker-ce | 5:20.10.24-1~debian | http://10.77.0.1/linux/debian bookworm/stable amd64 Packages\ncontainerd.io | 1.7.28-1~debian | http://10.77.0.1/linux/debian bookworm/stable amd64 Packages\ncontainerd.io | 1.7.28-1~debian | http://10.77.0.1/linux/debian bookworm/stable Sources\n";
        let offered = parse_offered(answer);
        assert_eq!(offered["docker-ce"], ["5:28.5.2-1~debian", "5:20.10.24-1~debian"]);
        assert_eq!(offered["containerd.io"], ["1.7.28-1~debian"]);
    }

    #[test]
    fn what_would_be_done() {
        let answer = "Reading package lists...\n0 upgraded, 4 newly installed, 1 to remove.\nRemv runc [1.1.5+ds1-1+deb12u1]\nPurg tini [0.19]\nInst containerd.io [1.4.13-1~debian] (1.6.20-1~debian Docker CE:bookworm [amd64]) []\nInst docker-ce (5:20.10.24-1~debian Docker CE:bookworm [amd64])\nConf docker-ce (5:20.10.24-1~debian Docker CE:bookworm [amd64])\n";
        let done = parse_simulated(answer);
        assert_eq!(done.install["docker-ce"], "5:20.10.24-1~debian");
        let (from, to) = &done.change["containerd.io"];
        assert_eq!((from.as_str(), to.as_str()), ("1.4.13-1~debian", "1.6.20-1~debian"));
        assert_eq!(done.remove["runc"], "1.1.5+ds1-1+deb12u1");
        assert_eq!((done.install.len(), done.change.len(), done.remove.len()), (1, 1, 2));
    }

    #[test]
    fn what_is_installed() {
        let answer = "docker-ce\t5:20.10.24-1~debian\tinstalled\nrunc\t1.1.5\tconfig-files\npigz\t2.8-1\thalf-configured\ntini\t\tnot-installed\n";
        let installed = parse_installed(answer);
        assert_eq!(installed.keys().collect::<Vec<_>>(), ["docker-ce", "pigz"]);
    }

    #[test]
    fn configuration_that_was_changed() {
        let answer =
            "??5?????? c /etc/containerd/config.toml\nmissing   c /etc/x\n??5??????   /usr/bin/x\n";
        assert_eq!(parse_changed_configuration(answer), ["/etc/containerd/config.toml"]);
    }

    #[test]
    fn names_of_index_files() {
        assert_eq!(
            index_prefix("http://10.77.0.1:34891/a_b/linux/debian", "bookworm"),
            "10.77.0.1:34891_a%5fb_linux_debian_dists_bookworm_"
        );
    }

    #[test]
    fn an_update_that_succeeds_and_complains() {
        let stderr = "W: GPG error: http://x bookworm InRelease: NO_PUBKEY 7EA0A9C3F273FCD8\nW: Download is performed unsandboxed as root\nN: Ignoring file\n";
        assert_eq!(
            complaints(stderr),
            ["GPG error: http://x bookworm InRelease: NO_PUBKEY 7EA0A9C3F273FCD8"]
        );
    }
}
