//! Connections that become the streams of a process.

use std::{io, sync::Arc};

use axum::{
    body::Body,
    extract::{Path, Query, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::UnixStream,
    sync::oneshot,
};

use super::{
    containers::{list::is_true, logs},
    engine::{Container, Engine, lock},
    error::{ApiError, ApiResult},
};
use crate::runtime::Supervised;

/// Bytes that are passed on at once.
const CHUNK: usize = 32 << 10;

/// Who attached to a container before it was started.
pub struct Early {
    wanted: Wanted,
    hand_over: oneshot::Sender<UnixStream>,
}

/// Which streams somebody wants.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Write to its stdin.
    pub stdin: bool,
    /// Read its stdout.
    pub stdout: bool,
    /// Read its stderr.
    pub stderr: bool,
}

/// The query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    stdin: String,
    stdout: String,
    stderr: String,
    stream: String,
    logs: String,
}

/// `POST /containers/{id}/attach`.
pub async fn attach(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> ApiResult<Response> {
    let container = engine.find(&id)?;
    let on = |text: &str| is_true(text);
    let (stdin, stdout, stderr) =
        (on(&parameters.stdin), on(&parameters.stdout), on(&parameters.stderr));
    if on(&parameters.logs) {
        return Err(ApiError::bad("logs with attach is not supported by this engine yet"));
    }
    if container.record().state.paused {
        return Err(ApiError::conflict(
            "Container is paused, unpause the container before attach.",
        ));
    }
    let wanted = Wanted { stdin, stdout, stderr };
    let stream = if on(&parameters.stream) {
        Some(streams_of(&engine, &container, wanted).await?)
    } else {
        None
    };
    engine.tell(&container, "attach", &[]);
    let terminal = container.config("Tty") == true;
    Ok(hijack(request, terminal, async move {
        match stream {
            Some(stream) => stream.await.ok(),
            None => None,
        }
    }))
}

/// The streams of a container, once it runs.
async fn streams_of(
    engine: &Engine,
    container: &Container,
    wanted: Wanted,
) -> ApiResult<oneshot::Receiver<UnixStream>> {
    let (hand_over, receiver) = oneshot::channel();
    // Whoever starts it holds this lock, and then looks who is early.
    let _operation = container.operation.lock().await;
    if container.is_running() {
        let stream = engine
            .shim(container)
            .attach(wanted.stdin, wanted.stdout, wanted.stderr)
            .await
            .map_err(|error| ApiError::internal("attach", error))?;
        let _ = hand_over.send(stream);
    } else {
        lock(&container.early).push(Early { wanted, hand_over });
    }
    Ok(receiver)
}

/// Attaches those who were early, before the container says its first word.
pub async fn connect_early(container: &Container, shim: &Supervised) {
    let early = std::mem::take(&mut *lock(&container.early));
    for Early { wanted, hand_over } in early {
        if let Ok(stream) = shim.attach(wanted.stdin, wanted.stdout, wanted.stderr).await {
            // Who has gone meanwhile is detached by that.
            let _ = hand_over.send(stream);
        }
    }
}

/// Answers 101 and passes bytes on, or 200 with the output as the body if the client cannot.
pub fn hijack(
    mut request: Request,
    terminal: bool,
    stream: impl Future<Output = Option<UnixStream>> + Send + 'static,
) -> Response {
    let kind = if terminal {
        "application/vnd.docker.raw-stream"
    } else {
        "application/vnd.docker.multiplexed-stream"
    };
    let content_type = HeaderValue::from_static(kind);
    if !request.headers().contains_key(header::UPGRADE) {
        let output = futures_util::stream::unfold(Output::Waiting(Box::pin(stream)), read_output);
        let mut response = Response::new(Body::from_stream(output));
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        return response;
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let (Ok(client), Some(stream)) = (upgrade.await, stream.await) {
            pass_on(TokioIo::new(client), stream).await;
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("tcp"));
    response
}

enum Output<F> {
    Waiting(F),
    Reading(UnixStream),
}

async fn read_output<F: Future<Output = Option<UnixStream>> + Unpin>(
    output: Output<F>,
) -> Option<(io::Result<Vec<u8>>, Output<F>)> {
    let mut stream = match output {
        Output::Waiting(stream) => stream.await?,
        Output::Reading(stream) => stream,
    };
    let mut chunk = vec![0; CHUNK];
    match stream.read(&mut chunk).await {
        Ok(0) => None,
        Ok(length) => {
            chunk.truncate(length);
            Some((Ok(chunk), Output::Reading(stream)))
        }
        Err(error) => Some((Err(error), Output::Reading(stream))),
    }
}

/// Until the process's side ends, or the client goes: its half alone may end before.
async fn pass_on(client: impl AsyncRead + AsyncWrite, stream: UnixStream) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_process, mut to_process) = stream.into_split();
    let input = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_process).await;
        let _ = to_process.shutdown().await;
        std::future::pending::<()>().await;
    };
    let output = async {
        let _ = tokio::io::copy(&mut from_process, &mut to_client).await;
        let _ = to_client.shutdown().await;
    };
    tokio::select! {
        () = input => {}
        () = output => {}
    }
}

/// `GET /containers/{id}/logs`.
pub async fn logs(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    Query(parameters): Query<logs::Parameters>,
) -> ApiResult<Response> {
    logs::logs(&engine, &id, parameters).await
}
