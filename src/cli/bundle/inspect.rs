//! `landfall bundle inspect`: what a bundle says of itself, from its first KiB.

use std::path::Path;

use serde_json::json;

use super::super::failure::{Failure, exit};
use super::super::output::Output;
use super::super::source::trusted;
use crate::bundle::signature;
use crate::stage::Source;
use crate::texts::bundle as texts;

/// `landfall bundle inspect`.
pub fn inspect(path: &Path, output: &Output) -> Result<u8, Failure> {
    let source = Source::open(path)?;
    let head = crate::bundle::format::read_head(source.bytes(), Some(source.size()))
        .map_err(|error| source.blame(error))?;
    let trust = trusted(&crate::desired::Source::default())?;
    let judged = signature::judge(&head, &trust);
    let signature = match &judged {
        Ok(signature) => texts::signature(signature),
        // Looking at it does no harm.
        Err(error) => error.to_string(),
    };
    let value = json!({
        "event": "bundle", "path": path.to_string_lossy(), "bytes": source.size(),
        "manifest": head.manifest, "signed": head.signature.is_some(),
        "trusted": matches!(judged, Ok(signature::Signature::Trusted { .. })),
    });
    output.result(&texts::contents(&head.manifest, source.size(), &signature), &value);
    Ok(exit::DONE)
}
