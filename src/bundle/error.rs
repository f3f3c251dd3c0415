//! What can be wrong with an archive.

use std::io;

use super::names::Layout;

/// Why an archive was not read to its end.
///
/// Offsets are in bytes: `packed_at` counts in the compressed file, `at` in the unpacked tar
/// stream. Names are shown escaped, since they come from the archive.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file could not be read.
    Read(#[source] io::Error),
    /// The host gave no thread to work on.
    Thread(#[source] io::Error),
    /// What takes the unpacked files (the stage) failed; the archive is not to blame.
    Sink {
        /// The entry that was being stored.
        entry: String,
        /// What storing it said.
        #[source]
        source: io::Error,
    },

    /// The file does not start as gzip does.
    NotGzip {
        /// What it looks like instead.
        found: &'static str,
    },
    /// The compressed data ends too early.
    Truncated {
        /// Length of the file.
        packed_at: u64,
    },
    /// The compressed data makes no sense.
    Corrupt {
        /// Where, to within one buffer.
        packed_at: u64,
        /// What the decompressor said.
        detail: String,
    },
    /// Gzip's own checksum or length does not match what was unpacked.
    BadCrc {
        /// Where the checksum ends, to within one buffer.
        packed_at: u64,
    },
    /// Something follows the gzip data.
    TrailingData {
        /// Where it starts.
        packed_at: u64,
    },

    /// The tar stream ends before its end marker.
    TarTruncated {
        /// Length of the tar stream.
        at: u64,
        /// Inside which part.
        place: String,
    },
    /// A tar header whose checksum is wrong.
    BadHeaderChecksum {
        /// Where the header starts.
        at: u64,
    },
    /// A number in a tar header that cannot be read, or is out of range.
    BadField {
        /// The entry.
        name: String,
        /// Where its header starts.
        at: u64,
        /// Which field.
        field: &'static str,
    },
    /// Data after tar's end marker.
    DataAfterEnd {
        /// Where.
        at: u64,
    },
    /// A tar extension that this reader refuses.
    Extension {
        /// Which.
        what: String,
        /// Where its header starts.
        at: u64,
    },
    /// A tar extension record longer than the limit.
    ExtensionTooLong {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
        /// Where its header starts.
        at: u64,
    },

    /// A name that could lead out of the archive's directory, or cannot be shown.
    NameRefused {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A name that no engine archive has.
    UnknownName {
        /// The name.
        name: String,
    },
    /// The manifest of a bundle, not where bundles have it.
    ManifestElsewhere,
    /// One name twice.
    Duplicate {
        /// The name.
        name: String,
    },
    /// Neither a regular file nor a directory.
    NotRegular {
        /// The name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A set-user-id, set-group-id or sticky bit.
    SpecialMode {
        /// The name.
        name: String,
        /// The mode that the archive records.
        mode: u32,
    },

    /// More tar headers than the limit.
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
    /// One file larger than the limit.
    FileTooLarge {
        /// The name.
        name: String,
        /// The size that its header states.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file, or what it unpacks to, larger than the limit.
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Unpacks to far more than programs do.
    Ratio {
        /// The limit.
        limit: u64,
    },

    /// A program that every engine needs is not there.
    Missing {
        /// What is missing.
        names: Vec<String>,
    },
    /// Names of two generations of the engine side by side.
    MixedLayouts {
        /// An entry.
        first: String,
        /// Its layout.
        first_layout: Layout,
        /// An entry of the other layout.
        second: String,
        /// That layout.
        second_layout: Layout,
    },
    /// Programs for two architectures side by side.
    MixedMachines {
        /// An entry.
        first: String,
        /// Its architecture.
        first_machine: super::elf::Machine,
        /// An entry for another architecture.
        second: String,
        /// That architecture.
        second_machine: super::elf::Machine,
    },
    /// A file that is no program.
    NotElf {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A name from the archive, safe to show: escaped, and cut after 120 characters.
pub(super) fn printable(name: &[u8]) -> String {
    const LONGEST: usize = 120;
    let text = String::from_utf8_lossy(name);
    let mut shown: String = text.escape_debug().take(LONGEST).collect();
    if text.escape_debug().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}
