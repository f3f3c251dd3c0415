//! Phrases that stand within the sentences of errors.

pub mod archive;
pub mod bundle;
pub mod config;
pub mod daemon_json;
pub mod doctor;
pub mod host;
pub mod image_archive;
pub mod smoke;
pub mod units;
