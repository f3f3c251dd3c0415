//! Files that the caller names on the command line to be written: plans, bundles.
//! They lie on the caller's own file system, also with `--root`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::HostError;
use crate::file_state::new_name;

/// Writes a file that its owner alone can read (0600), whole or not at all: one that stands
/// there is replaced when the new one is on disk.
///
/// # Errors
/// [`HostError::Io`] if it cannot be written.
#[allow(clippy::disallowed_methods)] // the door for output files
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), HostError> {
    let beside = beside(path, "")?;
    let written = write_anew(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|source| {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&beside);
        HostError::io("write", path.to_string_lossy(), source)
    })
}

/// A file that is being written beside its name, which it gets when it is complete.
pub struct Draft {
    path: PathBuf,
    beside: PathBuf,
    /// The file.
    pub file: File,
}

impl Draft {
    /// Begins a file with these permission bits, the usual ones taken off (umask).
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be made.
    pub fn new(path: &Path, mode: u32) -> Result<Self, HostError> {
        let fail = |source| HostError::io("write", path.to_string_lossy(), source);
        let beside = beside(path, "")?;
        let file = create_anew(&beside, mode).map_err(fail)?;
        Ok(Self { path: path.to_owned(), beside, file })
    }

    /// Gives it its name, once it is on disk; what stands there is replaced.
    ///
    /// # Errors
    /// [`HostError::Io`]; then there is nothing of it.
    #[allow(clippy::disallowed_methods)]
    pub fn commit(self) -> Result<(), HostError> {
        let done = self.file.sync_all().and_then(|()| std::fs::rename(&self.beside, &self.path));
        done.map_err(|source| HostError::io("write", self.path.to_string_lossy(), source))
    }
}

impl Drop for Draft {
    #[allow(clippy::disallowed_methods)]
    fn drop(&mut self) {
        // Gone already if it got its name.
        let _ = std::fs::remove_file(&self.beside);
    }
}

/// An empty file without a name, on the file system where `path` shall lie: for what is too large
/// for memory.
///
/// # Errors
/// [`HostError::Io`] if it cannot be made.
#[allow(clippy::disallowed_methods)]
pub fn spool(path: &Path) -> Result<File, HostError> {
    let beside = beside(path, "-spool")?;
    let file = remove(&beside).and_then(|()| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600).open(&beside)
    });
    let file = file.and_then(|file| std::fs::remove_file(&beside).map(|()| file));
    file.map_err(|source| HostError::io("write", beside.to_string_lossy(), source))
}

fn beside(path: &Path, tail: &str) -> Result<PathBuf, HostError> {
    let Some(name) = path.file_name() else {
        let source = std::io::Error::from(std::io::ErrorKind::IsADirectory);
        return Err(HostError::io("write", path.to_string_lossy(), source));
    };
    Ok(path.with_file_name(new_name(&name.to_string_lossy()) + tail))
}

fn write_anew(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = create_anew(path, 0o600)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[allow(clippy::disallowed_methods)]
fn create_anew(path: &Path, mode: u32) -> std::io::Result<File> {
    remove(path)?;
    // A link that somebody puts there in between is not followed: the name must be new.
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[allow(clippy::disallowed_methods)]
fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The path from the root, as the directory that Landfall was called in makes it.
///
/// # Errors
/// [`HostError::Io`] if there is no such directory any more, or the path is empty.
pub fn absolute(path: &Path) -> Result<PathBuf, HostError> {
    std::path::absolute(path)
        .map_err(|source| HostError::io("find", path.to_string_lossy(), source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn the_owner_alone_reads_it_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("plan.json"), dir.path().join("other"));
        std::fs::write(&other, "other").unwrap();
        symlink(&other, dir.path().join(new_name("plan.json"))).unwrap();
        symlink(&other, &path).unwrap();
        for text in ["first", "second"] {
            write_private(&path, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            assert_eq!(std::fs::symlink_metadata(&path).unwrap().mode(), 0o100_600);
        }
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "other");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        let error = write_private(&dir.path().join("no/plan.json"), b"").unwrap_err();
        assert!(error.is_not_found(), "{error}");
    }
}
