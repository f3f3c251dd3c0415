//! Docker 17.03, which speaks API 1.27 at most: every call works with it.

use super::system::INFO_17_03;
use super::*;
use crate::log_frame;

const VERSION_17_03: &str = r#"{"Version":"17.03.2-ce","ApiVersion":"1.27","MinAPIVersion":"1.12",
    "GitCommit":"f5ec1e2","GoVersion":"go1.7.5","Os":"linux","Arch":"amd64",
    "KernelVersion":"3.10.0-514.el7.x86_64","BuildTime":"2017-06-27T02:21:36.157624421+00:00"}"#;

/// The calls, with the parameters that version 1.27 of the API knows.
const KNOWN: [(&str, &[&str]); 12] = [
    ("GET /info", &[]),
    ("GET /containers/json", &["all", "limit", "size", "filters"]),
    ("POST /images/load", &["quiet"]),
    ("GET /images/a:1/json", &[]),
    ("DELETE /images/a:1", &["force", "noprune"]),
    ("POST /containers/create", &["name"]),
    ("POST /containers/c0ffee/start", &["detachKeys"]),
    ("POST /containers/c0ffee/wait", &[]),
    ("GET /containers/c0ffee/logs", &LOGS),
    ("POST /containers/c0ffee/pause", &[]),
    ("POST /containers/c0ffee/stop", &["t"]),
    ("DELETE /containers/c0ffee", &["v", "force", "link"]),
];
const LOGS: [&str; 7] = ["details", "follow", "stdout", "stderr", "since", "timestamps", "tail"];

/// A daemon that refuses every other version of the API, as 17.03 does.
fn serve(request: &Request) -> Answer {
    let Some(rest) = request.target.strip_prefix("/v1.27") else {
        return match request.target.as_str() {
            "/version" => Answer::ok(VERSION_17_03),
            "/_ping" => Answer::ok("OK"),
            _ => Answer::refusal(400, "client is newer than server (server API version: 1.27)"),
        };
    };
    let path = rest.split('?').next().unwrap();
    match (request.method.as_str(), path) {
        ("GET", "/info") => Answer::ok(INFO_17_03),
        ("GET", "/containers/json") => Answer::ok("[]"),
        ("POST", "/images/load") => Answer::ok(r#"{"stream":"Loaded image: a:1\n"}"#),
        ("GET", "/images/a:1/json") => {
            Answer::ok(r#"{"Id":"sha256:00ff","RepoTags":["a:1"],"Architecture":"amd64","Size":7}"#)
        }
        ("DELETE", "/images/a:1") => Answer::ok(r#"[{"Untagged":"a:1"}]"#),
        ("POST", "/containers/create") => {
            Answer::Reply(201, br#"{"Id":"c0ffee","Warnings":null}"#.to_vec())
        }
        ("POST", "/containers/c0ffee/wait") => Answer::ok(r#"{"StatusCode":0}"#),
        ("GET", "/containers/c0ffee/logs") => Answer::ok(log_frame(1, b"hello\n")),
        ("POST" | "DELETE", _) => Answer::Reply(204, Vec::new()),
        _ => Answer::refusal(404, "page not found"),
    }
}

#[tokio::test]
async fn every_call_works_with_17_03() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    let daemon = FakeDaemon::start(&socket, serve).unwrap();
    let client = Client::connect(&socket, LIMIT).await.unwrap();
    assert_eq!(client.api_version().to_string(), "1.27");

    client.ping().await.unwrap();
    assert_eq!(client.version().await.unwrap().components, []);
    assert_eq!(client.info().await.unwrap().server_version, "17.03.2-ce");
    assert_eq!(client.load_image(&b"archive"[..], LIMIT, |_| {}).await.unwrap(), ["a:1"]);
    assert_eq!(client.inspect_image("a:1").await.unwrap().unwrap().size, 7);
    let spec = ContainerSpec {
        name: Some("probe".into()),
        image: "a:1".into(),
        command: vec!["x".into()],
        labels: [("k".to_owned(), "v".to_owned())].into(),
        network_mode: Some("none".into()),
        log_driver: Some("json-file".into()),
    };
    let id = client.create_container(&spec).await.unwrap();
    client.start_container(&id).await.unwrap();
    assert_eq!(client.wait_container(&id, LIMIT).await.unwrap(), 0);
    assert_eq!(client.logs_container(&id, 100).await.unwrap().stdout, b"hello\n");
    client.pause_container(&id).await.unwrap();
    client.stop_container(&id, LIMIT).await.unwrap();
    client.remove_container(&id, true).await.unwrap();
    client.remove_image("a:1").await.unwrap();
    assert_eq!(client.list_containers(true, &["k"]).await.unwrap(), []);

    let mut called = Vec::new();
    for request in daemon.requests() {
        let Some(target) = request.target.strip_prefix("/v1.27") else { continue };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let call = format!("{} {path}", request.method);
        let (name, known) = KNOWN.iter().find(|(name, _)| *name == call).expect(&call);
        called.push(*name);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            assert!(known.contains(&name) || says_nothing(name, value), "{call}: {parameter}");
        }
    }
    called.sort_unstable();
    let mut all = KNOWN.map(|(name, _)| name);
    all.sort_unstable();
    assert_eq!(called, all, "each call was made, once");
}

/// Parameters that came later, with the value that older daemons imply.
fn says_nothing(name: &str, value: &str) -> bool {
    matches!((name, value), ("until", "0") | ("condition", "not-running") | ("platform", ""))
}
