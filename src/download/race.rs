//! Which mirror is the fastest: all are asked at once for a piece of a file that they should have.

use std::time::Duration;

use futures_util::StreamExt;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue, RANGE};
use serde::Serialize;
use tokio::time::{Instant, timeout};

use super::transfer::{TransferError, refuse_page};
use crate::mirrors::Site;
use crate::net::web::{Address, Web};
use crate::texts::net as texts;

/// How many are asked at once: so many that those that do not answer cost no time of others, and
/// so few that they do not slow each other down much.
const AT_ONCE: usize = 6;
/// The piece that is asked for, in bytes.
const PIECE: u64 = 512 << 10;
/// How long one may take.
const LIMIT: Duration = Duration::from_secs(8);
/// What is usually fetched, in bytes: what a mirror's latency is weighed against.
const USUAL: f64 = 80e6;

/// What was measured of a mirror.
#[derive(Debug)]
pub struct Measured {
    /// The mirror.
    pub site: Site,
    /// How it does.
    pub result: Result<Speed, TransferError>,
    /// Whether it has packages for a distribution, if that was asked.
    pub packages: Option<bool>,
}

/// How fast a mirror is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Until its answer began: name, connection, TLS and the server itself.
    pub milliseconds: u64,
    /// Bytes of the piece per second after that.
    pub bytes_per_second: u64,
    /// Whether it gives a file from its middle, so that what broke can be taken up.
    pub ranges: bool,
}

impl Speed {
    /// How long an archive would take, in seconds.
    fn usual(&self) -> f64 {
        let latency = Duration::from_millis(self.milliseconds).as_secs_f64();
        #[allow(clippy::cast_precision_loss)] // an estimate
        let speed = self.bytes_per_second.max(1) as f64;
        latency + USUAL / speed
    }
}

/// Asks all mirrors for a path beneath their roots, and for an index of packages; the fastest
/// stands first, those that do not give the path last, otherwise in their order.
pub async fn race(web: &Web, sites: Vec<Site>, path: &str, index: Option<&str>) -> Vec<Measured> {
    let all = sites.into_iter().map(|site| async move {
        let result = match Address::of(&site, path) {
            Some(address) => one(web, &address).await,
            None => Err(TransferError::Status(404)),
        };
        let packages = match index.and_then(|index| Address::of(&site, index)) {
            Some(address) if result.is_ok() => {
                Some(timeout(LIMIT, measure(web, &address)).await.is_ok_and(|it| it.is_ok()))
            }
            _ => None,
        };
        Measured { site, result, packages }
    });
    let mut all: Vec<Measured> = futures_util::stream::iter(all).buffered(AT_ONCE).collect().await;
    all.sort_by(|one, other| {
        let time = |it: &Measured| it.result.as_ref().map_or(f64::INFINITY, Speed::usual);
        time(one).total_cmp(&time(other))
    });
    all
}

async fn one(web: &Web, address: &Address) -> Result<Speed, TransferError> {
    let silent = || TransferError::Broken(texts::no_answer_within(LIMIT.as_secs()));
    timeout(LIMIT, measure(web, address)).await.unwrap_or_else(|_| Err(silent()))
}

async fn measure(web: &Web, address: &Address) -> Result<Speed, TransferError> {
    let mut headers = HeaderMap::new();
    headers.insert(RANGE, HeaderValue::from_static("bytes=0-524287"));
    let began = Instant::now();
    let mut answer = web.get(address, &headers).await.map_err(TransferError::Web)?;
    let latency = began.elapsed();
    let ranges = match answer.status() {
        StatusCode::OK => false,
        StatusCode::PARTIAL_CONTENT => true,
        status => return Err(TransferError::Status(status.as_u16())),
    };
    refuse_page(&answer)?;
    let (mut got, began) = (0, Instant::now());
    // One that ignores ranges would send all of it.
    while got < PIECE {
        let Some(frame) = answer.body_mut().frame().await else { break };
        let frame = frame.map_err(|error| TransferError::Broken(error.to_string()))?;
        got += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
    }
    let took = began.elapsed().max(Duration::from_micros(100));
    let per_second = u128::from(got) * 1_000_000 / took.as_micros().max(1);
    Ok(Speed {
        milliseconds: u64::try_from(latency.as_millis()).unwrap_or(u64::MAX),
        bytes_per_second: u64::try_from(per_second).unwrap_or(u64::MAX),
        ranges,
    })
}
