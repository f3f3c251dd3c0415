//! What can go wrong between this client and a daemon.

use std::{
    error::Error,
    io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use bollard::errors::Error as BollardError;

use crate::ApiVersion;

/// A call to the daemon that did not succeed. The text names what was attempted (`action`), on
/// which socket, and the cause; no cause is repeated by [`Error::source`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// There is no socket, or nobody listens on it.
    #[error("cannot {action}: no daemon answers on {}: {cause}", .socket.display())]
    NotReachable {
        /// What was attempted.
        action: String,
        /// The socket.
        socket: PathBuf,
        /// Why the connection failed.
        cause: io::Error,
    },

    /// The caller may not open the socket.
    #[error("cannot {action}: no permission to open {}", .socket.display())]
    PermissionDenied {
        /// What was attempted.
        action: String,
        /// The socket.
        socket: PathBuf,
    },

    /// The daemon took longer than the limit.
    #[error("cannot {action}: no answer on {} within {} s", .socket.display(), .limit.as_secs_f32())]
    TimedOut {
        /// What was attempted.
        action: String,
        /// The socket.
        socket: PathBuf,
        /// The limit that passed.
        limit: Duration,
    },

    /// The daemon answered with an HTTP error.
    #[error("cannot {action}: the daemon on {} refused ({status}): {message}", .socket.display())]
    Refused {
        /// What was attempted.
        action: String,
        /// The socket.
        socket: PathBuf,
        /// HTTP status: 400 bad parameter, 404 no such object, 409 conflict, 500 and above the
        /// daemon's own failure.
        status: u16,
        /// The daemon's message.
        message: String,
    },

    /// The daemon took the request on, and reported later that it failed.
    #[error("cannot {action}: the daemon on {} failed: {message}", .socket.display())]
    Failed {
        /// What was attempted.
        action: String,
        /// The socket.
        socket: PathBuf,
        /// The daemon's message.
        message: String,
    },

    /// The connection broke off in the middle of a call, as it does when the daemon dies.
    #[error("cannot {action}: the connection to {} broke off: {cause}", .socket.display())]
    Disconnected {
        /// What was attempted.
        action: String,
        /// The socket.
        socket: PathBuf,
        /// What was seen of it.
        cause: String,
    },

    /// What answers on the socket does not speak the Engine API as it is specified.
    #[error("cannot {action}: the answer on {} is not understood: {cause}", .socket.display())]
    BadAnswer {
        /// What was attempted.
        action: String,
        /// The socket.
        socket: PathBuf,
        /// What is wrong with the answer.
        cause: String,
    },

    /// The daemon and this crate have no version of the API in common.
    #[error(
        "the daemon on {} speaks API {} to {newest}, this program {} to {}", .socket.display(),
        .oldest.map_or_else(|| "?".to_owned(), |version| version.to_string()),
        ApiVersion::OLDEST, ApiVersion::NEWEST
    )]
    Incompatible {
        /// The socket.
        socket: PathBuf,
        /// The oldest version that the daemon serves, if it says so.
        oldest: Option<ApiVersion>,
        /// The newest version that the daemon serves.
        newest: ApiVersion,
    },

    /// The data to be sent could not be read. The daemon is not to blame.
    #[error("cannot {action}: reading the data failed: {cause}")]
    Input {
        /// What was attempted.
        action: String,
        /// Why reading failed.
        cause: io::Error,
    },

    /// A name that no container or image can have.
    #[error("{name:?} is not a name of a container or image")]
    BadName {
        /// The name as it was given.
        name: String,
    },
}

impl EngineError {
    /// Whether the daemon said that there is no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether the daemon refused because the container is on its way out: marked for removal, or
    /// its removal in progress (moby says both, also while it is stopped or started).
    pub fn is_being_removed(&self) -> bool {
        matches!(self, Self::Refused { message, .. } if message.contains("removal"))
    }

    /// Whether what was asked for does not fit the state of the object.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { status: 409, .. })
    }

    /// Sorts bollard's errors by what a caller can do about them.
    pub(crate) fn from_bollard(action: String, socket: &Path, error: BollardError) -> Self {
        let socket = socket.to_owned();
        match error {
            BollardError::DockerResponseServerError { status_code, message } => {
                let message = message.trim().to_owned();
                Self::Refused { action, socket, status: status_code, message }
            }
            BollardError::DockerStreamError { error }
            | BollardError::DockerContainerWaitError { error, .. } => {
                Self::Failed { action, socket, message: error.trim().to_owned() }
            }
            // bollard looks whether the path exists, which says neither why nor what the system
            // thinks of it; connecting does.
            BollardError::SocketNotFoundError(_) => match UnixStream::connect(&socket) {
                Err(cause) => Self::unconnected(action, socket, cause),
                Ok(_) => Self::unconnected(action, socket, io::ErrorKind::NotFound.into()),
            },
            BollardError::HyperLegacyError { ref err } if err.is_connect() => {
                Self::unconnected(action, socket, system_error(&error))
            }
            BollardError::HyperLegacyError { .. }
            | BollardError::HyperResponseError { .. }
            | BollardError::IOError { .. } => {
                Self::Disconnected { action, socket, cause: innermost(&error).to_string() }
            }
            _ => Self::BadAnswer { action, socket, cause: error.to_string() },
        }
    }

    fn unconnected(action: String, socket: PathBuf, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { action, socket },
            _ => Self::NotReachable { action, socket, cause },
        }
    }
}

/// The system's error deep in the chain of one that cannot be taken apart.
fn system_error(error: &BollardError) -> io::Error {
    match innermost(error).downcast_ref::<io::Error>() {
        Some(cause) => match cause.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => cause.kind().into(),
        },
        None => io::Error::other(innermost(error).to_string()),
    }
}

/// The last error of a chain, the one that names the cause.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}
