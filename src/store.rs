//! Copies of what was replaced, by digest: `/var/lib/landfall/store/<sha256>`.
//!
//! A copy is a reflink or real bytes, never a hard link: one inode has one SELinux label,
//! and an edit in place would change the copy with the original.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use crate::digest::Digest;
use crate::file_state::{FileState, Ownership};
use crate::host::{FileIdentity, Host, HostError};
use crate::receipt::Receipt;
use crate::steps::StepError;

/// Where Landfall keeps its state on the host.
pub const STATE_DIR: &str = "/var/lib/landfall";
const STORE_DIR: &str = "/var/lib/landfall/store";

/// The store of one host.
pub struct Store<'a> {
    host: &'a Host,
    /// Files that were kept already, as they were then.
    kept: RefCell<BTreeMap<String, (FileIdentity, Digest)>>,
}

impl<'a> Store<'a> {
    /// The store of `host`. Nothing is made until something is kept.
    pub fn new(host: &'a Host) -> Self {
        Self { host, kept: RefCell::default() }
    }

    /// Keeps a copy of a file's bytes and returns their digest. A file that was kept and is still
    /// the same inode, unchanged, is not read again.
    ///
    /// # Errors
    /// [`HostError`] if the file is gone or the copy cannot be written whole.
    pub fn keep(&self, path: &str) -> Result<Digest, HostError> {
        let gone =
            || HostError::io("read", path, std::io::Error::from(std::io::ErrorKind::NotFound));
        let identity = self.host.identity(path)?.ok_or_else(gone)?;
        if let Some((known, sha256)) = self.kept.borrow().get(path)
            && *known == identity
        {
            return Ok(*sha256);
        }
        let sha256 = self.host.digest(path)?.ok_or_else(gone)?;
        self.keep_as(path, sha256)?;
        self.kept.borrow_mut().insert(path.to_owned(), (identity, sha256));
        Ok(sha256)
    }

    fn keep_as(&self, path: &str, sha256: Digest) -> Result<(), HostError> {
        let gone =
            || HostError::io("read", path, std::io::Error::from(std::io::ErrorKind::NotFound));
        let copy = copy_path(sha256);
        if self.host.digest(&copy)? == Some(sha256) {
            return Ok(());
        }
        if self.host.stat(STORE_DIR)?.is_none() {
            self.host.create_dir(STORE_DIR, Ownership::root(0o700))?;
        }
        let mut from = self.host.open_file(path)?.ok_or_else(gone)?;
        self.host.copy_file(&mut from, &copy, Ownership::root(0o600))?;
        self.host.sync_directories()
    }

    /// Opens the copy of these bytes; `None` if the store does not hold them, or not whole.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be read.
    pub fn open(&self, sha256: Digest) -> Result<Option<File>, HostError> {
        let copy = copy_path(sha256);
        if self.host.digest(&copy)? != Some(sha256) {
            return Ok(None);
        }
        self.host.open_file(&copy)
    }

    /// Puts a kept file back at `path` with its attributes.
    ///
    /// # Errors
    /// [`StepError::StoreDamaged`] if the copy is not what it was when it was kept.
    pub fn restore(&self, sha256: Digest, path: &str, state: &FileState) -> Result<(), StepError> {
        let copy = copy_path(sha256);
        if self.host.digest(&copy)? != Some(sha256) {
            return Err(StepError::StoreDamaged(sha256));
        }
        let mut from = self.host.open_file(&copy)?.ok_or(StepError::StoreDamaged(sha256))?;
        self.host.restore_file(path, &mut from, state)?;
        Ok(())
    }
}

impl Store<'_> {
    /// Paths of the copies that a receipt does not need, and their size in bytes.
    ///
    /// # Errors
    /// [`HostError`] if the store cannot be read.
    pub fn unused(&self, receipt: &Receipt) -> Result<(Vec<String>, u64), HostError> {
        let needed: BTreeSet<String> = receipt.copies().into_iter().map(copy_path).collect();
        let (mut paths, mut bytes) = (Vec::new(), 0);
        for name in self.host.read_dir(STORE_DIR)? {
            let path = format!("{STORE_DIR}/{name}");
            if !needed.contains(&path) {
                bytes += self.host.stat(&path)?.map_or(0, |state| state.size);
                paths.push(path);
            }
        }
        Ok((paths, bytes))
    }
}

fn copy_path(sha256: Digest) -> String {
    format!("{STORE_DIR}/{sha256}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    /// A host with a file, and the state that it had.
    fn kept(bed: &Bed) -> (Digest, FileState) {
        bed.write("/etc/conf", "old");
        let state = bed.host.stat("/etc/conf").unwrap().unwrap();
        (Store::new(&bed.host).keep("/etc/conf").unwrap(), state)
    }

    #[test]
    fn keeps_bytes_by_digest_and_out_of_sight() {
        let bed = Bed::new(&["etc"]);
        let (sha256, _) = kept(&bed);
        assert_eq!(sha256, Digest::of(b"old"));
        assert_eq!(bed.read(&copy_path(sha256)), "old");
        assert_eq!(bed.host.stat(STORE_DIR).unwrap().unwrap().mode, 0o700);
        assert_eq!(bed.host.stat(&copy_path(sha256)).unwrap().unwrap().mode, 0o600);
    }

    #[test]
    fn an_edit_in_place_does_not_change_the_copy() {
        let bed = Bed::new(&["etc"]);
        let (sha256, state) = kept(&bed);
        bed.write("/etc/conf", "edited in place");
        assert_eq!(bed.read(&copy_path(sha256)), "old");
        Store::new(&bed.host).restore(sha256, "/etc/conf", &state).unwrap();
        assert_eq!(bed.read("/etc/conf"), "old");
        assert_eq!(bed.host.stat("/etc/conf").unwrap(), Some(state));
    }

    #[test]
    fn a_copy_is_opened_if_it_is_whole() {
        let bed = Bed::new(&["etc"]);
        let (sha256, _) = kept(&bed);
        let store = Store::new(&bed.host);
        assert_eq!(Digest::of_reader(store.open(sha256).unwrap().unwrap()).unwrap(), sha256);
        assert!(store.open(Digest::of(b"other")).unwrap().is_none());
        bed.write(&copy_path(sha256), "rotten");
        assert!(store.open(sha256).unwrap().is_none());
    }

    #[test]
    fn a_file_that_is_gone_comes_back() {
        let bed = Bed::new(&["etc"]);
        let (sha256, state) = kept(&bed);
        bed.host.remove_file("/etc/conf").unwrap();
        Store::new(&bed.host).restore(sha256, "/etc/conf", &state).unwrap();
        assert_eq!(bed.read("/etc/conf"), "old");
    }

    #[test]
    fn the_same_bytes_are_kept_once() {
        let bed = Bed::new(&["etc"]);
        let (sha256, _) = kept(&bed);
        bed.write("/etc/other", "old");
        assert_eq!(Store::new(&bed.host).keep("/etc/other").unwrap(), sha256);
        assert_eq!(bed.host.read_dir(STORE_DIR).unwrap(), [sha256.to_string()]);
    }

    #[test]
    fn a_damaged_copy_is_made_anew_while_the_file_is_there() {
        let bed = Bed::new(&["etc"]);
        let (sha256, _) = kept(&bed);
        bed.write(&copy_path(sha256), "rotten");
        Store::new(&bed.host).keep("/etc/conf").unwrap();
        assert_eq!(bed.read(&copy_path(sha256)), "old");
    }

    #[test]
    fn a_damaged_or_missing_copy_is_never_put_back() {
        let bed = Bed::new(&["etc"]);
        let (sha256, state) = kept(&bed);
        bed.write("/etc/conf", "new");
        bed.write(&copy_path(sha256), "rotten");
        for _ in ["damaged", "missing"] {
            let error = Store::new(&bed.host).restore(sha256, "/etc/conf", &state).unwrap_err();
            assert!(matches!(error, StepError::StoreDamaged(found) if found == sha256), "{error}");
            assert_eq!(bed.read("/etc/conf"), "new");
            bed.host.remove_file(&copy_path(sha256)).unwrap();
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_kept() {
        let bed = Bed::new(&["etc"]);
        let error = Store::new(&bed.host).keep("/etc/conf").unwrap_err();
        assert!(error.to_string().contains("/etc/conf"), "{error}");
        assert_eq!(bed.host.stat(STORE_DIR).unwrap(), None);
    }
}
