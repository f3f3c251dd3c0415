//! What a host that has nothing yet runs at its first boot: a script that fetches Landfall,
//! checks it and installs; and the same as cloud-init's user-data.

use std::collections::BTreeMap;

use rustls::pki_types::CertificateDer;
use serde::Serialize;
use x509_cert::Certificate;
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Decode, EncodePem};

use crate::digest::Digest;
use crate::net::trust;
use crate::texts::bootstrap as texts;

/// Where the host's own `uname -m` goes in an address.
pub const MACHINE: &str = "{arch}";

/// Where cloud-init writes the script. `/run` is emptied by the next boot.
const SCRIPT: &str = "/run/landfall-bootstrap.sh";

const TEMPLATE: &str = include_str!("../../templates/bootstrap.sh.tera");

/// What is fetched, and run.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// The http(s) address of the program; [`MACHINE`] in it stands for the host's architecture.
    pub url: String,
    /// The program's digest, by what `uname -m` says.
    pub digests: BTreeMap<String, Digest>,
    /// The address of the archive to install from, if the host is to fetch one too. The program
    /// itself checks it.
    pub archive: Option<String>,
    /// PEM certificates of who vouches for the servers, in place of the host's own.
    pub ca: Option<String>,
    /// Where the program stays: absolute.
    pub program: String,
    /// Arguments of `landfall install`.
    pub arguments: Vec<String>,
}

/// Why there can be no script.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// Not an address that curl and wget can fetch.
    Url(String),
    /// Not a name of a machine.
    Machine(String),
    /// Not an absolute path of a file.
    Program(String),
    /// A control character, which has no place on a command line.
    Argument(String),
    /// No certificates in PEM.
    Certificates(String),
    /// The template that Landfall carries is wrong.
    Template(#[from] tera::Error),
}

/// A POSIX shell script. It runs under dash and busybox as well.
///
/// # Errors
/// [`BootstrapError`] for a value that cannot stand in one.
pub fn script(bootstrap: &Bootstrap) -> Result<String, BootstrapError> {
    let values = Values::new(bootstrap)?;
    Ok(tera::Tera::one_off(TEMPLATE, &tera::Context::from_serialize(values)?, false)?)
}

/// User-data for cloud-init (its "Cloud config data" format): writes the script and runs it, once,
/// at the end of the first boot.
///
/// # Errors
/// As [`script`].
pub fn user_data(bootstrap: &Bootstrap) -> Result<String, BootstrapError> {
    let indented: String = script(bootstrap)?
        .lines()
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("      {line}\n") })
        .collect();
    Ok(format!(
        "#cloud-config\nwrite_files:\n  - path: {SCRIPT}\n    permissions: '0700'\n    \
         content: |\n{indented}runcmd:\n  - [/bin/sh, {SCRIPT}]\n"
    ))
}

#[derive(Serialize)]
struct Values {
    version: &'static str,
    url: String,
    digests: Vec<MachineDigest>,
    archive: Option<Archive>,
    ca: Option<String>,
    program: String,
    directory: String,
    /// With a blank before each; for a comment, and for the shell.
    arguments: String,
}

#[derive(Serialize)]
struct MachineDigest {
    machine: String,
    sha256: String,
}

#[derive(Serialize)]
struct Archive {
    url: String,
    name: String,
}

impl Values {
    fn new(bootstrap: &Bootstrap) -> Result<Self, BootstrapError> {
        let directory = (bootstrap.program.rsplit_once('/'))
            .filter(|(above, name)| {
                bootstrap.program.starts_with('/') && !name.is_empty() && !above.is_empty()
            })
            .map(|(directory, _)| directory)
            .ok_or_else(|| BootstrapError::Program(bootstrap.program.clone()))?;
        let arguments = bootstrap.arguments.iter().map(|argument| quoted(argument));
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            url: address(&bootstrap.url)?,
            digests: bootstrap.digests.iter().map(machine_digest).collect::<Result<_, _>>()?,
            archive: bootstrap.archive.as_deref().map(archive).transpose()?,
            ca: bootstrap.ca.as_deref().map(certificates).transpose()?,
            program: quoted(&bootstrap.program)?,
            directory: quoted(directory)?,
            arguments: arguments
                .map(|word| Ok(format!(" {}", word?)))
                .collect::<Result<_, BootstrapError>>()?,
        })
    }
}

fn machine_digest((machine, digest): (&String, &Digest)) -> Result<MachineDigest, BootstrapError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if machine.is_empty() || !machine.chars().all(is_name) {
        return Err(BootstrapError::Machine(machine.clone()));
    }
    Ok(MachineDigest { machine: machine.clone(), sha256: digest.to_string() })
}

/// The archive keeps its name: it may tell the version.
fn archive(url: &str) -> Result<Archive, BootstrapError> {
    let wrong = || BootstrapError::Url(url.to_owned());
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().filter(|name| !name.is_empty()).ok_or_else(wrong)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if !name.replace(MACHINE, "").chars().all(is_name) || name.starts_with('.') {
        return Err(wrong());
    }
    Ok(Archive { url: address(url)?, name: with_machine(name) })
}

/// An address as a word of the shell. Of the characters that RFC 3986 allows none ends a quoted
/// string, in the shell and in curl's configuration.
fn address(url: &str) -> Result<String, BootstrapError> {
    let wrong = || BootstrapError::Url(url.to_owned());
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = rest.ok_or_else(wrong)?.replace(MACHINE, "");
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&()*+,;=%".contains(c);
    if plain.is_empty() || plain.starts_with('/') || !plain.chars().all(allowed) {
        return Err(wrong());
    }
    Ok(with_machine(url))
}

/// Single quotes around what holds no single quote; the machine's name between them.
fn with_machine(text: &str) -> String {
    format!("'{}'", text.replace(MACHINE, "'\"$machine\"'"))
}

fn quoted(word: &str) -> Result<String, BootstrapError> {
    if word.chars().any(char::is_control) {
        return Err(BootstrapError::Argument(word.to_owned()));
    }
    let quoted = shlex::try_quote(word).map_err(|_| BootstrapError::Argument(word.to_owned()))?;
    Ok(quoted.into_owned())
}

/// The certificates of a PEM file, and nothing else that may stand between them.
fn certificates(text: &str) -> Result<String, BootstrapError> {
    let found = trust::certificates(text.as_bytes());
    if found.is_empty() || found.len() != text.matches("-----BEGIN CERTIFICATE-----").count() {
        return Err(BootstrapError::Certificates(texts::NO_CERTIFICATES.to_owned()));
    }
    let pem = |der: &CertificateDer<'_>| Certificate::from_der(der)?.to_pem(LineEnding::LF);
    let all = found.iter().map(pem).collect::<Result<String, _>>();
    all.map(|all| all.trim_end().to_owned())
        .map_err(|error| BootstrapError::Certificates(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bootstrap() -> Bootstrap {
        Bootstrap {
            url: "http://depot.internal/{arch}/landfall".to_owned(),
            digests: [("x86_64".to_owned(), Digest::of(b"program"))].into(),
            archive: None,
            ca: None,
            program: "/usr/local/bin/landfall".to_owned(),
            arguments: vec!["--user".to_owned(), "it's me; $(id) `id`".to_owned()],
        }
    }

    #[test]
    fn words_stay_words() {
        let text = script(&bootstrap()).unwrap();
        assert!(
            text.contains(r#"fetch 'http://depot.internal/'"$machine"'/landfall' "$dir/landfall""#)
        );
        let line = text.lines().find(|line| line.contains("landfall install --user")).unwrap();
        let command = text.lines().find(|line| line.contains("set -- --user")).unwrap();
        let words = shlex::split(command).unwrap();
        assert_eq!(words[2..], ["--user", "it's me; $(id) `id`"], "{line}");
    }

    #[test]
    fn what_cannot_stand_in_a_script_is_refused() {
        let refused = |change: &dyn Fn(&mut Bootstrap)| {
            let mut wrong = bootstrap();
            change(&mut wrong);
            script(&wrong).unwrap_err()
        };
        for url in ["", "ftp://x/y", "http:///x", "http://x/a'b", "http://x/a\nb", "http://x/{x}"] {
            let error = refused(&|it| url.clone_into(&mut it.url));
            assert!(matches!(error, BootstrapError::Url(_)), "{url}: {error}");
        }
        for url in ["http://x/", "http://x/.tgz", "http://x/a;b.tgz"] {
            let error = refused(&|it| it.archive = Some(url.to_owned()));
            assert!(matches!(error, BootstrapError::Url(_)), "{url}: {error}");
        }
        for program in ["landfall", "/landfall", "/usr/bin/"] {
            let error = refused(&|it| program.clone_into(&mut it.program));
            assert!(matches!(error, BootstrapError::Program(_)), "{program}: {error}");
        }
        let argument = refused(&|it| it.arguments.push("a\nb".to_owned()));
        assert!(matches!(argument, BootstrapError::Argument(_)));
        let machine = refused(&|it| {
            it.digests.insert("*".to_owned(), Digest::of(b""));
        });
        assert!(matches!(machine, BootstrapError::Machine(_)));
        for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let error = refused(&|it| it.ca = Some(text.to_owned()));
            assert!(matches!(error, BootstrapError::Certificates(_)), "{text}: {error}");
        }
    }
}
