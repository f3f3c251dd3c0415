//! A program that stands on a host already, read like one in an archive.

use std::io::Read;

use super::elf::Probe;
use super::error::BundleError;
use super::names::{Known, Role, lookup};
use super::{Archive, Entry};
use crate::digest::{Digest, Hasher};

/// Reads a program of this name, as [`super::read`] reads those of an archive.
///
/// # Errors
/// [`BundleError::UnknownName`] if no archive has a program of this name,
/// [`BundleError::Read`] if it cannot be read, [`BundleError::NotElf`] if it is a script.
pub fn read_program(name: &str, mode: u32, input: impl Read) -> Result<Entry, BundleError> {
    let Some(Known::Program(known, role)) = lookup(&format!("docker/{name}")) else {
        return Err(BundleError::UnknownName { name: name.to_owned() });
    };
    probed(known, role, mode, input)
}

/// Reads a plugin of docker's client in the same way.
///
/// # Errors
/// [`BundleError::Read`] if it cannot be read, [`BundleError::NotElf`] if it is a script.
pub fn read_plugin(name: &str, input: impl Read) -> Result<Entry, BundleError> {
    probed(name, Role::Plugin, 0o755, input)
}

fn probed(name: &str, role: Role, mode: u32, mut input: impl Read) -> Result<Entry, BundleError> {
    let (mut hasher, mut probe, mut size) = (Hasher::new(), Probe::default(), 0);
    let mut buffer = vec![0; 1 << 20];
    probe.start();
    loop {
        let length = input.read(&mut buffer).map_err(BundleError::Read)?;
        if length == 0 {
            break;
        }
        hasher.update(&buffer[..length]);
        probe.feed(&buffer[..length]);
        size += length as u64;
    }
    let name = name.to_owned();
    let elf = probe.finish().map_err(|why| BundleError::NotElf { name: name.clone(), why })?;
    Ok(Entry { name, role, sha256: hasher.finish(), size, mode, elf })
}

impl Archive {
    /// What stands in for an archive where programs were there already: it has no size, and no
    /// file is one like it.
    pub fn of_programs(entries: Vec<Entry>) -> Self {
        Self {
            sha256: Digest::of(b""),
            size: 0,
            unpacked: entries.iter().map(|entry| entry.size).sum(),
            newest_mtime: 0,
            bundled: None,
            entries,
        }
    }
}
