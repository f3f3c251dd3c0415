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
            Self::SetByUnit { key, flag } => write!(
                f,
                "{}: `{key}` stands there, and docker.service starts dockerd with {flag}: the daemon \
         refuses to start with both",
                DAEMON_JSON
            ),
            Self::DataRootMoves { from, to } => write!(
                f,
                "the engine keeps its data in {from}; with {to} it would start without its images, \
         containers and volumes"
            ),
            Self::Render(error) => error.fmt(f),
            Self::OldLayout => f.write_str(
                "docker before 18.09 (docker-containerd, docker-runc, …) cannot be installed yet",
            ),
            Self::NotText(path) => write!(f, "{path} is not a regular file of UTF-8 text"),
        }
    }
}
