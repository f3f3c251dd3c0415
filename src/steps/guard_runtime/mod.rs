//! Notes what a running engine changes by itself – a bridge, firewall rules, forwarding,
//! mounts, directories – before it is started for the first time, so that all of it can be
//! undone after it was stopped.

mod data;
mod firewall;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, KeptReason, StepError, Undone};
use crate::facts::NetworkFacts;
use crate::file_state::FileKind;
use crate::host::Host;
use crate::report::Event;

pub use data::EngineData;

/// How long a program that changes network state may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Run-time state that is empty without an engine.
const RUN_DIRS: [&str; 2] = ["/run/docker", "/run/containerd"];

/// Files and directories outside their data that dockerd, containerd and systemd make at their
/// start: the API socket (which systemd leaves when it closes it), dockerd's trust key (up to 20.10) and the directory for it, containerd's opt plugin directory and the directory
/// that its CRI plugin watches. Deepest first.
const MADE_BY_ENGINE: [&str; 8] = [
    "/run/docker.sock",
    "/etc/docker/key.json",
    "/etc/docker",
    "/opt/containerd/bin",
    "/opt/containerd/lib",
    "/opt/containerd",
    "/etc/cni/net.d",
    "/etc/cni",
];

/// Settings that dockerd changes to route between containers and the network. The
/// kernel resets others with them (`accept_redirects`, for one) in both directions.
const FORWARDING: [&str; 5] = [
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv4/conf/default/forwarding",
    "/proc/sys/net/ipv4/conf/all/forwarding",
    "/proc/sys/net/ipv6/conf/default/forwarding",
    "/proc/sys/net/ipv6/conf/all/forwarding",
];

/// Programs that print the firewall's rules, for IPv4 and IPv6.
const SAVE_RULES: [&str; 2] = ["iptables-save", "ip6tables-save"];

/// Notes what a running engine will change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardRuntime {
    /// The engine's data: dockerd's data-root and containerd's root.
    pub data: Vec<String>,
}

/// The state of the host before an engine ran on it. Of an image only the paths are known:
/// it has no links, settings or rules yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeBefore {
    /// Network links.
    pub links: Vec<String>,
    /// Forwarding settings: path under `/proc/sys` to value.
    pub forwarding: BTreeMap<String, String>,
    /// `iptables-save` for IPv4 and `ip6tables-save`, by program.
    pub firewall: BTreeMap<String, String>,
    /// Of the paths that engines make, those that existed.
    pub existing: Vec<String>,
    /// What each data directory held; one that did not exist has no entry.
    #[serde(default)]
    pub data: BTreeMap<String, Vec<String>>,
    /// The mode of each data directory that existed; dockerd gives it another one.
    #[serde(default)]
    pub modes: BTreeMap<String, u32>,
    /// Mount points.
    #[serde(default)]
    pub mounts: Vec<String>,
}

impl Action for GuardRuntime {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let host = context.host;
        let mut before = if host.is_live() { network(host)? } else { RuntimeBefore::default() };
        let mut candidates: Vec<&str> = MADE_BY_ENGINE.to_vec();
        candidates.extend(RUN_DIRS);
        for path in candidates {
            if host.stat(path)?.is_some() {
                before.existing.push(path.to_owned());
            }
        }
        for path in &self.data {
            if let Some(state) = host.stat(path)? {
                before.data.insert(path.clone(), host.read_dir(path)?);
                if state.kind == FileKind::Directory {
                    before.modes.insert(path.clone(), state.mode);
                }
            }
        }
        Ok(Before::Runtime(before))
    }

    fn apply(&self, _context: &Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let Before::Runtime(before) = before else { return Ok(Undone::Unchanged) };
        let host = context.host;
        // A boot begins without any of it.
        if host.is_live() && !host.is_coming_up() {
            self.restore_network(context, before)?;
        }
        for path in remove_made_paths(host, &before.existing)? {
            let outcome = Undone::Kept { what: path, reason: KeptReason::NotEmpty };
            context.reporter.event(&Event::Left { outcome: &outcome });
        }
        let outcome = data::undo(context, &self.data, &before.data)?;
        for (path, mode) in &before.modes {
            if host.stat(path)?.is_some_and(|now| now.mode != *mode) {
                host.set_mode(path, *mode)?;
            }
        }
        Ok(outcome)
    }
}

impl GuardRuntime {
    /// The engine's data, by what was observed before its first start.
    pub fn data(&self, before: &Before) -> EngineData {
        let held = match before {
            Before::Runtime(before) => before.data.clone(),
            _ => BTreeMap::new(),
        };
        EngineData { directories: self.data.clone(), held, ..EngineData::default() }
    }

    /// Takes away what the engine's network and containers left in the running system.
    fn restore_network(
        &self,
        context: &Context<'_>,
        before: &RuntimeBefore,
    ) -> Result<(), StepError> {
        let host = context.host;
        let mut roots: Vec<String> = RUN_DIRS.iter().map(|dir| (*dir).to_owned()).collect();
        for path in &self.data {
            roots.extend(host.real_path(path)?);
        }
        host.unmount_engines(&roots, &before.mounts)?;
        remove_links(host, &before.links)?;
        // Nobody but dockerd drops what is forwarded just because it switched that on.
        let forwarded = before.forwarding.get(FORWARDING[0]).is_none_or(|value| value != "0");
        for program in SAVE_RULES {
            let rules = before.firewall.get(program).map_or("", String::as_str);
            firewall::restore(
                host,
                program,
                &firewall::Before { rules, links: &before.links, forwarded },
            )?;
        }
        restore_forwarding(host, &before.forwarding)
    }
}

/// Links, forwarding and firewall of the running system.
fn network(host: &Host) -> Result<RuntimeBefore, StepError> {
    let mut before = RuntimeBefore { links: links(host)?, ..RuntimeBefore::default() };
    for path in FORWARDING {
        if let Some(value) = host.read_text(path)? {
            before.forwarding.insert(path.to_owned(), value.trim().to_owned());
        }
    }
    for program in SAVE_RULES {
        if let Some(rules) = firewall::save(host, program)? {
            before.firewall.insert(program.to_owned(), rules);
        }
    }
    before.mounts = host.mount_points()?;
    Ok(before)
}

fn links(host: &Host) -> Result<Vec<String>, StepError> {
    Ok(host.read_dir("/sys/class/net")?)
}

/// Whether a link is one of dockerd's bridges: the default one, or that of a network, which
/// it names `br-` and the first twelve digits of the network's id. One that stood there
/// before is not.
fn is_engines_link(link: &str, before: &[String]) -> bool {
    let of_network = NetworkFacts::is_of_container_network(link);
    (link == "docker0" || of_network) && !before.iter().any(|known| known == link)
}

/// Keeps what undoing removes and no start of the engine brings back as it was: its key, and
/// directories.
pub(super) fn observe_revert(context: &Context<'_>, before: &Before) -> Result<Before, StepError> {
    let Before::Runtime(before) = before else { return Ok(Before::Nothing) };
    let (mut files, mut directories) = (BTreeMap::new(), BTreeMap::new());
    for path in MADE_BY_ENGINE {
        if before.existing.iter().any(|known| known == path) {
            continue;
        }
        let Some(state) = context.host.stat(path)? else { continue };
        match state.kind {
            FileKind::File => {
                files.insert(path.to_owned(), (state, context.store.keep(path)?));
            }
            FileKind::Directory => {
                directories.insert(path.to_owned(), state.ownership());
            }
            FileKind::Symlink | FileKind::Other => {}
        }
    }
    Ok(Before::Files { files, directories })
}

/// Removes dockerd's bridges.
fn remove_links(host: &Host, before: &[String]) -> Result<(), StepError> {
    for link in links(host)? {
        if is_engines_link(&link, before) {
            host.run_ok(&["ip", "link", "delete", &link], LIMIT)?;
        }
    }
    Ok(())
}

fn restore_forwarding(host: &Host, before: &BTreeMap<String, String>) -> Result<(), StepError> {
    for path in FORWARDING {
        let Some(value) = before.get(path) else { continue };
        if host.read_text(path)?.is_some_and(|now| now.trim() != value) {
            host.write_setting(path, value)?;
        }
    }
    Ok(())
}

/// Removes what the engine made outside its data; returns directories that hold something
/// else and therefore stay.
fn remove_made_paths(host: &Host, existing: &[String]) -> Result<Vec<String>, StepError> {
    let mut left = Vec::new();
    let is_new = |path: &str| !existing.iter().any(|known| known == path);
    for dir in RUN_DIRS.into_iter().filter(|dir| is_new(dir)) {
        host.remove_tree(dir)?;
    }
    for path in MADE_BY_ENGINE.into_iter().filter(|path| is_new(path)) {
        match host.stat(path)? {
            None => {}
            Some(state) if state.kind != FileKind::Directory => host.remove_file(path)?,
            Some(_) if host.remove_dir(path)? => {}
            Some(_) => left.push(path.to_owned()),
        }
    }
    Ok(left)
}
