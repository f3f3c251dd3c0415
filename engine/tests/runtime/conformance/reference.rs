//! A dockerd to compare with, and its client.

use std::{
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::{bench, daemon::IMAGE};

/// Debian's dockerd with directories of its own, ended when this is dropped.
pub struct Dockerd {
    directory: tempfile::TempDir,
    child: Child,
}

impl Dockerd {
    /// One with an image `busybox`, that answers.
    pub fn start() -> Self {
        let directory = bench::directory("lfr");
        let path = |name: &str| directory.path().join(name);
        let child = Command::new("/usr/local/bin/dockerd")
            .args(["--iptables=false", "--ip6tables=false", "--bridge=none", "--log-level=error"])
            .arg("--host")
            .arg(format!("unix://{}", path("docker.sock").display()))
            .args(["--data-root".as_ref(), path("data").as_os_str()])
            .args(["--exec-root".as_ref(), path("run").as_os_str()])
            .args(["--pidfile".as_ref(), path("pid").as_os_str()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut dockerd = Self { directory, child };
        let until = Instant::now() + Duration::from_secs(60);
        while UnixStream::connect(dockerd.socket()).is_err() {
            assert!(Instant::now() < until, "dockerd does not answer");
            assert!(dockerd.child.try_wait().unwrap().is_none(), "dockerd ended");
            std::thread::yield_now();
        }
        assert!(dockerd.output(&["load", "-q", "-i", IMAGE]).status.success());
        dockerd
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    /// The stock client.
    pub fn output(&self, arguments: &[&str]) -> Output {
        Command::new("docker")
            .env_clear()
            .env("PATH", "/usr/local/bin")
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("DOCKER_CONFIG", self.directory.path().join("config"))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        // It takes its containerd along, and its mounts.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
