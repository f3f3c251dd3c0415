//! The way to servers: names, proxies, TLS, and HTTP for files.
//!
//! Nothing here goes through the C library's resolver, and no name server is asked that the host
//! does not name.

pub mod authorities;
pub mod connect;
pub mod names;
pub mod proxy;
pub mod trust;
pub mod web;
