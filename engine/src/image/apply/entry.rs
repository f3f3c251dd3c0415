//! Making one file, with all that belongs to it.

use std::{
    ffi::CStr,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::fd::AsFd,
};

use rustix::{
    fs::{
        AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, XattrFlags, chmod, chownat, fchmod, fchown,
        fsetxattr, ftruncate, futimens, lsetxattr, makedev, mknodat, openat, symlinkat,
    },
    io::Errno,
};

use super::tree::timestamps;
use crate::image::tar::{Entry, Kind, TarReader};

/// A regular file. Returns the number of its bytes on disk.
pub(super) fn file<R: Read>(
    path: &CStr,
    entry: &Entry,
    data: &mut TarReader<R>,
) -> io::Result<u64> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(CWD, path, flags, Mode::RUSR | Mode::WUSR)?);
    let written = match &entry.segments {
        None => exactly(entry.size, data, &mut file)?,
        Some(segments) => {
            let mut written = 0;
            for segment in segments {
                file.seek(SeekFrom::Start(segment.offset))?;
                written += exactly(segment.length, data, &mut file)?;
            }
            ftruncate(&file, entry.size)?;
            written
        }
    };
    // Changing the owner clears setuid, and the capabilities: so it comes first.
    fchown(&file, Some(uid(entry)), Some(gid(entry)))?;
    fchmod(&file, Mode::from_raw_mode(entry.mode))?;
    for (name, value) in attributes_to_set(entry) {
        allow_unsupported(name, fsetxattr(file.as_fd(), name, value, XattrFlags::empty()))?;
    }
    futimens(&file, &timestamps(entry))?;
    Ok(written)
}

/// A symbolic link, without what belongs to it.
pub(super) fn symlink(path: &CStr, entry: &Entry) -> io::Result<()> {
    if entry.link.is_empty() {
        return Err(io::Error::other("it is a link to nothing"));
    }
    Ok(symlinkat(entry.link.as_slice(), CWD, path)?)
}

/// A device or FIFO, without what belongs to it.
pub(super) fn node(path: &CStr, entry: &Entry) -> io::Result<()> {
    let kind = match entry.kind {
        Kind::CharDevice => FileType::CharacterDevice,
        Kind::BlockDevice => FileType::BlockDevice,
        _ => FileType::Fifo,
    };
    let (major, minor) = entry.device;
    Ok(mknodat(CWD, path, kind, Mode::RUSR | Mode::WUSR, makedev(major, minor))?)
}

/// Owner, mode and extended attributes of what is no regular file.
pub(super) fn attributes(path: &CStr, entry: &Entry) -> io::Result<()> {
    chownat(CWD, path, Some(uid(entry)), Some(gid(entry)), AtFlags::SYMLINK_NOFOLLOW)?;
    if entry.kind != Kind::Symlink {
        chmod(path, Mode::from_raw_mode(entry.mode))?;
    }
    for (name, value) in attributes_to_set(entry) {
        allow_unsupported(name, lsetxattr(path, name, value, XattrFlags::empty()))?;
    }
    Ok(())
}

/// All but those that are not the layer's to set: overlay's own would make it show other files,
/// and SELinux labels are given by the host's policy.
fn attributes_to_set(entry: &Entry) -> impl Iterator<Item = (&[u8], &[u8])> {
    let not_ours: [&[u8]; 3] = [b"trusted.overlay.", b"user.overlay.", b"security.selinux"];
    entry
        .xattrs
        .iter()
        .filter(move |(name, _)| !not_ours.iter().any(|prefix| name.starts_with(prefix)))
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
}

/// Attributes that the file system does not have are left out, as every other engine does; and
/// `user` attributes that the kernel does not allow, which are those of links and devices.
fn allow_unsupported(name: &[u8], result: Result<(), Errno>) -> io::Result<()> {
    match result {
        Err(Errno::OPNOTSUPP) => Ok(()),
        Err(Errno::PERM) if name.starts_with(b"user.") => Ok(()),
        Err(error) => {
            let text = format!("cannot set the attribute {}: {error}", name.escape_ascii());
            Err(io::Error::other(text))
        }
        Ok(()) => Ok(()),
    }
}

fn exactly(bytes: u64, from: &mut impl Read, to: &mut File) -> io::Result<u64> {
    let copied = io::copy(&mut from.take(bytes), to)?;
    if copied < bytes { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(copied) }
}

fn uid(entry: &Entry) -> Uid {
    Uid::from_raw(entry.uid)
}

fn gid(entry: &Entry) -> Gid {
    Gid::from_raw(entry.gid)
}
