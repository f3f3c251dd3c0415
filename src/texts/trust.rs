//! Who vouches for an archive, in words.

use crate::bundle::trust::{PinSource, Verdict};
use crate::digest::Digest;

/// What is to be thought of an archive.
pub fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Pinned { by, records } => {
            let by: Vec<String> = by.iter().map(|source| pin(source, *records)).collect();
            let origin = if verdict.proves_origin() {
                ""
            } else {
                " (it proves that the archive is whole, not where it comes from)"
            };
            format!("         the digest is the one that {} names{origin}\n", by.join(" and "))
        }
        Verdict::Unpinned { .. } => "         nobody vouches for this digest\n".to_owned(),
    }
}

fn pin(source: &PinSource, records: u32) -> String {
    match source {
        PinSource::Catalogue(_) if records == 1 => {
            format!("{source}, from one public record")
        }
        PinSource::Catalogue(_) => {
            format!("{source}, from {records} independent public records")
        }
        PinSource::Argument | PinSource::Mirrors | PinSource::Sidecar => source.to_string(),
    }
}

/// An archive that nobody vouches for.
pub fn unpinned(name: &str, digest: Digest) -> String {
    format!(
        "{name} has sha256 {digest}, which is not in the catalogue, and nothing else says what \
         it should be"
    )
}

/// How to go on then.
pub fn pin_it(digest: Digest) -> String {
    format!(
        "compare the digest with one from a source that you trust, then give it: \
         --sha256 {digest} (or take the risk: --allow-unpinned)"
    )
}
