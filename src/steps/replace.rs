//! What installing a program and writing a file share: a file that is replaced, and put
//! back unless somebody changed it since.

use super::{Before, Context, KeptReason, StepError, Undone};
use crate::digest::Digest;
use crate::file_state::{FileKind, aside_of, new_name};
use crate::texts::phrases::host as phrases;

/// Reads what stands at `path`; a regular file's bytes go to the store.
pub(super) fn observe(context: &Context<'_>, path: &str) -> Result<Before, StepError> {
    let Some(state) = context.host.stat(path)? else { return Ok(Before::Absent) };
    let what = match state.kind {
        FileKind::File => {
            let sha256 = context.store.keep(path)?;
            return Ok(Before::File { state, sha256 });
        }
        FileKind::Directory => phrases::A_DIRECTORY,
        FileKind::Symlink => phrases::A_SYMBOLIC_LINK,
        FileKind::Other => phrases::A_SPECIAL_FILE,
    };
    Err(StepError::NotAFile { path: path.to_owned(), what })
}

/// Sets a file aside that is about to be replaced, so that putting it back needs no room, which a
/// full disk has not. Where that cannot be done, its copy in the store has to do.
pub(super) fn set_aside(context: &Context<'_>, path: &str) -> Result<(), StepError> {
    if context.host.stat(path)?.is_some_and(|state| state.kind == FileKind::File) {
        let _ = context.host.set_aside(path, &aside_of(path));
    }
    Ok(())
}

/// Puts back what stood at `path`, if the file there is the one with digest `made`.
pub(super) fn undo(
    context: &Context<'_>,
    path: &str,
    made: Digest,
    before: &Before,
) -> Result<Undone, StepError> {
    // What a cut left of writing it.
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    context.host.remove_file(&format!("{directory}/{}", new_name(name)))?;
    let now = match context.host.stat(path)? {
        None => None,
        Some(state) if state.kind == FileKind::File => context.host.digest(path)?,
        Some(_) => return Ok(kept(path)),
    };
    let aside = aside_of(path);
    if let (Before::File { sha256, .. }, Some(now)) = (before, now)
        && now == made
        && context.host.digest(&aside)? == Some(*sha256)
    {
        context.host.rename(&aside, path)?;
        // Two names of one file do not become one by a rename.
        context.host.remove_file(&aside)?;
        return Ok(Undone::Restored);
    }
    let outcome = match (before, now) {
        (Before::Absent, None) => Ok(Undone::Unchanged),
        (Before::Absent, Some(now)) if now == made => {
            context.host.remove_file(path)?;
            Ok(Undone::Removed)
        }
        (Before::File { sha256, .. }, Some(now)) if now == *sha256 && now != made => {
            Ok(Undone::Unchanged)
        }
        (Before::File { state, sha256 }, now) if now.is_none_or(|now| now == made) => {
            context.store.restore(*sha256, path, state)?;
            Ok(Undone::Restored)
        }
        _ => Ok(kept(path)),
    };
    if outcome.is_ok() && now.is_some() && matches!(before, Before::File { .. }) {
        context.host.remove_file(&aside)?;
    }
    outcome
}

fn kept(path: &str) -> Undone {
    Undone::Kept { what: path.to_owned(), reason: KeptReason::ChangedSince }
}
