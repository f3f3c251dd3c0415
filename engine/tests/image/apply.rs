//! Layers as they should be, entry by entry, looked at in the file system.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    os::unix::fs::{FileTypeExt, MetadataExt, symlink},
    path::Path,
    process::Command,
};

use rustix::fs::{XattrFlags, makedev, setxattr};
use sha2::{Digest, Sha256};
use tar::EntryType;

use crate::archive::{Archive, apply};

fn is_whiteout(path: &Path) -> bool {
    let metadata = fs::symlink_metadata(path).unwrap();
    metadata.file_type().is_char_device() && metadata.rdev() == 0
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = [0; 1024];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    Some(value[..length].to_vec())
}

fn is_opaque(path: &Path) -> bool {
    attribute(path, "trusted.overlay.opaque").as_deref() == Some(b"y")
}

#[test]
fn whiteouts_become_what_overlay_reads() {
    let layer = Archive::new()
        .directory("a/")
        .file("a/.wh.gone", b"")
        .file("a/.wh..wh.opq", b"")
        .file(".wh.top", b"")
        .file("new/dir/.wh.deep", b"")
        .file(".wh..wh.aufs", b"")
        .apply()
        .unwrap();
    for name in ["a/gone", "top", "new/dir/deep"] {
        assert!(is_whiteout(&layer.path(name)), "{name}");
    }
    assert!(is_opaque(&layer.path("a")));
    assert!(!is_opaque(&layer.path("new/dir")));
    assert_eq!(fs::read_dir(layer.path("")).unwrap().count(), 3);
    assert_eq!(layer.result["hides_all"], false);
    let all = Archive::new().file(".wh..wh.opq", b"").apply().unwrap();
    assert_eq!(all.result["hides_all"], true);
}

/// Whiteouts are about layers below. What this layer has under the same name stays, in whichever
/// order they come.
#[test]
fn a_whiteout_does_not_hide_what_its_own_layer_has() {
    let layer = Archive::new()
        .file("before", b"1")
        .file(".wh.before", b"")
        .file(".wh.after", b"")
        .file("after", b"2")
        .directory("dir-before")
        .file("dir-before/file", b"")
        .file(".wh.dir-before", b"")
        .file(".wh.dir-after", b"")
        .directory("dir-after")
        .file(".wh.implied", b"")
        .file("implied/file", b"")
        .apply()
        .unwrap();
    assert_eq!(fs::read(layer.path("before")).unwrap(), b"1");
    assert_eq!(fs::read(layer.path("after")).unwrap(), b"2");
    assert!(layer.path("dir-before/file").exists());
    for name in ["dir-before", "dir-after", "implied"] {
        assert!(is_opaque(&layer.path(name)), "{name}");
    }
}

#[test]
fn every_kind_of_file_is_made() {
    let device = |major, minor| {
        move |header: &mut tar::Header| {
            header.set_device_major(major).unwrap();
            header.set_device_minor(minor).unwrap();
        }
    };
    let layer = Archive::new()
        .entry(EntryType::Char, b"null", b"", device(1, 3))
        .entry(EntryType::Block, b"disk", b"", device(8, 1))
        .entry(EntryType::Fifo, b"fifo", b"", |_| {})
        .file("dir/file", b"data")
        .hard_link("relative", "dir/file")
        .hard_link("absolute", "/dir/file")
        .hard_link("relative", "./relative")
        .symlink("link", "/etc/../nowhere")
        .symlink("to-dir", "/dir")
        .file("to-dir/through", b"x")
        .file("file-with-slash/", b"")
        .apply()
        .unwrap();
    let at = |name: &str| fs::symlink_metadata(layer.path(name)).unwrap();
    assert!(at("null").file_type().is_char_device());
    assert_eq!(at("null").rdev(), makedev(1, 3));
    assert!(at("disk").file_type().is_block_device());
    assert_eq!(at("disk").rdev(), makedev(8, 1));
    assert!(at("fifo").file_type().is_fifo());
    for name in ["relative", "absolute"] {
        assert_eq!(at(name).ino(), at("dir/file").ino());
    }
    assert_eq!(fs::read_link(layer.path("link")).unwrap(), Path::new("/etc/../nowhere"));
    assert_eq!(fs::read(layer.path("dir/through")).unwrap(), b"x");
    assert!(at("file-with-slash").is_dir());
    assert_eq!(layer.result["bytes"], 5);
}

#[test]
fn owners_modes_attributes_and_times_are_exact() {
    let capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let layer = Archive::new()
        .entry(EntryType::Directory, b"./", b"", |header| header.set_mode(0o1777))
        .pax(&[("mtime", b"1234567890.123456789"), ("atime", b"99.5")])
        .directory("dir")
        .pax(&[("mtime", b"-3.5"), ("uid", b"3000000000"), ("gid", b"7")])
        .entry(EntryType::Regular, b"dir/suid", b"x", |header| header.set_mode(0o6755))
        .pax(&[
            ("SCHILY.xattr.security.capability", capability),
            ("SCHILY.xattr.user.note", b"a\0b"),
            ("SCHILY.xattr.trusted.overlay.redirect", b"/etc"),
            ("SCHILY.xattr.user.overlay.opaque", b"y"),
        ])
        .entry(EntryType::Regular, b"dir/capable", b"x", |header| {
            header.set_uid(5);
            header.set_mode(0o755);
        })
        .pax(&[("SCHILY.xattr.user.note", b"not on links"), ("mtime", b"17.25")])
        .symlink("dir/link", "suid")
        .apply()
        .unwrap();
    let at = |name: &str| fs::symlink_metadata(layer.path(name)).unwrap();
    assert_eq!((at("").mode() & 0o7777, at("").mtime()), (0o1777, 1_000_000_000));
    // Though files were put into it after.
    assert_eq!((at("dir").mtime(), at("dir").mtime_nsec()), (1_234_567_890, 123_456_789));
    assert_eq!(at("dir").atime(), 99);
    let suid = at("dir/suid");
    assert_eq!((suid.mtime(), suid.mtime_nsec()), (-4, 500_000_000));
    assert_eq!((suid.uid(), suid.gid(), suid.mode() & 0o7777), (3_000_000_000, 7, 0o6755));
    let capable = layer.path("dir/capable");
    assert_eq!(attribute(&capable, "security.capability").unwrap(), capability);
    assert_eq!(attribute(&capable, "user.note").unwrap(), b"a\0b");
    assert_eq!(attribute(&capable, "trusted.overlay.redirect"), None);
    assert_eq!(attribute(&capable, "user.overlay.opaque"), None);
    assert_eq!(at("dir/capable").uid(), 5);
    assert_eq!((at("dir/link").mtime(), at("dir/link").mtime_nsec()), (17, 250_000_000));
}

#[test]
fn what_comes_later_replaces_what_was_there() {
    let layer = Archive::new()
        .file("file", b"one")
        .file("file", b"two")
        .directory("dir")
        .file("dir/deep/file", b"")
        .file("dir", b"now a file")
        .symlink("link", "/nowhere")
        .directory("link")
        .file("link/file", b"")
        .directory("kept")
        .file("kept/file", b"")
        .entry(EntryType::Directory, b"kept", b"", |header| header.set_mode(0o700))
        .apply()
        .unwrap();
    assert_eq!(fs::read(layer.path("file")).unwrap(), b"two");
    assert_eq!(fs::read(layer.path("dir")).unwrap(), b"now a file");
    assert!(layer.path("link/file").exists());
    assert!(layer.path("kept/file").exists());
    assert_eq!(fs::metadata(layer.path("kept")).unwrap().mode() & 0o777, 0o700);
}

/// What aufs did with files that have several names.
#[test]
fn links_into_a_storage_drivers_notes_are_followed() {
    let layer = Archive::new()
        .file(".wh..wh.plnk/1.2", b"data")
        .hard_link("one", ".wh..wh.plnk/1.2")
        .hard_link("two", "/.wh..wh.plnk/1.2")
        .apply()
        .unwrap();
    assert_eq!(fs::read(layer.path("one")).unwrap(), b"data");
    assert_eq!(fs::metadata(layer.path("two")).unwrap().nlink(), 2);
    assert!(!layer.path(".wh..wh.plnk").exists());
}

#[test]
fn the_digest_is_of_the_unpacked_archive_with_all_that_follows() {
    let plain = [Archive::new().file("a", &b"text".repeat(1000)).finish(), vec![0; 9000]].concat();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let zstd =
        ruzstd::encoding::compress_to_vec(&*plain, ruzstd::encoding::CompressionLevel::Fastest);
    let hex: String = Sha256::digest(&plain).iter().map(|byte| format!("{byte:02x}")).collect();
    for archive in [plain, gzip.finish().unwrap(), zstd] {
        let layer = apply(&archive).unwrap();
        assert_eq!(layer.result["diff_id"], format!("sha256:{hex}"));
        assert_eq!(fs::metadata(layer.path("a")).unwrap().len(), 4000);
    }
}

/// Every format that GNU tar writes, with names that no header holds and files with holes.
#[test]
fn archives_of_gnu_tar_come_out_as_they_went_in() {
    let source = tempfile::tempdir().unwrap();
    let long = "d".repeat(120);
    let deep = source.path().join(&long).join(&long);
    fs::create_dir_all(&deep).unwrap();
    let name = "n".repeat(200);
    fs::write(deep.join(&name), "deep").unwrap();
    symlink("t".repeat(300), source.path().join("long-target")).unwrap();
    fs::hard_link(deep.join(&name), source.path().join("hard")).unwrap();
    setxattr(source.path().join("hard"), "user.note", b"value", XattrFlags::empty()).unwrap();
    write_sparse(&source.path().join("sparse"));
    for format in [
        &["--format=gnu"][..],
        &["--format=pax", "--sparse-version=0.0", "--xattrs"],
        &["--format=pax", "--sparse-version=0.1", "--xattrs"],
        &["--format=pax", "--sparse-version=1.0", "--xattrs"],
    ] {
        let output = Command::new("tar")
            .args(format)
            .args(["--sparse", "--numeric-owner", "-C"])
            .arg(source.path())
            .args(["-cf", "-", "."])
            .output()
            .unwrap();
        assert!(output.status.success());
        let layer = apply(&output.stdout).unwrap();
        let same = Command::new("diff")
            .args(["-r", "--no-dereference"].map(OsStr::new))
            .args([source.path(), &layer.path("")])
            .status();
        assert!(same.unwrap().success(), "{format:?}");
        let sparse = fs::metadata(layer.path("sparse")).unwrap();
        assert_eq!(sparse.len(), fs::metadata(source.path().join("sparse")).unwrap().len());
        assert!(sparse.blocks() * 512 < 2 << 20, "{format:?} {}", sparse.blocks());
        let hard = fs::metadata(layer.path("hard")).unwrap();
        assert_eq!((hard.nlink(), hard.size()), (2, 4));
        let noted = attribute(&layer.path("hard"), "user.note");
        assert_eq!(noted.is_some(), format.contains(&"--xattrs"));
    }
}

/// More pieces of data than fit into a header and its first continuation.
fn write_sparse(path: &Path) {
    use std::os::unix::fs::FileExt;
    let file = fs::File::create(path).unwrap();
    for piece in 0..60_u64 {
        file.write_all_at(format!("piece {piece}").as_bytes(), piece * 300_000).unwrap();
    }
    file.set_len(30_000_000).unwrap();
}
