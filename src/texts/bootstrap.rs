//! Scripts for the first boot: why one cannot be made.

use std::fmt;

use crate::render::bootstrap::BootstrapError;

/// A file that should hold certificates holds none.
pub const NO_CERTIFICATES: &str = "there is no certificate in PEM in it, or one that is cut";

impl fmt::Display for BootstrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => {
                write!(f, "`{url}` is not an http or https address of a file")
            }
            Self::Machine(name) => write!(f, "--sha256: `{name}` is not what uname -m says"),
            Self::Program(path) => {
                write!(f, "--to: `{path}` is not the absolute path of a file in a directory")
            }
            Self::Argument(word) => {
                write!(f, "an argument of install holds a control character: {word:?}")
            }
            Self::Certificates(what) => write!(f, "--ca: {what}"),
            Self::Template(error) => write!(f, "the script's template is wrong: {error}"),
        }
    }
}

impl BootstrapError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Url(_) => {
                "for example http://depot.internal/{arch}/landfall; characters that are not \
                 allowed in an address are written as %XX"
            }
            Self::Machine(_) => "write --sha256 aarch64=HEX, or just HEX for this architecture",
            Self::Program(_) => "for example --to /usr/local/bin/landfall",
            Self::Argument(_) => "take it out, or put the value into a configuration file",
            Self::Certificates(_) => {
                "name a file of certificates that begin with BEGIN CERTIFICATE"
            }
            Self::Template(_) => "this is a fault of landfall: please report it",
        }
    }
}

/// The arguments of install are not ones that it takes.
pub fn bad_arguments(what: &str) -> String {
    format!("landfall install would not take these arguments: {}", what.trim())
}

/// What to look at then.
pub const BAD_ARGUMENTS_HINT: &str = "landfall install --help";

/// A digest that is none.
pub fn not_a_digest(text: &str) -> String {
    format!("`{text}` is neither a sha256 (64 hexadecimal digits) nor ARCH=SHA256")
}
