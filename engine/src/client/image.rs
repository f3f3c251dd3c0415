//! Images: load, look up, remove.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bollard::{
    body_try_stream,
    models::BuildInfo,
    query_parameters::{ImportImageOptionsBuilder, RemoveImageOptions},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::oneshot,
    time::timeout,
};

use super::{Client, checked};
use crate::EngineError;

/// A stall limit for [`Client::load_image`] that leaves time to unpack a large layer on a slow disk.
pub const LOAD_STALL_LIMIT: Duration = Duration::from_secs(600);

/// Bytes read from an archive at a time.
const CHUNK: usize = 64 * 1024;

/// An image that the daemon has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its ID, `sha256:…`.
    pub id: String,
    /// The references (`name:tag`) that point to it.
    pub tags: Vec<String>,
    /// Operating system in Go's naming.
    pub os: String,
    /// Architecture in Go's naming.
    pub arch: String,
    /// Size of its layers in bytes.
    pub size: u64,
}

impl Client {
    /// Loads an image archive (as `docker save` writes it, compressed or not) and returns the
    /// references that the daemon loaded; an image without a name counts by its ID. An archive
    /// that holds no image gives none.
    ///
    /// The archive is streamed: at most some hundred KiB of it are in memory. `sent` is told the
    /// number of bytes handed over so far. The call may take as long as it goes on at all: it ends
    /// when the daemon takes no byte and says no word for `stall_limit`. The containerd image store
    /// is silent while it unpacks; [`LOAD_STALL_LIMIT`] suits archives of any size.
    ///
    /// # Errors
    /// [`EngineError::Failed`] with the daemon's words if it cannot use the archive,
    /// [`EngineError::Input`] if `archive` cannot be read to its end; see [`EngineError`] for the
    /// rest.
    pub async fn load_image<R, P>(
        &self,
        archive: R,
        stall_limit: Duration,
        sent: P,
    ) -> Result<Vec<String>, EngineError>
    where
        R: AsyncRead + Send + 'static,
        P: FnMut(u64) + Send + 'static,
    {
        const ACTION: &str = "load an image";
        let total = Arc::new(AtomicU64::new(0));
        let (failed, mut failure) = oneshot::channel();
        let body = body_try_stream(chunks(archive, Arc::clone(&total), sent, failed));
        // Quiet loads answer in another form on old daemons, and give no sign of life on any.
        let options = ImportImageOptionsBuilder::default().quiet(false).build();
        let mut lines = self.docker.import_image(options, body, None);
        let mut loaded = Vec::new();
        let mut before = 0;
        let outcome = loop {
            match timeout(stall_limit, lines.next()).await {
                Ok(Some(Ok(line))) => loaded.extend(loaded_reference(line)),
                Ok(Some(Err(error))) => break Err(self.error(ACTION, error)),
                Ok(None) => break Ok(loaded),
                Err(_) => {
                    let now = total.load(Ordering::Relaxed);
                    if now == before {
                        break Err(self.timed_out(ACTION, stall_limit));
                    }
                    before = now;
                }
            }
        };
        // A reader that fails breaks the connection off; then that is the cause, not the daemon.
        match failure.try_recv() {
            Ok(cause) => Err(EngineError::Input { action: ACTION.to_owned(), cause }),
            Err(_) => outcome,
        }
    }

    /// Looks an image up by reference or ID; `None` if the daemon does not have it.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn inspect_image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        let call = self.docker.inspect_image(checked(reference)?);
        match self.call(format!("look up image {reference}"), call).await {
            Ok(image) => Ok(Some(Image {
                id: image.id.unwrap_or_default(),
                tags: image.repo_tags.unwrap_or_default(),
                os: image.os.unwrap_or_default(),
                arch: image.architecture.unwrap_or_default(),
                size: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            })),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a reference, and the image if it was the last one to it.
    ///
    /// # Errors
    /// [`EngineError::Refused`] with status 404 if there is no such image, 409 if a container uses
    /// it; see [`EngineError`] for the rest.
    pub async fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        let call = self.docker.remove_image(checked(reference)?, None::<RemoveImageOptions>, None);
        self.call(format!("remove image {reference}"), call).await?;
        Ok(())
    }
}

/// The archive in pieces, each read when the connection asks for it. A failure of the reader goes
/// to `failed` and ends the stream.
fn chunks(
    archive: impl AsyncRead + Send + 'static,
    total: Arc<AtomicU64>,
    mut sent: impl FnMut(u64) + Send + 'static,
    failed: oneshot::Sender<io::Error>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let start = Some((Box::pin(archive), failed));
    let mut count = move |bytes: usize| {
        let before = total.fetch_add(bytes as u64, Ordering::Relaxed);
        sent(before + bytes as u64);
    };
    stream::unfold(start, |state| async move {
        let (mut archive, failed) = state?;
        let mut chunk = BytesMut::with_capacity(CHUNK);
        match archive.read_buf(&mut chunk).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(chunk.freeze()), Some((archive, failed)))),
            Err(error) => {
                let cut = io::Error::new(error.kind(), "the archive could not be read");
                // Nobody listens any more only if the whole call was given up.
                let _ = failed.send(error);
                Some((Err(cut), None))
            }
        }
    })
    .inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            count(chunk.len());
        }
    })
}

/// The reference in one line of the daemon's answer, `Loaded image: name:tag` or
/// `Loaded image ID: sha256:…`.
fn loaded_reference(line: BuildInfo) -> Option<String> {
    let text = line.stream?;
    let reference =
        text.strip_prefix("Loaded image: ").or_else(|| text.strip_prefix("Loaded image ID: "))?;
    Some(reference.trim().to_owned())
}
