//! The files of an archive, laid aside until its lists, which may come last, say what they are.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read},
    path::PathBuf,
};

use super::BLOBS;
use crate::image::{
    Digest, ImageError, ImageStore,
    blobs::read_document,
    compression::decompress,
    digest::Hashing,
    durable::Scratch,
    media_type,
    tar::{Kind, TarReader},
};

/// Most files in an archive: a hundred images of a hundred layers have fewer.
const MAX_FILES: usize = 50_000;

/// How often a name may lead to another.
const MAX_LINKS: usize = 8;

/// All files of an archive.
pub(super) struct Spool {
    files: BTreeMap<String, Found>,
    directory: Scratch,
}

enum Found {
    File(Spooled),
    /// Another name; older versions of Docker wrote repeated layers so.
    Link(String),
}

/// A file, under a number.
#[derive(Debug, Clone)]
pub(super) struct Spooled {
    path: PathBuf,
    pub(super) digest: Digest,
    pub(super) size: u64,
}

impl Spool {
    /// Reads an archive, compressed or not, to its end.
    pub(super) fn read(archive: impl Read, store: &ImageStore) -> Result<Self, ImageError> {
        let wrong = |error: &dyn ToString| ImageError::invalid("the archive", error.to_string());
        let directory = Scratch::create_in(&store.scratch)
            .map_err(ImageError::io("make a directory for the archive's files"))?;
        let mut spool = Self { files: BTreeMap::new(), directory };
        let mut reader = TarReader::new(decompress(archive).map_err(|error| wrong(&error))?);
        while let Some(entry) = reader.next_entry().map_err(|error| wrong(&error))? {
            if spool.files.len() >= MAX_FILES {
                return Err(wrong(&format!("it has more than {MAX_FILES} files")));
            }
            let Some(name) = clean(&entry.path) else { continue };
            let found = match entry.kind {
                Kind::File if entry.segments.is_none() => {
                    Found::File(spool.lay_aside(&mut reader)?)
                }
                Kind::Symlink => match clean(&[parent(&name), b"/", &entry.link].concat()) {
                    Some(target) => Found::Link(target),
                    None => continue,
                },
                Kind::HardLink => match clean(&entry.link) {
                    Some(target) => Found::Link(target),
                    None => continue,
                },
                _ => continue,
            };
            spool.files.insert(name, found);
        }
        Ok(spool)
    }

    /// The file of that name.
    pub(super) fn file(&self, name: &str) -> Option<&Spooled> {
        let mut name = clean(name.as_bytes())?;
        for _ in 0..MAX_LINKS {
            match self.files.get(&name)? {
                Found::File(file) => return Some(file),
                Found::Link(target) => name.clone_from(target),
            }
        }
        None
    }

    /// The file, or an error that names it.
    pub(super) fn expect(&self, name: &str) -> Result<&Spooled, ImageError> {
        let missing = || ImageError::invalid("the archive", format!("{name:?} is not in it"));
        self.file(name).ok_or_else(missing)
    }

    /// A blob by its digest, which the name does not prove.
    pub(super) fn blob(&self, digest: &Digest) -> Result<Option<&Spooled>, ImageError> {
        match self.file(&format!("{BLOBS}/{}", digest.hex())) {
            Some(file) if file.digest != *digest => Err(ImageError::WrongDigest {
                what: "a blob of the archive".into(),
                expected: *digest,
                found: file.digest,
            }),
            other => Ok(other),
        }
    }

    fn lay_aside(&self, data: &mut impl Read) -> Result<Spooled, ImageError> {
        let path = self.directory.path().join(self.files.len().to_string());
        let mut copy = || -> io::Result<Spooled> {
            // A name that occurs twice counts the second time.
            let mut file = Hashing::new(File::create(&path)?);
            let size = io::copy(data, &mut file)?;
            Ok(Spooled { digest: file.digest(), size, path: path.clone() })
        };
        copy().map_err(ImageError::io("lay a file of the archive aside"))
    }
}

impl Spooled {
    /// The whole of a small file.
    pub(super) fn document(&self, what: &str) -> Result<Vec<u8>, ImageError> {
        read_document(self.open()?, what)
    }

    /// Keeps the file as a blob.
    pub(super) fn keep(&self, store: &ImageStore) -> Result<(), ImageError> {
        store.blobs.adopt(&self.path, &self.digest)
    }

    /// Which kind of layer it is.
    pub(super) fn layer_type(&self) -> Result<&'static str, ImageError> {
        let mut start = Vec::new();
        self.open()?.take(4).read_to_end(&mut start).map_err(ImageError::io("read a layer"))?;
        Ok(match start[..] {
            [0x1f, 0x8b, ..] => media_type::OCI_LAYER_GZIP,
            [0x28, 0xb5, 0x2f, 0xfd] => media_type::OCI_LAYER_ZSTD,
            _ => media_type::OCI_LAYER,
        })
    }

    fn open(&self) -> Result<BufReader<File>, ImageError> {
        File::open(&self.path)
            .map(BufReader::new)
            .map_err(ImageError::io("open a file of the archive"))
    }
}

/// A name in an archive as text; `None` for what no list can mean.
fn clean(name: &[u8]) -> Option<String> {
    String::from_utf8(crate::image::apply::clean(name)?).ok()
}

fn parent(name: &str) -> &[u8] {
    name.rsplit_once('/').map_or(b"", |(parent, _)| parent.as_bytes())
}
