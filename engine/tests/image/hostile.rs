//! Layers that were made to do harm. `archive::apply` looks that nothing outside has changed.

use std::{fs, process::Command};

use proptest::prelude::*;
use tar::EntryType;

use crate::archive::{Archive, ENGINE, apply, apply_with};

fn assert_refused(archive: Archive, why: &str) {
    assert_error(&archive.finish(), why);
}

fn assert_error(archive: &[u8], why: &str) {
    match apply(archive) {
        Ok(_) => panic!("was applied, not refused: {why}"),
        Err(error) => assert!(error.contains(why), "{error}"),
    }
}

#[test]
fn names_that_lead_out_are_refused() {
    assert_refused(Archive::new().file("../outside", b"evil"), "leads out");
    assert_refused(Archive::new().file("a/../../outside", b"evil"), "leads out");
    assert_refused(Archive::new().hard_link("a", "../outside"), "leads out");
    assert_refused(Archive::new().file(".wh...", b""), "whiteout of no name");
    assert_refused(Archive::new().file("a/.wh..", b""), "whiteout of no name");
    assert_refused(Archive::new().file("../.wh.outside", b""), "leads out");
    assert_refused(Archive::new().file("../.wh..wh.opq", b""), "leads out");
    assert_refused(Archive::new().symlink("./", "/etc"), "no directory");
}

#[test]
fn links_cannot_lead_out() {
    let layer = Archive::new()
        .symlink("root", "/")
        .symlink("up", "../../../../..")
        .file("root/outside", b"evil")
        .file("up/beside", b"evil")
        .file("root/.wh.nothing", b"")
        .file("/absolute", b"")
        .hard_link("linked", "up/beside")
        .apply()
        .unwrap();
    for name in ["outside", "beside", "absolute", "linked"] {
        assert!(layer.path(name).exists(), "{name}");
    }
    assert_refused(Archive::new().symlink("a", "/layer").file("a/x", b""), "no directory");
    assert_refused(Archive::new().hard_link("a", "/outside"), "does not have");
    assert_refused(Archive::new().symlink("a", "").file("b", b""), "link to nothing");
}

#[test]
fn cycles_and_contradictions_are_refused() {
    assert_refused(
        Archive::new().symlink("a", "b").symlink("b", "a").file("a/x", b""),
        "no directory",
    );
    assert_refused(Archive::new().hard_link("a", "b").hard_link("b", "a"), "does not have");
    assert_refused(Archive::new().file("a", b"").file("a/b", b""), "no directory");
    assert_refused(Archive::new().directory("a").hard_link("b", "a"), "of a directory");
    assert_refused(Archive::new().file("a/b", b"").hard_link("a", "a/b"), "does not have");
    let same = Archive::new().file("a", b"x").hard_link("a", "a").apply().unwrap();
    assert_eq!(fs::read(same.path("a")).unwrap(), b"x");
}

#[test]
fn names_and_records_without_end_are_refused() {
    let long = vec![b'x'; 1 << 20];
    assert_refused(Archive::new().entry(EntryType::Regular, &long, b"", |_| {}), "longer than");
    assert_refused(Archive::new().pax(&[("path", &long)]).file("a", b""), "longer than");
    assert_refused(Archive::new().pax(&[("path", &long[..5000])]).file("a", b""), "5000 bytes");
    assert_refused(Archive::new().pax(&[("path", b"a\0b")]).file("a", b""), "NUL");
    assert_refused(Archive::new().pax(&[("linkpath", &long[..5000])]).symlink("a", "b"), "bytes");
    assert_refused(Archive::new().file(&"x".repeat(300), b""), "too long");
    assert_refused(Archive::new().pax(&[("size", b"99999999999999999999")]), "malformed");
}

#[test]
fn sparse_files_cannot_lie() {
    let sparse = |records: &[(&str, &[u8])]| Archive::new().pax(records).file("a", b"data");
    let map = |map: &'static [u8], size: &'static [u8]| {
        sparse(&[("GNU.sparse.map", map), ("GNU.sparse.size", size)])
    };
    assert_refused(map(b"0,4,2,2", b"9"), "overlap");
    assert_refused(map(b"0,4", b"3"), "behind the file");
    assert_refused(map(b"18446744073709551615,4", b"9"), "behind the file");
    assert_refused(map(b"0,3", b"9"), "not as long as its data");
    assert_refused(map(b"0,4,1", b"9"), "cut off");
    assert_refused(map(b"0,4", b"18446744073709551615"), "not as long");
    assert_refused(sparse(&[("GNU.sparse.major", b"1")]), "cut off");
    assert_refused(
        sparse(&[
            ("GNU.sparse.map", b"0,4"),
            ("GNU.sparse.size", b"4"),
            ("GNU.sparse.name", b"../outside"),
        ]),
        "leads out",
    );
    let layer = map(b"6,4", b"20").apply().unwrap();
    assert_eq!(fs::read(layer.path("a")).unwrap(), b"\0\0\0\0\0\0data\0\0\0\0\0\0\0\0\0\0");
}

#[test]
fn what_is_no_archive_is_refused() {
    assert_error(&[b'x'; 2048], "no tar archive");
    let whole = Archive::new().file("a", &[b'x'; 2000]).finish();
    assert_error(&whole[..1500], "unexpected end of file");
    assert_error(&whole[..700], "unexpected end of file");
    assert_error(b"BZh91AY&SY", "bzip2");
    let unknown = Archive::new().entry(EntryType::new(b'?'), b"a", b"", |_| {});
    assert_refused(unknown, "unknown type");
    let owner = Archive::new().pax(&[("uid", b"4294967295")]).file("a", b"");
    assert_refused(owner, "does not exist");
    apply(b"").unwrap();
}

/// Directories that go deeper than any path, by way of a link back into them.
#[test]
fn depth_without_end_does_no_harm() {
    let step = "d/".repeat(1000);
    let mut archive = Archive::new();
    for _ in 0..5 {
        archive = archive.entry(
            EntryType::Directory,
            format!("l/{step}").trim_start_matches("l/").as_bytes(),
            b"",
            |_| {},
        );
    }
    let layer = archive.file(&format!("{step}file"), b"").file("d", b"all gone").apply().unwrap();
    assert_eq!(fs::read(layer.path("d")).unwrap(), b"all gone");
}

fn many(entries: usize) -> Vec<u8> {
    let mut archive = Archive::new();
    for number in 0..entries {
        archive = archive.directory(&format!("{:02x}/{number}", number % 256));
    }
    archive.finish()
}

/// So many entries that to remember them would take more memory than there is.
fn apply_many(entries: usize) {
    let mut engine = Command::new("prlimit");
    engine.args(["--as=40000000", ENGINE]);
    let layer = apply_with(engine, &many(entries)).unwrap();
    let one = fs::metadata(layer.path("00/0")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::mtime(&one), 1_000_000_000);
}

#[test]
fn many_entries_take_no_memory() {
    apply_many(20_000);
}

#[test]
#[ignore = "long: makes a million directories"]
fn a_million_entries_take_no_memory() {
    apply_many(1_000_000);
}

fn any_entry() -> impl Strategy<Value = (u8, String, String)> {
    let name = "(a|b|\\.\\.|/|c/d|\\.|\\.wh\\.a|\\.wh\\.|\\.wh\\.\\.wh\\.opq|outside){1}(/(a|b|\\.\\.|\\.wh\\.b)){0,2}";
    (prop::sample::select(b"0123456S".to_vec()), name, "(/|\\.\\./)?(a|b|\\.\\.|outside|c/d)")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever the order of entries, the process ends with a result, and only the layer changes.
    #[test]
    fn any_layer_stays_inside(entries in prop::collection::vec(any_entry(), 1..12)) {
        let mut archive = Archive::new();
        for (kind, name, target) in &entries {
            archive = archive.link(EntryType::new(*kind), name, target);
        }
        let _ = archive.apply();
    }

    /// Bytes that were changed at random.
    #[test]
    fn any_damage_is_harmless(damage in prop::collection::vec((0..4096_usize, any::<u8>()), 1..8)) {
        let mut archive = Archive::new()
            .pax(&[("path", b"a/b"), ("mtime", b"1.5")])
            .file("a", b"data")
            .symlink("l", "a")
            .finish();
        for (at, byte) in damage {
            let at = at % archive.len();
            archive[at] = byte;
        }
        let _ = apply(&archive);
    }
}
