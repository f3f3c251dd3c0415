//! `landfall status` in words.

/// What was installed, from what, when, by which Landfall.
pub fn installed(version: Option<&str>, sha256: &str, updated: &str, landfall: &str) -> String {
    let version = version.unwrap_or("of unknown version");
    format!(
        "Docker {version}, installed by landfall {landfall}, last changed {updated}\n\
         archive sha256:{sha256}"
    )
}

/// The distribution, and whether Landfall works on it.
pub fn host(distribution: &str) -> String {
    format!("host                 {distribution}")
}

/// A unit.
pub fn unit(name: &str, active: &str, sub: &str) -> String {
    format!("{name:20} {active} ({sub})")
}

/// The engine answers.
pub fn engine(version: &str, images: u64, running: u64, total: u64) -> String {
    format!(
        "engine               answers: version {version}, {running} of {total} containers \
         running, {images} images"
    )
}

/// The engine does not answer.
pub fn no_engine(error: &str) -> String {
    format!("engine               does not answer: {error}")
}
