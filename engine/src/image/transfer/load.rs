//! Reading images out of an archive.

use std::{collections::BTreeMap, io::Read};

use super::{
    DOCKER_MANIFEST, DockerEntry, NAME_ANNOTATION, OCI_INDEX, OCI_LAYOUT, REF_ANNOTATION,
    spool::Spool,
};
use crate::image::{
    Descriptor, Digest, Document, ImageError, ImageStore, Index, Lease, Manifest, Platform,
    Reference, media_type, record::Named,
};

/// An image that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Its ID.
    pub id: Digest,
    /// The names that it was given.
    pub names: Vec<Reference>,
}

impl ImageStore {
    /// Loads all images of an archive in either layout, plain or compressed with gzip or
    /// Zstandard. It is one pass, and either all images are there afterwards or none more than
    /// before.
    pub fn load(&self, archive: impl Read) -> Result<Vec<Loaded>, ImageError> {
        let loaded = Loading::new(archive, self).and_then(Loading::finish);
        if loaded.is_err() {
            // What was kept of it already. The first error is the one to be told.
            let _ = self.collect();
        }
        loaded
    }
}

struct Loading<'a> {
    store: &'a ImageStore,
    spool: Spool,
    lease: Lease,
    images: Vec<Found>,
}

/// An image in an archive.
struct Found {
    manifest: Digest,
    config: Digest,
    /// What its names stand for: the manifest, or the index that it was found in.
    target: Digest,
    names: Vec<Reference>,
}

impl<'a> Loading<'a> {
    fn new(archive: impl Read, store: &'a ImageStore) -> Result<Self, ImageError> {
        let spool = Spool::read(archive, store)?;
        Ok(Self { lease: store.pin([]), store, spool, images: Vec::new() })
    }

    fn finish(mut self) -> Result<Vec<Loaded>, ImageError> {
        let has_index =
            self.spool.file(OCI_LAYOUT).is_some() && self.spool.file(OCI_INDEX).is_some();
        if has_index {
            self.find_oci()?;
        }
        if let Some(file) = self.spool.file(DOCKER_MANIFEST) {
            let entries: Vec<DockerEntry> =
                serde_json::from_slice(&file.document(DOCKER_MANIFEST)?)
                    .map_err(|error| ImageError::invalid(DOCKER_MANIFEST, error))?;
            for entry in entries {
                self.find_docker(&entry)?;
            }
        } else if !has_index {
            let why = "it has neither manifest.json nor index.json with oci-layout";
            return Err(ImageError::invalid("the archive", why));
        }
        self.register()
    }

    fn find_oci(&mut self) -> Result<(), ImageError> {
        let bytes = self.spool.expect(OCI_INDEX)?.document(OCI_INDEX)?;
        let Document::Index(index) = Document::parse(&bytes, OCI_INDEX)? else {
            return Err(ImageError::invalid(OCI_INDEX, "it is no index"));
        };
        for entry in &index.manifests {
            let names = names_of(entry)?;
            let (digest, manifest) = self.follow(entry, 0)?;
            self.keep_blob(&manifest.config.digest)?;
            for layer in &manifest.layers {
                self.keep_blob(&layer.digest)?;
            }
            self.add(digest, manifest.config.digest, entry.digest, names);
        }
        Ok(())
    }

    /// The manifest that an entry of an index leads to; documents on the way are kept.
    fn follow(
        &mut self,
        entry: &Descriptor,
        depth: usize,
    ) -> Result<(Digest, Manifest), ImageError> {
        let what = format!("the manifest {}", entry.digest);
        let bytes = match self.spool.blob(&entry.digest)? {
            Some(file) => file.document(&what)?,
            None => return Err(ImageError::invalid("the archive", format!("{what} is not in it"))),
        };
        self.keep_blob(&entry.digest)?;
        match Document::parse(&bytes, &what)? {
            Document::Manifest(manifest) => Ok((entry.digest, manifest)),
            Document::Index(_) if depth > 2 => {
                Err(ImageError::invalid(what, "indexes refer to each other without end"))
            }
            Document::Index(index) => {
                let chosen = self.choose(&index).ok_or_else(|| {
                    ImageError::invalid(what, "none of its images is in the archive")
                })?;
                self.follow(&chosen, depth + 1)
            }
        }
    }

    /// Of the images that the archive has, the one for this machine, or else the first.
    fn choose(&self, index: &Index) -> Option<Descriptor> {
        let there = |entry: &&Descriptor| matches!(self.spool.blob(&entry.digest), Ok(Some(_)));
        let manifests: Vec<Descriptor> = index.manifests.iter().filter(there).cloned().collect();
        let present = Index { manifests, ..index.clone() };
        let best = present.choose(&Platform::of_this_machine()).or(present.manifests.first());
        best.cloned()
    }

    /// An image in Docker's list. It has no manifest: one is made, and always the same one.
    fn find_docker(&mut self, entry: &DockerEntry) -> Result<(), ImageError> {
        let names: Vec<Reference> = entry
            .repo_tags
            .iter()
            .flatten()
            .map(|name| Ok(name.parse::<Reference>()?.or_latest()))
            .collect::<Result<_, ImageError>>()?;
        let config = self.spool.expect(&entry.config)?.clone();
        if let Some(known) = self.images.iter_mut().find(|found| found.config == config.digest) {
            // The same image in both lists.
            let new = names.into_iter().filter(|name| !known.names.contains(name));
            known.names.extend(new.collect::<Vec<_>>());
            return Ok(());
        }
        self.store.pin_more(&mut self.lease, [config.digest]);
        config.keep(self.store)?;
        let mut layers = Vec::new();
        for name in &entry.layers {
            let file = self.spool.expect(name)?.clone();
            layers.push(descriptor(file.layer_type()?, file.digest, file.size));
            self.store.pin_more(&mut self.lease, [file.digest]);
            file.keep(self.store)?;
        }
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media_type::OCI_MANIFEST.to_owned()),
            config: descriptor(media_type::OCI_CONFIG, config.digest, config.size),
            layers,
        };
        let bytes = serde_json::to_vec(&manifest)
            .map_err(|error| ImageError::invalid("a manifest", error))?;
        self.store.pin_more(&mut self.lease, [Digest::of(&bytes)]);
        let digest = self.store.blobs.add(&bytes)?;
        self.add(digest, config.digest, digest, names);
        Ok(())
    }

    fn add(&mut self, manifest: Digest, config: Digest, target: Digest, names: Vec<Reference>) {
        match self.images.iter_mut().find(|found| found.target == target) {
            Some(known) => known.names.extend(names),
            None => self.images.push(Found { manifest, config, target, names }),
        }
    }

    fn keep_blob(&mut self, digest: &Digest) -> Result<(), ImageError> {
        self.store.pin_more(&mut self.lease, [*digest]);
        match self.spool.blob(digest)? {
            Some(file) => file.keep(self.store),
            // Layers that are known need not be sent again.
            None if self.store.blobs.contains(digest) => Ok(()),
            None => Err(ImageError::invalid("the archive", format!("{digest} is not in it"))),
        }
    }

    fn register(self) -> Result<Vec<Loaded>, ImageError> {
        let mut names = BTreeMap::new();
        let mut loaded: Vec<Loaded> = Vec::new();
        for found in &self.images {
            let id = self.store.register(&found.manifest)?;
            let named = Named { image: id, target: found.target };
            names.extend(found.names.iter().map(|name| (name.clone(), named)));
            match loaded.iter_mut().find(|known| known.id == id) {
                Some(known) => known.names.extend(found.names.iter().cloned()),
                None => loaded.push(Loaded { id, names: found.names.clone() }),
            }
        }
        self.store.set_names(&names.into_iter().collect::<Vec<_>>())?;
        Ok(loaded)
    }
}

/// The name of an entry of an index. What is not a name with a tag, or the full one, is a note of
/// another program.
fn names_of(entry: &Descriptor) -> Result<Vec<Reference>, ImageError> {
    let annotation = |key| entry.annotations.as_ref().and_then(|all| all.get(key));
    if let Some(name) = annotation(NAME_ANNOTATION) {
        return Ok(vec![name.parse::<Reference>()?.or_latest()]);
    }
    let name = annotation(REF_ANNOTATION).filter(|name| name.contains([':', '/']));
    Ok(name
        .and_then(|name| name.parse::<Reference>().ok())
        .map(Reference::or_latest)
        .into_iter()
        .collect())
}

fn descriptor(media_type: &str, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest,
        size,
        platform: None,
        annotations: None,
    }
}
