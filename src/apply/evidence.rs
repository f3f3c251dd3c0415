//! What the engine's units said before a failed run is rolled back: afterwards another engine
//! writes into the same logs.

use crate::file_state::Ownership;
use crate::host::clock::Moment;
use crate::host::{Host, HostError};
use crate::receipt::RECEIPT;
use crate::store::STATE_DIR;
use crate::topology::ALL_UNITS;

/// How many lines of each unit's log are kept.
const LINES: u32 = 2000;

/// How many such files are kept.
const FILES: usize = 5;

/// Writes the units' logs since `began` to a file of Landfall's own, and
/// returns its path. A first installation that fails leaves nothing, and so keeps none.
///
/// # Errors
/// [`HostError::Io`] if it cannot be written.
pub fn keep(host: &Host, began: Moment) -> Result<Option<String>, HostError> {
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
    let path = format!("{STATE_DIR}/failed-{}.log", began.seconds());
    host.write_file(&path, text.as_bytes(), Ownership::root(0o600))?;
    forget_oldest(host, began.seconds())?;
    Ok(Some(path))
}

/// Deletes all but the newest of these files; the one of now is one of them also after the clock
/// was set back.
fn forget_oldest(host: &Host, now: u64) -> Result<(), HostError> {
    let began = |name: &str| -> Option<u64> {
        name.strip_prefix("failed-")?.strip_suffix(".log")?.parse().ok()
    };
    let mut times: Vec<u64> = host.read_dir(STATE_DIR)?.iter().filter_map(|n| began(n)).collect();
    times.sort_unstable_by_key(|time| (*time != now, std::cmp::Reverse(*time)));
    for time in times.into_iter().skip(FILES) {
        host.remove_file(&format!("{STATE_DIR}/failed-{time}.log"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    #[test]
    fn the_newest_are_kept() {
        let bed = Bed::new(&[]);
        for name in ["failed-9.log", "failed-x.log", "receipt.json"] {
            bed.write(&format!("{STATE_DIR}/{name}"), "");
        }
        for began in 10..16 {
            bed.write(&format!("{STATE_DIR}/failed-{began}.log"), "");
        }
        let left = || bed.host.read_dir(STATE_DIR).unwrap();
        let with_others = |kept: &[u64]| {
            let kept = kept.iter().map(|began| format!("failed-{began}.log"));
            kept.chain(["failed-x.log", "receipt.json"].map(str::to_owned)).collect::<Vec<_>>()
        };
        forget_oldest(&bed.host, 15).unwrap();
        assert_eq!(left(), with_others(&[11, 12, 13, 14, 15]));
        // The clock was set back.
        bed.write(&format!("{STATE_DIR}/failed-10.log"), "");
        forget_oldest(&bed.host, 10).unwrap();
        assert_eq!(left(), with_others(&[10, 12, 13, 14, 15]));
    }
}
