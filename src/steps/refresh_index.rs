//! Has the package manager fetch the index of one repository, and of no other.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::online::{Manager, Query};

/// Has the package manager fetch the index of one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshIndex {
    /// The manager.
    pub manager: Manager,
    /// The file that names the repository.
    pub source: String,
    /// Where indexes lie.
    pub directory: String,
    /// How the names of its files there begin.
    pub prefix: String,
}

impl Action for RefreshIndex {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let there = !self.files(context)?.is_empty();
        Ok(if there { Before::Present } else { Before::Absent })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        Ok(Query::new(context.host, self.manager, &context.proxies).refresh(&self.source)?)
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        if *before != Before::Absent {
            return Ok(Undone::Unchanged);
        }
        let mut outcome = Undone::Unchanged;
        for path in self.files(context)? {
            context.host.remove_tree(&path)?;
            outcome = Undone::Restored;
        }
        Ok(outcome)
    }
}

impl RefreshIndex {
    fn files(&self, context: &Context<'_>) -> Result<Vec<String>, StepError> {
        let names = context.host.read_dir(&self.directory)?;
        let ours = names.into_iter().filter(|name| name.starts_with(&self.prefix));
        Ok(ours.map(|name| format!("{}/{name}", self.directory)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    fn step() -> RefreshIndex {
        RefreshIndex {
            manager: Manager::Apt,
            source: "/etc/apt/sources.list.d/landfall-docker.sources".to_owned(),
            directory: "/lists".to_owned(),
            prefix: "m_linux_debian_".to_owned(),
        }
    }

    /// That it fetches one is tested on hosts with apt and dnf.
    #[test]
    fn takes_its_own_files_away_and_no_others() {
        let bed = Bed::new(&["lists/m_linux_debian_dir"]);
        bed.write("/lists/m_linux_debian_InRelease", "x");
        bed.write("/lists/other_InRelease", "x");
        assert_eq!(step().observe(&bed.context()).unwrap(), Before::Present);
        assert_eq!(bed.undo(&step(), &Before::Present), Undone::Unchanged);
        assert_eq!(bed.undo(&step(), &Before::Absent), Undone::Restored);
        assert_eq!(bed.host.read_dir("/lists").unwrap(), ["other_InRelease"]);
        assert_eq!(step().observe(&bed.context()).unwrap(), Before::Absent);
        assert_eq!(bed.undo(&step(), &Before::Absent), Undone::Unchanged);
    }
}
