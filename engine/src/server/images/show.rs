//! `GET /images/json` and `GET /images/{name}/json`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{blocking, transfer};
use crate::{
    image::{ImageFacts, Reference},
    server::{
        containers::list::{filters, is_true},
        engine::Engine,
        error::{ApiError, ApiResult},
        fields,
    },
};

/// The query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    filters: String,
    filter: String,
    #[serde(rename = "shared-size")]
    shared_size: String,
}

/// All images. There are no intermediate ones, so `all` asks for nothing more.
pub async fn list(
    State(engine): State<Arc<Engine>>,
    Query(parameters): Query<Parameters>,
) -> ApiResult<Json<Value>> {
    if is_true(&parameters.shared_size) || !parameters.filter.is_empty() {
        return Err(ApiError::bad("shared-size and filter are not supported by this engine"));
    }
    let filters = filters(&parameters.filters)?;
    let pattern =
        filters.get("reference").into_iter().flatten().find(|word| word.contains(['*', '?', '[']));
    if let Some(pattern) = pattern {
        let text = format!("the pattern {pattern:?} is not supported by this engine yet");
        return Err(ApiError::bad(text));
    }
    let users = engine.containers_by_image();
    let mut shown = Vec::new();
    for mut facts in blocking(&engine, |store| store.list()).await? {
        if fits(&mut facts, &filters)? {
            shown.push(summary(&facts, users.get(&facts.id.to_string()).copied().unwrap_or(0)));
        }
    }
    Ok(Json(Value::Array(shown)))
}

fn fits(facts: &mut ImageFacts, filters: &BTreeMap<String, Vec<String>>) -> ApiResult<bool> {
    let labels = facts.config["config"]["Labels"].clone();
    for (filter, words) in filters {
        let fits = match filter.as_str() {
            "dangling" => words.iter().any(|word| is_true(word) == facts.tags.is_empty()),
            // Every label must be there, unlike with the others.
            "label" => words.iter().all(|word| match word.split_once('=') {
                Some((label, value)) => labels[label] == value,
                None => labels.get(word).is_some(),
            }),
            // Of an image with several names, those are shown that were asked for.
            "reference" => {
                let is_meant = |name: &Reference| words.iter().any(|word| is_meant(name, word));
                facts.tags.retain(is_meant);
                facts.digests.retain(is_meant);
                !(facts.tags.is_empty() && facts.digests.is_empty())
            }
            other => return Err(ApiError::bad(format!("invalid filter '{other}'"))),
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a name is what a filter says, with or without its tag.
fn is_meant(name: &Reference, filter: &str) -> bool {
    filter == name.familiar() || filter == name.familiar_name()
}

fn summary(facts: &ImageFacts, containers: usize) -> Value {
    let names = |names: &[Reference]| names.iter().map(Reference::familiar).collect::<Vec<_>>();
    let created =
        facts.config["created"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    json!({
        "Id": facts.id.to_string(),
        "ParentId": "",
        "RepoTags": names(&facts.tags),
        "RepoDigests": names(&facts.digests),
        "Created": created.map_or(0, jiff::Timestamp::as_second),
        "Size": facts.bytes,
        "SharedSize": -1,
        "VirtualSize": facts.bytes,
        "Labels": facts.config["config"]["Labels"],
        "Containers": containers,
    })
}

/// `GET /images/{name}/json` and `/history` and `/get`: a name may have slashes.
pub async fn inspect(
    State(engine): State<Arc<Engine>>,
    Path(rest): Path<String>,
) -> ApiResult<Response> {
    match rest.rsplit_once('/') {
        Some((name, "json")) => {
            let name = name.to_owned();
            let facts = blocking(&engine, move |store| store.describe(&name)).await?;
            Ok(Json(details(&facts)).into_response())
        }
        Some((name, "history")) => {
            let name = name.to_owned();
            let facts = blocking(&engine, move |store| store.describe(&name)).await?;
            Ok(Json(history(&facts)).into_response())
        }
        Some((name, "get")) => transfer::save_images(&engine, vec![name.to_owned()]).await,
        _ => Err(ApiError::missing("page not found")),
    }
}

fn details(facts: &ImageFacts) -> Value {
    let names = |names: &[Reference]| names.iter().map(Reference::familiar).collect::<Vec<_>>();
    let config = &facts.config;
    let text = |field: &str| config[field].as_str().unwrap_or_default();
    let tagged = jiff::Timestamp::from_second(facts.tagged).unwrap_or_default();
    let layers: Vec<String> = facts.diff_ids.iter().map(ToString::to_string).collect();
    json!({
        "Id": facts.id.to_string(),
        "RepoTags": names(&facts.tags),
        "RepoDigests": names(&facts.digests),
        "Parent": "",
        "Comment": text("comment"),
        "Created": text("created"),
        "DockerVersion": text("docker_version"),
        "Author": text("author"),
        "Config": with_every_field(&config["config"]),
        "Architecture": text("architecture"),
        "Variant": text("variant"),
        "Os": text("os"),
        "OsVersion": text("os.version"),
        "Size": facts.bytes,
        "VirtualSize": facts.bytes,
        "GraphDriver": { "Name": "overlay2", "Data": null },
        "RootFS": { "Type": "layers", "Layers": layers },
        "Metadata": { "LastTagTime": tagged.to_string() },
    })
}

/// Clients rely on fields that an image may leave out.
fn with_every_field(config: &Value) -> Value {
    let mut all = fields::default_config();
    for (name, value) in config.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    all
}

/// The steps by which an image says it was made, the newest first.
fn history(facts: &ImageFacts) -> Value {
    let steps = facts.config["history"].as_array().cloned().unwrap_or_default();
    let text = |step: &Value, field: &str| step[field].as_str().unwrap_or_default().to_owned();
    let mut shown: Vec<Value> = steps
        .iter()
        .rev()
        .map(|step| {
            let created = text(step, "created").parse::<jiff::Timestamp>().ok();
            json!({
                "Id": "<missing>",
                "Created": created.map_or(0, jiff::Timestamp::as_second),
                "CreatedBy": text(step, "created_by"),
                "Tags": null,
                "Size": 0,
                "Comment": text(step, "comment"),
            })
        })
        .collect();
    if let Some(newest) = shown.first_mut() {
        newest["Id"] = facts.id.to_string().into();
        newest["Tags"] = facts.tags.iter().map(Reference::familiar).collect();
    }
    Value::Array(shown)
}
