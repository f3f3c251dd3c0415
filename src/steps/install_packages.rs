//! Has the host's package manager install packages of certain versions, and nothing that was not shown
//! before.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, KeptReason, StepError, Undone};
use crate::host::HostError;
use crate::online::{Manager, Query, Transaction, Versions};
use crate::topology::ALL_UNITS;

/// Has the package manager install packages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallPackages {
    /// The manager.
    pub manager: Manager,
    /// What is asked for, by name and version.
    pub packages: Versions,
    /// What the manager said that it will do.
    pub transaction: Transaction,
}

impl Action for InstallPackages {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let installed = self.query(context).installed(&self.transaction.names())?;
        let mut active = Vec::new();
        if context.host.is_booted_with_systemd() {
            for unit in ALL_UNITS {
                if context.host.unit_state(unit)?.is_active() {
                    active.push(unit.to_owned());
                }
            }
        }
        Ok(Before::Packages { installed, active })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let query = self.query(context);
        if self.is_there(&query)? {
            return Ok(());
        }
        let beyond = query.simulate(&self.packages)?.beyond(&self.transaction);
        if !beyond.is_empty() {
            return Err(StepError::OtherTransaction(beyond));
        }
        query.install(&self.packages, !self.transaction.remove.is_empty())?;
        if !self.is_there(&query)? {
            let names = self.packages.keys().cloned().collect();
            return Err(StepError::NotInstalled(names));
        }
        Ok(())
    }

    /// What came goes, unless others have come to need it; what was there in another version, or
    /// went, comes back where the host's repositories still have it.
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let Before::Packages { installed: before, .. } = before else {
            return Ok(Undone::Unchanged);
        };
        let query = self.query(context);
        let now = query.installed(&self.transaction.names())?;
        let came: Vec<&str> =
            now.keys().filter(|name| !before.contains_key(*name)).map(String::as_str).collect();
        let went: Versions = before
            .iter()
            .filter(|(name, version)| now.get(*name) != Some(version))
            .map(|(name, version)| (name.clone(), version.clone()))
            .collect();
        if came.is_empty() && went.is_empty() {
            return Ok(Undone::Unchanged);
        }
        if context.host.is_coming_up() {
            return Err(StepError::PackagesAtBoot);
        }
        query.settle()?;
        let mut kept = self.remove(&query, &came)?;
        if !went.is_empty() && query.install(&went, false).is_err() {
            kept.extend(self.bring_back(&query, &went)?);
        }
        Ok(match kept.is_empty() {
            true => Undone::Restored,
            false => Undone::Kept { what: kept.join(", "), reason: KeptReason::Packages },
        })
    }
}

impl InstallPackages {
    fn query<'a>(&self, context: &'a Context<'_>) -> Query<'a> {
        Query::new(context.host, self.manager, &context.proxies)
    }

    fn is_there(&self, query: &Query<'_>) -> Result<bool, HostError> {
        let names: Vec<&str> = self.packages.keys().map(String::as_str).collect();
        Ok(query.installed(&names)? == self.packages)
    }

    /// Removes what came with this step; the names of what stays.
    fn remove(&self, query: &Query<'_>, came: &[&str]) -> Result<Vec<String>, StepError> {
        let (asked, with_it): (Vec<&str>, Vec<&str>) =
            came.iter().copied().partition(|name| self.packages.contains_key(*name));
        let mut goes = asked;
        if query.can_go(came)? {
            goes.extend(&with_it);
        } else if !goes.is_empty() && !query.can_go(&goes)? {
            let names = goes.iter().map(|name| (*name).to_owned()).collect();
            return Err(StepError::PackagesNeeded(names));
        } else {
            // Others have come to need some of it.
            for name in with_it {
                let and_it = [goes.as_slice(), &[name]].concat();
                if query.can_go(&and_it)? {
                    goes = and_it;
                }
            }
        }
        let mut changed = Vec::new();
        let (mut purged, mut removed): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for name in &goes {
            let files = query.changed_configuration(name)?;
            if files.is_empty() {
                purged.push(name)
            } else {
                removed.push(name)
            }
            changed.extend(files);
        }
        // Together, for they need one another; what is purged was removed by then.
        if !goes.is_empty() {
            query.remove(&goes, removed.is_empty())?;
        }
        if !removed.is_empty() && !purged.is_empty() {
            query.remove(&purged, true)?;
        }
        let stays = came.iter().filter(|name| !goes.contains(name));
        changed.extend(stays.map(|name| (*name).to_owned()));
        Ok(changed)
    }

    /// One by one, as far as they are to be had; the names of the others.
    fn bring_back(&self, query: &Query<'_>, went: &Versions) -> Result<Vec<String>, StepError> {
        let mut missing = Vec::new();
        for (name, version) in went {
            let one = Versions::from([(name.clone(), version.clone())]);
            if let Err(error) = query.install(&one, false) {
                if !error.is_a_programs() {
                    return Err(error.into());
                }
                missing.push(format!("{name} {version}"));
            }
        }
        Ok(missing)
    }
}
