//! `POST /containers/create`.

use std::{io::Read as _, sync::Arc};

use axum::{
    Json,
    extract::{Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    runtime::spec,
    server::{
        engine::Engine,
        error::{ApiError, ApiResult},
        fields, images,
        settings::{Config, HostConfig},
    },
    state::{ContainerRecord, ContainerState},
};

/// The query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    name: String,
    platform: String,
}

/// Makes a container, which does not run yet.
pub async fn create(
    State(engine): State<Arc<Engine>>,
    Query(parameters): Query<Parameters>,
    body: axum::body::Bytes,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let mut given: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad(format!("invalid JSON: {error}")))?;
    if !parameters.platform.is_empty() {
        return Err(ApiError::bad("platform is not supported by this engine yet"));
    }
    let host_config = object(given.remove("HostConfig"))?;
    let networking = object(given.remove("NetworkingConfig"))?;
    if given.is_empty() {
        return Err(ApiError::bad("Config cannot be empty in order to create a container"));
    }
    let asked = Config::read(&Value::Object(given.clone()))?;
    if asked.image.is_empty() {
        return Err(ApiError::bad("no image was named"));
    }
    // First of all: a client that is told that it is missing pulls it, and comes again.
    let name_of_image = asked.image.clone();
    let (image, lease) = images::blocking(&engine, move |store| {
        let image = store.resolve(&name_of_image)?;
        let lease = store.hold(&image)?;
        Ok((image, lease))
    })
    .await?;
    fields::check(&given, &host_config)?;
    let host_config = as_shown(over(fields::default_host_config(), host_config));
    let host = HostConfig::read(&host_config)?;
    check_networking(&networking, &host.network_mode)?;
    let id = random_hex(32).map_err(|error| ApiError::internal("make an ID", error))?;
    let of_image: Value = serde_json::from_slice(&image.raw_config)
        .map_err(|error| ApiError::internal("read the image's configuration", error))?;
    let config = with_image(given, &of_image["config"], &id)?;
    if Config::read(&config)?.arguments().is_empty() {
        return Err(ApiError::bad("no command specified"));
    }
    if asked.stdin_once && !asked.open_stdin {
        return Err(ApiError::bad("Config.StdinOnce needs Config.OpenStdin"));
    }
    Config::read(&config)?.stop_signal()?;
    let record = ContainerRecord {
        name: name(&parameters.name, &id)?,
        id: id.clone(),
        created: jiff::Timestamp::now().to_string(),
        image: image.id.to_string(),
        config,
        host_config,
        state: ContainerState::default(),
    };
    let container = engine.insert_new(record, lease)?;
    engine.tell(&container, "create", &[]);
    Ok((StatusCode::CREATED, Json(json!({ "Id": id, "Warnings": [] }))))
}

fn object(value: Option<Value>) -> ApiResult<Map<String, Value>> {
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields),
        Some(other) => Err(ApiError::bad(format!("an object was expected, not {other}"))),
    }
}

/// What was given, over what is shown where nothing was. A null asks for nothing.
fn over(mut defaults: Value, given: Map<String, Value>) -> Value {
    for (name, value) in given {
        let empty_text = value == "" && defaults[&name].is_string();
        let no_size = name == "ShmSize" && value == 0;
        let nothing = defaults[&name].is_null() && is_empty(&value);
        if !value.is_null() && !empty_text && !no_size && !nothing {
            defaults[name] = value;
        }
    }
    defaults
}

/// As dockerd shows values that ask for nothing.
fn as_shown(mut host_config: Value) -> Value {
    if host_config["MemorySwappiness"] == -1 {
        host_config["MemorySwappiness"] = Value::Null;
    }
    if host_config["PidsLimit"].as_i64().is_some_and(|limit| limit <= 0) {
        host_config["PidsLimit"] = Value::Null;
    }
    if is_empty(&host_config["LogConfig"]["Type"]) {
        host_config["LogConfig"]["Type"] = "json-file".into();
    }
    host_config["MaskedPaths"] = json!(spec::MASKED);
    host_config["ReadonlyPaths"] = json!(spec::READ_ONLY);
    host_config
}

/// The image's settings where none were given (moby merges them in the same way).
fn with_image(given: Map<String, Value>, image: &Value, id: &str) -> ApiResult<Value> {
    let asked = |name: &str| given.get(name).is_some_and(|value| !is_empty(value));
    let mut config = over(fields::default_config(), given.clone());
    for field in ["User", "WorkingDir", "StopSignal", "Shell", "StopTimeout", "ExposedPorts"] {
        if !asked(field) && !is_empty(&image[field]) {
            config[field] = image[field].clone();
        }
    }
    // A command of the image is an argument of the image's entry point alone.
    if !asked("Entrypoint") {
        if !asked("Cmd") {
            config["Cmd"] = image["Cmd"].clone();
        }
        config["Entrypoint"] = image["Entrypoint"].clone();
    }
    // An entry point of one empty text takes the image's away.
    if given.get("Entrypoint").is_some_and(|value| *value == json!([""])) {
        config["Entrypoint"] = Value::Null;
    }
    config["Env"] = environment(&image["Env"], &config["Env"]);
    let mut labels = image["Labels"].as_object().cloned().unwrap_or_default();
    labels.extend(config["Labels"].as_object().cloned().unwrap_or_default());
    config["Labels"] = Value::Object(labels);
    if is_empty(&config["Hostname"]) {
        config["Hostname"] = id[..12].into();
    }
    for field in ["Volumes", "Healthcheck"] {
        if !is_empty(&image[field]) {
            let text = format!("the image has {field}, which this engine does not support yet");
            return Err(ApiError::bad(text));
        }
    }
    Ok(config)
}

fn environment(image: &Value, given: &Value) -> Value {
    let entries = |value: &Value| -> Vec<Value> { value.as_array().cloned().unwrap_or_default() };
    let name = |entry: &Value| {
        entry.as_str().and_then(|text| text.split('=').next()).unwrap_or_default().to_owned()
    };
    let given = entries(given);
    let mut all = entries(image);
    all.retain(|entry| !given.iter().any(|other| name(other) == name(entry)));
    Value::Array(given.into_iter().chain(all).collect())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The network is said in two places; nothing else can be said here yet.
fn check_networking(networking: &Map<String, Value>, mode: &str) -> ApiResult<()> {
    let endpoints = networking.get("EndpointsConfig").and_then(Value::as_object);
    for (name, settings) in endpoints.into_iter().flatten() {
        let asks = settings.as_object().is_some_and(|fields| {
            fields.values().any(|value| !is_empty(value) && *value != 0 && *value != false)
        });
        if name != mode || asks {
            return Err(ApiError::bad(format!(
                "NetworkingConfig for {name:?} is not supported by this engine yet"
            )));
        }
    }
    Ok(())
}

/// The name that was asked for, or one of two words as Docker's are.
fn name(asked: &str, id: &str) -> ApiResult<String> {
    let asked = asked.strip_prefix('/').unwrap_or(asked);
    if asked.is_empty() {
        return Ok(format!("c-{}", &id[..12]));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let first = asked.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if first && asked.len() > 1 && asked.bytes().all(allowed) {
        return Ok(asked.to_owned());
    }
    Err(ApiError::bad(format!(
        "Invalid container name ({asked}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
    )))
}

/// So many random bytes, in hexadecimal digits.
pub fn random_hex(bytes: usize) -> std::io::Result<String> {
    let mut random = vec![0; bytes];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(given: Value, image: Value) -> Value {
        let id = "0123456789abcdef";
        with_image(given.as_object().unwrap().clone(), &image, id).unwrap()
    }

    #[test]
    fn an_entry_point_that_is_given_takes_the_images_command_away() {
        let image = json!({ "Entrypoint": ["/entry"], "Cmd": ["serve"], "Env": ["A=1", "B=2"] });
        let arguments = |given| Config::read(&merged(given, image.clone())).unwrap().arguments();
        assert_eq!(arguments(json!({})), ["/entry", "serve"]);
        assert_eq!(arguments(json!({ "Cmd": ["x"] })), ["/entry", "x"]);
        assert_eq!(arguments(json!({ "Entrypoint": ["sh"] })), ["sh"]);
        assert_eq!(arguments(json!({ "Entrypoint": [""], "Cmd": ["y"] })), ["y"]);
        let env = merged(json!({ "Env": ["B=3"] }), image)["Env"].clone();
        assert_eq!(env, json!(["B=3", "A=1"]));
    }

    #[test]
    fn names_are_those_that_docker_takes() {
        assert_eq!(name("/web-1", "").unwrap(), "web-1");
        for bad in ["a", "-x", "a b", "a/b", "ä1"] {
            assert!(name(bad, "").is_err(), "{bad}");
        }
    }
}
