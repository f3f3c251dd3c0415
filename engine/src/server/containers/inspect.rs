//! `GET /containers/{id}/json`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use crate::{
    server::{
        engine::{Engine, lock},
        error::ApiResult,
        settings::{Config, HostConfig},
    },
    state::{ContainerRecord, Phase},
};

/// What dockerd shows for a time that has not been.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Everything about a container.
pub async fn inspect(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let container = engine.find(&id)?;
    let record = container.record();
    let directory = engine.store.directory(&container.id);
    let file = |name: &str| directory.join(name).display().to_string();
    let config = Config::read(&record.config)?;
    let arguments = config.arguments();
    let execs: Vec<String> = lock(&engine.execs)
        .values()
        .filter(|exec| exec.container == container.id && exec.state().running)
        .map(|exec| exec.id.clone())
        .collect();
    let network = record.host_config["NetworkMode"].as_str().unwrap_or_default().to_owned();
    Ok(Json(json!({
        "Id": record.id,
        "Created": record.created,
        "Path": arguments.first(),
        "Args": arguments.get(1..).unwrap_or_default(),
        "State": state(&record),
        "Image": record.image,
        "ResolvConfPath": file("resolv.conf"),
        "HostnamePath": file("hostname"),
        "HostsPath": file("hosts"),
        "LogPath": file(&format!("{}-json.log", record.id)),
        "Name": format!("/{}", record.name),
        "RestartCount": 0,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": if execs.is_empty() { Value::Null } else { json!(execs) },
        "HostConfig": record.host_config,
        "GraphDriver": { "Name": "overlay2", "Data": {
            "MergedDir": file("merged"), "UpperDir": file("upper"), "WorkDir": file("work") } },
        "Mounts": HostConfig::read(&record.host_config)?.shown_mounts(),
        "Config": record.config,
        "NetworkSettings": network_settings(&network),
    })))
}

fn state(record: &ContainerRecord) -> Value {
    let state = &record.state;
    let time = |text: &str| if text.is_empty() { NEVER.to_owned() } else { text.to_owned() };
    json!({
        "Status": state.status(),
        "Running": state.phase == Phase::Running,
        "Paused": state.paused,
        "Restarting": false,
        "OOMKilled": state.oom,
        "Dead": false,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": time(&state.started_at),
        "FinishedAt": time(&state.finished_at),
    })
}

/// As dockerd shows a network that is not its own.
pub fn network_settings(mode: &str) -> Value {
    let endpoint = json!({
        "IPAMConfig": null, "Links": null, "Aliases": null, "MacAddress": "", "NetworkID": "",
        "EndpointID": "", "Gateway": "", "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "",
        "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "DriverOpts": null, "DNSNames": null
    });
    let networks =
        if mode.starts_with("container:") { json!({}) } else { json!({ mode: endpoint }) };
    json!({
        "Bridge": "", "SandboxID": "", "SandboxKey": "", "Ports": {}, "HairpinMode": false,
        "LinkLocalIPv6Address": "", "LinkLocalIPv6PrefixLen": 0, "SecondaryIPAddresses": null,
        "SecondaryIPv6Addresses": null, "EndpointID": "", "Gateway": "", "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0, "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "",
        "MacAddress": "", "Networks": networks
    })
}
