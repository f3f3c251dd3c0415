//! Repositories of packages, as a mirror on the test network.

use super::bench::{MINUTE, bench};
use super::registry::Identity;
use super::run::Run;
use super::served::Served;
use std::path::PathBuf;

/// A mirror with packages of an engine for dnf and apt, see `tests/bench/mkrepos.sh`.
pub struct Repositories {
    directory: PathBuf,
    served: Served,
    /// Whose key its packages are signed with.
    pub fingerprint: String,
}

impl Repositories {
    /// Makes them, if nobody has, and serves them.
    pub fn serve() -> Self {
        let made = Run::of(&bench().script("mkrepos.sh"), b"", MINUTE * 20).ok();
        let directory = PathBuf::from(made.lines().last().expect("mkrepos.sh prints a directory"));
        let fingerprint = std::fs::read_to_string(directory.join("fingerprint"));
        let fingerprint = fingerprint.expect("the fingerprint is there").trim().to_owned();
        Self { served: Served::directory(&directory), directory, fingerprint }
    }

    /// The root of the mirror, or of another one: `resigned`, `expired`, and so on.
    pub fn url(&self, mirror: &str) -> String {
        format!("http://{}/{mirror}", self.served.address)
    }

    /// The same files, by TLS.
    pub fn serve_by_tls(&self, identity: &Identity) -> Served {
        Served::with(&self.directory, Some(identity), None)
    }

    /// Its address without the port, and the port.
    pub fn address(&self) -> (&str, &str) {
        self.served.address.rsplit_once(':').expect("HOST:PORT")
    }

    /// The package of a shell, which the packages' scripts need.
    pub fn shell(&self) -> Vec<u8> {
        std::fs::read(self.directory.join("base/bash.rpm")).expect("it was made")
    }

    /// A call of the program with this key and these mirrors.
    pub fn with(&self, command: &str, mirrors: &[&str], options: &[&str]) -> Vec<String> {
        let mut words = vec![command.to_owned(), "--online".to_owned()];
        words.extend(["--gpg-fingerprint".to_owned(), self.fingerprint.clone()]);
        for mirror in mirrors {
            let is_url = mirror.contains("://");
            let url = if is_url { (*mirror).to_owned() } else { self.url(mirror) };
            words.extend(["--mirror".to_owned(), url]);
        }
        words.extend(options.iter().map(|option| (*option).to_owned()));
        words
    }
}
