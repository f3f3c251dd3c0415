//! Which certificates dockerd accepts of a registry, and what is wrong with one that it refuses.
//!
//! The rules are those of Go's crypto/x509 (`Certificate.Verify`): the time first, then the name,
//! by subject alternative names alone, then the chain. A certificate that is trusted as it is
//! needs no authority. What lies between is left to rustls-webpki.

use std::sync::{Arc, Mutex, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use serde::{Deserialize, Serialize};
use x509_cert::Certificate as X509;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// What a registry's certificate is compared with.
#[derive(Debug, Default)]
pub struct Trust {
    /// Authorities, and certificates that are trusted as they are: those of `certs.d` first.
    pub roots: Vec<CertificateDer<'static>>,
    /// How many of them come from `certs.d`.
    pub own: usize,
    /// The certificate that is shown to the registry, if it asks for one.
    pub client: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
#[allow(missing_docs)] // the fields say it; times in seconds
pub enum CertificateProblem {
    /// It is over.
    Expired { subject: String, since: u64 },
    /// It is not valid yet.
    Early { subject: String, seconds: u64 },
    /// It is for other names.
    OtherName { names: Vec<String> },
    /// Its name stands in the subject alone, which Go has not looked at since 1.15.
    CommonName { name: String },
    /// Nobody whom this host trusts has signed it.
    Untrusted { issuer: String, self_signed: bool, same_name: bool },
    /// The server does not send the certificates between its own and the authority's.
    Chain { issuer: String },
    /// Something else.
    Other { error: String },
}

/// The one provider of cryptography.
fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider()))
}

/// All certificates of a PEM file; others are passed over, as Go does.
pub fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
}

/// What a connection found wrong with the certificate that it was shown.
#[derive(Clone, Debug, Default)]
pub struct Verdict(Arc<Mutex<Option<CertificateProblem>>>);

impl Verdict {
    /// Takes it out.
    pub fn take(&self) -> Option<CertificateProblem> {
        self.0.lock().ok()?.take()
    }
}

impl Trust {
    /// How TLS is spoken: with the certificate looked at (what is wrong with it then lies in
    /// `verdict`), or without.
    ///
    /// # Errors
    /// What is wrong with the client's certificate and key.
    pub fn config(&self, verify: bool, verdict: &Verdict) -> Result<ClientConfig, Error> {
        let verifier = Verifier {
            inner: self.web_pki(),
            roots: self.roots.clone(),
            own: self.own,
            verify,
            verdict: verdict.clone(),
        };
        let builder = ClientConfig::builder_with_provider(provider().clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        match &self.client {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key()),
        }
    }

    fn web_pki(&self) -> Option<Arc<WebPkiServerVerifier>> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(self.roots.iter().cloned());
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider().clone())
            .build()
            .ok()
    }
}

/// Whether a private key belongs to a certificate; `None` if that cannot be told.
///
/// # Errors
/// What is wrong with the key.
pub fn key_fits(chain: Vec<CertificateDer<'static>>, key: &[u8]) -> Result<Option<bool>, String> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| error.to_string())?;
    let key = provider().key_provider.load_private_key(key).map_err(|error| error.to_string())?;
    match rustls::sign::CertifiedKey::new(chain, key).keys_match() {
        Ok(()) => Ok(Some(true)),
        Err(Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => Ok(Some(false)),
        Err(_) => Ok(None),
    }
}

#[derive(Debug)]
struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    roots: Vec<CertificateDer<'static>>,
    own: usize,
    verify: bool,
    verdict: Verdict,
}

impl Verifier {
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateProblem> {
        let other = |error: Error| CertificateProblem::Other { error: error.to_string() };
        let seen = Seen::read(leaf).ok_or_else(|| CertificateProblem::Other {
            error: crate::texts::net::UNREADABLE_CERTIFICATE.to_owned(),
        })?;
        seen.check_time(now.as_secs())?;
        seen.check_name(leaf, name)?;
        if self.roots.iter().any(|root| root.as_ref() == leaf.as_ref()) {
            return Ok(());
        }
        let Some(inner) = &self.inner else { return Err(self.untrusted(&seen, others)) };
        match inner.verify_server_cert(leaf, others, name, &[], now) {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(error)) => Err(match error {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    self.untrusted(&seen, others)
                }
                // Not its own, which was looked at: one of those above it.
                _ => {
                    let above = others.iter().chain(&self.roots).filter_map(|one| Seen::read(one));
                    let issuers = above.filter(|one| one.subject != seen.subject);
                    let is_time = matches!(
                        error,
                        CertificateError::Expired
                            | CertificateError::ExpiredContext { .. }
                            | CertificateError::NotValidYet
                            | CertificateError::NotValidYetContext { .. }
                    );
                    let timed = |one: Seen| one.check_time(now.as_secs()).err();
                    let found = if is_time { issuers.filter_map(timed).next() } else { None };
                    found.unwrap_or_else(|| other(Error::InvalidCertificate(error)))
                }
            }),
            Err(error) => Err(other(error)),
        }
    }

    fn untrusted(&self, leaf: &Seen, others: &[CertificateDer<'_>]) -> CertificateProblem {
        // The uppermost of what was sent is what has to be trusted.
        let mut top = leaf.clone();
        let mut sent: Vec<Seen> = others.iter().filter_map(|one| Seen::read(one)).collect();
        while let Some(at) = sent.iter().position(|one| one.subject == top.issuer) {
            top = sent.remove(at);
        }
        let same_name = self
            .roots
            .iter()
            .filter_map(|root| Seen::read(root))
            .any(|root| root.subject == top.issuer);
        let is_own = top.subject == leaf.subject;
        // Somebody gave an authority for it, and no chain leads there.
        if is_own && leaf.issuer != leaf.subject && !same_name && self.own > 0 {
            return CertificateProblem::Chain { issuer: leaf.issuer.clone() };
        }
        CertificateProblem::Untrusted {
            issuer: top.issuer.clone(),
            self_signed: leaf.issuer == leaf.subject,
            same_name,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.verify {
            return Ok(ServerCertVerified::assertion());
        }
        self.judge(end_entity, intermediates, server_name, now).map_err(|problem| {
            if let Ok(mut verdict) = self.verdict.0.lock() {
                *verdict = Some(problem);
            }
            Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
        })?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// What counts of a certificate.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Whose it is.
    pub subject: String,
    /// Who signed it, as it says.
    pub issuer: String,
    /// The names that it is for.
    pub names: Vec<String>,
    /// The last common name of its subject.
    pub common_name: Option<String>,
    /// Whether it may sign others.
    pub is_authority: bool,
    /// Valid from and until, seconds since 1970.
    pub valid: (u64, u64),
}

impl Seen {
    /// Reads it; `None` if it is no certificate.
    pub fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let certificate = X509::from_der(der.as_ref()).ok()?;
        let body = &certificate.tbs_certificate;
        let alternative = body.get::<SubjectAltName>().ok().flatten().map(|(_, names)| names.0);
        let authority = body
            .get::<x509_cert::ext::pkix::BasicConstraints>()
            .ok()
            .flatten()
            .is_some_and(|(_, constraints)| constraints.ca);
        let common = body.subject.0.iter().flat_map(|part| part.0.iter()).filter(|part| {
            part.oid == x509_cert::der::asn1::ObjectIdentifier::new_unwrap("2.5.4.3")
        });
        let value = |part: &x509_cert::attr::AttributeTypeAndValue| {
            String::from_utf8_lossy(part.value.value()).into_owned()
        };
        Some(Self {
            subject: body.subject.to_string(),
            issuer: body.issuer.to_string(),
            names: alternative.unwrap_or_default().iter().filter_map(shown).collect(),
            common_name: common.map(value).next_back(),
            // Version 1 says nothing of it, and is only ever trusted by somebody's choice.
            is_authority: authority || body.version == x509_cert::Version::V1,
            valid: (
                body.validity.not_before.to_unix_duration().as_secs(),
                body.validity.not_after.to_unix_duration().as_secs(),
            ),
        })
    }

    /// Whether it has signed itself, as far as names tell.
    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }

    /// # Errors
    /// [`CertificateProblem::Expired`] or [`CertificateProblem::Early`].
    pub fn check_time(&self, now: u64) -> Result<(), CertificateProblem> {
        let subject = || self.subject.clone();
        if now > self.valid.1 {
            return Err(CertificateProblem::Expired {
                subject: subject(),
                since: now - self.valid.1,
            });
        }
        if now < self.valid.0 {
            let seconds = self.valid.0 - now;
            return Err(CertificateProblem::Early { subject: subject(), seconds });
        }
        Ok(())
    }

    /// # Errors
    /// [`CertificateProblem::CommonName`] or [`CertificateProblem::OtherName`].
    pub fn check_name(
        &self,
        der: &CertificateDer<'_>,
        name: &ServerName<'_>,
    ) -> Result<(), CertificateProblem> {
        if self.names.is_empty() {
            return Err(match &self.common_name {
                Some(name) => CertificateProblem::CommonName { name: name.clone() },
                None => CertificateProblem::OtherName { names: Vec::new() },
            });
        }
        let parsed = ParsedCertificate::try_from(der);
        let fits = parsed.and_then(|parsed| rustls::client::verify_server_name(&parsed, name));
        fits.map_err(|_| CertificateProblem::OtherName { names: self.names.clone() })
    }
}

fn shown(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => match bytes.as_bytes() {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
            bytes => {
                let bytes: [u8; 16] = bytes.try_into().ok()?;
                Some(std::net::Ipv6Addr::from(bytes).to_string())
            }
        },
        _ => None,
    }
}

/// The bytes that are signed by the authority's key, for comparing two keys.
pub fn public_key(der: &CertificateDer<'_>) -> Option<Vec<u8>> {
    X509::from_der(der.as_ref()).ok()?.tbs_certificate.subject_public_key_info.to_der().ok()
}
