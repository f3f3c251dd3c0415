//! Writing: beside the target, attributes set, synced, then renamed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, Timespec, Timestamps};

use super::fault_point::{self, Effect};
use super::{Host, HostError, kill_point};
use crate::file_state::{FileState, Ownership, new_name, parent_of};

impl Host {
    /// Makes one directory with exactly this mode, whatever the umask.
    ///
    /// # Errors
    /// [`HostError::Io`], also if something stands there already.
    pub fn create_dir(&self, path: &str, ownership: Ownership) -> Result<(), HostError> {
        let (parent, name) = self.parent(path)?;
        let fail = |errno| HostError::errno("create directory", path, errno);
        fault_point::before(Effect::Grows).map_err(fail)?;
        rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o700)).map_err(fail)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(&parent, name, flags, Mode::empty()).map_err(fail)?;
        if let Err(errno) = set_ownership(&made, ownership) {
            // The first error is the one to report.
            let _ = rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR);
            return Err(fail(errno));
        }
        self.note_unsynced(path);
        Ok(())
    }

    /// Removes an empty directory; `false` if it is not empty, a mount point, or a link.
    ///
    /// # Errors
    /// [`HostError::Io`] for any other reason. An absent directory counts as removed.
    pub fn remove_dir(&self, path: &str) -> Result<bool, HostError> {
        let (parent, name) = self.parent(path)?;
        let removed = fault_point::before_removal(&parent, name)
            .and_then(|()| rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR));
        match removed {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {
                self.note_unsynced(path);
                Ok(true)
            }
            Err(
                rustix::io::Errno::NOTEMPTY
                | rustix::io::Errno::EXIST
                | rustix::io::Errno::BUSY
                | rustix::io::Errno::NOTDIR,
            ) => Ok(false),
            Err(errno) => Err(HostError::errno("remove directory", path, errno)),
        }
    }

    /// Removes a directory and all beneath it. An absent one counts as removed; one that is a
    /// mount point itself is emptied, and stays.
    ///
    /// # Errors
    /// [`HostError::Io`] if something beneath cannot be removed (a mount point, say).
    pub fn remove_tree(&self, path: &str) -> Result<(), HostError> {
        if self.stat(path)?.is_none() {
            return Ok(());
        }
        fault_point::before(Effect::Changes)
            .map_err(|errno| HostError::errno("remove directory", path, errno))?;
        if let Err(error) = self.root.remove_all(path) {
            let error = HostError::path("remove directory", path, &error);
            if !error.is_busy() || !self.read_dir(path)?.is_empty() {
                return Err(error);
            }
        }
        self.note_unsynced(path);
        Ok(())
    }

    /// Removes a file or link. An absent one counts as removed.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be removed.
    pub fn remove_file(&self, path: &str) -> Result<(), HostError> {
        let (parent, name) = match self.parent(path) {
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
        let removed = fault_point::before_removal(&parent, name)
            .and_then(|()| rustix::fs::unlinkat(&parent, name, AtFlags::empty()));
        match removed {
            Ok(()) => {
                self.note_unsynced(path);
                Ok(())
            }
            Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(errno) => Err(HostError::errno("remove", path, errno)),
        }
    }

    /// Opens a new file, mode 0600, for staging. One left there by an earlier run is
    /// replaced.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be made.
    pub fn create_staged(&self, path: &str) -> Result<File, HostError> {
        let (parent, name) = self.parent(path)?;
        create_anew(&parent, name).map_err(|errno| HostError::errno("create", path, errno))
    }

    /// Takes this much room, by a file that holds it; removing the file gives it back. A file
    /// system that cannot do so takes none.
    ///
    /// # Errors
    /// [`HostError::Io`] if there is not so much.
    pub fn take_room(&self, path: &str, bytes: u64) -> Result<(), HostError> {
        let file = self.create_staged(path)?;
        let flags = rustix::fs::FallocateFlags::empty();
        match rustix::fs::fallocate(&file, flags, 0, bytes) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            Err(errno) => {
                // The first error is the one to report.
                let _ = self.remove_file(path);
                Err(HostError::errno("write", path, errno))
            }
        }
    }

    /// Gives a staged file its final name, replacing what stands there in one step.
    ///
    /// # Errors
    /// [`HostError::Io`] if attributes cannot be set or the rename fails.
    pub fn commit_staged(
        &self,
        staged: &str,
        target: &str,
        ownership: Ownership,
    ) -> Result<(), HostError> {
        let (parent, name) = self.parent(staged)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&parent, name, flags, Mode::empty())
            .map_err(|errno| HostError::errno("open", staged, errno))?;
        set_ownership(&file, ownership)
            .map_err(|errno| HostError::errno("set mode of", staged, errno))?;
        sync(&file).map_err(|errno| HostError::errno("sync", staged, errno))?;
        self.rename(staged, target)
    }

    /// Writes a whole file beside the target, syncs it and renames it over the target.
    ///
    /// # Errors
    /// [`HostError::Io`]; the target is then as it was.
    pub fn write_file(
        &self,
        path: &str,
        bytes: &[u8],
        ownership: Ownership,
    ) -> Result<(), HostError> {
        // A file that is there hands on its label and access list.
        let xattrs = self.stat(path)?.map(|state| state.xattrs).unwrap_or_default();
        self.write_beside(path, ownership, &xattrs, None, |file| file.write_all(bytes))
    }

    /// Puts a file back: bytes from an open file, attributes as recorded.
    ///
    /// # Errors
    /// [`HostError::Io`]; the target is then as it was.
    pub fn restore_file(
        &self,
        path: &str,
        from: &mut File,
        state: &FileState,
    ) -> Result<(), HostError> {
        self.write_beside(path, state.ownership(), &state.xattrs, Some(state.mtime), |file| {
            super::files::copy(from, file).map(|_| ())
        })
    }

    /// Copies an open file to a new name: a reflink where the file system has them.
    ///
    /// # Errors
    /// [`HostError::Io`]; the target is then as it was.
    pub fn copy_file(
        &self,
        from: &mut File,
        path: &str,
        ownership: Ownership,
    ) -> Result<(), HostError> {
        self.write_beside(path, ownership, &BTreeMap::new(), None, |file| {
            super::files::copy(from, file).map(|_| ())
        })
    }

    fn write_beside(
        &self,
        path: &str,
        ownership: Ownership,
        xattrs: &BTreeMap<String, String>,
        mtime: Option<i64>,
        fill: impl FnOnce(&mut File) -> std::io::Result<()>,
    ) -> Result<(), HostError> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let beside = format!("{directory}/{}", new_name(name));
        let mut file = self.create_staged(&beside)?;
        let written = fault_point::before(Effect::Grows)
            .map_err(std::io::Error::from)
            .and_then(|()| fill(&mut file))
            .map_err(|source| HostError::io("write", path, source))
            .inspect(|()| kill_point::reached())
            .and_then(|()| set_attributes(&file, path, ownership, xattrs, mtime))
            .and_then(|()| sync(&file).map_err(|errno| HostError::errno("sync", path, errno)))
            .and_then(|()| self.rename(&beside, path));
        if written.is_err() {
            // The first error is the one to report; a leftover is replaced by the next write.
            let _ = self.remove_file(&beside);
        }
        written
    }

    /// Renames within one directory, replacing what stands there in one step.
    ///
    /// # Errors
    /// [`HostError::Io`] if the system refuses.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), HostError> {
        let (from_dir, from_name) = self.parent(from)?;
        let (to_dir, to_name) = self.parent(to)?;
        let flags = RenameFlags::empty();
        fault_point::before(Effect::Changes)
            .and_then(|()| rustix::fs::renameat_with(&from_dir, from_name, &to_dir, to_name, flags))
            .or_else(|errno| match errno {
                rustix::io::Errno::NOSYS => {
                    rustix::fs::renameat(&from_dir, from_name, &to_dir, to_name)
                }
                other => Err(other),
            })
            .map_err(|errno| HostError::errno("rename to", to, errno))?;
        self.note_unsynced(to);
        Ok(())
    }

    /// Gives a file a second, hidden name beside it, under which it stays when another gets its
    /// first one: that needs no room, and the way back is a rename. One that an earlier run left
    /// under that name is replaced.
    ///
    /// # Errors
    /// [`HostError::Io`] if the file system has no second names, or the system refuses.
    pub fn set_aside(&self, path: &str, aside: &str) -> Result<(), HostError> {
        self.remove_file(aside)?;
        let (directory, name) = self.parent(path)?;
        let (_, beside) = self.parent(aside)?;
        fault_point::before(Effect::Changes)
            .and_then(|()| {
                rustix::fs::linkat(&directory, name, &directory, beside, AtFlags::empty())
            })
            .map_err(|errno| HostError::errno("set aside", path, errno))?;
        self.note_unsynced(aside);
        Ok(())
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// [`HostError::Io`], also if something stands there already.
    pub fn create_link(&self, path: &str, target: &str) -> Result<(), HostError> {
        let (parent, name) = self.parent(path)?;
        fault_point::before(Effect::Grows)
            .and_then(|()| rustix::fs::symlinkat(target, &parent, name))
            .map_err(|errno| HostError::errno("create link", path, errno))?;
        self.note_unsynced(path);
        Ok(())
    }

    /// Opens a file for appending, made 0600 if absent.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be opened.
    pub fn open_append(&self, path: &str) -> Result<File, HostError> {
        let (parent, name) = self.parent(path)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fault_point::before(Effect::Changes)
            .and_then(|()| rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o600)))
            .map_err(|errno| HostError::errno("open", path, errno))?;
        self.note_unsynced(path);
        Ok(File::from(file))
    }

    /// Sets the mode of a directory.
    ///
    /// # Errors
    /// [`HostError::Io`] if it is not one, or the system refuses.
    pub fn set_mode(&self, path: &str, mode: u32) -> Result<(), HostError> {
        let directory = self.open_dir(path)?;
        fault_point::before(Effect::Changes)
            .and_then(|()| rustix::fs::fchmod(&directory, Mode::from_raw_mode(mode)))
            .map_err(|errno| HostError::errno("set mode of", path, errno))
    }

    /// Sets owner and mode of what stands at a path and is no link; a socket cannot be opened.
    ///
    /// # Errors
    /// [`HostError::Io`] if the system refuses.
    pub fn set_ownership(&self, path: &str, ownership: Ownership) -> Result<(), HostError> {
        let (parent, name) = self.parent(path)?;
        let fail = |errno| HostError::errno("set mode of", path, errno);
        let uid = rustix::fs::Uid::from_raw(ownership.uid);
        let gid = rustix::fs::Gid::from_raw(ownership.gid);
        fault_point::before(Effect::Changes).map_err(fail)?;
        rustix::fs::chownat(&parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(fail)?;
        let mode = Mode::from_raw_mode(ownership.mode);
        rustix::fs::chmodat(&parent, name, mode, AtFlags::empty()).map_err(fail)
    }

    /// Writes a kernel setting under `/proc/sys`, in place.
    ///
    /// # Errors
    /// [`HostError::Io`] if the kernel refuses the value.
    pub fn write_setting(&self, path: &str, value: &str) -> Result<(), HostError> {
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&parent, name, flags, Mode::empty())
            .map_err(|errno| HostError::errno("open", path, errno))?;
        File::from(file)
            .write_all(value.as_bytes())
            .map_err(|source| HostError::io("write", path, source))
    }

    /// Makes every new name of this run durable: each directory is synced once.
    ///
    /// # Errors
    /// [`HostError::Io`] if a directory cannot be synced.
    pub fn sync_directories(&self) -> Result<(), HostError> {
        let directories = std::mem::take(&mut *self.unsynced.borrow_mut());
        for path in directories {
            match self.open_dir(&path) {
                Ok(directory) => {
                    sync(&directory).map_err(|errno| HostError::errno("sync", &path, errno))?
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A name was made, replaced or removed.
    fn note_unsynced(&self, path: &str) {
        kill_point::reached();
        let parent = parent_of(path).unwrap_or("/");
        let mut unsynced = self.unsynced.borrow_mut();
        if !unsynced.contains(parent) {
            unsynced.insert(parent.to_owned());
        }
    }
}

/// Takes room behind the end of a file, without making it longer. A file system that cannot, or
/// has none, does not: then it is as it would be without.
pub fn reserve(file: &File, bytes: u64) {
    let end = file.metadata().map_or(0, |metadata| metadata.len());
    let _ = rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, end, bytes);
}

/// Makes a file, mode 0600, in an open directory; one that an earlier run left is replaced.
pub(super) fn create_anew(directory: impl AsFd, name: &str) -> rustix::io::Result<File> {
    match rustix::fs::unlinkat(&directory, name, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(errno) => return Err(errno),
    }
    fault_point::before(Effect::Grows)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(&directory, name, flags, Mode::from_raw_mode(0o600)).map(File::from)
}

fn sync(file: impl AsFd) -> rustix::io::Result<()> {
    fault_point::before(Effect::Syncs)?;
    rustix::fs::fsync(file)
}

fn set_ownership(file: impl AsFd, ownership: Ownership) -> rustix::io::Result<()> {
    fault_point::before(Effect::Changes)?;
    let uid = rustix::fs::Uid::from_raw(ownership.uid);
    let gid = rustix::fs::Gid::from_raw(ownership.gid);
    // chown clears set-id bits, so the mode comes last.
    let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if own != (ownership.uid, ownership.gid) {
        rustix::fs::fchown(&file, Some(uid), Some(gid))?;
    }
    rustix::fs::fchmod(&file, Mode::from_raw_mode(ownership.mode))
}

fn set_attributes(
    file: &File,
    path: &str,
    ownership: Ownership,
    xattrs: &BTreeMap<String, String>,
    mtime: Option<i64>,
) -> Result<(), HostError> {
    let fail = |errno| HostError::errno("set attributes of", path, errno);
    set_ownership(file, ownership).map_err(fail)?;
    for (name, value) in xattrs {
        let value = from_hex(value);
        rustix::fs::fsetxattr(file, name.as_str(), &value, rustix::fs::XattrFlags::empty())
            .map_err(fail)?;
    }
    if let Some(seconds) = mtime {
        let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::futimens(file, &times).map_err(fail)?;
    }
    Ok(())
}

fn from_hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
