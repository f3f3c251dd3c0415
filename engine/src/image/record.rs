//! What the store remembers of its images: one file for each, and one for all names.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Digest, ImageError, Reference, durable};

/// One image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageRecord {
    /// The digest of its configuration.
    pub(crate) id: Digest,
    /// The manifest that it came by.
    pub(crate) manifest: Digest,
    /// The digests of its layers, unpacked, lowest first.
    pub(crate) diff_ids: Vec<Digest>,
    /// When it was last given a name: seconds since 1970.
    #[serde(default)]
    pub(crate) tagged: i64,
    /// Deleted, and there only as long as something holds it.
    #[serde(default)]
    pub(crate) deleted: bool,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named {
    /// The image.
    pub(crate) image: Digest,
    /// The manifest or index that the name had, or has, in a registry.
    pub(crate) target: Digest,
}

/// All of it, in memory, and who holds what.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) images: BTreeMap<Digest, ImageRecord>,
    pub(crate) names: BTreeMap<Reference, Named>,
    /// Images that containers use: by ID.
    pub(crate) holds: HashMap<Digest, usize>,
    /// Blobs and layers of work that goes on: by digest.
    pub(crate) pins: HashMap<Digest, usize>,
}

/// Where it is kept.
#[derive(Debug)]
pub(crate) struct Records {
    images: PathBuf,
    names: PathBuf,
    scratch: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct NamesFile {
    names: BTreeMap<String, Named>,
}

impl Records {
    pub(crate) fn open(root: &Path, scratch: &Path) -> Result<Self, ImageError> {
        let images = root.join("images");
        durable::create_directory(&images)
            .map_err(ImageError::io(format!("make {}", images.display())))?;
        Ok(Self { images, names: root.join("names.json"), scratch: scratch.to_owned() })
    }

    pub(crate) fn load(&self) -> Result<State, ImageError> {
        let mut state = State::default();
        for id in super::blobs::names(&self.images)? {
            let record: ImageRecord = self.read(&self.images.join(id.hex()))?;
            state.images.insert(id, record);
        }
        if durable::kind(&self.names).is_some() {
            let file: NamesFile = self.read(&self.names)?;
            for (name, named) in file.names {
                state.names.insert(name.parse()?, named);
            }
        }
        Ok(state)
    }

    pub(crate) fn save_image(&self, record: &ImageRecord) -> Result<(), ImageError> {
        self.write(&self.images.join(record.id.hex()), record)
    }

    pub(crate) fn remove_image(&self, id: &Digest) -> Result<(), ImageError> {
        let path = self.images.join(id.hex());
        let context = ImageError::io(format!("remove {}", path.display()));
        fs::remove_file(&path).and_then(|()| durable::sync_parent(&path)).map_err(context)
    }

    pub(crate) fn save_names(&self, names: &BTreeMap<Reference, Named>) -> Result<(), ImageError> {
        let names = names.iter().map(|(name, named)| (name.to_string(), *named)).collect();
        self.write(&self.names, &NamesFile { names })
    }

    fn read<T: serde::de::DeserializeOwned>(&self, path: &Path) -> Result<T, ImageError> {
        let shown = path.display().to_string();
        let bytes = fs::read(path).map_err(ImageError::io(format!("read {shown}")))?;
        serde_json::from_slice(&bytes).map_err(|error| ImageError::invalid(shown, error))
    }

    fn write(&self, path: &Path, value: &impl Serialize) -> Result<(), ImageError> {
        let shown = path.display().to_string();
        let bytes =
            serde_json::to_vec(value).map_err(|error| ImageError::invalid(&*shown, error))?;
        durable::write(path, &bytes, &self.scratch)
            .map_err(ImageError::io(format!("write {shown}")))
    }
}
