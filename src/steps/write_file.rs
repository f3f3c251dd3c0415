//! Writes a configuration file or a unit.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone, replace};
use crate::digest::Digest;
use crate::file_state::Ownership;

/// Writes a whole file, replacing what stands there in one rename.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteFile {
    /// Where.
    pub path: String,
    /// What.
    pub text: String,
    /// Its owner and mode.
    pub ownership: Ownership,
}

impl Action for WriteFile {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        replace::observe(context, &self.path)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        replace::set_aside(context, &self.path)?;
        Ok(context.host.write_file(&self.path, self.text.as_bytes(), self.ownership)?)
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        replace::undo(context, &self.path, Digest::of(self.text.as_bytes()), before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::KeptReason;
    use crate::steps::testing::Bed;

    const PATH: &str = "/etc/daemon.json";

    fn step() -> WriteFile {
        WriteFile {
            path: PATH.to_owned(),
            text: "{}\n".to_owned(),
            ownership: Ownership::own(0o640),
        }
    }

    #[test]
    fn writes_and_takes_away() {
        let bed = Bed::new(&["etc"]);
        let before = bed.apply(&step());
        assert_eq!(bed.read(PATH), "{}\n");
        assert_eq!(bed.host.stat(PATH).unwrap().unwrap().mode, 0o640);
        assert_eq!(bed.undo(&step(), &before), Undone::Removed);
        assert_eq!(bed.host.stat(PATH).unwrap(), None);
    }

    #[test]
    fn restores_bytes_mode_and_time() {
        let bed = Bed::new(&["etc"]);
        bed.write(PATH, "{ \"bip\": \"\" }");
        let original = bed.host.stat(PATH).unwrap();
        let before = bed.apply(&step());
        assert_eq!(bed.undo(&step(), &before), Undone::Restored);
        assert_eq!(bed.read(PATH), "{ \"bip\": \"\" }");
        assert_eq!(bed.host.stat(PATH).unwrap(), original);
    }

    #[test]
    fn keeps_what_a_person_changed() {
        let bed = Bed::new(&["etc"]);
        let before = bed.apply(&step());
        bed.write(PATH, "{\"debug\": true}");
        let kept = bed.undo(&step(), &before);
        assert!(matches!(kept, Undone::Kept { reason: KeptReason::ChangedSince, .. }), "{kept:?}");
        assert_eq!(bed.read(PATH), "{\"debug\": true}");
    }

    #[test]
    fn undoes_a_run_that_was_cut_before_the_rename() {
        let bed = Bed::new(&["etc"]);
        bed.write(PATH, "old");
        let before = step().observe(&bed.context()).unwrap();
        bed.write("/etc/.daemon.json.landfall-new", "{");
        assert_eq!(bed.undo(&step(), &before), Undone::Unchanged);
        assert_eq!(bed.read(PATH), "old");
        assert_eq!(bed.host.read_dir("/etc").unwrap(), ["daemon.json"]);
    }

    #[test]
    fn what_was_set_aside_comes_back_without_a_copy_and_without_room() {
        let bed = Bed::new(&["etc"]);
        bed.write(PATH, "old");
        let original = bed.host.stat(PATH).unwrap();
        let before = bed.apply(&step());
        bed.host.remove_tree("/var/lib/landfall/store").unwrap();
        assert_eq!(bed.undo(&step(), &before), Undone::Restored);
        assert_eq!((bed.read(PATH).as_str(), bed.host.stat(PATH).unwrap()), ("old", original));
        assert_eq!(bed.host.read_dir("/etc").unwrap(), ["daemon.json"]);
    }

    #[test]
    fn refuses_a_damaged_copy() {
        let bed = Bed::new(&["etc"]);
        bed.write(PATH, "old");
        let before = bed.apply(&step());
        let copy = format!("/var/lib/landfall/store/{}", Digest::of(b"old"));
        bed.write(&copy, "tampered");
        // What was set aside is as good a copy.
        bed.write("/etc/.daemon.json.landfall-old", "tampered");
        let error = step().undo(&bed.context(), &before).unwrap_err();
        assert!(matches!(error, StepError::StoreDamaged(_)), "{error}");
        assert_eq!(bed.read(PATH), "{}\n");
    }
}
