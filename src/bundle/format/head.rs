//! The first two members of a bundle: its manifest and what signs it.

use std::io::Read;

use super::error::FormatError;
use super::manifest::Manifest;
use super::member::{self, Bound};
use super::tar_header::{self, BLOCK};
use super::{MANIFEST, MANIFEST_LIMIT, SIGNATURE, SIGNATURE_LIMIT};
use crate::bundle::error::printable;
use crate::digest::Digest;
use crate::texts::phrases::bundle as phrases;

/// What a bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What it holds.
    pub manifest: Manifest,
    /// The text of the manifest, which is what is signed.
    pub text: Vec<u8>,
    /// The signature, as minisign writes it.
    pub signature: Option<String>,
    /// Where in the file the contents begin.
    pub body_at: u64,
    /// Where in the unpacked tar stream they begin.
    pub body_tar_at: u64,
    /// How long the manifest's own member is.
    pub(super) manifest_packed: u64,
}

impl Head {
    /// Digest of the manifest, and so of all that the bundle holds.
    pub fn sha256(&self) -> Digest {
        Digest::of(&self.text)
    }

    /// Where in the unpacked tar stream the contents of a file begin; `None` if there is no such
    /// file.
    pub fn position(&self, path: &str) -> Option<u64> {
        let mut at = self.body_tar_at;
        for file in &self.manifest.files {
            if file.path == path {
                return Some(at + BLOCK as u64);
            }
            at += tar_header::stored(file.size);
        }
        None
    }
}

/// Whether a file that starts like this is a bundle: 16 bytes are enough.
pub fn looks_like_bundle(start: &[u8]) -> bool {
    member::is_start(start)
}

/// Reads the beginning of a bundle: some KiB, whatever its size. `packed` is the size of the
/// file, if that is known.
///
/// # Errors
/// [`FormatError`] if it cannot be read, or is not the beginning of a bundle.
pub fn read_head(mut input: impl Read, packed: Option<u64>) -> Result<Head, FormatError> {
    read(&mut input, packed).map(|(head, _)| head)
}

/// Reads the head, and gives the unpacked bytes of the third member, if it had to be read to find
/// that there is no signature; those lie at `body_at`.
pub(super) fn read(
    input: &mut dyn Read,
    packed: Option<u64>,
) -> Result<(Head, Option<member::Packed>), FormatError> {
    let bound = Bound(MANIFEST_LIMIT + 2 * BLOCK as u64);
    let first = member::next(input, 0, bound)?.ok_or(FormatError::Cut { packed_at: 0 })?;
    let manifest_packed = first.bytes.len() as u64;
    let unpacked = first.unpack(bound).map_err(|error| match error {
        FormatError::MemberTooLarge { .. } => {
            FormatError::ManifestTooLarge { limit: MANIFEST_LIMIT }
        }
        error => error,
    })?;
    let (text, mtime) = only_file(&unpacked, MANIFEST, 0, MANIFEST_LIMIT)?;
    let manifest = Manifest::parse(text, packed)?;
    if manifest.time() != Some(mtime) {
        let name = printable(MANIFEST.as_bytes());
        let what = crate::texts::phrases::archive::OWNER_OR_TIME;
        return Err(FormatError::HeaderDiffers { name, what });
    }
    let mut head = Head {
        manifest,
        text: text.to_vec(),
        signature: None,
        body_at: manifest_packed,
        body_tar_at: unpacked.len() as u64,
        manifest_packed,
    };
    let Some(second) = member::next(input, head.body_at, Bound::USUAL)? else {
        return Err(FormatError::Cut { packed_at: head.body_at });
    };
    let unpacked = second.unpack(Bound::USUAL)?;
    if !unpacked.starts_with(&[SIGNATURE.as_bytes(), &[0]].concat()) {
        return Ok((head, Some(second)));
    }
    let (text, _) =
        only_file(&unpacked, SIGNATURE, head.body_tar_at, SIGNATURE_LIMIT).map_err(|error| {
            match error {
                FormatError::ManifestTooLarge { limit } => {
                    FormatError::SignatureUnreadable { detail: phrases::signature_too_long(limit) }
                }
                error => error,
            }
        })?;
    let text = std::str::from_utf8(text)
        .map_err(|error| FormatError::SignatureUnreadable { detail: error.to_string() })?;
    head.signature = Some(text.to_owned());
    head.body_at += second.bytes.len() as u64;
    head.body_tar_at += unpacked.len() as u64;
    Ok((head, None))
}

/// The contents and the time of the one file of this name that `unpacked` holds, and nothing
/// else.
fn only_file<'u>(
    unpacked: &'u [u8],
    name: &str,
    at: u64,
    limit: u64,
) -> Result<(&'u [u8], u64), FormatError> {
    let truncated = || FormatError::TarTruncated { at, within: printable(name.as_bytes()) };
    let block: &[u8; BLOCK] = unpacked.first_chunk().ok_or_else(truncated)?;
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes().copy_from_slice(block);
    let (size, mtime) = (header.entry_size().unwrap_or(u64::MAX), header.mtime().unwrap_or(0));
    if tar_header::header(name, size, 0o644, mtime).as_ref() != Some(block) {
        let found = header.path_bytes();
        // What else is wrong with the header is told as of any other file.
        return Err(match tar_header::explain(block, at, &[], 0) {
            FormatError::Unlisted { .. } if found == name.as_bytes() => {
                let what = crate::texts::phrases::archive::OWNER_OR_TIME;
                FormatError::HeaderDiffers { name: printable(name.as_bytes()), what }
            }
            FormatError::Unlisted { name } => FormatError::NoManifest { found: name },
            error => error,
        });
    }
    if size > limit {
        return Err(FormatError::ManifestTooLarge { limit });
    }
    let contents = &unpacked[BLOCK..];
    let length = tar_header::stored(size) as usize - BLOCK;
    if contents.len() < length {
        return Err(truncated());
    }
    if contents.len() > length {
        return Err(FormatError::ManifestWrong { what: phrases::not_alone(name) });
    }
    let (text, padding) = contents.split_at(size as usize);
    if padding.iter().any(|byte| *byte != 0) {
        return Err(FormatError::Padding { name: printable(name.as_bytes()) });
    }
    Ok((text, mtime))
}
