//! A daemon of ours with directories of its own, and the stock client.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use landfall_engine::runtime::Hierarchies;

use crate::bench;

/// An image `busybox:latest`, as `docker save` writes it.
pub const IMAGE: &str = "/mnt/share/busybox.tar";

/// A daemon, ended with all that it left when this is dropped.
pub struct Daemon {
    directory: tempfile::TempDir,
    child: Option<Child>,
}

impl Daemon {
    /// One with an image `busybox`, that answers.
    pub fn start() -> Self {
        let directory = bench::directory("lfd");
        let mut daemon = Self { directory, child: None };
        daemon.run();
        daemon.ok(&["load", "-q", "-i", IMAGE]);
        daemon
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Its control group, beneath every hierarchy.
    pub fn cgroup(&self) -> PathBuf {
        Path::new("/landfall-test").join(self.directory.path().file_name().unwrap())
    }

    /// Starts it, again after [`Daemon::kill`].
    pub fn run(&mut self) {
        let child = Command::new(bench::PROGRAM)
            .arg("serve")
            .args(["--root".as_ref(), self.path("data").as_os_str()])
            .args(["--run".as_ref(), self.path("run").as_os_str()])
            .args(["--socket".as_ref(), self.path("docker.sock").as_os_str()])
            .args(["--cgroup".as_ref(), self.cgroup().as_os_str()])
            .spawn()
            .unwrap();
        self.child = Some(child);
        let until = Instant::now() + Duration::from_secs(60);
        while UnixStream::connect(self.path("docker.sock")).is_err() {
            assert!(Instant::now() < until, "the daemon does not answer");
            let status = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(status.is_none(), "the daemon ended: {status:?}");
            std::thread::yield_now();
        }
    }

    /// Kills it as it stands.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The stock client.
    pub fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .env_clear()
            .env("PATH", "/usr/local/bin")
            .env("DOCKER_HOST", format!("unix://{}", self.path("docker.sock").display()))
            .env("DOCKER_CONFIG", self.path("config"))
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.docker(arguments).output().unwrap()
    }

    /// What a call prints, which must succeed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "docker {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The exit code and the error of a call.
    pub fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.output(arguments);
        assert!(!output.status.success(), "docker {arguments:?} succeeds");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    /// What containers leave: mounts, groups and files.
    pub fn leftovers(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mine = self.directory.path().to_str().unwrap();
        found.extend(mounts.lines().filter(|line| line.contains(mine)).map(str::to_owned));
        let hierarchies = Hierarchies::load().unwrap();
        let group = self.cgroup();
        for mount in hierarchies.v1.iter().map(|(path, _)| path).chain(&hierarchies.v2) {
            let group = mount.join(group.strip_prefix("/").unwrap());
            for entry in fs::read_dir(&group).into_iter().flatten().flatten() {
                if entry.file_type().unwrap().is_dir() && entry.file_name() != "shims" {
                    found.push(entry.path().display().to_string());
                }
            }
        }
        for directory in ["data/containers", "run/c"] {
            for entry in fs::read_dir(self.path(directory)).unwrap() {
                found.push(entry.unwrap().path().display().to_string());
            }
        }
        found
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let Ok(hierarchies) = Hierarchies::load() else { return };
        for pid in hierarchies.processes(&self.cgroup()) {
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        for entry in fs::read_dir(self.path("data/containers")).into_iter().flatten().flatten() {
            let _ = rustix::mount::unmount(
                entry.path().join("merged"),
                rustix::mount::UnmountFlags::DETACH,
            );
        }
    }
}
