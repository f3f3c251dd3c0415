//! A directory in which what was fetched is kept: whole files by their digests, and beginnings of
//! others. It lies on the caller's own file system, and may be deleted at any time.
//!
//! `sha256/<digest>/<name>` is a whole file, `partial/<name>` the beginning of one, with
//! `partial/<name>.json` beside it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{HostError, input, output};
use crate::digest::Digest;
use crate::texts::phrases::host as phrases;

/// How long a beginning that nobody asks for any more is kept, in seconds.
const KEPT: u64 = 14 * 86_400;

/// An open cache. Nobody but its owner can write in it, and read it.
#[derive(Debug)]
pub struct CacheDir {
    path: PathBuf,
}

impl CacheDir {
    /// Opens it, and makes it if it is not there.
    ///
    /// # Errors
    /// [`HostError::Io`], also if others than the caller can write in it.
    pub fn open(path: &Path) -> Result<Self, HostError> {
        let path = output::absolute(path)?;
        let cache = Self { path };
        for directory in [cache.path.clone(), cache.path.join("sha256"), cache.partial_dir()] {
            make(&directory)?;
            check(&directory)?;
        }
        Ok(cache)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole file with this digest, as far as its place says.
    pub fn find(&self, sha256: &Digest, name: &str) -> Option<PathBuf> {
        let path = self.place(sha256, name);
        input::open(&path).is_ok().then_some(path)
    }

    /// Forgets a whole file.
    #[allow(clippy::disallowed_methods)] // the door for the cache
    pub fn forget(&self, sha256: &Digest, name: &str) {
        // What cannot be removed is found damaged again, and not used.
        let _ = std::fs::remove_file(self.place(sha256, name));
    }

    /// The beginning of a file, perhaps empty, for this process alone.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be opened, or another process has it.
    #[allow(clippy::disallowed_methods)]
    pub fn partial(&self, name: &str) -> Result<Partial, HostError> {
        let path = self.partial_dir().join(name);
        let fail = |source| HostError::io("open", shown(&path), source);
        let busy = || fail(io::Error::new(io::ErrorKind::ResourceBusy, phrases::FETCHED_ELSEWHERE));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
        let mut file = options.open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy()),
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        // Whoever had the lock may have given the file another name meanwhile.
        let still = std::fs::symlink_metadata(&path).map_err(fail)?;
        let open = file.metadata().map_err(fail)?;
        if (still.dev(), still.ino()) != (open.dev(), open.ino()) {
            return Err(busy());
        }
        let length = file.seek(SeekFrom::End(0)).map_err(fail)?;
        Ok(Partial { file, path, length })
    }

    /// Removes beginnings that nobody has touched for two weeks.
    #[allow(clippy::disallowed_methods)]
    pub fn sweep(&self, now: u64) {
        let Ok(entries) = std::fs::read_dir(self.partial_dir()) else { return };
        for entry in entries.flatten() {
            let old = entry.metadata().is_ok_and(|data| {
                data.is_file() && u64::try_from(data.mtime()).is_ok_and(|at| at + KEPT < now)
            });
            if old {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn partial_dir(&self) -> PathBuf {
        self.path.join("partial")
    }

    fn place(&self, sha256: &Digest, name: &str) -> PathBuf {
        self.path.join("sha256").join(sha256.to_string()).join(name)
    }
}

/// The beginning of a file. It stays when this is dropped.
#[derive(Debug)]
pub struct Partial {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Partial {
    /// How many bytes are there.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes to its end.
    ///
    /// # Errors
    /// [`HostError::Io`].
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        self.file.write_all(bytes).map_err(|source| self.fail("write", source))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Begins again.
    ///
    /// # Errors
    /// [`HostError::Io`].
    pub fn clear(&mut self) -> Result<(), HostError> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .map_err(|source| self.fail("truncate", source))?;
        self.length = 0;
        Ok(())
    }

    /// What was noted beside it; empty if nothing was.
    pub fn note(&self) -> String {
        input::read_text(&self.note_path()).ok().flatten().unwrap_or_default()
    }

    /// Notes something beside it.
    ///
    /// # Errors
    /// [`HostError::Io`].
    pub fn set_note(&self, text: &str) -> Result<(), HostError> {
        output::write_private(&self.note_path(), text.as_bytes())
    }

    /// Reads all that is there: its digest.
    ///
    /// # Errors
    /// [`HostError::Io`].
    pub fn digest(&self) -> Result<Digest, HostError> {
        Digest::of_reader(input::open(&self.path)?).map_err(|source| self.fail("read", source))
    }

    /// It is whole, and has this digest: gives it its place among whole files, on disk.
    ///
    /// # Errors
    /// [`HostError::Io`].
    #[allow(clippy::disallowed_methods)]
    pub fn keep(self, cache: &CacheDir, sha256: &Digest, name: &str) -> Result<PathBuf, HostError> {
        let place = cache.place(sha256, name);
        let directory = place.parent().unwrap_or(&cache.path);
        make(directory)?;
        self.file
            .sync_all()
            .and_then(|()| std::fs::rename(&self.path, &place))
            .and_then(|()| File::open(directory)?.sync_all())
            .map_err(|source| HostError::io("write", shown(&place), source))?;
        let _ = std::fs::remove_file(self.note_path());
        Ok(place)
    }

    /// Removes it.
    #[allow(clippy::disallowed_methods)]
    pub fn discard(self) {
        // One that stays is begun again.
        let _ = std::fs::remove_file(self.note_path());
        let _ = std::fs::remove_file(&self.path);
    }

    fn note_path(&self) -> PathBuf {
        let mut path = self.path.as_os_str().to_owned();
        path.push(".json");
        path.into()
    }

    fn fail(&self, action: &'static str, source: io::Error) -> HostError {
        HostError::io(action, shown(&self.path), source)
    }
}

fn make(path: &Path) -> Result<(), HostError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| HostError::io("create directory", shown(path), source))
}

/// Whoever can write in a directory can put a link where a file is looked for.
#[allow(clippy::disallowed_methods)]
fn check(path: &Path) -> Result<(), HostError> {
    let fail = |source| HostError::io("use as a cache", shown(path), source);
    let data = std::fs::symlink_metadata(path).map_err(fail)?;
    let own = data.uid() == rustix::process::geteuid().as_raw();
    if data.is_dir() && own && data.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(fail(io::Error::new(io::ErrorKind::PermissionDenied, phrases::OTHERS_CACHE)))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_beginning_is_kept_and_becomes_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        let cache = CacheDir::open(&path).unwrap();
        let mut partial = cache.partial("one").unwrap();
        partial.append(b"ab").unwrap();
        partial.set_note("note").unwrap();
        assert!(cache.partial("one").unwrap_err().to_string().contains("another"));
        drop(partial);
        let cache = CacheDir::open(&path).unwrap();
        let mut partial = cache.partial("one").unwrap();
        assert_eq!((partial.length(), partial.note().as_str()), (2, "note"));
        partial.append(b"c").unwrap();
        let sha256 = partial.digest().unwrap();
        assert_eq!(sha256, Digest::of(b"abc"));
        let place = partial.keep(&cache, &sha256, "abc.tgz").unwrap();
        assert_eq!(cache.find(&sha256, "abc.tgz"), Some(place.clone()));
        assert_eq!(std::fs::metadata(&place).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        assert_eq!(std::fs::read_dir(path.join("partial")).unwrap().count(), 0);
        cache.forget(&sha256, "abc.tgz");
        assert_eq!(cache.find(&sha256, "abc.tgz"), None);
    }

    #[test]
    fn links_are_not_followed_and_others_may_not_write() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        let cache = CacheDir::open(&path).unwrap();
        std::fs::write(dir.path().join("victim"), "x").unwrap();
        symlink(dir.path().join("victim"), path.join("partial/one")).unwrap();
        cache.partial("one").unwrap_err();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(CacheDir::open(&path).unwrap_err().is_permission_denied());
    }

    #[test]
    fn what_nobody_asks_for_goes() {
        let dir = tempfile::tempdir().unwrap();
        let cache = CacheDir::open(dir.path()).unwrap();
        drop(cache.partial("one").unwrap());
        cache.sweep(1);
        let path = dir.path().join("partial/one");
        assert!(path.exists());
        let touched = std::fs::metadata(&path).unwrap().mtime() as u64;
        cache.sweep(touched + KEPT);
        assert!(path.exists());
        cache.sweep(touched + KEPT + 1);
        assert!(!path.exists());
    }
}
