//! Makes a symbolic link. Enabling a unit is a link in its target's `.wants` directory
//! (systemd.unit(5), "WantedBy="), which also works in an image where no systemd runs.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, KeptReason, StepError, Undone, link};

/// Makes a symbolic link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateLink {
    /// Where.
    pub path: String,
    /// What it points to.
    pub target: String,
}

impl Action for CreateLink {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        link::observe(context, &self.path, &self.target)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        if link::is_there(context, &self.path, &self.target)?.is_none() {
            context.host.create_link(&self.path, &self.target)?;
        }
        Ok(())
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        match (before, link::is_there(context, &self.path, &self.target)?) {
            (Before::Absent, Some(true)) => {
                context.host.remove_file(&self.path)?;
                Ok(Undone::Restored)
            }
            (Before::Absent, Some(false)) => {
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

    fn step() -> CreateLink {
        CreateLink { path: "/wants/docker.service".to_owned(), target: "/u/docker.service".into() }
    }

    #[test]
    fn makes_it_and_takes_it_away() {
        let bed = Bed::new(&["wants"]);
        let before = bed.apply(&step());
        let made = bed.host.stat("/wants/docker.service").unwrap().unwrap();
        assert_eq!(made.target.as_deref(), Some("/u/docker.service"));
        assert_eq!(bed.undo(&step(), &before), Undone::Restored);
        assert_eq!(bed.host.stat("/wants/docker.service").unwrap(), None);
    }

    #[test]
    fn finds_it_already_made() {
        let bed = Bed::new(&["wants"]);
        bed.apply(&step());
        let before = bed.apply(&step());
        assert_eq!(before, Before::Present);
        assert_eq!(bed.undo(&step(), &before), Undone::Unchanged);
    }

    #[test]
    fn leaves_another_link() {
        let bed = Bed::new(&["wants"]);
        let before = bed.apply(&step());
        bed.host.remove_file("/wants/docker.service").unwrap();
        bed.host.create_link("/wants/docker.service", "/elsewhere").unwrap();
        let kept = bed.undo(&step(), &before);
        assert!(matches!(kept, Undone::Kept { reason: KeptReason::ChangedSince, .. }), "{kept:?}");
    }
}
