//! The host's log, for a run whose terminal may be gone.

use std::os::unix::net::UnixDatagram;

use super::Host;

/// Where log messages are taken, by journald or any other syslog.
const SOCKET: &str = "/dev/log";
/// `daemon.info`: facility 3, severity 6 (RFC 5424, section 6.2.1).
const INFO: u8 = 3 * 8 + 6;
/// `daemon.err`.
const ERROR: u8 = 3 * 8 + 3;

/// The way into the log. Without a log nothing is written.
#[derive(Debug)]
pub struct Syslog(Option<UnixDatagram>);

impl Host {
    /// The log of the running system; beneath `--root` there is none.
    pub fn syslog(&self) -> Syslog {
        if !self.is_live() {
            return Syslog(None);
        }
        // A log that is full or hangs must not hold up a run.
        let open = || {
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            socket.connect(SOCKET)?;
            std::io::Result::Ok(socket)
        };
        Syslog(open().ok())
    }
}

impl Syslog {
    /// Logs text, line by line. What the log does not take is lost.
    pub fn info(&self, text: &str) {
        self.write(INFO, text);
    }

    /// The same, for what went wrong.
    pub fn error(&self, text: &str) {
        self.write(ERROR, text);
    }

    fn write(&self, priority: u8, text: &str) {
        let Some(socket) = &self.0 else { return };
        let pid = std::process::id();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let _ = socket.send(format!("<{priority}>landfall[{pid}]: {line}").as_bytes());
        }
    }
}
