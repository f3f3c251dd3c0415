//! The connection to one daemon: version negotiation, time limits, names in paths.

pub mod container;
pub mod image;
pub mod system;
mod volume;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bollard::{ClientVersion, Docker, errors::Error as BollardError};

use crate::{ApiVersion, EngineError};

/// bollard limits the time up to an answer's head only, and in whole seconds; here each call has a
/// limit on the whole of it. So bollard's own is put out of the way (seconds).
const NO_LIMIT: u64 = u32::MAX as u64;

/// A client of one daemon. Every call opens a connection of its own, so that a client outlives
/// restarts of the daemon; connect again after the daemon was replaced by another version.
#[derive(Debug)]
pub struct Client {
    docker: Docker,
    socket: PathBuf,
    limit: Duration,
    api: ApiVersion,
}

impl Client {
    /// Connects to the daemon on `socket` and agrees with it on a version of the API.
    ///
    /// The daemon is asked on the path `/version`, which has no version in it and so never fails
    /// with "client version is too new"; all later calls use the newest version that both sides
    /// know, from [`ApiVersion::OLDEST`] to [`ApiVersion::NEWEST`]. A feature that is newer than
    /// the agreed version is ignored by the daemon.
    ///
    /// `limit` is for this and for every later call that has no limit of its own. A socket that
    /// systemd holds for a daemon that is still starting does accept, and answers when the daemon
    /// is up.
    ///
    /// # Errors
    /// [`EngineError::NotReachable`], [`EngineError::PermissionDenied`], [`EngineError::TimedOut`];
    /// [`EngineError::Incompatible`] if there is no version in common.
    pub async fn connect(socket: &Path, limit: Duration) -> Result<Self, EngineError> {
        let docker = open(socket, ApiVersion::NEWEST)?;
        let mut client = Self { docker, socket: socket.to_owned(), limit, api: ApiVersion::NEWEST };
        let version = client.version().await?;
        let (oldest, newest) = (version.min_api, version.api);
        client.api = ApiVersion::agree(oldest, newest).ok_or_else(|| {
            EngineError::Incompatible { socket: socket.to_owned(), oldest, newest }
        })?;
        client.docker = open(socket, client.api)?;
        Ok(client)
    }

    /// The socket that was given to [`Client::connect`].
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The version of the API that was agreed on.
    pub fn api_version(&self) -> ApiVersion {
        self.api
    }

    /// Runs a call of bollard's under the client's limit and gives its error a place and a cause.
    async fn call<T>(
        &self,
        action: impl Into<String>,
        call: impl Future<Output = Result<T, BollardError>>,
    ) -> Result<T, EngineError> {
        self.call_within(self.limit, action, call).await
    }

    /// The same under a limit of the call's own.
    async fn call_within<T>(
        &self,
        limit: Duration,
        action: impl Into<String>,
        call: impl Future<Output = Result<T, BollardError>>,
    ) -> Result<T, EngineError> {
        match tokio::time::timeout(limit, call).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.error(action, error)),
            Err(_) => Err(self.timed_out(action, limit)),
        }
    }

    fn error(&self, action: impl Into<String>, error: BollardError) -> EngineError {
        EngineError::from_bollard(action.into(), &self.socket, error)
    }

    fn timed_out(&self, action: impl Into<String>, limit: Duration) -> EngineError {
        EngineError::TimedOut { action: action.into(), socket: self.socket.clone(), limit }
    }

    fn bad_answer(&self, action: impl Into<String>, cause: impl Into<String>) -> EngineError {
        EngineError::BadAnswer {
            action: action.into(),
            socket: self.socket.clone(),
            cause: cause.into(),
        }
    }
}

/// A handle of bollard's that puts `api` into the paths of its requests. Nothing is sent yet.
fn open(socket: &Path, api: ApiVersion) -> Result<Docker, EngineError> {
    let action = || "connect".to_owned();
    let failed = |error| EngineError::from_bollard(action(), socket, error);
    let path = socket.to_str().ok_or_else(|| EngineError::NotReachable {
        action: action(),
        socket: socket.to_owned(),
        cause: std::io::Error::new(std::io::ErrorKind::InvalidInput, "the path is not UTF-8"),
    })?;
    let version =
        ClientVersion { major_version: api.major as usize, minor_version: api.minor as usize };
    let docker = Docker::connect_with_unix(path, NO_LIMIT, &version).map_err(failed)?;
    Ok(docker.with_request_modifier(move |mut request| {
        // bollard resolves its paths against a base that has the version in it, and so loses it.
        if let Ok(uri) = versioned(&request.uri().to_string(), api).parse() {
            *request.uri_mut() = uri;
        }
        request
    }))
}

/// `unix://<socket in hexadecimal>/containers/json` with `/v1.41` before the path. The two calls by
/// which a version is found out have none: there, daemons of any age answer.
fn versioned(uri: &str, api: ApiVersion) -> String {
    const UNVERSIONED: [&str; 2] = ["/_ping", "/version"];
    let path = uri.find("://").and_then(|scheme| {
        let host = scheme + "://".len();
        uri[host..].find('/').map(|slash| host + slash)
    });
    match path.map(|path| uri.split_at(path)) {
        Some((host, path)) if !UNVERSIONED.contains(&path) && !path.starts_with("/v1.") => {
            format!("{host}/v{api}{path}")
        }
        _ => uri.to_owned(),
    }
}

/// Lets through what may stand in a path as the name of a container or image. Anything else could
/// address another object than the one meant.
fn checked(name: &str) -> Result<&str, EngineError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-/:@".contains(c);
    let dots = name.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    if name.chars().all(allowed) && !dots {
        Ok(name)
    } else {
        Err(EngineError::BadName { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests;
