//! Copies an engine's data to another directory: first while everything runs, then what has changed
//! since, while nothing does.

use std::cell::Cell;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::file_state::{FileKind, Ownership};
use crate::host::tree::{FileTime, Tree};
use crate::report::Event;
use crate::texts::migrate as texts;

/// A pass that takes no longer than this leaves little for the one while nothing runs.
const SHORT: Duration = Duration::from_secs(10);
/// After so many passes an engine that writes without end is left to the last one.
const PASSES: usize = 4;
/// How often the progress is told.
const TELL_AFTER: Duration = Duration::from_millis(200);
/// How many bytes of what the last pass wrote are read back; the rest is judged by its length and
/// times. A second or two of a disk's time.
const READ_BACK: u64 = 1 << 30;
/// What a file system may have in its root without being in use.
pub const LOST_AND_FOUND: &str = "lost+found";

/// Copies a directory of data that is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyData {
    /// The directory, all links resolved.
    pub from: String,
    /// Its copy; it may exist, empty.
    pub to: String,
    /// About how many bytes that is.
    pub bytes: u64,
    /// A directory in the copy that belongs to the copy of another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
}

/// Brings the copy up to date while nothing uses the data, and compares the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncData {
    /// The directory, all links resolved.
    pub from: String,
    /// Its copy.
    pub to: String,
    /// A directory in the copy that belongs to the copy of another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
}

impl Action for CopyData {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        Ok(match context.host.stat(&self.to)? {
            None => Before::Absent,
            Some(state) if state.kind == FileKind::Directory => {
                // Looked at again: the question may have waited for long, and what is there that is
                // not in the original would be taken away.
                let mine = beside(self.beside.as_ref());
                if context.host.read_dir(&self.to)?.iter().any(|name| !mine.contains(name)) {
                    return Err(StepError::NotEmpty(self.to.clone()));
                }
                Before::Ownership { ownership: state.ownership() }
            }
            Some(_) => {
                let what = crate::texts::phrases::host::NOT_A_DIRECTORY;
                return Err(StepError::NotAFile { path: self.to.clone(), what });
            }
        })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let host = context.host;
        if host.stat(&self.to)?.is_none() {
            host.create_dir(&self.to, Ownership::root(0o700))?;
        } else {
            // What is copied is for root alone until the directory gets its mode, last of all.
            host.set_mode(&self.to, 0o700)?;
        }
        let (beside, progress) = (beside(self.beside.as_ref()), Progress::new(self));
        let tree = Tree { from: &self.from, to: &self.to, beside: &beside };
        let mut earlier = None;
        for _ in 0..PASSES {
            let (began, moment) = (Instant::now(), FileTime::now());
            // A page that a program has mapped and written is written again without a new change
            // time, until it was on the disk once.
            host.sync_file_system(&self.from)?;
            let copied = host.copy_tree(&tree, earlier, &|bytes| progress.tell(context, bytes))?;
            if let (None, (count, Some(first))) = (earlier, copied.protected) {
                let text = texts::protected(count, &first);
                context.reporter.event(&Event::Warning { text });
            }
            earlier = Some(moment);
            if began.elapsed() < SHORT {
                break;
            }
        }
        // What is on its way to the disk now need not be waited for while nothing runs.
        host.sync_file_system(&self.to)?;
        context.copied.borrow_mut().extend(earlier.map(|moment| (self.from.clone(), moment)));
        Ok(())
    }

    /// Removes what was copied: an engine that used it does not run any more.
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let host = context.host;
        if !matches!(before, Before::Absent | Before::Ownership { .. })
            || host.stat(&self.to)?.is_none()
        {
            return Ok(Undone::Unchanged);
        }
        if host.is_live() {
            host.unmount_engines(from_ref(&self.to), &[])?;
        }
        host.empty_tree(&self.to, &[LOST_AND_FOUND.to_owned()])?;
        if let Before::Ownership { ownership } = before {
            host.set_ownership(&self.to, *ownership)?;
        } else {
            host.remove_dir(&self.to)?;
        }
        Ok(Undone::Restored)
    }
}

impl Action for SyncData {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let host = context.host;
        if host.is_live() {
            // What a daemon that is gone has left mounted (an overlay of a container) hides nothing
            // that is not on the disk.
            host.unmount_engines(from_ref(&self.from), &[])?;
        }
        let beside = beside(self.beside.as_ref());
        let tree = Tree { from: &self.from, to: &self.to, beside: &beside };
        let earlier = context.copied.borrow().get(&self.from).copied();
        let begun = FileTime::now();
        let copied = host.copy_tree(&tree, earlier, &|_| {})?;
        if !copied.mounts.is_empty() {
            return Err(StepError::Mounted(copied.mounts));
        }
        host.sync_file_system(&self.to)?;
        let found = host.compare_trees(&tree, begun, READ_BACK)?;
        if found.is_empty() { Ok(()) } else { Err(StepError::CopyDiffers(found)) }
    }

    /// The copy goes with the step that began it.
    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}

/// Names in the copy that are no part of it.
fn beside(more: Option<&String>) -> Vec<String> {
    std::iter::once(LOST_AND_FOUND.to_owned()).chain(more.cloned()).collect()
}

/// Tells now and then how far the copy is.
struct Progress<'a> {
    step: &'a CopyData,
    bytes: Cell<u64>,
    told: Cell<Instant>,
}

impl<'a> Progress<'a> {
    fn new(step: &'a CopyData) -> Self {
        Self { step, bytes: Cell::new(0), told: Cell::new(Instant::now()) }
    }

    fn tell(&self, context: &Context<'_>, bytes: u64) {
        self.bytes.set(self.bytes.get() + bytes);
        if self.told.get().elapsed() < TELL_AFTER {
            return;
        }
        self.told.set(Instant::now());
        let (from, bytes, of) = (&self.step.from, self.bytes.get(), self.step.bytes);
        context.reporter.event(&Event::Copied { from, bytes, of });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    fn steps() -> (CopyData, SyncData) {
        let (from, to) = ("/old".to_owned(), "/disk/new".to_owned());
        let copy = CopyData { from: from.clone(), to: to.clone(), bytes: 3, beside: None };
        (copy, SyncData { from, to, beside: None })
    }

    fn bed(more: &[&str]) -> Bed {
        let bed = Bed::new(&[&["old/containers", "disk"], more].concat());
        bed.write("/old/containers/a", "one");
        bed
    }

    #[test]
    fn copies_catches_up_and_takes_away() {
        let bed = bed(&[]);
        let (copy, sync) = steps();
        let context = bed.context();
        let before = copy.observe(&context).unwrap();
        copy.apply(&context).unwrap();
        assert_eq!(bed.read("/disk/new/containers/a"), "one");
        bed.write("/old/containers/a", "two");
        bed.write("/old/b", "new");
        sync.apply(&context).unwrap();
        assert_eq!(bed.read("/disk/new/containers/a"), "two");
        assert_eq!(bed.read("/disk/new/b"), "new");
        assert_eq!(bed.undo(&sync, &Before::Nothing), Undone::Unchanged);
        assert_eq!(bed.undo(&copy, &before), Undone::Restored);
        assert_eq!(bed.host.read_dir("/disk").unwrap(), [""; 0]);
        assert_eq!(bed.undo(&copy, &before), Undone::Unchanged, "a second time");
        assert_eq!(bed.read("/old/b"), "new");
    }

    #[test]
    fn what_came_since_is_not_taken_away() {
        let bed = bed(&["disk/new/lost+found"]);
        bed.write("/disk/new/photo", "mine");
        let (copy, _) = steps();
        let error = copy.observe(&bed.context()).unwrap_err();
        assert!(matches!(error, StepError::NotEmpty(_)), "{error}");
        assert_eq!(bed.read("/disk/new/photo"), "mine");
    }

    #[test]
    fn a_directory_that_was_there_stays_as_it_was() {
        let bed = bed(&["disk/new/lost+found"]);
        bed.host.set_mode("/disk/new", 0o751).unwrap();
        let (copy, _) = steps();
        let before = bed.apply(&copy);
        assert_eq!(bed.undo(&copy, &before), Undone::Restored);
        assert_eq!(bed.host.read_dir("/disk/new").unwrap(), ["lost+found"]);
        assert_eq!(bed.host.stat("/disk/new").unwrap().unwrap().mode, 0o751);
    }

    #[test]
    fn the_copy_of_another_directory_in_it_is_let_alone() {
        let bed = bed(&["disk/new/containerd/own"]);
        let beside = Some("containerd".to_owned());
        let (copy, sync) = steps();
        let context = bed.context();
        CopyData { beside: beside.clone(), ..copy }.apply(&context).unwrap();
        SyncData { beside, ..sync.clone() }.apply(&context).unwrap();
        assert_eq!(bed.host.read_dir("/disk/new").unwrap(), ["containerd", "containers"]);
        // Without that word it is none of the original's.
        sync.apply(&context).unwrap();
        assert_eq!(bed.host.read_dir("/disk/new").unwrap(), ["containers"]);
    }
}
