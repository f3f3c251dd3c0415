//! Images through the stock client.

use std::process::Stdio;

use serde_json::Value;

use crate::daemon::{Daemon, IMAGE};

#[test]
fn images_are_loaded_shown_named_and_saved() {
    let daemon = Daemon::start();
    let loaded = daemon.ok(&["load", "-i", IMAGE]);
    assert_eq!(loaded, "Loaded image: busybox:latest");
    let id = daemon.ok(&["images", "-q", "--no-trunc"]);
    assert_eq!(id.len(), "sha256:".len() + 64);
    let listed = daemon.ok(&["images", "--format", "{{.Repository}} {{.Tag}}"]);
    assert_eq!(listed, "busybox latest");
    let inspected: Value = serde_json::from_str(&daemon.ok(&["inspect", "busybox"])).unwrap();
    assert_eq!(inspected[0]["Id"], id);
    assert_eq!(inspected[0]["RepoTags"][0], "busybox:latest");
    assert_eq!(inspected[0]["Config"]["Cmd"][0], "/bin/sh");
    assert!(inspected[0]["Size"].as_u64().unwrap() > 500_000, "{inspected}");
    assert!(daemon.ok(&["history", "busybox"]).contains("mkimage.py"));

    daemon.ok(&["tag", "busybox", "registry.example:5000/team/box:1"]);
    assert_eq!(daemon.ok(&["images", "-q", "--no-trunc", "registry.example:5000/team/box"]), id);
    let saved = daemon.path("saved.tar");
    let saved = saved.to_str().unwrap();
    daemon.ok(&["save", "-o", saved, "registry.example:5000/team/box:1"]);
    let removed = daemon.ok(&["rmi", "registry.example:5000/team/box:1"]);
    assert_eq!(removed, "Untagged: registry.example:5000/team/box:1");
    let removed = daemon.ok(&["rmi", "busybox"]);
    assert!(removed.ends_with(&format!("Deleted: {id}")), "{removed}");
    assert_eq!(daemon.ok(&["images", "-q"]), "");
    assert!(daemon.fails(&["inspect", "busybox"]).1.contains("No such object: busybox"));
    daemon.ok(&["load", "-i", saved]);
    assert_eq!(daemon.ok(&["images", "-q", "--no-trunc"]), id, "the digest is what it was");
}

#[test]
fn an_image_in_use_stays() {
    let mut daemon = Daemon::start();
    daemon.ok(&["run", "-d", "--network", "none", "--name", "user", "busybox", "sleep", "1000"]);
    let id = daemon.ok(&["images", "-q", "--no-trunc"]);
    let (_, error) = daemon.fails(&["rmi", "busybox"]);
    assert!(error.contains("unable to remove repository reference \"busybox\""), "{error}");
    let (_, error) = daemon.fails(&["rmi", "-f", &id]);
    assert!(error.contains("(cannot be forced) - image is being used by running"), "{error}");
    // Its name can go; what the container is made of stays, also for the next daemon.
    daemon.ok(&["rmi", "-f", "busybox"]);
    daemon.kill();
    daemon.run();
    daemon.ok(&["restart", "-t", "0", "user"]);
    assert_eq!(daemon.ok(&["exec", "user", "echo", "here"]), "here");
    daemon.ok(&["rm", "-f", "user"]);
    daemon.kill();
    daemon.run();
    let layers = std::fs::read_dir(daemon.path("data/image/layers")).unwrap().count();
    assert_eq!(layers, 0, "nobody needs the image any more");
}

#[test]
fn what_is_no_image_is_refused() {
    let daemon = Daemon::start();
    let mut load = daemon.docker(&["load"]);
    let mut load = load.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut load.stdin.take().unwrap(), b"not an archive").unwrap();
    let output = load.wait_with_output().unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("cannot use the archive"), "{error}");
    let (code, error) = daemon.fails(&["run", "--network", "none", "missing", "true"]);
    assert_eq!(code, 125);
    assert!(error.contains("does not pull or import images yet"), "{error}");
    for arguments in [&["save", "missing"][..], &["rmi", "missing"], &["tag", "missing", "x:y"]] {
        let (_, error) = daemon.fails(arguments);
        assert!(error.contains("No such image: missing"), "{arguments:?}: {error}");
    }
    let (_, error) = daemon.fails(&["tag", "busybox", "Upper:1"]);
    assert!(error.contains("must be lowercase") || error.contains("invalid reference"), "{error}");
}
