//! Keys of daemon.json against what the daemon itself reports: a reload or a restart that succeeded does
//! not yet mean that a key is in force.

use std::collections::HashMap;

use landfall_engine::Info;
use serde_json::{Map, Value};

/// The keys of daemon.json that `wanted` sets and the daemon does not follow. Only keys that
/// the API reports (`GET /info`) are looked at.
pub fn not_in_force(wanted: &Map<String, Value>, info: &Info) -> Vec<String> {
    wanted
        .iter()
        .filter(|(key, value)| !is_in_force(key, value, info))
        .map(|(key, _)| key.clone())
        .collect()
}

fn is_in_force(key: &str, value: &Value, info: &Info) -> bool {
    match key {
        "registry-mirrors" => {
            all_of(value, |url| info.registry_mirrors.iter().any(|known| same_url(known, url)))
        }
        "insecure-registries" => {
            all_of(value, |registry| info.insecure_registries.iter().any(|known| known == registry))
        }
        "live-restore" => value.as_bool().is_none_or(|wanted| wanted == info.live_restore),
        "debug" => value.as_bool().is_none_or(|wanted| wanted == info.debug),
        "labels" => all_of(value, |label| info.labels.iter().any(|known| known == label)),
        "default-runtime" => value.as_str().is_none_or(|wanted| wanted == info.default_runtime),
        "runtimes" => value
            .as_object()
            .is_none_or(|wanted| wanted.keys().all(|name| info.runtimes.contains(name))),
        "exec-opts" => {
            let driver =
                |option: &str| option.strip_prefix("native.cgroupdriver=").map(str::to_owned);
            all_of(value, |option| driver(option).is_none_or(|driver| driver == info.cgroup_driver))
        }
        "log-driver" => value.as_str().is_none_or(|wanted| wanted == info.log_driver),
        _ => true,
    }
}

/// The keys that `wanted` sets and the daemon did not take over when it last read its configuration
/// again, by what it said then (the event `reload`). That is where it tells of numbers, which
/// `GET /info` has not.
pub fn not_reloaded(wanted: &Map<String, Value>, said: &HashMap<String, String>) -> Vec<String> {
    let numbers = wanted.iter().filter_map(|(key, value)| Some((key, value.as_i64()?)));
    let differs = |key: &str, wanted: i64| {
        said.get(key).and_then(|said| said.parse::<i64>().ok()).is_some_and(|said| said != wanted)
    };
    // 0 stands for the daemon's own default.
    let ignored = numbers.filter(|(key, wanted)| *wanted != 0 && differs(key, *wanted));
    ignored.map(|(key, _)| key.clone()).collect()
}

fn all_of(list: &Value, holds: impl Fn(&str) -> bool) -> bool {
    list.as_array().is_none_or(|list| list.iter().filter_map(Value::as_str).all(holds))
}

/// dockerd adds the slash that ends a mirror's URL.
fn same_url(known: &str, wanted: &str) -> bool {
    known.trim_end_matches('/') == wanted.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(wanted: Value, info: &Info) -> Vec<String> {
        let Value::Object(wanted) = wanted else { panic!("an object is wanted") };
        not_in_force(&wanted, info)
    }

    #[test]
    fn what_the_daemon_follows_is_in_force() {
        let info = Info {
            registry_mirrors: vec!["https://mirror.example/".to_owned()],
            insecure_registries: vec!["10.0.0.5:5000".to_owned(), "127.0.0.0/8".to_owned()],
            live_restore: true,
            ..Info::default()
        };
        let wanted = json!({
            "registry-mirrors": ["https://mirror.example"], "live-restore": true,
            "insecure-registries": ["10.0.0.5:5000"], "bip": "172.30.0.1/24",
        });
        assert_eq!(check(wanted, &info), Vec::<String>::new());
    }

    #[test]
    fn what_it_says_of_a_reload_counts_for_numbers() {
        let Value::Object(wanted) = json!({
            "max-concurrent-downloads": 8, "shutdown-timeout": 20, "max-download-attempts": 0,
            "mtu": 1400, "debug": true,
        }) else {
            panic!("an object")
        };
        let said = |downloads: &str| {
            let attributes = [
                ("max-concurrent-downloads", downloads),
                ("shutdown-timeout", "20"),
                ("max-download-attempts", "5"),
                ("name", "host"),
            ];
            attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
        };
        assert_eq!(not_reloaded(&wanted, &said("8")), [""; 0]);
        assert_eq!(not_reloaded(&wanted, &said("3")), ["max-concurrent-downloads"]);
        assert_eq!(not_reloaded(&wanted, &HashMap::new()), [""; 0]);
    }

    #[test]
    fn what_it_does_not_follow_is_named() {
        let wanted = json!({
            "registry-mirrors": ["https://mirror.example"], "live-restore": true,
            "insecure-registries": ["10.0.0.5:5000"], "log-driver": "local", "debug": true,
            "labels": ["a=b"], "default-runtime": "kata", "runtimes": {"kata": {}},
            "exec-opts": ["native.cgroupdriver=systemd"],
        });
        let named = [
            "registry-mirrors",
            "live-restore",
            "insecure-registries",
            "log-driver",
            "debug",
            "labels",
            "default-runtime",
            "runtimes",
            "exec-opts",
        ];
        assert_eq!(check(wanted, &Info::default()), named);
    }
}
