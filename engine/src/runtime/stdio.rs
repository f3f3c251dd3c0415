//! The streams of a process.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::protocol::Stream;

/// The ends that the process gets; none of them if it has a terminal.
#[derive(Debug)]
pub struct Child {
    /// Its stdin.
    pub stdin: OwnedFd,
    /// Its stdout.
    pub stdout: OwnedFd,
    /// Its stderr.
    pub stderr: OwnedFd,
}

/// The ends that its supervisor keeps. They do not block.
#[derive(Debug, Default)]
pub struct Parent {
    /// Where its input is written.
    pub stdin: Option<OwnedFd>,
    /// Where its output is read.
    pub outputs: Vec<(OwnedFd, Stream)>,
    /// Whether it has a terminal, which is known once it runs.
    pub terminal: bool,
}

/// Makes the streams of a process without a terminal.
pub fn pipes(open_stdin: bool) -> io::Result<(Parent, Child)> {
    let (out_read, out_write) = pipe()?;
    let (err_read, err_write) = pipe()?;
    nonblocking(&out_read)?;
    nonblocking(&err_read)?;
    let (stdin_write, stdin_read) = if open_stdin {
        let (read, write) = pipe()?;
        nonblocking(&write)?;
        (Some(write), read)
    } else {
        (None, File::open("/dev/null")?.into())
    };
    let parent = Parent {
        stdin: stdin_write,
        outputs: vec![(out_read, Stream::Stdout), (err_read, Stream::Stderr)],
        terminal: false,
    };
    Ok((parent, Child { stdin: stdin_read, stdout: out_write, stderr: err_write }))
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = io::pipe()?;
    Ok((read.into(), write.into()))
}

/// Makes reads and writes return at once.
pub fn nonblocking(descriptor: impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(&descriptor)?;
    Ok(fcntl_setfl(&descriptor, flags | OFlags::NONBLOCK)?)
}
