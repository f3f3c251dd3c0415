//! An installation from packages in words.

/// Only running hosts.
pub const NEEDS_LIVE: &str =
    "--online is for a running host with systemd; for an image: landfall install --offline FILE";
/// What a packaged engine has its own way.
pub fn not_with_packages(option: &str) -> String {
    format!("{option} is not for an engine from packages: they say where it goes")
}
/// The engine came otherwise.
pub const OTHER_ENGINE: &str =
    "the engine on this host was not installed from packages by landfall (landfall status)";
/// What to do about that.
pub const UNINSTALL_FIRST: &str =
    "to go over to packages: landfall uninstall (data stay), then landfall install --online";
/// An engine from packages cannot be changed by an archive.
pub const PACKAGES_STAY: &str = "the engine on this host was installed from packages";
/// What to do about that.
pub const UPGRADE_ONLINE: &str = "landfall upgrade --online; to go over to an archive: landfall uninstall (data stay), then \
     landfall install --offline FILE";
/// A plan of packages is not kept.
pub const NO_PLAN_FILE: &str =
    "a plan of an installation --online cannot be kept in a file: what a repository has changes";
/// A probe has no repository.
pub const NO_PROBE: &str = "plan --facts is for archives: packages are planned on their own host";
/// The line above a plan: where packages come from.
pub fn source(site: &str, source: &str) -> String {
    format!("{site}, as {source}")
}

/// The line above a plan: whose key it is.
pub fn key(fingerprint: &str, upstream: bool) -> String {
    let whose = if upstream { "upstream's" } else { "as asked for" };
    format!("{fingerprint} ({whose})")
}

/// The first line of `landfall status`.
pub fn installed(version: Option<&str>, landfall: &str, updated: &str) -> String {
    let version = version.unwrap_or("of unknown version");
    format!(
        "Docker {version}, installed from packages by landfall {landfall}, last changed {updated}"
    )
}

/// The line of `landfall status`.
pub fn packages(manager: &str, versions: &[String]) -> String {
    format!("packages             {} ({manager})", versions.join(", "))
}
