//! Runs a container and checks what it says: the only proof that an engine works.

use std::path::Path;
use std::time::Duration;

use landfall_engine::Client;
use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::host::HostError;
use crate::report::Event;
use crate::smoke;

/// How long an undo waits for an answer of the daemon.
const UNDO_LIMIT: Duration = Duration::from_secs(5);

/// Runs a container from the image that Landfall carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeTest {
    /// The API socket.
    pub socket: String,
    /// The network the container joins; `None` is the daemon's default.
    pub network: Option<String>,
}

impl SmokeTest {
    /// Removes the container that a test left which was cut off, if there is a daemon. At boot there
    /// is none yet: see [`super::containers::after_boot`].
    ///
    /// # Errors
    /// [`StepError`] if systemd does not answer.
    pub fn remove_traces(&self, context: &Context<'_>) -> Result<(), StepError> {
        let host = context.host;
        if host.is_booted_with_systemd() && host.unit_state("docker.service")?.active == "active" {
            host.block_on(async {
                if let Ok(client) = Client::connect(Path::new(&self.socket), UNDO_LIMIT).await {
                    smoke::remove_traces(&client).await;
                }
            });
        }
        Ok(())
    }
}

impl Action for SmokeTest {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let limit = Duration::from_secs(60);
        let interrupt = context.host.interrupt();
        let proof = context.host.block_on(async {
            let client = Client::connect(Path::new(&self.socket), limit).await?;
            let network = self.network.as_deref();
            match smoke::run_until(&client, network, interrupt.asked()).await {
                Err(_) if interrupt.is_set() => Err(HostError::Interrupted.into()),
                outcome => outcome.map_err(StepError::from),
            }
        })?;
        context.reporter.event(&Event::Proven { nonce: &proof.nonce, took: proof.duration });
        Ok(())
    }

    fn undo(&self, context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        self.remove_traces(context)?;
        Ok(Undone::Unchanged)
    }
}
