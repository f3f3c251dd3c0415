mod container;
mod image;
mod old;
mod system;

use std::{io, os::unix::fs::PermissionsExt};

use super::*;
use crate::{Answer, ContainerSpec, FakeDaemon, Request};

const LIMIT: Duration = Duration::from_secs(20);

const VERSION_20_10: &str = r#"{"Platform":{"Name":""},"Components":[{"Name":"Engine",
    "Version":"20.10.24+dfsg1","Details":{"ApiVersion":"1.41","Arch":"amd64"}},
    {"Name":"containerd","Version":"1.6.20~ds1","Details":{"GitCommit":"1.6.20~ds1-1+deb12u1"}}],
    "Version":"20.10.24+dfsg1","ApiVersion":"1.41","MinAPIVersion":"1.12","GitCommit":"5d6db84",
    "GoVersion":"go1.19.8","Os":"linux","Arch":"amd64","KernelVersion":"6.1.0-9-amd64",
    "BuildTime":"2023-05-18T08:38:34.000000000+00:00"}"#;

/// A daemon of API 1.41, and a client of it.
async fn connected(
    answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> (Client, FakeDaemon, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    let daemon = FakeDaemon::start(&socket, move |request| match request.target.as_str() {
        "/version" => Answer::ok(VERSION_20_10),
        _ => answer(request),
    })
    .unwrap();
    let client = Client::connect(&socket, LIMIT).await.unwrap();
    (client, daemon, directory)
}

/// Connects to a daemon whose answer to `/version` is `version`.
async fn connect_to(version: &'static str) -> Result<Client, EngineError> {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    let _daemon = FakeDaemon::start(&socket, move |_| Answer::ok(version)).unwrap();
    Client::connect(&socket, LIMIT).await
}

#[test]
fn version_goes_before_the_path() {
    let api = ApiVersion { major: 1, minor: 41 };
    assert_eq!(versioned("unix://2f61/info", api), "unix://2f61/v1.41/info");
    assert_eq!(
        versioned("unix://2f61/images/a.b/c:1/json?x=/y", api),
        "unix://2f61/v1.41/images/a.b/c:1/json?x=/y"
    );
    assert_eq!(versioned("unix://2f61/v1.41/info", api), "unix://2f61/v1.41/info");
    assert_eq!(versioned("unix://2f61/version", api), "unix://2f61/version");
    assert_eq!(versioned("unix://2f61/_ping", api), "unix://2f61/_ping");
}

#[test]
fn names_cannot_leave_their_place() {
    for good in ["web-1", "host.internal:5000/a/b:1.0", "a@sha256:00ff"] {
        assert_eq!(checked(good).unwrap(), good);
    }
    for bad in ["", "../containers/x", "a/../b", "a?force=1", "a b", "a#b", "a%2e", "a//b"] {
        assert!(matches!(checked(bad), Err(EngineError::BadName { .. })), "{bad:?}");
    }
}

#[tokio::test]
async fn speaks_the_older_version_of_the_two() {
    let (client, daemon, _directory) = connected(|_| Answer::ok("[]")).await;
    client.list_containers(true, &[]).await.unwrap();
    assert_eq!(client.api_version().to_string(), "1.41");
    let targets: Vec<String> = daemon.requests().into_iter().map(|r| r.target).collect();
    assert_eq!(targets[0], "/version");
    assert!(targets[1].starts_with("/v1.41/containers/json?"), "{targets:?}");
}

#[tokio::test]
async fn reads_the_version_of_daemons_old_and_new() {
    let client = connect_to(VERSION_20_10).await.unwrap();
    assert_eq!(client.api_version().to_string(), "1.41");

    let oldest = r#"{"Version":"1.12.6","ApiVersion":"1.24","Os":"linux","Arch":"amd64"}"#;
    assert_eq!(connect_to(oldest).await.unwrap().api_version(), ApiVersion::OLDEST);

    let newer = r#"{"Version":"31.0.0","ApiVersion":"1.60","MinAPIVersion":"1.44"}"#;
    assert_eq!(connect_to(newer).await.unwrap().api_version(), ApiVersion::NEWEST);
}

#[tokio::test]
async fn refuses_a_daemon_without_a_common_version() {
    let beyond = r#"{"Version":"40.0.0","ApiVersion":"1.90","MinAPIVersion":"1.70"}"#;
    let error = connect_to(beyond).await.unwrap_err();
    assert!(matches!(error, EngineError::Incompatible { .. }), "{error:?}");
    assert!(error.to_string().contains("speaks API 1.70 to 1.90"), "{error}");

    let before = r#"{"Version":"1.11.2","ApiVersion":"1.23"}"#;
    let error = connect_to(before).await.unwrap_err();
    assert!(error.to_string().contains("speaks API ? to 1.23"), "{error}");
}

#[tokio::test]
async fn says_which_socket_nobody_serves() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    let error = Client::connect(&socket, LIMIT).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::NotReachable { socket: s, cause, .. }
            if *s == socket && cause.kind() == io::ErrorKind::NotFound),
        "{error:?}"
    );

    assert!(error.to_string().contains("docker.sock: No such file"), "{error}");

    drop(tokio::net::UnixListener::bind(&socket).unwrap());
    let error = Client::connect(&socket, LIMIT).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::NotReachable { cause, .. }
            if cause.kind() == io::ErrorKind::ConnectionRefused),
        "{error:?}"
    );
    assert!(error.to_string().contains("docker.sock: Connection refused"), "{error}");
}

/// Root may open any socket, so this gives root's rights up on a thread of its own.
#[test]
#[allow(clippy::disallowed_methods)] // prepares the socket from outside
fn says_that_permission_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(directory.path(), 0o755);
    mode(&socket, 0o000);
    let connect = move || {
        if rustix::process::geteuid().is_root() {
            let nobody = rustix::process::Uid::from_raw(65534);
            rustix::thread::set_thread_uid(nobody).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Client::connect(&socket, LIMIT)).unwrap_err()
    };
    let error = std::thread::spawn(connect).join().unwrap();
    assert!(matches!(error, EngineError::PermissionDenied { .. }), "{error:?}");
}

#[tokio::test]
async fn gives_up_on_a_silent_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    let _daemon = FakeDaemon::start(&socket, |_| Answer::Silence).unwrap();
    let limit = Duration::from_millis(50);
    let error = Client::connect(&socket, limit).await.unwrap_err();
    assert!(matches!(error, EngineError::TimedOut { limit: l, .. } if l == limit), "{error:?}");
    assert!(error.to_string().contains("within 0.05 s"), "{error}");
}

#[tokio::test]
async fn keeps_status_and_message_apart() {
    let (client, _daemon, _directory) = connected(|request| match request.method.as_str() {
        "POST" => Answer::refusal(404, "No such image: nowhere/none:1"),
        _ => Answer::Reply(500, b"out of order\n".to_vec()),
    })
    .await;
    let spec = ContainerSpec { image: "nowhere/none:1".into(), ..ContainerSpec::default() };
    let error = client.create_container(&spec).await.unwrap_err();
    assert!(error.is_not_found());
    assert!(
        matches!(&error, EngineError::Refused { status: 404, message, .. }
            if message == "No such image: nowhere/none:1"),
        "{error:?}"
    );

    let error = client.info().await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Refused { status: 500, message, .. }
            if message == "out of order"),
        "{error:?}"
    );
}

#[tokio::test]
async fn tells_a_dead_daemon_from_a_foreign_one() {
    let (client, _daemon, _directory) = connected(|request| match request.target.as_str() {
        "/v1.41/info" => Answer::Torn(b"{\"ID\":".to_vec()),
        "/_ping" => Answer::ok("hello"),
        _ => Answer::HangUp,
    })
    .await;
    let error = client.ping().await.unwrap_err();
    assert!(matches!(error, EngineError::BadAnswer { .. }), "{error:?}");
    for error in [client.info().await.unwrap_err(), client.start_container("x").await.unwrap_err()]
    {
        assert!(matches!(error, EngineError::Disconnected { .. }), "{error:?}");
    }
    let error = connect_to("<html>").await.unwrap_err();
    assert!(matches!(error, EngineError::BadAnswer { .. }), "{error:?}");
    let error = connect_to("{}").await.unwrap_err();
    assert!(error.to_string().contains("names no API version"), "{error}");
}
