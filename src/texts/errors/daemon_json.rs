//! What can be wrong with daemon.json, and with what units are rendered from: in words.

use std::fmt;

use crate::nearest::suggestion;
use crate::render::daemon_json::DaemonJsonError;
use crate::render::json_document::JsonError;
use crate::render::units::RenderError;
use crate::texts::phrases::daemon_json as phrases;
use crate::topology::Topology;

impl fmt::Display for DaemonJsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(error) => error.fmt(f),
            Self::ExistingType { line, column, key, found, expected } => {
                write!(f, "line {line}, column {column}: `{key}` is {found} instead of {expected}")
            }
            Self::LogDriver { driver, option } => {
                write!(f, "the log driver is `{driver}`, which does not know `{option}`")
            }
            Self::UnknownKey { key, nearest } => {
                write!(f, "daemon.json has no key `{key}`{}", suggestion(*nearest))
            }
            Self::OtherEngine { key, version, first, last } => write!(
                f,
                "docker {version} does not know the key `{key}`, which is known from {} to {}",
                line_of(*first),
                line_of(*last)
            ),
            Self::Misplaced { key, parent } => write!(
                f,
                "`{key}` has no effect at the top of daemon.json: it belongs into `{parent}`"
            ),
            Self::Type { key, expected, found } => {
                write!(f, "`{key}` must be {expected}, not {found}")
            }
            Self::Value { key, value, reason, .. } => write!(f, "`{key}`: `{value}` {reason}"),
            Self::SetByUnit { key, style: Some(Topology::Classic), .. } => write!(
                f,
                "`{key}` cannot be set with landfall: in the classic unit style docker and landfall reach dockerd by the socket that it makes itself, and it starts its own containerd"
            ),
            Self::SetByUnit { key, flag, .. } => write!(
                f,
                "`{key}` cannot stand in daemon.json: docker.service starts dockerd with {flag}, and dockerd does not start if it is told the same thing twice"
            ),
        }
    }
}

impl DaemonJsonError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Broken(error) => error.hint().to_string(),
            Self::ExistingType { key, .. } => {
                format!("correct `{key}` in the file; the daemon does not start with it either")
            }
            Self::LogDriver { .. } => {
                "leave the limits out, or choose a driver that has them: --set 'log-driver=\"json-file\"'"
                    .to_string()
            }
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("write `{nearest}`"),
            Self::UnknownKey { .. } => {
                "dockerd does not start with a key that it does not know: leave it out".to_string()
            }
            Self::OtherEngine { .. } => {
                "leave it out: this dockerd does not start with it".to_string()
            }
            Self::Misplaced { key, parent } => format!("--set '{parent}={{\"{key}\": …}}'"),
            Self::Type { found: phrases::A_NUMBER, expected: phrases::A_STRING, .. } => {
                "put the number in quotes: \"3\"".to_string()
            }
            Self::Type { expected, .. } => format!("give it {expected}"),
            Self::Value { hint, .. } => hint.to_string(),
            Self::SetByUnit { key, style, .. } => set_by_unit_hint(key, *style),
        }
    }
}

/// A release line as its releases are numbered: 20.10, 28.0.
fn line_of((major, minor): (u32, u32)) -> String {
    if major < 20 { format!("{major}.{minor:02}") } else { format!("{major}.{minor}") }
}

fn set_by_unit_hint(key: &str, style: Option<Topology>) -> String {
    let modern = "more sockets: `systemctl edit docker.socket` with a line ListenStream=ADDRESS \
                  in [Socket]";
    let classic = "write `hosts` into /etc/docker/daemon.json yourself, with \
                   \"unix:///var/run/docker.sock\" among its values; landfall keeps it";
    match (key, style) {
        ("hosts", Some(Topology::Modern)) => modern.to_string(),
        ("hosts", Some(Topology::Classic)) => format!("more sockets: {classic}"),
        ("hosts", None) => format!("{modern}; with --unit-style classic: {classic}"),
        (_, Some(Topology::Classic)) => {
            format!("leave `{key}` out; another containerd: --unit-style modern")
        }
        _ => "another address: `systemctl edit docker.service` with an ExecStart= of your own"
            .to_string(),
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByteOrderMark => {
                f.write_str("line 1, column 1: the file starts with a byte order mark")
            }
            Self::Syntax { line, column, problem } => {
                write!(f, "line {line}, column {column}: {problem}")
            }
            Self::DuplicateKey { line, column, key, first_line } => write!(
                f,
                "line {line}, column {column}: the key `{key}` is there already, in line {first_line}"
            ),
            Self::NotAnObject { line, column, found } => write!(
                f,
                "line {line}, column {column}: the file holds {found} instead of an object {{ … }}"
            ),
        }
    }
}

impl JsonError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::ByteOrderMark => {
                "engines before 23.0 do not start with it: save the file as UTF-8 without a byte order mark"
            }
            Self::Syntax { problem, .. } if problem == phrases::COMMENT => {
                "JSON has no comments, and the daemon does not start with them: remove it"
            }
            Self::Syntax { problem, .. } if problem == phrases::TRAILING_COMMA => {
                "remove the comma: in JSON none may stand behind the last entry"
            }
            Self::Syntax { .. } => {
                "correct the file at this place; the daemon would not read it either"
            }
            Self::DuplicateKey { .. } => {
                "merge the two into one: which of them counts is left to chance"
            }
            Self::NotAnObject { .. } => "make it an object, `{}` at least, or remove the file",
        }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { what, value, reason } => write!(
                f,
                "{what} `{value}` cannot stand in a systemd unit: {reason}",
                value = value.escape_debug()
            ),
            Self::Template { unit, .. } => write!(f, "the template of {unit} is faulty"),
        }
    }
}

impl RenderError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Value { .. } => "use letters, digits and the characters / . _ - + @ , = ~ % only",
            Self::Template { .. } => "this is a fault in Landfall: please report it",
        }
    }
}
