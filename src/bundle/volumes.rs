//! A bundle in several files, for media and gateways that take no large ones.

use std::io;

use serde::{Deserialize, Serialize};

use super::format::{ReadAt, Reader, WholeFile};
use crate::digest::Digest;
use crate::texts::phrases::bundle as phrases;

/// How the list of volumes is called: the bundle's name and this.
pub const LIST_SUFFIX: &str = ".volumes";
/// Most volumes.
const MOST: usize = 999;

/// The list of a bundle's volumes, a file of its own beside them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeList {
    /// The version of this list, 1.
    pub format: u32,
    /// The whole bundle.
    pub bundle: Volume,
    /// Its volumes, in order.
    pub volumes: Vec<Volume>,
}

/// A file, by its name without directories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// What is wrong with the volumes of a bundle.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// The list of volumes cannot be used.
    List {
        /// Why not.
        detail: String,
    },
    /// A volume is not there.
    Missing {
        /// Its name.
        name: String,
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// A volume has another size than it should.
    Size {
        /// Its name.
        name: String,
        /// The size that it should have.
        expected: u64,
        /// The size that it has.
        found: u64,
    },
    /// A volume has other contents than it should.
    Damaged {
        /// Its name.
        name: String,
        /// The volume that it really is.
        is: Option<String>,
    },
}

impl VolumeList {
    /// Reads the list.
    ///
    /// # Errors
    /// [`VolumeError::List`].
    pub fn parse(text: &str) -> Result<Self, VolumeError> {
        let fail = |detail: String| VolumeError::List { detail };
        let list: Self = serde_json::from_str(text).map_err(|error| fail(error.to_string()))?;
        let plain = |volume: &Volume| {
            !volume.name.is_empty() && !volume.name.contains('/') && !volume.name.starts_with('.')
        };
        let sum = list.volumes.iter().map(|it| it.size).fold(0, u64::saturating_add);
        let sound = list.format == 1
            && (1..=MOST).contains(&list.volumes.len())
            && list.volumes.iter().all(plain)
            && sum == list.bundle.size;
        if sound { Ok(list) } else { Err(fail(phrases::LIST_NOT_SOUND.to_owned())) }
    }

    /// How the volumes of a bundle of this size are called and how large they are.
    ///
    /// # Errors
    /// [`VolumeError::List`] if there would be more than 999.
    pub fn sizes(name: &str, size: u64, each: u64) -> Result<Vec<(String, u64)>, VolumeError> {
        let count = size.div_ceil(each.max(1)).max(1);
        if count > MOST as u64 {
            return Err(VolumeError::List { detail: phrases::too_many_volumes(count, MOST) });
        }
        let volume = |number: u64| {
            let left = size - (number - 1) * each;
            (format!("{name}.{number:03}"), left.min(each))
        };
        Ok((1..=count).map(volume).collect())
    }
}

/// Open volumes, which read like the one file that they were.
pub struct Volumes {
    list: VolumeList,
    files: Vec<WholeFile>,
}

impl Volumes {
    /// Takes the open files of the list's volumes, in its order.
    ///
    /// # Errors
    /// [`VolumeError::Size`] if one has another size than the list says.
    pub fn new(list: VolumeList, files: Vec<WholeFile>) -> Result<Self, VolumeError> {
        for (volume, file) in list.volumes.iter().zip(&files) {
            if file.size() != volume.size {
                let name = volume.name.clone();
                let (expected, found) = (volume.size, file.size());
                return Err(VolumeError::Size { name, expected, found });
            }
        }
        Ok(Self { list, files })
    }

    /// Looks for the volume that is to blame for a bundle that could not be read.
    ///
    /// # Errors
    /// [`VolumeError::Damaged`] for the first one; what cannot be read is left to others.
    pub fn check(self: &std::sync::Arc<Self>) -> Result<(), VolumeError> {
        let mut at = 0;
        for volume in &self.list.volumes {
            let from = Reader { source: self.clone(), at };
            at += volume.size;
            let bytes = io::Read::take(from, volume.size);
            let Ok(found) = Digest::of_reader(bytes) else { continue };
            if found != volume.sha256 {
                let is = self.list.volumes.iter().find(|other| other.sha256 == found);
                let is = is.map(|other| other.name.clone());
                return Err(VolumeError::Damaged { name: volume.name.clone(), is });
            }
        }
        Ok(())
    }
}

impl ReadAt for Volumes {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut start = 0;
        for file in &self.files {
            let end = start + file.size();
            if at < end {
                let most = buffer.len().min((end - at) as usize);
                return file.read_at(&mut buffer[..most], at - start);
            }
            start = end;
        }
        Ok(0)
    }

    fn size(&self) -> u64 {
        self.list.bundle.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str], size: u64) -> String {
        let volume = |name: &str| Volume { name: name.to_owned(), size, sha256: Digest::of(b"") };
        let volumes: Vec<Volume> = names.iter().map(|name| volume(name)).collect();
        let total = size * names.len() as u64;
        let bundle = Volume { size: total, ..volume("b.tgz") };
        serde_json::to_string(&VolumeList { format: 1, bundle, volumes }).unwrap()
    }

    #[test]
    fn names_and_sizes() {
        let sizes = VolumeList::sizes("b.tgz", 10, 4).unwrap();
        let expected = [("b.tgz.001", 4), ("b.tgz.002", 4), ("b.tgz.003", 2)];
        assert_eq!(sizes, expected.map(|(name, size)| (name.to_owned(), size)));
        assert_eq!(VolumeList::sizes("b.tgz", 8, 4).unwrap().len(), 2);
        assert!(VolumeList::sizes("b.tgz", 10_000, 4).is_err());
    }

    #[test]
    fn lists_that_lead_elsewhere() {
        assert!(VolumeList::parse(&list(&["b.tgz.001", "b.tgz.002"], 4)).is_ok());
        for name in ["../b", "/etc/passwd", "", ".b"] {
            assert!(VolumeList::parse(&list(&[name], 4)).is_err(), "{name}");
        }
        let other = list(&["b.tgz.001"], 4).replacen("\"size\":4", "\"size\":5", 1);
        for text in ["", "{}", &list(&[], 4), &other, &list(&["x"; 1000], 1)] {
            assert!(VolumeList::parse(text).is_err(), "{text:.60}");
        }
        let huge = list(&["a", "b"], u64::MAX / 2)
            .replace(&(u64::MAX / 2).to_string(), &u64::MAX.to_string());
        assert!(VolumeList::parse(&huge).is_err() || huge.is_empty());
    }
}
