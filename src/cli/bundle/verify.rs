//! `landfall bundle verify`: reads all of a bundle and compares it with its manifest.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::args::Global;
use super::super::failure::{Failure, exit};
use super::super::output::Output;
use super::super::prepare::required_signature;
use super::super::{show_plan::megabytes, source};
use crate::bundle::signature::Signature;
use crate::bundle::trust::Verdict;
use crate::desired;
use crate::digest::Digest;
use crate::stage;
use crate::texts::bundle as texts;

/// `landfall bundle verify`.
pub fn verify(
    global: &Global,
    path: &Path,
    trusted_keys: &[PathBuf],
    sha256: Option<Digest>,
    output: &Output,
) -> Result<u8, Failure> {
    let asked = desired::Source {
        agreed: None,
        archive: path.to_owned(),
        sha256,
        // What nobody vouches for can be whole all the same, and that is what is asked.
        allow_unpinned: true,
        require_signature: !trusted_keys.is_empty() || required_signature(global)?,
        trusted_keys: trusted_keys.to_vec(),
        online: None,
    };
    let signature = source::head(path, &asked)?.map(|(_, signature)| signature);
    let trust = &source::trusted(&asked)?;
    let expected = &stage::Expected { trust, manifest: None };
    let archive = stage::inspect(path, expected, output)?;
    let verdict = source::check_trust(&asked, path, &archive, signature.as_ref())?;
    let pinned = matches!(verdict, Verdict::Pinned { .. });
    let shown = path.to_string_lossy();
    output.result(
        &texts::whole(&shown, &megabytes(archive.size), &archive.sha256, signature.as_ref()),
        &json!({
            "event": "bundle_verified", "path": shown, "bytes": archive.size,
            "sha256": archive.sha256, "pinned": pinned,
            "signed": matches!(signature, Some(Signature::Trusted { .. })),
        }),
    );
    Ok(exit::DONE)
}
