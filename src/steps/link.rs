//! What the steps about symbolic links share.

use super::{Before, Context, StepError};
use crate::file_state::FileKind;
use crate::texts::phrases::host as phrases;

/// Whether a path is a link to `target`; `None` if nothing stands there.
pub(super) fn is_there(
    context: &Context<'_>,
    path: &str,
    target: &str,
) -> Result<Option<bool>, StepError> {
    Ok(context
        .host
        .stat(path)?
        .map(|state| state.kind == FileKind::Symlink && state.target.as_deref() == Some(target)))
}

/// Whether the link is there; an error if something else is.
pub(super) fn observe(
    context: &Context<'_>,
    path: &str,
    target: &str,
) -> Result<Before, StepError> {
    match is_there(context, path, target)? {
        None => Ok(Before::Absent),
        Some(true) => Ok(Before::Present),
        Some(false) => {
            Err(StepError::NotAFile { path: path.to_owned(), what: phrases::NOT_THE_LINK })
        }
    }
}
