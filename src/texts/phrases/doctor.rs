//! Words of the closer look.

/// Unit files.
pub const UNIT_FILES: &str = "unit files";
/// Firewall rules.
pub const FIREWALL: &str = "firewall rules";
/// The daemon's environment.
pub const ENVIRONMENT: &str = "the daemon's environment";

/// The API said nothing.
pub fn no_answer_within(seconds: u64) -> String {
    format!("no answer within {seconds} s")
}
