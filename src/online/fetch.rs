//! Getting a small file from a mirror.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::header::HeaderMap;

use crate::host::Host;
use crate::mirrors::Site;
use crate::net::web::{Address, Web};

/// How long a small file may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Gets small files from mirrors.
pub trait Fetch {
    /// A file beneath a mirror's root, of `limit` bytes at most.
    ///
    /// # Errors
    /// [`FetchError`].
    fn fetch(&self, site: &Site, path: &str, limit: usize) -> Result<Vec<u8>, FetchError>;
}

/// Why a file could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The mirror answered with another status than 200.
    Status(u16),
    /// It is longer than is read, or its end did not come.
    Body(String),
    /// There was no answer; in words.
    NoAnswer(String),
}

/// Gets files the way this host goes: its names, proxies and authorities.
pub struct HostFetch<'a> {
    /// The host.
    pub host: &'a Host,
    /// Its way to web servers.
    pub web: &'a Web,
}

impl Fetch for HostFetch<'_> {
    fn fetch(&self, site: &Site, path: &str, limit: usize) -> Result<Vec<u8>, FetchError> {
        let address =
            Address::of(site, path).ok_or_else(|| FetchError::NoAnswer(site.url(path)))?;
        self.host.block_on(async {
            let answer = self.web.get(&address, &HeaderMap::new()).await;
            let answer = answer.map_err(|error| FetchError::NoAnswer(error.to_string()))?;
            if answer.status() != hyper::StatusCode::OK {
                return Err(FetchError::Status(answer.status().as_u16()));
            }
            let body = Limited::new(answer.into_body(), limit).collect();
            let whole = tokio::time::timeout(LIMIT, body).await;
            let body = whole.map_err(|elapsed| FetchError::Body(elapsed.to_string()))?;
            let body = body.map_err(|error| FetchError::Body(error.to_string()))?;
            Ok(body.to_bytes().to_vec())
        })
    }
}
