//! Has rpm trust a key.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::online::Fingerprint;

const LIMIT: Duration = Duration::from_secs(60);

/// Has rpm trust the key in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportKey {
    /// The file.
    pub path: String,
    /// Whose key it is.
    pub fingerprint: Fingerprint,
}

impl Action for ImportKey {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let there = !self.found(context)?.is_empty();
        Ok(if there { Before::Present } else { Before::Absent })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        if self.found(context)?.is_empty() {
            context.host.run_ok(&["rpm", "--import", &self.path], LIMIT)?;
        }
        Ok(())
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let found = self.found(context)?;
        if *before != Before::Absent || found.is_empty() {
            return Ok(Undone::Unchanged);
        }
        let mut argv = vec!["rpm", "-e", "--"];
        argv.extend(found.iter().map(String::as_str));
        context.host.run_ok(&argv, LIMIT)?;
        Ok(Undone::Restored)
    }
}

impl ImportKey {
    /// As what rpm has it: a package that is called by the end of the fingerprint, or by all of it.
    fn found(&self, context: &Context<'_>) -> Result<Vec<String>, StepError> {
        let format = "%{NAME}-%{VERSION}-%{RELEASE}\\n";
        let argv = ["rpm", "-q", "gpg-pubkey", "--queryformat", format];
        let known = context.host.run(&argv, LIMIT)?.stdout;
        let whole = self.fingerprint.to_string().to_lowercase();
        let is_it = |line: &&str| {
            let version = line.strip_prefix("gpg-pubkey-").and_then(|line| line.split('-').next());
            version.is_some_and(|version| version.len() >= 8 && whole.ends_with(version))
        };
        Ok(known.lines().filter(is_it).map(str::to_owned).collect())
    }
}
