use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::*;

#[tokio::test]
async fn streams_an_archive_and_returns_what_was_loaded() {
    let (client, daemon, _directory) = connected(|_| {
        Answer::ok(
            "{\"status\":\"Loading layer\",\"progressDetail\":{\"current\":32768,\"total\":98304},\
             \"progress\":\"[=>  ] 32.77kB/98.3kB\",\"id\":\"4fc242d58285\"}\r\n\
             {\"stream\":\"Loaded image: harbor.internal/a/b:1\\n\"}\r\n\
             {\"stream\":\"Loaded image ID: sha256:00ff\\n\"}\r\n",
        )
    })
    .await;
    let archive: Vec<u8> = (0..1_000_003_u32).map(|n| n.to_le_bytes()[1]).collect();
    let (seen, mut progress) = tokio::sync::mpsc::unbounded_channel();
    let report = move |sent| seen.send(sent).unwrap();
    let loaded = client.load_image(io::Cursor::new(archive.clone()), LIMIT, report).await.unwrap();
    assert_eq!(loaded, ["harbor.internal/a/b:1", "sha256:00ff"]);
    let mut reported = Vec::new();
    while let Ok(sent) = progress.try_recv() {
        reported.push(sent);
    }
    assert!(reported.is_sorted() && reported.len() > 10, "{reported:?}");
    assert_eq!(reported.last(), Some(&1_000_003));
    let load = daemon.requests().pop().unwrap();
    assert_eq!((load.method.as_str(), load.body == archive), ("POST", true));
    assert!(load.target.starts_with("/v1.41/images/load?"), "{}", load.target);
}

#[tokio::test]
async fn a_load_that_fails_in_the_stream_is_an_error() {
    let (client, _daemon, _directory) = connected(|_| {
        Answer::ok(
            "{\"errorDetail\":{\"message\":\"open /var/lib/docker/tmp/x/manifest.json: no such \
             file\"},\"error\":\"open /var/lib/docker/tmp/x/manifest.json: no such file\"}\r\n",
        )
    })
    .await;
    let error = client.load_image(&b"not an image"[..], LIMIT, |_| {}).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Failed { message, .. } if message.ends_with("no such file")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_load_that_is_refused_early_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    let _daemon = FakeDaemon::start_impatient(&socket, |request| match request.target.as_str() {
        "/version" => Answer::ok(VERSION_20_10),
        _ => Answer::refusal(500, "no space left on device"),
    })
    .unwrap();
    let client = Client::connect(&socket, LIMIT).await.unwrap();
    let endless = tokio::io::repeat(0);
    let error = client.load_image(endless, LIMIT, |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("refused (500): no space left on device"), "{error}");
}

#[tokio::test]
async fn an_archive_that_cannot_be_read_is_no_fault_of_the_daemon() {
    struct Damaged;
    impl AsyncRead for Damaged {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
        }
    }
    let (client, _daemon, _directory) = connected(|_| Answer::ok("{}")).await;
    let error = client.load_image(Damaged, LIMIT, |_| {}).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Input { cause, .. }
            if cause.kind() == io::ErrorKind::InvalidData),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_load_that_stalls_is_given_up() {
    let (client, _daemon, _directory) = connected(|_| Answer::Silence).await;
    let limit = Duration::from_millis(50);
    let error = client.load_image(&b"image"[..], limit, |_| {}).await.unwrap_err();
    assert!(matches!(error, EngineError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn a_missing_image_is_none_and_removing_it_is_refused() {
    let (client, daemon, _directory) = connected(|request| match request.target.as_str() {
        "/v1.41/images/here:1/json" => {
            Answer::ok(r#"{"Id":"sha256:00ff","RepoTags":["here:1"],"Os":"linux","Size":650}"#)
        }
        _ => Answer::refusal(404, "No such image: gone:1"),
    })
    .await;
    assert_eq!(client.inspect_image("gone:1").await.unwrap(), None);
    let image = client.inspect_image("here:1").await.unwrap().unwrap();
    assert_eq!((&*image.id, image.size), ("sha256:00ff", 650));
    assert!(client.remove_image("gone:1").await.unwrap_err().is_not_found());
    assert!(client.remove_container("gone", true).await.unwrap_err().is_not_found());
    let force = daemon.requests().pop().unwrap();
    assert_eq!(force.method, "DELETE");
    assert!(force.target.contains("force=true"), "{}", force.target);
}
