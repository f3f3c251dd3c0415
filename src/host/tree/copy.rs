//! Copying a directory of data, and bringing the copy up to date.
//!
//! A file's change time decides whether it has changed since an earlier pass: programs cannot set it,
//! and a mapped page that was on the disk once changes it with the next write. What differs is never changed in place but made
//! anew, since its copy may be linked to the copies of other files.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, IFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::attributes::{Attributes, Place};
use super::content::Content;
use super::remove::Remover;
use super::{Copied, FileTime, Tree, Way, kind, names, open_directory, open_quietly, stat};
use crate::host::{Host, HostError};

/// A file system may keep whole seconds only.
pub(super) fn same_time(of: &Stat, copy: &Stat) -> bool {
    of.st_mtime == copy.st_mtime
        && (of.st_mtime_nsec == copy.st_mtime_nsec || copy.st_mtime_nsec == 0)
}

impl Host {
    /// Makes the copy like the directory, which may be in use. Both exist. What an earlier pass,
    /// begun at `earlier`, has copied and nobody has changed since is left as it is. `told` hears
    /// of bytes.
    ///
    /// # Errors
    /// [`HostError::Io`] if something cannot be read, made or removed,
    /// [`HostError::Interrupted`].
    pub fn copy_tree(
        &self,
        tree: &Tree<'_>,
        earlier: Option<FileTime>,
        told: &dyn Fn(u64),
    ) -> Result<Copied, HostError> {
        let (from, to) = (self.open_dir(tree.from)?, self.open_dir(tree.to)?);
        let look = |directory: &OwnedFd, path| {
            rustix::fs::fstat(directory).map_err(|errno| HostError::errno("look at", path, errno))
        };
        let (here, there) = (look(&from, tree.from)?, look(&to, tree.to)?);
        let mounts = self.mounted_beneath(tree.from)?;
        let mut copier = Copier {
            host: self,
            tree,
            device: here.st_dev,
            to_device: there.st_dev,
            mounts: mounts.into_iter().map(String::into_bytes).collect(),
            links: HashMap::new(),
            earlier,
            told,
            root: to.try_clone().map_err(|source| HostError::io("open", tree.to, source))?,
            content: Content::new(here.st_dev == there.st_dev),
            attributes: Attributes::new(),
            way: Way::default(),
            outcome: Copied::default(),
        };
        copier.directory(&from, &to)?;
        Ok(copier.outcome)
    }

    /// Has everything of the file system that `path` lies on written to its disk.
    ///
    /// # Errors
    /// [`HostError::Io`] if that fails.
    pub fn sync_file_system(&self, path: &str) -> Result<(), HostError> {
        let directory = self.open_dir(path)?;
        rustix::fs::syncfs(&directory).map_err(|errno| HostError::errno("sync", path, errno))
    }
}

struct Copier<'a> {
    host: &'a Host,
    tree: &'a Tree<'a>,
    device: u64,
    to_device: u64,
    /// Relative paths of mount points.
    mounts: BTreeSet<Vec<u8>>,
    /// The copies of files with several names, by inode: the first name.
    links: HashMap<u64, CString>,
    earlier: Option<FileTime>,
    told: &'a dyn Fn(u64),
    /// The copy.
    root: OwnedFd,
    content: Content,
    attributes: Attributes,
    way: Way,
    outcome: Copied,
}

impl Copier<'_> {
    fn directory(&mut self, from: &OwnedFd, to: &OwnedFd) -> Result<(), HostError> {
        self.host.interrupt().check()?;
        let wanted = names(from).map_err(|errno| self.failed(errno))?;
        for name in names(to).map_err(|errno| self.failed(errno))?.difference(&wanted) {
            if !self.is_beside(name) {
                self.remove(to, name)?;
            }
        }
        for name in &wanted {
            let length = self.way.enter(name);
            let result = self.entry(from, to, name);
            self.way.leave(length);
            result?;
        }
        // What was made in it has changed its time.
        let stat = rustix::fs::fstat(from).map_err(|errno| self.failed(errno))?;
        self.carry(Place::Open(from.as_fd()), Place::Open(to.as_fd()), &stat)
    }

    /// Whether a name of the copy is none of this directory's business.
    fn is_beside(&self, name: &CStr) -> bool {
        self.way.0.is_empty()
            && self.tree.beside.iter().any(|beside| beside.as_bytes() == name.to_bytes())
    }

    fn entry(&mut self, from: &OwnedFd, to: &OwnedFd, name: &CStr) -> Result<(), HostError> {
        let Some(found) = stat(from, name).map_err(|errno| self.failed(errno))? else {
            // A running engine removes what it does not need.
            return Ok(());
        };
        if found.st_dev != self.device || self.mounts.contains(&self.way.0) {
            self.outcome.mounts.push(self.way.shown());
            return Ok(());
        }
        let there = stat(to, name).map_err(|errno| self.failed(errno))?;
        if kind(&found) == FileType::Directory {
            return self.subdirectory(from, to, name, there);
        }
        if let Some(there) = there {
            if self.is_current(&found, &there)? {
                self.note_links(&found)?;
                return Ok(());
            }
            self.remove(to, name)?;
        }
        self.outcome.made += 1;
        if found.st_nlink > 1
            && let Some(first) = self.links.get(&found.st_ino)
        {
            return rustix::fs::linkat(&self.root, first, to, name, AtFlags::empty())
                .map_err(|errno| self.failed(errno));
        }
        let made = match kind(&found) {
            FileType::RegularFile => self.file(from, to, name)?,
            FileType::Symlink => self.link(from, to, name, &found)?,
            _ => self.node(from, to, name, &found)?,
        };
        if made { self.note_links(&found) } else { Ok(()) }
    }

    /// Whether a copy needs nothing. One that has several names has to have them where the
    /// original does.
    fn is_current(&self, found: &Stat, there: &Stat) -> Result<bool, HostError> {
        let unchanged = self.earlier.is_some_and(|moment| FileTime::of_change(found) < moment);
        let alike = kind(found) == kind(there)
            && (found.st_mode, found.st_uid, found.st_gid)
                == (there.st_mode, there.st_uid, there.st_gid)
            && (found.st_size, found.st_rdev) == (there.st_size, there.st_rdev)
            && same_time(found, there);
        if !unchanged || !alike {
            return Ok(false);
        }
        let Some(first) = self.links.get(&found.st_ino).filter(|_| found.st_nlink > 1) else {
            return Ok(found.st_nlink > 1 || there.st_nlink == 1);
        };
        let first = stat(&self.root, first).map_err(|errno| self.failed(errno))?;
        Ok(first.is_some_and(|first| first.st_ino == there.st_ino))
    }

    fn note_links(&mut self, found: &Stat) -> Result<(), HostError> {
        if found.st_nlink > 1 && !self.links.contains_key(&found.st_ino) {
            let path = CString::new(self.way.0.clone()).map_err(|_| self.failed(Errno::INVAL))?;
            self.links.insert(found.st_ino, path);
        }
        Ok(())
    }

    fn subdirectory(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
        mut there: Option<Stat>,
    ) -> Result<(), HostError> {
        let inner = match open_directory(from, name) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            other => other.map_err(|errno| self.failed(errno))?,
        };
        if there.as_ref().is_some_and(|there| kind(there) != FileType::Directory) {
            self.remove(to, name)?;
            there = None;
        }
        if there.is_none() {
            rustix::fs::mkdirat(to, name, Mode::from_raw_mode(0o700))
                .map_err(|errno| self.failed(errno))?;
            self.outcome.made += 1;
        }
        let copy = open_directory(to, name).map_err(|errno| self.failed(errno))?;
        self.directory(&inner, &copy)
    }

    /// Copies a regular file; `false` if it is gone.
    fn file(&mut self, from: &OwnedFd, to: &OwnedFd, name: &CStr) -> Result<bool, HostError> {
        let original = match open_quietly(from, name, OFlags::empty()) {
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(false),
            other => other.map_err(|errno| self.failed(errno))?,
        };
        let found = rustix::fs::fstat(&original).map_err(|errno| self.failed(errno))?;
        if kind(&found) != FileType::RegularFile {
            return Ok(false);
        }
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let copy = rustix::fs::openat(to, name, flags, Mode::from_raw_mode(0o600))
            .map_err(|errno| self.failed(errno))?;
        self.note_protection(&original);
        let (host, told) = (self.host, self.told);
        let mut bytes = 0;
        let copied = self.content.copy(original.as_fd(), copy.as_fd(), &found, |part| {
            bytes += part;
            told(part);
            host.interrupt().check().map_err(Stopped::Asked)
        });
        self.outcome.bytes += bytes;
        match copied {
            Ok(()) => {}
            Err(Stopped::Asked(error)) => return Err(error),
            Err(Stopped::Failed(errno)) => return Err(self.failed(errno)),
        }
        self.carry(Place::Open(original.as_fd()), Place::Open(copy.as_fd()), &found)?;
        Ok(true)
    }

    fn note_protection(&mut self, file: &OwnedFd) {
        let protects = IFlags::IMMUTABLE | IFlags::APPEND;
        if rustix::fs::ioctl_getflags(file).is_ok_and(|flags| flags.intersects(protects)) {
            self.outcome.protected.0 += 1;
            let shown = || self.way.beneath(self.tree.from);
            if self.outcome.protected.1.is_none() {
                self.outcome.protected.1 = Some(shown());
            }
        }
    }

    fn link(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
        found: &Stat,
    ) -> Result<bool, HostError> {
        let target = match rustix::fs::readlinkat(from, name, Vec::new()) {
            Err(Errno::NOENT | Errno::INVAL) => return Ok(false),
            other => other.map_err(|errno| self.failed(errno))?,
        };
        rustix::fs::symlinkat(&target, to, name).map_err(|errno| self.failed(errno))?;
        self.carry_named(from, to, name, found)
    }

    /// Makes a device, fifo or socket: an overlay has a device 0/0 where a layer takes a file away.
    fn node(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
        found: &Stat,
    ) -> Result<bool, HostError> {
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(to, name, kind(found), mode, found.st_rdev)
            .map_err(|errno| self.failed(errno))?;
        self.carry_named(from, to, name, found)
    }

    fn carry_named(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
        found: &Stat,
    ) -> Result<bool, HostError> {
        let (original, copy) = (Place::Named(from.as_fd(), name), Place::Named(to.as_fd(), name));
        match self.attributes.carry(original, copy, found) {
            // It went in the meantime.
            Err(Errno::NOENT) => Ok(false),
            other => other.map(|()| true).map_err(|errno| self.failed(errno)),
        }
    }

    fn carry(&mut self, from: Place<'_>, to: Place<'_>, stat: &Stat) -> Result<(), HostError> {
        self.attributes.carry(from, to, stat).map_err(|errno| self.failed(errno))
    }

    fn remove(&mut self, directory: &OwnedFd, name: &CStr) -> Result<(), HostError> {
        Remover { root: self.tree.to, device: self.to_device, way: Way::default() }
            .remove(directory, name)
    }

    fn failed(&self, errno: Errno) -> HostError {
        HostError::errno("copy", &self.way.beneath(self.tree.from), errno)
    }
}

/// Why the bytes of a file are not all copied.
enum Stopped {
    Failed(Errno),
    Asked(HostError),
}

impl From<Errno> for Stopped {
    fn from(errno: Errno) -> Self {
        Self::Failed(errno)
    }
}
