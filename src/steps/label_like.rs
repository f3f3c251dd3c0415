//! Has the SELinux policy label one directory like another.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::facts::security::parse_equivalences;
use crate::file_state::Ownership;
use crate::host::labels::Labeller;

/// `semanage` is a Python program that may compile the whole policy anew.
const LIMIT: Duration = Duration::from_secs(300);
/// The mode that dockerd gives its data directory.
const DATA: Ownership = Ownership::root(0o710);

/// Has the policy label the engine's data directory, and all beneath it, like the default
/// one: the policy knows that by its path only. The directory is made if it is not there, so
/// that whatever the engine makes in it begins with the right label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelLike {
    /// The directory, whose parent exists.
    pub path: String,
    /// The one that the policy knows.
    pub like: String,
    /// The policy's name, such as `targeted`.
    pub policy: String,
}

impl Action for LabelLike {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::LabelRule {
            existed: self.is_in_policy(context)?,
            directory: context.host.stat(&self.path)?.is_some(),
        })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let host = context.host;
        if !self.is_in_policy(context)? {
            host.run_ok(&["semanage", "fcontext", "-a", "-e", &self.like, &self.path], LIMIT)?;
        }
        if host.stat(&self.path)?.is_none() {
            host.create_dir(&self.path, DATA)?;
        }
        let labeller = Labeller::find(host, &self.policy)?.ok_or(StepError::NoLabeller)?;
        Ok(labeller.label_tree(host, &self.path)?)
    }

    /// Takes the rule away. Labels beneath the directory stay: its data do, too, unless they
    /// are purged.
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let Before::LabelRule { existed, directory } = before else {
            return Ok(Undone::Unchanged);
        };
        let mut outcome = Undone::Unchanged;
        if !existed && self.is_in_policy(context)? {
            let argv = ["semanage", "fcontext", "-d", "-e", &self.like, &self.path];
            context.host.run_ok(&argv, LIMIT)?;
            outcome = Undone::Restored;
        }
        if !directory {
            // One that holds data is not ours to judge.
            context.host.remove_dir(&self.path)?;
        }
        Ok(outcome)
    }
}

impl LabelLike {
    fn is_in_policy(&self, context: &Context<'_>) -> Result<bool, StepError> {
        let path = format!("/etc/selinux/{}/contexts/files/file_contexts.subs", self.policy);
        let rules = parse_equivalences(&context.host.read_text(&path)?.unwrap_or_default());
        Ok(rules.get(&self.path) == Some(&self.like))
    }
}
