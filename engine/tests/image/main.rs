//! Images, with the program that applies layers. The tests need root, as the engine does.
#![allow(clippy::disallowed_methods, reason = "tests make files as they need them")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

mod apply;
mod archive;
mod hostile;
mod store;
