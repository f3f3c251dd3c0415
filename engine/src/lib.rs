//! An asynchronous client for the Docker Engine API over a unix socket.
//!
//! It speaks to whatever daemon answers on the socket: Docker 1.12 (API 1.24) up to the newest,
//! and any other engine with the same API. HTTP and the API's models come from bollard; this crate
//! adds version negotiation, a time limit on every call, and errors that say what was attempted, on
//! which socket, and what the daemon answered.
//!
//! ```no_run
//! # async fn example() -> Result<(), landfall_engine::EngineError> {
//! use std::{path::Path, time::Duration};
//!
//! use landfall_engine::Client;
//!
//! let client = Client::connect(Path::new("/run/docker.sock"), Duration::from_secs(30)).await?;
//! println!("Docker {}", client.version().await?.engine);
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here resolves a host name or looks up a user, so the crate is safe in a static glibc
//! binary, where the name service modules must not be loaded.

// The answer of `/info` is one long `json!`.
#![recursion_limit = "256"]

mod api_version;
mod client;
mod error;
#[cfg(any(test, feature = "fake-daemon"))]
mod fake_daemon;
#[cfg(feature = "daemon")]
#[allow(
    clippy::disallowed_methods,
    reason = "the engine keeps its own files; `host::Host` is the provisioning tool's"
)]
pub mod image;
#[cfg(feature = "daemon")]
#[allow(
    clippy::disallowed_methods,
    reason = "the engine keeps its own files; `host::Host` is the provisioning tool's"
)]
pub mod runtime;
#[cfg(feature = "daemon")]
#[allow(
    clippy::disallowed_methods,
    reason = "the engine keeps its own files; `host::Host` is the provisioning tool's"
)]
pub mod server;
#[cfg(feature = "daemon")]
#[allow(
    clippy::disallowed_methods,
    reason = "the engine keeps its own files; `host::Host` is the provisioning tool's"
)]
pub mod state;

pub use api_version::ApiVersion;
pub use client::{
    Client,
    container::{Container, ContainerSpec, Logs},
    image::{Image, LOAD_STALL_LIMIT},
    system::{Component, ContainerCount, Info, Version},
};
pub use error::EngineError;
#[cfg(any(test, feature = "fake-daemon"))]
pub use fake_daemon::{Answer, FakeDaemon, Request, log_frame};
