//! Talking to registries of images, as dockerd of this host would: by its names, its proxies, its
//! certificates, its mirrors.
//!
//! [`Site`] is what the host says about registries; [`Client`] speaks to one of them; [`check`]
//! tells each way apart in which that can fail. Nothing here goes through the C library's
//! resolver, and no name server is asked that the host does not name.

mod challenge;
pub mod check;
mod client;
pub mod credentials;
pub mod docker_config;
pub mod files;
mod reference;
mod sight;
mod site;
#[cfg(test)]
#[rustfmt::skip] // one line for each
mod tests;

pub use crate::net::connect::{AddressProblem, ConnectError, Endpoint, Route};
use crate::net::{connect, names, proxy, trust};
pub use challenge::Challenge;
pub use client::{Answer, Body, Client, ClientError, Scope, TokenProblem, body};
pub use credentials::Credentials;
pub use reference::{Image, MirrorUrl, Registry, Target, TargetError};
pub use sight::{CertificateFileProblem, RegistrySight};
pub use site::Site;
