use super::*;
use crate::log_frame;

#[tokio::test]
async fn an_exit_status_is_a_value_and_not_an_error() {
    let (client, _daemon, _directory) = connected(|request| {
        Answer::ok(match request.target.split('/').nth(3) {
            Some("good") => r#"{"StatusCode":0}"#,
            Some("bad") => r#"{"Error":null,"StatusCode":137}"#,
            Some("lost") => r#"{"Error":{"Message":"state lost"},"StatusCode":-1}"#,
            _ => "",
        })
    })
    .await;
    assert_eq!(client.wait_container("good", LIMIT).await.unwrap(), 0);
    assert_eq!(client.wait_container("bad", LIMIT).await.unwrap(), 137);
    let error = client.wait_container("lost", LIMIT).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Failed { message, .. } if message == "state lost"),
        "{error:?}"
    );
    let error = client.wait_container("nothing", LIMIT).await.unwrap_err();
    assert!(matches!(error, EngineError::BadAnswer { .. }), "{error:?}");
}

#[tokio::test]
async fn waiting_has_its_own_limit() {
    let (client, _daemon, _directory) = connected(|_| Answer::Silence).await;
    let limit = Duration::from_millis(50);
    let error = client.wait_container("busy", limit).await.unwrap_err();
    assert!(matches!(error, EngineError::TimedOut { limit: l, .. } if l == limit), "{error:?}");
}

#[tokio::test]
async fn output_is_told_apart_and_capped() {
    let (client, _daemon, _directory) = connected(|_| {
        Answer::ok(
            [log_frame(1, b"one\n"), log_frame(2, b"two\n"), log_frame(1, b"three\n")].concat(),
        )
    })
    .await;
    let logs = client.logs_container("x", 100).await.unwrap();
    assert_eq!((&*logs.stdout, &*logs.stderr), (&b"one\nthree\n"[..], &b"two\n"[..]));
    assert!(!logs.truncated);
    let logs = client.logs_container("x", 6).await.unwrap();
    assert_eq!((&*logs.stdout, logs.truncated), (&b"one\nth"[..], true));
}

#[tokio::test]
async fn creates_what_the_specification_says() {
    let (client, daemon, _directory) =
        connected(|_| Answer::Reply(201, br#"{"Id":"c0ffee","Warnings":null}"#.to_vec())).await;
    let spec = ContainerSpec {
        name: Some("probe".into()),
        image: "a/b:1".into(),
        command: vec!["x y".into()],
        labels: [("k".to_owned(), "v".to_owned())].into(),
        network_mode: Some("none".into()),
        log_driver: Some("json-file".into()),
    };
    assert_eq!(client.create_container(&spec).await.unwrap(), "c0ffee");
    let create = daemon.requests().pop().unwrap();
    assert!(create.target.starts_with("/v1.41/containers/create?name=probe"), "{}", create.target);
    let body = String::from_utf8(create.body).unwrap();
    for part in [
        r#""Image":"a/b:1""#,
        r#""Cmd":["x y"]"#,
        r#""Labels":{"k":"v"}"#,
        r#""NetworkMode":"none""#,
        r#""LogConfig":{"Type":"json-file"}"#,
    ] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
}

#[tokio::test]
async fn lists_containers_by_label() {
    let (client, daemon, _directory) = connected(|_| {
        Answer::ok(
            r#"[{"Id":"c0ffee","Names":["/probe"],"Image":"a/b:1","ImageID":"sha256:00ff",
            "Command":"/echo x","Created":1700000000,"Ports":[],"Labels":{"k":"v"},
            "State":"exited","Status":"Exited (0) 2 seconds ago",
            "HostConfig":{"NetworkMode":"default"},"NetworkSettings":{"Networks":{}},"Mounts":[]}]"#,
        )
    })
    .await;
    let containers = client.list_containers(true, &["k=v"]).await.unwrap();
    assert_eq!(containers.len(), 1);
    assert_eq!((&*containers[0].names[0], &*containers[0].state), ("probe", "exited"));
    assert_eq!(containers[0].labels["k"], "v");
    let target = daemon.requests().pop().unwrap().target;
    assert!(target.contains("all=true"), "{target}");
    assert!(target.contains("filters=%7B%22label%22%3A%5B%22k%3Dv%22%5D%7D"), "{target}");
}
