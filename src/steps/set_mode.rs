//! Gives the API socket its usual owner and mode.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, KeptReason, StepError, Undone};
use crate::file_state::{FileState, Ownership};

/// Sets owner and mode of what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetMode {
    /// Where.
    pub path: String,
    /// Its owner and mode.
    pub ownership: Ownership,
}

impl SetMode {
    fn now(&self, context: &Context<'_>) -> Result<Option<Ownership>, StepError> {
        Ok(context.host.stat(&self.path)?.as_ref().map(FileState::ownership))
    }
}

impl Action for SetMode {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        Ok(match self.now(context)? {
            None => Before::Absent,
            Some(now) if now == self.ownership => Before::Present,
            Some(ownership) => Before::Ownership { ownership },
        })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        match self.now(context)? {
            Some(now) if now != self.ownership => {
                Ok(context.host.set_ownership(&self.path, self.ownership)?)
            }
            _ => Ok(()),
        }
    }

    /// A socket that was made anew since, by a restart or a reboot, has its unit's mode.
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let (Before::Ownership { ownership }, Some(now)) = (before, self.now(context)?) else {
            return Ok(Undone::Unchanged);
        };
        if now == *ownership {
            return Ok(Undone::Unchanged);
        }
        if now != self.ownership {
            let reason = KeptReason::ChangedSince;
            return Ok(Undone::Kept { what: self.path.clone(), reason });
        }
        context.host.set_ownership(&self.path, *ownership)?;
        Ok(Undone::Restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    const PATH: &str = "/run/docker.sock";

    fn step() -> SetMode {
        SetMode { path: PATH.to_owned(), ownership: Ownership::own(0o660) }
    }

    fn bed(mode: u32) -> Bed {
        let bed = Bed::new(&["run"]);
        bed.write(PATH, "");
        bed.host.set_ownership(PATH, Ownership::own(mode)).unwrap();
        bed
    }

    fn mode(bed: &Bed) -> u32 {
        bed.host.stat(PATH).unwrap().unwrap().mode
    }

    #[test]
    fn sets_it_and_sets_it_back() {
        let bed = bed(0o666);
        let before = bed.apply(&step());
        assert_eq!(mode(&bed), 0o660);
        assert_eq!(bed.undo(&step(), &before), Undone::Restored);
        assert_eq!(mode(&bed), 0o666);
    }

    #[test]
    fn finds_it_already_set() {
        let bed = bed(0o660);
        let before = bed.apply(&step());
        assert_eq!(before, Before::Present);
        assert_eq!(bed.undo(&step(), &before), Undone::Unchanged);
    }

    #[test]
    fn leaves_what_was_set_since() {
        let bed = bed(0o666);
        let before = bed.apply(&step());
        bed.host.set_ownership(PATH, Ownership::own(0o600)).unwrap();
        let kept = bed.undo(&step(), &before);
        assert!(matches!(kept, Undone::Kept { reason: KeptReason::ChangedSince, .. }), "{kept:?}");
    }
}
