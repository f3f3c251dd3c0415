//! The files of a layer, as overlay wants them, beneath this process's root.
//!
//! A whiteout is a character device 0/0, an opaque directory has the attribute
//! `trusted.overlay.opaque`. A whiteout hides what is in layers below only: what the same layer has
//! under that name stays, and a directory hides then what was in the one below.

use std::{
    ffi::CString,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
};

use rustix::{
    fs::{
        AtFlags, CWD, FileType, Mode, Stat, Timespec, Timestamps, XattrFlags, lstat, mkdir,
        mknodat, setxattr, stat, unlink, utimensat,
    },
    io::Errno,
};

use super::{
    Spill, entry,
    path::{AUFS_LINKS, Target, split},
};
use crate::image::{
    durable::remove_tree_at,
    tar::{Entry, Kind, TarReader, Time},
};

/// The layer so far.
pub(super) struct Tree {
    /// What directories' times shall be once nothing is put into them any more: on disk, because
    /// a layer can have any number of them.
    times: Spill,
    /// The directory that was made sure of last.
    parent: Option<Vec<u8>>,
    bytes: u64,
    hides_all: bool,
}

impl Tree {
    pub(super) fn new(times: File) -> Self {
        Self { times: BufWriter::new(times), parent: None, bytes: 0, hides_all: false }
    }

    /// Adds an entry, with the data that the reader has next.
    pub(super) fn add<R: Read>(
        &mut self,
        entry: &Entry,
        data: &mut TarReader<R>,
    ) -> io::Result<()> {
        match Target::of(&entry.path).map_err(io::Error::other)? {
            Target::Nothing => Ok(()),
            Target::Opaque(directory) => self.make_opaque(&directory),
            Target::Whiteout(path) => self.hide(&path),
            Target::Path(path) => self.put(entry, &path, data),
        }
    }

    /// Sets what could not be set before. Returns the bytes of all files, and whether the layer
    /// hides all below it.
    pub(super) fn finish(mut self) -> io::Result<(u64, bool)> {
        remove(AUFS_LINKS)?;
        self.times.flush()?;
        let mut times = self.times.into_inner()?;
        times.rewind()?;
        let mut times = BufReader::new(times);
        while let Some((path, stamps)) = read_times(&mut times)? {
            // It may have been replaced by something else since.
            if found(&path)?.is_some_and(|stat| file_type(&stat) == FileType::Directory) {
                utimensat(CWD, name(&path)?, &stamps, AtFlags::SYMLINK_NOFOLLOW)?;
            }
        }
        Ok((self.bytes, self.hides_all))
    }

    fn put<R: Read>(
        &mut self,
        entry: &Entry,
        path: &[u8],
        data: &mut TarReader<R>,
    ) -> io::Result<()> {
        if path.is_empty() && entry.kind != Kind::Directory {
            return Err(io::Error::other("the layer itself is no directory in it"));
        }
        if !path.is_empty() {
            self.make_parent(path)?;
        }
        let path_name = name(path)?;
        if entry.kind == Kind::HardLink {
            return self.link(entry, path);
        }
        let hid = self.make_room(path, entry.kind)?;
        match entry.kind {
            Kind::File => {
                self.bytes += entry::file(&path_name, entry, data)?;
                return Ok(());
            }
            Kind::Directory => {
                match mkdir(&path_name, Mode::RWXU) {
                    Err(Errno::EXIST) => {}
                    other => other?,
                }
                if hid {
                    set_opaque(&path_name)?;
                }
                entry::attributes(&path_name, entry)?;
                return self.remember_times(path, entry);
            }
            Kind::Symlink => entry::symlink(&path_name, entry)?,
            Kind::CharDevice | Kind::BlockDevice | Kind::Fifo => entry::node(&path_name, entry)?,
            Kind::HardLink => {}
        }
        entry::attributes(&path_name, entry)?;
        Ok(utimensat(CWD, &path_name, &timestamps(entry), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// A second name of what the archive had before. Attributes are those of the first.
    fn link(&mut self, entry: &Entry, path: &[u8]) -> io::Result<()> {
        // Absolute or not, it is meant from the layer's root.
        let target = super::path::clean(&entry.link)
            .ok_or_else(|| io::Error::other("it is a link that leads out of the layer"))?;
        let missing = || {
            let target = super::shown(&entry.link);
            io::Error::other(format!(
                "it is a second name of {target}, which the layer does not have"
            ))
        };
        let to = found(&target)?.ok_or_else(missing)?;
        if file_type(&to) == FileType::Directory {
            return Err(io::Error::other("it is a second name of a directory"));
        }
        if found(path)?.is_some_and(|at| (at.st_dev, at.st_ino) == (to.st_dev, to.st_ino)) {
            return Ok(());
        }
        self.make_room(path, Kind::HardLink)?;
        // Gone with what was in the way.
        if found(&target)?.is_none() {
            return Err(missing());
        }
        Ok(rustix::fs::link(name(&target)?, name(path)?)?)
    }

    /// Removes what is in the way. Whether that hid something of the layers below.
    fn make_room(&mut self, path: &[u8], kind: Kind) -> io::Result<bool> {
        let Some(stat) = found(path)? else { return Ok(false) };
        if file_type(&stat) == FileType::Directory {
            if kind != Kind::Directory {
                self.parent = None;
                remove(path)?;
            }
            return Ok(false);
        }
        self.parent = None;
        unlink(name(path)?)?;
        Ok(is_whiteout(&stat))
    }

    fn hide(&mut self, path: &[u8]) -> io::Result<()> {
        self.make_parent(path)?;
        let path_name = name(path)?;
        match found(path)? {
            None => Ok(mknodat(CWD, &path_name, FileType::CharacterDevice, Mode::empty(), 0)?),
            Some(stat) if file_type(&stat) == FileType::Directory => set_opaque(&path_name),
            Some(_) => Ok(()),
        }
    }

    fn make_opaque(&mut self, directory: &[u8]) -> io::Result<()> {
        if directory.is_empty() {
            self.hides_all = true;
            return Ok(());
        }
        self.make_directories(directory)?;
        set_opaque(&name(directory)?)
    }

    fn make_parent(&mut self, path: &[u8]) -> io::Result<()> {
        let (parent, _) = split(path);
        if parent.is_empty() || self.parent.as_deref() == Some(parent) {
            return Ok(());
        }
        self.make_directories(parent)?;
        self.parent = Some(parent.to_vec());
        Ok(())
    }

    /// Makes the directories that archives leave out at times.
    fn make_directories(&mut self, path: &[u8]) -> io::Result<()> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let whole = name(path)?;
        if stat(&whole).is_ok_and(|stat| file_type(&stat) == FileType::Directory) {
            return Ok(());
        }
        for end in ends.chain([path.len()]) {
            let directory = name(&path[..end])?;
            let mode = Mode::from_raw_mode(0o755);
            match found(&path[..end])? {
                None => mkdir(&directory, mode)?,
                Some(stat) if is_whiteout(&stat) => {
                    unlink(&directory)?;
                    mkdir(&directory, mode)?;
                    set_opaque(&directory)?;
                }
                // Links to directories are followed, as every program does that unpacks; they
                // cannot lead out of this process's root.
                Some(_) => match stat(&directory) {
                    Ok(stat) if file_type(&stat) == FileType::Directory => {}
                    _ => {
                        let shown = super::shown(&path[..end]);
                        return Err(io::Error::other(format!(
                            "{shown} is no directory in the layer"
                        )));
                    }
                },
            }
        }
        Ok(())
    }

    fn remember_times(&mut self, path: &[u8], entry: &Entry) -> io::Result<()> {
        let (modified, accessed) = (entry.mtime, entry.atime.unwrap_or(entry.mtime));
        for time in [modified, accessed] {
            self.times.write_all(&time.seconds.to_le_bytes())?;
            self.times.write_all(&time.nanoseconds.to_le_bytes())?;
        }
        self.times.write_all(&(path.len() as u32).to_le_bytes())?;
        self.times.write_all(path)
    }
}

/// The times of an entry; what is not said of access is that of the last change.
pub(super) fn timestamps(entry: &Entry) -> Timestamps {
    stamps(entry.mtime, entry.atime.unwrap_or(entry.mtime))
}

fn stamps(modified: Time, accessed: Time) -> Timestamps {
    let spec = |time: Time| Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() };
    Timestamps { last_access: spec(accessed), last_modification: spec(modified) }
}

fn read_times(from: &mut impl io::BufRead) -> io::Result<Option<(Vec<u8>, Timestamps)>> {
    if from.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut time = || -> io::Result<Time> {
        let (mut seconds, mut nanoseconds) = ([0; 8], [0; 4]);
        from.read_exact(&mut seconds)?;
        from.read_exact(&mut nanoseconds)?;
        Ok(Time {
            seconds: i64::from_le_bytes(seconds),
            nanoseconds: u32::from_le_bytes(nanoseconds),
        })
    };
    let (modified, accessed) = (time()?, time()?);
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut path = vec![0; u32::from_le_bytes(length) as usize];
    from.read_exact(&mut path)?;
    Ok(Some((path, stamps(modified, accessed))))
}

/// What is at a path, links not followed.
fn found(path: &[u8]) -> io::Result<Option<Stat>> {
    match lstat(name(path)?) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        // Something above it is no directory: so it is not there.
        Err(Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn is_whiteout(stat: &Stat) -> bool {
    file_type(stat) == FileType::CharacterDevice && stat.st_rdev == 0
}

fn set_opaque(directory: &CString) -> io::Result<()> {
    Ok(setxattr(directory, c"trusted.overlay.opaque", b"y", XattrFlags::empty())?)
}

fn remove(path: &[u8]) -> io::Result<()> {
    Ok(remove_tree_at(CWD, &name(path)?)?)
}

/// A path for the kernel, from the directory that is this process's root.
fn name(path: &[u8]) -> io::Result<CString> {
    let path = if path.is_empty() { b"." } else { path };
    CString::new(path).map_err(|_| io::ErrorKind::InvalidInput.into())
}
