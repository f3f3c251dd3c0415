//! A web server on the test network.

use super::bench::{MINUTE, bench};
use super::registry::Identity;
use super::run::Run;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Files that every host can fetch by http; also as a bad server would give them, see
/// `tests/bench/serve.py`. Stopped when dropped.
pub struct Served {
    dir: PathBuf,
    /// `HOST:PORT`.
    pub address: String,
}

impl Served {
    /// Serves what lies beneath a directory.
    pub fn directory(www: &Path) -> Self {
        Self::with(www, None, None)
    }

    /// The same by TLS, or as a proxy that wants `USER:PASSWORD`.
    pub fn with(www: &Path, tls: Option<&Identity>, proxy_login: Option<&str>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let dir = bench().run.join(format!("served{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let mut script = bench().script("serve.sh");
        script.arg("start").arg(&dir).arg(www);
        if let Some(identity) = tls {
            std::fs::create_dir_all(&dir).expect("the run's directory is writable");
            identity.put(&dir);
            script.arg(dir.join("tls.crt")).arg(dir.join("tls.key"));
        }
        if let Some(login) = proxy_login {
            script.env("PROXY_LOGIN", login);
        }
        let address = Run::of(&script, b"", MINUTE).ok();
        Self { dir, address }
    }

    /// Serves what hosts see at [`SHARE`](super::SHARE): the program, and archives.
    pub fn share() -> Self {
        Self::directory(&bench().share)
    }

    /// What was asked of the server, a line for each request: method, path, range, status.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).expect("the server has a log")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        Run::of(bench().script("serve.sh").arg("stop").arg(&self.dir), b"", MINUTE);
    }
}
