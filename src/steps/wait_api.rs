//! Waits for the engine's API, and checks who answers on what socket.

use std::path::Path;
use std::time::{Duration, Instant};

use landfall_engine::{Client, EngineError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::create_group::lookup_group;
use super::{Action, Before, Context, StepError, Undone};
use crate::verify::{not_in_force, not_reloaded};

/// How long the API may take to answer. The unit reported ready before, so this is long.
const LIMIT: Duration = Duration::from_secs(60);
/// How long a daemon may take to follow settings that it was told to read again.
const RELOAD_LIMIT: Duration = Duration::from_secs(10);
/// A reload of this run lies no further back, in seconds. One of a run before it does no harm: the
/// last one counts, and a restart forgets them all.
const RELOAD_WINDOW: u64 = 60;
/// How soon it is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Waits for the API on a unix socket, and checks version, permissions and settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitApi {
    /// The socket.
    pub socket: String,
    /// The group that must own it.
    pub group: String,
    /// The engine version that must answer; `None` accepts any.
    pub version: Option<String>,
    /// Keys of daemon.json that must be in force.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// How many seconds the API may take to answer; `None` is the usual limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl Action for WaitApi {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let host = context.host;
        let limit = self.limit.map_or(LIMIT, Duration::from_secs);
        let (found, ignored) = host.block_on_or_interrupt(async {
            let client = Client::connect(Path::new(&self.socket), limit).await?;
            Ok::<_, EngineError>((client.version().await?, self.ignored(&client).await?))
        })??;
        if !ignored.is_empty() {
            return Err(StepError::NotInForce(ignored));
        }
        if let Some(wanted) = &self.version
            && release(&found.engine) != release(wanted)
        {
            return Err(StepError::WrongVersion { found: found.engine, wanted: wanted.clone() });
        }
        let group = lookup_group(host, &self.group)?
            .ok_or_else(|| StepError::NoGroup(self.group.clone()))?;
        if let Some(state) = host.stat(&self.socket)?
            && (state.mode != 0o660 || state.uid != 0 || state.gid != group.gid)
        {
            return Err(StepError::SocketPermissions {
                path: self.socket.clone(),
                mode: state.mode,
                gid: state.gid,
                wanted_gid: group.gid,
            });
        }
        Ok(())
    }

    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}

impl WaitApi {
    /// The settings that the daemon does not follow. A reload is a signal: systemd is done with
    /// it before the daemon is.
    async fn ignored(&self, client: &Client) -> Result<Vec<String>, EngineError> {
        let began = Instant::now();
        loop {
            let mut ignored = not_in_force(&self.settings, &client.info().await?);
            let has_numbers = self.settings.values().any(Value::is_i64);
            if has_numbers && let Ok(Some(said)) = client.last_reload(RELOAD_WINDOW).await {
                ignored.extend(not_reloaded(&self.settings, &said));
            }
            if ignored.is_empty() || began.elapsed() > RELOAD_LIMIT {
                return Ok(ignored);
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
}

/// The numbers of a version: builds add suffixes of their own ("18.06.3-ce",
/// "20.10.24+dfsg1"), and archives may carry a package revision ("29.4.2-2").
pub fn release(version: &str) -> &str {
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    &version[..end]
}

#[cfg(test)]
#[path = "wait_api_tests.rs"]
mod tests;
