//! The images of the embedded engine: a store by content, and what is done with it.
//!
//! Everything is named by the SHA-256 of its bytes, and kept as it came: manifests, configurations
//! and layers, so that what is saved or pushed has the digests it was loaded or pulled with. Layers
//! lie unpacked beside that, each once, in the form that overlay mounts.
//!
//! All of this blocks; in a program with a runtime it belongs on a thread for that.

mod apply;
mod blobs;
mod catalog;
mod compression;
mod digest;
mod durable;
mod error;
mod layers;
mod manifest;
mod record;
mod reference;
mod store;
mod tar;
mod transfer;

pub use apply::apply_layer;
pub use catalog::{ImageFacts, Removed};
pub use digest::{BadDigest, Digest};
pub use error::ImageError;
pub use layers::Helper;
pub use manifest::{
    ConfigFacts, Descriptor, Document, Index, Manifest, Platform, RootFs, media_type,
};
pub use reference::{BadReference, DEFAULT_REGISTRY, Reference};
pub use store::{Image, ImageStore, Lease};
pub use transfer::Loaded;
