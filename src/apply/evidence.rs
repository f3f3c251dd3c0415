//! What the engine's units said before a failed run is rolled back: afterwards another engine
//! writes into the same logs.

use crate::file_state::Ownership;
use crate::host::{Host, HostError};
use crate::receipt::RECEIPT;
use crate::store::STATE_DIR;
use crate::topology::ALL_UNITS;

/// How many lines of each unit's log are kept.
const LINES: u32 = 2000;

/// Writes the units' logs since `began` (seconds since 1970) to a file of Landfall's own, and
/// returns its path. A first installation that fails leaves nothing, and so keeps none.
///
/// # Errors
/// [`HostError::Io`] if it cannot be written.
pub fn keep(host: &Host, began: u64) -> Result<Option<String>, HostError> {
    if !host.is_booted_with_systemd() || host.stat(RECEIPT)?.is_none() {
        return Ok(None);
    }
    let mut text = String::new();
    for unit in ALL_UNITS {
        let state = host.unit_state(unit)?;
        text.push_str(&format!("== {unit}: {} ({})\n", state.active, state.sub));
        for line in host.unit_log(unit, LINES, began) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    let path = format!("{STATE_DIR}/failed-{began}.log");
    host.write_file(&path, text.as_bytes(), Ownership::root(0o600))?;
    Ok(Some(path))
}
