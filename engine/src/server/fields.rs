//! Every field of `Config` and `HostConfig`: applied, or refused by name if it asks for anything.

use serde_json::{Map, Value, json};

use super::error::{ApiError, ApiResult};

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It has its effect.
    Applied,
    /// It is shown again, and means nothing to an engine.
    Shown,
    /// It is refused, unless it asks for nothing or for what is so anyway.
    Refused(&'static [Same]),
}

/// A value that asks for nothing beside those that every field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Same {
    Text(&'static str),
    Number(i64),
}

use Same::{Number, Text};
use Use::{Applied, Refused, Shown};

/// `Config` of the API, 1.47.
const CONFIG: &[(&str, Use)] = &[
    ("Hostname", Applied),
    ("Domainname", Applied),
    ("User", Applied),
    ("AttachStdin", Shown),
    ("AttachStdout", Shown),
    ("AttachStderr", Shown),
    ("ExposedPorts", Shown),
    ("Tty", Applied),
    ("OpenStdin", Applied),
    ("StdinOnce", Applied),
    ("Env", Applied),
    ("Cmd", Applied),
    ("Healthcheck", Refused(&[])),
    ("ArgsEscaped", Refused(&[])),
    ("Image", Applied),
    ("Volumes", Refused(&[])),
    ("WorkingDir", Applied),
    ("Entrypoint", Applied),
    ("NetworkDisabled", Refused(&[])),
    ("MacAddress", Refused(&[])),
    ("OnBuild", Shown),
    ("Labels", Applied),
    ("StopSignal", Applied),
    ("StopTimeout", Applied),
    ("Shell", Shown),
];

/// `HostConfig` of the API, 1.47.
const HOST_CONFIG: &[(&str, Use)] = &[
    ("CpuShares", Applied),
    ("Memory", Applied),
    ("CgroupParent", Refused(&[])),
    ("BlkioWeight", Refused(&[])),
    ("BlkioWeightDevice", Refused(&[])),
    ("BlkioDeviceReadBps", Refused(&[])),
    ("BlkioDeviceWriteBps", Refused(&[])),
    ("BlkioDeviceReadIOps", Refused(&[])),
    ("BlkioDeviceWriteIOps", Refused(&[])),
    ("CpuPeriod", Applied),
    ("CpuQuota", Applied),
    ("CpuRealtimePeriod", Refused(&[])),
    ("CpuRealtimeRuntime", Refused(&[])),
    ("CpusetCpus", Applied),
    ("CpusetMems", Refused(&[])),
    ("Devices", Refused(&[])),
    ("DeviceCgroupRules", Refused(&[])),
    ("DeviceRequests", Refused(&[])),
    ("KernelMemory", Refused(&[])),
    ("KernelMemoryTCP", Refused(&[])),
    ("MemoryReservation", Refused(&[])),
    ("MemorySwap", Applied),
    ("MemorySwappiness", Refused(&[Number(-1)])),
    ("NanoCpus", Applied),
    ("OomKillDisable", Refused(&[])),
    ("Init", Refused(&[])),
    ("PidsLimit", Applied),
    ("Ulimits", Applied),
    ("CpuCount", Refused(&[])),
    ("CpuPercent", Refused(&[])),
    ("IOMaximumIOps", Refused(&[])),
    ("IOMaximumBandwidth", Refused(&[])),
    ("Binds", Applied),
    ("ContainerIDFile", Shown),
    ("LogConfig", Applied),
    ("NetworkMode", Applied),
    ("PortBindings", Refused(&[])),
    ("RestartPolicy", Applied),
    ("AutoRemove", Applied),
    ("VolumeDriver", Refused(&[])),
    ("VolumesFrom", Refused(&[])),
    ("Mounts", Refused(&[])),
    ("ConsoleSize", Shown),
    ("Annotations", Refused(&[])),
    ("CapAdd", Applied),
    ("CapDrop", Applied),
    ("CgroupnsMode", Refused(&[Text("host")])),
    ("Dns", Refused(&[])),
    ("DnsOptions", Refused(&[])),
    ("DnsSearch", Refused(&[])),
    ("ExtraHosts", Refused(&[])),
    ("GroupAdd", Applied),
    ("IpcMode", Refused(&[Text("private")])),
    ("Cgroup", Refused(&[])),
    ("Links", Refused(&[])),
    ("OomScoreAdj", Applied),
    ("PidMode", Refused(&[])),
    ("Privileged", Refused(&[])),
    ("PublishAllPorts", Refused(&[])),
    ("ReadonlyRootfs", Applied),
    ("SecurityOpt", Applied),
    ("StorageOpt", Refused(&[])),
    ("Tmpfs", Applied),
    ("UTSMode", Refused(&[])),
    ("UsernsMode", Refused(&[])),
    ("ShmSize", Applied),
    ("Sysctls", Applied),
    ("Runtime", Refused(&[Text("runc")])),
    ("Isolation", Refused(&[Text("default")])),
    // moby answers null where nobody asked; both are what every container has.
    ("MaskedPaths", Refused(&[])),
    ("ReadonlyPaths", Refused(&[])),
];

/// Refuses what this engine cannot do. Text for the client.
pub fn check(config: &Map<String, Value>, host_config: &Map<String, Value>) -> ApiResult<()> {
    check_object("Config", CONFIG, config)?;
    check_object("HostConfig", HOST_CONFIG, host_config)
}

fn check_object(object: &str, fields: &[(&str, Use)], given: &Map<String, Value>) -> ApiResult<()> {
    for (name, value) in given {
        // Go reads names in any case; in another than the clients write, none is known here.
        let known = fields.iter().find(|(field, _)| field == name);
        let refused = match known {
            Some((_, Applied | Shown)) => false,
            Some((_, Refused(same))) => !asks_for_nothing(value, same),
            None => !asks_for_nothing(value, &[]),
        };
        if refused {
            return Err(ApiError::bad(format!(
                "{object}.{name} is not supported by this engine yet (asked for: {value})"
            )));
        }
    }
    Ok(())
}

fn asks_for_nothing(value: &Value, same: &[Same]) -> bool {
    let empty = match value {
        Value::Null => true,
        Value::Bool(asked) => !asked,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    };
    empty
        || same.iter().any(|same| match same {
            Text(text) => value == text,
            Number(number) => value == number,
        })
}

/// `HostConfig` as dockerd shows one for which nothing was asked: clients rely on every field.
pub fn default_host_config() -> Value {
    // A test reads it: it cannot fail.
    serde_json::from_str(include_str!("host_config.json")).unwrap_or_default()
}

/// `Config` as dockerd shows an empty one.
pub fn default_config() -> Value {
    json!({
        "Hostname": "", "Domainname": "", "User": "", "AttachStdin": false,
        "AttachStdout": false, "AttachStderr": false, "Tty": false, "OpenStdin": false,
        "StdinOnce": false, "Env": [], "Cmd": null, "Image": "", "Volumes": null,
        "WorkingDir": "", "Entrypoint": null, "OnBuild": null, "Labels": {}
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(config: Value, host_config: Value) -> Result<(), String> {
        let object = |value: Value| value.as_object().unwrap().clone();
        check(&object(config), &object(host_config)).map_err(|error| error.message)
    }

    #[test]
    fn what_is_shown_by_default_may_be_asked_for() {
        checked(default_config(), default_host_config()).unwrap();
    }

    #[test]
    fn what_is_not_applied_is_refused_by_name() {
        let refused = [
            ("Privileged", json!(true)),
            ("Mounts", json!([{ "Type": "bind", "Source": "/", "Target": "/host" }])),
            ("PidMode", json!("host")),
            ("IpcMode", json!("host")),
            ("MemorySwappiness", json!(10)),
            ("OfTheFuture", json!("x")),
            ("memory", json!(5)),
        ];
        for (name, value) in refused {
            let error = checked(json!({}), json!({ name: value })).unwrap_err();
            assert!(error.starts_with(&format!("HostConfig.{name} is not supported")), "{error}");
        }
        let error = checked(json!({ "Healthcheck": { "Test": ["CMD", "x"] } }), json!({}));
        assert!(error.unwrap_err().starts_with("Config.Healthcheck is not supported"));
    }
}
