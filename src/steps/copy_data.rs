//! Copies an engine's data to another directory: first while everything runs, then what has changed
//! since, while nothing does. The copy is made in a directory of its own in the new place, which is
//! for root alone, so that whatever else comes there is told from it (see [`super::PlaceData`]).

use std::cell::Cell;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, KeptReason, StepError, Undone};
use crate::file_state::{FileKind, LOST_AND_FOUND, Ownership};
use crate::host::Host;
use crate::host::tree::{Copied, FileTime, Tree};
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
/// Where the copy is made, in the new place.
const COPY: &str = ".landfall-copy";

/// A directory of data, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataPart {
    /// The directory, all links resolved.
    pub from: String,
    /// Its name in the new place; the data that have none are in that place itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// About how many bytes that is.
    #[serde(default)]
    pub bytes: u64,
}

/// Copies data that are in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyData {
    /// The new place; it may exist, empty.
    pub to: String,
    /// What is copied; the directory that is to be the new place comes first.
    pub parts: Vec<DataPart>,
}

/// Brings the copy up to date while nothing uses the data, and compares the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncData {
    /// The new place.
    pub to: String,
    /// What was copied.
    pub parts: Vec<DataPart>,
}

impl Action for CopyData {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        Ok(match context.host.stat(&self.to)? {
            None => Before::Absent,
            Some(state) if state.kind == FileKind::Directory => {
                // Looked at again: the question may have waited for long.
                if !others_in(context.host, &self.to)?.is_empty() {
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
        // What is copied is for root alone until it is in its place.
        for path in [&self.to, &copy_in(&self.to)] {
            if host.stat(path)?.is_none() {
                host.create_dir(path, Ownership::root(0o700))?;
            }
        }
        let progress: Vec<Progress<'_>> = self.parts.iter().map(Progress::new).collect();
        for pass in 0..PASSES {
            let began = Instant::now();
            for (part, progress) in self.parts.iter().zip(&progress) {
                let copied = part.copy(context, &self.to, &self.parts, progress)?;
                if let (0, (count, Some(first))) = (pass, copied.protected) {
                    let text = texts::protected(count, &first);
                    context.reporter.event(&Event::Warning { text });
                }
                if !copied.foreign.is_empty() {
                    return Err(StepError::OtherFileSystem(copied.foreign));
                }
            }
            if began.elapsed() < SHORT {
                break;
            }
        }
        // What is on its way to the disk now need not be waited for while nothing runs.
        Ok(host.sync_file_system(&self.to)?)
    }

    /// Removes what was copied, and nothing else: an engine that used it does not run any more.
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let (host, copy) = (context.host, copy_in(&self.to));
        if !matches!(before, Before::Absent | Before::Ownership { .. })
            || host.stat(&self.to)?.is_none()
        {
            return Ok(Undone::Unchanged);
        }
        if host.stat(&copy)?.is_some() {
            if host.is_live() {
                host.unmount_engines(from_ref(&copy), &[])?;
            }
            host.empty_tree(&copy)?;
            host.remove_dir(&copy)?;
        }
        let others = others_in(host, &self.to)?;
        match before {
            Before::Ownership { ownership } => host.set_ownership(&self.to, *ownership)?,
            _ if others.is_empty() => drop(host.remove_dir(&self.to)?),
            _ => {}
        }
        if others.is_empty() {
            return Ok(Undone::Restored);
        }
        let paths: Vec<String> = others.iter().map(|name| format!("{}/{name}", self.to)).collect();
        Ok(Undone::Kept { what: paths.join(" "), reason: KeptReason::NotEmpty })
    }
}

impl Action for SyncData {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let (host, begun) = (context.host, FileTime::now());
        for part in &self.parts {
            if host.is_live() {
                // What a daemon that is gone has left mounted (an overlay of a container) hides
                // nothing that is not on the disk.
                host.unmount_engines(from_ref(&part.from), &[])?;
            }
            let copied = part.copy(context, &self.to, &self.parts, &Progress::none(part))?;
            let outside = [copied.mounts, copied.foreign].concat();
            if !outside.is_empty() {
                return Err(StepError::Mounted(outside));
            }
        }
        host.sync_file_system(&self.to)?;
        let mut left = READ_BACK;
        for part in &self.parts {
            let (to, beside) = part.place(&self.to, &self.parts);
            let tree = Tree { from: &part.from, to: &to, beside: &beside };
            let found = host.compare_trees(&tree, begun, &mut left)?;
            if !found.is_empty() {
                return Err(StepError::CopyDiffers(found));
            }
        }
        Ok(())
    }

    /// The copy goes with the step that began it.
    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}

impl DataPart {
    /// Where the copy is made, and the names there, and in the original, that are no part of it.
    fn place(&self, to: &str, parts: &[Self]) -> (String, Vec<String>) {
        let copy = copy_in(to);
        let mut beside = vec![LOST_AND_FOUND.to_owned()];
        match &self.name {
            Some(name) => (format!("{copy}/{name}"), beside),
            None => {
                beside.extend(parts.iter().filter_map(|part| part.name.clone()));
                (copy, beside)
            }
        }
    }

    /// A pass over it.
    fn copy(
        &self,
        context: &Context<'_>,
        to: &str,
        parts: &[Self],
        progress: &Progress<'_>,
    ) -> Result<Copied, StepError> {
        let host = context.host;
        let (to, beside) = self.place(to, parts);
        if host.stat(&to)?.is_none() {
            host.create_dir(&to, Ownership::root(0o700))?;
        }
        let earlier = context.copied.borrow().get(&self.from).copied();
        let begun = FileTime::now();
        // A page that a program has mapped and written is written again without a new change time,
        // until it was on the disk once.
        host.sync_file_system(&self.from)?;
        let tree = Tree { from: &self.from, to: &to, beside: &beside };
        let copied = host.copy_tree(&tree, earlier, &|bytes| progress.tell(context, bytes))?;
        if self.name.is_some() {
            host.carry_attributes(&self.from, &to)?;
        }
        context.copied.borrow_mut().insert(self.from.clone(), begun);
        Ok(copied)
    }
}

/// The directory in which the copy is made.
pub(super) fn copy_in(to: &str) -> String {
    format!("{to}/{COPY}")
}

/// What is in the new place without being of the copy.
pub(super) fn others_in(host: &Host, to: &str) -> Result<Vec<String>, StepError> {
    let mut names = host.read_dir(to)?;
    names.retain(|name| name != LOST_AND_FOUND && name != COPY);
    Ok(names)
}

/// Tells now and then how far the copy is.
struct Progress<'a> {
    part: &'a DataPart,
    bytes: Cell<u64>,
    /// `None` tells nothing.
    told: Cell<Option<Instant>>,
}

impl<'a> Progress<'a> {
    fn new(part: &'a DataPart) -> Self {
        Self { part, bytes: Cell::new(0), told: Cell::new(Some(Instant::now())) }
    }

    fn none(part: &'a DataPart) -> Self {
        Self { part, bytes: Cell::new(0), told: Cell::new(None) }
    }

    fn tell(&self, context: &Context<'_>, bytes: u64) {
        self.bytes.set(self.bytes.get() + bytes);
        if self.told.get().is_none_or(|told| told.elapsed() < TELL_AFTER) {
            return;
        }
        self.told.set(Some(Instant::now()));
        let (from, bytes, of) = (&self.part.from, self.bytes.get(), self.part.bytes);
        context.reporter.event(&Event::Copied { from, bytes, of });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::PlaceData;
    use crate::steps::testing::Bed;

    const NEW: &str = "/disk/new";

    fn steps() -> (CopyData, SyncData, PlaceData) {
        let part = |from: &str, name: Option<&str>| DataPart {
            from: from.to_owned(),
            name: name.map(str::to_owned),
            bytes: 3,
        };
        let (to, parts) = (NEW.to_owned(), vec![part("/old", None), part("/own", Some("own"))]);
        (
            CopyData { to: to.clone(), parts: parts.clone() },
            SyncData { to: to.clone(), parts },
            PlaceData { from: "/old".to_owned(), to },
        )
    }

    fn bed(more: &[&str]) -> Bed {
        let bed = Bed::new(&[&["old/containers", "own/meta", "disk"], more].concat());
        bed.write("/old/containers/a", "one");
        bed.host.set_mode("/old", 0o710).unwrap();
        bed.host.set_mode("/own", 0o711).unwrap();
        bed
    }

    fn mode(bed: &Bed, path: &str) -> u32 {
        bed.host.stat(path).unwrap().unwrap().mode
    }

    fn names(bed: &Bed, path: &str) -> Vec<String> {
        bed.host.read_dir(path).unwrap()
    }

    #[test]
    fn copies_catches_up_is_used_and_taken_away() {
        let bed = bed(&[]);
        let (copy, sync, place) = steps();
        let context = bed.context();
        let before = copy.observe(&context).unwrap();
        copy.apply(&context).unwrap();
        assert_eq!((mode(&bed, NEW), names(&bed, NEW)), (0o700, vec![COPY.to_owned()]));
        assert_eq!(mode(&bed, "/disk/new/.landfall-copy"), 0o700);
        bed.write("/old/containers/a", "two");
        bed.write("/old/b", "new");
        sync.apply(&context).unwrap();
        let placed = place.observe(&context).unwrap();
        place.apply(&context).unwrap();
        assert_eq!(bed.read("/disk/new/containers/a"), "two");
        assert_eq!(names(&bed, NEW), [COPY, "b", "containers", "own"]);
        assert_eq!((mode(&bed, NEW), mode(&bed, "/disk/new/own")), (0o710, 0o711));

        assert_eq!(bed.undo(&place, &placed), Undone::Restored);
        assert_eq!(names(&bed, NEW), [COPY]);
        assert_eq!(bed.undo(&place, &placed), Undone::Restored, "a second time");
        assert_eq!(bed.undo(&sync, &Before::Nothing), Undone::Unchanged);
        assert_eq!(bed.undo(&copy, &before), Undone::Restored);
        assert_eq!(names(&bed, "/disk"), [""; 0]);
        assert_eq!(bed.undo(&place, &placed), Undone::Unchanged, "a disk that is not there");
        assert_eq!(bed.undo(&copy, &before), Undone::Unchanged, "a second time");
        assert_eq!(bed.read("/old/b"), "new");
    }

    #[test]
    fn a_cut_at_every_name_is_undone() {
        for placed in 0..3 {
            let bed = bed(&[]);
            let (copy, sync, place) = steps();
            let context = bed.context();
            let before = bed.apply(&copy);
            sync.apply(&context).unwrap();
            let observed = place.observe(&context).unwrap();
            for name in ["containers", "own"].iter().take(placed) {
                bed.host.rename(&format!("{NEW}/{COPY}/{name}"), &format!("{NEW}/{name}")).unwrap();
            }
            bed.undo(&place, &observed);
            assert_eq!(bed.undo(&copy, &before), Undone::Restored);
            assert_eq!(names(&bed, "/disk"), [""; 0], "{placed}");
        }
    }

    #[test]
    fn what_came_since_is_not_taken_away() {
        let bed = bed(&["disk/new/lost+found"]);
        bed.write("/disk/new/photo", "mine");
        let (copy, ..) = steps();
        let error = copy.observe(&bed.context()).unwrap_err();
        assert!(matches!(error, StepError::NotEmpty(_)), "{error}");
        assert_eq!(bed.read("/disk/new/photo"), "mine");
    }

    /// Also where a part of the copy shall be.
    #[test]
    fn what_comes_while_it_is_copied_stays_and_is_named() {
        let bed = bed(&[]);
        let (copy, sync, place) = steps();
        let before = bed.apply(&copy);
        bed.host.create_dir("/disk/new/own", Ownership::root(0o755)).unwrap();
        bed.write("/disk/new/own/photo", "mine");
        sync.apply(&bed.context()).unwrap();
        let error = place.observe(&bed.context()).unwrap_err();
        assert!(matches!(error, StepError::NotEmpty(_)), "{error}");
        let what = "/disk/new/own".to_owned();
        let kept = Undone::Kept { what, reason: KeptReason::NotEmpty };
        assert_eq!(bed.undo(&copy, &before), kept);
        assert_eq!(names(&bed, NEW), ["own"]);
        assert_eq!(bed.read("/disk/new/own/photo"), "mine");
    }

    #[test]
    fn a_directory_that_was_there_stays_as_it_was() {
        let bed = bed(&["disk/new/lost+found", "old/lost+found"]);
        bed.write("/old/lost+found/#1", "of the old disk");
        bed.host.set_mode(NEW, 0o751).unwrap();
        let (copy, sync, place) = steps();
        let before = bed.apply(&copy);
        assert_eq!(mode(&bed, NEW), 0o751, "the copy has a directory of its own");
        sync.apply(&bed.context()).unwrap();
        let placed = bed.apply(&place);
        assert_eq!(mode(&bed, NEW), 0o710);
        assert_eq!(names(&bed, "/disk/new/lost+found"), [""; 0]);
        bed.undo(&place, &placed);
        assert_eq!(bed.undo(&copy, &before), Undone::Restored);
        assert_eq!(names(&bed, NEW), ["lost+found"]);
        assert_eq!(mode(&bed, NEW), 0o751);
    }

    /// Something has made a name that was free when the move was planned.
    #[test]
    fn a_name_in_two_parts_is_seen() {
        let bed = bed(&["old/own"]);
        bed.write("/old/own/mine", "docker's");
        let (copy, sync, _) = steps();
        copy.apply(&bed.context()).unwrap();
        let error = sync.apply(&bed.context()).unwrap_err();
        assert!(matches!(error, StepError::CopyDiffers(_)), "{error}");
    }

    /// A page that a program has mapped and written shows no later write by a change time until it
    /// was on the disk.
    #[test]
    #[allow(unsafe_code)] // only a mapping writes like this
    #[allow(clippy::disallowed_methods)] // a program's file, from outside
    fn what_a_mapping_writes_between_the_passes_is_copied() {
        use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
        use rustix::mount::{MountFlags, UnmountFlags};
        let bed = bed(&[]);
        bed.write("/old/database", &"0".repeat(4096));
        let path = bed.host.outside_path("/old/database");
        let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        file.sync_all().unwrap();
        let (protection, null) = (ProtFlags::READ | ProtFlags::WRITE, std::ptr::null_mut());
        // SAFETY: a mapping of its own, of one page, which the file has.
        let page = unsafe { mmap(null, 4096, protection, MapFlags::SHARED, &file, 0) }.unwrap();
        // SAFETY: the page is mapped to be written.
        let write = |byte: u8| unsafe { page.cast::<u8>().write_volatile(byte) };
        write(b'1');
        // The pass begins later than that, by the kernel's clock too.
        let written = Instant::now();
        while written.elapsed() < Duration::from_millis(100) {}
        // To another disk: that it is synced does nothing for this one.
        let disk = bed.host.outside_path("/disk");
        rustix::mount::mount("tmpfs", &disk, "tmpfs", MountFlags::empty(), None).unwrap();
        let (copy, sync, _) = steps();
        let context = bed.context();
        let copied = copy.apply(&context);
        write(b'2');
        let synced = sync.apply(&context);
        let read = bed.host.read_text("/disk/new/.landfall-copy/database");
        rustix::mount::unmount(&disk, UnmountFlags::DETACH).unwrap();
        copied.and(synced).unwrap();
        assert!(read.unwrap().unwrap().starts_with("20"));
        // SAFETY: it is not used any more.
        unsafe { munmap(page, 4096) }.unwrap();
    }
}
