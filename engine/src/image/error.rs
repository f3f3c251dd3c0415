//! What can go wrong with images, and what the API answers then.

use std::{io, path::PathBuf};

use super::{Digest, digest::BadDigest, reference::BadReference};

/// A failed operation on images.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// There is no such image. The text is dockerd's.
    #[error("No such image: {0}")]
    NoSuchImage(String),

    /// The start of an ID that more than one image has.
    #[error("multiple IDs found with provided prefix: {0}")]
    AmbiguousId(String),

    /// A name that is none.
    #[error(transparent)]
    BadReference(#[from] BadReference),

    /// A digest that is none.
    #[error(transparent)]
    BadDigest(#[from] BadDigest),

    /// A parameter that makes no sense.
    #[error("{0}")]
    BadParameter(String),

    /// Something else uses what was to be changed.
    #[error("conflict: {0}")]
    Conflict(String),

    /// Content that is not what its digest says.
    #[error("{what} does not have the digest {expected}: its bytes have {found}")]
    WrongDigest {
        /// Which content.
        what: String,
        /// The digest that was promised.
        expected: Digest,
        /// The digest of what is there.
        found: Digest,
    },

    /// An archive, manifest or configuration that cannot be used.
    #[error("cannot use {what}: {why}")]
    Invalid {
        /// What was looked at.
        what: String,
        /// What is wrong with it.
        why: String,
    },

    /// Content that is referred to, and not in the store.
    #[error("{0} is not in the store")]
    Missing(Digest),

    /// Another process has the store open.
    #[error("the image store in {} is in use by another engine", .0.display())]
    StoreInUse(PathBuf),

    /// The store was written by a newer version.
    #[error("the image store in {} has format {found}; this engine knows formats up to {known}", .path.display())]
    StoreTooNew {
        /// The root of the store.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest known one.
        known: u32,
    },

    /// The system refused something.
    #[error("cannot {action}: {cause}")]
    Io {
        /// What was attempted, with its path.
        action: String,
        /// Why it failed.
        cause: io::Error,
    },
}

impl ImageError {
    /// The HTTP status that dockerd answers with in this case.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoSuchImage(_) | Self::Missing(_) => 404,
            Self::BadReference(_)
            | Self::BadDigest(_)
            | Self::BadParameter(_)
            | Self::AmbiguousId(_) => 400,
            Self::Conflict(_) => 409,
            Self::WrongDigest { .. }
            | Self::Invalid { .. }
            | Self::StoreInUse(_)
            | Self::StoreTooNew { .. }
            | Self::Io { .. } => 500,
        }
    }

    pub(crate) fn io<E: Into<io::Error>>(action: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |cause| Self::Io { action: action.into(), cause: cause.into() }
    }

    pub(crate) fn invalid(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Invalid { what: what.into(), why: why.to_string() }
    }
}
