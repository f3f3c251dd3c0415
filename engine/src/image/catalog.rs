//! What the store tells of its images, and taking names and images away.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::Value;

use super::{Digest, ImageError, ImageStore, Reference, record::ImageRecord};

/// What is known of an image.
#[derive(Debug, Clone)]
pub struct ImageFacts {
    /// The digest of its configuration.
    pub id: Digest,
    /// Its names with a tag.
    pub tags: Vec<Reference>,
    /// Its names by the digest that they have in a registry.
    pub digests: Vec<Reference>,
    /// The configuration.
    pub config: Value,
    /// The digests of its layers, unpacked, lowest first.
    pub diff_ids: Vec<Digest>,
    /// Bytes of the files in its layers.
    pub bytes: u64,
    /// When it was last given a name: seconds since 1970.
    pub tagged: i64,
}

/// What [`ImageStore::remove`] did, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// An image lost this name.
    Untagged(Reference),
    /// The image with this ID is gone.
    Deleted(Digest),
}

impl ImageStore {
    /// All images, the newest first.
    pub fn list(&self) -> Result<Vec<ImageFacts>, ImageError> {
        let records: Vec<ImageRecord> =
            self.state().images.values().filter(|record| !record.deleted).cloned().collect();
        let mut all: Vec<ImageFacts> =
            records.iter().map(|record| self.facts(record)).collect::<Result<_, _>>()?;
        all.sort_by_cached_key(|image| Reverse(created(&image.config)));
        Ok(all)
    }

    /// The image that `reference` names, as [`ImageStore::resolve`] understands it.
    pub fn describe(&self, reference: &str) -> Result<ImageFacts, ImageError> {
        let id = self.find(reference)?;
        self.facts(&self.record(&id)?)
    }

    /// Takes a name away; with the last one, or by ID, the image. `Conflict` if an ID stands for
    /// several names, unless forced. An image that is held stays until it is let go.
    pub fn remove(&self, reference: &str, force: bool) -> Result<Vec<Removed>, ImageError> {
        let id = self.find(reference)?;
        let mut removed = Vec::new();
        let image_goes = {
            let mut state = self.state();
            let mut names = state.names.clone();
            let of_image: Vec<Reference> = names
                .iter()
                .filter(|(_, named)| named.image == id)
                .map(|(name, _)| name.clone())
                .collect();
            let named = reference
                .parse::<Reference>()
                .ok()
                .map(|name| match name.digest() {
                    Some(digest) => name.with_digest(digest),
                    None => name.or_latest(),
                })
                .filter(|name| of_image.contains(name));
            let going = match &named {
                Some(name) => vec![name.clone()],
                None if of_image.len() > 1 && !force => {
                    return Err(ImageError::Conflict(format!(
                        "unable to delete {} (must be forced) - image is referenced in multiple \
                         repositories",
                        &id.hex()[..12]
                    )));
                }
                None => of_image.clone(),
            };
            for name in going {
                names.remove(&name);
                removed.push(Removed::Untagged(name));
            }
            self.records.save_names(&names)?;
            state.names = names;
            let last = !state.names.values().any(|named| named.image == id);
            if last && let Some(record) = state.images.get_mut(&id) {
                record.deleted = true;
                self.records.save_image(record)?;
            }
            last
        };
        if image_goes {
            removed.push(Removed::Deleted(id));
            self.collect()?;
        }
        Ok(removed)
    }

    fn facts(&self, record: &ImageRecord) -> Result<ImageFacts, ImageError> {
        let raw = self.blobs.document(&record.id)?;
        let config = serde_json::from_slice(&raw).map_err(|error| {
            ImageError::invalid(format!("the configuration {}", record.id), error)
        })?;
        let mut bytes = 0;
        for diff_id in &record.diff_ids {
            bytes += self.layers.bytes(diff_id)?;
        }
        let names: Vec<Reference> = self
            .state()
            .names
            .iter()
            .filter(|(_, named)| named.image == record.id)
            .map(|(name, _)| name.clone())
            .collect();
        let (digests, tags) = names.into_iter().partition(|name| name.digest().is_some());
        Ok(ImageFacts {
            id: record.id,
            tags,
            digests,
            config,
            diff_ids: record.diff_ids.clone(),
            bytes,
            tagged: record.tagged,
        })
    }
}

/// When an image was made, by its own word.
fn created(config: &Value) -> Option<Timestamp> {
    config["created"].as_str()?.parse().ok()
}
