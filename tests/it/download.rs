//! Engines from a mirror, and mirrors measured.
// The server of the tests is started on this machine's loopback too.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::support::{Allowed, Machine, Run, Served, bundle, said_to_be_kept, trace};

const LIMIT: Duration = Duration::from_secs(120);
const VERSION: &str = "20.10.24-9";

/// A server on this machine.
struct Local {
    child: Child,
    address: String,
    /// Open: it writes a line for each answer.
    _log: BufReader<ChildStdout>,
}

impl Local {
    fn start(www: &Path) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/serve.py");
        let mut python = Command::new("python3");
        python.args(["-B", script, "127.0.0.1"]).arg(www).stdout(Stdio::piped());
        let mut child = python.spawn().expect("python3 is there");
        let mut first = String::new();
        let mut log = BufReader::new(child.stdout.take().unwrap());
        log.read_line(&mut first).unwrap();
        let address = first.trim().rsplit(' ').next().unwrap().to_owned();
        Self { child, address, _log: log }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the program prints on this machine.
fn landfall(words: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut landfall = Command::new(env!("CARGO_BIN_EXE_landfall"));
    landfall.env_clear().envs(variables.iter().copied()).args(words);
    Run::of(&landfall, b"", LIMIT)
}

/// A mirror's tree, with an archive of [`VERSION`].
fn tree(archive: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join(format!("linux/static/stable/{}", std::env::consts::ARCH));
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join(format!("docker-{VERSION}.tgz")), archive).unwrap();
    dir
}

#[test]
fn mirrors_are_listed_and_measured() {
    landfall(&["mirrors"], &[]).exits(0).says("download.docker.com").says("Tsinghua");
    let www = tree(&vec![7; 900_000]);
    let server = Local::start(www.path());
    let good = format!("http://{}", server.address);
    let [broken, whole] = ["status=503%2A9", "norange"].map(|it| format!("{good}/~{it}"));
    let words = ["mirrors", "--probe", "--version", VERSION, &broken, &whole, &good, "--json"];
    let run = landfall(&words, &[]).exits(0);
    let output = run.output();
    let lines: Vec<serde_json::Value> =
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{output}");
    let of = |url: &str| lines.iter().find(|line| line["url"] == *url).unwrap();
    assert_eq!(of(&good)["speed"]["ranges"], true);
    assert!(of(&good)["speed"]["bytes_per_second"].as_u64().unwrap() > 0);
    assert_eq!(of(&whole)["speed"]["ranges"], false);
    assert!(of(&broken)["speed"].is_null());
    assert_eq!(lines[2]["url"], broken, "those that do not serve stand last");
    // None that works, by way of a proxy that is not there.
    let words = ["mirrors", "--probe", "http://mirror.test"];
    let proxy = [("http_proxy", "http://me:s3cret@127.0.0.1:1")];
    let run = landfall(&words, &proxy).exits(1).says("the proxy 127.0.0.1:1");
    assert!(!run.output().contains("s3cret"), "{run}");
    landfall(&["mirrors", "--probe", "aliyum"], &[]).exits(2).says("aliyun");
}

#[test]
fn an_archive_from_mirrors_is_installed_and_taken_back() {
    let host = Machine::boot();
    let bytes = bundle::docker_bytes();
    let (www, other) = (tree(&bytes), tree(&[&bytes[..], b"x"].concat()));
    let one = Served::directory(www.path());
    let two = Served::directory(www.path());
    let liar = Served::directory(other.path());
    let address = one.address.split(':').next().unwrap();
    host.sh(&format!("echo {address} one.mirror two.mirror >>/etc/hosts"));
    let port = |served: &Served| served.address.rsplit(':').next().unwrap().to_owned();
    let cut = format!("http://one.mirror:{}/~cut=30000000", port(&one));
    let secret = format!("http://ann:s3cret@two.mirror:{}/~login=ann%3As3cret", port(&two));
    let liar = format!("http://{}", liar.address);
    let words = |mirrors: &[&str]| {
        let mut words = vec!["install", "--yes", "--online", "--method", "static"];
        words.extend(["--version", VERSION]);
        words.extend(mirrors.iter().flat_map(|mirror| ["--mirror", mirror]));
        words.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let before = host.snapshot();

    // One alone proves nothing, and two that differ neither.
    host.landfall(&words(&[&cut])).exits(4).says("came from http://one.mirror");
    host.landfall(&words(&[&cut, &liar])).exits(4).says("two mirrors give different files");
    before.assert_same(&host.snapshot(), CACHE);

    // Taken up where it broke; no module of the C library is opened, and nobody else is asked.
    let calls = trace(&host, &words(&[&cut, &secret]));
    let internet =
        calls.iter().filter(|call| call.contains("connect(") && call.contains("AF_INET"));
    let (asked, others): (Vec<_>, Vec<_>) = internet.partition(|call| call.contains(address));
    assert!(!asked.is_empty(), "it fetched something");
    assert!(others.is_empty(), "{others:#?}");
    let is_module = |call: &str| call.contains(".so\"") || call.contains(".so.");
    let modules: Vec<_> =
        calls.iter().filter(|call| call.contains("openat(") && is_module(call)).collect();
    assert!(modules.is_empty(), "{modules:#?}");
    assert!(one.log().contains("bytes=30000000- 206"), "{}", one.log());
    assert_eq!(host.unit("docker.service", "ActiveState"), "active");
    assert!(!host.sh("cat /var/lib/landfall/*.json*").contains("s3cret"));
    assert_eq!(host.sh("stat -c %a /var/cache/landfall"), "700");

    // With a pin it is in the cache, and there is nothing to do.
    let asked = one.log();
    let mut pinned = words(&[&cut]);
    pinned.extend(["--sha256".to_owned(), bundle::docker().sha256.clone()]);
    host.landfall(&pinned).exits(0).says("is in the cache").says("nothing to do");
    assert_eq!(one.log(), asked, "nothing was asked of the mirror");

    let run = host.landfall(&["uninstall", "--yes"]).exits(0);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
}

const CACHE: &[Allowed] =
    &[Allowed { lines: "file /var/cache/landfall", reason: "what was fetched is kept" }];
