//! What dockerd says of daemon.json before it is written.

/// It does not accept the file.
pub fn refused(version: Option<&str>) -> String {
    let version = version.map(|version| format!(" {version}")).unwrap_or_default();
    format!("dockerd{version} does not accept daemon.json as it would be")
}

/// What to do then.
pub const HINT: &str = "change what it names, and try again: nothing was changed on this host";
/// It said nothing.
pub const NO_WORD: &str = "it ended without a word";

/// It could not be asked.
pub fn unasked(reason: &str) -> String {
    format!("dockerd could not be asked whether it accepts daemon.json: {reason}")
}
