//! The file that an engine comes from: upstream's archive, a bundle, or a bundle in volumes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StageError;
use crate::bundle::format::{Head, ReadAt, Reader, WholeFile, looks_like_bundle, read_head};
use crate::bundle::signature::{self, Signature, Trust};
use crate::bundle::volumes::{LIST_SUFFIX, VolumeError, VolumeList, Volumes};
use crate::host::{HostError, input};

/// An open source.
pub struct Source {
    path: String,
    pub(super) bytes: Arc<dyn ReadAt>,
    volumes: Option<Arc<Volumes>>,
}

impl Source {
    /// Opens a file, or the volumes that it lists or is one of.
    ///
    /// # Errors
    /// [`StageError::Host`] if it is not there, [`StageError::Volume`] if a volume is not.
    pub fn open(path: &Path) -> Result<Self, StageError> {
        let shown = path.to_string_lossy().into_owned();
        if let Some(list) = list_of(path) {
            let volumes = Arc::new(open_volumes(&list)?);
            return Ok(Self { path: shown, bytes: volumes.clone(), volumes: Some(volumes) });
        }
        let file = whole(path)?;
        Ok(Self { path: shown, bytes: Arc::new(file), volumes: None })
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.bytes.size()
    }

    /// Whether it is in volumes.
    pub fn in_volumes(&self) -> bool {
        self.volumes.is_some()
    }

    /// All its bytes, from the start.
    pub fn bytes(&self) -> Reader {
        Reader { source: Arc::clone(&self.bytes), at: 0 }
    }

    /// Whether it is a bundle.
    ///
    /// # Errors
    /// [`StageError::Host`] if it cannot be read.
    pub fn is_bundle(&self) -> Result<bool, StageError> {
        let mut start = [0; 16];
        let read = self.bytes.read_at(&mut start, 0);
        let read = read.map_err(|source| HostError::io("read", self.path.clone(), source))?;
        let is_bundle = looks_like_bundle(&start[..read]);
        if !is_bundle && let Some(Err(source)) = self.volumes.as_ref().map(Volumes::check) {
            return Err(StageError::Volume { path: self.path.clone(), source });
        }
        Ok(is_bundle)
    }

    /// The head of a bundle and what its signature says; `None` of an archive of upstream's.
    ///
    /// # Errors
    /// [`StageError`] if the head cannot be read, or the signature refuses it.
    pub fn head(&self, trust: &Trust) -> Result<Option<(Head, Signature)>, StageError> {
        if !self.is_bundle()? {
            return Ok(None);
        }
        let head = read_head(self.bytes(), Some(self.size()));
        let judged = head.and_then(|head| {
            let signature = signature::judge(&head, trust)?;
            Ok((head, signature))
        });
        judged.map(Some).map_err(|error| self.blame(error))
    }

    /// A bundle that cannot be read may have a volume that is to blame.
    pub fn blame(&self, source: crate::bundle::format::FormatError) -> StageError {
        let path = || self.path.clone();
        if source.blames_bundle()
            && let Some(Err(source)) = self.volumes.as_ref().map(Volumes::check)
        {
            return StageError::Volume { path: path(), source };
        }
        StageError::Bundle { path: path(), source }
    }
}

fn whole(path: &Path) -> Result<WholeFile, HostError> {
    let fail = |source| HostError::io("read", path.to_string_lossy(), source);
    WholeFile::new(input::open(path)?).map_err(fail)
}

/// The list of volumes that is meant by `path`: itself, or the one beside a volume.
fn list_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    if name.ends_with(LIST_SUFFIX) {
        return Some(path.to_owned());
    }
    let bundle = match name.rsplit_once('.') {
        Some((bundle, number)) if number.len() == 3 && number.parse::<u16>().is_ok() => bundle,
        // The whole bundle, which only its volumes are left of.
        _ if input::open(path).is_err() => name,
        _ => return None,
    };
    let list = path.with_file_name(format!("{bundle}{LIST_SUFFIX}"));
    input::open(&list).is_ok().then_some(list)
}

fn open_volumes(path: &Path) -> Result<Volumes, StageError> {
    let fail = |source| StageError::Volume { path: path.to_string_lossy().into_owned(), source };
    let list = VolumeList::parse(&input::read_document(path)?).map_err(fail)?;
    let of = list.volumes.len();
    let mut files = Vec::new();
    for (index, volume) in list.volumes.iter().enumerate() {
        let opened = whole(&path.with_file_name(&volume.name));
        files.push(opened.map_err(|error| match error.is_not_found() {
            true => {
                let name = volume.name.clone();
                fail(VolumeError::Missing { name, number: index + 1, of })
            }
            false => error.into(),
        })?);
    }
    Volumes::new(list, files).map_err(fail)
}
