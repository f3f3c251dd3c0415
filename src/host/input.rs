//! Files that the caller names on the command line: archives, images, configuration.
//! They lie on the caller's own file system, also with `--root`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::HostError;
use crate::digest::Digest;
use crate::texts::phrases::host as phrases;

/// Configuration and checksum files are refused above this size.
const TEXT_LIMIT: u64 = 1 << 20;

/// Plans and probes are refused above this size.
const DOCUMENT_LIMIT: u64 = 64 << 20;

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
    match read_bounded(path, TEXT_LIMIT, phrases::OVER_1_MIB) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The regular files of a directory whose names end like this, sorted; none if it is absent.
///
/// # Errors
/// [`HostError::Io`] if the directory cannot be read.
#[allow(clippy::disallowed_methods)] // the door for input files
pub fn files_in(directory: &Path, suffix: &str) -> Result<Vec<PathBuf>, HostError> {
    let fail = |source| HostError::io("read", directory.to_string_lossy(), source);
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fail)?;
        if entry.file_name().to_string_lossy().ends_with(suffix) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The text of a plan or a probe.
///
/// # Errors
/// [`HostError::Io`] if there is no such file, or it is not a regular file of UTF-8 text of
/// at most 64 MiB.
pub fn read_document(path: &Path) -> Result<String, HostError> {
    read_bounded(path, DOCUMENT_LIMIT, phrases::OVER_64_MIB)
}

fn read_bounded(path: &Path, limit: u64, too_large: &'static str) -> Result<String, HostError> {
    let fail = |source| HostError::io("read", path.to_string_lossy(), source);
    let mut text = String::new();
    open(path)?.take(limit + 1).read_to_string(&mut text).map_err(fail)?;
    if text.len() as u64 > limit {
        return Err(fail(std::io::Error::new(std::io::ErrorKind::FileTooLarge, too_large)));
    }
    Ok(text)
}

/// What is given on standard input, without the end of its last line: a secret.
///
/// # Errors
/// [`HostError::Io`] if it is larger than 1 MiB, not UTF-8, or unreadable.
pub fn read_secret() -> Result<Zeroizing<String>, HostError> {
    const NAME: &str = "standard input";
    let fail = |source| HostError::io("read", NAME, source);
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().take(TEXT_LIMIT + 1).read_to_string(&mut text).map_err(fail)?;
    if text.len() as u64 > TEXT_LIMIT {
        let source = std::io::Error::new(std::io::ErrorKind::FileTooLarge, phrases::OVER_1_MIB);
        return Err(fail(source));
    }
    Ok(without_end(&text))
}

/// The same from a file.
///
/// # Errors
/// [`HostError::Io`] if it cannot be read.
pub fn read_secret_file(path: &Path) -> Result<Zeroizing<String>, HostError> {
    let text = Zeroizing::new(read_bounded(path, TEXT_LIMIT, phrases::OVER_1_MIB)?);
    Ok(without_end(&text))
}

/// The bytes of a file that holds a secret.
///
/// # Errors
/// [`HostError::Io`] if it cannot be read, or is larger than 1 MiB.
pub fn read_secret_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, HostError> {
    let fail = |source| HostError::io("read", path.to_string_lossy(), source);
    let mut bytes = Zeroizing::new(Vec::new());
    open(path)?.take(TEXT_LIMIT + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > TEXT_LIMIT {
        let source = std::io::Error::new(std::io::ErrorKind::FileTooLarge, phrases::OVER_1_MIB);
        return Err(fail(source));
    }
    Ok(bytes)
}

fn without_end(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Whether there is anything of that name, be it readable or not.
///
/// # Errors
/// [`HostError::Io`] if that cannot be told.
#[allow(clippy::disallowed_methods)] // the door for input files
pub fn is_there(path: &Path) -> Result<bool, HostError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(HostError::io("look at", path.to_string_lossy(), error)),
    }
}

/// The names in a directory, sorted; those that are no UTF-8 are left out.
///
/// # Errors
/// [`HostError::Io`] if it cannot be read.
#[allow(clippy::disallowed_methods)] // the door for input files
pub fn names_in(directory: &Path) -> Result<Vec<String>, HostError> {
    let fail = |source| HostError::io("read", directory.to_string_lossy(), source);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(fail)? {
        names.extend(entry.map_err(fail)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// The digest of the program that runs, also after its file was replaced.
///
/// # Errors
/// [`HostError::Io`] where `/proc` is not mounted.
pub fn own_digest() -> Result<Digest, HostError> {
    const PROGRAM: &str = "/proc/self/exe";
    let digest = Digest::of_reader(open(Path::new(PROGRAM))?);
    digest.map_err(|source| HostError::io("read", PROGRAM, source))
}
