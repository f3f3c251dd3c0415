//! What can be wrong with a bundle.

use std::io;

use crate::bundle::BundleError;
use crate::digest::Digest;

/// Why a bundle was not read to its end.
///
/// `packed_at` counts bytes of the file, `at` bytes of the unpacked tar stream. Names are shown
/// escaped, since they come from the bundle.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The file could not be read.
    Read(#[source] io::Error),
    /// The host gave no thread to work on.
    Thread(#[source] io::Error),
    /// What takes the unpacked files failed; the bundle is not to blame.
    Sink {
        /// The file that was being stored.
        entry: String,
        /// What storing it said.
        #[source]
        source: io::Error,
    },

    /// The file ends in the middle of the compressed data.
    Cut {
        /// Its length.
        packed_at: u64,
    },
    /// A gzip member that does not begin as those of a bundle do.
    MemberHeader {
        /// Where it begins.
        packed_at: u64,
    },
    /// A gzip member whose stated length cannot be right.
    MemberLength {
        /// Where it begins.
        packed_at: u64,
        /// The length that it states.
        stated: u64,
    },
    /// A gzip member that unpacks to more than allowed.
    MemberTooLarge {
        /// Where it begins.
        packed_at: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The data of a gzip member make no sense, or end before the length that it states.
    MemberDamaged {
        /// Where it begins.
        packed_at: u64,
        /// What the decompressor said.
        detail: String,
    },
    /// A gzip member whose checksum or size does not match what was unpacked.
    MemberChecksum {
        /// Where it begins.
        packed_at: u64,
    },
    /// Something follows the bundle.
    TrailingData {
        /// Where it starts.
        packed_at: u64,
    },

    /// The first entry is another one than the manifest.
    NoManifest {
        /// Its name.
        found: String,
    },
    /// The manifest is larger than allowed.
    ManifestTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The manifest is no JSON of the known form.
    ManifestUnreadable {
        /// What is wrong.
        detail: String,
    },
    /// The manifest has another version than this program knows.
    UnknownFormat {
        /// The version.
        version: u64,
    },
    /// The manifest contradicts itself, or asks for what no bundle has.
    ManifestWrong {
        /// What is wrong.
        what: String,
    },
    /// A file that no bundle holds at this place.
    WrongPlace {
        /// Its name.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// The manifest lists a file twice, or not in its order.
    Disorder {
        /// Its name.
        name: String,
    },
    /// The bundle states to hold far more than can be in a file of its size.
    Ratio {
        /// What it states.
        unpacked: u64,
        /// Size of the file.
        packed: u64,
    },

    /// The tar stream ends too early.
    TarTruncated {
        /// Its length.
        at: u64,
        /// Inside which file.
        within: String,
    },
    /// A tar header whose checksum is wrong.
    HeaderChecksum {
        /// Where.
        at: u64,
    },
    /// A tar extension: a bundle needs none.
    Extension {
        /// Where.
        at: u64,
        /// Which.
        what: String,
    },
    /// An entry that is no regular file.
    NotRegular {
        /// Its name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A name that could lead elsewhere, or cannot be shown.
    NameRefused {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A set-user-id, set-group-id or sticky bit.
    SpecialMode {
        /// Its name.
        name: String,
        /// The mode.
        mode: u32,
    },
    /// A file that the manifest does not list.
    Unlisted {
        /// Its name.
        name: String,
    },
    /// A file that was there before.
    Duplicate {
        /// Its name.
        name: String,
    },
    /// A file of the manifest that is not there, or not in its place.
    Absent {
        /// Its name.
        name: String,
    },
    /// A file of another size than the manifest says.
    Size {
        /// Its name.
        name: String,
        /// The size in the manifest.
        stated: u64,
        /// The size in the tar header.
        found: u64,
    },
    /// A header that differs from the manifest in something else: mode, owner, time.
    HeaderDiffers {
        /// The file.
        name: String,
        /// In what.
        what: &'static str,
    },
    /// Bytes that are not zero where a file's last block is filled up.
    Padding {
        /// The file.
        name: String,
    },
    /// A file that is not what the manifest says.
    Digest {
        /// Its name.
        name: String,
        /// The digest in the manifest.
        expected: Digest,
        /// That of what is there.
        actual: Digest,
    },
    /// The tar stream goes on after its end.
    DataAfterEnd {
        /// Where.
        at: u64,
    },
    /// The engine's programs are no complete set of one generation and architecture.
    Engine(#[from] BundleError),
    /// Programs for another architecture than the manifest says.
    Architecture {
        /// What the manifest says.
        stated: String,
        /// What the programs are for.
        found: String,
    },
    /// The bundle was exchanged while Landfall ran.
    Changed,

    /// The signature is none that minisign makes.
    SignatureUnreadable {
        /// What is wrong with it.
        detail: String,
    },
    /// The signature was made with a trusted key, but not of this manifest.
    SignatureWrong {
        /// The key.
        key: String,
    },
    /// The signature was made with a key that is not trusted here.
    UntrustedKey {
        /// The key.
        key: String,
    },
    /// The bundle is not signed, and has to be.
    Unsigned,
}

impl FormatError {
    /// Whether the bundle is to blame, and not the host.
    pub fn blames_bundle(&self) -> bool {
        !matches!(self, Self::Read(_) | Self::Thread(_) | Self::Sink { .. })
    }
}
