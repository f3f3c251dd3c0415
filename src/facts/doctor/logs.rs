//! Logs of containers that the driver `json-file` writes, beneath the engine's data-root.

use serde_json::Value;

use super::ContainerLog;
use crate::host::{Host, HostError};

/// All logs of containers, by path.
///
/// # Errors
/// [`HostError`] if they may not be looked at.
pub fn gather(host: &Host, data_root: &str) -> Result<Vec<ContainerLog>, HostError> {
    let directory = format!("{data_root}/containers");
    let mut logs = Vec::new();
    for id in host.read_dir(&directory)? {
        let path = format!("{directory}/{id}/{id}-json.log");
        let Some(state) = host.stat(&path)? else { continue };
        let config = host.read_text(&format!("{directory}/{id}/hostconfig.json"))?;
        let rotated = config.as_deref().is_some_and(is_rotated);
        logs.push(ContainerLog { path, bytes: state.size, rotated });
    }
    Ok(logs)
}

/// Whether a container's `hostconfig.json` limits its log. dockerd writes its defaults there
/// when the container is made; changing them later does not change it.
pub fn is_rotated(text: &str) -> bool {
    let config: Option<Value> = serde_json::from_str(text).ok();
    let options = config.as_ref().and_then(|config| config.get("LogConfig")?.get("Config"));
    options.and_then(|options| options.get("max-size")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation() {
        let with = |options: &str| {
            format!(
                r#"{{"Binds": null, "LogConfig": {{"Type": "json-file", "Config": {options}}}}}"#
            )
        };
        assert!(is_rotated(&with(r#"{"max-size": "10m"}"#)));
        assert!(!is_rotated(&with(r#"{"max-file": "3"}"#)), "without a size nothing is rotated");
        assert!(!is_rotated(&with("{}")) && !is_rotated(&with("null")) && !is_rotated("{"));
    }
}
