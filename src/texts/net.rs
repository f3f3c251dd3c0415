//! Connections to servers: what goes wrong on the way.

use super::findings::duration;
use crate::net::connect::{AddressProblem, ConnectError};
use crate::net::names::NameError;
use crate::net::trust::CertificateProblem;

/// A certificate of a server that is none.
pub const UNREADABLE_CERTIFICATE: &str = "the certificate cannot be read";
/// A proxy of another kind.
pub const PROXY_SCHEME: &str = "only http:// proxies are spoken to";
/// An answer of a proxy.
pub const TOO_LONG: &str = "its answer does not end";
/// After a time limit.
pub fn no_answer_within(seconds: u64) -> String {
    format!("no answer within {seconds} seconds")
}

/// An error of a connection in words.
pub fn connect_error(error: &ConnectError) -> String {
    match error {
        ConnectError::Name(NameError::Unknown { .. }) => "its name has no address".to_owned(),
        ConnectError::Name(NameError::NoAnswer { error, .. }) => {
            format!("its name cannot be looked up: {error}")
        }
        ConnectError::Address(at, problem) => format!("{at}: {}", address_problem(problem)),
        ConnectError::Proxy(proxy, problem) => format!("the proxy {proxy}: {problem}"),
        ConnectError::PlainHttp => "it speaks plain HTTP".to_owned(),
        ConnectError::Certificate(problem) => certificate_problem(problem),
        ConnectError::ClientCertificate => "it wants a certificate of the client".to_owned(),
        ConnectError::Tls(error) => format!("TLS fails: {error}"),
    }
}

/// What happened at an address.
pub fn address_problem(problem: &AddressProblem) -> String {
    match problem {
        AddressProblem::Refused => "the connection is refused".to_owned(),
        AddressProblem::NoAnswer => "nothing comes back".to_owned(),
        AddressProblem::Other(error) => error.clone(),
    }
}

/// What is wrong with a certificate.
pub fn certificate_problem(problem: &CertificateProblem) -> String {
    match problem {
        CertificateProblem::Expired { subject, since } => {
            format!("“{subject}” ended {} ago", duration(*since))
        }
        CertificateProblem::Early { subject, seconds } => {
            format!("“{subject}” begins in {}", duration(*seconds))
        }
        CertificateProblem::OtherName { names } if names.is_empty() => {
            "the certificate names nobody".to_owned()
        }
        CertificateProblem::OtherName { names } => {
            format!("the certificate is for {}", names.join(", "))
        }
        CertificateProblem::CommonName { name } => format!(
            "CN={name}, and no subject alternative name, which is all that Go (dockerd) looks at"
        ),
        CertificateProblem::Untrusted { self_signed: true, .. } => {
            "the certificate has signed itself".to_owned()
        }
        CertificateProblem::Untrusted { issuer, .. } => {
            format!("the certificate is signed by “{issuer}”")
        }
        CertificateProblem::Chain { issuer } => {
            format!("the certificate comes alone, signed by “{issuer}”")
        }
        CertificateProblem::Other { error } => error.clone(),
    }
}
