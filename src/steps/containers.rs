//! The containers that run before their engine is stopped, and run again after it.

use std::path::Path;
use std::time::Duration;

use landfall_engine::{Client, EngineError};
use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::desired::SOCKET;
use crate::facts::containers::removes_itself;
use crate::file_state::Ownership;
use crate::host::HostError;
use crate::installed::Installed;
use crate::receipt::Receipt;
use crate::render::boot;
use crate::report::Event;

/// How long the API may take to answer when it is asked which containers run.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a container may take to stop; its own time limit (10 s unless it was given
/// another) ends in SIGKILL.
pub const STOP_LIMIT: Duration = Duration::from_secs(300);

/// A container that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningContainer {
    /// Its id.
    pub id: String,
    /// Its name, without a slash.
    pub name: String,
    /// Whether it is removed once it stops (`docker run --rm`): it is not waited for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passing: bool,
    /// Whether it was paused, and shall be so again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// Notes which containers run, so that they can run again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteContainers {
    /// Stop them too: an engine that keeps containers while it is down (live-restore) would
    /// leave them to a daemon of another release, or to nobody.
    pub stop: bool,
}

/// Starts the containers again that ran before and do not run now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeContainers {}

impl Action for NoteContainers {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let mut running = context.host.block_on(async {
            match connect().await {
                Some(client) => running(&client).await,
                None => Ok(Running::default()),
            }
        })?;
        for container in &mut running.containers {
            let data_root = &running.data_root;
            container.passing = removes_itself(context.host, data_root, &container.id)?;
        }
        let running = running.containers;
        context.running.replace(running.clone());
        Ok(Before::Containers { running })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        if self.stop { stop(context) } else { Ok(()) }
    }

    /// They run again once their engine does (see [`crate::apply`]).
    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}

impl Action for ResumeContainers {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let down = resume(context, &context.running.borrow())?;
        if down.is_empty() { Ok(()) } else { Err(StepError::ContainersDown(down)) }
    }

    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}

/// Stops all running containers. An engine that does not answer has none that could be asked.
///
/// # Errors
/// [`StepError::Engine`] if the API answers with an error, [`HostError::Interrupted`] if the run is
/// asked to end between two of them.
pub fn stop(context: &Context<'_>) -> Result<(), StepError> {
    context.host.block_on(async {
        let Some(client) = connect().await else { return Ok(()) };
        let running = running(&client).await?.containers;
        let names: Vec<String> = running.iter().map(|known| known.name.clone()).collect();
        if !names.is_empty() {
            context.reporter.event(&Event::StoppingContainers { names: &names });
        }
        for container in &running {
            context.host.interrupt().check()?;
            match client.stop_container(&container.id, STOP_LIMIT).await {
                // It ended by itself, and was to be removed then.
                Err(error) if error.is_not_found() || error.is_being_removed() => {}
                other => other?,
            }
        }
        Ok(())
    })
}

/// Starts those of the containers that do not run, and pauses those that were paused. What was made
/// to be removed at its end is gone. Those that cannot be started are returned, with the engine's
/// reason.
///
/// # Errors
/// [`StepError::Engine`] if the API does not answer.
pub fn resume(
    context: &Context<'_>,
    containers: &[RunningContainer],
) -> Result<Vec<(String, String)>, StepError> {
    if containers.is_empty() {
        return Ok(Vec::new());
    }
    context.host.block_on(async {
        let client = Client::connect(Path::new(SOCKET), Duration::from_secs(60)).await?;
        let paused = running(&client).await?.containers;
        let paused: Vec<_> = paused.into_iter().filter(|known| known.paused).collect();
        let mut down = Vec::new();
        for container in containers.iter().filter(|container| !container.passing) {
            // One that live-restore kept; it cannot be started as it is.
            if paused.iter().any(|known| known.id == container.id) {
                continue;
            }
            match start(&client, container).await {
                Err(error) if error.is_not_found() || error.is_being_removed() => {}
                Err(error) => down.push((container.name.clone(), error.to_string())),
                Ok(()) => {}
            }
        }
        Ok(down)
    })
}

async fn start(client: &Client, container: &RunningContainer) -> Result<(), EngineError> {
    client.start_container(&container.id).await?;
    if !container.paused {
        return Ok(());
    }
    match client.pause_container(&container.id).await {
        // It has ended, as it may at any time.
        Err(error) if error.is_conflict() => Ok(()),
        other => other,
    }
}

/// Writes a unit for this boot alone that does, once the engine is up, what cannot be done before;
/// `false` if there is nothing to do. It starts these containers: one that was stopped stays down
/// after a boot, unless its restart policy is `always`. And it removes what a smoke test left.
///
/// # Errors
/// [`StepError`] if it cannot be written.
pub fn after_boot(
    context: &Context<'_>,
    stopped: &[RunningContainer],
    smoke_test: bool,
) -> Result<bool, StepError> {
    let host = context.host;
    let ids = |which: fn(&&RunningContainer) -> bool| -> Vec<&str> {
        stopped.iter().filter(which).map(|container| container.id.as_str()).collect()
    };
    let containers = ids(|container| !container.passing);
    let paused = ids(|container| !container.passing && container.paused);
    let is_needed = !containers.is_empty() || smoke_test;
    let Some(docker) = installed_client(context)?.filter(|_| is_needed) else {
        return Ok(false);
    };
    let path = format!("{}/{}", boot::RUNTIME_UNIT_DIR, boot::RESUME);
    let text = boot::resume_unit(&docker, &containers, &paused, smoke_test)
        .map_err(|error| HostError::io("write", &path, std::io::Error::other(error)))?;
    if host.stat(boot::RUNTIME_UNIT_DIR)?.is_none() {
        host.create_dir(boot::RUNTIME_UNIT_DIR, Ownership::root(0o755))?;
    }
    host.write_file(&path, text.as_bytes(), Ownership::root(0o644))?;
    Ok(true)
}

/// The `docker` program of the installed engine.
fn installed_client(context: &Context<'_>) -> Result<Option<String>, StepError> {
    let receipt = Receipt::load(context.host).ok().flatten();
    let bin_dir = receipt.and_then(|receipt| Installed::of(&receipt)?.bin_dir);
    let Some(path) = bin_dir.map(|bin_dir| format!("{bin_dir}/docker")) else { return Ok(None) };
    Ok(context.host.stat(&path)?.map(|_| path))
}

async fn connect() -> Option<Client> {
    Client::connect(Path::new(SOCKET), CONNECT_LIMIT).await.ok()
}

/// What an engine runs, and where its data are.
#[derive(Default)]
struct Running {
    data_root: String,
    containers: Vec<RunningContainer>,
}

async fn running(client: &Client) -> Result<Running, EngineError> {
    let data_root = client.info().await?.data_root.to_string_lossy().into_owned();
    let running = client.list_containers(false, &[]).await?;
    let named = running.into_iter().map(|container| RunningContainer {
        name: container.names.first().unwrap_or(&container.id).trim_start_matches('/').to_owned(),
        paused: container.state == "paused",
        passing: false,
        id: container.id,
    });
    Ok(Running { data_root, containers: named.collect() })
}
