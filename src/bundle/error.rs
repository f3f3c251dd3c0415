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
    #[error("cannot read the archive")]
    Read(#[source] io::Error),
    /// The host gave no thread to work on.
    #[error("cannot start a thread to read the archive")]
    Thread(#[source] io::Error),
    /// What takes the unpacked files (the stage) failed; the archive is not to blame.
    #[error("cannot store {entry} from the archive")]
    Sink {
        /// The entry that was being stored.
        entry: String,
        /// What storing it said.
        #[source]
        source: io::Error,
    },

    /// The file does not start as gzip does.
    #[error("the archive is not gzip-compressed: it looks like {found}")]
    NotGzip {
        /// What it looks like instead.
        found: &'static str,
    },
    /// The compressed data ends too early.
    #[error("the archive is cut off: the compressed data ends after {packed_at} bytes")]
    Truncated {
        /// Length of the file.
        packed_at: u64,
    },
    /// The compressed data makes no sense.
    #[error("the archive is damaged near byte {packed_at}: {detail}")]
    Corrupt {
        /// Where, to within one buffer.
        packed_at: u64,
        /// What the decompressor said.
        detail: String,
    },
    /// Gzip's own checksum or length does not match what was unpacked.
    #[error("the archive is damaged: gzip's checksum, which ends at byte {packed_at}, is wrong")]
    BadCrc {
        /// Where the checksum ends, to within one buffer.
        packed_at: u64,
    },
    /// Something follows the gzip data.
    #[error("the archive has foreign data after its end, from byte {packed_at} on")]
    TrailingData {
        /// Where it starts.
        packed_at: u64,
    },

    /// The tar stream ends before its end marker.
    #[error("the archive is incomplete: the tar stream ends after {at} bytes, {place}")]
    TarTruncated {
        /// Length of the tar stream.
        at: u64,
        /// Inside which part.
        place: String,
    },
    /// A tar header whose checksum is wrong.
    #[error("the tar header at byte {at} is damaged: its checksum is wrong")]
    BadHeaderChecksum {
        /// Where the header starts.
        at: u64,
    },
    /// A number in a tar header that cannot be read, or is out of range.
    #[error("the tar header of {name} (at byte {at}) has no usable {field}")]
    BadField {
        /// The entry.
        name: String,
        /// Where its header starts.
        at: u64,
        /// Which field.
        field: &'static str,
    },
    /// Data after tar's end marker.
    #[error("the tar stream goes on after its end marker, at byte {at}")]
    DataAfterEnd {
        /// Where.
        at: u64,
    },
    /// A tar extension that this reader refuses.
    #[error("the archive uses a tar extension that is not accepted: {what} (at byte {at})")]
    Extension {
        /// Which.
        what: String,
        /// Where its header starts.
        at: u64,
    },
    /// A tar extension record longer than the limit.
    #[error("a tar extension record of {size} bytes (at byte {at}) exceeds the {limit} allowed")]
    ExtensionTooLong {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
        /// Where its header starts.
        at: u64,
    },

    /// A name that could lead out of the archive's directory, or cannot be shown.
    #[error("the archive holds a dangerous name: {name} ({why})")]
    NameRefused {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A name that no engine archive has.
    #[error("the archive holds {name}, which no Docker release contains")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// One name twice.
    #[error("the archive holds {name} twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Neither a regular file nor a directory.
    #[error("{name} in the archive is {kind}, where only files and directories are accepted")]
    NotRegular {
        /// The name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A set-user-id, set-group-id or sticky bit.
    #[error("{name} in the archive has the special mode {mode:o}")]
    SpecialMode {
        /// The name.
        name: String,
        /// The mode that the archive records.
        mode: u32,
    },

    /// More tar headers than the limit.
    #[error("the archive holds more than {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
    /// One file larger than the limit.
    #[error("{name} in the archive is {size} bytes long, more than the {limit} allowed")]
    FileTooLarge {
        /// The name.
        name: String,
        /// The size that its header states.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file, or what it unpacks to, larger than the limit.
    #[error("the archive is larger than the {limit} bytes allowed")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// Unpacks to far more than programs do.
    #[error("the archive unpacks to more than {limit} times its size")]
    Ratio {
        /// The limit.
        limit: u64,
    },

    /// A program that every engine needs is not there.
    #[error("the archive is incomplete: it lacks {}", names.join(", "))]
    Missing {
        /// What is missing.
        names: Vec<String>,
    },
    /// Names of two generations of the engine side by side.
    #[error("the archive mixes two generations: {first} belongs to {}, {second} to {}",
        first_layout.releases(), second_layout.releases())]
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
    #[error(
        "the archive mixes architectures: {first} is for {first_machine}, {second} for {second_machine}"
    )]
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
    #[error("{name} in the archive is not a Linux program: {why}")]
    NotElf {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl BundleError {
    /// What to do about it, if there is something better than fetching the archive again.
    pub fn hint(&self) -> Option<&'static str> {
        use BundleError as E;
        Some(match self {
            E::Read(_) => "check the path and the medium that the archive lies on",
            E::Thread(_) => "check the limits on processes and memory (ulimit -u, TasksMax)",
            E::Sink { .. } => "check the space and the rights where the files are being stored",
            E::NotGzip { .. } => {
                "docker-<version>.tgz is expected as upstream publishes it; a web page in its \
                 place is usually a proxy's error message"
            }
            E::Truncated { .. }
            | E::Corrupt { .. }
            | E::BadCrc { .. }
            | E::TarTruncated { .. }
            | E::BadHeaderChecksum { .. } => {
                "copy or download the archive again and compare sha256sum on both sides (ftp: in \
                 binary mode)"
            }
            E::UnknownName { .. } => {
                "docker-<version>.tgz from the static downloads is expected, not the rootless \
                 extras or a package"
            }
            E::Missing { .. } => {
                "the static archive for Linux is expected; the ones for macOS and Windows hold \
                 the client alone"
            }
            E::BadField { .. } | E::DataAfterEnd { .. } | E::TrailingData { .. } => {
                "upstream's archives have nothing of this kind: fetch the archive from a source \
                 that you trust"
            }
            E::Extension { .. }
            | E::ExtensionTooLong { .. }
            | E::NameRefused { .. }
            | E::Duplicate { .. }
            | E::NotRegular { .. }
            | E::SpecialMode { .. }
            | E::TooManyEntries { .. }
            | E::FileTooLarge { .. }
            | E::TooLarge { .. }
            | E::Ratio { .. }
            | E::MixedLayouts { .. }
            | E::MixedMachines { .. }
            | E::NotElf { .. } => {
                "upstream's archives have nothing of this kind: do not use this file before you \
                 know where it came from"
            }
        })
    }
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
