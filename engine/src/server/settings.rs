//! The applied fields of `Config` and `HostConfig`, typed, and what they come to.

use std::collections::{BTreeMap, HashSet};

use libcontainer::oci_spec::runtime::Capability;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{
    error::{ApiError, ApiResult},
    isolation::Ulimit,
};
use crate::runtime::spec::{DEFAULT_CAPABILITIES, Limits};

/// `Config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Config {
    #[serde(deserialize_with = "or_default")]
    pub hostname: String,
    #[serde(deserialize_with = "or_default")]
    pub domainname: String,
    #[serde(deserialize_with = "or_default")]
    pub user: String,
    #[serde(deserialize_with = "or_default")]
    pub tty: bool,
    #[serde(deserialize_with = "or_default")]
    pub open_stdin: bool,
    #[serde(deserialize_with = "or_default")]
    pub stdin_once: bool,
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<String>,
    pub cmd: Option<Words>,
    pub entrypoint: Option<Words>,
    #[serde(deserialize_with = "or_default")]
    pub image: String,
    #[serde(deserialize_with = "or_default")]
    pub working_dir: String,
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub stop_signal: String,
    pub stop_timeout: Option<i64>,
}

/// A command: the API takes one text or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Words {
    Many(Vec<String>),
    One(String),
}

impl Words {
    fn to_vec(&self) -> Vec<String> {
        match self {
            Self::Many(words) => words.clone(),
            Self::One(word) => vec![word.clone()],
        }
    }
}

/// `HostConfig`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HostConfig {
    #[serde(deserialize_with = "or_default")]
    pub network_mode: String,
    #[serde(deserialize_with = "or_default")]
    pub auto_remove: bool,
    #[serde(deserialize_with = "or_default")]
    pub log_config: LogConfig,
    #[serde(deserialize_with = "or_default")]
    pub restart_policy: RestartPolicy,
    #[serde(deserialize_with = "or_default")]
    pub readonly_rootfs: bool,
    #[serde(deserialize_with = "or_default")]
    pub cap_add: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub cap_drop: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub security_opt: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub group_add: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub binds: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub tmpfs: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub sysctls: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub ulimits: Vec<Ulimit>,
    #[serde(deserialize_with = "or_default")]
    pub oom_score_adj: i32,
    #[serde(deserialize_with = "or_default")]
    pub shm_size: i64,
    #[serde(deserialize_with = "or_default")]
    pub memory: i64,
    #[serde(deserialize_with = "or_default")]
    pub memory_swap: i64,
    #[serde(deserialize_with = "or_default")]
    pub nano_cpus: i64,
    #[serde(deserialize_with = "or_default")]
    pub cpu_shares: i64,
    #[serde(deserialize_with = "or_default")]
    pub cpu_period: i64,
    #[serde(deserialize_with = "or_default")]
    pub cpu_quota: i64,
    #[serde(deserialize_with = "or_default")]
    pub cpuset_cpus: String,
    #[serde(deserialize_with = "or_default")]
    pub pids_limit: i64,
}

/// `HostConfig.LogConfig`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LogConfig {
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
    #[serde(deserialize_with = "or_default")]
    pub config: BTreeMap<String, String>,
}

/// `HostConfig.RestartPolicy`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RestartPolicy {
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}

/// How a log is rotated: bytes, and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    pub max_size: Option<u64>,
    pub max_files: u32,
}

/// What `SecurityOpt` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Security {
    pub no_new_privileges: bool,
    pub seccomp: bool,
}

impl Config {
    pub fn read(value: &Value) -> ApiResult<Self> {
        Self::deserialize(value).map_err(|error| ApiError::bad(format!("invalid Config: {error}")))
    }

    /// What runs: entry point and command.
    pub fn arguments(&self) -> Vec<String> {
        let words = |words: &Option<Words>| words.as_ref().map(Words::to_vec).unwrap_or_default();
        [words(&self.entrypoint), words(&self.cmd)].concat()
    }

    /// The signal that stops it, by number.
    pub fn stop_signal(&self) -> ApiResult<i32> {
        if self.stop_signal.is_empty() { Ok(15) } else { signal_number(&self.stop_signal) }
    }
}

impl HostConfig {
    pub fn read(value: &Value) -> ApiResult<Self> {
        let read: Self = Self::deserialize(value)
            .map_err(|error| ApiError::bad(format!("invalid HostConfig: {error}")))?;
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> ApiResult<()> {
        let unsupported = |what: String| {
            Err(ApiError::bad(format!("{what} is not supported by this engine yet")))
        };
        match self.network_mode.as_str() {
            "none" | "host" => {}
            other if other.starts_with("container:") => {}
            other => {
                let name = if other.is_empty() { "default" } else { other };
                return unsupported(format!("HostConfig.NetworkMode {name:?}"));
            }
        }
        if !matches!(self.restart_policy.name.as_str(), "" | "no") {
            return unsupported(format!("HostConfig.RestartPolicy {:?}", self.restart_policy.name));
        }
        self.capabilities()?;
        self.security()?;
        self.rotation()?;
        self.limits()?;
        self.check_isolation()
    }

    /// The capabilities, from Docker's default with `CapAdd` and `CapDrop`.
    pub fn capabilities(&self) -> ApiResult<HashSet<Capability>> {
        let all = || every_capability().collect::<HashSet<_>>();
        let is_all = |name: &String| name.eq_ignore_ascii_case("all");
        let mut set: HashSet<Capability> = match () {
            () if self.cap_add.iter().any(is_all) => all(),
            () if self.cap_drop.iter().any(is_all) => HashSet::new(),
            () => DEFAULT_CAPABILITIES.into_iter().collect(),
        };
        for name in self.cap_drop.iter().filter(|name| !is_all(name)) {
            set.remove(&capability(name)?);
        }
        for name in self.cap_add.iter().filter(|name| !is_all(name)) {
            set.insert(capability(name)?);
        }
        Ok(set)
    }

    /// `SecurityOpt`.
    pub fn security(&self) -> ApiResult<Security> {
        let mut security = Security { no_new_privileges: false, seccomp: true };
        for option in &self.security_opt {
            match option.as_str() {
                "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true" => {
                    security.no_new_privileges = true;
                }
                "no-new-privileges:false" | "no-new-privileges=false" => {
                    security.no_new_privileges = false;
                }
                "seccomp=unconfined" | "seccomp:unconfined" => security.seccomp = false,
                "seccomp=builtin" => security.seccomp = true,
                other => {
                    let text = "is not supported by this engine yet";
                    return Err(ApiError::bad(format!("HostConfig.SecurityOpt {other:?} {text}")));
                }
            }
        }
        Ok(security)
    }

    /// `LogConfig`, of which json-file is there.
    pub fn rotation(&self) -> ApiResult<Rotation> {
        let LogConfig { r#type, config } = &self.log_config;
        if !matches!(r#type.as_str(), "" | "json-file") {
            let text = format!("logging driver {type:?} is not supported by this engine yet");
            return Err(ApiError::bad(text));
        }
        let mut rotation = Rotation { max_size: None, max_files: 1 };
        for (option, value) in config {
            match option.as_str() {
                "max-size" => rotation.max_size = bytes(value)?,
                "max-file" => {
                    let files = value.parse().ok().filter(|files| *files > 0);
                    rotation.max_files = files.ok_or_else(|| {
                        ApiError::bad(format!("max-file must be a number above 0, not {value:?}"))
                    })?;
                }
                other => {
                    let text = format!("unknown log opt '{other}' for json-file log driver");
                    return Err(ApiError::bad(text));
                }
            }
        }
        if rotation.max_size.is_none() && rotation.max_files > 1 {
            let text = "max-file has no effect without max-size";
            return Err(ApiError::bad(text));
        }
        Ok(rotation)
    }

    /// What it may use. Docker gives as much swap as memory where nobody says otherwise.
    pub fn limits(&self) -> ApiResult<Limits> {
        if self.memory < 0 || (1..6 << 20).contains(&self.memory) {
            return Err(ApiError::bad("Minimum memory limit allowed is 6MB"));
        }
        if self.memory_swap > 0 && self.memory_swap < self.memory {
            let text = "Minimum memoryswap limit should be larger than memory limit, see usage";
            return Err(ApiError::bad(text));
        }
        if self.memory_swap > 0 && self.memory == 0 {
            let text =
                "You should always set the Memory limit when using Memoryswap limit, see usage";
            return Err(ApiError::bad(text));
        }
        if self.nano_cpus > 0 && (self.cpu_period > 0 || self.cpu_quota > 0) {
            let text = "Conflicting options: Nano CPUs and CPU Period cannot both be set.";
            return Err(ApiError::bad(text));
        }
        let positive = |number: i64| Some(number).filter(|number| *number > 0);
        let unsigned = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
        let (cpu_period, cpu_quota) = match positive(self.nano_cpus) {
            Some(nanos) => (Some(100_000), Some(nanos / 10_000)),
            None => (unsigned(self.cpu_period), positive(self.cpu_quota)),
        };
        let memory = positive(self.memory);
        let memory_and_swap = match self.memory_swap {
            0 => memory.map(|bytes| bytes.saturating_mul(2)),
            given => memory.map(|_| given),
        };
        Ok(Limits {
            memory,
            memory_and_swap,
            cpu_shares: unsigned(self.cpu_shares),
            cpu_quota,
            cpu_period,
            cpus: Some(self.cpuset_cpus.clone()).filter(|cpus| !cpus.is_empty()),
            pids: positive(self.pids_limit),
        })
    }
}

/// The number of a signal: `9`, `KILL` or `SIGKILL`.
pub fn signal_number(text: &str) -> ApiResult<i32> {
    let invalid = || ApiError::bad(format!("Invalid signal: {text}"));
    if let Ok(number) = text.parse::<i32>() {
        return if (1..=64).contains(&number) { Ok(number) } else { Err(invalid()) };
    }
    let upper = text.to_ascii_uppercase();
    let name = if upper.starts_with("SIG") { upper } else { format!("SIG{upper}") };
    name.parse::<nix::sys::signal::Signal>().map(|signal| signal as i32).map_err(|_| invalid())
}

fn capability(name: &str) -> ApiResult<Capability> {
    let upper = name.to_ascii_uppercase();
    let short = upper.strip_prefix("CAP_").unwrap_or(&upper);
    every_capability().find(|capability| capability.to_string() == short).ok_or_else(|| {
        ApiError::bad(format!("invalid CapAdd: unknown capability: \"CAP_{short}\""))
    })
}

fn every_capability() -> impl Iterator<Item = Capability> {
    caps::all().into_iter().filter_map(|capability| {
        let name = capability.to_string();
        name.strip_prefix("CAP_").unwrap_or(&name).parse().ok()
    })
}

/// `10m` and the like, as docker's units understand it: powers of 1024. `-1` is no limit.
fn bytes(text: &str) -> ApiResult<Option<u64>> {
    let invalid = || ApiError::bad(format!("invalid size: {text:?}"));
    if text == "-1" {
        return Ok(None);
    }
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match lower[number.len()..].trim_end_matches('b').trim_end_matches('i') {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return Err(invalid()),
    };
    let number: u64 = number.trim().parse().map_err(|_| invalid())?;
    number.checked_mul(factor).filter(|bytes| *bytes > 0).map(Some).ok_or_else(invalid)
}

/// Go writes null for what is empty.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn host(value: Value) -> ApiResult<HostConfig> {
        let mut value = value;
        value["NetworkMode"] = json!("none");
        HostConfig::read(&value)
    }

    #[test]
    fn capabilities_are_added_and_dropped() {
        let count = |value| host(value).unwrap().capabilities().unwrap().len();
        assert_eq!(count(json!({ "CapAdd": null })), 14);
        assert_eq!(count(json!({ "CapDrop": ["ALL"], "CapAdd": ["net_admin"] })), 1);
        assert_eq!(count(json!({ "CapDrop": ["CAP_CHOWN"], "CapAdd": ["SYS_TIME"] })), 14);
        assert_eq!(
            count(json!({ "CapAdd": ["ALL"], "CapDrop": ["MKNOD"] })),
            caps::all().len() - 1
        );
        assert!(host(json!({ "CapAdd": ["FLY"] })).is_err());
    }

    #[test]
    fn limits_are_checked_as_docker_does() {
        let limits = host(json!({ "Memory": 64 << 20, "NanoCpus": 1_500_000_000 })).unwrap();
        let limits = limits.limits().unwrap();
        assert_eq!(limits.memory_and_swap, Some(128 << 20));
        assert_eq!((limits.cpu_period, limits.cpu_quota), (Some(100_000), Some(150_000)));
        assert!(host(json!({ "Memory": 1 << 20 })).is_err());
        assert!(host(json!({ "Memory": 64 << 20, "MemorySwap": 1 << 20 })).is_err());
    }

    #[test]
    fn what_is_in_part_unsupported_is_refused_by_name() {
        for (value, word) in [
            (json!({ "RestartPolicy": { "Name": "always" } }), "RestartPolicy"),
            (json!({ "SecurityOpt": ["label=type:x"] }), "SecurityOpt"),
            (json!({ "LogConfig": { "Type": "syslog" } }), "syslog"),
            (json!({ "LogConfig": { "Config": { "labels": "x" } } }), "labels"),
        ] {
            let error = host(value).unwrap_err();
            assert!(error.message.contains(word), "{}", error.message);
        }
        assert!(HostConfig::read(&json!({})).unwrap_err().message.contains("NetworkMode"));
    }

    #[test]
    fn signals_by_number_and_name() {
        assert_eq!(signal_number("9").unwrap(), 9);
        assert_eq!(signal_number("sigterm").unwrap(), 15);
        assert_eq!(signal_number("HUP").unwrap(), 1);
        assert!(signal_number("LOUD").is_err());
        assert!(signal_number("0").is_err());
    }
}
