//! Files that the caller names on the command line: archives, images, configuration.
//! They lie on the caller's own file system, also with `--root`.

use std::fs::File;
use std::path::Path;

use super::HostError;
use crate::texts::phrases::host as phrases;

/// Configuration and checksum files are refused above this size.
const TEXT_LIMIT: u64 = 1 << 20;

/// Opens an input file.
///
/// # Errors
/// [`HostError::Io`] if it is absent, not a regular file, or unreadable.
#[allow(clippy::disallowed_methods)] // the door for input files
pub fn open(path: &Path) -> Result<File, HostError> {
    let shown = path.to_string_lossy();
    let file = File::open(path).map_err(|source| HostError::io("open", shown.clone(), source))?;
    let metadata =
        file.metadata().map_err(|source| HostError::io("open", shown.clone(), source))?;
    if !metadata.is_file() {
        let source = std::io::Error::other(phrases::NOT_REGULAR);
        return Err(HostError::io("read", shown, source));
    }
    Ok(file)
}

/// Reads an input file of text whole, or `None` if it is absent.
///
/// # Errors
/// [`HostError::Io`] if it is larger than 1 MiB, not UTF-8, or unreadable.
pub fn read_text(path: &Path) -> Result<Option<String>, HostError> {
    use std::io::Read;
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let fail = |source| HostError::io("read", path.to_string_lossy(), source);
    let mut text = String::new();
    file.take(TEXT_LIMIT + 1).read_to_string(&mut text).map_err(fail)?;
    if text.len() as u64 > TEXT_LIMIT {
        return Err(fail(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            phrases::OVER_1_MIB,
        )));
    }
    Ok(Some(text))
}
