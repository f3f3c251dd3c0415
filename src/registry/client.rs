//! Requests to one registry: connection, challenge, token, answer.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::challenge::Challenge;
use super::connect::{ConnectError, Endpoint, Route};
use super::credentials::Credentials;
use crate::net::web::{self, endpoint_of};
use crate::texts::net::no_answer_within;
use crate::texts::registry as texts;

/// How long the head of an answer may take.
const LIMIT: Duration = Duration::from_secs(30);
/// The longest answer that is read whole, in bytes (manifests are limited to 4 MiB by dockerd).
const ANSWER: usize = 8 << 20;
/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// A body that is sent.
pub type Body = BoxBody<Bytes, std::io::Error>;

/// A body of these bytes.
pub fn body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// What a token shall be good for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// To ask at all, and to log in.
    Registry,
    /// To read a repository.
    Pull(String),
    /// To read and write it.
    Push(String),
}

impl Scope {
    fn query(&self) -> Option<String> {
        match self {
            Self::Registry => None,
            Self::Pull(repository) => Some(format!("repository:{repository}:pull")),
            Self::Push(repository) => Some(format!("repository:{repository}:pull,push")),
        }
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its head.
    pub headers: HeaderMap,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Answer {
    /// A field of its head.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// It as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.bytes).ok()
    }

    /// The codes and messages of an error, as the distribution specification has them.
    pub fn errors(&self) -> Vec<(String, String)> {
        let Some(json) = self.json() else { return Vec::new() };
        let text = |error: &Value, key: &str| {
            error.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let list = json.get("errors").and_then(Value::as_array);
        let list = list.map(Vec::as_slice).unwrap_or_default();
        list.iter().map(|error| (text(error, "code"), text(error, "message"))).collect()
    }

    /// The challenge in it.
    pub fn challenge(&self) -> Option<Challenge> {
        let fields = self.headers.get_all(WWW_AUTHENTICATE).iter();
        Challenge::parse(fields.filter_map(|field| field.to_str().ok()))
    }
}

/// What is wrong with a token, or where it is to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenProblem {
    /// The realm is no URL that can be asked.
    NoUrl,
    /// It cannot be reached.
    Connect(Box<ClientError>),
    /// Name and password are refused; what it says.
    Refused(String),
    /// It answers with something else.
    Answer(String),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// There is no connection.
    Connect(ConnectError),
    /// The connection broke, or nothing came in time.
    Broken(String),
    /// There is no token; its realm.
    Token(String, TokenProblem),
    /// The registry wants something that is not known.
    Challenge(String),
}

/// Speaks to one registry.
pub struct Client<'a> {
    route: Route<'a>,
    endpoint: Endpoint,
    credentials: Option<Credentials>,
    challenge: Option<Challenge>,
    tokens: BTreeMap<Scope, Zeroizing<String>>,
    sender: Option<http1::SendRequest<Body>>,
}

impl<'a> Client<'a> {
    /// Nothing is sent yet.
    pub fn new(route: Route<'a>, endpoint: Endpoint, credentials: Option<Credentials>) -> Self {
        Self {
            route,
            endpoint,
            credentials,
            challenge: None,
            tokens: BTreeMap::new(),
            sender: None,
        }
    }

    /// Who is spoken to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What the registry wants, once [`Client::authorise`] has asked it.
    pub fn challenge(&self) -> Option<&Challenge> {
        self.challenge.as_ref()
    }

    /// Asks `/v2/` without proving anything: the first thing that every client does.
    ///
    /// # Errors
    /// [`ClientError::Connect`] or [`ClientError::Broken`].
    pub async fn ping(&mut self) -> Result<Answer, ClientError> {
        let answer = self.ask(Method::GET, "/v2/", &[], None).await?;
        self.challenge =
            (answer.status == StatusCode::UNAUTHORIZED).then(|| answer.challenge()).flatten();
        Ok(answer)
    }

    /// Gets what is needed to send requests of this scope. The registry was pinged before.
    ///
    /// # Errors
    /// [`ClientError::Token`].
    pub async fn authorise(&mut self, scope: &Scope) -> Result<(), ClientError> {
        let Some(Challenge::Bearer { realm, service }) = self.challenge.clone() else {
            return Ok(());
        };
        if !self.tokens.contains_key(scope) {
            let token = self.fetch_token(&realm, &service, scope).await;
            let token = token.map_err(|problem| ClientError::Token(realm, problem))?;
            self.tokens.insert(scope.clone(), token);
        }
        Ok(())
    }

    /// Reads a path of the registry, with what is needed for it; redirects are followed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get(
        &mut self,
        path: &str,
        accept: &[&str],
        scope: &Scope,
    ) -> Result<Answer, ClientError> {
        self.authorise(scope).await?;
        let authorization = self.authorization(scope);
        let answer = self.ask(Method::GET, path, accept, authorization.as_ref()).await?;
        if answer.status.is_redirection() { self.follow(answer).await } else { Ok(answer) }
    }

    /// Sends any request with what is needed for its scope, and gives the answer's body as it
    /// comes. `request` has a path for its URI.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send(
        &mut self,
        mut request: Request<Body>,
        scope: &Scope,
    ) -> Result<Response<Incoming>, ClientError> {
        self.authorise(scope).await?;
        if let Some(authorization) = self.authorization(scope) {
            request.headers_mut().insert(AUTHORIZATION, authorization);
        }
        self.exchange(request).await
    }

    fn authorization(&self, scope: &Scope) -> Option<HeaderValue> {
        let text = match (&self.challenge, &self.credentials) {
            (Some(Challenge::Bearer { .. }), _) => {
                Zeroizing::new(format!("Bearer {}", **self.tokens.get(scope)?))
            }
            (Some(Challenge::Basic), Some(credentials)) => {
                Zeroizing::new(format!("Basic {}", *credentials.encode()))
            }
            (Some(Challenge::Basic), None) | (None, _) => return None,
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        accept: &[&str],
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, ClientError> {
        let mut request = Request::builder().method(method).uri(path);
        for media_type in accept {
            request = request.header(ACCEPT, *media_type);
        }
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(body(Bytes::new()));
        let request = request.map_err(|error| ClientError::Broken(error.to_string()))?;
        whole(self.exchange(request).await?).await
    }

    async fn exchange(
        &mut self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, ClientError> {
        web::dress(&mut request, &self.endpoint, self.route.proxies);
        let kept = match self.sender.take() {
            Some(mut kept) => kept.ready().await.is_ok().then_some(kept),
            None => None,
        };
        let mut sender = match kept {
            Some(kept) => kept,
            None => self.connect().await?,
        };
        let answer = match tokio::time::timeout(LIMIT, sender.send_request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(broken(&error)),
            Err(_) => return Err(ClientError::Broken(no_answer_within(LIMIT.as_secs()))),
        };
        self.sender = Some(sender);
        Ok(answer)
    }

    async fn connect(&self) -> Result<http1::SendRequest<Body>, ClientError> {
        let stream = self.route.open(&self.endpoint).await.map_err(ClientError::Connect)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // It ends when the sender is dropped; its errors come with the answer.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    /// Storage elsewhere, which is not told who asks.
    async fn follow(&self, mut answer: Answer) -> Result<Answer, ClientError> {
        let start = format!("{}://{}/", scheme(&self.endpoint), self.endpoint.authority());
        let mut at = Url::parse(&start).map_err(|error| ClientError::Broken(error.to_string()))?;
        for _ in 0..REDIRECTS {
            let Some(location) = answer.header(LOCATION.as_str()) else { return Ok(answer) };
            at = at.join(location).map_err(|error| ClientError::Broken(error.to_string()))?;
            let Some((endpoint, path)) = endpoint_of(&at, self.endpoint.verify) else {
                return Ok(answer);
            };
            let mut client = Client::new(self.route, endpoint, None);
            answer = Box::pin(client.ask(Method::GET, &path, &[], None)).await?;
            if !answer.status.is_redirection() {
                return Ok(answer);
            }
        }
        Ok(answer)
    }

    /// As dockerd does (distribution's client/auth/session.go): by `GET` with name and password,
    /// or by `POST` with an identity token. The certificates are the registry's, also where the
    /// realm is another host.
    async fn fetch_token(
        &self,
        realm: &str,
        service: &str,
        scope: &Scope,
    ) -> Result<Zeroizing<String>, TokenProblem> {
        let mut url = Url::parse(realm).map_err(|_| TokenProblem::NoUrl)?;
        if url.host_str().is_none() {
            return Err(TokenProblem::NoUrl);
        }
        let token = self.credentials.as_ref().filter(|credentials| credentials.is_token);
        let form = token.map(|credentials| {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "refresh_token");
            form.append_pair("service", service);
            form.append_pair("client_id", "landfall");
            form.append_pair("refresh_token", credentials.secret());
            if let Some(scope) = scope.query() {
                form.append_pair("scope", &scope);
            }
            form.finish()
        });
        if form.is_none() {
            let mut query = url.query_pairs_mut();
            if !service.is_empty() {
                query.append_pair("service", service);
            }
            if let Some(scope) = scope.query() {
                query.append_pair("scope", &scope);
            }
            if let Some(credentials) = &self.credentials {
                query.append_pair("account", &credentials.user);
            }
        }
        let (endpoint, path) =
            endpoint_of(&url, self.endpoint.verify).ok_or(TokenProblem::NoUrl)?;
        let mut client = Client::new(self.route, endpoint, None);
        let answer = client.ask_for_token(&path, form, self.credentials.as_ref()).await;
        token_of(answer.map_err(|error| TokenProblem::Connect(Box::new(error)))?)
    }

    async fn ask_for_token(
        &mut self,
        path: &str,
        form: Option<String>,
        credentials: Option<&Credentials>,
    ) -> Result<Answer, ClientError> {
        let mut request = Request::builder().uri(path);
        if form.is_some() {
            request = request
                .method(Method::POST)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        } else if let Some(credentials) = credentials {
            let text = Zeroizing::new(format!("Basic {}", *credentials.encode()));
            if let Ok(mut value) = HeaderValue::from_str(&text) {
                value.set_sensitive(true);
                request = request.header(AUTHORIZATION, value);
            }
        }
        let request = request.body(body(form.unwrap_or_default()));
        let request = request.map_err(|error| ClientError::Broken(error.to_string()))?;
        whole(self.exchange(request).await?).await
    }
}

fn scheme(endpoint: &Endpoint) -> &'static str {
    if endpoint.tls { "https" } else { "http" }
}

fn token_of(answer: Answer) -> Result<Zeroizing<String>, TokenProblem> {
    let said = || {
        let errors = answer.errors();
        let first = errors.first().map(|(code, message)| format!("{code}: {message}"));
        first.unwrap_or_else(|| answer.status.to_string())
    };
    match answer.status {
        StatusCode::OK => {
            let json = answer.json();
            let field = |name: &str| json.as_ref()?.get(name)?.as_str().map(str::to_owned);
            let token = field("token").or_else(|| field("access_token"));
            let token = token.filter(|token| !token.is_empty());
            token
                .map(Zeroizing::new)
                .ok_or_else(|| TokenProblem::Answer(texts::NO_TOKEN.to_owned()))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(TokenProblem::Refused(said())),
        // Some say so to a wrong password.
        StatusCode::BAD_REQUEST if !answer.errors().is_empty() => {
            Err(TokenProblem::Refused(said()))
        }
        _ => Err(TokenProblem::Answer(said())),
    }
}

async fn whole(response: Response<Incoming>) -> Result<Answer, ClientError> {
    let (head, incoming) = response.into_parts();
    let collected = tokio::time::timeout(LIMIT, Limited::new(incoming, ANSWER).collect()).await;
    match collected {
        Ok(Ok(collected)) => {
            Ok(Answer { status: head.status, headers: head.headers, bytes: collected.to_bytes() })
        }
        Ok(Err(error)) => Err(ClientError::Broken(error.to_string())),
        Err(_) => Err(ClientError::Broken(no_answer_within(LIMIT.as_secs()))),
    }
}

fn broken(error: &hyper::Error) -> ClientError {
    match web::broken(error) {
        Ok(connect) => ClientError::Connect(connect),
        Err(text) => ClientError::Broken(text),
    }
}
