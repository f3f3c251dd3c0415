//! Comparing a directory with its copy, once nobody uses either.

use std::collections::{HashMap, btree_set};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Advice, FileType, Stat};
use rustix::io::Errno;

use super::attributes::{Attributes, Place};
use super::copy::same_time;
use super::open_files::OpenFiles;
use super::{FileTime, Tree, Way, kind, names, open_directory, open_file, stat};
use crate::digest::Digest;
use crate::file_state::LOST_AND_FOUND;
use crate::host::{Host, HostError};

/// So many differences are enough to know.
const ENOUGH: usize = 10;

/// How a copy differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeDifference {
    /// The path of the original, or of what only the copy has.
    pub path: String,
    /// In what.
    pub differs: Differs,
}

/// What a copy differs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Differs {
    /// It is not there.
    Missing,
    /// Only the copy has it.
    Extra,
    /// It is of another kind, or another device.
    Kind,
    /// Its length.
    Size,
    /// Its owner or its mode.
    Owner,
    /// When it was changed.
    Time,
    /// Where the link leads.
    Target,
    /// Which other names it has.
    Links,
    /// Its extended attributes.
    Attributes,
    /// Its bytes.
    Content,
}

impl Host {
    /// Compares the copy with the directory, neither of which is in use: names, kinds, lengths,
    /// owners, modes, times, links of all; of what was written to the copy from `written_since`
    /// on also attributes and bytes, read back from the disk, of at most `limit` bytes, which is
    /// reduced by that. The first few differences.
    ///
    /// # Errors
    /// [`HostError::Io`] if something cannot be read, [`HostError::Interrupted`].
    pub fn compare_trees(
        &self,
        tree: &Tree<'_>,
        written_since: FileTime,
        limit: &mut u64,
    ) -> Result<Vec<TreeDifference>, HostError> {
        let (from, to) = (self.open_dir(tree.from)?, self.open_dir(tree.to)?);
        let mut comparer = Comparer {
            host: self,
            tree,
            written_since,
            left: limit,
            links: HashMap::new(),
            originals: HashMap::new(),
            attributes: Attributes::new(),
            way: Way::default(),
            found: Vec::new(),
        };
        comparer.compare(from, to)?;
        Ok(comparer.found)
    }
}

struct Comparer<'a> {
    host: &'a Host,
    tree: &'a Tree<'a>,
    written_since: FileTime,
    /// How many bytes may still be read back.
    left: &'a mut u64,
    /// The copy's inode, by the original's, of files with several names.
    links: HashMap<u64, u64>,
    /// The other way round.
    originals: HashMap<u64, u64>,
    attributes: Attributes,
    way: Way,
    found: Vec<TreeDifference>,
}

/// A directory that is being compared.
struct Level {
    from: OwnedFd,
    to: OwnedFd,
    /// Of both.
    names: btree_set::IntoIter<CString>,
    length: usize,
}

impl Comparer<'_> {
    fn compare(&mut self, from: OwnedFd, to: OwnedFd) -> Result<(), HostError> {
        let _open_files = OpenFiles::raise();
        let mut levels = vec![self.begin(from, to, 0)?];
        while let Some(level) = levels.last_mut() {
            if self.found.len() >= ENOUGH {
                return Ok(());
            }
            let Some(name) = level.names.next() else {
                self.way.leave(level.length);
                levels.pop();
                continue;
            };
            let length = self.way.enter(&name);
            match self.entry(&level.from, &level.to, &name)? {
                Some((from, to)) => {
                    let inner = self.begin(from, to, length)?;
                    levels.push(inner);
                }
                None => self.way.leave(length),
            }
        }
        Ok(())
    }

    fn begin(&self, from: OwnedFd, to: OwnedFd, length: usize) -> Result<Level, HostError> {
        self.host.interrupt().check()?;
        let mut all = names(&from).map_err(|errno| self.failed(errno))?;
        // What has the name of another part of the copy is not copied, and has to be seen.
        all.retain(|name| self.way.is_inner() || name.to_bytes() != LOST_AND_FOUND.as_bytes());
        let mut copies = names(&to).map_err(|errno| self.failed(errno))?;
        copies.retain(|name| !self.tree.is_beside(&self.way, name));
        all.extend(copies);
        Ok(Level { from, to, names: all.into_iter(), length })
    }

    /// Compares what stands at a name; directories are opened, and their names come next.
    fn entry(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
    ) -> Result<Option<(OwnedFd, OwnedFd)>, HostError> {
        let of = |directory| stat(directory, name).map_err(|errno| self.failed(errno));
        let (original, copy) = match (of(from)?, of(to)?) {
            (Some(original), Some(copy)) => (original, copy),
            (Some(_), None) => return self.note_and_end(Differs::Missing),
            (None, _) => return self.note_and_end(Differs::Extra),
        };
        if (kind(&original), original.st_rdev) != (kind(&copy), copy.st_rdev) {
            return self.note_and_end(Differs::Kind);
        }
        let is_directory = kind(&original) == FileType::Directory;
        if original.st_size != copy.st_size && !is_directory {
            self.note(Differs::Size);
        }
        let owner = |stat: &Stat| (stat.st_mode, stat.st_uid, stat.st_gid);
        if owner(&original) != owner(&copy) {
            self.note(Differs::Owner);
        }
        if !same_time(&original, &copy) {
            self.note(Differs::Time);
        }
        if !is_directory && !self.are_linked_alike(&original, &copy) {
            self.note(Differs::Links);
        }
        if kind(&original) == FileType::Symlink {
            let target = |directory| rustix::fs::readlinkat(directory, name, Vec::new());
            if target(from).ok() != target(to).ok() {
                self.note(Differs::Target);
            }
        }
        if FileTime::of_change(&copy) >= self.written_since {
            self.written(from, to, name, &original)?;
        }
        if !is_directory {
            return Ok(None);
        }
        let inner = |directory| open_directory(directory, name).map_err(|errno| self.failed(errno));
        Ok(Some((inner(from)?, inner(to)?)))
    }

    fn are_linked_alike(&mut self, original: &Stat, copy: &Stat) -> bool {
        if original.st_nlink <= 1 {
            return copy.st_nlink == 1;
        }
        *self.links.entry(original.st_ino).or_insert(copy.st_ino) == copy.st_ino
            && *self.originals.entry(copy.st_ino).or_insert(original.st_ino) == original.st_ino
    }

    /// Looks closely at what was written last.
    fn written(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
        original: &Stat,
    ) -> Result<(), HostError> {
        let place = |directory| Place::Named(AsFd::as_fd(directory), name);
        let wanted = self.attributes.extended(place(from)).map_err(|errno| self.failed(errno))?;
        let there = self.attributes.extended(place(to)).map_err(|errno| self.failed(errno))?;
        if wanted != there {
            self.note(Differs::Attributes);
        }
        let size = u64::try_from(original.st_size).unwrap_or_default();
        if kind(original) != FileType::RegularFile || size > *self.left {
            return Ok(());
        }
        *self.left -= size;
        let open = |directory| {
            let opened = open_file(directory, name).and_then(|opened| opened.ok_or(Errno::NOENT));
            opened.map(|(file, _)| file).map_err(|errno| self.failed(errno))
        };
        let (original, copy) = (open(from)?, open(to)?);
        // What the disk has, and not what was meant for it.
        let _ = rustix::fs::fadvise(&copy, 0, None, Advice::DontNeed);
        let digest = |file: OwnedFd| {
            Digest::of_reader(std::fs::File::from(file))
                .map_err(|source| HostError::io("read", self.way.beneath(self.tree.to), source))
        };
        if digest(original)? != digest(copy)? {
            self.note(Differs::Content);
        }
        Ok(())
    }

    /// There is nothing more to compare.
    fn note_and_end<T>(&mut self, differs: Differs) -> Result<Option<T>, HostError> {
        self.note(differs);
        Ok(None)
    }

    fn note(&mut self, differs: Differs) {
        let path = self.way.beneath(self.tree.from);
        self.found.push(TreeDifference { path, differs });
    }

    fn failed(&self, errno: Errno) -> HostError {
        HostError::errno("look at", &self.way.beneath(self.tree.from), errno)
    }
}
