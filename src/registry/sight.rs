//! What can be seen of a registry, as data. The words stand in [`crate::texts::findings`].

use serde::{Deserialize, Serialize};

use super::trust::CertificateProblem;
use crate::preflight::Code;

macro_rules! sights {
    ($($name:ident { $($field:ident: $type:ty),* },)*) => {
        /// What was seen of a registry. Each variant stands for the code of the same name.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        #[allow(missing_docs)] // the fields say it; times in seconds
        pub enum RegistrySight { $($name { $($field: $type),* },)* }

        impl RegistrySight {
            /// The code under which it is reported.
            pub fn code(&self) -> Code {
                match self { $(Self::$name { .. } => Code::$name,)* }
            }
        }
    };
}

sights! {
    NameUnknown { name: String, servers: Vec<String> },
    NameServersSilent { name: String, servers: Vec<String>, configured: bool, error: String },
    NameInHosts { name: String, addresses: Vec<String> },
    RegistryRefuses { registry: String, address: String },
    RegistrySilent { registry: String, address: String, error: String },
    RegistryProxy { registry: String, proxy: String, set_in: String, error: String },
    RegistryPlain { registry: String },
    RegistryNotPlain { registry: String, mirror: bool },
    AuthorityUnknown { registry: String, directory: String, issuer: String, self_signed: bool, same_name: bool },
    RegistryExpired { registry: String, subject: String, since: u64 },
    RegistryEarly { registry: String, subject: String, seconds: u64 },
    RegistryOtherName { registry: String, names: Vec<String> },
    RegistryCommonName { registry: String, name: String },
    ChainIncomplete { registry: String, issuer: String },
    RegistryTls { registry: String, error: String },
    ClientCertificateWanted { registry: String, directory: String },
    NoRegistry { registry: String, answer: String },
    RegistryFails { registry: String, answer: String },
    RealmUnknown { registry: String, realm: String, name: String, harbor: bool },
    RealmUnreachable { registry: String, realm: String, error: String, harbor: bool },
    RealmCertificate { registry: String, realm: String, directory: String, problem: CertificateProblem },
    RealmAnswer { registry: String, realm: String, error: String },
    LoginRefused { registry: String, user: String, answer: String },
    LoginMissing { registry: String },
    ImageUnknown { registry: String, image: String, repository_known: bool },
    ImageDenied { registry: String, image: String, user: Option<String> },
    ManifestDamaged { registry: String, image: String, error: String },
    MirrorPath { mirror: String, registry: String, path: String },
    MirrorHarbor { mirror: String, registry: String, path: String },
    MirrorLogin { mirror: String },
    CertificateFile { path: String, problem: CertificateFileProblem },
    CertificateNoAuthority { path: String, registry: String, subject: String },
    CertificateFileName { path: String, registry: String, problem: CertificateProblem },
    CertificateFileTime { path: String, problem: CertificateProblem },
    CertificateKey { certificate: String, key: String },
    CertificateFileChain { path: String, subject: String },
    TrustStoreMissing {},
}

/// Why a file cannot be used as one of certificates or keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateFileProblem {
    /// It holds no certificate in PEM form.
    NoCertificate,
    /// It is in DER form.
    Der,
    /// It holds a private key too, which would be readable by all.
    HoldsKey,
    /// One of its certificates cannot be read.
    Broken,
    /// It holds no private key in PEM form.
    NoKey,
    /// Its key is encrypted: dockerd has nobody to ask for a password.
    EncryptedKey,
}
