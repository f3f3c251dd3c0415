//! Undoes a step that an earlier run made, as a step of its own: undone itself, the earlier
//! step's effect is back.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, CreateGroup, KeptReason, RemoveFile, RemoveLink, Step};
use super::{StepError, Undone};
use super::{create_group::lookup_group, guard_runtime, link};
use crate::digest::Digest;
use crate::file_state::{FileKind, aside_of, is_old_name, new_name};
use crate::online::Versions;
use crate::receipt::Entry;
use crate::report::Event;

/// Undoes an entry of the receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revert {
    /// The entry.
    pub entry: Box<Entry>,
    /// A file that the step made goes also if it was changed since.
    #[serde(default)]
    pub changed_too: bool,
}

/// A file that a step made.
struct Made<'a> {
    path: &'a str,
    sha256: Digest,
}

impl Action for Revert {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let in_effect = match &self.entry.step {
            Step::CreateGroup(step) => {
                let found = lookup_group(context.host, &step.name)?;
                return Ok(found.map_or(Before::Absent, |group| Before::Group { gid: group.gid }));
            }
            Step::SnapshotMetadata(step) => return step.observe(context),
            Step::GuardRuntime(_) => {
                return guard_runtime::observe_revert(context, &self.entry.before);
            }
            Step::CreateDir(step) => {
                let now = context.host.stat(&step.path)?;
                now.is_some_and(|now| now.kind == FileKind::Directory)
            }
            Step::CreateLink(step) => {
                link::is_there(context, &step.path, &step.target)? == Some(true)
            }
            Step::RemoveFile(RemoveFile { path, .. })
            | Step::RemoveLink(RemoveLink { path, .. }) => context.host.stat(path)?.is_none(),
            step => match (made(step), step.action()) {
                (Some(made), _) => self.may_go(context, &made)?,
                (None, action) => match action.observe(context)? {
                    Before::Present | Before::LabelRule { existed: true, .. } => true,
                    Before::Packages { installed, .. } => is_installed(step, &installed),
                    Before::Held { names } => !names.is_empty(),
                    Before::Enabled { units } => !units.is_empty(),
                    Before::Labels { labels } => labels.is_empty(),
                    // The lines of these very programs.
                    Before::Trusted { lines, .. } => !lines.is_empty(),
                    _ => false,
                },
            },
        };
        Ok(if in_effect { Before::Present } else { Before::Nothing })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let Entry { step, before } = &*self.entry;
        if let Some(made) = made(step)
            && self.may_go(context, &made)?
        {
            // What goes is not deleted before all of the run is made: it needs no room, and
            // comes back with a rename.
            context.host.rename(made.path, &made.aside())?;
        }
        let outcome = step.action().undo(context, before)?;
        if let Some(directory) = self.directory()
            && holds_set_aside(context, directory)?
        {
            // It goes with them.
            return Ok(());
        }
        if matches!(outcome, Undone::Kept { .. }) {
            context.reporter.event(&Event::Left { outcome: &outcome });
            context.kept.borrow_mut().push(outcome);
        }
        Ok(())
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let step = &self.entry.step;
        if let Some(path) = step.path() {
            // What a cut left of writing what had stood there.
            let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
            context.host.remove_file(&format!("{directory}/{}", new_name(name)))?;
        }
        match (before, step) {
            (Before::Files { .. }, Step::SnapshotMetadata(step)) => step.undo(context, before),
            (Before::Files { files, directories }, _) => {
                let mut outcome = Undone::Unchanged;
                // In this order a directory comes before what is in it.
                for (path, ownership) in directories {
                    if context.host.stat(path)?.is_none() {
                        context.host.create_dir(path, *ownership)?;
                        outcome = Undone::Restored;
                    }
                }
                for (path, (state, sha256)) in files {
                    if context.host.stat(path)?.is_none() {
                        context.store.restore(*sha256, path, state)?;
                        outcome = Undone::Restored;
                    }
                }
                Ok(outcome)
            }
            (Before::Group { gid }, Step::CreateGroup(group)) => {
                CreateGroup { gid: Some(*gid), ..group.clone() }.apply(context)?;
                Ok(Undone::Restored)
            }
            (Before::Present, step) => match made(step) {
                Some(made) => self.put_back(context, &made),
                None => {
                    step.action().apply(context)?;
                    Ok(Undone::Restored)
                }
            },
            _ => Ok(Undone::Unchanged),
        }
    }
}

impl Revert {
    /// Where the file that the earlier step made is set aside, if it made one.
    pub fn aside(&self) -> Option<String> {
        Some(made(&self.entry.step)?.aside())
    }

    /// The directory that goes, if that is what the earlier step made.
    pub fn directory(&self) -> Option<&str> {
        match &self.entry.step {
            Step::CreateDir(step) if self.entry.before == Before::Absent => Some(&step.path),
            _ => None,
        }
    }

    /// Whether the file that stands there is the one that the step made, or may go anyway.
    fn may_go(&self, context: &Context<'_>, made: &Made<'_>) -> Result<bool, StepError> {
        let Some(state) = context.host.stat(made.path)? else { return Ok(false) };
        if state.kind != FileKind::File {
            return Ok(false);
        }
        // What stood there before Landfall came is another's, whatever became of it.
        let by_all_means = self.changed_too && self.entry.before == Before::Absent;
        Ok(by_all_means || context.host.digest(made.path)? == Some(made.sha256))
    }

    /// Gives a file that was set aside its name back, over what had stood there before the
    /// earlier step.
    fn put_back(&self, context: &Context<'_>, made: &Made<'_>) -> Result<Undone, StepError> {
        let host = context.host;
        if host.stat(&made.aside())?.is_none() {
            return Ok(Undone::Unchanged);
        }
        let is_ours = match (&self.entry.before, host.digest(made.path)?) {
            (_, None) => host.stat(made.path)?.is_none(),
            (Before::File { sha256, .. }, Some(now)) => now == *sha256,
            (_, Some(_)) => false,
        };
        if !is_ours {
            let reason = KeptReason::ChangedSince;
            return Ok(Undone::Kept { what: made.path.to_owned(), reason });
        }
        host.rename(&made.aside(), made.path)?;
        Ok(Undone::Restored)
    }
}

impl Made<'_> {
    fn aside(&self) -> String {
        aside_of(self.path)
    }
}

/// Whether all that a directory holds are files that were set aside.
fn holds_set_aside(context: &Context<'_>, directory: &str) -> Result<bool, StepError> {
    let names = context.host.read_dir(directory)?;
    Ok(!names.is_empty() && names.iter().all(|name| is_old_name(name)))
}

/// Whether what a step installed is there.
fn is_installed(step: &Step, installed: &Versions) -> bool {
    let Step::InstallPackages(step) = step else { return false };
    step.packages.iter().all(|(name, version)| installed.get(name) == Some(version))
}

fn made(step: &Step) -> Option<Made<'_>> {
    match step {
        Step::InstallBinary(step) => Some(Made { path: &step.path, sha256: step.sha256 }),
        Step::CopyFile(step) => Some(Made { path: &step.path, sha256: step.sha256 }),
        Step::WriteFile(step) => {
            Some(Made { path: &step.path, sha256: Digest::of(step.text.as_bytes()) })
        }
        _ => None,
    }
}
