//! What the engine says of itself, by its API.

use std::path::Path;
use std::time::Duration;

use landfall_engine::{Client, Container, EngineError, Info, Version};
use serde_json::{Value, json};

use super::{Collection, Keep};
use crate::desired::SOCKET;
use crate::texts::support_bundle as texts;

/// Asks the engine for its version, its state and its containers.
pub(super) fn collect(collection: &mut Collection<'_>) {
    const NAMES: [&str; 3] = ["engine/version.json", "engine/info.json", "engine/containers.json"];
    let Some(limit) = collection.time_left() else {
        return collection.leave_out("engine", texts::NO_TIME);
    };
    let answers = ask(collection, limit.min(collection.limits.program));
    for (name, answer) in NAMES.into_iter().zip(answers) {
        match answer {
            Ok(value) => {
                let text = serde_json::to_string_pretty(&value).unwrap_or_default() + "\n";
                collection.add(name, SOCKET, "", &text, Keep::Start);
            }
            Err(error) => collection.leave_out(name, error),
        }
    }
}

fn ask(collection: &Collection<'_>, limit: Duration) -> [Result<Value, String>; 3] {
    let words = |error: EngineError| error.to_string();
    collection.host.block_on(async {
        let client = match Client::connect(Path::new(SOCKET), limit).await {
            Ok(client) => client,
            Err(error) => return [(); 3].map(|()| Err(error.to_string())),
        };
        [
            client.version().await.map(version).map_err(words),
            client.info().await.map(info).map_err(words),
            client.list_containers(true, &[]).await.map(containers).map_err(words),
        ]
    })
}

fn version(version: Version) -> Value {
    let components = version.components.into_iter();
    let components: serde_json::Map<String, Value> =
        components.map(|part| (part.name, part.version.into())).collect();
    json!({
        "engine": version.engine, "api": version.api.to_string(),
        "min_api": version.min_api.map(|api| api.to_string()),
        "os": version.os, "arch": version.arch, "kernel": version.kernel,
        "components": components,
    })
}

fn info(info: Info) -> Value {
    json!({
        "id": info.id, "server_version": info.server_version,
        "storage_driver": info.storage_driver, "storage_status": info.storage_status,
        "data_root": info.data_root, "cgroup_driver": info.cgroup_driver,
        "cgroup_version": info.cgroup_version, "log_driver": info.log_driver,
        "runtimes": info.runtimes, "default_runtime": info.default_runtime,
        "registry_mirrors": info.registry_mirrors,
        "insecure_registries": info.insecure_registries, "live_restore": info.live_restore,
        "containers": {
            "total": info.containers.total, "running": info.containers.running,
            "paused": info.containers.paused, "stopped": info.containers.stopped,
        },
        "images": info.images, "security_options": info.security_options,
        "warnings": info.warnings, "operating_system": info.operating_system,
        "kernel": info.kernel, "machine": info.machine, "cpus": info.cpus,
        "memory_bytes": info.memory_bytes,
    })
}

fn containers(containers: Vec<Container>) -> Value {
    let containers = containers.into_iter().map(|container| {
        json!({
            "id": container.id, "names": container.names, "image": container.image,
            "image_id": container.image_id, "state": container.state,
            "status": container.status, "labels": container.labels,
            "created": container.created,
        })
    });
    Value::Array(containers.collect())
}
