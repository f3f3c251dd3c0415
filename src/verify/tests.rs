//! What the engine says, and receipts of before.

use serde_json::json;

use super::*;
use crate::digest::Digest;
use crate::facts::{Facts, FileFact};
use crate::file_state::{FileKind, FileState};
use landfall_engine::Info;

fn first() -> Receipt {
    serde_json::from_str(include_str!("../../tests/receipts/schema-1.json")).unwrap()
}

/// A host on which nothing stands.
fn says(receipt: &Receipt, info: Info) -> Vec<Difference> {
    let seen = InstalledFacts { engine: Some(Ok(info)), ..InstalledFacts::default() };
    let all = compare(receipt, &seen).differences;
    all.into_iter().filter(|found| found.path().is_none()).collect()
}

fn follows() -> Info {
    Info {
        server_version: "28.5.2".to_owned(),
        registry_mirrors: vec!["https://mirror.example.internal/".to_owned()],
        live_restore: true,
        ..Info::default()
    }
}

/// An older receipt holds nothing of what was asked for; its steps tell all that was made.
#[test]
fn a_receipt_of_the_first_format_is_compared_whole() {
    let receipt = first();
    assert_eq!(receipt.desired, None);
    let missing: Vec<String> = compare(&receipt, &InstalledFacts::default())
        .differences
        .iter()
        .map(crate::texts::verify::difference)
        .collect();
    for what in ["/usr/bin/dockerd", "/etc/docker is", "daemon.json", "group engine", "enabled"] {
        assert!(missing.iter().any(|text| text.contains(what)), "{what}: {missing:?}");
    }
    let wanted = Expected::of(&receipt).wanted(&receipt);
    assert_eq!(wanted.programs, ["/usr/bin/dockerd"]);
    assert_eq!((wanted.users, wanted.units.len()), (vec!["deploy".to_owned()], 3));
}

/// Distributions add to a version; that is no other engine.
#[test]
fn the_engine_is_asked_what_it_is_and_what_it_follows() {
    let receipt = first();
    let groups = |found: &Difference| matches!(found, Difference::Group { .. });
    let of_engine = |info| {
        let mut found = says(&receipt, info);
        found.retain(|found| !groups(found));
        found
    };
    assert_eq!(of_engine(follows()), []);
    let built = Info { server_version: "28.5.2+dfsg1".to_owned(), ..follows() };
    assert_eq!(of_engine(built), []);
    let other = Info { server_version: "27.1.0".to_owned(), live_restore: false, ..follows() };
    let expected = Difference::Version { expected: "28.5.2".into(), found: "27.1.0".into() };
    assert_eq!(of_engine(other), [expected, Difference::NotInForce { key: "live-restore".into() }]);
}

#[test]
fn images_that_are_gone_are_named() {
    let receipt = first();
    let archive = Digest::of(b"images");
    let seen = InstalledFacts {
        missing_images: vec![(archive, "app:1".to_owned())],
        ..InstalledFacts::default()
    };
    let found = compare(&receipt, &seen).differences;
    assert!(found.contains(&Difference::Image { reference: "app:1".to_owned(), archive }));
}

/// Modes are written as people write them.
#[test]
fn differences_as_programs_read_them() {
    let mode = Difference::Mode { path: "/a".to_owned(), expected: 0o755, found: 0o4777 };
    let json = serde_json::to_value(mode).unwrap();
    assert_eq!(json, json!({"kind": "mode", "path": "/a", "expected": "0755", "found": "4777"}));
}

/// Where a key was changed, that the daemon does not follow it is no second difference.
#[test]
fn a_key_differs_once() {
    let receipt = first();
    let text =
        "{\"live-restore\": false, \"registry-mirrors\": [\"https://mirror.example.internal\"]}";
    let state = FileState {
        kind: FileKind::File,
        mode: 0o640,
        uid: 0,
        gid: 0,
        size: 0,
        mtime: 0,
        xattrs: Default::default(),
        target: None,
    };
    let fact = FileFact { state, sha256: None, text: Some(text.to_owned()) };
    let mut facts = Facts::default();
    facts.files.insert(crate::desired::DAEMON_JSON.to_owned(), fact);
    let engine = Some(Ok(Info { live_restore: false, ..follows() }));
    let seen = InstalledFacts { facts, engine, ..InstalledFacts::default() };
    let found = compare(&receipt, &seen).differences;
    let of_keys = found
        .iter()
        .filter(|found| matches!(found, Difference::Key { .. } | Difference::NotInForce { .. }));
    assert_eq!(of_keys.count(), 1, "{found:?}");
}
