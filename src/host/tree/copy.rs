//! Copying a directory of data, and bringing the copy up to date.
//!
//! Whether a file has changed since an earlier pass is told by its change time, which programs cannot
//! set, and a mapped page that was on the disk once changes it with the next write. The copy's access
//! time holds that of the original: if they differ, or if it is no older than the earlier pass (a
//! clock has ticks), or if length or time differ, the file is copied again. None of that asks which
//! of two times is later, for a clock can be set. What differs is never changed in place but made
//! anew, since its copy may be linked to the copies of other files.

use std::collections::{BTreeSet, HashMap, btree_set};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, IFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::attributes::{Attributes, Place};
use super::content::Content;
use super::open_files::OpenFiles;
use super::remove::Remover;
use super::{Copied, FileTime, Tree, Way, kind, names, open_directory, open_file, stat};
use crate::host::fault_point::{self, Effect};
use crate::host::{Host, HostError, kill_point};
use crate::texts::phrases::host as phrases;

/// Whether both were last written at the same time.
pub(super) fn same_time(of: &Stat, copy: &Stat) -> bool {
    same((of.st_mtime, of.st_mtime_nsec), (copy.st_mtime, copy.st_mtime_nsec))
}

/// A file system may keep whole seconds only.
fn same(time: (i64, i64), kept: (i64, i64)) -> bool {
    time.0 == kept.0 && (time.1 == kept.1 || kept.1 == 0)
}

impl Host {
    /// Makes what is in the copy like what is in the directory, which may be in use. Both exist.
    /// What an earlier pass, begun at `earlier`, has copied and nobody has changed since is left as
    /// it is. `told` hears of bytes.
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
        let mut copier = Copier {
            host: self,
            tree,
            device: here.st_dev,
            copy: (there.st_dev, there.st_ino),
            mounts: BTreeSet::new(),
            links: HashMap::new(),
            earlier,
            told,
            root: to,
            content: Content::new(here.st_dev == there.st_dev),
            attributes: Attributes::new(),
            way: Way::default(),
            outcome: Copied::default(),
        };
        copier.read_mounts()?;
        copier.copy(from)?;
        Ok(copier.outcome)
    }

    /// Gives the copy itself what the directory has: owner, mode, attributes and times.
    ///
    /// # Errors
    /// [`HostError::Io`] if they cannot be read or set.
    pub fn carry_attributes(&self, from: &str, to: &str) -> Result<(), HostError> {
        let (original, copy) = (self.open_dir(from)?, self.open_dir(to)?);
        let failed = |errno| HostError::errno("copy", from, errno);
        fault_point::before(Effect::Changes).map_err(failed)?;
        let found = rustix::fs::fstat(&original).map_err(failed)?;
        let places = (Place::Open(original.as_fd()), Place::Open(copy.as_fd()));
        Attributes::new().carry(places.0, places.1, &found).map_err(failed)
    }

    /// Has everything of the file system that `path` lies on written to its disk.
    ///
    /// # Errors
    /// [`HostError::Io`] if that fails.
    pub fn sync_file_system(&self, path: &str) -> Result<(), HostError> {
        let directory = self.open_dir(path)?;
        fault_point::before(Effect::Syncs)
            .map_err(|errno| HostError::errno("sync", path, errno))?;
        rustix::fs::syncfs(&directory).map_err(|errno| HostError::errno("sync", path, errno))
    }
}

struct Copier<'a> {
    host: &'a Host,
    tree: &'a Tree<'a>,
    device: u64,
    /// Device and inode of the copy: it may turn out to be in the directory by another name, such
    /// as a bind mount's.
    copy: (u64, u64),
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

/// A directory that is being copied.
struct Level {
    from: OwnedFd,
    /// `None` for the copy's root.
    to: Option<OwnedFd>,
    names: btree_set::IntoIter<CString>,
    length: usize,
}

impl Copier<'_> {
    fn copy(&mut self, from: OwnedFd) -> Result<(), HostError> {
        let _open_files = OpenFiles::raise();
        let root =
            self.root.try_clone().map_err(|source| HostError::io("open", self.tree.to, source))?;
        let mut levels = vec![self.begin(from, None, 0)?];
        while let Some(level) = levels.last_mut() {
            let to = level.to.as_ref().unwrap_or(&root);
            let Some(name) = level.names.next() else {
                if let Some(to) = &level.to {
                    // What was made in it has changed its time.
                    self.carry_directory(&level.from, to)?;
                }
                self.way.leave(level.length);
                levels.pop();
                continue;
            };
            let length = self.way.enter(&name);
            match self.entry(&level.from, to, &name)? {
                Some((from, to)) => {
                    let inner = self.begin(from, Some(to), length)?;
                    levels.push(inner);
                }
                None => self.way.leave(length),
            }
        }
        Ok(())
    }

    /// Removes from a copy what the directory does not have, and tells what that has.
    fn begin(
        &mut self,
        from: OwnedFd,
        to: Option<OwnedFd>,
        length: usize,
    ) -> Result<Level, HostError> {
        self.host.interrupt().check()?;
        let copy = to.as_ref().unwrap_or(&self.root);
        let mut wanted = names(&from).map_err(|errno| self.failed(errno))?;
        wanted.retain(|name| !self.tree.is_beside(&self.way, name));
        for name in names(copy).map_err(|errno| self.failed(errno))?.difference(&wanted) {
            if !self.tree.is_beside(&self.way, name) {
                self.remove(copy, name)?;
            }
        }
        Ok(Level { from, to, names: wanted.into_iter(), length })
    }

    /// Copies what stands at a name, unless it is a directory: then that, and its copy, are opened.
    fn entry(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
    ) -> Result<Option<(OwnedFd, OwnedFd)>, HostError> {
        let Some(found) = stat(from, name).map_err(|errno| self.failed(errno))? else {
            // A running engine removes what it does not need.
            return Ok(None);
        };
        if !self.is_inside(from, name, &found)? {
            return Ok(None);
        }
        let there = stat(to, name).map_err(|errno| self.failed(errno))?;
        if kind(&found) == FileType::Directory {
            return self.subdirectory(from, to, name, there);
        }
        if let Some(there) = there {
            if self.is_current(&found, &there)? {
                self.note_links(&found)?;
                return Ok(None);
            }
            self.remove(to, name)?;
        }
        self.outcome.made += 1;
        kill_point::reached();
        fault_point::before(Effect::Grows).map_err(|errno| self.failed(errno))?;
        if found.st_nlink > 1
            && let Some(first) = self.links.get(&found.st_ino)
        {
            let linked = place(&self.root, first).and_then(|(directory, first)| {
                rustix::fs::linkat(directory, first, to, name, AtFlags::empty())
            });
            return linked.map(|()| None).map_err(|errno| self.failed(errno));
        }
        let made = match kind(&found) {
            FileType::RegularFile => self.file(from, to, name)?,
            FileType::Symlink => self.link(from, to, name, &found)?,
            _ => self.node(from, to, name, &found)?,
        };
        if made {
            self.note_links(&found)?;
        }
        Ok(None)
    }

    /// Whether something lies on the directory's own file system; what does not is noted.
    fn is_inside(&mut self, from: &OwnedFd, name: &CStr, found: &Stat) -> Result<bool, HostError> {
        if found.st_dev != self.device && !self.mounts.contains(&self.way.0) {
            // A container has started, or ended, in the meantime.
            self.read_mounts()?;
            let again = stat(from, name).map_err(|errno| self.failed(errno))?;
            if !self.mounts.contains(&self.way.0) {
                if again.is_some_and(|again| again.st_dev != self.device) {
                    self.outcome.foreign.push(self.way.shown());
                }
                // What is under it now is left to the next pass.
                return Ok(false);
            }
        }
        if self.mounts.contains(&self.way.0) {
            self.outcome.mounts.push(self.way.shown());
            return Ok(false);
        }
        Ok(true)
    }

    fn read_mounts(&mut self) -> Result<(), HostError> {
        let mounts = self.host.mounted_beneath(self.tree.from)?;
        self.mounts = mounts.into_iter().map(String::into_bytes).collect();
        Ok(())
    }

    /// Whether a copy needs nothing. One that has several names has to have them where the
    /// original does.
    fn is_current(&self, found: &Stat, there: &Stat) -> Result<bool, HostError> {
        let changed = (found.st_ctime, found.st_ctime_nsec);
        let unchanged = self.earlier.is_some_and(|moment| FileTime::of_change(found) < moment)
            && same(changed, (there.st_atime, there.st_atime_nsec));
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
        let first = place(&self.root, first).and_then(|(directory, first)| stat(directory, first));
        let first = first.map_err(|errno| self.failed(errno))?;
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
    ) -> Result<Option<(OwnedFd, OwnedFd)>, HostError> {
        let inner = match open_directory(from, name) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            other => other.map_err(|errno| self.failed(errno))?,
        };
        let opened = rustix::fs::fstat(&inner).map_err(|errno| self.failed(errno))?;
        if opened.st_dev != self.device {
            // It was mounted this very moment.
            self.outcome.mounts.push(self.way.shown());
            return Ok(None);
        }
        if (opened.st_dev, opened.st_ino) == self.copy {
            let source = std::io::Error::other(phrases::COPY_IN_ITSELF);
            return Err(HostError::io("copy", self.tree.from, source));
        }
        if there.as_ref().is_some_and(|there| kind(there) != FileType::Directory) {
            self.remove(to, name)?;
            there = None;
        }
        if there.is_none() {
            kill_point::reached();
            fault_point::before(Effect::Grows)
                .and_then(|()| rustix::fs::mkdirat(to, name, Mode::from_raw_mode(0o700)))
                .map_err(|errno| self.failed(errno))?;
            self.outcome.made += 1;
        }
        let copy = open_directory(to, name).map_err(|errno| self.failed(errno))?;
        Ok(Some((inner, copy)))
    }

    /// Copies a regular file; `false` if it is gone.
    fn file(&mut self, from: &OwnedFd, to: &OwnedFd, name: &CStr) -> Result<bool, HostError> {
        let opened = open_file(from, name).map_err(|errno| self.failed(errno))?;
        let Some((original, found)) = opened else { return Ok(false) };
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

    fn carry_directory(&mut self, from: &OwnedFd, to: &OwnedFd) -> Result<(), HostError> {
        let found = rustix::fs::fstat(from).map_err(|errno| self.failed(errno))?;
        self.carry(Place::Open(from.as_fd()), Place::Open(to.as_fd()), &found)
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

    fn remove(&self, directory: &OwnedFd, name: &CStr) -> Result<(), HostError> {
        fault_point::before(Effect::Changes).map_err(|errno| self.failed(errno))?;
        let place = self.way.beneath(self.tree.to);
        Remover::new(&place, directory)
            .map_err(|errno| self.failed(errno))?
            .remove(directory.as_fd(), name)
    }

    fn failed(&self, errno: Errno) -> HostError {
        HostError::errno("copy", &self.way.beneath(self.tree.from), errno)
    }
}

/// The directory of a relative path, and the last name: no link is followed on the way.
pub(super) fn place<'p>(root: &OwnedFd, path: &'p CStr) -> rustix::io::Result<(OwnedFd, &'p CStr)> {
    let mut directory = rustix::io::fcntl_dupfd_cloexec(root, 0)?;
    let mut rest = path;
    while let Some(slash) = rest.to_bytes().iter().position(|byte| *byte == b'/') {
        let name = CString::new(&rest.to_bytes()[..slash]).map_err(|_| Errno::INVAL)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        directory = rustix::fs::openat(&directory, &name, flags, Mode::empty())?;
        rest = CStr::from_bytes_with_nul(&rest.to_bytes_with_nul()[slash + 1..])
            .map_err(|_| Errno::INVAL)?;
    }
    Ok((directory, rest))
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
