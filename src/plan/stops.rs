//! Which containers stop, and which of them do not come back.

use crate::facts::engine::RunningEngine;
use crate::steps::Step;

/// The containers that are stopped: names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stops {
    /// Those that still are there.
    pub stopping: Vec<String>,
    /// Those that are removed then (`docker run --rm`).
    pub ending: Vec<String>,
}

impl Stops {
    /// All that an engine runs.
    pub fn all(engine: &RunningEngine) -> Self {
        let is_passing = |name: &String| engine.passing.contains(name);
        let (ending, stopping) = engine.running.iter().cloned().partition(is_passing);
        Self { stopping, ending }
    }

    /// Those that these steps stop.
    pub fn of(steps: &[Step], engine: Option<&RunningEngine>) -> Self {
        let Some(engine) = engine else { return Self::default() };
        // Without live-restore the daemon stops them itself.
        let stops = steps.iter().any(
            |step| matches!(step, Step::NoteContainers(note) if note.stop || !engine.live_restore),
        );
        if stops { Self::all(engine) } else { Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::NoteContainers;

    #[test]
    fn what_is_removed_at_its_end_is_told_from_what_comes_back() {
        let name = |name: &str| vec![name.to_owned()];
        let engine = |live_restore| RunningEngine {
            running: vec!["job".to_owned(), "web".to_owned()],
            passing: name("job"),
            live_restore,
            ..RunningEngine::default()
        };
        let all = Stops { stopping: name("web"), ending: name("job") };
        let none = Stops::default();
        for (stop, live_restore, expected) in
            [(true, true, &all), (true, false, &all), (false, false, &all), (false, true, &none)]
        {
            let steps = [Step::NoteContainers(NoteContainers { stop })];
            let engine = engine(live_restore);
            assert_eq!(&Stops::of(&steps, Some(&engine)), expected, "{stop} {live_restore}");
            assert_eq!(Stops::of(&steps, None), none);
            assert_eq!(Stops::of(&[], Some(&engine)), none);
        }
    }
}
