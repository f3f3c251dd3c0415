//! A container without a daemon: a root of one static program, and the files that a shim reads.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{
        fs::symlink,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use landfall_engine::runtime::{
    Answer, Envelope, Exit, Hierarchies, LogOptions, Request, ShimPlan, Status, VERSION, read_json,
    spec::{ContainerSpec, DEFAULT_CAPABILITIES, Limits, Network, ProcessSpec},
    write_json,
};

/// Commands of busybox that the tests use.
const COMMANDS: [&str; 22] = [
    "sh", "echo", "cat", "sleep", "id", "ls", "mkdir", "touch", "true", "tty", "stty", "kill",
    "head", "dd", "ip", "hostname", "mknod", "unshare", "mount", "env", "grep", "seq",
];

/// The program under test, as `on_host.sh` shows it.
pub const PROGRAM: &str = "/mnt/share/landfall-engine";

/// A directory of its own for a test, where overlay can have its upper directory.
pub fn directory(prefix: &str) -> tempfile::TempDir {
    assert_eq!(
        std::env::var("container").as_deref(),
        Ok("systemd-nspawn"),
        "these tests run in a disposable host: cargo's runner is tests/bench/on_host.sh, see the \
         Makefile"
    );
    tempfile::Builder::new().prefix(prefix).tempdir_in("/var/lib").unwrap()
}

/// Writes a root file system of busybox into `root`.
pub fn write_root(root: &Path) {
    let bin = root.join("bin");
    fs::create_dir_all(&bin).unwrap();
    for directory in ["dev", "etc", "proc", "sys", "tmp", "root"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::copy("/usr/local/bin/busybox", bin.join("busybox")).unwrap();
    for command in COMMANDS {
        symlink("busybox", bin.join(command)).unwrap();
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\n").unwrap();
}

/// A container and its shim; both are gone when this is dropped.
pub struct Container {
    directory: tempfile::TempDir,
    pub plan: ShimPlan,
    pub spec: ContainerSpec,
}

impl Container {
    /// One that would run `sh -c script`.
    pub fn new(script: &str) -> Self {
        let directory = directory("lfe");
        let root = directory.path().join("root");
        write_root(&root);
        let name = directory.path().file_name().unwrap().to_str().unwrap().to_owned();
        let cgroup = PathBuf::from(format!("/landfall-test/{name}"));
        let plan = ShimPlan {
            id: name,
            terminal: false,
            open_stdin: false,
            stdin_once: false,
            log: Some(LogOptions {
                path: directory.path().join("log"),
                max_size: None,
                max_files: 1,
            }),
            cgroup: cgroup.clone(),
            shims_cgroup: "/landfall-test/shims".into(),
            seccomp: true,
            own_network: true,
        };
        let spec = ContainerSpec {
            root,
            read_only: false,
            hostname: "testhost".into(),
            domainname: None,
            process: process(script),
            files: Vec::new(),
            network: Network::None,
            extra_mounts: Vec::new(),
            sysctls: std::collections::BTreeMap::new(),
            read_only_paths: Hierarchies::load().unwrap().paths_in_container(),
            cgroup,
            limits: Limits::default(),
            shm_bytes: 64 << 20,
        };
        Self { directory, plan, spec }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Starts the shim, not yet the container.
    pub fn shim(&self) -> &Self {
        write_json(&self.path().join("shim.json"), &self.plan).unwrap();
        write_json(&self.path().join("spec.json"), &self.spec.render().unwrap()).unwrap();
        let listener = UnixListener::bind(self.path().join("sock")).unwrap();
        let mut child = Command::new(PROGRAM)
            .arg("shim")
            .arg(self.path())
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)))
            .spawn()
            .unwrap();
        std::thread::spawn(move || child.wait());
        self
    }

    /// Starts both.
    pub fn start(&self) -> &Self {
        self.shim();
        assert_eq!(self.ask(Request::Start), Answer::Done);
        self
    }

    pub fn ask(&self, request: Request) -> Answer {
        ask(self.path(), request).1
    }

    pub fn status(&self) -> Status {
        match self.ask(Request::Status) {
            Answer::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for the end.
    pub fn wait(&self) -> Exit {
        wait(self.path())
    }

    /// Starts both, waits for the end, and returns what was logged.
    pub fn run(&self) -> (Exit, String) {
        self.shim();
        let waiting = ask_later(self.path(), Request::Wait);
        assert_eq!(self.ask(Request::Start), Answer::Done);
        let exit = answer(waiting).1;
        match exit {
            Answer::Exited(exit) => (exit, self.log()),
            other => panic!("{other:?}"),
        }
    }

    /// The texts of the log, one after the other.
    pub fn log(&self) -> String {
        let lines = fs::read_to_string(self.path().join("log")).unwrap();
        let text = |line: &str| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry["log"].as_str().unwrap().to_owned()
        };
        lines.lines().map(text).collect()
    }

    pub fn attach(&self, stdin: bool) -> UnixStream {
        attach(self.path(), stdin)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Ok(hierarchies) = Hierarchies::load() {
            for pid in hierarchies.processes(&self.plan.cgroup) {
                let pid = rustix::process::Pid::from_raw(pid).unwrap();
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

pub fn process(script: &str) -> ProcessSpec {
    ProcessSpec {
        arguments: ["sh", "-c", script].map(str::to_owned).to_vec(),
        environment: vec!["PATH=/bin".into(), "HOME=/root".into()],
        directory: "/".into(),
        terminal: false,
        user: (0, 0, Vec::new()),
        capabilities: DEFAULT_CAPABILITIES.into_iter().collect(),
        rlimits: Vec::new(),
        oom_score_adj: 0,
        no_new_privileges: false,
    }
}

pub fn wait(directory: &Path) -> Exit {
    let answer = UnixStream::connect(directory.join("sock"))
        .and_then(|stream| send(stream, Request::Wait))
        .and_then(|stream| read_answer(&stream));
    match answer {
        Ok(Answer::Exited(exit)) => exit,
        Ok(other) => panic!("{other:?}"),
        // It has gone, before or after it was asked.
        Err(_) => read_json(&directory.join("exit.json")).unwrap().expect("it has ended"),
    }
}

pub fn ask(directory: &Path, request: Request) -> (UnixStream, Answer) {
    answer(ask_later(directory, request))
}

pub fn ask_later(directory: &Path, request: Request) -> UnixStream {
    send(UnixStream::connect(directory.join("sock")).unwrap(), request).unwrap()
}

fn send(mut stream: UnixStream, request: Request) -> std::io::Result<UnixStream> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut line = serde_json::to_vec(&Envelope { version: VERSION, request })?;
    line.push(b'\n');
    stream.write_all(&line)?;
    Ok(stream)
}

pub fn answer(stream: UnixStream) -> (UnixStream, Answer) {
    let answer = read_answer(&stream).unwrap();
    (stream, answer)
}

fn read_answer(stream: &UnixStream) -> std::io::Result<Answer> {
    let mut line = String::new();
    BufReader::with_capacity(1, stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

pub fn attach(directory: &Path, stdin: bool) -> UnixStream {
    let (stream, answer) = ask(directory, Request::Attach { stdin, stdout: true, stderr: true });
    assert_eq!(answer, Answer::Done);
    stream
}

/// Reads until `text` is there, which must come.
pub fn read_until(stream: &mut UnixStream, text: &str) -> String {
    let mut all = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let seen = String::from_utf8_lossy(&all).into_owned();
        if seen.contains(text) {
            return seen;
        }
        let length = stream.read(&mut chunk).unwrap();
        assert!(length > 0, "it ended without {text:?}: {seen:?}");
        all.extend_from_slice(&chunk[..length]);
    }
}

/// Takes Docker's frames apart: what came on stdout, and on stderr.
pub fn unframe(mut bytes: &[u8]) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while !bytes.is_empty() {
        let length = u32::from_be_bytes(bytes[4..8].try_into().unwrap()) as usize;
        let into = if bytes[0] == 1 { &mut out } else { &mut err };
        into.extend_from_slice(&bytes[8..8 + length]);
        bytes = &bytes[8 + length..];
    }
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}
