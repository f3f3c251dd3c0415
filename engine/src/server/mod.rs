//! The Docker Engine API on a unix socket.

mod containers;
mod engine;
mod error;
mod events;
mod exec;
mod fields;
mod images;
mod isolation;
mod routes;
mod settings;
mod streams;
mod system;

use std::{convert::Infallible, io, os::unix::fs::PermissionsExt as _, time::Duration};

use axum::{extract::Request, response::IntoResponse as _};
use engine::Engine;
pub use engine::Options;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;

/// The newest version of the API that is spoken.
pub(crate) const API_VERSION: &str = "1.47";
/// The oldest.
pub(crate) const MINIMUM_API_VERSION: &str = "1.24";

/// Opens the engine and serves its socket, until the process is ended: containers run on.
pub async fn serve(options: Options) -> io::Result<()> {
    let socket = options.socket.clone();
    let engine = Engine::open(options).await?;
    match std::fs::remove_file(&socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&socket)?;
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o660))?;
    let table = routes::table(engine);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // There are too many files open, or the client is gone: the others go on.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let table = table.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request: Request<hyper::body::Incoming>| {
                let table = table.clone();
                async move {
                    let request = request.map(axum::body::Body::new);
                    Ok::<_, Infallible>(match routes::without_version(request) {
                        Ok(request) => call(table, request).await,
                        Err(error) => error.into_response(),
                    })
                }
            });
            // A client that breaks off is no error of ours.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        });
    }
}

async fn call(mut table: axum::Router, request: Request) -> axum::response::Response {
    match tower_service::Service::call(&mut table, request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}
