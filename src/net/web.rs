//! HTTP for files: one request on one connection, redirects followed, logins kept to whom they
//! were given for.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{
    AUTHORIZATION, HOST, HeaderMap, HeaderValue, LOCATION, PROXY_AUTHORIZATION, USER_AGENT,
};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use url::Url;

use super::authorities::authorities;
use super::connect::{ConnectError, Endpoint, Route, tls_error};
use super::names::Names;
use super::proxy::Proxies;
use super::trust::Trust;
use crate::host::{Host, HostError};
use crate::mirrors::{Login, Site};
use crate::texts::net as texts;

/// How long the head of an answer may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How many redirects are followed.
const REDIRECTS: usize = 5;
/// Who asks.
const AGENT: &str = concat!("landfall/", env!("CARGO_PKG_VERSION"));

/// What is asked for. What is shown of it has no user name and no password.
#[derive(Clone)]
pub struct Address {
    /// Without a login.
    url: Url,
    login: Option<Login>,
}

impl Address {
    /// A file beneath the root of a mirror; `None` if that is no URL.
    pub fn of(site: &Site, path: &str) -> Option<Self> {
        Some(Self { url: Url::parse(&site.url(path)).ok()?, login: site.login().cloned() })
    }

    /// A URL without a login; `None` if it is none that can be asked.
    pub fn parse(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        endpoint_of(&url, true)?;
        url.username().is_empty().then_some(Self { url, login: None })
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// Where a redirect leads. The login goes along only to the server that it was given for.
    fn join(&self, location: &str) -> Result<Self, WebError> {
        let url = self.url.join(location).map_err(|_| WebError::Redirect(location.to_owned()))?;
        if self.url.scheme() == "https" && url.scheme() != "https" {
            return Err(WebError::Downgrade(without_query(&url)));
        }
        let login = self.login.clone().filter(|_| url.origin() == self.url.origin());
        Ok(Self { url, login })
    }

    fn authorization(&self) -> Option<HeaderValue> {
        use base64::Engine;
        let Login { user, password } = self.login.as_ref()?;
        let pair = zeroize::Zeroizing::new(format!("{user}:{password}"));
        let text = base64::engine::general_purpose::STANDARD.encode(pair.as_bytes());
        let mut value = HeaderValue::from_str(&format!("Basic {text}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_query(&self.url))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// What redirects lead to may be signed in its query, which is as good as a password.
fn without_query(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // Fails for URLs that cannot have one.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.to_string()
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebError {
    /// There is no connection.
    Connect(ConnectError),
    /// The connection broke, or nothing came in time.
    Broken(String),
    /// It is sent on to what is no URL, or too often; whereto.
    Redirect(String),
    /// It is sent on from TLS to plain HTTP; whereto.
    Downgrade(String),
}

/// How this host reaches web servers.
pub struct Web {
    names: Names,
    proxies: Proxies,
    trust: Trust,
}

impl Web {
    /// By the host's names and authorities, and these more.
    ///
    /// # Errors
    /// [`HostError`] if a file that is there cannot be read.
    pub fn gather(
        host: &Host,
        proxies: Proxies,
        more: Vec<CertificateDer<'static>>,
    ) -> Result<Self, HostError> {
        let text = |path: &str| Ok::<_, HostError>(host.read_text(path)?.unwrap_or_default());
        let names = Names::new(&text("/etc/hosts")?, &text("/etc/resolv.conf")?);
        let own = more.len();
        let mut roots = more;
        roots.extend(authorities(host)?);
        Ok(Self { names, proxies, trust: Trust { roots, own, client: None } })
    }

    /// Of these parts.
    pub fn new(names: Names, proxies: Proxies, trust: Trust) -> Self {
        Self { names, proxies, trust }
    }

    /// Asks for a file; the answer's body comes as it is read.
    ///
    /// # Errors
    /// [`WebError`].
    pub async fn get(
        &self,
        address: &Address,
        headers: &HeaderMap,
    ) -> Result<Response<Incoming>, WebError> {
        let mut at = address.clone();
        for _ in 0..=REDIRECTS {
            let answer = self.ask(&at, headers).await?;
            let location = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            match location {
                Some(location) if answer.status().is_redirection() => at = at.join(location)?,
                _ => return Ok(answer),
            }
        }
        Err(WebError::Redirect(at.to_string()))
    }

    async fn ask(&self, at: &Address, headers: &HeaderMap) -> Result<Response<Incoming>, WebError> {
        let (endpoint, path) =
            endpoint_of(&at.url, true).ok_or_else(|| WebError::Redirect(at.to_string()))?;
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = path.parse().map_err(|_| WebError::Redirect(at.to_string()))?;
        *request.headers_mut() = headers.clone();
        if let Some(authorization) = at.authorization() {
            request.headers_mut().insert(AUTHORIZATION, authorization);
        }
        dress(&mut request, &endpoint, &self.proxies);
        let route = Route { names: &self.names, proxies: &self.proxies, trust: &self.trust };
        let stream = route.open(&endpoint).await.map_err(WebError::Connect)?;
        let asked = async {
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            // It ends with the answer's body; its errors come with that.
            tokio::spawn(async move { drop(connection.await) });
            sender.send_request(request).await
        };
        match tokio::time::timeout(LIMIT, asked).await {
            Ok(answer) => answer.map_err(|error| match broken(&error) {
                Ok(connect) => WebError::Connect(connect),
                Err(text) => WebError::Broken(text),
            }),
            Err(_) => Err(WebError::Broken(texts::no_answer_within(LIMIT.as_secs()))),
        }
    }
}

/// The server of a URL, and what is asked of it.
pub fn endpoint_of(url: &Url, verify: bool) -> Option<(Endpoint, String)> {
    let tls = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Some((Endpoint { host, port: url.port_or_known_default()?, tls, verify }, path))
}

/// Adds who asks whom, and what a proxy has to know. The request has a path for its URI.
pub fn dress<B>(request: &mut Request<B>, to: &Endpoint, proxies: &Proxies) {
    let authority = to.authority();
    let head = request.headers_mut();
    head.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if let Ok(host) = HeaderValue::from_str(&authority) {
        head.insert(HOST, host);
    }
    if to.tls {
        return;
    }
    let Some(proxy) = proxies.proxy_for(false, &to.host, to.port) else { return };
    // A proxy is told the whole URL (RFC 9112, section 3.2.2).
    if let Ok(uri) = format!("http://{authority}{}", request.uri()).parse() {
        *request.uri_mut() = uri;
    }
    let given = proxy.authorization.map(|pair| format!("Basic {pair}"));
    if let Some(Ok(mut value)) = given.map(|text| HeaderValue::from_str(&text)) {
        value.set_sensitive(true);
        request.headers_mut().insert(PROXY_AUTHORIZATION, value);
    }
}

/// An error of HTTP in words, or of the TLS beneath it: a server that wants a certificate says so
/// only after the handshake (TLS 1.3).
///
/// # Errors
/// The words, if it is not one of TLS.
pub fn broken(error: &hyper::Error) -> Result<ConnectError, String> {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && io.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
        {
            return Ok(tls_error(io));
        }
        source = inner.source();
    }
    Err(match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
