//! The loop of a shim: one process, its streams, its log, and whoever is attached.

mod client;
mod requests;
mod streams;

use std::{
    collections::VecDeque,
    fs::File,
    io,
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::PathBuf,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use rustix::event::{PollFd, PollFlags, poll};

use super::{
    files,
    log::Writer,
    protocol::{Answer, Exit, Stream},
    stdio::Parent,
};
use client::{Client, Role, is_no_error};

/// Output is no longer read from the process while a client has so many bytes to take: a process
/// waits for who looks at it, as with Docker.
const MOST_WAITING: usize = 1 << 20;
/// Bytes read at once.
const CHUNK: usize = 32 << 10;
/// How long a client may take nothing of what is left when the process has ended.
const LAST_BYTES: Duration = Duration::from_secs(10);

/// What differs between the first process of a container and another one.
pub trait Launch {
    /// Runs the process. Returns its ID and its terminal, if it has one.
    fn launch(&mut self) -> Result<(i32, Option<OwnedFd>), String>;

    /// Called once the process has ended and was reaped. Returns whether memory ran out.
    fn ended(&mut self) -> bool;

    /// Starts a supervisor for another process of the container.
    fn exec(&mut self, directory: &str) -> Result<(), String>;

    /// Stops all processes of the container or lets them go on.
    fn freeze(&mut self, frozen: bool) -> Result<(), String>;
}

/// How the process's streams are to be treated.
pub struct Streams {
    /// The other ends of its pipes.
    pub parent: Parent,
    /// Whether the end of the first client's input is the end of stdin.
    pub stdin_once: bool,
    /// What it says is kept here.
    pub log: Option<Writer>,
}

/// Serves `listener` until the process has ended and all have heard of it.
///
/// The exit is in `exit_file` before anybody is told. The process must have one thread.
pub fn supervise(
    listener: UnixListener,
    launch: Box<dyn Launch>,
    streams: Streams,
    exit_file: PathBuf,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    // Children are started by programs that reset their signals, or before this.
    Supervisor {
        listener,
        launch,
        log: streams.log,
        stdin: streams.parent.stdin.map(File::from),
        stdin_once: streams.stdin_once,
        stdin_queue: VecDeque::new(),
        stdin_ends: false,
        outputs: streams.parent.outputs,
        terminal: None,
        has_terminal: streams.parent.terminal,
        process: None,
        signals: None,
        clients: Vec::new(),
        exit: None,
        exit_file,
        stalled_since: Instant::now(),
    }
    .run()
}

struct Supervisor {
    listener: UnixListener,
    launch: Box<dyn Launch>,
    log: Option<Writer>,
    stdin: Option<File>,
    stdin_once: bool,
    stdin_queue: VecDeque<u8>,
    stdin_ends: bool,
    outputs: Vec<(OwnedFd, Stream)>,
    terminal: Option<OwnedFd>,
    has_terminal: bool,
    process: Option<i32>,
    signals: Option<SignalFd>,
    clients: Vec<Client>,
    exit: Option<Exit>,
    exit_file: PathBuf,
    stalled_since: Instant,
}

/// What a descriptor in the poll set belongs to.
#[derive(Clone, Copy)]
enum Source {
    Listener,
    Signals,
    Output(usize),
    Stdin,
    Client(usize),
}

impl Supervisor {
    fn run(mut self) -> io::Result<()> {
        while !self.is_over() {
            for (source, flags) in self.poll()? {
                match source {
                    Source::Listener => self.accept()?,
                    Source::Signals => self.reap()?,
                    Source::Output(number) => self.read_output(number),
                    Source::Stdin => self.write_stdin(),
                    Source::Client(number) => self.serve(number, flags),
                }
            }
            self.tidy();
        }
        Ok(())
    }

    /// Everything that is over is over: the process, and what anybody had to be told of it.
    fn is_over(&self) -> bool {
        self.exit.is_some()
            && (self
                .clients
                .iter()
                .all(|client| client.queue.is_empty() && client.role != Role::Asking)
                || self.stalled_since.elapsed() > LAST_BYTES)
    }

    fn poll(&self) -> io::Result<Vec<(Source, PollFlags)>> {
        let mut all = vec![(Source::Listener, PollFd::new(&self.listener, PollFlags::IN))];
        if let Some(signals) = &self.signals {
            all.push((Source::Signals, PollFd::new(signals, PollFlags::IN)));
        }
        if self.clients.iter().all(|client| client.queue.len() < MOST_WAITING) {
            for (number, (output, _)) in self.outputs.iter().enumerate() {
                all.push((Source::Output(number), PollFd::new(output, PollFlags::IN)));
            }
        }
        if let Some(stdin) = self.stdin.as_ref().filter(|_| !self.stdin_queue.is_empty()) {
            all.push((Source::Stdin, PollFd::new(stdin, PollFlags::OUT)));
        }
        for (number, client) in self.clients.iter().enumerate() {
            let full = matches!(client.role, Role::Attached { stdin: true, .. })
                && self.stdin_queue.len() >= CHUNK;
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, !client.finished && !full);
            flags.set(PollFlags::OUT, !client.queue.is_empty());
            all.push((Source::Client(number), PollFd::new(&client.socket, flags)));
        }
        let (sources, mut set): (Vec<Source>, Vec<PollFd<'_>>) = all.into_iter().unzip();
        let limit = rustix::event::Timespec { tv_sec: 1, tv_nsec: 0 };
        match poll(&mut set, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(sources
            .into_iter()
            .zip(&set)
            .map(|(source, polled)| (source, polled.revents()))
            .filter(|(_, flags)| !flags.is_empty())
            .collect())
    }

    fn accept(&mut self) -> io::Result<()> {
        match self.listener.accept() {
            Ok((socket, _)) => {
                socket.set_nonblocking(true)?;
                self.clients.push(Client {
                    socket,
                    role: Role::Asking,
                    received: Vec::new(),
                    queue: VecDeque::new(),
                    finished: false,
                    gone: false,
                });
                Ok(())
            }
            Err(error) if is_no_error(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// From here on the end of a child is something to read.
    fn watch_children(&mut self) -> io::Result<()> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGCHLD);
        signals.thread_block()?;
        self.signals =
            Some(SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?);
        // It may have ended before.
        self.reap()
    }

    fn reap(&mut self) -> io::Result<()> {
        if let Some(signals) = &self.signals {
            while signals.read_signal()?.is_some() {}
        }
        loop {
            match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => self.child_ended(pid, code),
                Ok(WaitStatus::Signaled(pid, signal, _)) => {
                    self.child_ended(pid, 128 + signal as i32);
                }
                Ok(WaitStatus::StillAlive) | Err(nix::errno::Errno::ECHILD) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn child_ended(&mut self, pid: Pid, code: i32) {
        if self.process != Some(pid.as_raw()) {
            return;
        }
        // All processes that could still write are gone, or do not matter any more.
        for number in (0..self.outputs.len()).rev() {
            while self.read_some(number) {}
        }
        let oom = self.launch.ended();
        self.end(code, oom, None);
    }

    fn end(&mut self, code: i32, oom: bool, error: Option<String>) {
        if let Some(log) = &mut self.log {
            // A log that cannot be written must not keep the exit from being known.
            let _ = log.finish();
        }
        self.outputs.clear();
        self.stdin = None;
        let exit = Exit { code, oom, at: jiff::Timestamp::now().to_string(), error };
        let _ = files::write_json(&self.exit_file, &exit);
        for client in &mut self.clients {
            if client.role == Role::Waiting {
                client.answer(&Answer::Exited(exit.clone()));
            } else if matches!(client.role, Role::Attached { .. }) {
                client.role = Role::Leaving;
            }
        }
        self.process = None;
        self.exit = Some(exit);
        self.stalled_since = Instant::now();
    }

    fn tidy(&mut self) {
        let over = self.exit.is_some();
        self.clients.retain(|client| {
            let told = client.role == Role::Leaving && client.queue.is_empty();
            !(client.gone || told || over && client.finished && client.queue.is_empty())
        });
    }
}
