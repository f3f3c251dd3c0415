//! Content under the name of its digest, exactly as it came.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::{
    Digest, ImageError,
    digest::Hashing,
    durable::{self, Unnamed},
};

/// Longest manifest, index or configuration that is read into memory: what registries allow is
/// 4 MiB, and some configurations carry long histories.
pub(crate) const MAX_DOCUMENT: u64 = 16 << 20;

/// `blobs/sha256/<hex>`, the layout of OCI image directories.
#[derive(Debug)]
pub(crate) struct Blobs {
    directory: PathBuf,
    scratch: PathBuf,
}

impl Blobs {
    pub(crate) fn open(root: &Path, scratch: &Path) -> Result<Self, ImageError> {
        let parent = root.join("blobs");
        let directory = parent.join("sha256");
        for path in [&parent, &directory] {
            durable::create_directory(path)
                .map_err(ImageError::io(format!("make {}", path.display())))?;
        }
        Ok(Self { directory, scratch: scratch.to_owned() })
    }

    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        durable::kind(&self.path(digest)).is_some()
    }

    /// The size in bytes.
    pub(crate) fn size(&self, digest: &Digest) -> Result<u64, ImageError> {
        let file = self.open_blob(digest)?;
        let metadata = file.metadata().map_err(ImageError::io(format!("read {digest}")))?;
        Ok(metadata.len())
    }

    pub(crate) fn open_blob(&self, digest: &Digest) -> Result<File, ImageError> {
        match File::open(self.path(digest)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ImageError::Missing(*digest))
            }
            other => other.map_err(ImageError::io(format!("open {digest}"))),
        }
    }

    /// A manifest, index or configuration; its digest is checked again.
    pub(crate) fn document(&self, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        let bytes = read_document(self.open_blob(digest)?, &digest.to_string())?;
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(ImageError::WrongDigest {
                what: "a blob of the store".into(),
                expected: *digest,
                found,
            });
        }
        Ok(bytes)
    }

    /// Somewhere to write a blob to.
    pub(crate) fn writer(&self) -> Result<BlobWriter, ImageError> {
        let file = Unnamed::create_in(&self.scratch)
            .map_err(ImageError::io(format!("make a file in {}", self.scratch.display())))?;
        Ok(BlobWriter(Hashing::new(file)))
    }

    /// Keeps what was written, if it has the digest that is expected.
    pub(crate) fn keep(
        &self,
        writer: BlobWriter,
        expected: Option<&Digest>,
    ) -> Result<Digest, ImageError> {
        let BlobWriter(written) = writer;
        let found = written.digest();
        if let Some(&expected) = expected.filter(|expected| **expected != found) {
            return Err(ImageError::WrongDigest { what: "a blob".into(), expected, found });
        }
        if !self.contains(&found) {
            written
                .into_inner()
                .name(&self.path(&found))
                .map_err(ImageError::io(format!("keep {found}")))?;
        }
        Ok(found)
    }

    /// Keeps a file of the scratch directory, whose digest was taken while it was written. It
    /// stays there under its other name as well, until the scratch directory goes.
    pub(crate) fn adopt(&self, file: &Path, digest: &Digest) -> Result<(), ImageError> {
        if self.contains(digest) {
            return Ok(());
        }
        let path = self.path(digest);
        File::open(file)
            .and_then(|file| file.sync_all())
            .and_then(|()| match fs::hard_link(file, &path) {
                // Another thread was quicker.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                linked => linked,
            })
            .and_then(|()| durable::sync_parent(&path))
            .map_err(ImageError::io(format!("keep {digest}")))
    }

    /// Keeps bytes that are in memory.
    pub(crate) fn add(&self, bytes: &[u8]) -> Result<Digest, ImageError> {
        let mut writer = self.writer()?;
        writer.write_all(bytes).map_err(ImageError::io("write a blob"))?;
        self.keep(writer, None)
    }

    pub(crate) fn remove(&self, digest: &Digest) -> Result<(), ImageError> {
        match fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ImageError::io(format!("remove {digest}"))(error))
            }
            _ => Ok(()),
        }
    }

    /// All blobs. What has another name is none of ours, and passed over.
    pub(crate) fn list(&self) -> Result<Vec<Digest>, ImageError> {
        names(&self.directory)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.directory.join(digest.hex())
    }
}

/// A blob that is being written. Dropped, it leaves nothing.
#[derive(Debug)]
pub(crate) struct BlobWriter(Hashing<Unnamed>);

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Reads a whole document, up to [`MAX_DOCUMENT`].
pub(crate) fn read_document(from: impl Read, what: &str) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    from.take(MAX_DOCUMENT + 1)
        .read_to_end(&mut bytes)
        .map_err(ImageError::io(format!("read {what}")))?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(ImageError::invalid(what, format!("it is longer than {MAX_DOCUMENT} bytes")));
    }
    Ok(bytes)
}

/// The digests that are names in a directory.
pub(crate) fn names(directory: &Path) -> Result<Vec<Digest>, ImageError> {
    let context = || format!("list {}", directory.display());
    let mut digests = Vec::new();
    for entry in fs::read_dir(directory).map_err(ImageError::io(context()))? {
        let entry = entry.map_err(ImageError::io(context()))?;
        digests.extend(entry.file_name().to_str().and_then(Digest::from_hex));
    }
    digests.sort_unstable();
    Ok(digests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Blobs) {
        let root = tempfile::tempdir().unwrap();
        let scratch = root.path().join("scratch");
        fs::create_dir(&scratch).unwrap();
        let blobs = Blobs::open(root.path(), &scratch).unwrap();
        (root, blobs)
    }

    #[test]
    fn a_blob_is_kept_under_its_digest_and_read_back() {
        let (_root, blobs) = store();
        let digest = blobs.add(b"content").unwrap();
        assert_eq!(digest, Digest::of(b"content"));
        assert_eq!(blobs.add(b"content").unwrap(), digest);
        assert_eq!(blobs.document(&digest).unwrap(), b"content");
        assert_eq!(blobs.size(&digest).unwrap(), 7);
        assert_eq!(blobs.list().unwrap(), [digest]);
        blobs.remove(&digest).unwrap();
        blobs.remove(&digest).unwrap();
        assert!(matches!(blobs.document(&digest), Err(ImageError::Missing(_))));
    }

    #[test]
    fn another_digest_than_the_promised_one_leaves_nothing() {
        let (root, blobs) = store();
        let mut writer = blobs.writer().unwrap();
        writer.write_all(b"other").unwrap();
        assert!(matches!(
            blobs.keep(writer, Some(&Digest::of(b"content"))),
            Err(ImageError::WrongDigest { .. })
        ));
        assert_eq!(blobs.list().unwrap(), []);
        assert_eq!(fs::read_dir(root.path().join("scratch")).unwrap().count(), 0);
    }

    #[test]
    fn a_document_that_rotted_is_not_believed() {
        let (root, blobs) = store();
        let digest = blobs.add(b"content").unwrap();
        fs::write(root.path().join("blobs/sha256").join(digest.hex()), "rotten").unwrap();
        assert!(matches!(blobs.document(&digest), Err(ImageError::WrongDigest { .. })));
    }

    #[test]
    fn a_document_without_end_is_refused() {
        let error = read_document(io::repeat(b'x'), "a manifest").unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
    }
}
