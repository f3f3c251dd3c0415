//! Loads the images of a bundle into the engine, straight from the bundle: there is no copy of
//! them beside it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use landfall_engine::{Client, LOAD_STALL_LIMIT};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Action, Before, Context, StepError, Undone};
use crate::bundle::format::{BundledImage, FormatError, Head, MemberIndex, read_head};
use crate::bundle::image_layout;
use crate::digest::{Digest, Hasher};
use crate::report::Event;
use crate::stage::Source;

/// Loads those images of a bundle that the engine does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBundled {
    /// The bundle, on the caller's file system.
    pub bundle: PathBuf,
    /// Digest of its manifest, which stands for all that it holds.
    pub manifest: Digest,
    /// Names of its images.
    pub images: Vec<String>,
    /// The API socket.
    pub socket: String,
}

impl Action for LoadBundled {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let source = Source::open(&self.bundle)?;
        let head = read_head(source.bytes(), Some(source.size()))
            .and_then(|head| match head.sha256() == self.manifest {
                true => Ok(head),
                false => Err(FormatError::Changed),
            })
            .map_err(|error| source.blame(error))?;
        context.host.block_on(async {
            let limit = Duration::from_secs(60);
            let client = Client::connect(Path::new(&self.socket), limit).await?;
            let missing = missing(&client, &head.manifest.images).await?;
            if missing.is_empty() {
                return Ok(());
            }
            let stream = ImageStream::new(&source, head.clone(), &missing)
                .map_err(|error| source.blame(error))?;
            load(&client, stream, &source, context).await
        })?;
        context.reporter.event(&Event::ImagesLoaded { references: &self.images });
        context.loaded.borrow_mut().insert(self.manifest, self.images.clone());
        Ok(())
    }

    /// Images are data: they go with the engine's data directory or not at all.
    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}

/// The images that the engine does not have under their names. containerd's store takes the digest
/// of a manifest as an image's id, dockerd's own that of a configuration.
async fn missing(client: &Client, images: &[BundledImage]) -> Result<Vec<BundledImage>, StepError> {
    let mut missing = Vec::new();
    for image in images {
        let found = client.inspect_image(&image.reference).await?;
        let ids = [image.digest, image.config].map(|digest| format!("sha256:{digest}"));
        if !found.is_some_and(|found| ids.contains(&found.id)) {
            missing.push(image.clone());
        }
    }
    Ok(missing)
}

/// Sends the stream to the engine; a thread reads and unpacks meanwhile.
async fn load(
    client: &Client,
    stream: ImageStream,
    source: &Source,
    context: &Context<'_>,
) -> Result<(), StepError> {
    let of = stream.size();
    let (reader, mut writer) = io::pipe().map_err(|error| failed(source, error))?;
    let (done, read) = mpsc::channel();
    std::thread::spawn(move || {
        // Before the stream ends for the engine.
        let _ = done.send(stream.write(&mut writer));
    });
    let (sent, mut progress) = watch::channel(0);
    let archive = tokio::fs::File::from_std(File::from(OwnedFd::from(reader)));
    let report = move |bytes| {
        // Nobody looks any more if loading ended.
        let _ = sent.send(bytes);
    };
    let mut loading = std::pin::pin!(client.load_image(archive, LOAD_STALL_LIMIT, report));
    let loaded = loop {
        tokio::select! {
            loaded = &mut loading => break loaded,
            Ok(()) = progress.changed() => {
                let bytes = *progress.borrow();
                context.reporter.event(&Event::Loading { bytes, of });
            }
        }
    };
    // An engine that gave up takes no more of the stream, and its writer may wait for that for ever.
    let read = if loaded.is_ok() { read.recv().ok() } else { read.try_recv().ok() };
    match (read, loaded) {
        // What the engine says of a stream that breaks off is not the cause.
        (Some(Err(error)), _) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(failed(source, error))
        }
        (_, loaded) => loaded.map(drop).map_err(StepError::from),
    }
}

fn failed(source: &Source, error: io::Error) -> StepError {
    let cause = match error.downcast::<FormatError>() {
        Ok(error) => error,
        Err(error) => FormatError::Read(error),
    };
    source.blame(cause).into()
}

/// Some images of a bundle as `docker load` of any version takes them: a tar stream of their
/// blobs, each once, and then what lists them. Without its end nothing is loaded.
struct ImageStream {
    index: Arc<MemberIndex>,
    head: Head,
    images: Vec<BundledImage>,
    /// Digest and size of each blob.
    blobs: Vec<(Digest, u64)>,
}

impl ImageStream {
    fn new(source: &Source, head: Head, images: &[BundledImage]) -> Result<Self, FormatError> {
        let mut all: Vec<Digest> = images
            .iter()
            .flat_map(|image| image.layers.iter().chain([&image.config, &image.digest]))
            .copied()
            .collect();
        all.sort();
        all.dedup();
        let size = |digest: &Digest| {
            let is = |file: &&crate::bundle::format::FileEntry| file.sha256 == *digest;
            head.manifest.files.iter().find(is).map_or(0, |file| file.size)
        };
        let blobs = all.iter().map(|digest| (*digest, size(digest))).collect();
        let index = Arc::new(MemberIndex::new(source.bytes().source, &head)?);
        Ok(Self { index, head, images: images.to_vec(), blobs })
    }

    /// About how many bytes there are.
    fn size(&self) -> u64 {
        self.blobs.iter().map(|(_, size)| size + 512).sum()
    }

    fn write(self, out: &mut impl Write) -> io::Result<()> {
        let mut tar = tar::Builder::new(out);
        for (digest, size) in &self.blobs {
            let name = image_layout::blob(digest);
            let position = self.head.position(&format!("images/{name}"));
            let position = position.ok_or(io::ErrorKind::NotFound)?;
            let bytes = self.index.read(position, *size);
            let mut checked =
                Checked { bytes, hasher: Hasher::new(), left: *size, digest: *digest };
            tar.append_data(&mut header(*size), name, &mut checked)?;
        }
        let size = |digest: &Digest| {
            self.blobs.iter().find(|(blob, _)| blob == digest).map_or(0, |(_, size)| *size)
        };
        for (name, bytes) in [
            ("oci-layout", image_layout::OCI_LAYOUT.as_bytes().to_vec()),
            ("index.json", image_layout::index(&self.images, &size)),
            ("manifest.json", image_layout::docker_manifest(&self.images)),
        ] {
            tar.append_data(&mut header(bytes.len() as u64), name, &*bytes)?;
        }
        tar.into_inner()?.flush()
    }
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header
}

/// Checks that a blob is what it is called, before its last bytes are given.
struct Checked<R> {
    bytes: R,
    hasher: Hasher,
    left: u64,
    digest: Digest,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.left -= count as u64;
        if self.left == 0 && count > 0 {
            let actual = std::mem::take(&mut self.hasher).finish();
            if actual != self.digest {
                let (name, expected) = (image_layout::blob(&self.digest), self.digest);
                return Err(io::Error::other(FormatError::Digest { name, expected, actual }));
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::format::testing;

    fn stream_of(bundle: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(bundle)?;
        let source = Source::open(file.path()).map_err(io::Error::other)?;
        let head = read_head(source.bytes(), None).map_err(io::Error::other)?;
        let images = head.manifest.images.clone();
        let mut tar = Vec::new();
        let stream = ImageStream::new(&source, head, &images).map_err(io::Error::other)?;
        stream.write(&mut tar)?;
        let mut archive = tar::Archive::new(&*tar);
        let mut files = Vec::new();
        for entry in archive.entries()? {
            let mut entry = entry?;
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.push((entry.path()?.to_string_lossy().into_owned(), bytes));
        }
        Ok(files)
    }

    #[test]
    fn the_stream_has_the_blobs_and_then_what_lists_them() {
        let files = stream_of(&testing::bundle_of(testing::items())).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[3..], ["oci-layout", "index.json", "manifest.json"]);
        for (name, bytes) in &files[..3] {
            assert_eq!(*name, format!("blobs/sha256/{}", Digest::of(bytes)));
        }
        let list: serde_json::Value = serde_json::from_slice(&files[5].1).unwrap();
        assert_eq!(list[0]["RepoTags"][0], "busybox:1");
    }

    #[test]
    fn a_blob_that_was_changed_since_ends_the_stream_before_the_list() {
        let mut parts = testing::Parts::sound();
        let layer = parts.files.iter().position(|(_, bytes)| bytes == b"layer").unwrap();
        parts.files[layer].1 = b"LAYER".to_vec();
        let error = stream_of(&parts.build()).unwrap_err();
        let error = error.downcast::<FormatError>().unwrap();
        assert!(matches!(error, FormatError::Digest { .. }), "{error}");
    }
}
