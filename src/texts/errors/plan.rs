//! Why no plan can be made: in words.

use std::fmt;

use crate::desired::DAEMON_JSON;
use crate::plan::PlanError;

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DaemonJson(error) => {
                write!(f, "{DAEMON_JSON}: {error}")
            }
            Self::SetByFlag(conflicts) => {
                let keys: Vec<String> =
                    conflicts.iter().map(|conflict| format!("`{}`", conflict.key)).collect();
                write!(
                    f,
                    "{DAEMON_JSON}: dockerd does not start if it is told the same thing twice, and its \
                     command line says {} too",
                    keys.join(", ")
                )
            }
            Self::DataRootMoves { from, to } => write!(
                f,
                "the engine keeps its data in {from}; with {to} it would start without its images, \
         containers and volumes"
            ),
            Self::Render(error) => error.fmt(f),
            Self::UnitStyleKept { installed, asked } => write!(
                f,
                "this host's engine is installed in the {} style, with {}; {} was asked for, and a \
                 host keeps its style: changing it moves containerd and its data, under \
                 containers that may run",
                installed.name(),
                installed.units().join(", "),
                asked.name()
            ),
            Self::NeedsClassic { version, installed } => {
                let engine = version.as_deref().unwrap_or("before 18.09");
                let style = if *installed { "this host is installed in" } else { "asked for was" };
                write!(
                    f,
                    "docker {engine} starts docker-containerd itself and runs in the classic style \
                     only, as docker.service alone; {style} the modern one"
                )
            }
            Self::GroupTwice { daemon, group } => write!(
                f,
                "the daemon's `group` is to be {daemon}, the group that may use docker {group}: in \
                 the classic style they are one and the same"
            ),
            Self::SocketNotServed => write!(
                f,
                "{DAEMON_JSON}: `hosts` leaves out unix:///var/run/docker.sock, by which docker and \
                 landfall reach the daemon"
            ),
            Self::ForeignContainerd => write!(
                f,
                "{DAEMON_JSON}: `containerd` stands there, so that dockerd would use that one and \
                 not start its own, as it does in the classic style"
            ),
            Self::KeysUnknown(keys) => {
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                write!(f, "{DAEMON_JSON}: dockerd would not start with it: {}", keys.join("; "))
            }
            Self::NotText(path) => write!(f, "{path} is not a regular file of UTF-8 text"),
        }
    }
}
