//! Removes a symbolic link that leads nowhere, or not where it should.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, KeptReason, StepError, Undone, link};

/// Removes a symbolic link, if it still points where it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveLink {
    /// Where.
    pub path: String,
    /// What it points to.
    pub target: String,
}

impl Action for RemoveLink {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        link::observe(context, &self.path, &self.target)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        Ok(context.host.remove_file(&self.path)?)
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        match (before, link::is_there(context, &self.path, &self.target)?) {
            (Before::Present, None) => {
                context.host.create_link(&self.path, &self.target)?;
                Ok(Undone::Restored)
            }
            (Before::Present, Some(false)) => {
                Ok(Undone::Kept { what: self.path.clone(), reason: KeptReason::ChangedSince })
            }
            _ => Ok(Undone::Unchanged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    const PATH: &str = "/wants/docker.service";

    fn step() -> RemoveLink {
        RemoveLink { path: PATH.to_owned(), target: "/nowhere/docker.service".to_owned() }
    }

    fn bed() -> Bed {
        let bed = Bed::new(&["wants"]);
        bed.host.create_link(PATH, "/nowhere/docker.service").unwrap();
        bed
    }

    #[test]
    fn takes_it_away_and_puts_it_back() {
        let bed = bed();
        let before = bed.apply(&step());
        assert_eq!(bed.host.stat(PATH).unwrap(), None);
        assert_eq!(bed.undo(&step(), &before), Undone::Restored);
        let back = bed.host.stat(PATH).unwrap().unwrap();
        assert_eq!(back.target.as_deref(), Some("/nowhere/docker.service"));
    }

    #[test]
    fn finds_it_already_gone() {
        let bed = bed();
        bed.apply(&step());
        let before = bed.apply(&step());
        assert_eq!(before, Before::Absent);
        assert_eq!(bed.undo(&step(), &before), Undone::Unchanged);
    }

    #[test]
    fn leaves_what_was_made_since() {
        let bed = bed();
        let before = bed.apply(&step());
        bed.write(PATH, "a file");
        let kept = bed.undo(&step(), &before);
        assert!(matches!(kept, Undone::Kept { reason: KeptReason::ChangedSince, .. }), "{kept:?}");
    }
}
