//! What a file, directory or link is, apart from its bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a file system may have in its root without being in use.
pub const LOST_AND_FOUND: &str = "lost+found";

/// The kinds of inode that Landfall tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, FIFO or socket.
    Other,
}

/// Owner, mode, time and extended attributes of one inode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    /// What kind of inode it is.
    pub kind: FileKind,
    /// Permission bits, including set-id and sticky bits (`07777`).
    pub mode: u32,
    /// Owner's user id.
    pub uid: u32,
    /// Owner's group id.
    pub gid: u32,
    /// Length in bytes.
    pub size: u64,
    /// Modification time, seconds since 1970.
    pub mtime: i64,
    /// Extended attributes: name to value in hexadecimal. Empty for links.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub xattrs: BTreeMap<String, String>,
    /// Where a symbolic link points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

impl FileState {
    /// Its owner and mode.
    pub fn ownership(&self) -> Ownership {
        Ownership { mode: self.mode, uid: self.uid, gid: self.gid }
    }
}

/// Owner and mode that a new file or directory gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// Permission bits.
    pub mode: u32,
    /// Owner's user id.
    pub uid: u32,
    /// Owner's group id.
    pub gid: u32,
}

impl Ownership {
    /// Owned by root, with this mode.
    pub const fn root(mode: u32) -> Self {
        Self { mode, uid: 0, gid: 0 }
    }
}

/// The directory that holds an absolute path; `None` for the root.
pub fn parent_of(path: &str) -> Option<&str> {
    match path.trim_end_matches('/').rsplit_once('/')? {
        ("", _) => Some("/"),
        (parent, _) => Some(parent),
    }
}

/// Whether a path is this directory, or lies beneath it.
pub fn is_beneath(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The hidden name beside a target under which its new content is written first.
pub fn new_name(name: &str) -> String {
    format!(".{name}.landfall-new")
}

/// The hidden name beside a file under which it is set aside, until it is certain that it is
/// not needed any more.
fn old_name(name: &str) -> String {
    format!(".{name}.landfall-old")
}

/// Where the file at an absolute path is set aside.
pub fn aside_of(path: &str) -> String {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    format!("{directory}/{}", old_name(name))
}

/// Whether a name is one that [`old_name`] makes.
pub fn is_old_name(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".landfall-old")
}

#[cfg(test)]
impl Ownership {
    /// Owned by whoever runs the tests.
    pub(crate) fn own(mode: u32) -> Self {
        Self {
            mode,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_user_namespaces_is_beneath() {
        assert!(is_beneath("/data/docker", "/data/docker"));
        assert!(is_beneath("/data/docker/100000.100000", "/data/docker"));
        assert!(!is_beneath("/data/docker2", "/data/docker"));
    }
}
