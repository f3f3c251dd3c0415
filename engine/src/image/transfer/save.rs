//! Writing images into an archive.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read, Write},
};

use tar::{Builder, EntryType, Header};

use super::{
    BLOBS, DOCKER_MANIFEST, DockerEntry, NAME_ANNOTATION, OCI_INDEX, OCI_LAYOUT, REF_ANNOTATION,
};
use crate::image::{
    Descriptor, Digest, Document, ImageError, ImageStore, Index, Lease, Manifest, Reference,
    media_type,
};

impl ImageStore {
    /// Writes images into one archive that holds both layouts. A name without a tag means all
    /// tags that its repository has; an ID means the image without a name.
    ///
    /// The same images give the same bytes: entries are sorted, and of 1970.
    pub fn save(&self, images: &[String], to: impl Write) -> Result<(), ImageError> {
        let (chosen, _held) = self.choose(images)?;
        let mut contents = Contents::default();
        for image in chosen {
            contents.add(self, image)?;
        }
        contents.write(self, to)
    }

    /// What to save, in the order in which it was asked for, and a hold on it.
    fn choose(&self, images: &[String]) -> Result<(Vec<Chosen>, Vec<Lease>), ImageError> {
        let mut chosen: Vec<Chosen> = Vec::new();
        let mut held = Vec::new();
        for text in images {
            let id = match self.names_of_repository(text) {
                names if names.is_empty() => vec![(self.find(text)?, self.name_of(text))],
                names => names,
            };
            for (id, named) in id {
                held.push(self.hold_id(&id)?);
                let target = match named {
                    Some((_, target)) => target,
                    None => self.record(&id)?.manifest,
                };
                let target = self.whole_or(target, &id)?;
                let name = named.map(|(name, _)| name);
                match chosen.iter_mut().find(|known| known.target == target) {
                    Some(known) => known.names.extend(name),
                    None => chosen.push(Chosen { target, names: name.into_iter().collect() }),
                }
            }
        }
        Ok((chosen, held))
    }

    /// All names that a repository has, if `text` is one without a tag.
    fn names_of_repository(&self, text: &str) -> Vec<(Digest, Option<(Reference, Digest)>)> {
        let Ok(repository) = text.parse::<Reference>() else { return Vec::new() };
        if repository.tag().is_some() || repository.digest().is_some() {
            return Vec::new();
        }
        let state = self.state();
        let same = state
            .names
            .iter()
            .filter(|(name, _)| name.tag().is_some() && name.name() == repository.name());
        same.map(|(name, named)| (named.image, Some((name.clone(), named.target)))).collect()
    }

    /// The name itself, if it is one with a tag that is known.
    fn name_of(&self, text: &str) -> Option<(Reference, Digest)> {
        let name = text.parse::<Reference>().ok()?.or_latest();
        let target = self.state().names.get(&name)?.target;
        name.digest().is_none().then_some((name, target))
    }

    /// An index of which not all images are here cannot be saved; then it is the image's manifest.
    fn whole_or(&self, target: Digest, id: &Digest) -> Result<Digest, ImageError> {
        let whole = match Document::parse(&self.blobs.document(&target)?, "a manifest")? {
            Document::Manifest(_) => true,
            Document::Index(index) => {
                index.manifests.iter().all(|entry| self.blobs.contains(&entry.digest))
            }
        };
        if whole { Ok(target) } else { Ok(self.record(id)?.manifest) }
    }
}

struct Chosen {
    target: Digest,
    names: Vec<Reference>,
}

#[derive(Default)]
struct Contents {
    blobs: BTreeSet<Digest>,
    index: Vec<Descriptor>,
    docker: BTreeMap<Digest, DockerEntry>,
    order: Vec<Digest>,
}

impl Contents {
    fn add(&mut self, store: &ImageStore, image: Chosen) -> Result<(), ImageError> {
        let bytes = store.blobs.document(&image.target)?;
        let what = format!("the manifest {}", image.target);
        let (media, manifests) = match Document::parse(&bytes, &what)? {
            Document::Manifest(manifest) => {
                (media_or(&manifest.media_type, media_type::OCI_MANIFEST), vec![manifest])
            }
            Document::Index(index) => {
                let mut manifests = Vec::new();
                for entry in &index.manifests {
                    self.blobs.insert(entry.digest);
                    let bytes = store.blobs.document(&entry.digest)?;
                    if let Document::Manifest(manifest) = Document::parse(&bytes, &what)? {
                        manifests.push(manifest);
                    }
                }
                (media_or(&index.media_type, media_type::OCI_INDEX), manifests)
            }
        };
        self.blobs.insert(image.target);
        for manifest in &manifests {
            self.add_docker(manifest, &image.names);
        }
        let names = image.names.iter().map(Some);
        let names: Vec<_> = if image.names.is_empty() { vec![None] } else { names.collect() };
        for name in names {
            let annotations = name.map(|name| {
                let tag = name.tag().unwrap_or_default().to_owned();
                BTreeMap::from([
                    (NAME_ANNOTATION.to_owned(), name.to_string()),
                    (REF_ANNOTATION.to_owned(), tag),
                ])
            });
            self.index.push(Descriptor {
                media_type: media.clone(),
                digest: image.target,
                size: bytes.len() as u64,
                platform: None,
                annotations,
            });
        }
        Ok(())
    }

    fn add_docker(&mut self, manifest: &Manifest, names: &[Reference]) {
        let path = |digest: &Digest| format!("{BLOBS}/{}", digest.hex());
        let id = manifest.config.digest;
        self.blobs.insert(id);
        self.blobs.extend(manifest.layers.iter().map(|layer| layer.digest));
        let entry = self.docker.entry(id).or_insert_with(|| {
            self.order.push(id);
            let layers = manifest.layers.iter().map(|layer| path(&layer.digest)).collect();
            DockerEntry { config: path(&id), repo_tags: None, layers }
        });
        let tags = names.iter().map(Reference::familiar);
        entry.repo_tags.get_or_insert_default().extend(tags);
    }

    fn write(mut self, store: &ImageStore, to: impl Write) -> Result<(), ImageError> {
        let index = Index {
            schema_version: 2,
            media_type: Some(media_type::OCI_INDEX.to_owned()),
            manifests: self.index,
        };
        let docker: Vec<DockerEntry> =
            self.order.iter().filter_map(|id| self.docker.remove(id)).collect();
        let documents = [
            (OCI_INDEX, json(&index, OCI_INDEX)?),
            (DOCKER_MANIFEST, json(&docker, DOCKER_MANIFEST)?),
            (OCI_LAYOUT, br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ];
        let written = || ImageError::io::<io::Error>("write the archive");
        let mut archive = Builder::new(to);
        for directory in ["blobs/", "blobs/sha256/"] {
            append(&mut archive, EntryType::Directory, directory, 0, io::empty())
                .map_err(written())?;
        }
        for digest in &self.blobs {
            let size = store.blobs.size(digest)?;
            let blob = store.blobs.open_blob(digest)?;
            let name = format!("{BLOBS}/{}", digest.hex());
            append(&mut archive, EntryType::Regular, &name, size, blob).map_err(written())?;
        }
        for (name, bytes) in documents {
            let size = bytes.len() as u64;
            append(&mut archive, EntryType::Regular, name, size, &*bytes).map_err(written())?;
        }
        archive.into_inner().and_then(|mut to| to.flush()).map_err(written())
    }
}

fn append(
    archive: &mut Builder<impl Write>,
    kind: EntryType,
    name: &str,
    size: u64,
    data: impl Read,
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_entry_type(kind);
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    // Exactly what the header says, whatever happens to the file.
    archive.append(&header, data.take(size))
}

fn json(value: &impl serde::Serialize, what: &str) -> Result<Vec<u8>, ImageError> {
    serde_json::to_vec(value).map_err(|error| ImageError::invalid(what, error))
}

fn media_or(given: &Option<String>, otherwise: &str) -> String {
    given.clone().unwrap_or_else(|| otherwise.to_owned())
}
