//! The host's clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds since 1970, UTC. Zero if the clock stands before 1970.
#[allow(clippy::disallowed_methods)] // the one place where it is looked at
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}

/// A moment, by both clocks: the wall clock, which what others log is stamped with, and the
/// monotonic one, since somebody may set the first.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    wall: u64,
    monotonic: Instant,
}

impl Moment {
    /// This moment.
    pub fn now() -> Self {
        Self { wall: now(), monotonic: Instant::now() }
    }

    /// The time that it was, in seconds since 1970.
    pub fn seconds(&self) -> u64 {
        self.wall
    }

    /// A time, in seconds since 1970, that nothing since then bears an earlier stamp than, also if
    /// the clock was set in between.
    pub fn earliest_stamp(&self) -> u64 {
        earliest_stamp(self.wall, now(), self.monotonic.elapsed())
    }
}

/// A clock that was set forward stamped what came before by the old time, one that was set back
/// what came after by the new one.
fn earliest_stamp(began: u64, now: u64, passed: Duration) -> u64 {
    // A second more: both are cut to whole ones.
    began.min(now.saturating_sub(passed.as_secs() + 1))
}

/// The time as a name that no other moment has: seconds since 1970 to the nanosecond.
#[allow(clippy::disallowed_methods)] // as above
pub fn instant() -> String {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:09}", passed.as_secs(), passed.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn a_clock_that_is_set_hides_nothing_of_what_came_since() {
        let (began, passed) = (1_000_000, 60);
        let stamp = |now| earliest_stamp(began, now, Duration::from_secs(passed));
        assert!((began - 1..=began).contains(&stamp(began + passed)), "nobody set it");
        // Half a minute before it was set, half a minute after.
        assert!(stamp(began + passed + DAY) <= began, "set forward: stamped before that");
        assert!(stamp(began + passed - DAY) <= began - DAY + passed / 2, "set back: after that");
        assert_eq!(earliest_stamp(began, 3, Duration::from_secs(passed)), 0, "back to 1970");
    }

    #[test]
    fn a_moment_is_not_later_than_now() {
        let moment = Moment::now();
        assert!(moment.earliest_stamp() <= moment.seconds());
    }
}
