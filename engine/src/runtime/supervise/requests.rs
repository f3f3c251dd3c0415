//! What a supervisor is asked, and what it does then.

use std::{io::Read as _, time::Instant};

use rustix::event::PollFlags;

use super::{
    super::protocol::{Answer, Envelope, LONGEST_LINE, Request, Status, VERSION},
    CHUNK, Supervisor,
    client::{Role, is_no_error},
};

impl Supervisor {
    pub(super) fn serve(&mut self, number: usize, flags: PollFlags) {
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

    pub(super) fn read_client(&mut self, number: usize) {
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

    pub(super) fn read_request(&mut self, number: usize) {
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
    pub(super) fn carry_out(
        &mut self,
        number: usize,
        request: Request,
    ) -> Result<Option<Answer>, String> {
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

    pub(super) fn start(&mut self) -> Result<(), String> {
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

    pub(super) fn leave(&mut self) -> Result<(), String> {
        if self.process.is_some() || self.exit.is_some() {
            return Err("it was started before".into());
        }
        self.end(128, false, Some("it was not wanted any more".into()));
        Ok(())
    }

    pub(super) fn signal(&self, number: i32) -> Result<(), String> {
        let pid = self.process.ok_or("it does not run")?;
        let signal = signal_of(number)?;
        // Nobody else reaps it, so the number is still the process's.
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(pid).ok_or("it has no process ID")?,
            signal,
        )
        .map_err(|error| format!("send signal {number}: {error}"))
    }

    pub(super) fn resize(&self, height: u16, width: u16) -> Result<(), String> {
        let terminal = self.terminal.as_ref().ok_or("it has no terminal")?;
        let size =
            rustix::termios::Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(terminal, size)
            .map_err(|error| format!("resize the terminal: {error}"))
    }
}

fn signal_of(number: i32) -> Result<rustix::process::Signal, String> {
    rustix::process::Signal::from_named_raw(number)
        .ok_or_else(|| format!("there is no signal {number} that can be sent"))
}
