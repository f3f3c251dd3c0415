//! `docker load` and `docker save`: archives that stream through a thread that may block.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use axum::{
    body::{Body, Bytes},
    extract::{RawQuery, Request, State},
    http::{HeaderValue, header::CONTENT_TYPE},
    response::Response,
};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::sync::mpsc;

use super::blocking;
use crate::server::{engine::Engine, error::ApiResult};

/// Pieces of an archive that wait between the connection and the thread.
const WAITING: usize = 16;
/// Bytes of such a piece.
const PIECE: usize = 64 << 10;

/// `POST /images/load`: all images of an archive, or none.
pub async fn load(State(engine): State<Arc<Engine>>, request: Request) -> ApiResult<Response> {
    let (sender, pieces) = mpsc::channel(WAITING);
    let mut body = request.into_body().into_data_stream();
    let receiving = tokio::spawn(async move {
        while let Some(piece) = body.next().await {
            if sender.send(piece.map_err(io::Error::other)).await.is_err() {
                break;
            }
        }
    });
    let loaded =
        blocking(&engine, move |store| store.load(Received { pieces, rest: Bytes::new() })).await;
    receiving.abort();
    let mut lines = String::new();
    for image in loaded? {
        let mut say = |text: String| lines += &format!("{}\n", json!({ "stream": text }));
        if image.names.is_empty() {
            say(format!("Loaded image ID: {}\n", image.id));
        }
        for name in &image.names {
            say(format!("Loaded image: {}\n", name.familiar()));
        }
    }
    let mut response = Response::new(Body::from(lines));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// `GET /images/get?names=…&names=…`.
pub async fn save(
    State(engine): State<Arc<Engine>>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    let query = query.unwrap_or_default();
    let names = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(field, _)| field == "names")
        .map(|(_, name)| name.into_owned())
        .collect();
    save_images(&engine, names).await
}

/// An archive with these images.
pub async fn save_images(engine: &Arc<Engine>, names: Vec<String>) -> ApiResult<Response> {
    let wanted = names.clone();
    // What is not there is told before the answer begins.
    blocking(engine, move |store| {
        wanted.iter().try_for_each(|name| store.describe(name).map(drop))
    })
    .await?;
    let (sender, pieces) = mpsc::channel::<io::Result<Vec<u8>>>(WAITING);
    let images = Arc::clone(&engine.images);
    tokio::task::spawn_blocking(move || {
        let sent = Sent { sender: sender.clone() };
        let mut archive = io::BufWriter::with_capacity(PIECE, sent);
        let saved = images.save(&names, &mut archive).map_err(io::Error::other);
        if let Err(error) = saved.and_then(|()| archive.flush()) {
            // The answer breaks off; a client that has gone does not mind.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let stream = futures_util::stream::unfold(pieces, |mut pieces| async move {
        pieces.recv().await.map(|piece| (piece, pieces))
    });
    let mut response = Response::new(Body::from_stream(stream));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    Ok(response)
}

/// What comes from a connection, for a thread.
struct Received {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl Read for Received {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.rest = piece?,
                None => return Ok(0),
            }
        }
        let length = to.len().min(self.rest.len());
        to[..length].copy_from_slice(&self.rest.split_to(length));
        Ok(length)
    }
}

/// What goes to a connection, from a thread.
struct Sent {
    sender: mpsc::Sender<io::Result<Vec<u8>>>,
}

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.sender.blocking_send(Ok(bytes.to_vec()));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
