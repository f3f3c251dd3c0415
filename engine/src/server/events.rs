//! What happens, for `docker events`.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use axum::{
    body::Body,
    extract::{Query, State},
    response::Response,
};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use super::{
    engine::{Container, Engine},
    error::{ApiError, ApiResult},
};

/// One event, as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    status: String,
    id: String,
    from: String,
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Actor")]
    actor: Actor,
    scope: &'static str,
    time: i64,
    #[serde(rename = "timeNano")]
    time_nano: i64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Actor {
    #[serde(rename = "ID")]
    id: String,
    attributes: BTreeMap<String, String>,
}

impl Engine {
    /// Tells who listens. Nobody has to.
    pub(super) fn tell(&self, container: &Container, action: &str, more: &[(&str, String)]) {
        self.tell_at(container, action, more, jiff::Timestamp::now());
    }

    /// The same, of something that happened before.
    pub(super) fn tell_at(
        &self,
        container: &Container,
        action: &str,
        more: &[(&str, String)],
        at: jiff::Timestamp,
    ) {
        let record = container.record();
        let image = record.config["Image"].as_str().unwrap_or_default().to_owned();
        let mut attributes: BTreeMap<String, String> =
            serde_json::from_value(record.config["Labels"].clone()).unwrap_or_default();
        attributes.insert("image".into(), image.clone());
        attributes.insert("name".into(), record.name);
        attributes.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let event = Event {
            status: action.to_owned(),
            id: container.id.clone(),
            from: image,
            kind: "container",
            action: action.to_owned(),
            actor: Actor { id: container.id.clone(), attributes },
            scope: "local",
            time: at.as_second(),
            time_nano: i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX),
        };
        // An error means that nobody listens.
        let _ = self.events.send(event);
    }
}

/// `GET /events`: what happens from now on, a line each.
pub async fn events(
    State(engine): State<Arc<Engine>>,
    Query(parameters): Query<BTreeMap<String, String>>,
) -> ApiResult<Response> {
    let asked = parameters.iter().find(|(_, value)| !matches!(value.as_str(), "" | "{}"));
    if let Some((name, _)) = asked {
        return Err(ApiError::bad(format!("{name} is not supported by this engine yet")));
    }
    let receiver = engine.events.subscribe();
    let lines = futures_util::stream::unfold(receiver, |mut receiver| async move {
        loop {
            match receiver.recv().await {
                Ok(event) => {
                    let mut line = serde_json::to_vec(&event).unwrap_or_default();
                    line.push(b'\n');
                    return Some((Ok::<_, Infallible>(line), receiver));
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let mut response = Response::new(Body::from_stream(lines));
    let json = axum::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(axum::http::header::CONTENT_TYPE, json);
    Ok(response)
}
