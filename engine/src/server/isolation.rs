//! Fields of `HostConfig` that become mounts, limits of processes and kernel parameters (pure).

use std::collections::BTreeMap;

use libcontainer::oci_spec::runtime::{PosixRlimit, PosixRlimitBuilder, PosixRlimitType};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    error::{ApiError, ApiResult},
    settings::HostConfig,
};
use crate::runtime::spec::ExtraMount;

/// `HostConfig.Ulimits`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Ulimit {
    name: String,
    soft: i64,
    hard: i64,
}

/// A directory or file of the host in a container: `HostConfig.Binds`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bind {
    source: String,
    destination: String,
    mode: String,
    read_only: bool,
}

impl HostConfig {
    /// What is refused of the fields of this file.
    pub fn check_isolation(&self) -> ApiResult<()> {
        self.rlimits()?;
        self.sysctls()?;
        self.extra_mounts()?;
        if !(-1000..=1000).contains(&self.oom_score_adj) {
            return Err(ApiError::bad(format!(
                "Invalid value {}, range for oom score adj is [-1000, 1000]",
                self.oom_score_adj
            )));
        }
        Ok(())
    }

    /// `Ulimits`; a negative number is no limit.
    pub fn rlimits(&self) -> ApiResult<Vec<PosixRlimit>> {
        self.ulimits.iter().map(Ulimit::read).collect()
    }

    /// `Sysctls`, of those alone that a container has for itself.
    pub fn sysctls(&self) -> ApiResult<BTreeMap<String, String>> {
        let own_network = self.network_mode == "none";
        for name in self.sysctls.keys() {
            if !is_own(name, own_network) {
                return Err(ApiError::bad(format!(
                    "sysctl \"{name}\" is not in a separate kernel namespace"
                )));
            }
        }
        Ok(self.sysctls.clone())
    }

    /// `Binds` and `Tmpfs`, those first that others may lie in.
    pub fn extra_mounts(&self) -> ApiResult<Vec<ExtraMount>> {
        let mut all = Vec::new();
        for bind in self.binds()? {
            let mut options = vec!["rbind".to_owned(), "rprivate".to_owned()];
            if bind.read_only {
                options.push("ro".to_owned());
            }
            all.push(ExtraMount {
                kind: "bind".into(),
                source: bind.source,
                destination: bind.destination,
                options,
            });
        }
        for (destination, options) in &self.tmpfs {
            let mut words: Vec<String> = ["nosuid", "nodev", "noexec"].map(str::to_owned).to_vec();
            for word in options.split(',').filter(|word| !word.is_empty()) {
                if !is_tmpfs_option(word) {
                    return Err(ApiError::bad(format!("invalid tmpfs option [\"{word}\"]")));
                }
                words.push(word.to_owned());
            }
            all.push(ExtraMount {
                kind: "tmpfs".into(),
                source: "tmpfs".into(),
                destination: destination.clone(),
                options: words,
            });
        }
        all.sort_by_key(|mount| mount.destination.matches('/').count());
        for (at, mount) in all.iter().enumerate() {
            check_destination(&mount.destination)?;
            if all[..at].iter().any(|other| other.destination == mount.destination) {
                let text = format!("Duplicate mount point: {}", mount.destination);
                return Err(ApiError::bad(text));
            }
        }
        Ok(all)
    }

    /// `Mounts` of a container, as the API shows them.
    pub fn shown_mounts(&self) -> Vec<Value> {
        let binds = self.binds().unwrap_or_default();
        let shown = |bind: &Bind| {
            json!({
                "Type": "bind", "Source": bind.source, "Destination": bind.destination,
                "Mode": bind.mode, "RW": !bind.read_only, "Propagation": "rprivate"
            })
        };
        binds.iter().map(shown).collect()
    }

    fn binds(&self) -> ApiResult<Vec<Bind>> {
        self.binds.iter().map(|text| Bind::read(text)).collect()
    }
}

impl Ulimit {
    fn read(&self) -> ApiResult<PosixRlimit> {
        let kind: PosixRlimitType =
            serde_json::from_value(json!(format!("RLIMIT_{}", self.name.to_ascii_uppercase())))
                .map_err(|_| ApiError::bad(format!("invalid ulimit type: {}", self.name)))?;
        let number = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
        let (soft, hard) = (number(self.soft), number(self.hard));
        if soft > hard {
            return Err(ApiError::bad(format!(
                "ulimit soft limit must be less than or equal to hard limit: {} > {}",
                self.soft, self.hard
            )));
        }
        PosixRlimitBuilder::default()
            .typ(kind)
            .soft(soft)
            .hard(hard)
            .build()
            .map_err(|error| ApiError::internal("describe a ulimit", error))
    }
}

impl Bind {
    /// `source:destination[:options]`.
    fn read(text: &str) -> ApiResult<Self> {
        let invalid = || ApiError::bad(format!("invalid volume specification: '{text}'"));
        let parts: Vec<&str> = text.split(':').collect();
        let (source, destination, mode) = match parts[..] {
            [source, destination] => (source, destination, ""),
            [source, destination, mode] => (source, destination, mode),
            _ => return Err(invalid()),
        };
        if !source.starts_with('/') {
            return Err(ApiError::bad(format!(
                "HostConfig.Binds: the named volume {source:?} is not supported by this engine yet"
            )));
        }
        let mut read_only = false;
        for option in mode.split(',').filter(|option| !option.is_empty()) {
            match option {
                "ro" => read_only = true,
                "rw" => read_only = false,
                "rprivate" => {}
                other => {
                    let text = format!(
                        "HostConfig.Binds: the option {other:?} is not supported by this engine yet"
                    );
                    return Err(ApiError::bad(text));
                }
            }
        }
        Ok(Self {
            source: source.to_owned(),
            destination: destination.to_owned(),
            mode: mode.to_owned(),
            read_only,
        })
    }
}

fn check_destination(path: &str) -> ApiResult<()> {
    let names = || path.split('/').filter(|name| !name.is_empty());
    if !path.starts_with('/') || names().any(|name| matches!(name, "." | "..")) {
        return Err(ApiError::bad(format!(
            "invalid mount path: '{path}' mount path must be absolute"
        )));
    }
    if names().next().is_none() {
        return Err(ApiError::bad("invalid specification: destination can't be '/'"));
    }
    Ok(())
}

/// Kernel parameters that the namespaces of a container have for themselves, as runc knows them.
fn is_own(name: &str, own_network: bool) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let ipc = ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni"];
    plain
        && !name.contains("..")
        && (name.strip_prefix("kernel.").is_some_and(|rest| ipc.contains(&rest))
            || name == "kernel.shm_rmid_forced"
            || name.starts_with("fs.mqueue.")
            || (own_network && name.starts_with("net.")))
}

fn is_tmpfs_option(word: &str) -> bool {
    match word.split_once('=') {
        Some((name, value)) => {
            ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks"].contains(&name)
                && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'%')
        }
        None => {
            ["rw", "ro", "exec", "noexec", "suid", "nosuid", "dev", "nodev", "noatime", "relatime"]
                .contains(&word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(mut value: Value) -> ApiResult<HostConfig> {
        value["NetworkMode"] = json!("none");
        HostConfig::read(&value)
    }

    #[test]
    fn what_is_not_a_containers_own_is_refused() {
        for (value, text) in [
            (json!({ "Sysctls": { "kernel.panic": "1" } }), "separate kernel namespace"),
            (json!({ "Sysctls": { "net.../../kernel/panic": "1" } }), "separate kernel namespace"),
            (json!({ "Sysctls": { "net..panic": "1" } }), "separate kernel namespace"),
            (json!({ "Binds": ["data:/x"] }), "named volume"),
            (json!({ "Binds": ["/x:/y:z"] }), "the option \"z\""),
            (json!({ "Binds": ["/x:y"] }), "must be absolute"),
            (json!({ "Binds": ["/x:/../y"] }), "must be absolute"),
            (json!({ "Binds": ["/x:/"] }), "can't be '/'"),
            (json!({ "Binds": ["/x:/y", "/z:/y"] }), "Duplicate mount point"),
            (json!({ "Tmpfs": { "/x": "bind" } }), "invalid tmpfs option"),
            (json!({ "Ulimits": [{ "Name": "x", "Soft": 1, "Hard": 1 }] }), "invalid ulimit"),
            (json!({ "Ulimits": [{ "Name": "nofile", "Soft": 2, "Hard": 1 }] }), "soft limit"),
            (json!({ "OomScoreAdj": 1001 }), "oom score adj"),
        ] {
            let error = host(value.clone()).unwrap_err();
            assert!(error.message.contains(text), "{value}: {}", error.message);
        }
    }

    #[test]
    fn mounts_that_others_lie_in_come_first() {
        let host = host(json!({ "Binds": ["/a:/x/y/z", "/b:/x:ro"], "Tmpfs": { "/x/y": "" } }));
        let mounts = host.unwrap().extra_mounts().unwrap();
        let order: Vec<&str> = mounts.iter().map(|mount| mount.destination.as_str()).collect();
        assert_eq!(order, ["/x", "/x/y", "/x/y/z"]);
        assert!(mounts[0].options.contains(&"ro".to_owned()));
    }
}
