//! The store: which images there are, what they are called, and what may be removed.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use oci_spec::image::ImageConfiguration;
use rustix::fs::{FlockOperation, flock};

use super::{
    ConfigFacts, Digest, Document, Helper, ImageError, Manifest, Reference,
    blobs::Blobs,
    compression::decompress,
    digest::Hashing,
    durable,
    layers::Layers,
    record::{ImageRecord, Named, Records, State},
};

/// The format of what [`ImageStore::open`] finds or makes.
const FORMAT: u32 = 1;

/// An image that can be run.
#[derive(Debug, Clone)]
pub struct Image {
    /// The digest of its configuration.
    pub id: Digest,
    /// The configuration.
    pub config: ImageConfiguration,
    /// The configuration as it is: Docker keeps more in it than the specification has.
    pub raw_config: Vec<u8>,
    /// Directories for overlay's `lowerdir`, lowest first, each once.
    pub layers: Vec<PathBuf>,
}

/// Keeps an image, or content that is not yet of an image, from being collected while it lives.
#[derive(Debug)]
pub struct Lease {
    state: Arc<Mutex<State>>,
    image: Option<Digest>,
    pins: Vec<Digest>,
}

/// All images of an engine, in one directory that no other process uses.
#[derive(Debug)]
pub struct ImageStore {
    pub(super) scratch: PathBuf,
    pub(super) blobs: Blobs,
    pub(super) layers: Layers,
    pub(super) records: Records,
    state: Arc<Mutex<State>>,
    _lock: Lock,
}

/// Held on a store. The kernel releases it when the process ends, however it does.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    /// Closing it would not do: a process that was forked a moment ago, and has not executed its
    /// program yet, has it open too (flock(2)).
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked by that process.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

impl ImageStore {
    /// Opens the store in `root`, and makes it if there is none. Layers are applied by this very
    /// program, see [`Helper`].
    ///
    /// Work that was cut off before is removed. Content that no image needs stays until
    /// [`ImageStore::collect`], which the engine calls once it holds what its containers use.
    pub fn open(root: &Path) -> Result<Self, ImageError> {
        Self::open_with(root, Helper::this_program())
    }

    /// The same, with another program that applies layers.
    pub fn open_with(root: &Path, helper: Helper) -> Result<Self, ImageError> {
        let make = |path: &Path| {
            durable::create_directory(path)
                .map_err(ImageError::io(format!("make {}", path.display())))
        };
        make(root)?;
        let lock = lock(root)?;
        let scratch = root.join("scratch");
        durable::remove_tree(&scratch)
            .map_err(ImageError::io(format!("empty {}", scratch.display())))?;
        make(&scratch)?;
        check_format(root, &scratch)?;
        let records = Records::open(root, &scratch)?;
        Ok(Self {
            blobs: Blobs::open(root, &scratch)?,
            layers: Layers::open(root, &scratch, helper)?,
            state: Arc::new(Mutex::new(records.load()?)),
            records,
            scratch,
            _lock: lock,
        })
    }

    /// The image that `reference` names: a name, with `latest` understood, a digest, an ID or the
    /// start of one that is unique.
    pub fn resolve(&self, reference: &str) -> Result<Image, ImageError> {
        let id = self.find(reference)?;
        self.image(&id)
    }

    /// The image with this ID, even if it was deleted while something held it.
    pub fn image(&self, id: &Digest) -> Result<Image, ImageError> {
        let record = self.record(id)?;
        let raw_config = self.blobs.document(id)?;
        let config = serde_json::from_slice(&raw_config)
            .map_err(|error| ImageError::invalid(format!("the configuration {id}"), error))?;
        Ok(Image { id: *id, config, raw_config, layers: self.layers.stack(&record.diff_ids)? })
    }

    /// Keeps `image` until the lease is dropped, whatever is deleted meanwhile. Leases do not
    /// outlive the process; the image does, until [`ImageStore::collect`].
    pub fn hold(&self, image: &Image) -> Result<Lease, ImageError> {
        self.hold_id(&image.id)
    }

    /// The same for an image known by its ID, as containers know theirs after a restart.
    pub fn hold_id(&self, id: &Digest) -> Result<Lease, ImageError> {
        let mut state = self.state();
        if !state.images.contains_key(id) {
            return Err(ImageError::NoSuchImage(id.to_string()));
        }
        *state.holds.entry(*id).or_default() += 1;
        Ok(Lease { state: Arc::clone(&self.state), image: Some(*id), pins: Vec::new() })
    }

    /// Gives an image a name. An image that had it keeps its others.
    pub fn tag(&self, image: &Digest, name: &Reference) -> Result<(), ImageError> {
        let target = self.record(image)?.manifest;
        self.set_names(&[(name.clone(), Named { image: *image, target })])
    }

    /// Removes what no image needs, and images that were deleted while they were held. Returns how
    /// many bytes of blobs went.
    pub fn collect(&self) -> Result<u64, ImageError> {
        // One lock throughout: what is added meanwhile is pinned, and waits for it.
        let mut state = self.state();
        let gone: Vec<Digest> = state
            .images
            .values()
            .filter(|record| record.deleted && !state.holds.contains_key(&record.id))
            .map(|record| record.id)
            .collect();
        for id in gone {
            self.records.remove_image(&id)?;
            state.images.remove(&id);
        }
        let mut needed = Needed::default();
        for record in state.images.values() {
            needed.layers.extend(&record.diff_ids);
            needed.blobs.insert(record.id);
            self.need(&record.manifest, &mut needed)?;
        }
        for named in state.names.values() {
            self.need(&named.target, &mut needed)?;
        }
        let unneeded = |of: &BTreeSet<Digest>, digest: &Digest| {
            !of.contains(digest) && !state.pins.contains_key(digest)
        };
        let mut bytes = 0;
        for digest in self.blobs.list()?.iter().filter(|digest| unneeded(&needed.blobs, digest)) {
            bytes += self.blobs.size(digest)?;
            self.blobs.remove(digest)?;
        }
        for digest in self.layers.list()?.iter().filter(|digest| unneeded(&needed.layers, digest)) {
            self.layers.remove(digest)?;
        }
        Ok(bytes)
    }

    /// Keeps blobs and layers that are about to be added, by digest.
    pub(super) fn pin(&self, digests: impl IntoIterator<Item = Digest>) -> Lease {
        let mut lease = Lease { state: Arc::clone(&self.state), image: None, pins: Vec::new() };
        self.pin_more(&mut lease, digests);
        lease
    }

    /// Adds to what a lease keeps.
    pub(super) fn pin_more(&self, lease: &mut Lease, digests: impl IntoIterator<Item = Digest>) {
        let mut state = self.state();
        for digest in digests {
            *state.pins.entry(digest).or_default() += 1;
            lease.pins.push(digest);
        }
    }

    /// Makes an image of a manifest whose blobs are all there, and unpacks the layers that are not
    /// yet. The caller has pinned everything. Returns the image's ID.
    pub(super) fn register(&self, digest: &Digest) -> Result<Digest, ImageError> {
        let what = format!("the manifest {digest}");
        let Document::Manifest(manifest) = Document::parse(&self.blobs.document(digest)?, &what)?
        else {
            return Err(ImageError::invalid(what, "it is an index of images"));
        };
        let diff_ids = self.check(&manifest, &what)?;
        let _layers = self.pin(diff_ids.iter().copied());
        for (layer, diff_id) in manifest.layers.iter().zip(&diff_ids) {
            self.unpack(&layer.digest, diff_id)?;
        }
        let id = manifest.config.digest;
        let mut state = self.state();
        let record = match state.images.get(&id) {
            Some(known) => ImageRecord { deleted: false, ..known.clone() },
            None => ImageRecord { id, manifest: *digest, diff_ids, tagged: now(), deleted: false },
        };
        if state.images.get(&id) != Some(&record) {
            self.records.save_image(&record)?;
            state.images.insert(id, record);
        }
        Ok(id)
    }

    /// Unpacks one layer. If it is there, from whichever archive, this one must be the same.
    fn unpack(&self, blob: &Digest, diff_id: &Digest) -> Result<(), ImageError> {
        if !self.layers.contains(diff_id) {
            return self.layers.apply(self.blobs.open_blob(blob)?, diff_id);
        }
        if blob == diff_id {
            return Ok(());
        }
        let unpacked = decompress(self.blobs.open_blob(blob)?).map(Hashing::new);
        let found = unpacked.and_then(|mut unpacked| {
            io::copy(&mut unpacked, &mut io::sink())?;
            Ok(unpacked.digest())
        });
        let found =
            found.map_err(|error| ImageError::invalid(format!("the layer {blob}"), error))?;
        if found != *diff_id {
            let what = "a layer".to_owned();
            return Err(ImageError::WrongDigest { what, expected: *diff_id, found });
        }
        Ok(())
    }

    /// Whether manifest and configuration fit together. Returns the digests of the layers.
    pub(super) fn check(&self, manifest: &Manifest, what: &str) -> Result<Vec<Digest>, ImageError> {
        let config = self.blobs.document(&manifest.config.digest)?;
        let about = format!("the configuration {}", manifest.config.digest);
        let facts = ConfigFacts::parse(&config, &about)?;
        // What cannot be run later is refused now.
        serde_json::from_slice::<ImageConfiguration>(&config)
            .map_err(|error| ImageError::invalid(about, error))?;
        let (layers, diff_ids) = (manifest.layers.len(), facts.rootfs.diff_ids.len());
        if layers != diff_ids {
            let why = format!("it has {layers} layers, and its configuration has {diff_ids}");
            return Err(ImageError::invalid(what, why));
        }
        Ok(facts.rootfs.diff_ids)
    }

    /// Adds and replaces names.
    pub(super) fn set_names(&self, names: &[(Reference, Named)]) -> Result<(), ImageError> {
        let mut state = self.state();
        let mut all = state.names.clone();
        all.extend(names.iter().cloned());
        self.records.save_names(&all)?;
        state.names = all;
        for (_, named) in names {
            if let Some(record) = state.images.get_mut(&named.image) {
                record.tagged = now();
                record.deleted = false;
                self.records.save_image(record)?;
            }
        }
        Ok(())
    }

    pub(super) fn record(&self, id: &Digest) -> Result<ImageRecord, ImageError> {
        let known = self.state().images.get(id).cloned();
        known.ok_or_else(|| ImageError::NoSuchImage(id.to_string()))
    }

    /// The ID of the image that `text` names.
    pub(super) fn find(&self, text: &str) -> Result<Digest, ImageError> {
        let missing = || ImageError::NoSuchImage(text.to_owned());
        let state = self.state();
        let exists = |id: &Digest| state.images.get(id).is_some_and(|record| !record.deleted);
        let full = text.parse().ok().or_else(|| Digest::from_hex(text));
        if let Some(id) = full {
            return if exists(&id) { Ok(id) } else { Err(missing()) };
        }
        if let Ok(reference) = text.parse::<Reference>() {
            let reference = match reference.digest() {
                Some(digest) => reference.with_digest(digest),
                None => reference.or_latest(),
            };
            if let Some(named) = state.names.get(&reference) {
                return Ok(named.image);
            }
        }
        let start = text.strip_prefix("sha256:").unwrap_or(text);
        let is_start = !start.is_empty() && start.bytes().all(|digit| digit.is_ascii_hexdigit());
        let mut found =
            state.images.keys().filter(|id| is_start && exists(id) && id.hex().starts_with(start));
        match (found.next(), found.next()) {
            (Some(id), None) => Ok(*id),
            (Some(_), Some(_)) => Err(ImageError::AmbiguousId(text.to_owned())),
            (None, _) => {
                // Only now does it matter whether it could have been a name at all.
                if !text.starts_with("sha256:") {
                    text.parse::<Reference>()?;
                }
                Err(missing())
            }
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked has not left a map half changed: each is changed by one call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that a manifest or index refers to, as far as it is there.
    fn need(&self, digest: &Digest, needed: &mut Needed) -> Result<(), ImageError> {
        if !needed.blobs.insert(*digest) || !self.blobs.contains(digest) {
            return Ok(());
        }
        match Document::parse(&self.blobs.document(digest)?, &format!("the manifest {digest}"))? {
            Document::Manifest(manifest) => {
                needed.blobs.insert(manifest.config.digest);
                needed.blobs.extend(manifest.layers.iter().map(|layer| layer.digest));
            }
            Document::Index(index) => {
                for entry in &index.manifests {
                    self.need(&entry.digest, needed)?;
                }
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Needed {
    blobs: BTreeSet<Digest>,
    layers: BTreeSet<Digest>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let release = |counts: &mut HashMap<Digest, usize>, digest: &Digest| {
            if let Some(count) = counts.get_mut(digest) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(digest);
                }
            }
        };
        if let Some(image) = &self.image {
            release(&mut state.holds, image);
        }
        for digest in &self.pins {
            release(&mut state.pins, digest);
        }
    }
}

/// Seconds since 1970, as the wall clock has it.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn lock(root: &Path) -> Result<Lock, ImageError> {
    let path = root.join("lock");
    let context = || format!("open {}", path.display());
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(ImageError::io(context()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Lock(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(ImageError::StoreInUse(root.to_owned())),
        Err(error) => Err(ImageError::io(context())(error)),
    }
}

fn check_format(root: &Path, scratch: &Path) -> Result<(), ImageError> {
    let path = root.join("format");
    let shown = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(FORMAT) => Ok(()),
            Ok(found) => {
                Err(ImageError::StoreTooNew { path: root.to_owned(), found, known: FORMAT })
            }
            Err(_) => Err(ImageError::invalid(shown, "it is not the number of a format")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            durable::write(&path, format!("{FORMAT}\n").as_bytes(), scratch)
                .map_err(ImageError::io(format!("write {shown}")))
        }
        Err(error) => Err(ImageError::io(format!("read {shown}"))(error)),
    }
}
