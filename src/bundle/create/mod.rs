//! Putting a bundle together.
//!
//! Everything is a [`Reader`] by the time that it comes here: where the bytes come from – a file
//! that was named, an archive that was unpacked, later a mirror – is for the caller to know.

mod image_archive;

use std::collections::BTreeMap;

pub use image_archive::{ImageError, read_images};

use super::format::{
    BundledEngine, BundledImage, BundledPackage, BundledPlugin, FORMAT, FileEntry, FileRole, Item,
    Manifest, Provenance, Reader,
};
use super::image_layout;
use super::{Archive, Entry};
use crate::digest::Digest;

/// A bundle that is being put together.
pub struct Builder {
    manifest: Manifest,
    items: BTreeMap<(FileRole, String), Item>,
}

/// Bytes with their digest and size.
#[derive(Clone)]
pub struct Measured {
    /// Where they are.
    pub bytes: Reader,
    /// How many.
    pub size: u64,
    /// Their digest.
    pub sha256: Digest,
}

impl Measured {
    /// Reads the bytes from here to the end of the source once.
    ///
    /// # Errors
    /// What the source answers.
    pub fn of(bytes: Reader) -> std::io::Result<Self> {
        let size = bytes.source.size() - bytes.at;
        Self::of_part(bytes, size)
    }

    /// The same of the next `size` bytes.
    ///
    /// # Errors
    /// What the source answers.
    pub fn of_part(bytes: Reader, size: u64) -> std::io::Result<Self> {
        let sha256 = Digest::of_reader(std::io::Read::take(bytes.clone(), size))?;
        Ok(Self { bytes, size, sha256 })
    }

    /// Bytes that were made.
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        let (size, sha256) = (bytes.len() as u64, Digest::of(&bytes));
        Self { bytes: Reader { source: std::sync::Arc::new(bytes), at: 0 }, size, sha256 }
    }
}

impl Builder {
    /// An empty bundle for this architecture, made at this time (RFC 3339).
    pub fn new(architecture: &str, created: String) -> Self {
        let manifest = Manifest {
            format: FORMAT,
            created,
            architecture: architecture.to_owned(),
            engines: Vec::new(),
            files: Vec::new(),
            plugins: Vec::new(),
            images: Vec::new(),
            packages: Vec::new(),
            configuration: None,
        };
        Self { manifest, items: BTreeMap::new() }
    }

    /// Adds an engine, whose programs lie unpacked one behind the other in `unpacked`.
    pub fn engine(
        &mut self,
        archive: &Archive,
        version: &str,
        provenance: Provenance,
        unpacked: &Reader,
    ) {
        let mut bytes = unpacked.clone();
        for entry in &archive.entries {
            self.program(FileRole::Engine, "docker", entry, bytes.clone(), None);
            bytes.at += entry.size;
        }
        self.manifest.engines.push(BundledEngine {
            name: "docker".to_owned(),
            version: version.to_owned(),
            arch: self.manifest.architecture.clone(),
            provenance,
        });
    }

    /// Adds a plugin of docker's client.
    pub fn plugin(
        &mut self,
        plugin: BundledPlugin,
        entry: &Entry,
        bytes: Reader,
        from: Provenance,
    ) {
        self.program(FileRole::Plugin, "cli-plugins", entry, bytes, Some(from));
        self.manifest.plugins.push(plugin);
    }

    fn program(
        &mut self,
        role: FileRole,
        directory: &str,
        entry: &Entry,
        bytes: Reader,
        provenance: Option<Provenance>,
    ) {
        let bytes = Measured { bytes, size: entry.size, sha256: entry.sha256 };
        self.file(format!("{directory}/{}", entry.name), role, bytes, provenance);
    }

    /// Adds an image and its blobs; a blob that is there already is not added again. `false` if
    /// the bundle has another image of this name.
    #[must_use]
    pub fn image(&mut self, image: BundledImage, blobs: Vec<Measured>) -> bool {
        let same = |other: &&BundledImage| other.reference == image.reference;
        if let Some(other) = self.manifest.images.iter().find(same) {
            return other.digest == image.digest;
        }
        for bytes in blobs {
            let path = format!("images/{}", image_layout::blob(&bytes.sha256));
            self.file(path, FileRole::Image, bytes, None);
        }
        self.manifest.images.push(image);
        true
    }

    /// Adds a package of a distribution.
    pub fn package(&mut self, package: BundledPackage, bytes: Measured) {
        let path = format!("packages/{}/{}", package.distribution, package.file);
        let from = Provenance {
            source: package.file.clone(),
            sha256: bytes.sha256,
            vouched_by: Vec::new(),
        };
        self.file(path, FileRole::Package, bytes, Some(from));
        self.manifest.packages.push(package);
    }

    /// Adds Landfall itself.
    pub fn landfall(&mut self, bytes: Measured) {
        self.file("landfall".to_owned(), FileRole::Landfall, bytes, None);
    }

    /// Adds a configuration, which was checked.
    pub fn configuration(&mut self, text: String) {
        self.manifest.configuration = Some(text);
    }

    fn file(
        &mut self,
        path: String,
        role: FileRole,
        measured: Measured,
        provenance: Option<Provenance>,
    ) {
        let is_program = matches!(role, FileRole::Engine | FileRole::Plugin | FileRole::Landfall);
        let Measured { bytes, size, sha256 } = measured;
        let mode = if is_program { 0o755 } else { 0o644 };
        let entry = FileEntry { path: path.clone(), sha256, size, mode, role, provenance };
        self.items.insert((role, path), Item { entry, bytes });
    }

    /// The manifest, but for its files, and the files.
    pub fn finish(mut self) -> (Manifest, Vec<Item>) {
        self.manifest.images.sort_by(|a, b| a.reference.cmp(&b.reference));
        self.manifest.plugins.sort_by(|a, b| a.name.cmp(&b.name));
        self.manifest
            .packages
            .sort_by(|a, b| (&a.distribution, &a.file).cmp(&(&b.distribution, &b.file)));
        self.layout();
        let sums: String = self
            .items
            .values()
            .map(|item| format!("{}  {}\n", item.entry.sha256, item.entry.path))
            .collect();
        let sums = Measured::from_vec(sums.into_bytes());
        self.file("SHA256SUMS".to_owned(), FileRole::Checksums, sums, None);
        (self.manifest, self.items.into_values().collect())
    }

    /// The files that make blobs an image layout.
    fn layout(&mut self) {
        let images = self.manifest.images.clone();
        if images.is_empty() {
            return;
        }
        let size = |digest: &Digest| {
            let path = format!("images/{}", image_layout::blob(digest));
            self.items.get(&(FileRole::Image, path)).map_or(0, |item| item.entry.size)
        };
        let index = image_layout::index(&images, &size);
        for (name, bytes) in [
            ("oci-layout", image_layout::OCI_LAYOUT.as_bytes().to_vec()),
            ("index.json", index),
            ("manifest.json", image_layout::docker_manifest(&images)),
        ] {
            let bytes = Measured::from_vec(bytes);
            self.file(format!("images/{name}"), FileRole::Image, bytes, None);
        }
    }
}
