//! Certificates and keys that somebody gives for a registry, and where they go. Pure.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use super::Registry;
use super::sight::{CertificateFileProblem, RegistrySight};
use crate::digest::Digest;
use crate::net::trust::{self, CertificateProblem, Seen};

/// What a registry's directory of `certs.d` shall hold. With neither authority nor client's
/// certificate, what Landfall put there is taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryFiles {
    /// The registry.
    pub registry: Registry,
    /// Whom to trust for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PemFile>,
    /// What to show to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientFiles>,
    /// Whether all programs of the host shall trust the authority.
    #[serde(default)]
    pub system_store: bool,
}

/// Certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PemFile {
    /// Where they come from.
    pub path: PathBuf,
    /// The whole file.
    pub text: String,
}

/// A client's certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientFiles {
    /// The certificate, and those above it.
    pub certificate: PemFile,
    /// Where the key comes from: it is never read into anything that is kept.
    pub key: PathBuf,
    /// The digest of the key's file.
    pub key_sha256: Digest,
    /// What is known of it.
    pub key_state: KeyState,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It belongs to the certificate, as far as can be told.
    Fits,
    /// It belongs to another one.
    Other,
    /// There is none in PEM form.
    Missing,
    /// It has a password.
    Encrypted,
}

impl RegistryFiles {
    /// Where the authority's certificate goes. It has a name of its own, so that what others put
    /// there stays: dockerd reads all `*.crt`.
    pub fn ca_path(&self) -> String {
        format!("{}/landfall-ca.crt", self.registry.directory())
    }

    /// Where the client's certificate goes.
    pub fn certificate_path(&self) -> String {
        format!("{}/landfall-client.cert", self.registry.directory())
    }

    /// Where its key goes: beside it, under the same name.
    pub fn key_path(&self) -> String {
        format!("{}/landfall-client.key", self.registry.directory())
    }

    /// Whether everything of Landfall's shall go.
    pub fn is_removal(&self) -> bool {
        self.ca.is_none() && self.client.is_none()
    }

    /// What is wrong with them, and whether it is an error; `now` in seconds since 1970.
    pub fn problems(&self, now: u64) -> Vec<(bool, RegistrySight)> {
        let mut found = Vec::new();
        if let Some(ca) = &self.ca {
            self.check_ca(ca, now, &mut found);
        }
        if let Some(client) = &self.client {
            check_client(client, now, &mut found);
        }
        found
    }

    fn check_ca(&self, file: &PemFile, now: u64, found: &mut Vec<(bool, RegistrySight)>) {
        let path = file.path.to_string_lossy().into_owned();
        let all = match read(file) {
            Ok(all) => all,
            Err(problem) => {
                found.push((true, RegistrySight::CertificateFile { path, problem }));
                return;
            }
        };
        for (der, seen) in &all {
            if let Err(problem) = seen.check_time(now) {
                let path = path.clone();
                found.push((true, RegistrySight::CertificateFileTime { path, problem }));
            }
            let alone = seen.is_self_signed();
            // One that has signed itself may be the server's own, of which `openssl req -x509`
            // makes authorities too.
            let is_servers = !seen.is_authority || (alone && !seen.names.is_empty());
            if is_servers {
                self.check_servers(der, seen, &path, found);
            } else if alone && self.is_common_name_of_registry(seen) {
                let name = seen.common_name.clone().unwrap_or_default();
                let problem = CertificateProblem::CommonName { name };
                found.push((true, self.other_name(&path, problem)));
            }
            let signed_here = || all.iter().any(|(_, other)| other.subject == seen.issuer);
            if seen.is_authority && !alone && !signed_here() {
                let (path, subject) = (path.clone(), seen.subject.clone());
                found.push((false, RegistrySight::CertificateFileChain { path, subject }));
            }
        }
    }

    fn is_common_name_of_registry(&self, seen: &Seen) -> bool {
        let name = seen.common_name.as_deref();
        name.is_some_and(|name| name.eq_ignore_ascii_case(self.registry.host()))
    }

    fn other_name(&self, path: &str, problem: CertificateProblem) -> RegistrySight {
        let (path, registry) = (path.to_owned(), self.registry.to_string());
        RegistrySight::CertificateFileName { path, registry, problem }
    }

    fn check_servers(
        &self,
        der: &CertificateDer<'_>,
        seen: &Seen,
        path: &str,
        found: &mut Vec<(bool, RegistrySight)>,
    ) {
        let name = crate::net::connect::server_name(self.registry.host());
        if let Some(Err(problem)) = name.map(|name| seen.check_name(der, &name)) {
            // An authority may have names of its own.
            if !seen.is_authority || self.is_common_name_of_registry(seen) {
                found.push((true, self.other_name(path, problem)));
            }
        } else if !seen.is_self_signed() {
            let (path, registry) = (path.to_owned(), self.registry.to_string());
            let subject = seen.subject.clone();
            found.push((false, RegistrySight::CertificateNoAuthority { path, registry, subject }));
        }
    }
}

fn check_client(client: &ClientFiles, now: u64, found: &mut Vec<(bool, RegistrySight)>) {
    let path = client.certificate.path.to_string_lossy().into_owned();
    let key = client.key.to_string_lossy().into_owned();
    match read(&client.certificate) {
        Err(problem) => {
            let path = path.clone();
            found.push((true, RegistrySight::CertificateFile { path, problem }));
        }
        Ok(all) => {
            for problem in all.iter().filter_map(|(_, seen)| seen.check_time(now).err()) {
                let path = path.clone();
                found.push((true, RegistrySight::CertificateFileTime { path, problem }));
            }
            // RFC 8446, section 4.4.2: each signed by the one behind it.
            let gap = all.windows(2).find(|pair| pair[0].1.issuer != pair[1].1.subject);
            if let Some([(_, seen), _]) = gap {
                let (path, subject) = (path.clone(), seen.subject.clone());
                found.push((false, RegistrySight::CertificateFileChain { path, subject }));
            }
        }
    }
    let of_key = |problem| RegistrySight::CertificateFile { path: key.clone(), problem };
    match client.key_state {
        KeyState::Fits => {}
        KeyState::Other => {
            found.push((true, RegistrySight::CertificateKey { certificate: path, key }));
        }
        KeyState::Missing => found.push((true, of_key(CertificateFileProblem::NoKey))),
        KeyState::Encrypted => found.push((true, of_key(CertificateFileProblem::EncryptedKey))),
    }
}

/// Adds the registries of earlier that are not named now. What was to go is gone.
pub fn keep(now: &mut Vec<RegistryFiles>, earlier: Option<&[RegistryFiles]>) {
    for files in earlier.unwrap_or_default() {
        if !files.is_removal() && !now.iter().any(|named| named.registry == files.registry) {
            now.push(files.clone());
        }
    }
}

/// What is known of the text of a key.
pub fn key_state(certificate: &str, key: &[u8]) -> KeyState {
    let text = String::from_utf8_lossy(key);
    if text.contains("ENCRYPTED") {
        return KeyState::Encrypted;
    }
    let chain = trust::certificates(certificate.as_bytes());
    if chain.is_empty() {
        // Said of the certificate.
        return KeyState::Fits;
    }
    match trust::key_fits(chain, key) {
        Ok(Some(false)) => KeyState::Other,
        Ok(Some(true) | None) => KeyState::Fits,
        Err(_) => KeyState::Missing,
    }
}

type ReadFile = Vec<(CertificateDer<'static>, Seen)>;

fn read(file: &PemFile) -> Result<ReadFile, CertificateFileProblem> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let text = &file.text;
    if text.contains("PRIVATE KEY-----") {
        return Err(CertificateFileProblem::HoldsKey);
    }
    let all = trust::certificates(text.as_bytes());
    if all.is_empty() && !text.contains(BEGIN) {
        // What is no text was read with its wrong bytes replaced; a sequence begins so.
        let is_der = text.starts_with('0') && text.contains(['\u{fffd}', '\0']);
        let no = CertificateFileProblem::NoCertificate;
        return Err(if is_der { CertificateFileProblem::Der } else { no });
    }
    let seen: Vec<_> = all.into_iter().filter_map(|der| Some((Seen::read(&der)?, der))).collect();
    if seen.len() != text.matches(BEGIN).count() {
        return Err(CertificateFileProblem::Broken);
    }
    Ok(seen.into_iter().map(|(seen, der)| (der, seen)).collect())
}
