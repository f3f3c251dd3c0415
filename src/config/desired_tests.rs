use std::path::Path;

use serde_json::json;

use super::*;

fn offline() -> Options {
    Options { archive: Some(PathBuf::from("docker-27.0.3.tgz")), ..Options::default() }
}

fn file(text: &str) -> FileConfig {
    FileConfig::parse(text, Path::new("/etc/landfall/landfall.yaml")).unwrap()
}

fn daemon_of(options: &Options, file: Option<&FileConfig>) -> Value {
    Value::Object(desired(options, file).unwrap().daemon)
}

fn error(options: &Options) -> String {
    let error = desired(options, None).unwrap_err();
    assert!(!error.hint().is_empty());
    error.to_string()
}

const FULL: &str = "
version: 1
engine: {source: {offline: bundle.tgz, allow-unpinned: true}, bin-dir: /opt//docker/bin/}
daemon:
  registry-mirrors: [https://mirror.example.internal]
  log-opts: {max-size: 10m, tag: x}
  debug: true
group: {name: containers, gid: 991, members: [deploy, deploy]}
images: {load: [a.tar, /b.tar]}
smoke-test: false
confirm-within: 1h 30m
ignore: [LF004]
";

#[test]
fn defaults() {
    let desired = desired(&offline(), None).unwrap();
    assert_eq!(
        desired,
        Desired {
            source: Source {
                archive: PathBuf::from("docker-27.0.3.tgz"),
                sha256: None,
                agreed: None,
                allow_unpinned: false,
                trusted_keys: Vec::new(),
                require_signature: false,
                online: None,
            },
            bin_dir: "/usr/bin".to_string(),
            group: GroupWanted { name: "docker".to_string(), gid: None, members: vec![] },
            unit_style: None,
            daemon: Map::new(),
            images: vec![],
            smoke_test: true,
            confirm_within: None,
            watch: None,
            proxy: None,
            registries: Vec::new(),
            kernel: Default::default(),
            ignore: vec![],
        }
    );
}

#[test]
fn the_file_alone() {
    let desired = desired(&Options::default(), Some(&file(FULL))).unwrap();
    assert_eq!(desired.source.archive, Path::new("/etc/landfall/bundle.tgz"));
    assert!(desired.source.allow_unpinned && !desired.smoke_test);
    assert_eq!(desired.bin_dir, "/opt/docker/bin");
    assert_eq!(desired.group.name, "containers");
    assert_eq!((desired.group.gid, desired.group.members), (Some(991), vec!["deploy".to_string()]));
    assert_eq!(desired.images, [Path::new("/etc/landfall/a.tar"), Path::new("/b.tar")]);
    assert_eq!(desired.confirm_within, Some(5400));
    assert_eq!(desired.ignore, ["LF004"]);
    assert_eq!(desired.daemon.len(), 3);
}

#[test]
fn flags_win_over_the_file() {
    let options = Options {
        allow_unpinned: Some(false),
        bin_dir: Some("/usr/local/bin".to_string()),
        group: Some("docker".to_string()),
        gid: Some(42),
        users: vec!["ops".to_string()],
        registry_mirrors: vec!["https://other".to_string()],
        log_max_size: Some("50m".to_string()),
        log_max_file: Some(3),
        set: vec!["debug=false".to_string(), r#"dns=["10.0.0.53"]"#.to_string()],
        images: vec![PathBuf::from("c.tar")],
        smoke_test: Some(true),
        ignore: vec!["LF007".to_string()],
        ..offline()
    };
    let desired = desired(&options, Some(&file(FULL))).unwrap();
    assert_eq!(desired.source.archive, Path::new("docker-27.0.3.tgz"));
    assert!(!desired.source.allow_unpinned && desired.smoke_test);
    assert_eq!(desired.bin_dir, "/usr/local/bin");
    assert_eq!(desired.group.name, "docker");
    assert_eq!((desired.group.gid, desired.group.members), (Some(42), vec!["ops".to_string()]));
    assert_eq!(desired.images, [Path::new("c.tar")]);
    assert_eq!(desired.ignore, ["LF007"]);
    assert_eq!(
        Value::Object(desired.daemon),
        json!({
            "registry-mirrors": ["https://other"],
            "log-opts": {"max-size": "50m", "tag": "x", "max-file": "3"},
            "debug": false,
            "dns": ["10.0.0.53"]
        })
    );
}

#[test]
fn flags_become_keys_of_daemon_json() {
    let options = Options {
        registry_mirrors: vec!["https://a".to_string(), "http://b:5000".to_string()],
        insecure_registries: vec!["b:5000".to_string()],
        data_root: Some("/data/docker".to_string()),
        log_max_size: Some("50m".to_string()),
        log_max_file: Some(3),
        live_restore: Some(true),
        bip: Some("172.30.0.1/16".to_string()),
        set: vec!["mtu=1450".to_string(), r#"log-driver="local""#.to_string()],
        ..offline()
    };
    assert_eq!(
        daemon_of(&options, None),
        json!({
            "registry-mirrors": ["https://a", "http://b:5000"],
            "insecure-registries": ["b:5000"],
            "data-root": "/data/docker",
            "log-opts": {"max-size": "50m", "max-file": "3"},
            "live-restore": true,
            "bip": "172.30.0.1/16",
            "mtu": 1450,
            "log-driver": "local"
        })
    );
}

#[test]
fn errors_name_the_flag() {
    assert_eq!(error(&Options::default()), "no archive of an engine was given");
    let with = |change: fn(&mut Options)| {
        let mut options = offline();
        change(&mut options);
        error(&options)
    };
    assert_eq!(with(|o| o.users = vec!["a:b".into()]), "--user: `a:b` is not a user's name");
    assert_eq!(
        with(|o| o.group = Some("991".into())),
        "--group: `991` is a number, not a group's name"
    );
    assert_eq!(with(|o| o.gid = Some(0)), "--gid: `0` is reserved and cannot be a group's id");
    assert_eq!(
        with(|o| o.bin_dir = Some("bin".into())),
        "--bin-dir: `bin` is not an absolute path"
    );
    assert!(
        with(|o| o.bin_dir = Some("/a b\n".into()))
            .starts_with("--bin-dir: `/a b\\n` has characters")
    );
    assert_eq!(with(|o| o.ignore = vec!["4".into()]), "--ignore: `4` is not the code of a finding");
    assert_eq!(
        with(|o| o.registry_mirrors = vec!["mirror".into()]),
        "--registry-mirror: `registry-mirrors`: `mirror` has no scheme (http:// or https://)"
    );
    assert!(with(|o| o.log_max_file = Some(0)).starts_with("--log-max-file: `log-opts.max-file`"));
    assert!(with(|o| o.log_max_size = Some("50".into())).starts_with("--log-max-size: "));
}

#[test]
fn set_is_checked() {
    let set = |arguments: &[&str]| {
        let set = arguments.iter().map(ToString::to_string).collect();
        let error = desired(&Options { set, ..offline() }, None).unwrap_err();
        (error.to_string(), error.hint())
    };
    assert_eq!(set(&["debug"]).0, "--set: `debug` has no key and value");
    assert_eq!(set(&["=1"]).0, "--set: `=1` has no key and value");
    let (message, hint) = set(&["log-driver=local"]);
    assert!(
        message.contains("no valid JSON behind `log-driver=`: expected value, at its character 1"),
        "{message}"
    );
    assert!(hint.contains("quotes"), "{hint}");
    assert!(set(&["dns=[\"a\","]).0.contains("at its character 5"));
    let (message, hint) = set(&["registry-mirror=[]"]);
    assert_eq!(
        message,
        "--set: daemon.json has no key `registry-mirror`; did you mean `registry-mirrors`?"
    );
    assert_eq!(hint, "write `registry-mirrors`");
    assert!(set(&["hosts=[]"]).0.contains("dockerd with -H"));
    assert_eq!(
        set(&["debug=true", "debug=true"]).0,
        "`debug` was given twice: by --set and by another --set"
    );
    let options = Options {
        bip: Some("172.30.0.1/16".into()),
        set: vec![r#"bip="172.31.0.1/16""#.into()],
        ..offline()
    };
    assert_eq!(error(&options), "`bip` was given twice: by --set and by --bip");
}

/// A classic installation has no docker.socket that could be edited.
#[test]
fn hosts_are_told_to_go_where_the_unit_style_has_a_place_for_them() {
    let hint = |set: &str, unit_style| {
        let options = Options { set: vec![set.to_owned()], unit_style, ..offline() };
        desired(&options, None).unwrap_err().hint()
    };
    let set = r#"hosts=["tcp://127.0.0.1:2375"]"#;
    let (socket, file) = ("systemctl edit docker.socket", "/etc/docker/daemon.json");
    let modern = hint(set, Some(Topology::Modern));
    assert!(modern.contains(socket) && !modern.contains(file), "{modern}");
    let classic = hint(set, Some(Topology::Classic));
    assert!(classic.contains(file) && !classic.contains("docker.socket"), "{classic}");
    let either = hint(set, None);
    assert!(either.contains(socket) && either.contains(file), "{either}");
    let own = hint(r#"containerd="/run/x.sock""#, Some(Topology::Classic));
    assert!(own.contains("--unit-style modern"), "{own}");
}

#[test]
fn errors_name_the_place_in_the_file() {
    for (text, expected) in [
        (
            "daemon:\n  registry-mirror: []\n",
            "line 3, column 3: daemon.json has no key `registry-mirror`; did you",
        ),
        (
            "daemon:\n  log-opts: {max-file: 3}\n",
            "line 3, column 3: `log-opts.max-file` must be a string, not a number",
        ),
        ("group: {members: [ok, \"a:b\"]}\n", "line 2, column 23: `a:b` is not a user's name"),
        ("group: {gid: 0}\n", "line 2, column 14: `0` is reserved"),
        ("engine: {bin-dir: bin}\n", "line 2, column 19: `bin` is not an absolute path"),
        ("confirm-within: soon\n", "line 2, column 17: `soon` is not a time"),
        ("confirm-within: 25h\n", "line 2, column 17: `25h` is too short or too long"),
        ("confirm-within: 0\n", "line 2, column 17: `0` is too short or too long"),
        ("ignore: [x]\n", "line 2, column 10: `x` is not the code"),
    ] {
        let error = desired(&offline(), Some(&file(&format!("version: 1\n{text}")))).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("/etc/landfall/landfall.yaml, {expected}")),
            "{message}"
        );
    }
}
