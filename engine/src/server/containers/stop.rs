//! Ending containers: signals, stopping, waiting, pausing and removing.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::list::{filters, fits, is_true};
use crate::{
    runtime::Request,
    server::{
        engine::{Container, Engine, Life},
        error::{ApiError, ApiResult},
        settings::{Config, signal_number},
    },
};

/// How long a container has after its signal, in seconds, unless said otherwise.
const PATIENCE: i64 = 10;

/// SIGKILL of signal(7).
const KILL: i32 = 9;

/// Queries of this file's calls.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parameters {
    signal: String,
    t: Option<i64>,
    condition: String,
    force: String,
    link: String,
    filters: String,
}

/// `POST /containers/{id}/start`.
pub async fn start(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let container = engine.find(&id)?;
    // A client that goes away does not leave it half started.
    let starting = tokio::spawn(async move { engine.start(&container).await });
    let started = starting.await.map_err(|error| ApiError::internal("start", error))??;
    Ok(if started { StatusCode::NO_CONTENT } else { StatusCode::NOT_MODIFIED })
}

/// `POST /containers/{id}/kill`.
pub async fn kill(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> ApiResult<StatusCode> {
    let container = engine.find(&id)?;
    let number = match parameters.signal.as_str() {
        "" => KILL,
        text => signal_number(text)?,
    };
    if !container.is_running() {
        return Err(not_running(&container, &format!("Cannot kill container: {id}: ")));
    }
    engine.signal(&container, number).await?;
    engine.tell(&container, "kill", &[("signal", number.to_string())]);
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /containers/{id}/stop`.
pub async fn stop(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> ApiResult<StatusCode> {
    let container = engine.find(&id)?;
    if !container.is_running() {
        return Ok(StatusCode::NOT_MODIFIED);
    }
    stop_container(&engine, &container, &parameters).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /containers/{id}/restart`.
pub async fn restart(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> ApiResult<StatusCode> {
    let container = engine.find(&id)?;
    if container.is_running() {
        stop_container(&engine, &container, &parameters).await?;
    }
    engine.start(&container).await?;
    engine.tell(&container, "restart", &[]);
    Ok(StatusCode::NO_CONTENT)
}

async fn stop_container(
    engine: &Engine,
    container: &Container,
    parameters: &Parameters,
) -> ApiResult<()> {
    let config = Config::read(&container.record().config)?;
    let signal = match parameters.signal.as_str() {
        "" => config.stop_signal()?,
        text => signal_number(text)?,
    };
    let seconds = parameters.t.or(config.stop_timeout).unwrap_or(PATIENCE);
    let mut life = container.life.subscribe();
    // It may have ended by itself since it was looked at.
    let _ = engine.signal(container, signal).await;
    let ended = life.wait_for(|life| !life.running);
    let in_time = match u64::try_from(seconds) {
        Ok(seconds) => tokio::time::timeout(Duration::from_secs(seconds), ended).await.is_ok(),
        // A negative time: for ever.
        Err(_) => ended.await.is_ok(),
    };
    if !in_time {
        let _ = engine.signal(container, KILL).await;
        let _ = container.life.subscribe().wait_for(|life| !life.running).await;
    }
    engine.tell(container, "stop", &[]);
    Ok(())
}

/// `POST /containers/{id}/pause`.
pub async fn pause(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let container = engine.find(&id)?;
    engine.freeze(&container, true).await
}

/// `POST /containers/{id}/unpause`.
pub async fn unpause(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let container = engine.find(&id)?;
    engine.freeze(&container, false).await
}

/// `POST /containers/{id}/wait`: headers at once, the exit code when there is one.
pub async fn wait(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> ApiResult<Response> {
    let container = engine.find(&id)?;
    let mut life = container.life.subscribe();
    let ends = life.borrow().ends;
    let is_met: Box<dyn Fn(&Life) -> bool + Send + Sync> = match parameters.condition.as_str() {
        "" | "not-running" => Box::new(|life| !life.running),
        "next-exit" => Box::new(move |life| life.ends > ends || life.removed),
        "removed" => Box::new(|life| life.removed),
        other => return Err(ApiError::bad(format!("invalid condition: \"{other}\""))),
    };
    let code = async move {
        let life = life.wait_for(|life| is_met(life)).await.map(|life| life.clone());
        let code = life.map_or(255, |life| life.exit_code);
        Ok::<_, std::convert::Infallible>(json!({ "Error": null, "StatusCode": code }).to_string())
    };
    let mut response = Response::new(Body::from_stream(futures_util::stream::once(code)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// `DELETE /containers/{id}`.
pub async fn remove(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> ApiResult<StatusCode> {
    let container = engine.find(&id)?;
    if is_true(&parameters.link) {
        return Err(ApiError::bad("link is not supported by this engine"));
    }
    if container.is_running() {
        if !is_true(&parameters.force) {
            return Err(ApiError::conflict(format!(
                "cannot remove container \"/{}\": container is running: stop the container before \
                 removing or force remove",
                container.record().name
            )));
        }
        let mut life = container.life.subscribe();
        let _ = engine.signal(&container, KILL).await;
        let _ = life.wait_for(|life| !life.running).await;
    }
    let _operation = container.operation.lock().await;
    if container.is_running() {
        return Err(ApiError::conflict("the container was started again"));
    }
    engine
        .remove_stopped(&container)
        .map_err(|error| ApiError::internal("remove the container", error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Size of a terminal.
#[derive(Debug, Deserialize)]
pub struct Size {
    /// Rows.
    pub h: u16,
    /// Columns.
    pub w: u16,
}

/// `POST /containers/{id}/resize`.
pub async fn resize(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    Query(size): Query<Size>,
) -> ApiResult<StatusCode> {
    let container = engine.find(&id)?;
    if !container.is_running() {
        return Err(not_running(&container, ""));
    }
    engine
        .shim(&container)
        .tell(Request::Resize { height: size.h, width: size.w })
        .await
        .map_err(|error| ApiError::internal("resize", error))?;
    Ok(StatusCode::OK)
}

/// `POST /containers/prune`.
pub async fn prune(
    State(engine): State<Arc<Engine>>,
    Query(parameters): Query<Parameters>,
) -> ApiResult<Json<Value>> {
    let filters = filters(&parameters.filters)?;
    if let Some(name) = filters.keys().find(|name| *name != "label") {
        return Err(ApiError::bad(format!("Invalid filter '{name}'")));
    }
    let mut deleted = Vec::new();
    for container in engine.all() {
        if !fits(&container.record(), &filters) {
            continue;
        }
        let _operation = container.operation.lock().await;
        if !container.is_running() && engine.remove_stopped(&container).is_ok() {
            deleted.push(container.id.clone());
        }
    }
    Ok(Json(json!({ "ContainersDeleted": deleted, "SpaceReclaimed": 0 })))
}

impl Engine {
    /// Sends a signal to a container's first process.
    pub(in crate::server) async fn signal(
        &self,
        container: &Container,
        number: i32,
    ) -> ApiResult<()> {
        self.shim(container)
            .tell(Request::Signal { number })
            .await
            .map_err(|error| ApiError::internal("cannot kill container", error))?;
        if number == KILL && container.record().state.paused {
            // What is frozen does not die.
            let thawed = self.shim(container).tell(Request::Freeze { frozen: false }).await;
            thawed.map_err(|error| ApiError::internal("unpause", error))?;
        }
        Ok(())
    }

    async fn freeze(&self, container: &Container, frozen: bool) -> ApiResult<StatusCode> {
        let _operation = container.operation.lock().await;
        if !container.is_running() {
            return Err(not_running(container, ""));
        }
        if container.record().state.paused == frozen {
            let id = &container.id;
            return Err(if frozen {
                ApiError::conflict(format!("Container {id} is already paused"))
            } else {
                ApiError::failed(format!("Container {id} is not paused"))
            });
        }
        let internal = |error| ApiError::internal("pause", error);
        self.shim(container).tell(Request::Freeze { frozen }).await.map_err(internal)?;
        self.change(container, |record| record.state.paused = frozen).map_err(internal)?;
        self.tell(container, if frozen { "pause" } else { "unpause" }, &[]);
        Ok(StatusCode::NO_CONTENT)
    }

    /// Removes a container that does not run. The caller holds its lock.
    pub(in crate::server) fn remove_stopped(&self, container: &Container) -> std::io::Result<()> {
        self.clean(&container.id)?;
        self.store.remove(&container.id)?;
        self.forget(container);
        self.tell(container, "destroy", &[]);
        container.life.send_modify(|life| life.removed = true);
        Ok(())
    }
}

fn not_running(container: &Container, attempt: &str) -> ApiError {
    ApiError::conflict(format!("{attempt}Container {} is not running", container.id))
}
