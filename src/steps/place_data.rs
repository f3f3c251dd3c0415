//! Puts a copy of data in its place, once it is whole: every name by a rename.

use std::slice::from_ref;

use serde::{Deserialize, Serialize};

use super::copy_data::{copy_in, others_in};
use super::{Action, Before, Context, StepError, Undone};
use crate::file_state::Ownership;

/// Moves what was copied to where it shall be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceData {
    /// The directory that the new place is the copy of.
    pub from: String,
    /// The new place.
    pub to: String,
}

impl Action for PlaceData {
    /// Whatever came to the new place is not the engine's, and would be taken for it later.
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        if !others_in(context.host, &self.to)?.is_empty() {
            return Err(StepError::NotEmpty(self.to.clone()));
        }
        Ok(Before::Names { names: context.host.read_dir(&copy_in(&self.to))? })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let (host, copy) = (context.host, copy_in(&self.to));
        host.move_names(&copy, &self.to, &|_| true)?;
        // The empty directory stays until the run is committed: going back needs no room then.
        host.carry_attributes(&self.from, &self.to)?;
        Ok(host.sync_directories()?)
    }

    /// What is not in the copy any more is in its place.
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let (host, copy) = (context.host, copy_in(&self.to));
        let Before::Names { names } = before else { return Ok(Undone::Unchanged) };
        if host.stat(&self.to)?.is_none() {
            return Ok(Undone::Unchanged);
        }
        if host.is_live() {
            // What a daemon that did not come up has left; a mount point has no other name.
            host.unmount_engines(from_ref(&self.to), &[])?;
        }
        if host.stat(&copy)?.is_none() {
            host.create_dir(&copy, Ownership::root(0o700))?;
        }
        let left = host.read_dir(&copy)?;
        let is_placed = |name: &str| {
            let is = |known: &String| known == name;
            names.iter().any(is) && !left.iter().any(is)
        };
        host.move_names(&self.to, &copy, &is_placed)?;
        host.sync_directories()?;
        Ok(Undone::Restored)
    }
}

impl PlaceData {
    /// The directory in which the copy was made: empty by now, and to go once the run is committed.
    pub fn copy(&self) -> String {
        copy_in(&self.to)
    }
}
