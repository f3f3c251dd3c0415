//! Fetching files that somebody else has pinned, from mirrors that nobody has to trust.
//!
//! A [`Want`] is a file by its name, where it can be had, and the digest that it shall have.
//! [`Fetcher::fetch`] gets several at once. Each is begun where an earlier run stopped, if the
//! server still has the same file; a broken connection is taken up again; a mirror that does not
//! give it is passed over. What comes is compared with the pin. Without one two mirrors have to
//! agree. Whole files lie in the cache by their digests ([`crate::host::cache_dir`]).

mod engine;
mod fetch;
mod meter;
pub mod race;
mod transfer;

#[cfg(test)]
mod tests;

pub use engine::EngineArchive;
pub use fetch::{FetchError, Fetched, Fetcher, Passed, Vouched, Want};
pub use transfer::{Pace, TransferError};
