//! Names: given, and taken away with the image that has no other.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::blocking;
use crate::{
    image::{Reference, Removed},
    server::{
        containers::list::is_true,
        engine::Engine,
        error::{ApiError, ApiResult},
    },
};

/// Queries of this file's calls.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    repo: String,
    tag: String,
    force: String,
    #[serde(rename = "fromImage")]
    from_image: String,
}

/// `POST /images/create`: there is no pull yet.
pub async fn create(Query(parameters): Query<Parameters>) -> ApiError {
    let image = &parameters.from_image;
    ApiError::bad(format!(
        "this engine does not pull or import images yet: load {image} from a file by docker load"
    ))
}

/// `POST /images/{name}/tag`.
pub async fn tag(
    State(engine): State<Arc<Engine>>,
    Path(rest): Path<String>,
    Query(parameters): Query<Parameters>,
) -> ApiResult<StatusCode> {
    let Some((image, "tag")) = rest.rsplit_once('/') else {
        return Err(ApiError::missing("page not found"));
    };
    let image = image.to_owned();
    blocking(&engine, move |store| {
        let mut name: Reference = parameters.repo.parse()?;
        if !parameters.tag.is_empty() {
            name = name.with_tag(&parameters.tag)?;
        }
        let id = store.describe(&image)?.id;
        store.tag(&id, &name.or_latest())
    })
    .await?;
    Ok(StatusCode::CREATED)
}

/// `DELETE /images/{name}`.
pub async fn remove(
    State(engine): State<Arc<Engine>>,
    Path(name): Path<String>,
    Query(parameters): Query<Parameters>,
) -> ApiResult<Json<Value>> {
    let force = is_true(&parameters.force);
    let image = name.clone();
    let facts = blocking(&engine, move |store| store.describe(&image)).await?;
    let names = facts.tags.len() + facts.digests.len();
    let by_id = !facts
        .tags
        .iter()
        .chain(&facts.digests)
        .any(|known| name.parse::<Reference>().is_ok_and(|name| *known == name.or_latest()));
    if by_id || names <= 1 {
        engine.check_unused(&facts.id.to_string(), &name, by_id, force)?;
    }
    let removed = blocking(&engine, move |store| store.remove(&name, force)).await?;
    let shown = removed.iter().map(|removed| match removed {
        Removed::Untagged(name) => json!({ "Untagged": name.familiar() }),
        Removed::Deleted(id) => json!({ "Deleted": id.to_string() }),
    });
    Ok(Json(shown.collect()))
}

impl Engine {
    /// Refuses to take away what a container is made of: never while it runs, and otherwise
    /// without force.
    fn check_unused(&self, id: &str, name: &str, by_id: bool, force: bool) -> ApiResult<()> {
        let users: Vec<_> =
            self.all().into_iter().filter(|container| container.record().image == id).collect();
        let short =
            |id: &str| id.trim_start_matches("sha256:").chars().take(12).collect::<String>();
        let running = users.iter().find(|container| container.is_running());
        let refused = match (running, users.first()) {
            (Some(container), _) if by_id => format!(
                "conflict: unable to delete {} (cannot be forced) - image is being used by running \
                 container {}",
                short(id),
                short(&container.id)
            ),
            (_, Some(container)) if by_id && !force => format!(
                "conflict: unable to delete {} (must be forced) - image is being used by stopped \
                 container {}",
                short(id),
                short(&container.id)
            ),
            (_, Some(container)) if !force => format!(
                "conflict: unable to remove repository reference \"{name}\" (must force) - \
                 container {} is using its referenced image {}",
                short(&container.id),
                short(id)
            ),
            _ => return Ok(()),
        };
        Err(ApiError::conflict(refused))
    }
}
