//! Copies a file that the caller names, without a word of it in plan, journal or receipt: a
//! private key.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone, replace};
use crate::digest::Digest;
use crate::file_state::Ownership;
use crate::host::input;

/// Copies a file of the caller's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyFile {
    /// Where it is, on the caller's file system.
    pub source: PathBuf,
    /// Where it goes.
    pub path: String,
    /// Its digest.
    pub sha256: Digest,
    /// Its owner and mode.
    pub ownership: Ownership,
}

impl Action for CopyFile {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        replace::observe(context, &self.path)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let bytes = input::read_secret_bytes(&self.source)?;
        if Digest::of(&bytes) != self.sha256 {
            return Err(StepError::SourceChanged(self.source.to_string_lossy().into_owned()));
        }
        replace::set_aside(context, &self.path)?;
        Ok(context.host.write_file(&self.path, &bytes, self.ownership)?)
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        replace::undo(context, &self.path, self.sha256, before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    const PATH: &str = "/etc/client.key";

    /// A key outside of the host's root.
    fn step(source: &tempfile::NamedTempFile) -> CopyFile {
        CopyFile {
            source: source.path().to_owned(),
            path: PATH.to_owned(),
            sha256: Digest::of(b"a key"),
            ownership: Ownership::own(0o600),
        }
    }

    fn source(text: &[u8]) -> tempfile::NamedTempFile {
        use std::io::Write;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        file
    }

    #[test]
    fn copies_and_takes_away() {
        let (bed, source) = (Bed::new(&["etc"]), source(b"a key"));
        let before = bed.apply(&step(&source));
        assert_eq!(bed.read(PATH), "a key");
        assert_eq!(bed.host.stat(PATH).unwrap().unwrap().mode, 0o600);
        assert_eq!(bed.undo(&step(&source), &before), Undone::Removed);
    }

    #[test]
    fn what_stood_there_comes_back() {
        let (bed, source) = (Bed::new(&["etc"]), source(b"a key"));
        bed.write(PATH, "older");
        let before = bed.apply(&step(&source));
        drop(source);
        let source = self::source(b"");
        assert_eq!(bed.undo(&step(&source), &before), Undone::Restored);
        assert_eq!(bed.read(PATH), "older");
    }

    #[test]
    fn another_file_than_the_planned_one_is_refused() {
        let (bed, source) = (Bed::new(&["etc"]), source(b"another"));
        let error = step(&source).apply(&bed.context()).unwrap_err();
        assert!(matches!(error, StepError::SourceChanged(_)), "{error}");
        assert_eq!(bed.host.stat(PATH).unwrap(), None);
    }
}
