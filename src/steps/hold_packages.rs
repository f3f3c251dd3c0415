//! Keeps packages at their versions, whatever is upgraded.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::online::Manager;

const LIMIT: Duration = Duration::from_secs(120);

/// Keeps packages at their versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldPackages {
    /// The manager.
    pub manager: Manager,
    /// Which.
    pub names: Vec<String>,
}

impl Action for HoldPackages {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Held { names: self.held(context)? })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        self.tell(context, self.words().0, &names)
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let Before::Held { names: kept } = before else { return Ok(Undone::Unchanged) };
        let held = self.held(context)?;
        let ours: Vec<&str> =
            held.iter().filter(|name| !kept.contains(name)).map(String::as_str).collect();
        if ours.is_empty() {
            return Ok(Undone::Unchanged);
        }
        self.tell(context, self.words().1, &ours)?;
        Ok(Undone::Restored)
    }
}

impl HoldPackages {
    /// The words that hold, and that let go.
    fn words(&self) -> (&'static [&'static str], &'static [&'static str]) {
        match self.manager {
            Manager::Apt => (&["apt-mark", "hold"], &["apt-mark", "unhold"]),
            Manager::Dnf => {
                (&["dnf", "-q", "versionlock", "add"], &["dnf", "-q", "versionlock", "delete"])
            }
            Manager::Yum => {
                (&["yum", "-q", "versionlock", "add"], &["yum", "-q", "versionlock", "delete"])
            }
        }
    }

    fn tell(&self, context: &Context<'_>, words: &[&str], names: &[&str]) -> Result<(), StepError> {
        context.host.run_ok(&[words, names].concat(), LIMIT)?;
        Ok(())
    }

    fn held(&self, context: &Context<'_>) -> Result<Vec<String>, StepError> {
        let answer = match self.manager {
            Manager::Apt => context.host.run_ok(&["apt-mark", "showhold"], LIMIT)?,
            manager => {
                context.host.run_ok(&[manager.program(), "-q", "versionlock", "list"], LIMIT)?
            }
        };
        let is_held =
            |name: &&String| answer.lines().any(|line| line == *name || is_lock_of(line, name));
        Ok(self.names.iter().filter(is_held).cloned().collect())
    }
}

/// Whether a line of `versionlock list`, such as `docker-ce-3:28.5.2-1.el9.*`, is about a package.
fn is_lock_of(line: &str, name: &str) -> bool {
    let rest = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_told_apart() {
        assert!(is_lock_of("docker-ce-3:28.5.2-1.el9.*", "docker-ce"));
        assert!(!is_lock_of("docker-ce-cli-1:28.5.2-1.el9.*", "docker-ce"));
        assert!(!is_lock_of("docker-ce", "docker-ce"));
    }
}
