//! Reading: bytes, digests, attributes, directories.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use pathrs::flags::OpenFlags;
use rustix::fs::{AtFlags, IFlags, Mode, OFlags};

use super::{Host, HostError, error::io_error};
use crate::digest::Digest;
use crate::facts::Protection;
use crate::file_state::{FileKind, FileState, parent_of};
use crate::texts::phrases::host as phrases;

/// Files that Landfall reads whole (configuration, units) are refused above this size.
const TEXT_LIMIT: u64 = 16 << 20;

/// A file at a moment: any change of it gives another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
}

/// Space and properties of the file system that a path lies on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Bytes that an unprivileged user may still write; root's reserve is left out.
    pub available: u64,
    /// Bytes that are in use.
    pub used: u64,
    /// Inodes left; `None` where the file system makes them as needed.
    pub inodes: Option<u64>,
    /// Mounted read-only.
    pub read_only: bool,
    /// Mounted `noexec`.
    pub no_exec: bool,
    /// Mounted `nosuid`.
    pub no_suid: bool,
    /// Mounted `nodev`.
    pub no_dev: bool,
    /// `f_type` of statfs(2).
    pub magic: u64,
    /// Device number: the same number is the same file system.
    pub device: u64,
}

impl Host {
    /// A file's bytes, or `None` if there is no such file.
    ///
    /// # Errors
    /// [`HostError::Io`] if it is not a regular file, larger than 16 MiB, or unreadable.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, HostError> {
        let Some(file) = self.open_file(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(TEXT_LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| HostError::io("read", path, source))?;
        if bytes.len() as u64 > TEXT_LIMIT {
            let source =
                std::io::Error::new(std::io::ErrorKind::FileTooLarge, phrases::OVER_16_MIB);
            return Err(HostError::io("read", path, source));
        }
        Ok(Some(bytes))
    }

    /// The first bytes of a file, at most `length`, or `None` if there is no such file.
    ///
    /// # Errors
    /// [`HostError::Io`] if it is not a regular file or unreadable.
    pub fn read_start(&self, path: &str, length: u64) -> Result<Option<Vec<u8>>, HostError> {
        let Some(file) = self.open_file(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(length)
            .read_to_end(&mut bytes)
            .map_err(|source| HostError::io("read", path, source))?;
        Ok(Some(bytes))
    }

    /// A file's text, or `None` if there is no such file. Bytes that are not UTF-8 are
    /// replaced: for files that are looked at, not edited.
    ///
    /// # Errors
    /// As [`Host::read`].
    pub fn read_text(&self, path: &str) -> Result<Option<String>, HostError> {
        Ok(self.read(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Opens a regular file, following links beneath the root; `None` if it is absent.
    ///
    /// # Errors
    /// [`HostError::Io`] if it is something else, or cannot be opened.
    pub fn open_file(&self, path: &str) -> Result<Option<File>, HostError> {
        let flags = OpenFlags::O_RDONLY | OpenFlags::O_NOCTTY | OpenFlags::from_bits_retain(0o4000);
        match self.root.open_subpath(path, flags) {
            Ok(file) => {
                let metadata =
                    file.metadata().map_err(|source| HostError::io("read", path, source))?;
                if metadata.is_file() {
                    return Ok(Some(file));
                }
                let source = std::io::Error::other(phrases::NOT_REGULAR);
                Err(HostError::io("read", path, source))
            }
            Err(error) => {
                let error = HostError::io("open", path, io_error(&error));
                if error.is_not_found() { Ok(None) } else { Err(error) }
            }
        }
    }

    /// What tells a file from any other, and from itself before a change; `None` if it is absent.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be looked at.
    pub fn identity(&self, path: &str) -> Result<Option<FileIdentity>, HostError> {
        let Some(file) = self.open_file(path)? else { return Ok(None) };
        let stat =
            rustix::fs::fstat(&file).map_err(|errno| HostError::errno("look at", path, errno))?;
        Ok(Some(FileIdentity {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }))
    }

    /// The sha256 of a regular file, or `None` if it is absent.
    ///
    /// # Errors
    /// As [`Host::open_file`].
    pub fn digest(&self, path: &str) -> Result<Option<Digest>, HostError> {
        let Some(file) = self.open_file(path)? else { return Ok(None) };
        let digest = Digest::of_reader(file);
        digest.map(Some).map_err(|source| HostError::io("read", path, source))
    }

    /// Attributes of what stands at a path (a final link is not followed), or `None`.
    ///
    /// # Errors
    /// [`HostError::Io`] if a directory on the way cannot be searched.
    pub fn stat(&self, path: &str) -> Result<Option<FileState>, HostError> {
        let (parent, name) = match self.parent(path) {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let stat = match rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(HostError::errno("look at", path, errno)),
        };
        let kind = match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
            rustix::fs::FileType::RegularFile => FileKind::File,
            rustix::fs::FileType::Directory => FileKind::Directory,
            rustix::fs::FileType::Symlink => FileKind::Symlink,
            _ => FileKind::Other,
        };
        let target = (kind == FileKind::Symlink)
            .then(|| rustix::fs::readlinkat(&parent, name, Vec::new()))
            .transpose()
            .map_err(|errno| HostError::errno("read link", path, errno))?
            .map(|target| target.to_string_lossy().into_owned());
        let xattrs = match kind {
            FileKind::File | FileKind::Directory => read_xattrs(&parent, name, path)?,
            FileKind::Symlink | FileKind::Other => BTreeMap::new(),
        };
        Ok(Some(FileState {
            kind,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: stat.st_mtime,
            xattrs,
            target,
        }))
    }

    /// Names in a directory, sorted; empty if there is no such directory.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be read.
    pub fn read_dir(&self, path: &str) -> Result<Vec<String>, HostError> {
        let handle = match self.open_dir(path) {
            Ok(handle) => handle,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        let entries = rustix::fs::Dir::read_from(&handle)
            .map_err(|errno| HostError::errno("list", path, errno))?;
        for entry in entries {
            let entry = entry.map_err(|errno| HostError::errno("list", path, errno))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Space and mount flags where `path` lies, or would lie: the nearest directory above
    /// it that exists is asked.
    ///
    /// # Errors
    /// [`HostError::Io`] if even the root directory cannot be asked.
    pub fn file_system(&self, path: &str) -> Result<FileSystem, HostError> {
        let mut at = path;
        let handle = loop {
            match self.root.resolve(at) {
                Ok(handle) => break handle,
                Err(error) => match parent_of(at) {
                    Some(parent) => at = parent,
                    None => return Err(HostError::path("look at", path, &error)),
                },
            }
        };
        let statfs =
            rustix::fs::fstatfs(&handle).map_err(|errno| HostError::errno("look at", at, errno))?;
        let flags = rustix::fs::fstatvfs(&handle)
            .map_err(|errno| HostError::errno("look at", at, errno))?;
        let stat =
            rustix::fs::fstat(&handle).map_err(|errno| HostError::errno("look at", at, errno))?;
        Ok(FileSystem {
            available: flags.f_bavail.saturating_mul(flags.f_frsize),
            used: flags.f_blocks.saturating_sub(flags.f_bfree).saturating_mul(flags.f_frsize),
            inodes: (flags.f_files > 0).then_some(flags.f_favail),
            read_only: flags.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
            no_exec: flags.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC),
            no_suid: flags.f_flag.contains(rustix::fs::StatVfsMountFlags::NOSUID),
            no_dev: flags.f_flag.contains(rustix::fs::StatVfsMountFlags::NODEV),
            magic: u64::try_from(statfs.f_type).unwrap_or(0),
            device: stat.st_dev,
        })
    }

    /// Whether the file system under `path` reports the type of directory entries, which
    /// overlay2 needs (xfs made with `ftype=0` does not). `None` if it holds no entry that
    /// would tell.
    ///
    /// # Errors
    /// [`HostError::Io`] if the directory above cannot be listed.
    pub fn reports_entry_type(&self, path: &str) -> Result<Option<bool>, HostError> {
        let (handle, at) = self.open_nearest_dir(path)?;
        entry_type_of(&handle, at)
    }

    /// Whether a file or directory is protected by a flag of its inode (`FS_IOC_GETFLAGS`,
    /// ioctl_iflags(2)); links are followed. `None` also where the file system has no flags.
    ///
    /// # Errors
    /// [`HostError::Io`] if the way cannot be searched.
    pub fn protection(&self, path: &str) -> Result<Option<Protection>, HostError> {
        // Opening a device can do something.
        let kind = self.stat(path)?.map(|state| state.kind);
        if matches!(kind, None | Some(FileKind::Other)) {
            return Ok(None);
        }
        let flags = OpenFlags::O_RDONLY | OpenFlags::O_NOCTTY | OpenFlags::from_bits_retain(0o4000);
        let Ok(file) = self.root.open_subpath(path, flags) else { return Ok(None) };
        let Ok(flags) = rustix::fs::ioctl_getflags(&file) else { return Ok(None) };
        Ok(match flags {
            flags if flags.contains(IFlags::IMMUTABLE) => Some(Protection::Immutable),
            flags if flags.contains(IFlags::APPEND) => Some(Protection::AppendOnly),
            _ => None,
        })
    }

    /// Where a path leads once all links are followed, as the running system names it;
    /// `None` if there is nothing.
    ///
    /// # Errors
    /// [`HostError::Io`] if the way cannot be searched.
    pub fn real_path(&self, path: &str) -> Result<Option<String>, HostError> {
        let handle = match self.root.resolve(path) {
            Ok(handle) => handle,
            Err(error) => {
                let error = HostError::path("look at", path, &error);
                return if error.is_not_found() { Ok(None) } else { Err(error) };
            }
        };
        let link = format!("/proc/self/fd/{}", handle.as_fd().as_raw_fd());
        let target = rustix::fs::readlink(link, Vec::new())
            .map_err(|errno| HostError::errno("look at", path, errno))?;
        Ok(Some(target.to_string_lossy().into_owned()))
    }

    /// A handle of `path`, or of the nearest directory above it that exists, and which it is.
    pub(super) fn open_nearest_dir<'a>(
        &self,
        path: &'a str,
    ) -> Result<(OwnedFd, &'a str), HostError> {
        let mut at = path;
        loop {
            match (self.open_dir(at), parent_of(at)) {
                (Ok(handle), _) => return Ok((handle, at)),
                (Err(error), Some(parent)) if error.is_not_found() => at = parent,
                (Err(error), _) => return Err(error),
            }
        }
    }

    /// A handle of a directory, following links beneath the root.
    pub(super) fn open_dir(&self, path: &str) -> Result<OwnedFd, HostError> {
        let handle =
            self.root.resolve(path).map_err(|error| HostError::path("open", path, &error))?;
        handle
            .reopen(OpenFlags::O_RDONLY | OpenFlags::O_DIRECTORY)
            .map(OwnedFd::from)
            .map_err(|error| HostError::path("open", path, &error))
    }

    /// A handle of the directory that holds `path`, and the last component.
    pub(super) fn parent<'a>(&self, path: &'a str) -> Result<(OwnedFd, &'a str), HostError> {
        let path = path.trim_end_matches('/');
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() {
            return Ok((self.open_dir("/")?, "."));
        }
        let parent = if parent.is_empty() { "/" } else { parent };
        Ok((self.open_dir(parent)?, name))
    }
}

fn entry_type_of(handle: &OwnedFd, path: &str) -> Result<Option<bool>, HostError> {
    let entries = rustix::fs::Dir::read_from(handle)
        .map_err(|errno| HostError::errno("list", path, errno))?;
    for entry in entries {
        let entry = entry.map_err(|errno| HostError::errno("list", path, errno))?;
        // Many file systems make these two up, and know their type.
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            return Ok(Some(entry.file_type() != rustix::fs::FileType::Unknown));
        }
    }
    Ok(None)
}

fn read_xattrs(
    parent: &OwnedFd,
    name: &str,
    path: &str,
) -> Result<BTreeMap<String, String>, HostError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, Mode::empty())
        .map_err(|errno| HostError::errno("open", path, errno))?;
    let mut buffer = vec![0u8; 64 << 10];
    let length = match rustix::fs::flistxattr(&file, buffer.as_mut_slice()) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(BTreeMap::new()),
        Err(errno) => return Err(HostError::errno("read attributes of", path, errno)),
    };
    let mut xattrs = BTreeMap::new();
    let names = String::from_utf8_lossy(&buffer[..length]).into_owned();
    for attribute in names.split('\0').filter(|name| !name.is_empty()) {
        match rustix::fs::fgetxattr(&file, attribute, buffer.as_mut_slice()) {
            Ok(length) => {
                let value = buffer[..length].iter().map(|byte| format!("{byte:02x}")).collect();
                xattrs.insert(attribute.to_owned(), value);
            }
            Err(rustix::io::Errno::NODATA) => {}
            Err(errno) => return Err(HostError::errno("read attributes of", path, errno)),
        }
    }
    Ok(xattrs)
}

/// Copies one open file to another, for the store.
pub(super) fn copy(from: &mut File, to: &mut File) -> std::io::Result<u64> {
    if rustix::fs::ioctl_ficlone(&*to, &*from).is_ok() {
        return Ok(to.metadata()?.size());
    }
    let copied = std::io::copy(from, to)?;
    to.flush()?;
    Ok(copied)
}
