//! A registry on the test network.

use super::bench::{MINUTE, bench};
use super::run::Run;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Debian's docker-registry, without TLS, reachable from every host. Stopped when dropped.
pub struct Registry {
    dir: PathBuf,
    /// `HOST:PORT`.
    pub address: String,
}

impl Registry {
    /// Starts an empty registry.
    pub fn start() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let dir = bench().run.join(format!("registry{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let mut script = bench().script("registry.sh");
        let address = Run::of(script.arg("start").arg(&dir), b"", MINUTE).ok();
        Self { dir, address }
    }

    /// The registry's access log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).expect("the registry has a log")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        Run::of(bench().script("registry.sh").arg("stop").arg(&self.dir), b"", MINUTE);
    }
}
