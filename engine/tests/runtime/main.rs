//! The engine's containers: shims alone, and the daemon with the stock client. They run in a
//! booted host, where `tests/bench/on_host.sh` brings them; see the Makefile.
#![allow(clippy::disallowed_methods, reason = "the tests' own files and programs, not a host's")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

mod api;
mod bench;
mod conformance;
mod cut;
mod daemon;
mod images;
mod isolation;
mod shim;
