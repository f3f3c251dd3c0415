//! Lines typed at the terminal.

use std::io::IsTerminal;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

/// The next line that is typed, without its end; `None` once there is nobody to type: standard
/// input is no terminal, the terminal is gone, its end was typed (Ctrl-D), or it belongs to
/// somebody else, since a shell put this process into the background.
///
/// A thread waits for it, which ends with the process if nothing is ever typed.
pub async fn typed_line() -> Option<String> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let (typed, line) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = typed.send(wait_for_line());
    });
    line.await.ok().flatten()
}

/// Keeps what is typed from being shown, until it is dropped.
pub struct Silence(Option<Termios>);

impl Silence {
    /// From now on; on no terminal there is nothing to do.
    pub fn begin() -> Self {
        let Ok(before) = tcgetattr(std::io::stdin()) else { return Self(None) };
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        let done = tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent);
        Self(done.ok().map(|()| before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Forgets what was typed and not read so far.
pub fn forget_typed() {
    // In the background the kernel would stop this process, and nothing was typed for it.
    if is_in_foreground() {
        let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
    }
}

/// Reads only once there is something to read, and only in the foreground: elsewhere the kernel
/// stops a process that reads, and with it the run.
fn wait_for_line() -> Option<String> {
    let stdin = std::io::stdin();
    let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
    while poll(&mut ready, None) == Err(rustix::io::Errno::INTR) {}
    if !is_in_foreground() {
        return None;
    }
    // A terminal in its usual mode gives one line at a time.
    let mut line = [0; 4096];
    let length = rustix::io::read(&stdin, &mut line).ok()?;
    let text = String::from_utf8_lossy(&line[..length]);
    text.strip_suffix('\n').map(str::to_owned)
}

fn is_in_foreground() -> bool {
    rustix::termios::tcgetpgrp(std::io::stdin())
        .is_ok_and(|group| group == rustix::process::getpgrp())
}
