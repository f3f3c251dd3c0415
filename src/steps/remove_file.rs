//! Removes a program of an older engine that the new one does not have.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone, replace};
use crate::digest::Digest;
use crate::file_state::aside_of;

/// Removes a file, if it still is the one that Landfall put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveFile {
    /// Which.
    pub path: String,
    /// Digest of its bytes.
    pub sha256: Digest,
}

impl Action for RemoveFile {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        replace::observe(context, &self.path)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        if context.host.digest(&self.path)? == Some(self.sha256) {
            context.host.rename(&self.path, &aside_of(&self.path))?;
        }
        Ok(())
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let Before::File { state, sha256 } = before else { return Ok(Undone::Unchanged) };
        if context.host.stat(&self.path)?.is_some() {
            // It was not removed, or somebody put another one there since.
            return Ok(Undone::Unchanged);
        }
        let aside = aside_of(&self.path);
        if context.host.digest(&aside)? == Some(*sha256) {
            context.host.rename(&aside, &self.path)?;
        } else {
            context.store.restore(*sha256, &self.path, state)?;
        }
        Ok(Undone::Restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    #[test]
    fn goes_and_comes_back() {
        let bed = Bed::new(&["bin"]);
        bed.write("/bin/docker-runc", "old");
        let state = bed.host.stat("/bin/docker-runc").unwrap();
        let step = RemoveFile { path: "/bin/docker-runc".to_owned(), sha256: Digest::of(b"old") };
        let before = bed.apply(&step);
        assert_eq!(bed.host.stat("/bin/docker-runc").unwrap(), None);
        assert_eq!(bed.undo(&step, &before), Undone::Restored);
        assert_eq!(bed.host.stat("/bin/docker-runc").unwrap(), state);
        assert_eq!(bed.undo(&step, &before), Undone::Unchanged);
    }

    #[test]
    fn a_file_that_is_another_by_now_stays() {
        let bed = Bed::new(&["bin"]);
        bed.write("/bin/docker-runc", "another's");
        let step = RemoveFile { path: "/bin/docker-runc".to_owned(), sha256: Digest::of(b"old") };
        bed.apply(&step);
        assert_eq!(bed.read("/bin/docker-runc"), "another's");
    }
}
