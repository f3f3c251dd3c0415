//! Archives of images: what `docker save` writes, old and new, and OCI layouts in a tar file.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::Deserialize;
use serde_json::{Value, json};
use tar::EntryType;

use super::Measured;
use crate::bundle::format::{BundledImage, Provenance, Reader};
use crate::bundle::header::{self, BLOCK};
use crate::bundle::image_layout::{OCI_MANIFEST, familiar_name};
use crate::digest::Digest;
use crate::texts::phrases::image_archive as phrases;

/// Most tar headers in an archive.
const HEADERS: usize = 100_000;
/// Longest document (index, manifest, configuration) in bytes.
const DOCUMENT: u64 = 8 << 20;
/// Longest PAX record in bytes.
const RECORD: u64 = 1 << 20;

/// Why an archive gives no images.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It cannot be read.
    Read(#[from] io::Error),
    /// It is no archive of images, or is damaged.
    Malformed {
        /// What is wrong with it.
        what: String,
    },
    /// Something that it speaks of is not in it.
    Lacks {
        /// What.
        what: String,
    },
    /// A blob that is not what it is called.
    Digest {
        /// How it is called.
        name: String,
    },
    /// An image without a name could not be found again.
    NoName {
        /// Digest of its manifest or configuration.
        image: String,
    },
    /// No image in it is for this architecture.
    Platform {
        /// The architecture, as images name it.
        wanted: String,
        /// What there is.
        found: String,
    },
}

/// Reads the images for `architecture` (as images name it) from a tar file, each with its blobs.
///
/// # Errors
/// [`ImageError`].
pub fn read_images(
    archive: &Reader,
    architecture: &str,
    from: &Provenance,
) -> Result<Vec<(BundledImage, Vec<Measured>)>, ImageError> {
    let files = Files::index(archive)?;
    let saved: Vec<Saved> = match files.find("manifest.json") {
        Some(_) => files.json("manifest.json")?,
        None => Vec::new(),
    };
    let images = if files.find("oci-layout").is_some() && files.find("index.json").is_some() {
        files.oci(&saved, architecture)?
    } else if saved.is_empty() {
        return Err(malformed(phrases::NO_INDEX));
    } else {
        saved.iter().map(|saved| files.saved(saved)).collect::<Result<Vec<_>, _>>()?
    };
    let mut all = Vec::new();
    for found in images {
        let platform = &found.platform;
        if platform.split('/').nth(1) != Some(architecture) {
            let (wanted, found) = (architecture.to_owned(), platform.clone());
            return Err(ImageError::Platform { wanted, found });
        }
        if found.names.is_empty() {
            return Err(ImageError::NoName { image: found.manifest.sha256.to_string() });
        }
        for reference in &found.names {
            let image = BundledImage {
                reference: reference.clone(),
                digest: found.manifest.sha256,
                media_type: found.media_type.clone(),
                platform: platform.clone(),
                config: found.config.sha256,
                layers: found.layers.iter().map(|layer| layer.sha256).collect(),
                provenance: from.clone(),
            };
            let parts = [found.manifest.clone(), found.config.clone()];
            all.push((image, parts.into_iter().chain(found.layers.clone()).collect()));
        }
    }
    Ok(all)
}

/// An image as it was found.
struct Found {
    names: Vec<String>,
    platform: String,
    media_type: String,
    manifest: Measured,
    config: Measured,
    layers: Vec<Measured>,
}

/// An entry of docker's `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: Digest,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    architecture: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageManifest {
    media_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Config {
    os: String,
    architecture: String,
    variant: Option<String>,
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<Digest>,
}

impl Config {
    fn platform(&self) -> String {
        let variant = self.variant.as_ref().filter(|variant| !variant.is_empty());
        let tail = variant.map(|variant| format!("/{variant}")).unwrap_or_default();
        format!("{}/{}{tail}", self.os, self.architecture)
    }
}

/// Where the files of a tar archive lie.
struct Files<'a> {
    archive: &'a Reader,
    files: BTreeMap<String, (u64, u64)>,
    links: BTreeMap<String, String>,
}

impl<'a> Files<'a> {
    /// Goes from header to header.
    fn index(archive: &'a Reader) -> Result<Self, ImageError> {
        let mut files = Self { archive, files: BTreeMap::new(), links: BTreeMap::new() };
        let mut at = archive.at;
        for _ in 0..HEADERS {
            let mut block = [0; BLOCK];
            Reader { at, ..archive.clone() }.read_exact(&mut block).map_err(cut)?;
            if block == [0; BLOCK] {
                return Ok(files);
            }
            let mut header = tar::Header::new_old();
            header.as_mut_bytes().copy_from_slice(&block);
            if header.cksum().ok() != Some(header::checksum(&block)) {
                return Err(malformed(phrases::HEADER_DAMAGED));
            }
            let size = header::number(&header.as_old().size, header.entry_size());
            let size = size.ok_or_else(|| malformed(phrases::NO_SIZE))?;
            let from = at + BLOCK as u64;
            files.entry(&header, from, size)?;
            at = from.saturating_add(size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64));
        }
        Err(malformed(phrases::TOO_MANY_FILES))
    }

    fn entry(&mut self, header: &tar::Header, at: u64, size: u64) -> Result<(), ImageError> {
        let name = String::from_utf8_lossy(&header.path_bytes()).into_owned();
        let name = plain(&name);
        match header.entry_type() {
            EntryType::Regular => drop(self.files.insert(name, (at, size))),
            EntryType::Symlink => {
                let target = header.link_name_bytes().unwrap_or_default();
                let target = String::from_utf8_lossy(&target).into_owned();
                self.links.insert(name, target);
            }
            EntryType::XHeader | EntryType::XGlobalHeader if size <= RECORD => {
                let mut records = vec![0; size as usize];
                Reader { at, ..self.archive.clone() }.read_exact(&mut records).map_err(cut)?;
                header::check_pax(&records, at).map_err(|error| malformed(&error.to_string()))?;
            }
            EntryType::Directory => {}
            _ => return Err(malformed(phrases::OTHER_TYPE)),
        }
        Ok(())
    }

    /// Where a file lies and how large it is. Old archives have a layer that occurs twice as a
    /// link to the first.
    fn find(&self, name: &str) -> Option<(u64, u64)> {
        let name = plain(name);
        if let Some(found) = self.files.get(&name) {
            return Some(*found);
        }
        let target = self.links.get(&name)?;
        let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
        self.files.get(&plain(&format!("{directory}/{target}"))).copied()
    }

    fn measured(&self, name: &str) -> Result<Measured, ImageError> {
        let lacks = || ImageError::Lacks { what: name.to_owned() };
        let (at, size) = self.find(name).ok_or_else(lacks)?;
        let measured = Measured::of_part(Reader { at, ..self.archive.clone() }, size)?;
        if at + size > self.archive.source.size() { Err(lacks()) } else { Ok(measured) }
    }

    fn text(&self, name: &str) -> Result<Vec<u8>, ImageError> {
        let (at, size) =
            self.find(name).ok_or_else(|| ImageError::Lacks { what: name.to_owned() })?;
        if size > DOCUMENT {
            return Err(malformed(phrases::DOCUMENT_TOO_LARGE));
        }
        let mut text = vec![0; size as usize];
        Reader { at, ..self.archive.clone() }.read_exact(&mut text).map_err(cut)?;
        Ok(text)
    }

    fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, ImageError> {
        let text = self.text(name)?;
        serde_json::from_slice(&text).map_err(|error| malformed(&format!("{name}: {error}")))
    }

    /// A blob of a layout, which is what it is called.
    fn blob(&self, digest: &Digest) -> Result<Measured, ImageError> {
        let name = blob_name(digest);
        let measured = self.measured(&name)?;
        if measured.sha256 == *digest { Ok(measured) } else { Err(ImageError::Digest { name }) }
    }

    /// The images of an OCI layout. Docker's list beside it has their names as people write them.
    fn oci(&self, saved: &[Saved], architecture: &str) -> Result<Vec<Found>, ImageError> {
        let index: Index = self.json("index.json")?;
        let mut images: Vec<Found> = Vec::new();
        for descriptor in &index.manifests {
            let Some((digest, media_type)) = self.choose(descriptor, architecture, 0)? else {
                continue;
            };
            let manifest = self.blob(&digest)?;
            let document: ImageManifest = self.json(&blob_name(&digest))?;
            let config = self.blob(&document.config.digest)?;
            let platform = self.json::<Config>(&blob_name(&config.sha256))?.platform();
            let layers: Result<Vec<_>, _> =
                document.layers.iter().map(|layer| self.blob(&layer.digest)).collect();
            let mut names = names_in(saved, &config.sha256);
            if names.is_empty() {
                names.extend(name_of(&descriptor.annotations));
            }
            match images.iter_mut().find(|other| other.manifest.sha256 == digest) {
                Some(other) => other.names.extend(names),
                None => images.push(Found {
                    names,
                    platform,
                    media_type: document.media_type.unwrap_or(media_type),
                    manifest,
                    config,
                    layers: layers?,
                }),
            }
        }
        images.iter_mut().for_each(|image| {
            image.names.sort();
            image.names.dedup();
        });
        match images.is_empty() {
            true => Err(ImageError::Platform {
                wanted: architecture.to_owned(),
                found: phrases::NO_PLATFORM.to_owned(),
            }),
            false => Ok(images),
        }
    }

    /// The manifest that a descriptor means: itself, or the one for this architecture in an index.
    fn choose(
        &self,
        descriptor: &Descriptor,
        architecture: &str,
        depth: usize,
    ) -> Result<Option<(Digest, String)>, ImageError> {
        let is_index = descriptor.media_type.contains("index")
            || descriptor.media_type.contains("manifest.list");
        if !is_index {
            let media_type = match descriptor.media_type.as_str() {
                "" => OCI_MANIFEST,
                known => known,
            };
            return Ok(Some((descriptor.digest, media_type.to_owned())));
        }
        if depth > 2 {
            return Err(malformed(phrases::NESTED));
        }
        self.blob(&descriptor.digest)?;
        let index: Index = self.json(&blob_name(&descriptor.digest))?;
        for inner in &index.manifests {
            let fits = |platform: &Platform| platform.architecture == architecture;
            let is_here = self.find(&blob_name(&inner.digest)).is_some();
            if is_here && inner.platform.as_ref().is_none_or(fits) {
                return self.choose(inner, architecture, depth + 1);
            }
        }
        Ok(None)
    }

    /// An image of an archive of before Docker 25, which gets a manifest of its own: its
    /// configuration, and with it its id, stays as it is.
    fn saved(&self, saved: &Saved) -> Result<Found, ImageError> {
        let config = self.measured(&saved.config)?;
        let document: Config = self.json(&saved.config)?;
        let layers: Result<Vec<_>, _> =
            saved.layers.iter().map(|layer| self.measured(layer)).collect();
        let layers = layers?;
        if layers.len() != document.rootfs.diff_ids.len() {
            return Err(malformed(phrases::OTHER_LAYERS));
        }
        let mut descriptors: Vec<Value> = Vec::new();
        for (layer, diff_id) in layers.iter().zip(&document.rootfs.diff_ids) {
            let mut start = [0; 2];
            layer.bytes.source.read_at(&mut start, layer.bytes.at)?;
            let is_packed = start == [0x1f, 0x8b];
            if !is_packed && layer.sha256 != *diff_id {
                return Err(ImageError::Digest { name: format!("layer {diff_id}") });
            }
            let tail = if is_packed { "+gzip" } else { "" };
            descriptors.push(json!({
                "mediaType": format!("application/vnd.oci.image.layer.v1.tar{tail}"),
                "digest": format!("sha256:{}", layer.sha256), "size": layer.size,
            }));
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": format!("sha256:{}", config.sha256), "size": config.size,
            },
            "layers": descriptors,
        });
        Ok(Found {
            names: saved.repo_tags.clone().unwrap_or_default(),
            platform: document.platform(),
            media_type: OCI_MANIFEST.to_owned(),
            manifest: Measured::from_vec(manifest.to_string().into_bytes()),
            config,
            layers,
        })
    }
}

/// The names that docker's list has for the image with this configuration.
fn names_in(saved: &[Saved], config: &Digest) -> Vec<String> {
    let of = saved.iter().filter(|saved| saved.config.ends_with(&config.to_string()));
    of.flat_map(|saved| saved.repo_tags.clone().unwrap_or_default()).collect()
}

/// The name that annotations give, if it is more than a tag.
fn name_of(annotations: &BTreeMap<String, String>) -> Option<String> {
    let keys = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
    let mut names = keys.iter().filter_map(|key| annotations.get(*key));
    names.find(|name| name.contains(':')).map(|name| familiar_name(name).to_owned())
}

fn blob_name(digest: &Digest) -> String {
    super::image_layout::blob(digest)
}

/// A path without `.` and with `..` resolved within the archive.
fn plain(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn malformed(what: &str) -> ImageError {
    ImageError::Malformed { what: what.to_owned() }
}

fn cut(error: io::Error) -> ImageError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => malformed(phrases::CUT),
        _ => ImageError::Read(error),
    }
}

#[cfg(test)]
#[path = "image_archive_tests.rs"]
mod tests;
