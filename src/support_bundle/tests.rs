use std::io::Read;

use super::*;
use crate::steps::testing::Bed;

fn collection(bed: &Bed, limits: Limits) -> Collection<'_> {
    Collection::new(&bed.host, Identity::default(), "2026-11-24T06:30:00Z".to_owned(), limits)
}

fn text<'c>(collection: &'c Collection<'_>, name: &str) -> &'c str {
    collection.texts.iter().find(|(there, _)| there == name).map(|(_, text)| text.as_str()).unwrap()
}

#[test]
fn nothing_comes_in_with_its_secrets() {
    let bed = Bed::new(&["etc"]);
    bed.write("/etc/conf", "password=S3CR3T\n");
    let mut bundle = collection(&bed, Limits::default());
    bundle.add("a.json", "x --token S3CR3T", "token=S3CR3T", "{\"auth\": \"S3CR3T\"}", Keep::End);
    bundle.add("b.jsonl", "", "", "{\"password\": 5}\n{\"auth\": \"S3CR3T", Keep::End);
    bundle.file("conf", "/etc/conf", Keep::Start);
    bundle.leave_out("d", "http://ann:S3CR3T@host failed");
    let manifest = serde_json::to_string(&bundle.manifest).unwrap();
    let everything = format!("{:?}{manifest}", bundle.texts);
    assert!(!everything.contains("S3CR3T"), "{everything}");
    assert_eq!(text(&bundle, "conf"), "password=<removed>\n");
    assert_eq!(bundle.manifest.files.iter().map(|file| file.removed).sum::<usize>(), 4);
}

#[test]
fn sizes_are_bounded_and_cuts_are_said() {
    let bed = Bed::new(&[]);
    let mut bundle = collection(&bed, Limits { file: 10, total: 24, ..Limits::default() });
    bundle.add("start", "", "", "one\ntwo\nthree\n", Keep::Start);
    bundle.add("end", "", "", "one\ntwo\nthree\n", Keep::End);
    bundle.add("line", "", "", "ééééééééé", Keep::End);
    bundle.add("none", "", "", "more", Keep::Start);
    assert_eq!(text(&bundle, "start"), "one\ntwo\n");
    assert_eq!(text(&bundle, "end"), "three\n");
    assert_eq!(text(&bundle, "line"), "ééééé");
    assert_eq!(text(&bundle, "none"), "");
    assert!(bundle.manifest.files.iter().all(|file| file.cut));
}

#[test]
fn what_cannot_be_had_is_named() {
    let bed = Bed::new(&["etc/docker"]);
    let mut bundle = collection(&bed, Limits::default());
    bundle.file("conf", "/etc/docker", Keep::Start);
    collect(&mut bundle);
    let why = |name: &str| {
        let found = bundle.manifest.left_out.iter().find(|left| left.name.contains(name));
        found.map(|left| left.why.clone()).unwrap()
    };
    assert!(why("conf").contains("not a regular file"), "{}", why("conf"));
    assert!(why("daemon.json").contains("/etc/docker/daemon.json"));
    assert_eq!(why("engine"), texts::IMAGE);
}

#[test]
fn no_program_is_begun_after_the_time() {
    let host = Host::live().unwrap();
    let limits = Limits { time: Duration::ZERO, ..Limits::default() };
    let mut bundle = Collection::new(&host, Identity::default(), String::new(), limits);
    bundle.program("uname", &["uname"], Keep::Start);
    assert_eq!(bundle.manifest.left_out[0].why, texts::NO_TIME);
}

#[test]
fn programs_are_kept_or_left_out_by_what_they_say() {
    let host = Host::live().unwrap();
    let limits = Limits::default();
    let mut bundle = Collection::new(&host, Identity::default(), String::new(), limits);
    bundle.program("said", &["sh", "-c", "echo out; echo err >&2; exit 3"], Keep::Start);
    bundle.program("silent", &["sh", "-c", "echo err >&2; exit 3"], Keep::Start);
    bundle.program("missing", &["no-such-program"], Keep::Start);
    assert_eq!(text(&bundle, "said"), "out\n");
    assert_eq!(bundle.manifest.files[0].said, "err");
    let why: Vec<&str> = bundle.manifest.left_out.iter().map(|left| left.why.as_str()).collect();
    assert!(why[0].contains("exit code 3") && why[0].contains("err"), "{why:?}");
    assert!(why[1].contains("no-such-program"), "{why:?}");
}

#[test]
fn an_archive_holds_what_was_packed() {
    let texts = [("manifest.json".to_owned(), "{}\n".to_owned()), ("a/b".repeat(60), "x".into())];
    let packed = pack("bundle", 5, &texts).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().mode().unwrap(), 0o600);
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        found.push((name.strip_prefix("bundle/").unwrap().to_owned(), text));
    }
    assert_eq!(found, texts);
}
