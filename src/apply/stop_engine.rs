//! Stopping an engine, and its containers before it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::desired::{SOCKET, UNIT_DIR};
use crate::receipt::Receipt;
use crate::report::Event;
use crate::steps::{Context, StepError};
use crate::unit_state::UnitAction;

/// How long a container may take to stop; its own time limit (10 s unless it was given
/// another) ends in SIGKILL.
const STOP_LIMIT: Duration = Duration::from_secs(300);

/// Stops the engine that these steps brought: its containers first, through the API, so that
/// none outlives it, then the units, whoever started them (an image's are started by its boot).
///
/// # Errors
/// [`StepError`] if a container or a unit does not stop; [`StepError::ContainersLeft`] if the
/// run was asked to end before all containers were stopped.
pub fn stop_engine(context: &Context<'_>, receipt: &Receipt) -> Result<(), StepError> {
    if !context.host.is_booted_with_systemd() {
        return Ok(());
    }
    let ours = receipt.paths();
    if !ours.contains(&format!("{UNIT_DIR}/docker.service")) {
        // A host that was repaired alone: its engine is another's.
        return Ok(());
    }
    stop_containers(context, || !context.host.interrupt().is_set())?;
    for unit in receipt.topology.units().iter().rev() {
        let is_ours = ours.contains(&format!("{UNIT_DIR}/{unit}"));
        if is_ours && context.host.unit_state(unit)?.is_active() {
            context.host.unit_action(unit, UnitAction::Stop, STOP_LIMIT)?;
        }
    }
    refuse_survivors(context, &ours)
}

/// A daemon that was dead already could not end its containers: their shims run on, and with
/// them programs whose files and mounts would be taken away.
fn refuse_survivors(context: &Context<'_>, ours: &BTreeSet<String>) -> Result<(), StepError> {
    let is_shim =
        |path: &&String| path.rsplit('/').next().is_some_and(|name| SHIMS.contains(&name));
    let shims: Vec<String> = ours.iter().filter(is_shim).cloned().collect();
    let left = context.host.wait_for_end_of(&shims, Duration::from_secs(10))?;
    if left.is_empty() { Ok(()) } else { Err(StepError::ContainersRun(left)) }
}

/// Names of the programs that hold a container, in archives of any age.
const SHIMS: [&str; 3] = ["containerd-shim", "containerd-shim-runc-v2", "docker-containerd-shim"];

/// Stops all running containers, one by one, as long as `go_on` says so.
///
/// # Errors
/// [`StepError::Engine`] if the API answers with an error, [`StepError::ContainersLeft`]. An
/// engine that does not answer has no containers that could be asked.
pub(super) fn stop_containers(
    context: &Context<'_>,
    go_on: impl Fn() -> bool,
) -> Result<(), StepError> {
    let connect = Duration::from_secs(10);
    context.host.block_on(async {
        let path = std::path::Path::new(SOCKET);
        let Ok(client) = landfall_engine::Client::connect(path, connect).await else {
            return Ok(());
        };
        let running = client.list_containers(false, &[]).await?;
        let names: Vec<String> = running
            .iter()
            .map(|container| container.names.first().unwrap_or(&container.id).clone())
            .collect();
        if !names.is_empty() {
            context.reporter.event(&Event::StoppingContainers { names: &names });
        }
        for (index, container) in running.iter().enumerate() {
            client.stop_container(&container.id, STOP_LIMIT).await?;
            if !go_on() {
                let stopped = names[..=index].to_vec();
                return Err(StepError::ContainersLeft { stopped, of: names.len() });
            }
        }
        Ok(())
    })
}
