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

    /// Those that live-restore does not keep while the daemon is restarted: one that is older than
    /// `KEEPS_PASSING` removes containers of `docker run --rm` when it starts. `version` is the
    /// daemon's that starts.
    pub fn in_spite_of_live_restore(engine: &RunningEngine, version: Option<&str>) -> Self {
        let version = version.unwrap_or(&engine.version);
        let numbers = version.split(['.', '-', '+', '~']).map_while(|part| part.parse().ok());
        let keeps = numbers.collect::<Vec<u32>>().as_slice() >= &KEEPS_PASSING[..];
        let ending = if keeps { Vec::new() } else { engine.passing.clone() };
        Self { stopping: Vec::new(), ending }
    }

    /// Those that these steps stop, after which this version of the daemon runs.
    pub fn of(steps: &[Step], engine: Option<&RunningEngine>, version: Option<&str>) -> Self {
        let Some(engine) = engine else { return Self::default() };
        let noted = |step: &Step| matches!(step, Step::NoteContainers(_));
        if !steps.iter().any(noted) {
            return Self::default();
        }
        // Without live-restore the daemon stops them itself.
        let stops = steps.iter().any(
            |step| matches!(step, Step::NoteContainers(note) if note.stop || !engine.live_restore),
        );
        if stops { Self::all(engine) } else { Self::in_spite_of_live_restore(engine, version) }
    }
}

/// Since then live-restore keeps containers that are removed once they stop (moby, pull request
/// 46857; seen with 26.1, and not with 20.10).
const KEEPS_PASSING: [u32; 3] = [24, 0, 8];

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
        let (none, job) = (Stops::default(), Stops { ending: name("job"), ..Stops::default() });
        for (stop, live_restore, version, expected) in [
            (true, true, "26.1.5", &all),
            (true, false, "26.1.5", &all),
            (false, false, "26.1.5", &all),
            (false, true, "20.10.24+dfsg1", &job),
            (false, true, "24.0.7", &job),
            (false, true, "24.0.8", &none),
            (false, true, "25.0.0-rc.1", &none),
        ] {
            let steps = [Step::NoteContainers(NoteContainers { stop })];
            let engine = engine(live_restore);
            let of = |steps: &[Step], engine| Stops::of(steps, engine, Some(version));
            assert_eq!(&of(&steps, Some(&engine)), expected, "{stop} {live_restore} {version}");
            assert_eq!((of(&steps, None), of(&[], Some(&engine))), (none.clone(), none.clone()));
        }
    }
}
