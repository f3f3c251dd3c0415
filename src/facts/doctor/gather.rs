//! Reading it all through the host.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use landfall_engine::{Client, Info};

use super::units;
use super::{
    DoctorFacts, KernelDetails, certificates, firewall, kubelet, landfall, logs, processes,
};
use crate::desired::{Desired, SOCKET};
use crate::facts::{Facts, kernel, resolver};
use crate::file_state::parent_of;
use crate::host::{Host, HostError};
use crate::receipt::Receipt;
use crate::run_state::Question;
use crate::texts::phrases::doctor as phrases;

/// How long a program may take that only says its version, or the clock's state.
const LIMIT: Duration = Duration::from_secs(10);

/// The switch beside `bridge-nf-call-iptables`, which is among the facts.
pub const BRIDGE_CALLS_IPV6: &str = "/proc/sys/net/bridge/bridge-nf-call-ip6tables";

/// Programs of an engine that tell their version.
const VERSIONED: [&str; 3] = ["containerd", "dockerd", "runc"];

/// Keys of daemon.json that name files of TLS, and whether it is a private key.
const TLS_FILES: [(&str, bool); 3] = [("tlscacert", false), ("tlscert", false), ("tlskey", true)];

/// Takes the closer look at the engine that `desired` asks for, or whichever is there. What
/// cannot be seen is noted, and is no error.
pub fn gather(
    host: &Host,
    facts: &Facts,
    desired: &Desired,
    receipt: Option<&Receipt>,
) -> DoctorFacts {
    let mut found = DoctorFacts::default();
    let mut look = Look { unseen: Vec::new() };
    let daemon_json = facts.daemon_json();
    found.dangling = look.at(phrases::UNIT_FILES, units::dangling(host));
    found.resolver = look.at("/etc/resolv.conf", resolver_facts(host));
    found.landfall = look.at(crate::store::STATE_DIR, own_state(host, desired, receipt));
    found.landfall.installed = receipt.is_some_and(Receipt::has_engine);
    found.newest = newest(facts, desired, receipt);
    let named = tls_files(daemon_json.as_ref());
    let certificates = certificates::gather(host, &named, &mut found);
    look.at(certificates::DIRECTORY, certificates);
    let data_root = data_root(daemon_json.as_ref(), desired);
    found.logs = look.at(data_root, logs::gather(host, data_root));
    if host.is_live() {
        live(host, facts, desired, &mut found, &mut look);
    }
    found.unseen = look.unseen;
    found
}

/// What only a running system has.
fn live(host: &Host, facts: &Facts, desired: &Desired, found: &mut DoctorFacts, look: &mut Look) {
    found.kernel = look.at("/lib/modules", kernel_details(host, facts));
    let filtered = look.at(BRIDGE_CALLS_IPV6, host.read_text(BRIDGE_CALLS_IPV6));
    found.ipv6_bridged_filtered = filtered.map(|value| value.trim() != "0");
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
    let unit = found.units.get("kubelet.service").map(|unit| unit.command.as_slice());
    found.kubelet = look.at("kubelet", kubelet::gather(host, unit.unwrap_or_default()));
    found.socket = look.at(SOCKET, host.stat(SOCKET));
    for program in VERSIONED {
        if let Some(version) = engine_version(host, desired, found, program) {
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

/// Landfall's own state. A run that goes on tells so itself.
fn own_state(
    host: &Host,
    desired: &Desired,
    receipt: Option<&Receipt>,
) -> Result<super::LandfallFacts, HostError> {
    let run = host.ask_run(Question::State)?.map(|answer| answer.run);
    landfall::gather(host, receipt, &desired.bin_dir, run)
}

/// As daemon.json says, or else as it was installed.
fn data_root<'a>(daemon_json: Option<&'a serde_json::Value>, desired: &'a Desired) -> &'a str {
    let configured = daemon_json.and_then(|json| json.get("data-root")?.as_str());
    configured.unwrap_or(desired.data_root()).trim_end_matches('/')
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
fn newest(facts: &Facts, desired: &Desired, receipt: Option<&Receipt>) -> Option<(u64, String)> {
    let is_program = |path: &str| parent_of(path) == Some(desired.bin_dir.as_str());
    let programs = facts.files.iter().filter(|(path, _)| is_program(path));
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

/// The version of a program of the engine: of the one that was installed, or else of the one
/// that is found by its name. Up to 18.06 upstream's names begin with `docker-`.
fn engine_version(
    host: &Host,
    desired: &Desired,
    found: &DoctorFacts,
    program: &str,
) -> Option<String> {
    if !found.landfall.installed {
        return program_version(host, program);
    }
    [program.to_owned(), format!("docker-{program}")]
        .iter()
        .find_map(|name| program_version(host, &format!("{}/{name}", desired.bin_dir)))
}

/// The version that a program says: the first word of its first line that begins with a digit,
/// as in `Docker version 20.10.24+dfsg1, build 297e128` or `runc version 1.1.5+ds1`.
pub(crate) fn program_version(host: &Host, program: &str) -> Option<String> {
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
    fn files_of_tls() {
        let json = serde_json::json!({"tlscert": "/etc/docker/cert.pem", "tlskey": "key.pem"});
        assert_eq!(tls_files(Some(&json)), [("/etc/docker/cert.pem".to_owned(), false)]);
    }
}
