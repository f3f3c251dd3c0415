//! Certificates of registries and of the API, and their keys.

use super::{Case, Sight, error, note, warning};
use crate::facts::doctor::Certificate;
use crate::preflight::Finding;

/// How long before its end a certificate is worth a warning: time to get another.
const SOON: u64 = 30 * 24 * 3600;

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let now = case.facts.now;
    for file in &case.doctor.certificates {
        if file.certificates.is_empty() {
            findings.push(error(Sight::CertificateUnreadable { path: file.path.clone() }));
        }
        findings.extend(file.certificates.iter().filter_map(|one| validity(&file.path, one, now)));
    }
    for (path, missing) in &case.doctor.unpaired {
        let (path, missing) = (path.clone(), missing.clone());
        findings.push(error(Sight::CertificatePair { path, missing }));
    }
    for (path, state) in &case.doctor.keys {
        if state.mode & 0o077 != 0 {
            let (path, mode) = (path.clone(), state.mode);
            let others = mode & 0o007 != 0;
            let sight = Sight::KeyMode { path, mode };
            findings.push(if others { warning(sight) } else { note(sight) });
        }
    }
    findings
}

fn validity(path: &str, certificate: &Certificate, now: u64) -> Option<Finding> {
    let (path, subject) = (path.to_owned(), certificate.subject.clone());
    if certificate.until <= now {
        let since = now - certificate.until;
        return Some(error(Sight::CertificateExpired { path, subject, since }));
    }
    if certificate.from > now {
        let seconds = certificate.from - now;
        return Some(error(Sight::CertificateEarly { path, subject, seconds }));
    }
    let seconds = certificate.until - now;
    (seconds < SOON).then(|| warning(Sight::CertificateExpiring { path, subject, seconds }))
}
