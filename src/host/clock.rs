//! The host's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, UTC. Zero if the clock stands before 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}

/// The time as a name that no other moment has: seconds since 1970 to the nanosecond.
pub fn instant() -> String {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:09}", passed.as_secs(), passed.subsec_nanos())
}
