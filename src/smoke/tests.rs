use std::{collections::BTreeMap, sync::Mutex};

use landfall_engine::{Answer, ApiVersion, FakeDaemon, Request, log_frame};
use serde_json::Value;

use super::*;
use crate::bundle::catalogue;

#[path = "../../smoke/archive.rs"]
mod archive;

/// The files of a tar archive.
fn untar(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(bytes).entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, 0));
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(path, content);
    }
    files
}

fn program() -> Vec<u8> {
    let layer = &untar(IMAGE)["layer.tar"];
    untar(layer).remove("echo").unwrap()
}

#[test]
fn image_is_whole() {
    let files = untar(IMAGE);
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifest[0]["RepoTags"], serde_json::json!([REFERENCE]));
    assert_eq!(manifest[0]["Layers"], serde_json::json!(["layer.tar"]));

    let config_name = manifest[0]["Config"].as_str().unwrap();
    let config = &files[config_name];
    let id = archive::digest(config);
    assert_eq!(config_name, format!("{id}.json"));
    assert_eq!(REFERENCE, format!("landfall.local/smoke:{}", &id[..12]));

    let config: Value = serde_json::from_slice(config).unwrap();
    let diff_id = format!("sha256:{}", archive::digest(&files["layer.tar"]));
    assert_eq!(config["rootfs"]["diff_ids"], serde_json::json!([diff_id]));
    assert_eq!(config["os"], "linux");
    assert_eq!(files.len(), 3);
}

#[test]
fn image_can_be_made_again_bit_for_bit() {
    let files = untar(IMAGE);
    let (_, config) = files.iter().find(|(name, _)| name.len() > 64).unwrap();
    let config: Value = serde_json::from_slice(config).unwrap();
    let architecture = config["architecture"].as_str().unwrap();
    let again = archive::pack(&program(), architecture).unwrap();
    assert!(again.bytes == IMAGE);
    assert_eq!(again.reference, REFERENCE);

    let other = archive::pack(b"another program", architecture).unwrap();
    assert_ne!(other.reference, REFERENCE);
}

/// The tests are built for the machine that runs them, and so is the program.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test runs the program itself, on no host")]
fn program_echoes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("echo");
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(&path).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    // A file that is open for writing cannot be run, also if another thread's child inherited it;
    // so it is written by another process, that has ended.
    let mut copy = std::process::Command::new("install")
        .args(["-m", "755", "/dev/stdin"])
        .arg(&path)
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    io::Write::write_all(&mut copy.stdin.take().unwrap(), &program()).unwrap();
    assert!(copy.wait().unwrap().success());

    assert_eq!(run(&["hello, world"]), (Some(0), "hello, world\n".into()));
    assert_eq!(run(&["", "ignored"]), (Some(0), "\n".into()));
    assert_eq!(run(&[]), (Some(64), String::new()));
    let long = "x".repeat(100_000);
    assert_eq!(run(&[&long]), (Some(0), format!("{long}\n")));
}

#[test]
fn nonces_differ() {
    let [one, two] = [nonce().unwrap(), nonce().unwrap()];
    assert_eq!(one.len(), 32);
    assert_ne!(one, two);
}

/// A daemon that has the image already or not, runs containers, and spoils what `fault` answers.
struct Daemon {
    fake: FakeDaemon,
    socket: tempfile::TempDir,
}

/// What the daemon has.
#[derive(Default)]
struct Has {
    image: bool,
    nonce: String,
    leftovers: &'static str,
}

impl Daemon {
    fn start(
        mut has: Has,
        fault: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static,
    ) -> Daemon {
        if has.leftovers.is_empty() {
            has.leftovers = "[]";
        }
        let has = Mutex::new(has);
        let socket = tempfile::tempdir().unwrap();
        let answer = move |request: &Request| {
            let call = call(request);
            fault(&call).unwrap_or_else(|| serve(&call, request, &mut has.lock().unwrap()))
        };
        let fake = FakeDaemon::start(&socket.path().join("sock"), answer).unwrap();
        Daemon { fake, socket }
    }

    async fn test(&self, network: Option<&str>) -> Result<Proof, SmokeError> {
        let socket = self.socket.path().join("sock");
        let client = Client::connect(&socket, Duration::from_secs(20)).await.unwrap();
        run(&client, network).await
    }

    /// The calls so far that change something.
    fn changes(&self) -> Vec<String> {
        let requests = self.fake.requests();
        requests.iter().map(call).filter(|call| !call.starts_with("GET")).collect()
    }
}

/// `POST containers/create` and the like: no version, no query, names and IDs as they are.
fn call(request: &Request) -> String {
    let path = request.target.split('?').next().unwrap();
    let path = path.trim_start_matches('/');
    let path = match path.split_once('/') {
        Some((version, path)) if version.starts_with("v1.") => path,
        _ => path,
    };
    format!("{} {path}", request.method)
}

fn serve(call: &str, request: &Request, has: &mut Has) -> Answer {
    let image = format!("images/{REFERENCE}");
    match call {
        "GET version" => Answer::ok(r#"{"ApiVersion":"1.41","MinAPIVersion":"1.12"}"#),
        "GET containers/json" => Answer::ok(has.leftovers),
        "POST images/load" => {
            assert!(request.body == IMAGE);
            has.image = true;
            Answer::ok(format!("{{\"stream\":\"Loaded image: {REFERENCE}\\n\"}}\r\n"))
        }
        "POST containers/create" => {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            has.nonce = body["Cmd"][0].as_str().unwrap().to_owned();
            Answer::Reply(201, br#"{"Id":"c0ffee","Warnings":[]}"#.to_vec())
        }
        "POST containers/c0ffee/start" => Answer::Reply(204, Vec::new()),
        "POST containers/c0ffee/wait" => Answer::ok(r#"{"StatusCode":0}"#),
        "GET containers/c0ffee/logs" => {
            Answer::ok(log_frame(1, format!("{}\n", has.nonce).as_bytes()))
        }
        _ if call.starts_with("DELETE containers/") => Answer::Reply(204, Vec::new()),
        _ if call == format!("GET {image}/json") && has.image => {
            Answer::ok(r#"{"Id":"sha256:00ff"}"#)
        }
        _ if call == format!("DELETE {image}") && has.image => Answer::ok("[]"),
        _ => Answer::refusal(404, "no such object"),
    }
}

#[tokio::test]
async fn a_sound_daemon_passes_and_is_left_clean() {
    let daemon = Daemon::start(Has::default(), |_| None);
    let proof = daemon.test(None).await.unwrap();
    assert_eq!(proof.image_id, "sha256:00ff");
    assert_eq!(
        daemon.changes(),
        [
            "POST images/load",
            "POST containers/create",
            "POST containers/c0ffee/start",
            "POST containers/c0ffee/wait",
            &format!("DELETE containers/landfall-smoke-{}", proof.nonce),
            &format!("DELETE images/{REFERENCE}"),
        ]
    );
}

/// Daemons of all ages: none is asked in a version of the API that it does not speak.
#[tokio::test]
async fn every_line_of_engines_is_spoken_with() {
    for line in catalogue::lines() {
        let (oldest, newest) = line.api;
        let version = format!(r#"{{"ApiVersion":"{newest}","MinAPIVersion":"{oldest}"}}"#);
        let daemon = Daemon::start(Has::default(), move |call| {
            (call == "GET version").then(|| Answer::ok(version.clone()))
        });
        daemon.test(None).await.unwrap();
        for request in daemon.fake.requests() {
            let version = request.target.split('/').nth(1).unwrap();
            let Some(version) = version.strip_prefix('v').filter(|text| text.contains('.')) else {
                assert_eq!(request.target, "/version");
                continue;
            };
            let version: ApiVersion = version.parse().unwrap();
            assert!(oldest <= version && version <= newest, "{:?}: {version}", line.line);
        }
    }
}

#[tokio::test]
async fn the_network_is_the_daemons_choice_unless_given() {
    for (network, expected) in [(None, Value::Null), (Some("none"), "none".into())] {
        let daemon = Daemon::start(Has::default(), |_| None);
        daemon.test(network).await.unwrap();
        let requests = daemon.fake.requests();
        let create = requests.iter().find(|r| call(r) == "POST containers/create").unwrap();
        let body: Value = serde_json::from_slice(&create.body).unwrap();
        assert_eq!(body["HostConfig"]["NetworkMode"], expected);
        assert_eq!(body["HostConfig"]["LogConfig"]["Type"], "json-file");
    }
}

#[tokio::test]
async fn an_image_that_was_there_stays() {
    let daemon = Daemon::start(Has { image: true, ..Has::default() }, |_| None);
    daemon.test(None).await.unwrap();
    let changes = daemon.changes();
    assert!(changes.iter().any(|call| call.starts_with("DELETE containers/")), "{changes:?}");
    assert!(!changes.iter().any(|call| call.starts_with("DELETE images/")), "{changes:?}");
}

#[tokio::test]
async fn what_a_cut_off_test_left_is_removed() {
    let leftovers = r#"[{"Id":"dead01","State":"created"},{"Id":"live01","State":"running"}]"#;
    let daemon = Daemon::start(Has { image: true, leftovers, ..Has::default() }, |_| None);
    daemon.test(None).await.unwrap();
    let changes = daemon.changes();
    assert!(changes.contains(&"DELETE containers/dead01".to_owned()), "{changes:?}");
    assert!(!changes.contains(&"DELETE containers/live01".to_owned()), "{changes:?}");
    assert!(changes.contains(&format!("DELETE images/{REFERENCE}")), "{changes:?}");
}

#[tokio::test]
async fn a_test_that_is_told_to_stop_still_cleans_up() {
    let stop = std::sync::Arc::new(tokio::sync::Notify::new());
    let told = stop.clone();
    let daemon = Daemon::start(Has::default(), move |call| {
        if call.ends_with("/start") {
            told.notify_one();
        }
        None
    });
    let socket = daemon.socket.path().join("sock");
    let client = Client::connect(&socket, Duration::from_secs(20)).await.unwrap();
    let error = run_until(&client, None, stop.notified()).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Stopped), "{error}");
    assert_eq!(error.left_behind.len(), 0);
    let changes = daemon.changes();
    assert!(!changes.iter().any(|call| call.ends_with("/wait")), "{changes:?}");
    assert!(changes.iter().any(|call| call.starts_with("DELETE containers/")), "{changes:?}");
    assert!(changes.contains(&format!("DELETE images/{REFERENCE}")), "{changes:?}");
}

#[tokio::test]
async fn a_failure_names_its_stage_and_still_cleans_up() {
    let message = "runc: version GLIBC_2.38 not found";
    for (call, stage) in [
        ("GET containers/json", Stage::Look),
        ("POST images/load", Stage::Load),
        ("POST containers/create", Stage::Create),
        ("POST containers/c0ffee/start", Stage::Start),
        ("POST containers/c0ffee/wait", Stage::Wait),
        ("GET containers/c0ffee/logs", Stage::Output),
    ] {
        let daemon = Daemon::start(Has::default(), move |got| {
            (got == call).then(|| Answer::refusal(500, message))
        });
        let error = daemon.test(None).await.unwrap_err();
        assert!(
            matches!(&error.cause, Cause::Engine { stage: s, error: EngineError::Refused { message: m, .. } }
                if *s == stage && m == message),
            "{error:?}"
        );
        assert!(error.to_string().contains(message) && error.left_behind.is_empty(), "{error}");
        let changes = daemon.changes();
        let removed = |kind: &str| changes.iter().any(|call| call.starts_with(kind));
        assert_eq!(removed("DELETE images/"), stage != Stage::Look, "{changes:?}");
        let created = !matches!(stage, Stage::Look | Stage::Load);
        assert_eq!(removed("DELETE containers/"), created, "{changes:?}");
    }
}

#[tokio::test]
async fn a_wrong_answer_is_shown() {
    let spoilt = [
        ("GET containers/c0ffee/logs", Answer::ok(log_frame(2, b"exec format error\n"))),
        ("POST containers/c0ffee/wait", Answer::ok(r#"{"StatusCode":139}"#)),
    ];
    for ((call, answer), seen) in spoilt.into_iter().zip(["exec format error", "status 139"]) {
        let daemon =
            Daemon::start(Has::default(), move |got| (got == call).then(|| answer.clone()));
        let error = daemon.test(None).await.unwrap_err();
        assert!(matches!(error.cause, Cause::WrongAnswer { .. }), "{error:?}");
        assert!(error.to_string().contains(seen), "{error}");
        assert!(daemon.changes().iter().any(|call| call.starts_with("DELETE images/")));
    }
}

#[tokio::test]
async fn an_image_that_vanishes_is_noticed() {
    let daemon = Daemon::start(Has::default(), |call| {
        (call == format!("GET images/{REFERENCE}/json"))
            .then(|| Answer::refusal(404, "No such image"))
    });
    let error = daemon.test(None).await.unwrap_err();
    assert!(matches!(error.cause, Cause::NotLoaded), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_removed_is_an_error() {
    let daemon = Daemon::start(Has::default(), |call| {
        call.starts_with("DELETE ").then(|| Answer::refusal(409, "device or resource busy"))
    });
    let error = daemon.test(None).await.unwrap_err();
    assert!(matches!(error.cause, Cause::NotRemoved), "{error:?}");
    let what: Vec<&str> = error.left_behind.iter().map(|left| left.what.as_str()).collect();
    assert!(what[0].starts_with("container landfall-smoke-"), "{what:?}");
    assert_eq!(what[1], format!("image {REFERENCE}"));
    assert!(error.to_string().contains("busy"), "{error}");
}
