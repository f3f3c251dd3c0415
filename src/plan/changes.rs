//! What changes in which file, for people and for `--json`.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::render::diff::DiffLine;

/// A file that a plan changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its path.
    pub path: String,
    /// What happens to it.
    #[serde(flatten)]
    pub kind: ChangeKind,
}

/// What happens to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ChangeKind {
    /// A program is installed.
    Program {
        /// Digest of the one that is there.
        before: Option<Digest>,
        /// Digest of the new one.
        after: Digest,
        /// Length of the new one in bytes.
        size: u64,
    },
    /// Text is written.
    Text {
        /// Whether the file is there already.
        exists: bool,
        /// The difference, line by line.
        diff: Vec<DiffLine>,
    },
}
