//! Who is connected to a supervisor, and what is still to be told to them.

use std::{
    collections::VecDeque,
    io::{self, Write as _},
    os::unix::net::UnixStream,
};

use super::super::protocol::Answer;

pub(super) struct Client {
    pub(super) socket: UnixStream,
    pub(super) role: Role,
    pub(super) received: Vec<u8>,
    pub(super) queue: VecDeque<u8>,
    /// Nothing more comes from it.
    pub(super) finished: bool,
    pub(super) gone: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
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

impl Client {
    pub(super) fn answer(&mut self, answer: &Answer) {
        let line = serde_json::to_vec(answer).unwrap_or_default();
        self.queue.extend(line);
        self.queue.push_back(b'\n');
        self.role = Role::Leaving;
        self.write();
    }

    pub(super) fn write(&mut self) {
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

pub(super) fn is_no_error(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
