//! `/_ping`, `/version`, `/info`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{API_VERSION, MINIMUM_API_VERSION, engine::Engine, error::ApiResult, images};
use crate::{image::Platform, state::Phase};

/// `GET` and `HEAD /_ping`.
pub async fn ping() -> impl IntoResponse {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("api-version", API_VERSION),
        ("docker-experimental", "false"),
        ("ostype", "linux"),
        // No BuildKit here: the client uses the classic builder.
        ("builder-version", "1"),
        ("swarm", "inactive"),
        ("cache-control", "no-cache, no-store, must-revalidate"),
        ("pragma", "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    (headers, "OK")
}

/// `GET /version`.
pub async fn version() -> Json<Value> {
    let kernel = kernel();
    let version = env!("CARGO_PKG_VERSION");
    Json(json!({
        "Platform": { "Name": "Landfall" },
        "Components": [{
            "Name": "Engine", "Version": version,
            "Details": {
                "ApiVersion": API_VERSION, "MinAPIVersion": MINIMUM_API_VERSION, "Os": "linux",
                "Arch": Platform::of_this_machine().architecture, "KernelVersion": kernel, "GitCommit": "", "GoVersion": "",
                "BuildTime": "", "Experimental": "false"
            }
        }],
        "Version": version, "ApiVersion": API_VERSION, "MinAPIVersion": MINIMUM_API_VERSION,
        "GitCommit": "", "GoVersion": "", "Os": "linux", "Arch": Platform::of_this_machine().architecture,
        "KernelVersion": kernel, "BuildTime": ""
    }))
}

/// `GET /info`.
pub async fn info(State(engine): State<Arc<Engine>>) -> ApiResult<Json<Value>> {
    let images = images::blocking(&engine, |store| store.list()).await?.len();
    let (mut running, mut paused, mut stopped) = (0, 0, 0);
    for container in engine.all() {
        let state = container.record().state;
        match (state.phase, state.paused) {
            (Phase::Running, true) => paused += 1,
            (Phase::Running, false) => running += 1,
            (Phase::Created | Phase::Exited, _) => stopped += 1,
        }
    }
    let system = rustix::system::sysinfo();
    let memory = u64::from(system.mem_unit).saturating_mul(system.totalram);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Json(json!({
        "ID": "", "Containers": running + paused + stopped, "ContainersRunning": running,
        "ContainersPaused": paused, "ContainersStopped": stopped,
        "Images": images, "Driver": "overlay2", "DriverStatus": [],
        "Plugins": {
            "Volume": [], "Network": ["host", "null"], "Authorization": null, "Log": ["json-file"]
        },
        "MemoryLimit": true, "SwapLimit": true, "CpuCfsPeriod": true, "CpuCfsQuota": true,
        "CPUShares": true, "CPUSet": true, "PidsLimit": true, "IPv4Forwarding": false,
        "Debug": false, "NFd": 0, "OomKillDisable": false, "NGoroutines": 0,
        "SystemTime": jiff::Timestamp::now().to_string(), "LoggingDriver": "json-file",
        "CgroupDriver": "cgroupfs", "CgroupVersion": "1", "NEventsListener": 0,
        "KernelVersion": kernel(), "OperatingSystem": "Linux", "OSVersion": "",
        "OSType": "linux", "Architecture": std::env::consts::ARCH,
        "IndexServerAddress": "https://index.docker.io/v1/", "RegistryConfig": null,
        "NCPU": processors, "MemTotal": memory, "GenericResources": null,
        "DockerRootDir": engine.options.root.display().to_string(), "HttpProxy": "",
        "HttpsProxy": "", "NoProxy": "", "Name": hostname(), "Labels": [],
        "ExperimentalBuild": false, "ServerVersion": env!("CARGO_PKG_VERSION"),
        "Runtimes": { "runc": { "path": "landfall" } }, "DefaultRuntime": "runc",
        "Swarm": {
            "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive",
            "ControlAvailable": false, "Error": "", "RemoteManagers": null
        },
        "LiveRestoreEnabled": true, "Isolation": "", "InitBinary": "",
        "ContainerdCommit": { "ID": "" }, "RuncCommit": { "ID": "" }, "InitCommit": { "ID": "" },
        "SecurityOptions": ["name=seccomp,profile=builtin"], "Warnings": null
    })))
}

fn kernel() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
