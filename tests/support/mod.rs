//! Drives the disposable hosts of `tests/bench` from Rust tests.
//!
//! A test that cannot have its host fails, with what to install; it never skips.
// The sources under `src/` reach disk and programs through `host::Host`; tests have no such host
// and start programs of the bench themselves.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used)]
// A test that fails shows what it ran and what the host said, on stderr as the test harness does.
#![allow(clippy::print_stderr)]

mod bench;
pub mod bundle;
mod disk;
pub mod hold;
pub mod hostile;
mod machine;
pub mod registry;
mod repositories;
mod run;
mod scenario;
mod served;
mod snapshot;
pub mod tiny;
mod trace;

pub use bench::{SHARE, share};
pub use disk::Disk;
pub use machine::{Machine, MachineOptions, VmOptions};
pub use registry::Registry;
pub use repositories::Repositories;
pub use run::Run;
pub use scenario::{JOURNAL, RUNNING, SHADOW_BACKUPS, installed, said_to_be_kept, with};
pub use served::Served;
pub use snapshot::{Allowed, Snapshot};
pub use trace::{trace, trace_programs};
