//! Times on the command line and in the file: `120s`, `2m`, `1h 30m`, or plain seconds.

use std::time::Duration;

use jiff::SignedDuration;

use super::names::Refusal;
use crate::texts::phrases::config as phrases;

/// No wait is longer: one day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a time of at least one second and at most one day.
///
/// # Errors
/// Why it cannot be used, and what would be right.
pub fn parse(text: &str) -> Result<Duration, Refusal> {
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => text
            .parse::<SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .ok_or((phrases::NOT_A_TIME, phrases::TIME_HINT))?,
    };
    if duration < Duration::from_secs(1) || duration > LONGEST {
        return Err((phrases::TIME_OUT_OF_RANGE, phrases::TIME_RANGE_HINT));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, seconds) in [
            ("120s", 120),
            ("2m", 120),
            ("120", 120),
            ("1h30m", 5400),
            ("1m 30s", 90),
            ("24h", 86400),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "soon", "120x", "-5s", "2 minutes ago", "0", "25h", "500ms"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
