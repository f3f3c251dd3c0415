//! Loads an archive of images into the engine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use landfall_engine::{Client, LOAD_STALL_LIMIT};
use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::digest::Digest;
use crate::host::input;
use crate::report::Event;

/// Loads a `docker save` archive through the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadImage {
    /// The archive, on the caller's file system.
    pub archive: PathBuf,
    /// Its digest.
    pub sha256: Digest,
    /// The API socket.
    pub socket: String,
}

impl Action for LoadImage {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let file = input::open(&self.archive)?;
        let references = context.host.block_on(async {
            let limit = Duration::from_secs(60);
            let client = Client::connect(Path::new(&self.socket), limit).await?;
            client.load_image(tokio::fs::File::from_std(file), LOAD_STALL_LIMIT, |_| {}).await
        })?;
        context.reporter.event(&Event::ImagesLoaded { references: &references });
        context.loaded.borrow_mut().insert(self.sha256, references);
        Ok(())
    }

    /// Images are data: they go with the engine's data directory or not at all.
    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}
