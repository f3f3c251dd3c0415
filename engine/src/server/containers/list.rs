//! `GET /containers/json`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    server::{
        engine::Engine,
        error::{ApiError, ApiResult},
        settings::{Config, HostConfig},
    },
    state::{ContainerRecord, Phase},
};

/// What can be filtered by.
const FILTERS: [&str; 5] = ["id", "name", "status", "exited", "label"];

/// The query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    all: String,
    limit: Option<usize>,
    filters: String,
    size: String,
}

/// The containers, newest first; those that run unless all are asked for.
pub async fn list(
    State(engine): State<Arc<Engine>>,
    Query(parameters): Query<Parameters>,
) -> ApiResult<Json<Value>> {
    if is_true(&parameters.size) {
        return Err(ApiError::bad("size is not supported by this engine yet"));
    }
    let filters = filters(&parameters.filters)?;
    if let Some(name) = filters.keys().find(|name| !FILTERS.contains(&name.as_str())) {
        return Err(ApiError::bad(format!("Invalid filter '{name}'")));
    }
    let every = is_true(&parameters.all) || filters.contains_key("status");
    let limit = parameters.limit.filter(|limit| *limit > 0);
    let mut shown = Vec::new();
    for container in engine.all() {
        let record = container.record();
        let wanted = every || limit.is_some() || record.state.phase == Phase::Running;
        if wanted && fits(&record, &filters) {
            shown.push(summary(&record)?);
        }
    }
    shown.truncate(limit.unwrap_or(usize::MAX));
    Ok(Json(Value::Array(shown)))
}

/// As Go's clients write a bool in a query.
pub fn is_true(text: &str) -> bool {
    !matches!(text.to_ascii_lowercase().as_str(), "" | "0" | "no" | "false" | "none")
}

/// Filters come as an object of lists, or of objects whose keys are meant.
pub fn filters(text: &str) -> ApiResult<BTreeMap<String, Vec<String>>> {
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    let invalid = || ApiError::bad("invalid filters");
    let given: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|_| invalid())?;
    let words = |value: Value| match value {
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        }
        Value::Object(fields) => Some(fields.keys().cloned().collect()),
        _ => None,
    };
    given
        .into_iter()
        .map(|(name, value)| words(value).map(|words| (name, words)).ok_or_else(invalid))
        .collect()
}

/// Whether a container is what all `filters` say, of those that are known.
pub fn fits(record: &ContainerRecord, filters: &BTreeMap<String, Vec<String>>) -> bool {
    let labels = &record.config["Labels"];
    for (name, words) in filters {
        let any = |fits: &dyn Fn(&String) -> bool| words.is_empty() || words.iter().any(fits);
        let fits = match name.as_str() {
            "id" => any(&|word| record.id.starts_with(word.as_str())),
            "name" => any(&|word| record.name.contains(word.trim_start_matches('/'))),
            "status" => any(&|word| record.state.status() == word),
            "exited" => any(&|word| {
                record.state.phase == Phase::Exited && *word == record.state.exit_code.to_string()
            }),
            // Every label must be there, unlike with the others.
            "label" => words.iter().all(|word| match word.split_once('=') {
                Some((label, value)) => labels[label] == value,
                None => labels.get(word).is_some(),
            }),
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    true
}

fn summary(record: &ContainerRecord) -> ApiResult<Value> {
    let config = Config::read(&record.config)?;
    let created: jiff::Timestamp = record.created.parse().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let mode = record.host_config["NetworkMode"].as_str().unwrap_or_default();
    let networks = super::inspect::network_settings(mode)["Networks"].clone();
    Ok(json!({
        "Id": record.id,
        "Names": [format!("/{}", record.name)],
        "Image": config.image,
        "ImageID": record.image,
        "Command": command(&config.arguments()),
        "Created": created.as_second(),
        "Ports": [],
        "Labels": record.config["Labels"],
        "State": record.state.status(),
        "Status": status(record),
        "HostConfig": { "NetworkMode": mode },
        "NetworkSettings": { "Networks": networks },
        "Mounts": HostConfig::read(&record.host_config)?.shown_mounts(),
    }))
}

/// Words with a space in them are quoted, as dockerd does.
fn command(words: &[String]) -> String {
    let quoted = |word: &String| {
        if word.contains(' ') { format!("'{word}'") } else { word.clone() }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// `Up 3 minutes`, `Exited (0) 2 hours ago`, `Created`.
fn status(record: &ContainerRecord) -> String {
    let since = |text: &str| {
        let then = text.parse().unwrap_or_else(|_| jiff::Timestamp::now());
        duration(jiff::Timestamp::now().as_second() - then.as_second())
    };
    let state = &record.state;
    match state.phase {
        Phase::Created => "Created".to_owned(),
        Phase::Running if state.paused => format!("Up {} (Paused)", since(&state.started_at)),
        Phase::Running => format!("Up {}", since(&state.started_at)),
        Phase::Exited => format!("Exited ({}) {} ago", state.exit_code, since(&state.finished_at)),
    }
}

/// As docker's units say it (docker/go-units, HumanDuration).
fn duration(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600);
    match () {
        () if seconds < 1 => "Less than a second".to_owned(),
        () if seconds == 1 => "1 second".to_owned(),
        () if seconds < 60 => format!("{seconds} seconds"),
        () if minutes == 1 => "About a minute".to_owned(),
        () if minutes < 60 => format!("{minutes} minutes"),
        () if hours == 1 => "About an hour".to_owned(),
        () if hours < 48 => format!("{hours} hours"),
        () if hours < 24 * 14 => format!("{} days", hours / 24),
        () if hours < 24 * 60 => format!("{} weeks", hours / 24 / 7),
        () if hours < 24 * 730 => format!("{} months", hours / 24 / 30),
        () => format!("{} years", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_dockers() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (120, "2 minutes"),
            (3600, "About an hour"),
            (2 * 3600, "2 hours"),
            (3 * 86400, "3 days"),
            (21 * 86400, "3 weeks"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn filters_in_both_forms() {
        let both = [r#"{"label":["a=b"]}"#, r#"{"label":{"a=b":true}}"#];
        for text in both {
            assert_eq!(filters(text).unwrap()["label"], ["a=b"]);
        }
        assert!(filters("[]").is_err());
    }
}
