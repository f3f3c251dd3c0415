//! The images that containers are made of.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use crate::runtime::read_json;

/// What a container needs of an image.
#[derive(Debug, Clone)]
pub struct RunnableImage {
    /// Its ID, `sha256:…`.
    pub id: String,
    /// `Config` of its configuration.
    pub config: Value,
    /// Directories for overlay, lowest first.
    pub layers: Vec<PathBuf>,
}

/// Root file systems in directories, by name: until the image store is used here.
#[derive(Debug, Clone, Default)]
pub struct Images {
    by_name: BTreeMap<String, RunnableImage>,
}

impl Images {
    /// Adds the root file system in `directory`, with the `Config` in the file beside it that ends
    /// in `.json`, if there is one.
    pub fn add(&mut self, name: &str, directory: &Path) -> std::io::Result<()> {
        let mut beside = directory.as_os_str().to_owned();
        beside.push(".json");
        let config = read_json(Path::new(&beside))?.unwrap_or_else(
            || json!({ "Cmd": ["sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] }),
        );
        // No content to take a digest of; the name's bytes, so that it is the same next time.
        let hex: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
        let id = format!("sha256:{:0>64}", &hex[..hex.len().min(64)]);
        let image = RunnableImage { id, config, layers: vec![directory.to_owned()] };
        self.by_name.insert(name.to_owned(), image);
        Ok(())
    }

    /// The image that `reference` names.
    pub fn resolve(&self, reference: &str) -> ApiResult<&RunnableImage> {
        let name = reference.strip_suffix(":latest").unwrap_or(reference);
        let by_id = |image: &&RunnableImage| image.id == reference;
        self.by_name
            .get(name)
            .or_else(|| self.by_name.values().find(by_id))
            .ok_or_else(|| ApiError::missing(format!("No such image: {}", tagged(reference))))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.by_name.len()
    }
}

/// Docker names the tag that it understood; the client pulls what it reads there.
fn tagged(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    if last.contains(':') { reference.to_owned() } else { format!("{reference}:latest") }
}
