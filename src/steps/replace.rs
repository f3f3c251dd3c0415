//! What installing a program and writing a file share: a file that is replaced, and put
//! back unless somebody changed it since.

use super::{Before, Context, KeptReason, StepError, Undone};
use crate::digest::Digest;
use crate::file_state::{FileKind, new_name};
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
    match (before, now) {
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
    }
}

fn kept(path: &str) -> Undone {
    Undone::Kept { what: path.to_owned(), reason: KeptReason::ChangedSince }
}
