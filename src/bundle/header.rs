//! One tar header at a time: 512 bytes in, checked fields out.
//!
//! Fields are parsed by the `tar` crate's [`tar::Header`]; what follows a header is never read
//! by that crate, which would take extension records of any length into memory.

use tar::EntryType;

use super::error::{BundleError, printable};
use super::format;
use super::names::{self, Known};
use crate::texts::phrases::archive as phrases;

/// Size of tar's blocks in bytes.
pub(super) const BLOCK: usize = 512;
/// Where the checksum lies in a header (POSIX.1-1988, ustar).
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// A header whose fields are sound and whose name is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Bytes that follow, without padding.
    pub(super) size: u64,
    /// Seconds since 1970.
    pub(super) mtime: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A directory or a file on the allow-list, by its name without decoration.
    Entry { path: String, known: Known, mode: u32 },
    /// A PAX record: for the next entry, or for all that follow.
    Pax,
}

/// Reads the header in `block`, which lies at `at`.
pub(super) fn parse(block: &[u8; BLOCK], at: u64) -> Result<Header, BundleError> {
    let mut header = tar::Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    if header.cksum().ok() != Some(checksum(block)) {
        return Err(BundleError::BadHeaderChecksum { at });
    }
    let raw_name = header.path_bytes();
    let bad = |field| BundleError::BadField { name: printable(&raw_name), at, field };
    let size = number(&header.as_old().size, header.entry_size())
        .ok_or_else(|| bad(phrases::FIELD_SIZE))?;
    let mtime =
        number(&header.as_old().mtime, header.mtime()).ok_or_else(|| bad(phrases::FIELD_TIME))?;

    let kind = match header.entry_type() {
        EntryType::XHeader | EntryType::XGlobalHeader => Kind::Pax,
        EntryType::GNULongName => return Err(extension(phrases::GNU_LONG_NAME, at)),
        EntryType::GNULongLink => return Err(extension(phrases::GNU_LONG_LINK, at)),
        kind => {
            let mode = header.mode().map_err(|_| bad(phrases::FIELD_MODE))?;
            if kind == EntryType::Directory && size != 0 {
                return Err(bad(phrases::FIELD_SIZE));
            }
            let (path, known) = entry(&header, kind, mode)?;
            Kind::Entry { path, known, mode: mode & 0o777 }
        }
    };
    Ok(Header { kind, size, mtime })
}

/// The sum of all bytes, the checksum's own taken as spaces.
pub(super) fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let own: u32 = block[CHECKSUM].iter().map(|byte| u32::from(*byte)).sum();
    sum - own + CHECKSUM.len() as u32 * u32::from(b' ')
}

/// A parsed number, unless the field is in GNU's binary form and negative or beyond 64 bits,
/// which the `tar` crate does not notice.
pub(super) fn number(field: &[u8; 12], parsed: std::io::Result<u64>) -> Option<u64> {
    let binary = field[0] & 0x80 != 0;
    if binary && (field[0] != 0x80 || field[1..4] != [0; 3]) {
        return None;
    }
    parsed.ok()
}

/// Checks type and name of an entry that is no extension.
fn entry(header: &tar::Header, kind: EntryType, mode: u32) -> Result<(String, Known), BundleError> {
    let raw = header.path_bytes();
    let name = || printable(&raw);
    let (path, slash) =
        checked_name(header, &raw).map_err(|why| BundleError::NameRefused { name: name(), why })?;
    let directory = match kind {
        EntryType::Regular => false,
        EntryType::Directory => true,
        other => return Err(BundleError::NotRegular { name: name(), kind: describe(other) }),
    };
    let known = names::lookup(path).filter(|_| directory || !slash);
    let known = known.ok_or_else(|| match path {
        format::MANIFEST => BundleError::ManifestElsewhere,
        _ => BundleError::UnknownName { name: name() },
    })?;
    match (directory, known) {
        (true, Known::Directory) => {}
        (false, Known::Program(..) | Known::Extra) if mode & 0o7000 != 0 => {
            return Err(BundleError::SpecialMode { name: name(), mode: mode & 0o7777 });
        }
        (false, Known::Program(..) | Known::Extra) => {}
        (true, _) => {
            let why = phrases::DIRECTORY_FOR_FILE;
            return Err(BundleError::NameRefused { name: name(), why });
        }
        (false, Known::Directory) => {
            let why = phrases::FILE_FOR_DIRECTORY;
            return Err(BundleError::NameRefused { name: name(), why });
        }
    }
    Ok((path.to_string(), known))
}

/// The name without `./` before it and `/` after it, and whether that `/` was there.
pub(super) fn checked_name<'n>(
    header: &tar::Header,
    raw: &'n [u8],
) -> Result<(&'n str, bool), &'static str> {
    let mut fields = vec![&header.as_old().name[..]];
    fields.extend(header.as_ustar().map(|ustar| &ustar.prefix[..]));
    if fields.into_iter().any(text_after_nul) {
        return Err(phrases::NAME_NUL);
    }
    let name = std::str::from_utf8(raw).map_err(|_| phrases::NAME_NOT_UTF8)?;
    if name.is_empty() {
        return Err(phrases::EMPTY);
    }
    if name.starts_with('/') {
        return Err(phrases::NAME_ABSOLUTE);
    }
    if name.contains('\\') {
        return Err(phrases::NAME_BACKSLASH);
    }
    if name.chars().any(char::is_control) {
        return Err(phrases::NAME_CONTROL);
    }
    if name.split('/').any(|component| component == "..") {
        return Err(phrases::NAME_UPWARDS);
    }
    if name == "./" || name == "." {
        return Ok((".", true));
    }
    let name = name.strip_prefix("./").unwrap_or(name);
    Ok(match name.strip_suffix('/') {
        Some(directory) => (directory, true),
        None => (name, false),
    })
}

fn text_after_nul(field: &[u8]) -> bool {
    let rest = field.iter().skip_while(|byte| **byte != 0);
    rest.into_iter().any(|byte| *byte != 0)
}

pub(super) fn describe(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Link => phrases::HARD_LINK,
        EntryType::Symlink => phrases::SYMBOLIC_LINK,
        EntryType::Char => phrases::CHARACTER_DEVICE,
        EntryType::Block => phrases::BLOCK_DEVICE,
        EntryType::Fifo => phrases::FIFO,
        EntryType::GNUSparse => phrases::SPARSE_FILE,
        EntryType::Continuous => phrases::CONTIGUOUS_FILE,
        _ => phrases::UNKNOWN_TYPE,
    }
}

fn extension(what: &str, at: u64) -> BundleError {
    BundleError::Extension { what: what.to_string(), at }
}

/// Refuses PAX records (POSIX.1-2001) that change what the next entry is or is called. The
/// others (times, owners, comments, attributes) do not matter here.
pub(super) fn check_pax(records: &[u8], at: u64) -> Result<(), BundleError> {
    let mut rest = records;
    while !rest.is_empty() {
        let (key, next) = pax_record(rest).ok_or_else(|| extension(phrases::MALFORMED_PAX, at))?;
        let changes = ["path", "linkpath", "size", "hdrcharset", "charset"].contains(&key)
            || key.starts_with("GNU.sparse");
        if changes {
            return Err(extension(&phrases::the_pax_record(&printable(key.as_bytes())), at));
        }
        rest = next;
    }
    Ok(())
}

/// Splits `LENGTH KEY=VALUE\n` off; gives the key and what follows the record.
fn pax_record(records: &[u8]) -> Option<(&str, &[u8])> {
    let space = records.iter().take(8).position(|byte| *byte == b' ')?;
    let digits = &records[..space];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let record = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((std::str::from_utf8(&record[..equals]).ok()?, &records[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::testing::pax;

    #[test]
    fn pax_records_that_do_not_matter() {
        let records = [
            pax("mtime", "1350244992.023960108"),
            pax("comment", ""),
            pax("SCHILY.xattr.user.a", &"x".repeat(200)),
        ];
        check_pax(&records.concat(), 0).unwrap();
        check_pax(b"", 0).unwrap();
    }

    #[test]
    fn pax_records_that_change_the_entry() {
        for (key, value) in [
            ("path", "docker/runc"),
            ("linkpath", "/etc/shadow"),
            ("size", "1234567"),
            ("GNU.sparse.major", "1"),
        ] {
            let records = [pax("comment", "x"), pax(key, value)].concat();
            let error = check_pax(&records, 512).unwrap_err().to_string();
            assert!(error.contains(&format!("the PAX record \"{key}\"")), "{error}");
        }
    }

    #[test]
    fn pax_records_that_are_malformed() {
        for record in [
            "x",
            "9",
            "19 path",
            "3 a\n",
            "6 a=b\n ",
            "0 a=b\n",
            "-6 a=b\n",
            "99 a=b\n",
            "+6 a=b\n",
            "5 ab\n",
            "99999999999999999999 a=b\n",
            "2 \n",
            "1 ",
        ] {
            let error = check_pax(record.as_bytes(), 0).unwrap_err();
            assert!(error.to_string().contains("malformed"), "{record:?}: {error}");
        }
    }
}
