//! The one tar header that a file of a bundle can have.

use tar::EntryType;

use super::error::FormatError;
use super::manifest::FileEntry;
use crate::bundle::error::printable;
use crate::bundle::header;
use crate::texts::phrases::archive as phrases;

pub(super) use crate::bundle::header::BLOCK;

/// The header of a file: ustar, root's, of this time (seconds since 1970). `None` if the name is
/// too long for it.
pub(super) fn header(path: &str, size: u64, mode: u32, mtime: u64) -> Option<[u8; BLOCK]> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path).ok()?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(mtime);
    header.set_cksum();
    Some(*header.as_bytes())
}

/// How many bytes a file takes in the tar stream, with its header and padding.
pub(super) fn stored(size: u64) -> u64 {
    size.saturating_add(2 * BLOCK as u64 - 1) / BLOCK as u64 * BLOCK as u64
}

/// What is wrong with `block`, which stands at `at` where the header of `files[next]` belongs
/// (or the end, if there is no such file) and is another one.
pub(super) fn explain(
    block: &[u8; BLOCK],
    at: u64,
    files: &[FileEntry],
    next: usize,
) -> FormatError {
    let expected = files.get(next);
    if *block == [0; BLOCK]
        && let Some(expected) = expected
    {
        return FormatError::Absent { name: shown(&expected.path) };
    }
    let mut header = tar::Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    if header.cksum().ok() != Some(header::checksum(block)) {
        return FormatError::HeaderChecksum { at };
    }
    let raw = header.path_bytes();
    let name = printable(&raw);
    let what = match header.entry_type() {
        EntryType::XHeader | EntryType::XGlobalHeader => Some(phrases::A_PAX_RECORD),
        EntryType::GNULongName => Some(phrases::GNU_LONG_NAME),
        EntryType::GNULongLink => Some(phrases::GNU_LONG_LINK),
        _ => None,
    };
    if let Some(what) = what {
        return FormatError::Extension { at, what: what.to_owned() };
    }
    let path = match header::checked_name(&header, &raw) {
        Ok((path, _)) => path.to_owned(),
        Err(why) => return FormatError::NameRefused { name, why },
    };
    if header.entry_type() != EntryType::Regular {
        return FormatError::NotRegular { name, kind: header::describe(header.entry_type()) };
    }
    let mode = header.mode().unwrap_or_default();
    if mode & 0o7000 != 0 {
        return FormatError::SpecialMode { name, mode: mode & 0o7777 };
    }
    let Some(listed) = files.iter().position(|file| file.path == path) else {
        return FormatError::Unlisted { name };
    };
    let Some(expected) = expected.filter(|_| listed >= next) else {
        return FormatError::Duplicate { name };
    };
    if listed > next {
        return FormatError::Absent { name: shown(&expected.path) };
    }
    let found = header::number(&header.as_old().size, header.entry_size());
    match found {
        None => FormatError::HeaderDiffers { name, what: phrases::FIELD_SIZE },
        Some(found) if found != expected.size => {
            FormatError::Size { name, stated: expected.size, found }
        }
        Some(_) if mode != expected.mode => {
            FormatError::HeaderDiffers { name, what: phrases::FIELD_MODE }
        }
        Some(_) => FormatError::HeaderDiffers { name, what: phrases::OWNER_OR_TIME },
    }
}

fn shown(path: &str) -> String {
    printable(path.as_bytes())
}
