//! Gives a staged program its final name.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone, replace};
use crate::digest::Digest;
use crate::file_state::Ownership;

/// Renames a staged program over its target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallBinary {
    /// Its final path.
    pub path: String,
    /// Where the staged file lies, in the same directory.
    pub staged: String,
    /// Digest of its bytes, which was taken while it was unpacked.
    pub sha256: Digest,
    /// Length in bytes.
    pub size: u64,
    /// Its owner and mode.
    pub ownership: Ownership,
}

impl Action for InstallBinary {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        replace::observe(context, &self.path)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        replace::set_aside(context, &self.path)?;
        Ok(context.host.commit_staged(&self.staged, &self.path, self.ownership)?)
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        context.host.remove_file(&self.staged)?;
        replace::undo(context, &self.path, self.sha256, before)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::steps::testing::Bed;

    fn staged(bed: &Bed) -> InstallBinary {
        let staged = "/bin/.runc.landfall-new";
        bed.host.create_staged(staged).unwrap().write_all(b"new").unwrap();
        InstallBinary {
            path: "/bin/runc".to_owned(),
            staged: staged.to_owned(),
            sha256: Digest::of(b"new"),
            size: 3,
            ownership: Ownership::own(0o755),
        }
    }

    #[test]
    fn installs_and_takes_away() {
        let bed = Bed::new(&["bin"]);
        let step = staged(&bed);
        let before = bed.apply(&step);
        assert_eq!(bed.read("/bin/runc"), "new");
        assert_eq!(bed.host.stat("/bin/runc").unwrap().unwrap().mode, 0o755);
        assert_eq!(bed.host.stat(&step.staged).unwrap(), None);
        assert_eq!(bed.undo(&step, &before), Undone::Removed);
        assert_eq!(bed.host.read_dir("/bin").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn restores_the_program_that_was_there() {
        let bed = Bed::new(&["bin"]);
        bed.write("/bin/runc", "old");
        let original = bed.host.stat("/bin/runc").unwrap();
        let step = staged(&bed);
        let before = bed.apply(&step);
        assert_eq!(bed.undo(&step, &before), Undone::Restored);
        assert_eq!(bed.read("/bin/runc"), "old");
        assert_eq!(bed.host.stat("/bin/runc").unwrap(), original);
    }

    #[test]
    fn removes_the_staged_file_of_a_run_that_was_cut() {
        let bed = Bed::new(&["bin"]);
        let step = staged(&bed);
        let before = step.observe(&bed.context()).unwrap();
        assert_eq!(bed.undo(&step, &before), Undone::Unchanged);
        assert_eq!(bed.host.read_dir("/bin").unwrap(), Vec::<String>::new());
    }
}
