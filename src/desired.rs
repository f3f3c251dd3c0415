//! What the host shall be: pure data, made from arguments, environment and configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::online::Online;
use crate::registry::files::RegistryFiles;
use crate::topology::Topology;

/// What the host shall be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// Where the engine comes from.
    pub source: Source,
    /// Where its programs go, without a trailing slash.
    pub bin_dir: String,
    /// Who may use the API socket.
    pub group: GroupWanted,
    /// Which units run the engine; `None` leaves it to what is installed, or to the engine.
    #[serde(default)]
    pub unit_style: Option<Topology>,
    /// Keys of daemon.json that shall have these values; all others are left alone.
    pub daemon: Map<String, Value>,
    /// Archives of images (`docker save`) that are loaded once the engine runs.
    pub images: Vec<PathBuf>,
    /// Whether a container is run at the end to prove that the engine works.
    pub smoke_test: bool,
    /// How long a run waits to be confirmed before it goes back, in seconds, unless its caller
    /// says otherwise; `None`: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_within: Option<u64>,
    /// How many seconds a restarted engine is watched at the end; `None` for not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<u64>,
    /// Through which proxy the daemon reaches registries; `None` leaves that alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyWanted>,
    /// Certificates of registries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registries: Vec<RegistryFiles>,
    /// What the kernel does at each boot.
    #[serde(default, skip_serializing_if = "KernelWanted::is_unsaid")]
    pub kernel: KernelWanted,
    /// Codes of findings that shall not stop the run.
    pub ignore: Vec<String>,
}

/// Where the engine comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The archive: upstream's `docker-<version>.tgz`.
    pub archive: PathBuf,
    /// The digest that the caller expects.
    pub sha256: Option<Digest>,
    /// The digest of what two mirrors give, if it came from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Digest>,
    /// Accept an archive whose digest nobody vouches for.
    pub allow_unpinned: bool,
    /// Files with keys whose bundles are accepted, beside those that the host trusts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_keys: Vec<PathBuf>,
    /// Accept nothing but bundles that are signed with a trusted key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_signature: bool,
    /// It comes from a repository of packages instead; the archive's name is then only that of
    /// its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online: Option<Online>,
}

/// The group that owns the API socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupWanted {
    /// Its name.
    pub name: String,
    /// Its id if it has to be made; an existing group keeps its own.
    pub gid: Option<u32>,
    /// Users that become members.
    pub members: Vec<String>,
}

/// Kernel settings that last over reboots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelWanted {
    /// Whether the modules that containers need are loaded at boot; they are unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modules: Option<bool>,
    /// Whether packets are forwarded from the boot on; `None` leaves that alone. The engine turns
    /// it on itself, and then makes DROP the policy of what is forwarded, which it does not where
    /// it is on already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<bool>,
}

impl KernelWanted {
    /// This, and where it says nothing, the other.
    pub fn or(self, other: Self) -> Self {
        Self {
            modules: self.modules.or(other.modules),
            forwarding: self.forwarding.or(other.forwarding),
        }
    }

    /// Whether nothing is said.
    pub fn is_unsaid(&self) -> bool {
        *self == Self::default()
    }
}

/// The daemon's proxy. With neither of the first two, none of Landfall's is left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyWanted {
    /// For plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// For HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https: Option<String>,
    /// What is reached directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no: Option<String>,
}

/// Where the API is reached.
pub const SOCKET: &str = "/run/docker.sock";
/// The daemon's configuration file.
pub const DAEMON_JSON: &str = "/etc/docker/daemon.json";
/// The drop-in for listeners that stood in daemon.json beside a socket of systemd's.
pub const HOSTS_DROP_IN: &str = "/etc/systemd/system/docker.service.d/landfall-hosts.conf";
/// Where Landfall's units go.
pub const UNIT_DIR: &str = "/etc/systemd/system";
/// Where engines that do not know `proxies` in daemon.json are told of them.
pub const PROXY_DROP_IN: &str = "/etc/systemd/system/docker.service.d/landfall-proxy.conf";
/// Where login shells look for what every user's environment shall hold.
pub const PROFILE_DIR: &str = "/etc/profile.d";
/// What adds the directory of programs to everybody's `PATH`.
pub const PROFILE: &str = "/etc/profile.d/landfall.sh";
/// Directories that programs are looked for in on every distribution.
pub const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Places for programs where `/usr` is read-only, the better one first.
pub const OTHER_BIN_DIRS: [&str; 2] = ["/opt/landfall/bin", "/var/opt/landfall/bin"];
/// The daemon's default data directory.
pub const DEFAULT_DATA_ROOT: &str = "/var/lib/docker";
/// Where a containerd that is a unit of its own keeps its data by default.
pub const DEFAULT_CONTAINERD_ROOT: &str = "/var/lib/containerd";

impl Desired {
    /// Whether programs are found by their names without anything being done for it.
    pub fn is_in_system_path(&self) -> bool {
        SYSTEM_PATH.split(':').any(|known| known == self.bin_dir)
    }

    /// Where plugins of docker's command line client go: beside the directory of programs.
    pub fn plugin_dir(&self) -> String {
        let parent = self.bin_dir.strip_suffix("/bin").or(self.bin_dir.strip_suffix("/sbin"));
        format!("{}/libexec/docker/cli-plugins", parent.unwrap_or(&self.bin_dir))
    }

    /// Whether docker's client looks for plugins there by itself.
    pub fn finds_plugins(&self) -> bool {
        // docker/cli, cli-plugins/manager/manager_unix.go.
        ["/usr/libexec/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins"]
            .contains(&self.plugin_dir().as_str())
    }

    /// The data directory that the caller asked for, or the default.
    pub fn data_root(&self) -> &str {
        let wanted = self.daemon.get("data-root").and_then(Value::as_str);
        wanted.unwrap_or(DEFAULT_DATA_ROOT).trim_end_matches('/')
    }
}
