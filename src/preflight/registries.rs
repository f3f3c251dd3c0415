//! Certificates and keys that are given for registries.

use super::{Case, Finding, Seen};
use crate::registry::RegistrySight;
use crate::registry::files::RegistryFiles;

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for files in &case.desired.registries {
        for (is_error, sight) in files.problems(case.facts.now) {
            // What is there already has to be told, and stops nobody.
            let counts = is_error && !is_there(case, files);
            let seen = Seen::Registry(sight);
            findings.push(if counts { Finding::error(seen) } else { Finding::warning(seen) });
        }
        if files.system_store && files.ca.is_some() && !has_store(case) {
            let sight = RegistrySight::TrustStoreMissing {};
            findings.push(Finding::warning(Seen::Registry(sight)));
        }
    }
    findings
}

fn is_there(case: &Case<'_>, files: &RegistryFiles) -> bool {
    let text = |path: &str| case.facts.files.get(path).and_then(|fact| fact.text.as_deref());
    let ca = files.ca.as_ref().is_none_or(|ca| text(&files.ca_path()) == Some(&ca.text));
    let digest = |path: &str| case.facts.files.get(path).and_then(|fact| fact.sha256);
    let client = files.client.as_ref().is_none_or(|client| {
        text(&files.certificate_path()) == Some(&client.certificate.text)
            && digest(&files.key_path()) == Some(client.key_sha256)
    });
    ca && client
}

fn has_store(case: &Case<'_>) -> bool {
    crate::render::trust_store::store(case.facts).is_some()
}
