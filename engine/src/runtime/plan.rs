//! What a shim and an exec helper are told, in files beside their sockets.

use std::path::PathBuf;

use libcontainer::oci_spec::runtime::Process;
use serde::{Deserialize, Serialize};

use super::log::LogOptions;

/// `shim.json`: what is not in the OCI specification.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShimPlan {
    /// Docker's name of the container: 64 hexadecimal digits.
    pub id: String,
    /// Whether its process has a terminal.
    pub terminal: bool,
    /// Whether its stdin is open.
    pub open_stdin: bool,
    /// Whether stdin ends with the first client's.
    pub stdin_once: bool,
    /// Where what it says is kept, if anywhere.
    pub log: Option<LogOptions>,
    /// Its control group, from the root of each hierarchy.
    pub cgroup: PathBuf,
    /// The control group of shims.
    pub shims_cgroup: PathBuf,
    /// Whether Docker's default seccomp filter is loaded.
    pub seccomp: bool,
    /// Whether it gets a network that nothing but itself is in.
    pub own_network: bool,
}

/// `exec.json`: another process of a container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExecPlan {
    /// The process.
    pub process: Process,
    /// Whether its stdin is open.
    pub open_stdin: bool,
    /// Whether Docker's default seccomp filter is loaded.
    pub seccomp: bool,
}
