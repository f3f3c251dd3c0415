//! Containers: what runs them, and what watches over them.
//!
//! Each container has a shim, a small process with one thread that makes it, holds its streams,
//! writes its log and waits for its end. The daemon may be killed and replaced meanwhile.

mod binary;
mod cgroup;
mod client;
mod confine;
mod exec;
mod files;
mod launch_container;
mod log;
mod plan;
mod protocol;
mod seccomp;
mod shim;
pub mod spec;
mod stdio;
mod supervise;
pub mod users;

pub use binary::SealedBinary;
pub use cgroup::Hierarchies;
pub use client::Supervised;
pub use files::{read_json, write_json};
pub use log::{Entry, LogOptions, files as log_files};
pub use plan::{ExecPlan, ShimPlan};
pub use protocol::{Answer, Envelope, Exit, Request, Status, Stream, VERSION};
pub use shim::{EXIT, LOCK, exec_helper, shim};
