//! The file that an engine comes from, and whether it may be trusted.

use std::path::{Path, PathBuf};

use super::failure::{Failure, exit};
use crate::bundle::format::Head;
use crate::bundle::signature::{Signature, Trust, TrustedKey};
use crate::desired;
use crate::host::input;
use crate::stage::Source;
use crate::texts::{bundle as texts, errors};

/// Where a host keeps the keys whose bundles it accepts.
const TRUSTED_KEYS: &str = "/etc/landfall/trusted-keys.d";

/// The keys that are trusted here, and whether one of them is needed.
pub fn trust(source: &desired::Source) -> Result<Trust, Failure> {
    let mut keys = Vec::new();
    for path in input::files_in(Path::new(TRUSTED_KEYS), ".pub")? {
        keys.push(trusted_key(&path)?);
    }
    for path in &source.trusted_keys {
        keys.push(trusted_key(path)?);
    }
    Ok(Trust { keys, required: source.require_signature })
}

fn trusted_key(path: &Path) -> Result<TrustedKey, Failure> {
    let usage = |text: &dyn std::fmt::Display| {
        Failure::new(exit::USAGE, errors::could_not(&path.to_string_lossy(), &text.to_string()))
    };
    let text = input::read_text(path).map_err(|error| usage(&error))?;
    TrustedKey::parse(&text.ok_or_else(|| usage(&texts::NO_SUCH_FILE))?).map_err(|e| usage(&e))
}

/// The head of a bundle and what its signature says; `None` of an archive of upstream's.
pub fn head(path: &Path, source: &desired::Source) -> Result<Option<(Head, Signature)>, Failure> {
    let opened = Source::open(path)?;
    let head = opened.head(&trust(source)?)?;
    if head.is_none() && source.require_signature {
        let text = texts::not_a_bundle(&path.to_string_lossy());
        return Err(Failure::new(exit::UNTRUSTED, text).hint(texts::MAKE_SIGNED));
    }
    Ok(head)
}

/// The files that make up the source: itself, or its volumes.
pub fn exists(path: &PathBuf) -> Result<(), Failure> {
    Source::open(path).map(drop).map_err(|error| {
        let failure = Failure::from(error);
        match failure.exit {
            exit::FAILED => Failure { exit: exit::USAGE, ..failure },
            _ => failure,
        }
    })
}
