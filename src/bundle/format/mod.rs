//! Landfall's own bundle: an engine with what goes with it, in one `.tar.gz`.
//!
//! Any `tar xzf` unpacks it. To Landfall it is more: the first entry says what the others are
//! ([`Manifest`]), the second may sign it, and the compressed data are independent gzip members
//! of at most [`MEMBER`] bytes, each of which tells its own length, so that all processors
//! unpack it and any byte of it can be reached without what lies before.
//!
//! A bundle is taken to be hostile. What the reader accepts is exactly what the writer makes of
//! a manifest: the same headers in the same order, and contents of the same digests; whatever
//! differs is an error of its own ([`FormatError`]). `docs/design/bundle.md` describes the format.

mod error;
mod head;
mod index;
mod inflate;
mod manifest;
mod member;
mod read;
mod tar_header;
mod write;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use error::FormatError;
pub use head::{Head, looks_like_bundle, read_head};
pub use index::{MemberIndex, ReadAt, Reader, WholeFile};
pub use manifest::{
    BundledEngine, BundledImage, BundledPackage, BundledPlugin, FileEntry, FileRole, Manifest,
    PLUGINS, Provenance, plugin_names,
};
pub use read::{Contents, read};
pub use write::{Item, Signer, WriteError, Written, resign, write};

/// The version of the format that is written, and the only one that is read.
pub const FORMAT: u32 = 1;
/// The name of the first entry.
pub const MANIFEST: &str = "landfall.json";
/// The name of the second entry, if the bundle is signed.
pub const SIGNATURE: &str = "landfall.json.minisig";
/// Most unpacked bytes in one gzip member; the manifest's own may have more.
pub const MEMBER: usize = 4 << 20;
/// Longest manifest in bytes.
pub const MANIFEST_LIMIT: u64 = 16 << 20;
/// Longest signature in bytes.
const SIGNATURE_LIMIT: u64 = 4 << 10;
/// Most files in a bundle.
const FILES_LIMIT: usize = 100_000;
/// Most unpacked bytes for each packed one (asked only of more than [`RATIO_FLOOR`] unpacked).
const RATIO: u64 = 200;
/// What the ratio is not asked of.
const RATIO_FLOOR: u64 = 4 << 20;
