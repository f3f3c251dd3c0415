//! The closer look of `landfall doctor`: what an installation does not need to know, so that
//! it does not pay for it.
//!
//! Each submodule parses from `&str` or bytes; [`gather`] does the reading through the host.

pub mod certificates;
pub mod firewall;
mod gather;
mod kubelet;
mod landfall;
pub mod logs;
pub mod processes;
pub mod units;

use std::collections::BTreeMap;

pub(crate) use gather::program_version;
pub use gather::{BRIDGE_CALLS_IPV6, gather};
pub use kubelet::Kubelet;
use landfall_engine::Info;

use crate::file_state::FileState;
use crate::run_state::RunState;

/// What is known of a host beyond [`Facts`](super::Facts).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DoctorFacts {
    /// What could not be looked at, and why; without root it is much.
    pub unseen: Vec<String>,
    /// The running kernel.
    pub kernel: KernelDetails,
    /// Whether what a bridge passes from port to port goes through ip6tables; `None` if
    /// br_netfilter is not loaded.
    pub ipv6_bridged_filtered: Option<bool>,
    /// Firewall rules.
    pub firewall: FirewallFacts,
    /// Name servers.
    pub resolver: Resolver,
    /// Whether something keeps the clock right; `None` if nobody says.
    pub synchronised: Option<bool>,
    /// The latest time that is known to have been, and what tells it.
    pub newest: Option<(u64, String)>,
    /// Processes of engines.
    pub processes: Vec<Process>,
    /// Units of engines, by name.
    pub units: BTreeMap<String, UnitDetails>,
    /// Unit files that lead nowhere.
    pub dangling: Dangling,
    /// The API socket.
    pub socket: Option<FileState>,
    /// Certificates of registries and of the API.
    pub certificates: Vec<CertificateFile>,
    /// Private keys that belong to them.
    pub keys: Vec<(String, FileState)>,
    /// Client certificates without a key, or keys without a certificate: what is there, and
    /// what is missing.
    pub unpaired: Vec<(String, String)>,
    /// Logs of containers.
    pub logs: Vec<ContainerLog>,
    /// The version of each program of an engine that is installed, as it says itself.
    pub versions: BTreeMap<String, String>,
    /// What the running engine says of itself, or why it does not answer; `None` if no engine
    /// runs, which is not started only to be asked.
    pub answer: Option<Result<Info, String>>,
    /// kubelet.
    pub kubelet: Kubelet,
    /// Proxy variables of this shell.
    pub own_proxy: bool,
    /// Landfall's own state.
    pub landfall: LandfallFacts,
}

/// The running kernel, closer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelDetails {
    /// All build options that are set to `y` or `m`, without `CONFIG_`; `None` if they cannot
    /// be read.
    pub config: Option<BTreeMap<String, String>>,
    /// Whether `/lib/modules` has a directory for it; `None` where modules are not kept on the
    /// host at all.
    pub has_modules: Option<bool>,
    /// Other kernels that `/lib/modules` has directories for.
    pub others: Vec<String>,
}

/// Firewall rules, as the `save` programs print them; `None` where they could not be read or
/// that packet filter is not in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirewallFacts {
    /// Rules in the older interface.
    pub legacy: Option<String>,
    /// Rules in nf_tables that iptables wrote.
    pub nft: Option<String>,
    /// A file that empties the whole firewall when its unit starts, and the unit.
    pub flush: Option<(String, String)>,
    /// Whether firewalld runs.
    pub firewalld: bool,
}

impl FirewallFacts {
    /// The rules of both interfaces.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        [&self.legacy, &self.nft].into_iter().flatten().map(String::as_str)
    }
}

/// Name servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolver {
    /// Whether there is a resolv.conf.
    pub exists: bool,
    /// Those of resolv.conf.
    pub servers: Vec<String>,
    /// Those that systemd-resolved asks, which dockerd reads instead of the stub.
    pub upstream: Vec<String>,
}

/// A process of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub parent: u32,
    /// The user it runs as.
    pub uid: u32,
    /// Its name: `dockerd`, `containerd`.
    pub name: String,
    /// Its command line.
    pub command: Vec<String>,
    /// How many files it may open at most; `None` if that cannot be read.
    pub open_files: Option<u64>,
    /// Names of its proxy variables; `None` if its environment cannot be read.
    pub proxies: Option<Vec<String>>,
}

/// A unit, closer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitDetails {
    /// Its file; empty if there is none.
    pub fragment: String,
    /// `loaded`, `not-found`, `masked`, …
    pub load: String,
    /// `active`, `inactive`, `failed`, …
    pub active: String,
    /// `enabled`, `disabled`, `static`, `masked`, …; empty if there is no file.
    pub file_state: String,
    /// Whether its files changed since systemd read them.
    pub needs_reload: bool,
    /// How its last run ended.
    pub result: String,
    /// How often systemd has started it anew by itself.
    pub restarts: u32,
    /// What it starts (`ExecStart=`), word by word.
    pub command: Vec<String>,
    /// Whether that program exists; `None` if it cannot be told.
    pub program_exists: Option<bool>,
}

impl UnitDetails {
    /// Whether it runs, or is on its way up.
    pub fn is_active(&self) -> bool {
        matches!(self.active.as_str(), "active" | "activating" | "reloading")
    }
}

/// Unit files that lead nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dangling {
    /// Directories of drop-ins for units that are not there.
    pub drop_ins: Vec<String>,
    /// Links that enable units that are not there, and where they point.
    pub links: Vec<(String, String)>,
}

/// A file that should hold certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateFile {
    /// Where.
    pub path: String,
    /// What it holds; empty if it holds none that can be read.
    pub certificates: Vec<Certificate>,
}

/// One certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// From when it is valid, seconds since 1970.
    pub from: u64,
    /// Until when.
    pub until: u64,
}

/// The log of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerLog {
    /// Where.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Whether it is cut at some size.
    pub rotated: bool,
}

/// Landfall's own state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LandfallFacts {
    /// Whether the receipt has an engine.
    pub installed: bool,
    /// Files of the receipt that are not what was written.
    pub changed: Vec<String>,
    /// Files of the receipt that are gone.
    pub missing: Vec<String>,
    /// Another run, which goes on right now. What it has done so far is not looked at.
    pub running: Option<RunState>,
    /// The command of a run that has no end in the journal, and does not go on.
    pub cut: Option<String>,
    /// Files that a run left beside their targets.
    pub staged: Vec<String>,
}
