//! Reading engine archives: upstream's own `docker-<version>.tgz`, exactly as published, and
//! Landfall's own bundles ([`mod@format`]).
//!
//! [`read`] goes over the file once, whatever its size: it hashes it, unpacks it, checks every
//! name and header against what such archives hold, hashes each program, reads from its ELF
//! headers what it needs, and hands its bytes to a [`Sink`]. Archives are taken to be hostile:
//! whatever does not fit is an error of its own ([`BundleError`]), and nothing is believed that
//! [`Limits`] does not bound. Peak memory is about 20 MiB: 3 MiB of buffers, and the first
//! 16 MiB at most of the program that is being read (only of dynamically linked ones).
//!
//! Whether the archive is what it claims to be is for [`trust`] to say, which compares its
//! digest with the [`catalogue`] and what else is known, and of a bundle for [`signature`].

pub mod boundaries;
pub mod catalogue;
mod contents;
pub mod create;
mod elf;
mod error;
pub mod format;
mod gunzip;
mod header;
pub mod image_layout;
mod kernel_version;
mod limits;
mod names;
mod pipeline;
mod program;
mod sidecar;
pub mod signature;
pub mod trust;
pub mod volumes;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

pub use elf::{ElfInfo, Machine, VersionNeed};
pub use error::BundleError;
pub use kernel_version::{KernelVersion, ParseKernelVersionError};
pub use limits::Limits;
pub use names::{Layout, Role, program_names, required_programs, version_from_name};
pub use program::{read_plugin, read_program};
pub use sidecar::SidecarError;

use contents::check_set;

use crate::digest::Digest;

/// What an archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Digest of the whole compressed file.
    pub sha256: Digest,
    /// Size of the compressed file in bytes.
    pub size: u64,
    /// Sum of the sizes of `entries` in bytes.
    pub unpacked: u64,
    /// The latest time of modification in the archive, in seconds since 1970: a host whose clock
    /// shows less has a wrong clock.
    pub newest_mtime: u64,
    /// The programs, in the archive's order.
    pub entries: Vec<Entry>,
    /// What a bundle of Landfall's holds beside the engine; `None` of upstream's archives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundled: Option<Bundled>,
}

/// What a bundle holds beside the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundled {
    /// Digest of its manifest, which stands for all that it holds.
    pub manifest: Digest,
    /// The engine's version.
    pub version: Option<String>,
    /// Plugins of the command line client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<Entry>,
    /// Images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<format::BundledImage>,
    /// Packages of distributions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<format::BundledPackage>,
}

impl From<format::Contents> for Archive {
    fn from(contents: format::Contents) -> Self {
        let format::Contents { head, sha256, size, programs, plugins } = contents;
        let manifest = head.sha256();
        Self {
            sha256,
            size,
            unpacked: programs.iter().chain(&plugins).map(|entry| entry.size).sum(),
            newest_mtime: head.manifest.time().unwrap_or_default(),
            entries: programs,
            bundled: Some(Bundled {
                manifest,
                version: head.manifest.version().map(str::to_owned),
                plugins,
                images: head.manifest.images,
                packages: head.manifest.packages,
            }),
        }
    }
}

/// A program in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its file name, such as `dockerd`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Digest of its contents.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The permission bits that the archive records, without set-id and sticky bits.
    pub mode: u32,
    /// What its headers say.
    pub elf: ElfInfo,
}

impl Archive {
    /// Which generation of names it uses.
    pub fn layout(&self) -> Layout {
        let layout = self.entries.iter().find_map(|entry| names::layout_of(&entry.name));
        layout.unwrap_or(Layout::Modern)
    }

    /// The architecture that its programs are built for ([`read`] makes sure that it is one).
    /// `None` if there are no programs.
    pub fn machine(&self) -> Option<Machine> {
        let machines = || self.entries.iter().map(|entry| entry.elf.machine);
        // Some programs for 32-bit Arm do not say which.
        machines().find(|machine| *machine != Machine::Arm).or(machines().next())
    }

    /// Plugins of the command line client.
    pub fn plugins(&self) -> &[Entry] {
        self.bundled.as_ref().map_or(&[], |bundled| &bundled.plugins)
    }

    /// Images.
    pub fn images(&self) -> &[format::BundledImage] {
        self.bundled.as_ref().map_or(&[], |bundled| &bundled.images)
    }

    /// The program with this role.
    pub fn program(&self, role: Role) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.role == role)
    }
}

/// Takes the programs of an archive as they are unpacked, one after the other.
///
/// If [`read`] fails, even after the last `end`, nothing that was taken may be used.
pub trait Sink {
    /// A program of `size` bytes begins.
    fn begin(&mut self, entry_name: &str, size: u64) -> io::Result<()>;
    /// Its next bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// It has been given completely.
    fn end(&mut self) -> io::Result<()>;
}

/// Keeps nothing: for looking at an archive without unpacking it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

impl Sink for Discard {
    fn begin(&mut self, _entry_name: &str, _size: u64) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads an archive to its end and hands its programs to `sink`.
///
/// `progress` is called from another thread with the number of compressed bytes read so far.
///
/// # Errors
///
/// [`BundleError::Read`] and [`BundleError::Sink`] are failures of the host; every other one
/// means that the archive is damaged, or is none of upstream's.
pub fn read<R: Read + Send>(
    input: R,
    limits: &Limits,
    sink: &mut (dyn Sink + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Archive, BundleError> {
    read_with(input, limits, pipeline::Buffers::default(), sink, progress)
}

fn read_with<R: Read + Send>(
    input: R,
    limits: &Limits,
    buffers: pipeline::Buffers,
    sink: &mut (dyn Sink + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Archive, BundleError> {
    let (contents, packed) = pipeline::run(input, limits, buffers, progress, |stream| {
        contents::walk(stream, limits, sink)
    })?;
    Ok(Archive {
        sha256: packed.sha256,
        size: packed.size,
        unpacked: contents.unpacked,
        newest_mtime: contents.newest_mtime,
        entries: contents.entries,
        bundled: None,
    })
}
