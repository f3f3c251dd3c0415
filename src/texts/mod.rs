//! All texts for people, in English. Codes, keys and JSON stay the same in every language.

pub mod adoption;
pub mod approved;
pub mod bootstrap;
pub mod bundle;
pub mod configure;
pub mod doctor;
pub mod download;
pub mod errors;
pub mod findings;
pub mod fleet;
pub mod help;
pub mod migrate;
pub mod net;
pub mod online;
pub mod phrases;
pub mod plan;
pub mod probe;
pub mod progress;
pub mod recover;
pub mod registry;
pub mod rollback;
pub mod status;
pub mod steps;
pub mod support_bundle;
pub mod trust;
pub mod validate;
pub mod verify;

/// Seconds since 1970 as `2026-11-24T06:30:00Z`.
pub fn utc(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(|| seconds.to_string(), |time| time.to_string())
}
