//! What can differ from a receipt.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::digest::Digest;
use crate::file_state::{FileKind, Ownership};
use crate::render::diff::DiffLine;

/// Something that is not as Landfall left it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// Nothing stands there.
    Missing {
        /// Where.
        path: String,
        /// What stood there.
        expected: FileKind,
    },
    /// Something of another kind stands there.
    OtherKind {
        /// Where.
        path: String,
        /// What stood there.
        expected: FileKind,
        /// What does now.
        found: FileKind,
    },
    /// A program, or a file that is no text, has other bytes.
    Bytes {
        /// Where.
        path: String,
        /// Their digest as it was.
        expected: Digest,
        /// Their digest now.
        found: Option<Digest>,
    },
    /// A file has another text.
    Text {
        /// Where.
        path: String,
        /// From what was written to what stands there.
        diff: Vec<DiffLine>,
    },
    /// Another mode.
    Mode {
        /// Where.
        path: String,
        /// The mode as it was.
        #[serde(serialize_with = "octal")]
        expected: u32,
        /// The mode now.
        #[serde(serialize_with = "octal")]
        found: u32,
    },
    /// Another owner.
    Owner {
        /// Where.
        path: String,
        /// Whose it was.
        expected: Owner,
        /// Whose it is.
        found: Owner,
    },
    /// A link points elsewhere.
    Target {
        /// Where.
        path: String,
        /// Where it pointed.
        expected: String,
        /// Where it points.
        found: Option<String>,
    },
    /// A label that is not the SELinux policy's.
    Label {
        /// Where.
        path: String,
        /// What the policy says.
        expected: String,
        /// The label.
        found: Option<String>,
    },
    /// The SELinux policy labels the data directory no more like the default one.
    LabelRule {
        /// The data directory.
        path: String,
    },
    /// fapolicyd is not told to trust the programs.
    Untrusted {
        /// Its file.
        path: String,
    },
    /// The group is gone.
    Group {
        /// Its name.
        group: String,
    },
    /// A user is no member any more.
    Member {
        /// Of which group.
        group: String,
        /// Who.
        user: String,
    },
    /// A key of daemon.json has another value.
    Key {
        /// Which.
        key: String,
        /// Its value as it was, with what others added to a list or an object.
        expected: Option<Value>,
        /// Its value now; `None` if it is not there.
        found: Option<Value>,
    },
    /// daemon.json cannot be read.
    DaemonJson {
        /// Why.
        error: String,
    },
    /// The daemon does not follow a key.
    NotInForce {
        /// Which.
        key: String,
    },
    /// A unit does not run.
    Inactive {
        /// Which.
        unit: String,
        /// Its state.
        found: String,
    },
    /// Another engine answers.
    Version {
        /// The version that was installed.
        expected: String,
        /// The one that answers.
        found: String,
    },
    /// The engine runs and does not answer.
    Silent {
        /// What happened instead.
        error: String,
    },
    /// A package is not installed any more.
    Package {
        /// Which.
        package: String,
        /// Its version as it was.
        expected: String,
    },
    /// An image that was loaded is gone.
    Image {
        /// Its name, or its id if it has none.
        reference: String,
        /// The archive that held it.
        archive: Digest,
    },
}

/// Something that others may rightly do, and that is good to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Note {
    /// Keys of daemon.json that Landfall did not set.
    Keys {
        /// Which.
        keys: Vec<String>,
    },
    /// Members of the group that Landfall did not add.
    Members {
        /// The group.
        group: String,
        /// Who.
        users: Vec<String>,
    },
    /// Packages that the package manager has brought to other versions.
    Packages {
        /// Which: name, the version as it was, the version now.
        versions: Vec<(String, String, String)>,
    },
    /// Drop-ins of a unit.
    DropIns {
        /// The unit.
        unit: String,
        /// Where.
        paths: Vec<String>,
    },
}

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

impl Owner {
    /// The owner in this.
    pub fn of(ownership: Ownership) -> Self {
        Self { uid: ownership.uid, gid: ownership.gid }
    }
}

impl Difference {
    /// The path at which something stands, or should.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Missing { path, .. }
            | Self::OtherKind { path, .. }
            | Self::Bytes { path, .. }
            | Self::Text { path, .. }
            | Self::Mode { path, .. }
            | Self::Owner { path, .. }
            | Self::Target { path, .. }
            | Self::Label { path, .. } => Some(path),
            Self::LabelRule { .. }
            | Self::Untrusted { .. }
            | Self::Group { .. }
            | Self::Member { .. }
            | Self::Key { .. }
            | Self::DaemonJson { .. }
            | Self::NotInForce { .. }
            | Self::Inactive { .. }
            | Self::Version { .. }
            | Self::Silent { .. }
            | Self::Package { .. }
            | Self::Image { .. } => None,
        }
    }
}

/// As people write modes.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it
fn octal<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{mode:04o}"))
}
