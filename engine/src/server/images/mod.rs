//! `/images`: what is done with images through the API.

mod change;
mod show;
mod transfer;

use std::sync::Arc;

pub use change::{create, remove, tag};
pub use show::{inspect, list};
pub use transfer::{load, save};

use super::{
    engine::Engine,
    error::{ApiError, ApiResult},
};
use crate::image::{ImageError, ImageStore};

impl From<ImageError> for ApiError {
    fn from(error: ImageError) -> Self {
        let status = axum::http::StatusCode::from_u16(error.status());
        let message = match &error {
            ImageError::NoSuchImage(name) => format!("No such image: {}", tagged(name)),
            other => other.to_string(),
        };
        Self { status: status.unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR), message }
    }
}

/// Runs `work` where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    engine: &Arc<Engine>,
    work: impl FnOnce(&ImageStore) -> Result<T, ImageError> + Send + 'static,
) -> ApiResult<T> {
    let images = Arc::clone(&engine.images);
    let done = tokio::task::spawn_blocking(move || work(&images)).await;
    Ok(done.map_err(|error| ApiError::internal("work with images", error))??)
}

/// Docker names the tag that it understood; the client pulls what it reads there.
fn tagged(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    if last.contains([':', '@']) { reference.to_owned() } else { format!("{reference}:latest") }
}
