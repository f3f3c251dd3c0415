//! All calls of the API that there are, and how their versions are understood.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    http::{Uri, uri::PathAndQuery},
    routing::{delete, get, post},
};

use crate::ApiVersion;

use super::{
    API_VERSION, MINIMUM_API_VERSION,
    containers::{create, inspect, list, stop},
    engine::Engine,
    error::{ApiError, ApiResult},
    events, exec, images, streams, system,
};

/// The table.
pub fn table(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/_ping", get(system::ping).head(system::ping))
        .route("/version", get(system::version))
        .route("/info", get(system::info))
        .route("/events", get(events::events))
        .route("/containers/json", get(list::list))
        .route("/containers/create", post(create::create))
        .route("/containers/prune", post(stop::prune))
        .route("/containers/{id}", delete(stop::remove))
        .route("/containers/{id}/json", get(inspect::inspect))
        .route("/containers/{id}/logs", get(streams::logs))
        .route("/containers/{id}/attach", post(streams::attach))
        .route("/containers/{id}/start", post(stop::start))
        .route("/containers/{id}/stop", post(stop::stop))
        .route("/containers/{id}/restart", post(stop::restart))
        .route("/containers/{id}/kill", post(stop::kill))
        .route("/containers/{id}/pause", post(stop::pause))
        .route("/containers/{id}/unpause", post(stop::unpause))
        .route("/containers/{id}/wait", post(stop::wait))
        .route("/containers/{id}/resize", post(stop::resize))
        .route("/containers/{id}/exec", post(exec::create))
        .route("/images/json", get(images::list))
        .route("/images/load", post(images::load))
        .route("/images/get", get(images::save))
        .route("/images/create", post(images::create))
        .route("/images/{*rest}", get(images::inspect).post(images::tag).delete(images::remove))
        .route("/exec/{id}/start", post(exec::start))
        .route("/exec/{id}/resize", post(exec::resize))
        .route("/exec/{id}/json", get(exec::inspect))
        .fallback(unknown)
        .with_state(engine)
}

async fn unknown() -> ApiError {
    ApiError::missing("page not found")
}

/// Takes `/v1.N` from the path, if the version is one that is understood.
pub fn without_version(mut request: Request) -> ApiResult<Request> {
    if let Some(uri) = strip(request.uri())? {
        *request.uri_mut() = uri;
    }
    Ok(request)
}

fn strip(uri: &Uri) -> ApiResult<Option<Uri>> {
    let Some(rest) = uri.path().strip_prefix("/v") else { return Ok(None) };
    let Some((version, path)) = rest.split_once('/') else { return Ok(None) };
    let number = |version: &str| version.parse::<ApiVersion>().ok();
    // `/v1/…` is a path like any other.
    let asked = Some(version).filter(|version| version.contains('.')).and_then(number);
    let Some(asked) = asked else { return Ok(None) };
    if Some(asked) < number(MINIMUM_API_VERSION) {
        return Err(ApiError::bad(format!(
            "client version {version} is too old. Minimum supported API version is \
             {MINIMUM_API_VERSION}, please upgrade your client to a newer version"
        )));
    }
    if Some(asked) > number(API_VERSION) {
        return Err(ApiError::bad(format!(
            "client version {version} is too new. Maximum supported API version is {API_VERSION}"
        )));
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path: PathAndQuery =
        format!("/{path}{query}").parse().map_err(|_| ApiError::bad("the path cannot be read"))?;
    Ok(Some(Uri::from(path)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_that_are_understood_are_taken_away() {
        let strip = |uri: &str| super::strip(&uri.parse().unwrap());
        assert_eq!(strip("/v1.24/info?x=1").unwrap().unwrap(), "/info?x=1");
        assert_eq!(strip("/v1.47/_ping").unwrap().unwrap(), "/_ping");
        assert_eq!(strip("/version").unwrap(), None);
        assert!(strip("/v1.23/info").unwrap_err().message.contains("too old"));
        assert!(strip("/v1.48/info").unwrap_err().message.contains("too new"));
    }
}
