//! Reading it all through the host.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use landfall_engine::{Client, Info};

use super::units;
use super::{DoctorFacts, KernelDetails, certificates, firewall, landfall, logs, processes};
use crate::desired::{Desired, SOCKET};
use crate::facts::{Facts, Wanted, kernel, resolver};
use crate::host::{Host, HostError};
use crate::plan;
use crate::receipt::Receipt;
use crate::texts::phrases::doctor as phrases;

/// How long a program may take that only says its version, or the clock's state.
const LIMIT: Duration = Duration::from_secs(10);

/// Settings that an engine depends on.
const SETTINGS: [&str; 4] = [
    "/proc/sys/net/bridge/bridge-nf-call-ip6tables",
    "/proc/sys/net/bridge/bridge-nf-call-iptables",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv6/conf/all/forwarding",
];

/// Programs of an engine that tell their version.
const VERSIONED: [&str; 3] = ["containerd", "dockerd", "runc"];

/// kubelet's configuration, where kubeadm writes it.
const KUBELET_CONFIG: &str = "/var/lib/kubelet/config.yaml";

/// Keys of daemon.json that name files of TLS, and whether it is a private key.
const TLS_FILES: [(&str, bool); 3] = [("tlscacert", false), ("tlscert", false), ("tlskey", true)];

/// What facts are gathered about.
pub struct Scope {
    /// The paths and names, without those that may not be looked at.
    pub wanted: Wanted,
    /// Those that may not.
    pub unseen: Vec<String>,
}

/// What the doctor wants to know of a host that is, or shall be, as `desired`. Without root
/// some directories cannot be entered: what is in them is left out.
pub fn scope(host: &Host, desired: &Desired) -> Scope {
    let mut wanted = plan::wanted(desired);
    let mut unseen = Vec::new();
    let mut visible = |path: &String, read: bool| {
        let denied = |error: &HostError| error.is_permission_denied();
        let hidden = host.stat(path).is_err_and(|error| denied(&error))
            || (read && host.open_file(path).is_err_and(|error| denied(&error)));
        if hidden {
            unseen.push(path.clone());
        }
        !hidden
    };
    wanted.texts.retain(|path| visible(path, true));
    wanted.programs.retain(|path| visible(path, true));
    wanted.paths.retain(|path| visible(path, false));
    Scope { wanted, unseen }
}

/// Takes the closer look. What cannot be seen is noted, and is no error.
pub fn gather(host: &Host, facts: &Facts, receipt: Option<&Receipt>) -> DoctorFacts {
    let mut found = DoctorFacts::default();
    let mut look = Look { unseen: Vec::new() };
    let daemon_json = facts.daemon_json();
    found.dangling = look.at(phrases::UNIT_FILES, units::dangling(host));
    found.resolver = look.at("/etc/resolv.conf", resolver_facts(host));
    found.landfall = look.at(crate::store::STATE_DIR, landfall::gather(host, receipt));
    found.newest = newest(facts, receipt);
    let named = tls_files(daemon_json.as_ref());
    let certificates = certificates::gather(host, &named, &mut found);
    look.at(certificates::DIRECTORY, certificates);
    let data_root = data_root(daemon_json.as_ref());
    found.logs = look.at(data_root, logs::gather(host, data_root));
    let kubelet = look.at(KUBELET_CONFIG, host.read_text(KUBELET_CONFIG));
    found.kubelet_driver = kubelet.as_deref().and_then(cgroup_driver);
    if host.is_live() {
        live(host, facts, &mut found, &mut look);
    }
    found.unseen = look.unseen;
    found
}

/// What only a running system has.
fn live(host: &Host, facts: &Facts, found: &mut DoctorFacts, look: &mut Look) {
    found.kernel = look.at("/lib/modules", kernel_details(host, facts));
    for path in SETTINGS {
        if let Some(value) = look.at(path, host.read_text(path)) {
            found.settings.insert(path.to_owned(), value.trim().to_owned());
        }
    }
    if facts.uid == 0 {
        found.firewall = look.at(phrases::FIREWALL, firewall::gather(host, facts));
    } else {
        look.unseen.push(phrases::FIREWALL.to_owned());
    }
    found.processes = look.at("/proc", processes::gather(host));
    if found.processes.iter().any(|process| process.proxies.is_none()) {
        look.unseen.push(phrases::ENVIRONMENT.to_owned());
    }
    found.own_proxy = std::env::vars().any(|(name, value)| {
        !value.is_empty() && processes::PROXY.contains(&name.to_lowercase().as_str())
    });
    if host.is_booted_with_systemd() {
        found.units = look.at("systemd", units::gather(host));
        found.synchronised = synchronised(host);
    }
    found.socket = look.at(SOCKET, host.stat(SOCKET));
    for program in VERSIONED {
        if let Some(version) = version(host, program) {
            found.versions.insert(program.to_owned(), version);
        }
    }
    if found.processes.iter().any(|process| process.name == "dockerd") {
        let answer = ask(host);
        if facts.uid != 0 && answer.is_err() {
            look.unseen.push(SOCKET.to_owned());
        } else {
            found.answer = Some(answer);
        }
    }
}

/// Collects what could not be looked at.
struct Look {
    unseen: Vec<String>,
}

impl Look {
    fn at<T: Default>(&mut self, what: &str, result: Result<T, HostError>) -> T {
        result.unwrap_or_else(|error| {
            let shown = if error.is_permission_denied() {
                what.to_owned()
            } else {
                format!("{what} ({error})")
            };
            self.unseen.push(shown);
            T::default()
        })
    }
}

fn data_root(daemon_json: Option<&serde_json::Value>) -> &str {
    let configured = daemon_json.and_then(|json| json.get("data-root")?.as_str());
    configured.unwrap_or(crate::desired::DEFAULT_DATA_ROOT).trim_end_matches('/')
}

fn tls_files(daemon_json: Option<&serde_json::Value>) -> Vec<(String, bool)> {
    let Some(json) = daemon_json else { return Vec::new() };
    let named = TLS_FILES
        .iter()
        .filter_map(|(key, is_key)| Some((json.get(key)?.as_str()?.to_owned(), *is_key)));
    named.filter(|(path, _)| path.starts_with('/')).collect()
}

fn resolver_facts(host: &Host) -> Result<super::Resolver, HostError> {
    let text = host.read_text("/etc/resolv.conf")?;
    let upstream = host.read_text(resolver::UPSTREAM)?;
    Ok(super::Resolver {
        exists: text.is_some(),
        servers: resolver::parse(&text.unwrap_or_default()),
        upstream: resolver::parse(&upstream.unwrap_or_default()),
    })
}

fn kernel_details(host: &Host, facts: &Facts) -> Result<KernelDetails, HostError> {
    let release = &facts.kernel.release;
    let text = kernel::config_text(host, release)?;
    let mut others = host.read_dir("/lib/modules")?;
    // A directory that a removed kernel leaves may hold anything but its list of modules.
    others.retain(|name| {
        matches!(host.stat(&format!("/lib/modules/{name}/modules.dep")), Ok(Some(_)))
    });
    let has_modules = (!others.is_empty()).then(|| others.contains(release));
    others.retain(|name| name != release);
    Ok(KernelDetails { config: text.as_deref().map(set_options), has_modules, others })
}

/// All options that a kernel's `.config` sets to `y` or `m`.
fn set_options(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("CONFIG_")?.split_once('='))
        .filter(|(_, value)| matches!(*value, "y" | "m"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The latest time that something on this host was certainly written at.
fn newest(facts: &Facts, receipt: Option<&Receipt>) -> Option<(u64, String)> {
    let programs = facts.files.iter().filter(|(path, _)| path.starts_with("/usr/bin/"));
    let written =
        programs.map(|(path, fact)| (u64::try_from(fact.state.mtime).unwrap_or(0), path.clone()));
    let receipt = receipt.map(|receipt| (receipt.updated, crate::receipt::RECEIPT.to_owned()));
    written.chain(receipt).max()
}

/// `NTPSynchronized` of timedatectl(1), also as systemd before 239 prints it.
fn synchronised(host: &Host) -> Option<bool> {
    let argv = ["timedatectl", "show", "--property=NTPSynchronized", "--value"];
    let shown = match host.run(&argv, LIMIT) {
        Ok(output) if output.code == Some(0) => output.stdout,
        _ => host.run(&["timedatectl"], LIMIT).ok()?.stdout,
    };
    parse_synchronised(&shown)
}

fn parse_synchronised(text: &str) -> Option<bool> {
    let words = |line: &str| line.rsplit(' ').next().map(str::trim).map(str::to_owned);
    let old = text.lines().find(|line| line.contains("NTP synchronized:")).and_then(words);
    match old.as_deref().unwrap_or(text.trim()) {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// The version that a program says: the first word of its first line that begins with a digit,
/// as in `Docker version 20.10.24+dfsg1, build 297e128` or `runc version 1.1.5+ds1`.
fn version(host: &Host, program: &str) -> Option<String> {
    host.find_program(program)?;
    let output = host.run(&[program, "--version"], LIMIT).ok()?;
    parse_version(&output.stdout)
}

fn parse_version(text: &str) -> Option<String> {
    let words = text.lines().next()?.split_whitespace();
    let version = words
        .map(|word| word.trim_start_matches('v').trim_end_matches(','))
        .find(|word| word.starts_with(|character: char| character.is_ascii_digit()))?;
    Some(version.to_owned())
}

fn ask(host: &Host) -> Result<Info, String> {
    host.block_on(async {
        let asking = async {
            let client = Client::connect(Path::new(SOCKET), LIMIT).await?;
            client.info().await
        };
        match tokio::time::timeout(LIMIT, asking).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(phrases::no_answer_within(LIMIT.as_secs())),
        }
    })
}

/// `cgroupDriver` of kubelet's configuration: a plain key at the top of a YAML file.
fn cgroup_driver(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("cgroupDriver:"))?;
    let value = value.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let version = |text| parse_version(text);
        let docker = "Docker version 20.10.24+dfsg1, build 297e128\n";
        assert_eq!(version(docker).as_deref(), Some("20.10.24+dfsg1"));
        let containerd = "containerd github.com/containerd/containerd v1.7.27 05044ec\n";
        assert_eq!(version(containerd).as_deref(), Some("1.7.27"));
        let runc = "runc version 1.1.5+ds1\ncommit: 1.1.5\n";
        assert_eq!(version(runc).as_deref(), Some("1.1.5+ds1"));
        assert_eq!(version(""), None);
    }

    #[test]
    fn the_clock() {
        assert_eq!(parse_synchronised("yes\n"), Some(true));
        assert_eq!(parse_synchronised("no\n"), Some(false));
        let old = "      Local time: Tue 2026-11-24\n     NTP enabled: yes\nNTP synchronized: no\n";
        assert_eq!(parse_synchronised(old), Some(false));
        assert_eq!(parse_synchronised("Failed to query server"), None);
    }

    #[test]
    fn kubelets_driver() {
        let text = "apiVersion: v1\ncgroupDriver: systemd # as the runtime\n";
        assert_eq!(cgroup_driver(text).as_deref(), Some("systemd"));
        assert_eq!(cgroup_driver("  cgroupDriver: x\n"), None);
    }

    #[test]
    fn files_of_tls() {
        let json = serde_json::json!({"tlscert": "/etc/docker/cert.pem", "tlskey": "key.pem"});
        assert_eq!(tls_files(Some(&json)), [("/etc/docker/cert.pem".to_owned(), false)]);
    }
}
