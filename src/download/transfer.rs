//! One file from one server: taken up where it stopped, and tried again.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{
    CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE,
    LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use hyper::{Response, StatusCode};
use jiff::fmt::rfc2822;
use serde::{Deserialize, Serialize};

use super::meter::Gauge;
use crate::digest::Digest;
use crate::host::HostError;
use crate::host::cache_dir::{CacheDir, Partial};
use crate::net::connect::{AddressProblem, ConnectError};
use crate::net::names::NameError;
use crate::net::web::{Address, Web, WebError};
use crate::texts::net as texts;

/// How patient transfers are.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often something is tried in a row without a byte that is new.
    pub tries: u32,
    /// How long the first pause is; each is twice the one before.
    pub first_pause: Duration,
    /// The longest pause that a server may ask for.
    pub longest_pause: Duration,
    /// How long nothing may come.
    pub silence: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tries: 5,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
            silence: Duration::from_secs(30),
        }
    }
}

/// A server that cuts each connection after a few bytes is given up at last.
const ALL_TRIES: u32 = 200;

/// Why a file does not come from a server.
#[derive(Debug)]
pub enum TransferError {
    /// The server cannot be reached, or does not answer.
    Web(WebError),
    /// It answers with this status.
    Status(u16),
    /// It answers with this status, which may pass; how long it wants to be left alone.
    Busy(u16, Option<Duration>),
    /// The connection ends before the file does.
    Broken(String),
    /// The file is another one than a moment ago.
    Changed,
    /// What comes is a page for people.
    Page,
    /// It is larger than such files are, in bytes.
    TooLarge(u64),
    /// The cache cannot be used.
    Cache(HostError),
}

impl From<HostError> for TransferError {
    fn from(error: HostError) -> Self {
        Self::Cache(error)
    }
}

/// A file that came.
pub struct Received {
    pub partial: Partial,
    pub sha256: Digest,
    /// Whether its beginning is from an earlier run.
    pub resumed: bool,
}

/// What is known of a file that has begun to come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// Where it is from, for people who look.
    url: String,
    /// What the server says to tell it from others (RFC 9110, section 8.8).
    validator: Option<String>,
    /// How large it is, in bytes.
    size: Option<u64>,
}

/// Gets files from one server.
#[derive(Clone, Copy)]
pub struct Transfer<'a> {
    pub web: &'a Web,
    pub cache: &'a CacheDir,
    pub pace: Pace,
    /// The largest file that is taken, in bytes.
    pub limit: u64,
    /// Whether somebody says what the file has to be: then it may be taken up also where the
    /// server has no way to say that it is still the same.
    pub pinned: bool,
}

impl Transfer<'_> {
    /// Gets a file whole.
    pub async fn receive(
        &self,
        address: &Address,
        gauge: &Gauge<'_>,
    ) -> Result<Received, TransferError> {
        let name = Digest::of(address.to_string().as_bytes()).to_string();
        let mut partial = self.cache.partial(&name)?;
        let resumed = partial.length() > 0;
        match self.fill(address, &mut partial, gauge).await {
            Ok(sha256) => Ok(Received { partial, sha256, resumed }),
            Err(error) => {
                if partial.length() == 0 {
                    partial.discard();
                }
                Err(error)
            }
        }
    }

    /// Gets what is not there yet of a file; its digest.
    pub async fn fill(
        &self,
        address: &Address,
        partial: &mut Partial,
        gauge: &Gauge<'_>,
    ) -> Result<Digest, TransferError> {
        let (mut all, mut in_a_row) = (0, 0);
        loop {
            let before = partial.length();
            let Err(error) = self.attempt(address, partial, gauge).await else { break };
            all += 1;
            in_a_row = if partial.length() > before { 1 } else { in_a_row + 1 };
            let pause = self.pace.pause(&error, in_a_row).filter(|_| all < ALL_TRIES);
            let Some(pause) = pause else { return Err(error) };
            tokio::time::sleep(pause).await;
        }
        Ok(partial.digest()?)
    }

    async fn attempt(
        &self,
        address: &Address,
        partial: &mut Partial,
        gauge: &Gauge<'_>,
    ) -> Result<(), TransferError> {
        let mut note: Note = serde_json::from_str(&partial.note()).unwrap_or_default();
        let known = note.validator.is_some() || (self.pinned && note.size.is_some());
        if !known {
            partial.clear()?;
        }
        let have = partial.length();
        let headers = if have > 0 { resuming(have, &note) } else { HeaderMap::new() };
        let answer = self.web.get(address, &headers).await.map_err(TransferError::Web)?;
        match answer.status() {
            StatusCode::OK => {
                refuse_page(&answer)?;
                partial.clear()?;
                let size = number(answer.headers(), "content-length");
                note =
                    Note { url: address.to_string(), validator: validator(answer.headers()), size };
                self.check_size(size)?;
                partial.set_note(&serde_json::to_string(&note).unwrap_or_default())?;
            }
            StatusCode::PARTIAL_CONTENT if have > 0 => {
                let same = match (&note.validator, validator(answer.headers())) {
                    (Some(before), Some(now)) => *before == now,
                    _ => true,
                };
                let range = content_range(answer.headers());
                let fits = range.is_some_and(|(start, total)| {
                    start == have && note.size.is_none_or(|size| Some(size) == total)
                });
                if !same || !fits {
                    partial.clear()?;
                    return Err(TransferError::Changed);
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
                if note.size == Some(have) {
                    return Ok(());
                }
                partial.clear()?;
                return Err(TransferError::Changed);
            }
            status => return Err(refused(status, answer.headers())),
        }
        self.body(answer, partial, note.size, gauge).await
    }

    async fn body(
        &self,
        mut answer: Response<Incoming>,
        partial: &mut Partial,
        size: Option<u64>,
        gauge: &Gauge<'_>,
    ) -> Result<(), TransferError> {
        gauge.set(partial.length(), size);
        loop {
            let frame = tokio::time::timeout(self.pace.silence, answer.body_mut().frame()).await;
            let frame = match frame {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(TransferError::Broken(error.to_string())),
                Err(_) => {
                    let silent = texts::no_answer_within(self.pace.silence.as_secs());
                    return Err(TransferError::Broken(silent));
                }
            };
            let bytes: Bytes = frame.into_data().unwrap_or_default();
            self.check_size(Some(partial.length() + bytes.len() as u64))?;
            partial.append(&bytes)?;
            gauge.set(partial.length(), size);
        }
        match size {
            Some(size) if size != partial.length() => Err(TransferError::Changed),
            _ => Ok(()),
        }
    }

    fn check_size(&self, size: Option<u64>) -> Result<(), TransferError> {
        match size {
            Some(size) if size > self.limit => Err(TransferError::TooLarge(self.limit)),
            _ => Ok(()),
        }
    }
}

impl Pace {
    /// How long to wait before the next try; `None` if there is none.
    fn pause(&self, error: &TransferError, tries: u32) -> Option<Duration> {
        if tries >= self.tries || !error.may_pass() {
            return None;
        }
        let usual = self.first_pause * 2u32.saturating_pow(tries.saturating_sub(1));
        match error {
            TransferError::Busy(_, Some(asked)) if *asked > self.longest_pause => None,
            TransferError::Busy(_, Some(asked)) => Some(usual.max(*asked)),
            _ => Some(usual),
        }
    }
}

impl TransferError {
    /// Whether it may go better in a moment.
    fn may_pass(&self) -> bool {
        match self {
            Self::Busy(..) | Self::Broken(_) | Self::Changed | Self::Web(WebError::Broken(_)) => {
                true
            }
            Self::Web(WebError::Connect(error)) => match error {
                ConnectError::Name(NameError::NoAnswer { configured, .. }) => *configured,
                ConnectError::Address(_, problem) => *problem != AddressProblem::Refused,
                ConnectError::Tls(_) => true,
                ConnectError::Name(NameError::Unknown { .. })
                | ConnectError::Proxy(..)
                | ConnectError::PlainHttp
                | ConnectError::Certificate(_)
                | ConnectError::ClientCertificate => false,
            },
            Self::Web(WebError::Redirect(_) | WebError::Downgrade(_))
            | Self::Status(_)
            | Self::Page
            | Self::TooLarge(_)
            | Self::Cache(_) => false,
        }
    }
}

/// Asks for the rest of a file, if it is still the same.
fn resuming(have: u64, note: &Note) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(range) = HeaderValue::from_str(&format!("bytes={have}-")) {
        headers.insert(RANGE, range);
    }
    if let Some(Ok(validator)) = note.validator.as_deref().map(HeaderValue::from_str) {
        headers.insert(IF_RANGE, validator);
    }
    headers
}

/// What can stand in `If-Range`: an entity tag that is not weak, else the time of the last change.
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
    text(ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(LAST_MODIFIED))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// `bytes FIRST-LAST/TOTAL`: the first, and the total if it is known.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.parse().ok()?, total.parse().ok()))
}

/// Networks that want a login of people answer everything with a page.
pub fn refuse_page(answer: &Response<Incoming>) -> Result<(), TransferError> {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    match kind {
        Some(kind) if kind.starts_with("text/html") => Err(TransferError::Page),
        _ => Ok(()),
    }
}

fn refused(status: StatusCode, headers: &HeaderMap) -> TransferError {
    let code = status.as_u16();
    match status {
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => TransferError::Busy(code, retry_after(headers)),
        _ => TransferError::Status(code),
    }
}

/// Seconds, or a time by the server's own clock (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = |text: &str| rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let (then, now) = (time(text)?, time(headers.get(DATE)?.to_str().ok()?)?);
    Some(Duration::from_secs(u64::try_from(then.as_second() - now.as_second()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let all = all.iter();
        all.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn what_tells_a_file_from_others() {
        let date = ("last-modified", "Tue, 24 Nov 2026 06:00:00 GMT");
        let of = |all: &[_]| validator(&headers(all));
        assert_eq!(of(&[("etag", "\"a\""), date]).as_deref(), Some("\"a\""));
        assert_eq!(of(&[("etag", "W/\"a\""), date]).as_deref(), Some(date.1));
        assert_eq!(of(&[("etag", "W/\"a\"")]), None);
    }

    #[test]
    fn when_to_come_again() {
        let after = |all: &[_]| retry_after(&headers(all)).map(|time| time.as_secs());
        let date = ("date", "Tue, 24 Nov 2026 06:00:00 GMT");
        assert_eq!(after(&[("retry-after", "7")]), Some(7));
        assert_eq!(after(&[("retry-after", "Tue, 24 Nov 2026 06:00:09 GMT"), date]), Some(9));
        assert_eq!(after(&[("retry-after", "Tue, 24 Nov 2026 05:00:00 GMT"), date]), Some(0));
        assert_eq!(after(&[("retry-after", "soon"), date]), None);
        assert_eq!(after(&[]), None);
    }

    #[test]
    fn pauses_grow_and_end() {
        let pace = Pace::default();
        let busy = |asked: Option<u64>| TransferError::Busy(503, asked.map(Duration::from_secs));
        let pause =
            |error: &TransferError, tries| pace.pause(error, tries).map(|it| it.as_millis());
        assert_eq!(pause(&busy(None), 1), Some(500));
        assert_eq!(pause(&busy(None), 3), Some(2000));
        assert_eq!(pause(&busy(None), 5), None);
        assert_eq!(pause(&busy(Some(9)), 1), Some(9000));
        assert_eq!(pause(&busy(Some(0)), 2), Some(1000));
        assert_eq!(pause(&busy(Some(600)), 1), None, "longer than anybody waits");
        assert_eq!(pause(&TransferError::Status(404), 1), None);
    }

    #[test]
    fn ranges() {
        let of = |text: &str| content_range(&headers(&[("content-range", text)]));
        assert_eq!(of("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(of("bytes 5-9/*"), Some((5, None)));
        assert_eq!(of("bytes */10"), None);
        assert_eq!(of("lines 1-2/3"), None);
    }
}
