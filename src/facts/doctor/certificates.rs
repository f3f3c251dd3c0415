//! Certificates of registries (`/etc/docker/certs.d/HOST/`) and of the API (daemon.json).

use x509_cert::Certificate as X509;
use x509_cert::der::DecodePem;

use super::{Certificate, CertificateFile, DoctorFacts};
use crate::host::{Host, HostError};

/// Where dockerd looks for certificates of registries, one directory each: `*.crt` are
/// authorities, `*.cert` with the `*.key` of the same name a client's.
pub const DIRECTORY: &str = "/etc/docker/certs.d";

/// Reads them all into `facts`; `named` are the files that daemon.json names.
///
/// # Errors
/// [`HostError`] if a directory cannot be listed, or a file not be read.
pub fn gather(
    host: &Host,
    named: &[(String, bool)],
    facts: &mut DoctorFacts,
) -> Result<(), HostError> {
    for registry in host.read_dir(DIRECTORY)? {
        let directory = format!("{DIRECTORY}/{registry}");
        let Ok(names) = host.read_dir(&directory) else { continue };
        for name in &names {
            let path = format!("{directory}/{name}");
            match name.rsplit_once('.') {
                Some((_, "crt")) => facts.certificates.extend(read(host, &path)?),
                Some((stem, "cert")) => {
                    facts.certificates.extend(read(host, &path)?);
                    pair(&names, &path, &directory, &format!("{stem}.key"), facts);
                }
                Some((stem, "key")) => {
                    facts.keys.extend(state(host, &path)?);
                    pair(&names, &path, &directory, &format!("{stem}.cert"), facts);
                }
                _ => {}
            }
        }
    }
    for (path, is_key) in named {
        if *is_key {
            facts.keys.extend(state(host, path)?);
        } else {
            facts.certificates.extend(read(host, path)?);
        }
    }
    Ok(())
}

fn pair(names: &[String], path: &str, directory: &str, other: &str, facts: &mut DoctorFacts) {
    if !names.iter().any(|name| name == other) {
        facts.unpaired.push((path.to_owned(), format!("{directory}/{other}")));
    }
}

fn read(host: &Host, path: &str) -> Result<Option<CertificateFile>, HostError> {
    let Some(bytes) = host.read(path)? else { return Ok(None) };
    Ok(Some(CertificateFile { path: path.to_owned(), certificates: parse(&bytes) }))
}

/// The file itself, also where it is reached by a link.
fn state(
    host: &Host,
    path: &str,
) -> Result<Option<(String, crate::file_state::FileState)>, HostError> {
    let Some(real) = host.real_path(path)? else { return Ok(None) };
    let inside = real.strip_prefix(&*host.root_dir().to_string_lossy()).unwrap_or(&real);
    let inside = format!("/{}", inside.trim_start_matches('/'));
    Ok(host.stat(&inside)?.map(|state| (path.to_owned(), state)))
}

/// The certificates of a PEM file, in order. Text around them is passed over; none at all if
/// one of them cannot be read.
pub fn parse(bytes: &[u8]) -> Vec<Certificate> {
    let text = String::from_utf8_lossy(bytes);
    let blocks = text.split_inclusive(END).filter_map(|part| part.get(part.find(BEGIN)?..));
    let read = |block: &str| X509::from_pem(block).ok().map(|certificate| facts(&certificate));
    blocks.map(read).collect::<Option<Vec<_>>>().unwrap_or_default()
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

fn facts(certificate: &X509) -> Certificate {
    let body = &certificate.tbs_certificate;
    Certificate {
        subject: body.subject.to_string(),
        from: body.validity.not_before.to_unix_duration().as_secs(),
        until: body.validity.not_after.to_unix_duration().as_secs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An authority of its own, made with `openssl ca -selfsign -startdate 20240102030405Z
    /// -enddate 20250102030405Z`.
    const PEM: &str = include_str!("../../../tests/facts/registry.crt");

    #[test]
    fn a_certificate_and_a_chain() {
        let one = parse(PEM.as_bytes());
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].subject, "CN=registry.example");
        assert_eq!((one[0].from, one[0].until), (1_704_164_645, 1_735_787_045));
        assert_eq!(parse(format!("{PEM}{PEM}").as_bytes()).len(), 2);
    }

    #[test]
    fn what_is_no_certificate() {
        let broken = PEM.replacen('M', "N", 1);
        let half = format!("{PEM}{}", &PEM[..PEM.len() / 2]);
        for text in ["", "\x30\x02\x01", "-----BEGIN CERTIFICATE-----\nAAAA\n", &broken] {
            assert_eq!(parse(text.as_bytes()), [], "{text}");
        }
        for text in [half, format!("{PEM}{broken}")] {
            assert_eq!(parse(text.as_bytes()), [], "one that is broken makes the file unreadable");
        }
    }
}
