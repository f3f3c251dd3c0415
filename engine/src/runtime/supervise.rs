//! The loop of a shim: one process, its streams, its log, and whoever is attached.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read as _, Write as _},
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
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
    protocol::{Answer, Envelope, Exit, LONGEST_LINE, Request, Status, Stream, VERSION},
    stdio::{Parent, nonblocking},
};

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

struct Client {
    socket: UnixStream,
    role: Role,
    received: Vec<u8>,
    queue: VecDeque<u8>,
    /// Nothing more comes from it.
    finished: bool,
    gone: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Asking,
    Waiting,
    Attached {
        stdin: bool,
        stdout: bool,
        stderr: bool,
    },
    /// It is closed once everything is written.
    Leaving,
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

    fn serve(&mut self, number: usize, flags: PollFlags) {
        if flags.contains(PollFlags::OUT) {
            self.clients[number].write();
            self.stalled_since = Instant::now();
        }
        if flags.contains(PollFlags::IN) {
            self.read_client(number);
        } else if flags.intersects(PollFlags::HUP | PollFlags::ERR) {
            self.clients[number].gone = true;
        }
    }

    fn read_client(&mut self, number: usize) {
        let mut chunk = [0; CHUNK];
        let client = &mut self.clients[number];
        let bytes = match client.socket.read(&mut chunk) {
            Ok(0) => {
                client.finished = true;
                if client.role == Role::Asking {
                    client.gone = true;
                }
                if matches!(client.role, Role::Attached { stdin: true, .. }) {
                    self.end_of_input();
                }
                return;
            }
            Ok(length) => &chunk[..length],
            Err(error) if is_no_error(&error) => return,
            Err(_) => {
                client.gone = true;
                return;
            }
        };
        match client.role {
            Role::Asking => {
                client.received.extend_from_slice(bytes);
                self.read_request(number);
            }
            Role::Attached { stdin: true, .. } => self.type_in(bytes),
            _ => {}
        }
    }

    fn read_request(&mut self, number: usize) {
        let received = &mut self.clients[number].received;
        let Some(end) = received.iter().position(|byte| *byte == b'\n') else {
            self.clients[number].gone = self.clients[number].received.len() > LONGEST_LINE;
            return;
        };
        let rest = received.split_off(end + 1);
        let request = serde_json::from_slice::<Envelope>(received);
        let answer = match request {
            Ok(envelope) if envelope.version > VERSION => Err(format!(
                "this shim understands version {VERSION} of its protocol, not {}",
                envelope.version
            )),
            Ok(envelope) => self.carry_out(number, envelope.request),
            Err(error) => Err(format!("a request cannot be read: {error}")),
        };
        match answer {
            Ok(Some(answer)) => self.clients[number].answer(&answer),
            Ok(None) => {}
            Err(why) => self.clients[number].answer(&Answer::Failed(why)),
        }
        if matches!(self.clients[number].role, Role::Attached { stdin: true, .. }) {
            self.type_in(&rest);
        }
    }

    /// Carries out a request. Returns the answer, unless it comes later.
    fn carry_out(&mut self, number: usize, request: Request) -> Result<Option<Answer>, String> {
        match request {
            Request::Status => {
                return Ok(Some(Answer::Status(Status {
                    pid: self.process.unwrap_or(0),
                    started: self.process.is_some(),
                    exit: self.exit.clone(),
                })));
            }
            Request::Start => self.start()?,
            Request::Leave => self.leave()?,
            Request::Signal { number } => self.signal(number)?,
            Request::Resize { height, width } => self.resize(height, width)?,
            Request::Exec { directory } => self.launch.exec(&directory)?,
            Request::Freeze { frozen } => self.launch.freeze(frozen)?,
            Request::Wait => {
                if let Some(exit) = &self.exit {
                    return Ok(Some(Answer::Exited(exit.clone())));
                }
                self.clients[number].role = Role::Waiting;
                return Ok(None);
            }
            Request::Attach { stdin, stdout, stderr } => {
                let client = &mut self.clients[number];
                client.answer(&Answer::Done);
                client.role = Role::Attached { stdin, stdout, stderr };
                return Ok(None);
            }
        }
        Ok(Some(Answer::Done))
    }

    fn start(&mut self) -> Result<(), String> {
        if self.process.is_some() || self.exit.is_some() {
            return Err("it was started before".into());
        }
        match self.launch.launch() {
            Ok((pid, terminal)) => {
                self.process = Some(pid);
                // The terminal first: a process that has ended already leaves what it said there.
                if let Some(terminal) = terminal {
                    self.take_terminal(terminal)
                        .map_err(|error| format!("its terminal: {error}"))?;
                }
                self.watch_children().map_err(|error| format!("watch the process: {error}"))?;
                Ok(())
            }
            Err(why) => {
                self.launch.ended();
                self.end(127, false, Some(why.clone()));
                Err(why)
            }
        }
    }

    fn leave(&mut self) -> Result<(), String> {
        if self.process.is_some() || self.exit.is_some() {
            return Err("it was started before".into());
        }
        self.end(128, false, Some("it was not wanted any more".into()));
        Ok(())
    }

    fn take_terminal(&mut self, terminal: OwnedFd) -> io::Result<()> {
        nonblocking(&terminal)?;
        self.outputs.push((terminal.try_clone()?, Stream::Stdout));
        if self.stdin.is_none() {
            self.stdin = Some(terminal.try_clone()?.into());
        }
        self.terminal = Some(terminal);
        self.write_stdin();
        Ok(())
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

    fn signal(&self, number: i32) -> Result<(), String> {
        let pid = self.process.ok_or("it does not run")?;
        let signal = signal_of(number)?;
        // Nobody else reaps it, so the number is still the process's.
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(pid).ok_or("it has no process ID")?,
            signal,
        )
        .map_err(|error| format!("send signal {number}: {error}"))
    }

    fn resize(&self, height: u16, width: u16) -> Result<(), String> {
        let terminal = self.terminal.as_ref().ok_or("it has no terminal")?;
        let size =
            rustix::termios::Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(terminal, size)
            .map_err(|error| format!("resize the terminal: {error}"))
    }

    fn read_output(&mut self, number: usize) {
        if number < self.outputs.len() {
            self.read_some(number);
        }
    }

    /// Reads once. Returns whether there may be more.
    fn read_some(&mut self, number: usize) -> bool {
        let mut chunk = [0; CHUNK];
        let (output, stream) = &self.outputs[number];
        let stream = *stream;
        match rustix::io::read(output, &mut chunk) {
            Ok(0) => {
                self.outputs.remove(number);
                false
            }
            Ok(length) => {
                self.pass_on(stream, &chunk[..length]);
                true
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => false,
            // A terminal that nobody has open any more answers EIO.
            Err(_) => {
                self.outputs.remove(number);
                false
            }
        }
    }

    fn pass_on(&mut self, stream: Stream, bytes: &[u8]) {
        if let Some(log) = &mut self.log {
            // A full disk costs lines of the log, not the container.
            let _ = log.write(stream, bytes);
        }
        let framed = !self.has_terminal;
        for client in &mut self.clients {
            let Role::Attached { stdout, stderr, .. } = client.role else { continue };
            if match stream {
                Stream::Stdout => stdout,
                Stream::Stderr => stderr,
            } {
                if framed {
                    client.queue.extend(stream.frame(bytes.len()));
                }
                client.queue.extend(bytes);
                client.write();
            }
        }
    }

    fn type_in(&mut self, bytes: &[u8]) {
        if self.exit.is_none() && (self.stdin.is_some() || self.has_terminal) {
            self.stdin_queue.extend(bytes);
            self.write_stdin();
        }
    }

    fn end_of_input(&mut self) {
        if self.stdin_once && !self.has_terminal {
            self.stdin_ends = true;
            self.write_stdin();
        }
    }

    fn write_stdin(&mut self) {
        let Some(stdin) = &mut self.stdin else { return };
        while !self.stdin_queue.is_empty() {
            match stdin.write(self.stdin_queue.as_slices().0) {
                Ok(length) => {
                    self.stdin_queue.drain(..length);
                }
                Err(error) if is_no_error(&error) => return,
                Err(_) => {
                    // It reads no more.
                    self.stdin_queue.clear();
                    self.stdin = None;
                    return;
                }
            }
        }
        if self.stdin_ends {
            self.stdin = None;
        }
    }

    fn tidy(&mut self) {
        let over = self.exit.is_some();
        self.clients.retain(|client| {
            let told = client.role == Role::Leaving && client.queue.is_empty();
            !(client.gone || told || over && client.finished && client.queue.is_empty())
        });
    }
}

impl Client {
    fn answer(&mut self, answer: &Answer) {
        let line = serde_json::to_vec(answer).unwrap_or_default();
        self.queue.extend(line);
        self.queue.push_back(b'\n');
        self.role = Role::Leaving;
        self.write();
    }

    fn write(&mut self) {
        while !self.queue.is_empty() {
            match self.socket.write(self.queue.as_slices().0) {
                Ok(length) => {
                    self.queue.drain(..length);
                }
                Err(error) if is_no_error(&error) => return,
                Err(_) => {
                    self.queue.clear();
                    self.gone = true;
                }
            }
        }
    }
}

fn is_no_error(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn signal_of(number: i32) -> Result<rustix::process::Signal, String> {
    rustix::process::Signal::from_named_raw(number)
        .ok_or_else(|| format!("there is no signal {number} that can be sent"))
}
