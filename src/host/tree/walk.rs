//! Going through a directory, and only looking.

use std::collections::btree_set;
use std::ffi::{CStr, CString};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::open_files::OpenFiles;
use super::{Way, kind, names, open_directory, stat};

/// Something in a directory.
pub(in crate::host) struct Entry<'a> {
    /// The directory that it is in.
    pub directory: BorrowedFd<'a>,
    /// Its name there.
    pub name: &'a CStr,
    /// What it is.
    pub stat: &'a Stat,
    /// Where it is.
    pub way: &'a Way,
}

struct Level {
    directory: OwnedFd,
    names: btree_set::IntoIter<CString>,
    length: usize,
}

/// Shows everything beneath a directory, without following links or entering other file systems.
/// What goes meanwhile is left out. An error tells where.
pub(in crate::host) fn walk(
    directory: &OwnedFd,
    visit: &mut dyn FnMut(&Entry<'_>) -> rustix::io::Result<ControlFlow<()>>,
) -> Result<(), (Way, Errno)> {
    let _open_files = OpenFiles::raise();
    let mut way = Way::default();
    let mut levels = Vec::new();
    match begin(directory, &mut levels, visit, &mut way) {
        Ok(()) => Ok(()),
        Err(errno) => Err((way, errno)),
    }
}

fn begin(
    directory: &OwnedFd,
    levels: &mut Vec<Level>,
    visit: &mut dyn FnMut(&Entry<'_>) -> rustix::io::Result<ControlFlow<()>>,
    way: &mut Way,
) -> rustix::io::Result<()> {
    let device = rustix::fs::fstat(directory)?.st_dev;
    let directory = rustix::io::fcntl_dupfd_cloexec(directory, 0)?;
    levels.push(Level { names: names(&directory)?.into_iter(), directory, length: 0 });
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.names.next() else {
            way.leave(level.length);
            levels.pop();
            continue;
        };
        let length = way.enter(&name);
        let found = stat(&level.directory, &name)?.filter(|found| found.st_dev == device);
        let mut inner = None;
        if let Some(found) = found {
            let directory = level.directory.as_fd();
            if visit(&Entry { directory, name: &name, stat: &found, way })?.is_break() {
                return Ok(());
            }
            if kind(&found) == FileType::Directory {
                inner = match open_directory(directory, &name) {
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => None,
                    other => Some(other?),
                };
            }
        }
        match inner {
            Some(directory) if rustix::fs::fstat(&directory)?.st_dev == device => {
                levels.push(Level { names: names(&directory)?.into_iter(), directory, length });
            }
            _ => way.leave(length),
        }
    }
    Ok(())
}
