//! Registries: what was reached, and what went wrong on the way.

use std::fmt;

use crate::mirrors::without_login;
use crate::registry::check::Passed;
use crate::registry::docker_config::{CredentialsError, Keeper};
use crate::registry::{CertificateFileProblem, Registry, TargetError};

/// A realm that cannot be asked.
pub const NO_URL: &str = "this is no URL";
/// A token server's answer.
pub const NO_TOKEN: &str = "its answer holds no token";
/// A manifest.
pub const NO_MANIFEST: &str = "what comes is no JSON";
/// Above what is checked.
pub const ANONYMOUS: &str = "no login is needed to ask";
/// Nothing is known that could be pulled.
pub const NO_IMAGE: &str = "its catalogue names no image that could be tried; name one: landfall \
     registry check HOST/NAME:TAG";
/// There is nothing to check.
pub const NO_TARGET: &str = "which registry?";
/// How to say it.
pub const TARGET_FORM: &str = "landfall registry check harbor.internal, or \
     harbor.internal:5000/team/app:2.1, or the URL of a mirror: https://mirror.internal";
/// A check beneath another root.
pub const NEEDS_LIVE: &str = "registries are reached from a running host, not beneath --root";
/// No password was given.
pub const NO_PASSWORD: &str = "no password was given";
/// How to give one.
pub const PASSWORD_FORM: &str = "give it on standard input (--password-stdin), in a file \
     (--password-file FILE), or type it on a terminal";
/// No name was given.
pub const NO_USER: &str = "no user was given";
/// How to give one.
pub const USER_FORM: &str = "landfall login HOST --username NAME";
/// Asks for a password.
pub const PASSWORD_QUESTION: &str = "Password: ";
/// A secret is empty.
pub const EMPTY_PASSWORD: &str = "the password is empty";
/// A registry that asks for nothing.
pub const NOTHING_ASKED: &str = "the registry asks for no login: nothing was verified, and nothing \
     is kept";

/// A login failed.
pub const NOT_LOGGED_IN: &str = "not logged in; nothing is kept";

/// An answer that is not one of a registry.
pub fn answer(status: u16, kind: Option<&str>) -> String {
    match kind {
        Some(kind) => format!("{status}, {kind}"),
        None => status.to_string(),
    }
}

/// Digests that differ.
pub fn other_digest(told: &str, computed: &str) -> String {
    format!("{told} is said, {computed} is what comes")
}

/// A stage that is passed: its name, and what was found.
pub fn passed(stage: &Passed) -> (&'static str, String) {
    match stage {
        Passed::Name { name, addresses, by } => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let by = match *by {
                "hosts" => " (/etc/hosts)",
                "server" => " (name server)",
                _ => "",
            };
            ("name", format!("{name} is {}{by}", addresses.join(", ")))
        }
        Passed::Proxy { proxy, set_in } => ("proxy", format!("{proxy} (set in {set_in})")),
        Passed::Tls { verified: true } => ("TLS", "its certificate is trusted".to_owned()),
        Passed::Tls { verified: false } => {
            ("TLS", "its certificate is not looked at (insecure-registries)".to_owned())
        }
        Passed::Plain {} => ("HTTP", "plain, without TLS".to_owned()),
        Passed::Api {} => ("/v2/", "it is a registry".to_owned()),
        Passed::Token { realm } => ("token", format!("from {realm}")),
        Passed::Login { user } => ("login", format!("as {user}")),
        Passed::Anonymous {} => ("login", ANONYMOUS.to_owned()),
        Passed::Manifest { image, digest } => ("manifest", format!("{image} is {digest}")),
        Passed::NoImage {} => ("manifest", NO_IMAGE.to_owned()),
    }
}

/// Above the stages of one check.
pub fn heading(target: &str, mirror: bool) -> String {
    if mirror { format!("{target}, as a mirror of Docker Hub") } else { target.to_owned() }
}

/// The last line.
pub fn usable(count: usize) -> String {
    match count {
        1 => "dockerd can use it".to_owned(),
        _ => "dockerd can use all of them".to_owned(),
    }
}

/// The last line, if something is wrong.
pub fn unusable(failed: usize, of: usize) -> String {
    match of {
        1 => "dockerd cannot use it".to_owned(),
        _ => format!("dockerd cannot use {failed} of {of}"),
    }
}

/// After a login.
pub fn kept(registry: &Registry, user: &str, keeper: &Keeper, path: &str) -> String {
    match keeper {
        Keeper::Helper(name) => {
            format!(
                "Logged in to {registry} as {user}; docker-credential-{name} keeps the password"
            )
        }
        Keeper::File => format!(
            "Logged in to {registry} as {user}; the password is kept in {path}, readable by its \
             owner alone, and not encrypted: a credential helper would keep it better"
        ),
    }
}

/// What is wrong with a file.
pub fn file_problem(problem: CertificateFileProblem) -> &'static str {
    match problem {
        CertificateFileProblem::NoCertificate => "it holds no certificate in PEM form",
        CertificateFileProblem::Der => "it is in DER form, not PEM",
        CertificateFileProblem::HoldsKey => {
            "it holds a private key too, and would be readable by everybody"
        }
        CertificateFileProblem::Broken => "one of its certificates cannot be read",
        CertificateFileProblem::NoKey => "it holds no private key in PEM form",
        CertificateFileProblem::EncryptedKey => {
            "its key has a password, which dockerd has nobody to ask for"
        }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Either may hold a password.
            Self::Registry(text) => {
                write!(f, "`{}` is no name of a registry", without_login(text))
            }
            Self::Image(text) => write!(f, "`{text}` is no name of an image"),
            Self::Mirror(text) => {
                write!(f, "`{}` is no URL of a mirror", without_login(text))
            }
        }
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHome => f.write_str("HOME is not set: where is config.json of docker?"),
            Self::Host(error) => error.fmt(f),
            Self::Broken { path, source } => write!(f, "{path}, {source}"),
            Self::Unreadable { path, registry } => {
                write!(f, "what {path} keeps for {registry} cannot be understood")
            }
            Self::Helper { program, said } => write!(f, "{program} failed: {said}"),
        }
    }
}

impl CredentialsError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoHome => "HOME=/root landfall …, or DOCKER_CONFIG=DIR landfall …".to_owned(),
            Self::Host(_) => "see its owner and mode: ls -l".to_owned(),
            Self::Broken { path, .. } => format!("mend it, or move it away: mv {path} {path}.old"),
            Self::Unreadable { registry, .. } => {
                format!("log in again: landfall login {registry} --username NAME")
            }
            Self::Helper { program, .. } => format!(
                "see whether it is installed (command -v {program}), or take it out of credsStore \
                 and credHelpers in config.json"
            ),
        }
    }
}
