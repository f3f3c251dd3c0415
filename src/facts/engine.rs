//! The engine that runs, as it describes itself.

use std::path::Path;
use std::time::Duration;

use landfall_engine::{Client, EngineError};
use serde::{Deserialize, Serialize};

use super::containers;
use crate::desired::SOCKET;
use crate::host::Host;

/// How long the API may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// The engine that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningEngine {
    /// Its version.
    pub version: String,
    /// Whether containers go on running while its daemon is down.
    pub live_restore: bool,
    /// Whether it is part of a Swarm.
    pub swarm: bool,
    /// Where it keeps its data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data_root: String,
    /// Its storage driver.
    pub storage_driver: String,
    /// Names of the containers that run.
    pub running: Vec<String>,
    /// Those of them that are removed once they stop (`docker run --rm`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passing: Vec<String>,
    /// How many containers there are, running or not.
    pub containers: u64,
    /// How many images there are.
    pub images: u64,
}

/// Asks the engine, if docker.service runs: a socket that systemd listens on would start it. One
/// that does not answer says nothing.
pub fn gather(host: &Host, docker_runs: bool) -> Option<RunningEngine> {
    if !docker_runs {
        return None;
    }
    host.block_on(async { tokio::time::timeout(LIMIT, ask(host)).await }).ok()?.ok()
}

async fn ask(host: &Host) -> Result<RunningEngine, EngineError> {
    let client = Client::connect(Path::new(SOCKET), LIMIT).await?;
    let info = client.info().await?;
    let data_root = info.data_root.to_string_lossy().into_owned();
    let (mut running, mut passing) = (Vec::new(), Vec::new());
    for container in client.list_containers(false, &[]).await? {
        let name = container.names.first().unwrap_or(&container.id);
        running.push(name.trim_start_matches('/').to_owned());
        // Whoever may not read that may not stop anything either.
        if containers::removes_itself(host, &data_root, &container.id).unwrap_or_default() {
            passing.extend(running.last().cloned());
        }
    }
    running.sort();
    passing.sort();
    Ok(RunningEngine {
        version: info.server_version,
        live_restore: info.live_restore,
        swarm: info.swarm,
        data_root,
        storage_driver: info.storage_driver,
        running,
        passing,
        containers: info.containers.total,
        images: info.images,
    })
}
