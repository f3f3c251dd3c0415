//! Words of the closer look.

/// Unit files.
pub const UNIT_FILES: &str = "unit files";
/// Firewall rules.
pub const FIREWALL: &str = "firewall rules";
/// The daemon's environment.
pub const ENVIRONMENT: &str = "the daemon's environment";

/// What Landfall installed, while a run works on it.
pub fn own_files(command: &str, pid: u32) -> String {
    format!("what landfall installed (landfall {command} goes on, pid {pid})")
}

/// The API said nothing.
pub fn no_answer_within(seconds: u64) -> String {
    format!("no answer within {seconds} s")
}
