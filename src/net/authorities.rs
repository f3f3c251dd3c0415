//! Whom a host trusts to sign certificates.

use rustls::pki_types::CertificateDer;

use super::trust::certificates;
use crate::file_state::FileKind;
use crate::host::{Host, HostError};

/// Where Go looks for the authorities of a Linux system, the first file that is there
/// (crypto/x509/root_linux.go).
pub const AUTHORITIES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// And all files in these directories.
const AUTHORITY_DIRECTORIES: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// The authorities that a host trusts, each once.
///
/// # Errors
/// [`HostError`] if a file that is there cannot be read.
pub fn authorities(host: &Host) -> Result<Vec<CertificateDer<'static>>, HostError> {
    let mut found = Vec::new();
    for path in AUTHORITIES {
        if let Some(bytes) = host.read(path)? {
            found = certificates(&bytes);
            break;
        }
    }
    for directory in AUTHORITY_DIRECTORIES {
        for name in host.read_dir(directory)? {
            let path = format!("{directory}/{name}");
            // Links with hashes for names lead to the same files again.
            let is_file = host.stat(&path)?.is_some_and(|state| {
                state.kind == FileKind::File || name.ends_with(".pem") || name.ends_with(".crt")
            });
            if is_file && !AUTHORITIES.contains(&path.as_str()) {
                found.extend(certificates(&host.read(&path).ok().flatten().unwrap_or_default()));
            }
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|one: &CertificateDer<'_>| seen.insert(one.as_ref().to_vec()));
    Ok(found)
}
