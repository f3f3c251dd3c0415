//! The streams of the process: into its log, to whoever is attached, and what is typed into it.

use std::{
    io::{self, Write as _},
    os::fd::OwnedFd,
};

use super::{
    super::{protocol::Stream, stdio::nonblocking},
    CHUNK, Supervisor,
    client::{Role, is_no_error},
};

impl Supervisor {
    pub(super) fn take_terminal(&mut self, terminal: OwnedFd) -> io::Result<()> {
        nonblocking(&terminal)?;
        self.outputs.push((terminal.try_clone()?, Stream::Stdout));
        if self.stdin.is_none() {
            self.stdin = Some(terminal.try_clone()?.into());
        }
        self.terminal = Some(terminal);
        self.write_stdin();
        Ok(())
    }

    pub(super) fn read_output(&mut self, number: usize) {
        if number < self.outputs.len() {
            self.read_some(number);
        }
    }

    /// Reads once. Returns whether there may be more.
    pub(super) fn read_some(&mut self, number: usize) -> bool {
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

    pub(super) fn pass_on(&mut self, stream: Stream, bytes: &[u8]) {
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

    pub(super) fn type_in(&mut self, bytes: &[u8]) {
        if self.exit.is_none() && (self.stdin.is_some() || self.has_terminal) {
            self.stdin_queue.extend(bytes);
            self.write_stdin();
        }
    }

    pub(super) fn end_of_input(&mut self) {
        if self.stdin_once && !self.has_terminal {
            self.stdin_ends = true;
            self.write_stdin();
        }
    }

    pub(super) fn write_stdin(&mut self) {
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
}
