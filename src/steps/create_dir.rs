//! Makes a directory.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, KeptReason, StepError, Undone};
use crate::file_state::Ownership;

/// Makes a directory whose parent exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateDir {
    /// Which.
    pub path: String,
    /// Its owner and mode.
    pub ownership: Ownership,
}

impl Action for CreateDir {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let present = context.host.stat(&self.path)?.is_some();
        Ok(if present { Before::Present } else { Before::Absent })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        if context.host.stat(&self.path)?.is_none() {
            context.host.create_dir(&self.path, self.ownership)?;
        }
        Ok(())
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        if *before != Before::Absent || context.host.stat(&self.path)?.is_none() {
            return Ok(Undone::Unchanged);
        }
        if context.host.remove_dir(&self.path)? {
            return Ok(Undone::Restored);
        }
        Ok(Undone::Kept { what: self.path.clone(), reason: KeptReason::NotEmpty })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    fn step() -> CreateDir {
        CreateDir { path: "/etc/docker".to_owned(), ownership: Ownership::own(0o755) }
    }

    #[test]
    fn makes_it_and_takes_it_away() {
        let bed = Bed::new(&["etc"]);
        let before = bed.apply(&step());
        assert_eq!(before, Before::Absent);
        assert_eq!(bed.host.stat("/etc/docker").unwrap().unwrap().mode, 0o755);
        assert_eq!(bed.undo(&step(), &before), Undone::Restored);
        assert_eq!(bed.host.stat("/etc/docker").unwrap(), None);
    }

    #[test]
    fn leaves_one_that_was_there() {
        let bed = Bed::new(&["etc/docker"]);
        let before = bed.apply(&step());
        assert_eq!(bed.undo(&step(), &before), Undone::Unchanged);
        assert!(bed.host.stat("/etc/docker").unwrap().is_some());
    }

    #[test]
    fn keeps_what_others_put_into_it() {
        let bed = Bed::new(&["etc"]);
        let before = bed.apply(&step());
        bed.write("/etc/docker/key.json", "{}");
        let kept = bed.undo(&step(), &before);
        assert!(matches!(kept, Undone::Kept { reason: KeptReason::NotEmpty, .. }), "{kept:?}");
    }
}
