//! What the host can refuse, and what can be wrong with a receipt or with staging: in words.

use std::fmt;

use crate::host::HostError;
use crate::receipt::{RECEIPT, ReceiptError, SCHEMA};
use crate::stage::StageError;

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, source } => write!(f, "cannot {action} {path}: {source}"),
            Self::Spawn { program, source } => write!(f, "cannot run {program}: {source}"),
            Self::Command { command, status, stderr } => {
                write!(f, "{command} failed ({status}){}", tail_of(stderr))
            }
            Self::CommandTimeout { command, seconds } => {
                write!(f, "{command} did not end within {seconds} s")
            }
            Self::Systemd { action, unit, message } => {
                write!(f, "systemd: cannot {action} {unit}: {message}")
            }
            Self::Sandbox { call, source } => write!(
                f,
                "a sandbox forbids system calls that are newer than it ({call}: {source})"
            ),
            Self::Locked { holder, .. } => {
                write!(f, "another run of landfall is in progress ({holder})")
            }
            Self::Interrupted => f.write_str("interrupted"),
            Self::NotConfirmed { seconds } => {
                write!(f, "nobody confirmed the change within {seconds} s")
            }
        }
    }
}

impl fmt::Display for ReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => error.fmt(f),
            Self::Damaged(error) => write!(f, "{RECEIPT}: {error}"),
            Self::TooNew { found } => write!(
                f,
                "{RECEIPT} has format {found}; this landfall reads formats up to {SCHEMA}"
            ),
        }
    }
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive { path, source } => write!(f, "{path}: {source}"),
            Self::Bundle { path, source } => write!(f, "{path}: {source}"),
            Self::Volume { path, source } => write!(f, "{path}: {source}"),
            Self::Host(error) => error.fmt(f),
        }
    }
}

fn tail_of(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}
