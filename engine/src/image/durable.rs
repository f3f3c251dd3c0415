//! Files that are whole or absent, whatever happens meanwhile.

use std::{
    ffi::{CStr, CString},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, unlinkat},
    io::Errno,
};

/// A file without a final name. It is removed when dropped.
#[derive(Debug)]
pub(crate) struct Unnamed {
    file: File,
    path: PathBuf,
}

impl Unnamed {
    /// Makes one in `directory`, which must be on the file system of its later place.
    pub(crate) fn create_in(directory: &Path) -> io::Result<Self> {
        let path = directory.join(unique("file"));
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { file, path })
    }

    /// Gives it its name, for good: both the bytes and the name survive a power cut.
    pub(crate) fn name(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        sync_parent(path)
    }
}

impl Write for Unnamed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        // Gone already where it was renamed; names are never used twice.
        let _ = fs::remove_file(&self.path);
    }
}

/// A directory that is removed, with what is in it, when dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn create_in(directory: &Path) -> io::Result<Self> {
        let path = directory.join(unique("dir"));
        create_directory(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = remove_tree(&self.0);
    }
}

/// Replaces the file at `path` by `bytes`, at once.
pub(crate) fn write(path: &Path, bytes: &[u8], scratch: &Path) -> io::Result<()> {
    let mut file = Unnamed::create_in(scratch)?;
    file.write_all(bytes)?;
    file.name(path)
}

/// Makes a directory for root alone.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Makes the last change to the directory of `path` survive a power cut.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Removes whatever is at `path`, and all beneath it; nothing is followed. Absent is fine.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let parent = match File::open(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let name = CString::new(name.as_encoded_bytes()).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(remove_tree_at(parent, &name)?)
}

/// The same beneath a directory that is open.
///
/// Trees may be deeper than a path can be long or a process can have files open, so only one
/// directory is open at a time, and the way back up is `..`. That is right as long as nobody moves
/// the directories meanwhile.
pub(crate) fn remove_tree_at(parent: impl AsFd, name: &CStr) -> Result<(), Errno> {
    if remove_one(&parent, name)? {
        return Ok(());
    }
    let mut names = vec![name.to_owned()];
    let mut current = open_directory(&parent, name)?;
    loop {
        if let Some(child) = empty_directory(&current)? {
            current = open_directory(&current, &child)?;
            names.push(child);
            continue;
        }
        let Some(done) = names.pop() else { return Ok(()) };
        if names.is_empty() {
            return unlinkat(&parent, &done, AtFlags::REMOVEDIR);
        }
        current = open_directory(&current, c"..")?;
        unlinkat(&current, &done, AtFlags::REMOVEDIR)?;
    }
}

/// Removes the entries of a directory up to the first directory that is not empty: that one is
/// returned.
fn empty_directory(directory: &OwnedFd) -> Result<Option<CString>, Errno> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if !remove_one(directory, name)? {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// Whether `name` is gone; it stays if it is a directory with something in it.
fn remove_one(parent: impl AsFd, name: &CStr) -> Result<bool, Errno> {
    match unlinkat(&parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(true),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error),
    }
    match unlinkat(&parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
        Err(error) => Err(error),
    }
}

fn open_directory(parent: impl AsFd, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

/// Whether a name is there, as what it is itself.
pub(crate) fn kind(path: &Path) -> Option<FileType> {
    let stat = rustix::fs::lstat(path).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}

/// A name that was not used before in this process.
fn unique(kind: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{kind}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_named_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let mut file = Unnamed::create_in(root.path()).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        let scratch = Scratch::create_in(root.path()).unwrap();
        fs::write(scratch.path().join("file"), "").unwrap();
        drop(scratch);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_is_replaced_at_once() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        write(&path, b"one", root.path()).unwrap();
        write(&path, b"two", root.path()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_tree_deeper_than_any_path_is_removed_and_no_link_followed() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("outside"), "").unwrap();
        let top = root.path().join("top");
        fs::create_dir(&top).unwrap();
        let mut directory: OwnedFd = File::open(&top).unwrap().into();
        for _ in 0..5000 {
            rustix::fs::mkdirat(&directory, "d", Mode::RWXU).unwrap();
            rustix::fs::symlinkat("/", &directory, "link").unwrap();
            directory = open_directory(&directory, c"d").unwrap();
        }
        std::os::unix::fs::symlink(root.path(), top.join("up")).unwrap();
        remove_tree(&top).unwrap();
        remove_tree(&top).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
