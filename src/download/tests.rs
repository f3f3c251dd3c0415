//! Against the bad server of the end-to-end tests, on this machine's own loopback.
#![allow(clippy::disallowed_methods)] // starts it

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use super::*;
use crate::digest::Digest;
use crate::host::cache_dir::CacheDir;
use crate::mirrors;
use crate::net::connect::ConnectError;
use crate::net::names::Names;
use crate::net::proxy::Proxies;
use crate::net::trust::{Trust, certificates};
use crate::net::web::{Address, Web, WebError};
use crate::report::Silent;

const NAME: &str = "docker-28.5.2.tgz";
const HOSTS: &str = "127.0.0.1 mirror.test other.test\n";

/// A server of `tests/bench/serve.py`.
struct Server {
    child: Child,
    port: String,
    tls: bool,
    log: Option<JoinHandle<Vec<String>>>,
}

impl Server {
    fn start(dir: &Path, more: &[&Path], login: Option<&str>) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/serve.py");
        let mut command = Command::new("python3");
        command.arg("-B").arg(script).arg("127.0.0.1").arg(dir).args(more);
        command.env_remove("PROXY_LOGIN").envs(login.map(|login| ("PROXY_LOGIN", login)));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("python3 is there");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it listens").unwrap();
        let port = first.rsplit_once(':').unwrap().1.to_owned();
        let log = std::thread::spawn(move || lines.map_while(Result::ok).collect());
        Self { child, port, tls: !more.is_empty(), log: Some(log) }
    }

    fn serving(bytes: &[u8]) -> (Self, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), bytes).unwrap();
        (Self::start(dir.path(), &[], None), dir)
    }

    /// The file, with these faults.
    fn file(&self, faults: &str) -> Address {
        self.file_by("127.0.0.1", "", faults)
    }

    fn file_by(&self, host: &str, login: &str, faults: &str) -> Address {
        let scheme = if self.tls { "https" } else { "http" };
        let root = format!("{scheme}://{login}{host}:{}", self.port);
        let faults = if faults.is_empty() { String::new() } else { format!("~{faults}/") };
        Address::of(&mirrors::site(&root).unwrap(), &format!("{faults}{NAME}")).unwrap()
    }

    /// What it was asked: range and status of each request.
    fn stop(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        let log = self.log.take().unwrap().join().unwrap();
        let short = log.iter().map(|line| line.splitn(3, ' ').nth(2).unwrap().to_owned());
        short.collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who fetches.
struct Client {
    web: Web,
    dir: PathBuf,
    _kept: tempfile::TempDir,
    allow_unpinned: bool,
    tries: u32,
}

impl Client {
    fn new() -> Self {
        Self::with(Proxies::default(), Trust::default())
    }

    fn with(proxies: Proxies, trust: Trust) -> Self {
        let kept = tempfile::tempdir().unwrap();
        let web = Web::new(Names::new(HOSTS, ""), proxies, trust);
        let dir = kept.path().join("cache");
        Self { web, dir, _kept: kept, allow_unpinned: false, tries: 3 }
    }

    fn fetch(&self, sources: &[Address], pin: Option<&[u8]>) -> Result<Fetched, FetchError> {
        let pin = pin.map(Digest::of);
        let want = Want { name: NAME.to_owned(), sources: sources.to_vec(), pin, limit: 8 << 20 };
        self.fetch_all(&[want]).remove(0)
    }

    fn fetch_all(&self, wants: &[Want]) -> Vec<Result<Fetched, FetchError>> {
        let cache = CacheDir::open(&self.dir).unwrap();
        let pace =
            Pace { tries: self.tries, first_pause: Duration::from_millis(1), ..Pace::default() };
        let allow_unpinned = self.allow_unpinned;
        let fetcher =
            Fetcher { web: &self.web, cache: &cache, pace, allow_unpinned, reporter: &Silent };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(fetcher.fetch(wants))
    }

    /// The sizes of beginnings that are kept.
    fn partials(&self) -> Vec<u64> {
        let entries = std::fs::read_dir(self.dir.join("partial")).unwrap().map(Result::unwrap);
        let files = entries.filter(|entry| entry.path().extension().is_none());
        files.map(|entry| entry.metadata().unwrap().len()).collect()
    }
}

fn bytes(seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(300_000).collect()
}

fn read(fetched: &Fetched) -> Vec<u8> {
    std::fs::read(&fetched.path).unwrap()
}

/// Why the only source was passed over.
fn only(error: FetchError) -> Passed {
    match error {
        FetchError::Nowhere { mut tried, .. } if tried.len() == 1 => tried.remove(0).1,
        error => panic!("{error:?}"),
    }
}

#[test]
fn a_file_comes_once_and_is_then_in_the_cache() {
    let (server, _dir) = Server::serving(&bytes(1));
    let client = Client::new();
    let fetched = client.fetch(&[server.file("")], Some(&bytes(1))).unwrap();
    assert_eq!((read(&fetched), fetched.by), (bytes(1), Vouched::Pin));
    assert_eq!(fetched.path.file_name().unwrap(), NAME);
    assert_eq!(fetched.from, [server.file("").to_string()]);
    let again = client.fetch(&[server.file("")], Some(&bytes(1))).unwrap();
    assert_eq!((again.path, again.from.len()), (fetched.path.clone(), 0));
    // A file in the cache that was damaged is fetched anew.
    std::fs::write(&fetched.path, b"x").unwrap();
    assert_eq!(read(&client.fetch(&[server.file("")], Some(&bytes(1))).unwrap()), bytes(1));
    assert_eq!(server.stop(), ["- 200", "- 200"]);
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let (server, _dir) = Server::serving(&bytes(1));
    let client = Client::new();
    let fetched = client.fetch(&[server.file("cut=120000")], Some(&bytes(1))).unwrap();
    assert_eq!(read(&fetched), bytes(1));
    assert_eq!(server.stop(), ["- 200", "bytes=120000- 206", "bytes=240000- 206"]);
}

#[test]
fn a_busy_server_is_asked_again_and_not_for_ever() {
    let (server, _dir) = Server::serving(&bytes(1));
    let client = Client::new();
    for faults in ["status=503*2", "status=429*1", "status=500*2"] {
        let fetched = client.fetch(&[server.file(faults)], Some(&bytes(1))).unwrap();
        assert_eq!(read(&fetched), bytes(1));
        client_forgets(&client);
    }
    let error = client.fetch(&[server.file("status=503*9")], Some(&bytes(1))).unwrap_err();
    let Passed::Transfer(TransferError::Busy(503, Some(_))) = only(error) else { panic!() };
    assert_eq!(server.stop().len(), 3 + 2 + 3 + 3);
}

fn client_forgets(client: &Client) {
    std::fs::remove_dir_all(&client.dir).unwrap();
}

#[test]
fn one_that_breaks_falls_over_to_the_next() {
    let (bad, _dir) = Server::serving(&bytes(1));
    let (good, _other) = Server::serving(&bytes(1));
    let client = Client::new();
    let missing = Address::parse(&format!("http://127.0.0.1:{}/none", bad.port)).unwrap();
    let nobody = Address::parse("http://127.0.0.1:1/x").unwrap();
    let unknown = Address::parse("http://nowhere.invalid/x").unwrap();
    let sources = [
        bad.file("cut=1000,norange"),
        bad.file("status=503*99"),
        bad.file("alter"),
        bad.file("half"),
        bad.file("page"),
        missing,
        nobody,
        unknown,
        good.file(""),
    ];
    let fetched = client.fetch(&sources, Some(&bytes(1))).unwrap();
    assert_eq!(read(&fetched), bytes(1));
    assert_eq!(fetched.from, [good.file("").to_string()]);
    let Err(FetchError::Nowhere { tried, .. }) =
        Client::new().fetch(&sources[..8], Some(&bytes(1)))
    else {
        panic!()
    };
    let kinds: Vec<_> = tried.iter().map(|(_, why)| why).collect();
    let [
        Passed::Transfer(TransferError::Broken(_)),
        Passed::Transfer(TransferError::Busy(503, _)),
        Passed::Other(_),
        Passed::Other(_),
        Passed::Transfer(TransferError::Page),
        Passed::Transfer(TransferError::Status(404)),
        Passed::Transfer(TransferError::Web(WebError::Connect(ConnectError::Address(..)))),
        Passed::Transfer(TransferError::Web(WebError::Connect(ConnectError::Name(_)))),
    ] = kinds[..]
    else {
        panic!("{kinds:#?}")
    };
    // Nothing that is another file is kept.
    assert_eq!(client.partials().iter().max(), Some(&1000));
}

#[test]
fn a_later_run_takes_up_what_an_earlier_one_left() {
    let (server, dir) = Server::serving(&bytes(1));
    let once = Client { tries: 1, ..Client::new() };
    let source = [server.file("cut=100000")];
    once.fetch(&source, Some(&bytes(1))).unwrap_err();
    assert_eq!(once.partials(), [100_000]);
    once.fetch(&source, Some(&bytes(1))).unwrap_err();
    assert_eq!(once.partials(), [200_000]);
    // Another file of the same size: not glued to the beginning of the one before.
    std::fs::write(dir.path().join(NAME), bytes(2)).unwrap();
    once.fetch(&source, Some(&bytes(2))).unwrap_err();
    assert_eq!(once.partials(), [100_000]);
    once.fetch(&source, Some(&bytes(2))).unwrap_err();
    assert_eq!(read(&once.fetch(&source, Some(&bytes(2))).unwrap()), bytes(2));
    let asked = [
        "- 200",
        "bytes=100000- 206",
        "bytes=200000- 200",
        "bytes=100000- 206",
        "bytes=200000- 206",
    ];
    assert_eq!(server.stop(), asked);
}

#[test]
fn a_server_that_glues_is_found_out() {
    for (faults, statuses) in [
        // It says that it is another file, though it was asked for the rest of the first.
        ("glue,cut=100000", vec!["- 200", "bytes=100000- 206", "- 200"]),
        // It does not say so: only the digest tells, and all is fetched once more.
        ("glue,notag,cut=100000", vec!["- 200", "bytes=100000- 206", "bytes=200000- 206", "- 200"]),
    ] {
        let (server, dir) = Server::serving(&bytes(1));
        let client = Client { tries: 1, ..Client::new() };
        let source = [server.file(faults)];
        client.fetch(&source, Some(&bytes(1))).unwrap_err();
        std::fs::write(dir.path().join(NAME), bytes(2)).unwrap();
        let client = Client { tries: 4, ..client };
        assert_eq!(read(&client.fetch(&source, Some(&bytes(2))).unwrap()), bytes(2));
        let asked = server.stop();
        assert!(asked.len() >= statuses.len());
        assert!(
            asked.iter().zip(&statuses).all(|(one, other)| one == other),
            "{faults}: {asked:?}"
        );
    }
}

#[test]
fn without_a_pin_nothing_is_taken_up_that_cannot_be_told_from_another() {
    let (server, _dir) = Server::serving(&bytes(1));
    let client = Client { tries: 1, allow_unpinned: true, ..Client::new() };
    client.fetch(&[server.file("notag,cut=100000")], None).unwrap_err();
    client.fetch(&[server.file("notag,cut=100000")], None).unwrap_err();
    assert_eq!(server.stop(), ["- 200", "- 200"]);
}

#[test]
fn without_a_pin_two_mirrors_have_to_agree() {
    let (one, _a) = Server::serving(&bytes(1));
    let (two, _b) = Server::serving(&bytes(1));
    let (liar, _c) = Server::serving(&bytes(2));
    let client = Client::new();
    let fetched = client.fetch(&[one.file(""), one.file("status=503*1"), two.file("")], None);
    let fetched = fetched.unwrap();
    assert_eq!((read(&fetched), fetched.by), (bytes(1), Vouched::Mirrors));
    assert_eq!(fetched.from, [one.file("").to_string(), two.file("").to_string()]);
    let error = client.fetch(&[one.file(""), liar.file("")], None).unwrap_err();
    let FetchError::Disagree { given, .. } = error else { panic!("{error:?}") };
    let digests: Vec<Digest> = given.iter().map(|(_, sha256)| *sha256).collect();
    assert_eq!(digests, [bytes(1), bytes(2)].map(|it| Digest::of(&it)));
    // The same server by another path is nobody else.
    let error = client.fetch(&[one.file(""), one.file("status=503*0")], None).unwrap_err();
    assert!(matches!(error, FetchError::Alone { .. }), "{error:?}");
    let client = Client { allow_unpinned: true, ..client };
    assert_eq!(client.fetch(&[one.file("")], None).unwrap().by, Vouched::Nobody);
    assert!(client.partials().len() <= 1, "what disagrees is not kept");
}

#[test]
fn redirects_are_followed_and_logins_stay_where_they_belong() {
    use base64::Engine;
    let (server, _dir) = Server::serving(&bytes(1));
    let (other, _else) = Server::serving(&bytes(1));
    let to = |address: String| {
        format!("to={}", base64::engine::general_purpose::STANDARD.encode(address))
    };
    let client = Client::new();
    let wanted = "login=ann:s3cr@t";
    let by_ann = |faults: &str| server.file_by("127.0.0.1", "ann:s3cr%40t@", faults);
    let elsewhere = to(other.file("").to_string());
    let fetched = client.fetch(&[server.file(&elsewhere)], Some(&bytes(1))).unwrap();
    assert_eq!(fetched.from, [server.file(&elsewhere).to_string()]);
    let fetched = client.fetch(&[by_ann(wanted)], Some(&bytes(1)));
    assert!(fetched.unwrap().from.is_empty());
    client_forgets(&client);
    let fetched = client.fetch(&[by_ann(wanted)], Some(&bytes(1))).unwrap();
    assert!(!fetched.from[0].contains("s3cr%40t@"), "{fetched:?}");
    client_forgets(&client);
    let here = to(format!("/~{wanted}/{NAME}"));
    client.fetch(&[by_ann(&here)], Some(&bytes(1))).unwrap();
    client_forgets(&client);
    let there = to(other.file(wanted).to_string());
    let error = client.fetch(&[by_ann(&there)], Some(&bytes(1))).unwrap_err();
    let Passed::Transfer(TransferError::Status(401)) = only(error) else { panic!() };
    let round = to(server.file("").to_string().replace(NAME, "none"));
    let error = client.fetch(&[server.file(&round)], Some(&bytes(1))).unwrap_err();
    let Passed::Transfer(TransferError::Status(404)) = only(error) else { panic!() };
}

/// A directory with the file, and certificate and key for `mirror.test`.
fn with_certificate() -> (tempfile::TempDir, [PathBuf; 2], Trust) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(NAME), bytes(1)).unwrap();
    let made = rcgen::generate_simple_self_signed(["mirror.test".to_owned()]).unwrap();
    let files = [dir.path().join("cert.pem"), dir.path().join("key.pem")];
    std::fs::write(&files[0], made.cert.pem()).unwrap();
    std::fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
    let roots = certificates(made.cert.pem().as_bytes());
    (dir, files, Trust { own: 1, roots, client: None })
}

#[test]
fn a_private_authority_has_to_be_named() {
    use base64::Engine;
    let (dir, [certificate, key], trust) = with_certificate();
    let server = Server::start(dir.path(), &[&certificate, &key], None);
    let file = |faults: &str| server.file_by("mirror.test", "", faults);
    let error = Client::new().fetch(&[file("")], Some(&bytes(1))).unwrap_err();
    let Passed::Transfer(TransferError::Web(WebError::Connect(ConnectError::Certificate(_)))) =
        only(error)
    else {
        panic!()
    };
    let client = Client::with(Proxies::default(), trust);
    let fetched = client.fetch(&[file("cut=120000")], Some(&bytes(1))).unwrap();
    assert_eq!(read(&fetched), bytes(1));
    client_forgets(&client);
    let (plain, _dir) = Server::serving(&bytes(1));
    let to = base64::engine::general_purpose::STANDARD.encode(plain.file("").to_string());
    let error = client.fetch(&[file(&format!("to={to}"))], Some(&bytes(1))).unwrap_err();
    let Passed::Transfer(TransferError::Web(WebError::Downgrade(_))) = only(error) else {
        panic!()
    };
}

#[test]
fn proxies() {
    let (dir, [certificate, key], trust) = with_certificate();
    let proxy = Server::start(dir.path(), &[], Some("ann:s3cret"));
    let plain = Server::start(dir.path(), &[], None);
    let secure = Server::start(dir.path(), &[&certificate, &key], None);
    let proxies = |login: &str, no: &str| {
        let url = format!("http://{login}127.0.0.1:{}", proxy.port);
        Proxies::new(&url, &url, no, "the environment")
    };
    let trust = || Trust { own: 1, roots: trust.roots.clone(), client: None };
    for server in [&plain, &secure] {
        let file = [server.file_by("mirror.test", "", "cut=120000")];
        let client = Client::with(proxies("ann:s3cret@", ""), trust());
        let fetched = client.fetch(&file, Some(&bytes(1))).unwrap();
        assert_eq!(read(&fetched), bytes(1));
        let error = Client::with(proxies("", ""), trust()).fetch(&file, Some(&bytes(1)));
        let error = error.unwrap_err();
        let details = error.details().join("\n");
        assert!(details.contains("407") && !details.contains("s3cret"), "{details}");
        let client = Client::with(proxies("", "mirror.test"), trust());
        client.fetch(&file, Some(&bytes(1))).unwrap();
    }
    let through = proxy.stop();
    assert!(through.iter().any(|line| line == "- 200"), "{through:?}");
}

#[test]
fn several_files_come_at_once_and_one_that_fails_stops_no_other() {
    let (server, dir) = Server::serving(&bytes(1));
    let want = |number: u32| {
        let name = format!("file-{number}");
        if number != 3 {
            std::fs::write(dir.path().join(&name), bytes(number)).unwrap();
        }
        let url = format!("http://127.0.0.1:{}/~cut=250000/{name}", server.port);
        let sources = vec![Address::parse(&url).unwrap()];
        Want { name, sources, pin: Some(Digest::of(&bytes(number))), limit: 8 << 20 }
    };
    let wants: Vec<Want> = (0..8).map(want).collect();
    let client = Client::new();
    let all = client.fetch_all(&wants);
    for (number, result) in (0..).zip(all) {
        match result {
            Ok(fetched) => assert_eq!(read(&fetched), bytes(number)),
            Err(error) => assert!(number == 3, "{error:?}"),
        }
    }
}

#[test]
fn what_is_too_large_is_not_taken() {
    let (server, _dir) = Server::serving(&bytes(1));
    let want = |faults| Want {
        name: NAME.to_owned(),
        sources: vec![server.file(faults)],
        pin: Some(Digest::of(&bytes(1))),
        limit: 1000,
    };
    let client = Client::new();
    for error in client.fetch_all(&[want(""), want("norange")]) {
        let Passed::Transfer(TransferError::TooLarge(1000)) = only(error.unwrap_err()) else {
            panic!()
        };
    }
    assert!(client.partials().iter().all(|size| *size <= 1000));
}

#[test]
fn the_fastest_stands_first_and_those_that_fail_last() {
    let (server, _dir) = Server::serving(&bytes(1));
    let sites: Vec<mirrors::Site> = ["status=503%2A9", "page", "norange", "cut=1000"]
        .map(|faults| format!("http://127.0.0.1:{}/~{faults}", server.port))
        .into_iter()
        .chain([format!("http://127.0.0.1:{}", server.port), "http://127.0.0.1:1".to_owned()])
        .map(|url| mirrors::site(&url).unwrap())
        .collect();
    let web = Client::new().web;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let measured = runtime.block_on(race::race(&web, sites, NAME, Some("no/such/index")));
    let roots: Vec<String> = measured.iter().map(|one| one.site.root()).collect();
    let works = |one: &race::Measured| one.result.is_ok();
    assert_eq!(
        measured.iter().map(works).collect::<Vec<_>>(),
        [true, true, false, false, false, false]
    );
    for (one, root) in measured.iter().zip(roots) {
        assert_eq!(one.packages, works(one).then_some(false));
        if let Ok(speed) = &one.result {
            assert_eq!(speed.ranges, !root.contains("norange"));
        }
    }
}
