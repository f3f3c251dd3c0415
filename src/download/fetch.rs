//! A file from whichever mirror gives it, and what it is compared with.

use std::path::PathBuf;

use futures_util::StreamExt;

use super::meter::Meter;
use super::transfer::{Pace, Received, Transfer, TransferError};
use crate::digest::Digest;
use crate::host::cache_dir::CacheDir;
use crate::host::{HostError, input};
use crate::net::web::{Address, Web};
use crate::report::{Event, Reporter};
use crate::texts::download as texts;

/// How many files are fetched at once.
const AT_ONCE: usize = 4;

/// A file that is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// Its name, which is one of plain characters.
    pub name: String,
    /// Where it can be had, the better places first.
    pub sources: Vec<Address>,
    /// What it is to be.
    pub pin: Option<Digest>,
    /// The largest that it can be, in bytes.
    pub limit: u64,
}

/// A file that is there, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where.
    pub path: PathBuf,
    /// What it is.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// From where, without logins; empty if it was in the cache.
    pub from: Vec<String>,
    /// Who says that it is what it should be.
    pub by: Vouched,
}

/// Who says that a file is what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// It has the digest that was asked for.
    Pin,
    /// Two mirrors give the same.
    Mirrors,
    /// Nobody, and that was asked for.
    Nobody,
}

/// Why a source does not count.
#[derive(Debug)]
pub enum Passed {
    /// The file does not come from there.
    Transfer(TransferError),
    /// It is another one.
    Other(Digest),
}

impl Passed {
    /// Whether something came, and was not what it should be.
    pub fn is_other(&self) -> bool {
        matches!(self, Self::Other(_))
    }
}

/// Why there is no file.
#[derive(Debug)]
pub enum FetchError {
    /// No source gives it; each with the reason.
    Nowhere {
        /// The file.
        name: String,
        /// Where it was looked for.
        tried: Vec<(String, Passed)>,
    },
    /// Two mirrors give different files, and nobody says which is right.
    Disagree {
        /// The file.
        name: String,
        /// Who gives what.
        given: Vec<(String, Digest)>,
    },
    /// A single mirror gives it, and nobody else says what it should be.
    Alone {
        /// The file.
        name: String,
        /// Who gives it.
        from: String,
        /// What it is.
        sha256: Digest,
        /// The others, with the reason.
        tried: Vec<(String, Passed)>,
    },
    /// The cache cannot be used.
    Cache(HostError),
}

impl From<HostError> for FetchError {
    fn from(error: HostError) -> Self {
        Self::Cache(error)
    }
}

impl FetchError {
    /// Nothing is known of why.
    pub fn none(name: &str) -> Self {
        Self::Nowhere { name: name.to_owned(), tried: Vec::new() }
    }

    /// Whether something came that cannot be trusted.
    pub fn is_of_trust(&self) -> bool {
        match self {
            Self::Nowhere { tried, .. } => tried.iter().any(|(_, why)| why.is_other()),
            Self::Disagree { .. } | Self::Alone { .. } => true,
            Self::Cache(_) => false,
        }
    }
}

/// Fetches files.
pub struct Fetcher<'a> {
    /// How servers are reached.
    pub web: &'a Web,
    /// Where files are kept.
    pub cache: &'a CacheDir,
    /// How patient it is.
    pub pace: Pace,
    /// Whether files are taken that nobody vouches for.
    pub allow_unpinned: bool,
    /// Who is told.
    pub reporter: &'a dyn Reporter,
}

impl Fetcher<'_> {
    /// Fetches files, several at once; what became of each, in the same order.
    pub async fn fetch(&self, wants: &[Want]) -> Vec<Result<Fetched, FetchError>> {
        let meter = Meter::new(self.reporter);
        let all = wants.iter().map(|want| self.one(want, &meter));
        futures_util::stream::iter(all).buffered(AT_ONCE).collect().await
    }

    async fn one(&self, want: &Want, meter: &Meter<'_>) -> Result<Fetched, FetchError> {
        if let Some(found) = self.cached(want)? {
            return Ok(self.tell(want, found));
        }
        let source =
            Sources { fetcher: self, want, meter, left: want.sources.iter(), tried: Vec::new() };
        let found = match want.pin {
            Some(pin) => source.pinned(pin).await?,
            None => source.agreed().await?,
        };
        Ok(self.tell(want, found))
    }

    /// The file in the cache, if it is what it should be.
    fn cached(&self, want: &Want) -> Result<Option<Fetched>, FetchError> {
        let Some(pin) = want.pin else { return Ok(None) };
        let Some(path) = self.cache.find(&pin, &want.name) else { return Ok(None) };
        let file = input::open(&path)?;
        let size = file.metadata().map_or(0, |data| data.len());
        match Digest::of_reader(file) {
            Ok(sha256) if sha256 == pin => {
                let from = Vec::new();
                Ok(Some(Fetched { path, sha256, size, from, by: Vouched::Pin }))
            }
            _ => {
                self.cache.forget(&pin, &want.name);
                Ok(None)
            }
        }
    }

    fn tell(&self, want: &Want, found: Fetched) -> Fetched {
        self.reporter.event(&Event::Downloaded {
            name: &want.name,
            from: &found.from,
            bytes: found.size,
            sha256: found.sha256,
        });
        found
    }
}

/// The sources of a file, as they are gone through.
struct Sources<'a> {
    fetcher: &'a Fetcher<'a>,
    want: &'a Want,
    meter: &'a Meter<'a>,
    left: std::slice::Iter<'a, Address>,
    tried: Vec<(String, Passed)>,
}

impl<'a> Sources<'a> {
    async fn pinned(mut self, pin: Digest) -> Result<Fetched, FetchError> {
        while let Some((source, mut received)) = self.next("").await? {
            if received.sha256 != pin
                && received.resumed
                && !self.afresh(source, &mut received).await?
            {
                continue;
            }
            if received.sha256 == pin {
                return self.keep(received, vec![source.to_string()], Vouched::Pin);
            }
            let sha256 = received.sha256;
            received.partial.discard();
            self.pass(source, Passed::Other(sha256));
        }
        Err(FetchError::Nowhere { name: self.want.name.clone(), tried: self.tried })
    }

    /// Nobody says what it should be: two servers have to give the same.
    async fn agreed(mut self) -> Result<Fetched, FetchError> {
        let name = self.want.name.clone();
        let Some((first, mut one)) = self.next("").await? else {
            return Err(FetchError::Nowhere { name, tried: self.tried });
        };
        if self.fetcher.allow_unpinned {
            return self.keep(one, vec![first.to_string()], Vouched::Nobody);
        }
        let Some((second, mut other)) = self.next(first.authority()).await? else {
            let (from, sha256) = (first.to_string(), one.sha256);
            return Err(FetchError::Alone { name, from, sha256, tried: self.tried });
        };
        let differ = one.sha256 != other.sha256;
        for (source, received) in [(first, &mut one), (second, &mut other)] {
            if differ && received.resumed && !self.afresh(source, received).await? {
                return Err(FetchError::Nowhere { name, tried: self.tried });
            }
        }
        other.partial.discard();
        let from = [first, second].map(Address::to_string);
        if one.sha256 != other.sha256 {
            one.partial.discard();
            let given = from.into_iter().zip([one.sha256, other.sha256]).collect();
            return Err(FetchError::Disagree { name, given });
        }
        self.keep(one, from.to_vec(), Vouched::Mirrors)
    }

    /// The file from the next source that gives it, and that is not this server.
    async fn next(&mut self, not: &str) -> Result<Option<(&'a Address, Received)>, FetchError> {
        while let Some(source) = self.left.next() {
            if source.authority() == not {
                continue;
            }
            match self.transfer().receive(source, &self.meter.gauge()).await {
                Ok(received) => return Ok(Some((source, received))),
                Err(TransferError::Cache(error)) => return Err(error.into()),
                Err(error) => self.pass(source, Passed::Transfer(error)),
            }
        }
        Ok(None)
    }

    /// Gets a file once more from its beginning, which is from an earlier run and may have been
    /// damaged since; whether it came.
    async fn afresh(
        &mut self,
        source: &Address,
        received: &mut Received,
    ) -> Result<bool, FetchError> {
        received.partial.clear()?;
        let transfer = self.transfer();
        match transfer.fill(source, &mut received.partial, &self.meter.gauge()).await {
            Ok(sha256) => {
                received.sha256 = sha256;
                Ok(true)
            }
            Err(TransferError::Cache(error)) => Err(error.into()),
            Err(error) => {
                self.pass(source, Passed::Transfer(error));
                Ok(false)
            }
        }
    }

    fn transfer(&self) -> Transfer<'a> {
        let Fetcher { web, cache, pace, .. } = self.fetcher;
        let Want { pin, limit, .. } = self.want;
        Transfer { web, cache, pace: *pace, limit: *limit, pinned: pin.is_some() }
    }

    fn pass(&mut self, source: &Address, why: Passed) {
        let source = source.to_string();
        let text = texts::passed_over(&source, &why);
        self.fetcher.reporter.event(&Event::Warning { text });
        self.tried.push((source, why));
    }

    fn keep(
        self,
        received: Received,
        from: Vec<String>,
        by: Vouched,
    ) -> Result<Fetched, FetchError> {
        let Received { partial, sha256, .. } = received;
        let size = partial.length();
        let path = partial.keep(self.fetcher.cache, &sha256, &self.want.name)?;
        Ok(Fetched { path, sha256, size, from, by })
    }
}
