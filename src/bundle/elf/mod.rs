//! What a program needs to run, read from its ELF headers while it streams by.

mod dynamic;
mod machine;
mod probe;

use serde::{Deserialize, Serialize};

pub use machine::Machine;
pub(super) use probe::Probe;

/// What the headers of an ELF program say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElfInfo {
    /// The architecture that it is built for.
    pub machine: Machine,
    /// The dynamic loader that the kernel starts it with; `None` for a static program.
    pub interpreter: Option<String>,
    /// The shared libraries that it names (`DT_NEEDED`), in its order.
    pub needed: Vec<String>,
    /// The versions that it asks of them, in its order.
    pub version_needs: Vec<VersionNeed>,
    /// Whether `interpreter`, `needed` and `version_needs` are complete. False if the tables lie
    /// where a single pass could not keep them, or make no sense.
    pub dependencies_known: bool,
}

impl ElfInfo {
    /// Whether the program runs without a loader and without libraries.
    pub fn is_static(&self) -> bool {
        self.dependencies_known && self.interpreter.is_none() && self.needed.is_empty()
    }
}

/// A version of a shared library's interface, such as `GLIBC_2.34` of `libc.so.6`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionNeed {
    /// The library.
    pub library: String,
    /// The version.
    pub version: String,
}
