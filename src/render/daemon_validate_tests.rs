use super::*;
use serde_json::json;

fn check(key: &str, value: Value) -> Result<(), String> {
    let wanted = Map::from_iter([(key.to_string(), value)]);
    wanted.iter().try_for_each(|(key, value)| validate_key(key, value, None)).map_err(|error| {
        assert!(!error.hint().is_empty(), "{error}");
        error.to_string()
    })
}

fn accepts(key: &str, values: &[Value]) {
    for value in values {
        assert_eq!(check(key, value.clone()), Ok(()), "{key}: {value}");
    }
}

fn refuses(key: &str, values: &[Value], expected: &str) {
    for value in values {
        let message = check(key, value.clone()).expect_err(&format!("{key}: {value}"));
        assert!(message.contains(expected), "{key}: {value}: {message}");
    }
}

#[test]
fn mirrors() {
    accepts(
        "registry-mirrors",
        &[
            json!([]),
            json!(["https://mirror.example.internal", "http://10.0.0.5:5000/", "HTTPS://m"]),
            json!(["http://[fd00::1]:5000", "http://my_mirror:1"]),
        ],
    );
    refuses("registry-mirrors", &[json!(["mirror.example.internal"])], "has no scheme");
    refuses("registry-mirrors", &[json!(["ftp://m"])], "other than http");
    refuses("registry-mirrors", &[json!(["https://m/v2"]), json!(["https://m//"])], "has a path");
    refuses("registry-mirrors", &[json!(["https://m?x"]), json!(["https://m/#x"])], "query");
    refuses("registry-mirrors", &[json!(["https://u:p@m"])], "user name");
    for host in
        ["", "a b", "-a", "a:0", "a:65536", "a:+1", "a:", "[::1", "[1.2.3.4]", "::1", "a..b"]
    {
        refuses("registry-mirrors", &[json!([format!("https://{host}")])], "no valid host");
    }
    refuses("registry-mirrors", &[json!("https://m")], "must be a list, not a string");
    refuses(
        "registry-mirrors",
        &[json!(["https://m", 1])],
        "`registry-mirrors[1]` must be a string",
    );
}

#[test]
fn insecure_registries() {
    accepts(
        "insecure-registries",
        &[json!([
            "10.0.0.5:5000",
            "registry.example.internal",
            "10.0.0.0/8",
            "fd00::/8",
            "[fd00::1]:5000"
        ])],
    );
    refuses("insecure-registries", &[json!(["http://10.0.0.5:5000"])], "has a scheme");
    for text in ["10.0.0.0/33", "a/b", "", "a:b", "10.0.0.0/", "10.0.0.0/+8"] {
        refuses("insecure-registries", &[json!([text])], "is neither");
    }
}

#[test]
fn directories_addresses_and_sizes() {
    accepts("data-root", &[json!("/data/docker"), json!("/data/a b/")]);
    refuses("data-root", &[json!("data"), json!("")], "not an absolute path");
    refuses("data-root", &[json!("/"), json!("//")], "root directory");
    refuses("data-root", &[json!("/home"), json!("//var/lib/"), json!("/etc/x")], "of the system");
    refuses("data-root", &[json!("/a/../b"), json!("/a\nb")], "`..`");
    accepts("bip", &[json!("172.30.0.1/16"), json!("10.1.2.2/30"), json!("10.255.255.254/8")]);
    refuses(
        "bip",
        &[json!("172.30.0.1"), json!("fd00::1/64"), json!("x/8"), json!("1.2.3.4/33")],
        "IPv4",
    );
    refuses("bip", &[json!("172.30.0.0/16"), json!("172.30.255.255/16")], "not that of a host");
    refuses("bip", &[json!("172.30.0.1/31"), json!("1.2.3.4/0")], "no room");
    refuses("bip", &[json!("127.0.0.1/8"), json!("224.0.0.1/8")], "loopback");
    accepts(
        "log-opts",
        &[
            json!({"max-size": "50m", "max-file": "3"}),
            json!({"max-size": "1G", "tag": "x"}),
            json!({"max-size": "-1"}),
            json!({"max-size": "10kb"}),
        ],
    );
    for size in ["50", "50x", "0m", "m", "1.5g", "-5m", "", "+5m", "5 m"] {
        refuses("log-opts", &[json!({"max-size": size})], "`log-opts.max-size`");
    }
    for count in ["0", "-1", "x", "", "1.5"] {
        refuses("log-opts", &[json!({"max-file": count})], "`log-opts.max-file`");
    }
    accepts("default-shm-size", &[json!("64M")]);
    accepts("dns", &[json!(["10.0.0.53", "fd00::53"])]);
    refuses("dns", &[json!(["dns.example"])], "not an IP address");
}

#[test]
fn types() {
    accepts("live-restore", &[json!(true)]);
    refuses("live-restore", &[json!("true")], "must be true or false, not a string");
    accepts("mtu", &[json!(1450)]);
    refuses("mtu", &[json!(1450.5), json!("1450")], "must be a whole number");
    refuses("swarm-raft-heartbeat-tick", &[json!(-1)], "not negative");
    refuses(
        "log-opts",
        &[json!({"max-file": 3})],
        "`log-opts.max-file` must be a string, not a number",
    );
    refuses("log-opts", &[json!(["max-file=3"])], "must be an object");
    accepts("features", &[json!({"buildkit": true})]);
    refuses(
        "features",
        &[json!({"buildkit": "true"})],
        "`features.buildkit` must be true or false",
    );
    refuses(
        "default-network-opts",
        &[json!({"bridge": {"mtu": 1}})],
        "`default-network-opts.bridge.mtu`",
    );
    accepts("runtimes", &[json!({"kata": {"runtimeType": "io.containerd.kata.v2"}})]);
    refuses("runtimes", &[json!({"kata": "path"})], "`runtimes.kata` must be an object");
    accepts("proxies", &[json!({"http-proxy": "http://p:1", "no-proxy": "x"})]);
    refuses("proxies", &[json!({"http-proxy": 1})], "`proxies.http-proxy` must be a string");
    accepts("default-address-pools", &[json!([{"base": "172.30.0.0/16", "size": 24}])]);
    for pool in [json!({"base": "172.30.0.0/16"}), json!({"base": "x", "size": 24})] {
        refuses("default-address-pools", &[json!([pool])], "needs a `base`");
    }
    refuses(
        "default-address-pools",
        &[json!([{"base": "172.30.0.0/16", "size": 8}])],
        "does not fit",
    );
}

#[test]
fn keys_that_cannot_be_set() {
    refuses("registry-mirror", &[json!([])], "did you mean `registry-mirrors`?");
    refuses("colour", &[json!(1)], "daemon.json has no key `colour`");
    refuses("proxies.http-proxy", &[json!("x")], "has no key");
    refuses("http-proxy", &[json!("http://p")], "it belongs into `proxies`");
    refuses("hosts", &[json!(["tcp://0.0.0.0:2375"])], "dockerd with -H");
    refuses("containerd", &[json!("/x.sock")], "dockerd with --containerd");
}

#[test]
fn listed_values() {
    accepts("log-level", &[json!("info"), json!("warn")]);
    refuses("log-level", &[json!("verbose"), json!("inf")], "none of the values");
    accepts("log-driver", &[json!("json-file"), json!("loki"), json!("grafana/loki:2.9")]);
    refuses("log-driver", &[json!("jsonfile"), json!("json_file"), json!("sylog")], "mistyped");
    accepts("storage-driver", &[json!("overlay2"), json!("nonsense")]);
    refuses("storage-driver", &[json!("overlay3")], "mistyped");
    accepts("mtu", &[json!(0), json!(1450), json!(9000)]);
    refuses("mtu", &[json!(-1), json!(20), json!(70000)], "not a number that the daemon takes");
    accepts("max-concurrent-downloads", &[json!(0), json!(12)]);
    refuses("max-concurrent-uploads", &[json!(-1)], "`max-concurrent-uploads`: `-1`");
    refuses("default-cgroupns-mode", &[json!("shared")], "none of the values");
    accepts("exec-opts", &[json!(["native.cgroupdriver=systemd"]), json!(["isolation=x"])]);
    refuses("exec-opts", &[json!(["native.cgroupdriver=cgroupsf"])], "`exec-opts.native.cgroup");
    refuses("storage-opts", &[json!(["overlay2.size=10"])], "not a size");
    refuses("log-opts", &[json!({"mode": "nonblocking"})], "none of the values");
    refuses("log-opts", &[json!({"fluentd-retry-wait": "5"})], "not a time span");
    refuses("network-diagnostic-port", &[json!(70000)], "not a number");
    accepts("metrics-addr", &[json!("127.0.0.1:9323"), json!("[::1]:9323")]);
    refuses("metrics-addr", &[json!("127.0.0.1"), json!("a:0"), json!("a:99999")], "HOST:PORT");
    refuses("shutdown-timeout", &[json!(-2)], "not a number");
    let limit = |soft: i64, hard: i64| json!({"n": {"Name": "nofile", "Soft": soft, "Hard": hard}});
    accepts("default-ulimits", &[limit(1024, 4096), limit(0, 0), limit(1024, -1), limit(-1, -1)]);
    refuses(
        "default-ulimits",
        &[limit(4096, 1024), limit(-1, 5), json!({"n": {}})],
        "needs `Soft`",
    );
    refuses("runtimes", &[json!({"kata": {}}), json!({"k": {"path": ""}})], "needs a `path`");
}

#[test]
fn the_allowed_and_the_nearest_value_are_told() {
    let hint = |key: &str, value: Value| validate_key(key, &value, None).unwrap_err().hint();
    assert!(hint("log-level", json!("warning!")).starts_with("write `warning`; one of debug"));
    assert_eq!(hint("mtu", json!(20)), "a number: 0, or 68 to 65535");
    assert_eq!(hint("shutdown-timeout", json!(-2)), "a number: -1 or more");
    assert!(hint("log-driver", json!("jornald")).starts_with("write `journald`; docker has"));
}
