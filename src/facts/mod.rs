//! What the host is: pure data, gathered once per run.
//!
//! Each submodule parses from `&str`; [`gather`] does the reading through the host.

pub mod accounts;
pub mod cgroups;
pub mod containers;
pub mod data;
pub mod distribution;
pub mod doctor;
pub mod engine;
pub mod file_systems;
pub mod found_engine;
mod gather;
pub mod identity;
pub mod installed;
pub mod kernel;
pub mod kernel_settings;
pub mod libraries;
pub mod network;
pub mod os_release;
pub mod packages;
pub mod programs;
pub mod protection;
pub mod resolver;
pub mod security;
pub mod start_command;
pub mod sudoers;
pub mod systemd;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use gather::{distribution_of, gather, gather_installed, gather_visible};
pub use network::{Bridge, Forwarding, NameServer, NetworkFacts};
pub use security::Security;
pub use wanted::Wanted;

use crate::desired::DAEMON_JSON;
use crate::digest::Digest;
use crate::file_state::FileState;
use crate::unit_state::UnitState;

/// Everything that planning and preflight need to know of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The running system, not an image (`--root`).
    pub live: bool,
    /// Landfall's own effective user id.
    pub uid: u32,
    /// Seconds since 1970 on the host's clock.
    pub now: u64,
    /// Architecture of the host's own programs, as `uname -m` names it.
    pub architecture: String,
    /// The running kernel.
    pub kernel: Kernel,
    /// The distribution.
    pub os: OsRelease,
    /// The service manager; `None` if systemd is not installed.
    pub systemd: Option<SystemdFacts>,
    /// Control groups.
    pub cgroups: Cgroups,
    /// Users and groups that matter here.
    pub accounts: Accounts,
    /// What stands at each path that Landfall may write, and at paths that others may own.
    /// An absent path has no entry.
    pub files: BTreeMap<String, FileFact>,
    /// Units by name.
    pub units: BTreeMap<String, UnitState>,
    /// The engine that runs, if one does and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<engine::RunningEngine>,
    /// The package manager's view.
    pub packages: Packages,
    /// File systems by the path that was asked about.
    pub file_systems: BTreeMap<String, FileSystemFact>,
    /// Links, routes, and who is connected.
    pub network: NetworkFacts,
    /// Programs that were looked for, by name: where they are.
    pub programs: BTreeMap<String, String>,
    /// The iptables program; `None` if there is none, or if this is an image, in which
    /// nothing is run.
    pub iptables: Option<Iptables>,
    /// Shared libraries.
    pub libraries: Libraries,
    /// Of the files and directories that may be changed, those that not even root can change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub protected: BTreeMap<String, Protection>,
    /// The directories that sudo looks for programs in, if its configuration names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo_path: Option<Vec<String>>,
    /// SELinux, AppArmor and their like.
    #[serde(default)]
    pub security: Security,
    /// What turns kernel settings off that an engine needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setting_resets: Vec<kernel_settings::SettingReset>,
    /// What docker.service starts.
    #[serde(default)]
    pub start_command: start_command::StartCommand,
}

/// An attribute of chattr(1) that keeps root too from changing a file, or from making,
/// renaming and removing names in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// `+i`.
    Immutable,
    /// `+a`.
    AppendOnly,
}

impl Facts {
    /// What stands in daemon.json; `None` if it is not there, or cannot be read.
    pub fn daemon_json(&self) -> Option<Value> {
        serde_json::from_str(self.files.get(DAEMON_JSON)?.text.as_deref()?).ok()
    }
}

/// The kernel. Of an image nothing is known: the kernel that it will run under is not the
/// one that runs now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// `uname -r`, whole.
    pub release: String,
    /// Its first three numbers.
    pub version: (u32, u32, u32),
    /// File systems that `/proc/filesystems` names.
    pub file_systems: Vec<String>,
    /// Those build options of [`kernel::OPTIONS`] that are set, without `CONFIG_`, to `y` or
    /// `m`; `None` where neither `/proc/config.gz` nor `/boot/config-*` can be read.
    pub config: Option<BTreeMap<String, String>>,
    /// Modules that are loaded, names with `_`.
    pub modules: Vec<String>,
    /// Those of [`kernel::MODULES`] that `/lib/modules/<release>` could load, or that are
    /// built in; `None` where that directory has no list of modules.
    pub loadable: Option<Vec<String>>,
}

/// The fields of os-release(5) that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsRelease {
    /// `ID`, such as `centos`.
    pub id: String,
    /// `ID_LIKE`, split.
    pub id_like: Vec<String>,
    /// `VERSION_ID`.
    pub version_id: String,
    /// `VERSION_CODENAME`.
    pub codename: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
}

/// The service manager.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemdFacts {
    /// Its major version, such as 219 or 252.
    pub version: u32,
    /// Whether it is process 1 of the running system.
    pub running: bool,
}

/// How control groups are mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CgroupMode {
    /// Not mounted.
    #[default]
    None,
    /// Version 1 alone.
    V1,
    /// Version 1 controllers beside a version 2 tree for systemd.
    Hybrid,
    /// Version 2 alone.
    V2,
}

/// Control groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cgroups {
    /// How they are mounted.
    pub mode: CgroupMode,
    /// Controllers that can be used.
    pub controllers: Vec<String>,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Numeric id.
    pub gid: u32,
    /// Names of its members.
    pub members: Vec<String>,
    /// Whether it stands in `/etc/group`, rather than in LDAP or the like.
    pub local: bool,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Numeric id.
    pub uid: u32,
    /// Primary group's id.
    pub gid: u32,
    /// Whether it stands in `/etc/passwd`.
    pub local: bool,
}

/// Users and groups: those of the local files, and those asked for by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Names that were asked for, but about which the host's directory service (LDAP or the
    /// like) gave no answer in time.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unanswered: BTreeSet<String>,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFact {
    /// Kind, mode, owner, attributes.
    #[serde(flatten)]
    pub state: FileState,
    /// Digest of a regular file's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The text of a configuration file; `None` for programs, and for bytes that are not
    /// UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Which package manager keeps the host's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageManager {
    /// None that Landfall knows.
    #[default]
    None,
    /// rpm.
    Rpm,
    /// dpkg.
    Dpkg,
}

/// The package manager's view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packages {
    /// Which one.
    pub manager: PackageManager,
    /// Whether the manager could be asked. If not, `owners` and `engines` are empty, but
    /// nothing follows from that.
    pub known: bool,
    /// What keeps its answers from being the whole truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<PackagesProblem>,
    /// Path to the package that owns it, for the files and links that were asked about, also
    /// for those at which nothing stands now.
    pub owners: BTreeMap<String, String>,
    /// Installed packages that bring an engine or parts of one: name to version.
    pub engines: BTreeMap<String, String>,
    /// Installed packages that run containers with the host's runc or containerd, and are no
    /// Docker: name to version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, String>,
}

/// What keeps a package manager's answers from being the whole truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackagesProblem {
    /// Its program is not there, or did not end in time.
    NoAnswer,
    /// Its database is damaged.
    Damaged,
    /// Packages are being installed or removed right now.
    Busy,
    /// An installation of packages was cut and has not been completed.
    Interrupted,
}

/// A file system that a path lies on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystemFact {
    /// Bytes that may still be written.
    pub available: u64,
    /// Inodes left; `None` if the file system makes them as needed.
    pub inodes: Option<u64>,
    /// Mounted read-only.
    pub read_only: bool,
    /// Mounted `noexec`.
    pub no_exec: bool,
    /// Mounted `nosuid`.
    #[serde(default)]
    pub no_suid: bool,
    /// Mounted `nodev`.
    #[serde(default)]
    pub no_dev: bool,
    /// Type by its magic number, such as `ext4`, `xfs`, `overlay`, `nfs`; hexadecimal if
    /// unknown.
    pub kind: String,
    /// Device number: paths with the same number share their space.
    pub device: u64,
    /// Whether directory entries carry their type (d_type); `None` if it cannot be told.
    pub reports_entry_type: Option<bool>,
}

/// The iptables program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iptables {
    /// Its version.
    pub version: (u32, u32, u32),
    /// Whether it drives nf_tables, rather than the older kernel interface.
    pub nf_tables: bool,
}

/// Shared libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Libraries {
    /// Sonames that the dynamic linker finds; `None` if its cache cannot be read.
    pub sonames: Option<Vec<String>>,
    /// Version names that the host's libc.so.6 defines, such as `GLIBC_2.34`.
    pub libc_versions: Vec<String>,
}
