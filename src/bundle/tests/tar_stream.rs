//! What can be wrong with the tar stream.

use super::*;

#[test]
fn links_devices_and_the_like() {
    for (kind, what) in [
        (EntryType::Symlink, "a symbolic link"),
        (EntryType::Link, "a hard link"),
        (EntryType::Char, "a character device"),
        (EntryType::Block, "a block device"),
        (EntryType::Fifo, "a FIFO"),
        (EntryType::GNUSparse, "a sparse file"),
        (EntryType::Continuous, "a contiguous file"),
        (EntryType::new(b'V'), "of an unknown type"),
    ] {
        let image = modern().without("docker/ctr").with(link(kind));
        assert_error!(error_of(&image.build()), BundleError::NotRegular { kind, .. } if kind == what);
    }
}

#[test]
fn dangerous_names() {
    for (name, what) in [
        ("/docker/ctr", "absolute"),
        ("../docker/ctr", "upwards"),
        ("docker/../../etc/passwd", "upwards"),
        ("docker/..", "upwards"),
        ("docker\\ctr", "backslash"),
        ("docker/ctr\n", "control"),
        ("docker/c\u{202e}tr\u{7}", "control"),
        ("", "empty"),
    ] {
        let error = error_with(FileImage::file(name, b""));
        assert_error!(error, BundleError::NameRefused { why, .. } if why.contains(what));
    }
    let file = FileImage { name: b"docker/\xff".to_vec(), ..FileImage::file("", b"") };
    assert_error!(error_with(file), BundleError::NameRefused { why, .. } if why.contains("UTF-8"));
    let file = FileImage { name: b"docker/ctr\0x".to_vec(), ..FileImage::file("", b"") };
    assert_error!(error_with(file), BundleError::NameRefused { why, .. } if why.contains("NUL"));
}

#[test]
fn unknown_names() {
    for name in [
        "docker/evil",
        "evil",
        "docker/Dockerd",
        "docker/./ctr",
        "docker//ctr",
        "././docker/ctr",
        "docker/dockerd/x",
        "docker/ctr/",
        "docker/completion/bash/evil",
    ] {
        let error = error_with(FileImage::file(name, b""));
        let shown = format!("{name:?}");
        assert_error!(error, BundleError::UnknownName { ref name } if *name == shown);
    }
    let error = error_with(FileImage::file("landfall.json", b""));
    assert_error!(error, BundleError::ManifestElsewhere);
    let error = error_with(FileImage::directory("docker/plugins/"));
    assert_error!(error, BundleError::UnknownName { .. });
}

#[test]
fn names_are_shown_escaped_and_cut() {
    let error = error_with(FileImage::file("docker/\u{1b}[2J", b""));
    assert!(error.to_string().contains("\\u{1b}[2J"), "{error}");
    let error = error_with(FileImage::file(&"x".repeat(100), b""));
    assert!(error.to_string().len() < 250);
}

#[test]
fn the_prefix_field_belongs_to_the_name() {
    let edit = |raw: &mut [u8; 512]| {
        raw[257..265].copy_from_slice(b"ustar\x0000");
        raw[345..348].copy_from_slice(b"etc");
    };
    let file = FileImage { edit: Some(edit), ..FileImage::file("docker/ctr", b"") };
    let error = error_of(&modern().without("docker/ctr").with(file).build());
    assert_error!(error, BundleError::UnknownName { ref name } if name == "\"etc/docker/ctr\"");
}

#[test]
fn twice() {
    let again = modern().files.pop().unwrap();
    assert_error!(error_with(again), BundleError::Duplicate { ref name } if name.contains("dockerd"));
    assert_error!(error_with(FileImage::directory("./docker")), BundleError::Duplicate { .. });
}

#[test]
fn files_and_directories_confused() {
    let error = error_with(FileImage::file("docker", b""));
    assert_error!(error, BundleError::NameRefused { why, .. } if why.contains("directory belongs"));
    let image = modern().without("docker/ctr").with(FileImage::directory("docker/ctr/"));
    assert_error!(error_of(&image.build()), BundleError::NameRefused { why, .. } if why.contains("file belongs"));
}

#[test]
fn special_modes() {
    let image = modern().without("docker/runc");
    let runc = FileImage::file("docker/runc", &ElfImage::fixed(Machine::X86_64).build());
    for mode in [0o4755, 0o2755, 0o1755] {
        let image = image.clone().with(FileImage { mode, ..runc.clone() });
        assert_error!(error_of(&image.build()), BundleError::SpecialMode { mode: found, .. } if found == mode);
    }
    // Some programs write the file's type into the mode.
    let image = image.with(FileImage { mode: 0o100_750, ..runc });
    assert_eq!(read_bytes(&image.build()).unwrap().program(Role::Runtime).unwrap().mode, 0o750);
}

#[test]
fn damaged_headers() {
    let damage = |raw: &mut [u8; 512]| raw[300] ^= 1;
    let file = FileImage { damage: Some(damage), ..FileImage::file("docker/ctr", b"") };
    let at = modern().tar_open().len() as u64;
    assert_error!(error_with(file), BundleError::BadHeaderChecksum { at: found } if found == at);

    fn size(raw: &mut [u8; 512]) {
        raw[124..136].copy_from_slice(b"99999999999\0");
    }
    fn negative(raw: &mut [u8; 512]) {
        raw[124..136].fill(0xff);
    }
    fn beyond_64_bits(raw: &mut [u8; 512]) {
        raw[124..136].copy_from_slice(b"\x80\0\x01\0\0\0\0\0\0\0\0\x05");
    }
    fn no_mode(raw: &mut [u8; 512]) {
        raw[100..108].fill(b'x');
    }
    fn time(raw: &mut [u8; 512]) {
        raw[136..148].fill(0xff);
    }
    type Edit = fn(&mut [u8; 512]);
    let edits: [(Edit, &str); 5] = [
        (size, "size"),
        (negative, "size"),
        (beyond_64_bits, "size"),
        (no_mode, "mode"),
        (time, "time"),
    ];
    for (edit, what) in edits {
        let file = FileImage { edit: Some(edit), ..FileImage::file("docker/ctr", b"") };
        assert_error!(error_with(file), BundleError::BadField { field, .. } if field == what);
    }
    let directory =
        FileImage { stated_size: Some(512), ..FileImage::directory("docker/completion") };
    assert_error!(error_with(directory), BundleError::BadField { field: "size", .. });
}

#[test]
fn sizes_out_of_range() {
    for size in [(1 << 30) + 1, 1 << 40, u64::MAX] {
        let file = FileImage { stated_size: Some(size), ..FileImage::file("docker/ctr", b"") };
        let image = modern().without("docker/ctr").with(file);
        assert_error!(error_of(&image.build()), BundleError::FileTooLarge { size: found, .. } if found == size);
    }
}

#[test]
fn too_many_entries() {
    let many = (0..65).fold(ArchiveImage::default(), |image, _| {
        image.with(FileImage { kind: EntryType::XHeader, ..FileImage::file("x", b"") })
    });
    assert_error!(error_of(&many.build()), BundleError::TooManyEntries { limit: 64 });
}

#[test]
fn extensions() {
    for kind in [EntryType::GNULongName, EntryType::GNULongLink] {
        let file = FileImage { kind, ..FileImage::file("././@LongLink", b"docker/ctr\0") };
        assert_error!(error_with(file), BundleError::Extension { ref what, .. } if what.contains("GNU long"));
    }
    let record = FileImage::file("x", &pax("path", "../etc/cron"));
    let record = FileImage { kind: EntryType::XHeader, ..record };
    assert_error!(error_with(record), BundleError::Extension { ref what, .. } if what.contains("path"));
    let record = FileImage::file("x", b"99 path=../etc/cron\n");
    let record = FileImage { kind: EntryType::XHeader, ..record };
    assert_error!(error_with(record), BundleError::Extension { ref what, .. } if what.contains("malformed"));
    for stated in [(64 << 10) + 1, u64::MAX] {
        let pax = FileImage {
            kind: EntryType::XGlobalHeader,
            stated_size: Some(stated),
            ..FileImage::file("x", b"")
        };
        assert_error!(error_with(pax), BundleError::ExtensionTooLong { size, .. } if size == stated);
    }
}

#[test]
fn incomplete() {
    let tar = modern().tar_open();
    for (length, what) in [
        (0, "before its end marker"),
        (300, "before its end marker"),
        (tar.len(), "before its end marker"),
        (tar.len() - 512, "in the middle of dockerd"),
    ] {
        let error = error_of(&gzip(&tar[..length]));
        assert_error!(error, BundleError::TarTruncated { at, ref place } if place == what && at == length as u64);
    }
    let half_marker = [&tar[..], &[0; 512]].concat();
    assert_error!(error_of(&gzip(&half_marker)), BundleError::TarTruncated { .. });
    let pax = FileImage {
        kind: EntryType::XHeader,
        stated_size: Some(30_000),
        ..FileImage::file("x", b"")
    };
    assert_error!(error_with(pax), BundleError::TarTruncated { ref place, .. } if place.contains("PAX"));
}

#[test]
fn data_after_the_end_marker() {
    let tar = modern().tar_open();
    let marker = [0; 1024];
    let behind = [&tar[..], &marker, &modern().tar()].concat();
    let expected = (tar.len() + 1024) as u64;
    assert_error!(error_of(&gzip(&behind)), BundleError::DataAfterEnd { at } if at == expected);
    let within = [&tar[..], &marker[..512], &modern().tar()].concat();
    assert_error!(error_of(&gzip(&within)), BundleError::DataAfterEnd { .. });
}
