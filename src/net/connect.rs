//! The way to a server, stage by stage: name, address, proxy, TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, InvalidMessage};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::names::{Found, NameError, Names};
use super::proxy::{Proxies, Proxy};
use super::trust::{CertificateProblem, Trust, Verdict};
use crate::texts::net as texts;

/// How long each stage may take.
const LIMIT: Duration = Duration::from_secs(10);
/// The longest answer of a proxy to CONNECT, in bytes.
const PROXY_ANSWER: usize = 16 << 10;

/// A server, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Whether its certificate is looked at.
    pub verify: bool,
}

impl Endpoint {
    /// As it stands in a URL, without the scheme.
    pub fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

/// By which way servers are reached.
#[derive(Clone, Copy)]
pub struct Route<'a> {
    /// Whom names are asked of.
    pub names: &'a Names,
    /// Through whom.
    pub proxies: &'a Proxies,
    /// What certificates are compared with.
    pub trust: &'a Trust,
}

/// A stream to a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What happened at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressProblem {
    /// Nothing listens there.
    Refused,
    /// Nothing came back.
    NoAnswer,
    /// Something else, such as no route.
    Other(String),
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// The name has no address.
    Name(NameError),
    /// No address could be reached; the last one, and what happened.
    Address(SocketAddr, AddressProblem),
    /// The proxy, and what it says.
    Proxy(String, String),
    /// TLS was meant, and the server speaks plain HTTP.
    PlainHttp,
    /// The server's certificate is refused.
    Certificate(CertificateProblem),
    /// The server wants a certificate of the client.
    ClientCertificate,
    /// TLS cannot be spoken for another reason.
    Tls(String),
}

impl Route<'_> {
    /// Opens a connection.
    ///
    /// # Errors
    /// [`ConnectError`], by stage.
    pub async fn open(&self, to: &Endpoint) -> Result<Box<dyn Stream>, ConnectError> {
        let proxy = self.proxies.proxy_for(to.tls, &to.host, to.port);
        let stream = match &proxy {
            Some(proxy) => self.through(proxy, to).await?,
            None => self.reach(&to.host, to.port).await?,
        };
        if to.tls { self.tls(stream, to).await } else { Ok(Box::new(stream)) }
    }

    /// A connection to the first address that answers.
    async fn reach(&self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        let Found { addresses, .. } = self.names.find(host).await.map_err(ConnectError::Name)?;
        reach_any(&addresses, port).await
    }

    async fn through(&self, proxy: &Proxy, to: &Endpoint) -> Result<TcpStream, ConnectError> {
        let refuse = |problem: String| ConnectError::Proxy(proxy.to_string(), problem);
        if !proxy.plain {
            return Err(refuse(texts::PROXY_SCHEME.to_owned()));
        }
        let mut stream = self
            .reach(&proxy.host, proxy.port)
            .await
            .map_err(|error| refuse(texts::connect_error(&error)))?;
        if !to.tls {
            return Ok(stream);
        }
        match tokio::time::timeout(LIMIT, tunnel(&mut stream, proxy, to)).await {
            Ok(Ok(())) => Ok(stream),
            Ok(Err(problem)) => Err(refuse(problem)),
            Err(_) => Err(refuse(texts::no_answer_within(LIMIT.as_secs()))),
        }
    }

    async fn tls(&self, stream: TcpStream, to: &Endpoint) -> Result<Box<dyn Stream>, ConnectError> {
        let name = server_name(&to.host).ok_or_else(|| ConnectError::Tls(to.host.clone()))?;
        let verdict = Verdict::default();
        let config = self.trust.config(to.verify, &verdict);
        let config = config.map_err(|error| ConnectError::Tls(error.to_string()))?;
        let connector = TlsConnector::from(Arc::new(config));
        match tokio::time::timeout(LIMIT, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => {
                let certificate = verdict.take().map(ConnectError::Certificate);
                Err(certificate.unwrap_or_else(|| tls_error(&error)))
            }
            Err(_) => Err(ConnectError::Tls(texts::no_answer_within(LIMIT.as_secs()))),
        }
    }
}

/// A name as certificates have it.
pub fn server_name(host: &str) -> Option<ServerName<'static>> {
    match host.parse::<IpAddr>() {
        Ok(address) => Some(ServerName::from(address)),
        Err(_) => ServerName::try_from(host.to_owned()).ok(),
    }
}

async fn reach_any(addresses: &[IpAddr], port: u16) -> Result<TcpStream, ConnectError> {
    let mut failed = ConnectError::Tls(String::new());
    for address in addresses {
        let at = SocketAddr::new(*address, port);
        let problem = match tokio::time::timeout(LIMIT, TcpStream::connect(at)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                AddressProblem::Refused
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => AddressProblem::NoAnswer,
            Ok(Err(error)) => AddressProblem::Other(error.to_string()),
            Err(_) => AddressProblem::NoAnswer,
        };
        failed = ConnectError::Address(at, problem);
    }
    Err(failed)
}

/// Asks a proxy for a tunnel (RFC 9110, section 9.3.6).
async fn tunnel(stream: &mut TcpStream, proxy: &Proxy, to: &Endpoint) -> Result<(), String> {
    let host = if to.host.contains(':') { format!("[{}]", to.host) } else { to.host.clone() };
    let target = format!("{host}:{}", to.port);
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request.push_str(&format!("Proxy-Authorization: Basic {authorization}\r\n"));
    }
    request.push_str("\r\n");
    let shown = |error: io::Error| error.to_string();
    stream.write_all(request.as_bytes()).await.map_err(shown)?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        // Not a byte more than the answer: what follows is TLS.
        match stream.read_u8().await {
            Ok(byte) if answer.len() < PROXY_ANSWER => answer.push(byte),
            Ok(_) => return Err(texts::TOO_LONG.to_owned()),
            Err(error) => return Err(shown(error)),
        }
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    let code = line.split(' ').nth(1).unwrap_or_default();
    if code.starts_with('2') { Ok(()) } else { Err(line.to_owned()) }
}

/// What an error of TLS says of the server.
pub fn tls_error(error: &io::Error) -> ConnectError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            ConnectError::PlainHttp
        }
        Some(rustls::Error::AlertReceived(alert)) if wants_certificate(*alert) => {
            ConnectError::ClientCertificate
        }
        _ => ConnectError::Tls(error.to_string()),
    }
}

/// TLS 1.3 has an alert for it; before, servers answer an empty certificate with one of these.
fn wants_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
    )
}
