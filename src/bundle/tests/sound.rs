//! Archives as upstream publishes them, and variations that mean the same.

use super::*;

#[test]
fn upstream_layout() {
    let image = modern();
    let bytes = image.build();
    let mut kept = Keep::default();
    let seen = Mutex::new(Vec::new());
    let progress = |read| seen.lock().unwrap().push(read);
    let archive = read(&bytes[..], &Limits::default(), &mut kept, &progress).unwrap();

    assert_eq!(archive.sha256, Digest::of(&bytes));
    assert_eq!(archive.size, bytes.len() as u64);
    assert_eq!(archive.newest_mtime, 1_600_000_000);
    assert_eq!(archive.layout(), Layout::Modern);
    assert_eq!(archive.machine(), Some(Machine::X86_64));
    assert_eq!(*seen.lock().unwrap(), [bytes.len() as u64]);

    let files: Vec<_> = image.files.iter().filter(|file| !file.contents.is_empty()).collect();
    assert_eq!(archive.entries.len(), files.len());
    for ((entry, file), kept) in archive.entries.iter().zip(&files).zip(&kept.0) {
        assert_eq!(format!("docker/{}", entry.name).as_bytes(), file.name);
        assert_eq!(entry.sha256, Digest::of(&file.contents));
        assert_eq!(entry.size, file.contents.len() as u64);
        assert_eq!(entry.mode, 0o755);
        assert!(entry.elf.is_static());
        let size = file.contents.len() as u64;
        assert_eq!(*kept, (entry.name.clone(), size, file.contents.clone(), true));
    }
    let sum: usize = files.iter().map(|file| file.contents.len()).sum();
    assert_eq!(archive.unpacked, sum as u64);
    assert_eq!(archive.program(Role::Daemon).unwrap().name, "dockerd");
}

/// Whatever the sizes of the buffers, and wherever they cut, the result is the same.
#[test]
fn every_buffer_size() {
    let bytes = modern().build();
    let expected = read_bytes(&bytes).unwrap();
    for (packed, unpacked, count) in [(1, 1, 1), (7, 511, 2), (4096, 513, 1), (3, 65536, 4)] {
        let buffers = Buffers { packed, unpacked, count };
        let limits = Limits::default();
        let archive = read_with(&bytes[..], &limits, buffers, &mut Discard, &|_| {});
        assert_eq!(archive.unwrap(), expected, "{buffers:?}");
    }
}

#[test]
fn leading_dot_and_explicit_root() {
    let mut image = modern();
    for file in &mut image.files {
        file.name.splice(0..0, *b"./");
    }
    image.files.insert(0, FileImage::directory("./"));
    assert_eq!(read_bytes(&image.build()).unwrap().entries.len(), 8);
}

#[test]
fn several_members_and_zeros_at_the_end() {
    let tar = modern().tar();
    let mut bytes = Vec::new();
    for part in tar.chunks(1000) {
        bytes.extend(gzip(part));
    }
    bytes.extend(gzip(b""));
    bytes.extend([0; 3000]);
    let archive = read_bytes(&bytes).unwrap();
    assert_eq!(archive.sha256, Digest::of(&bytes), "the digest is that of the whole file");
    assert_eq!(archive.entries, read_bytes(&gzip(&tar)).unwrap().entries);
}

#[test]
fn names_of_18_06_and_before() {
    let mut image = modern().without("docker/containerd-shim-runc-v2");
    for file in &mut image.files {
        let name = String::from_utf8(file.name.clone()).unwrap();
        file.name = match name.as_str() {
            "docker/containerd" | "docker/runc" => name.replace('/', "/docker-"),
            "docker/ctr" => "docker/docker-containerd-shim".to_string(),
            _ => name,
        }
        .into_bytes();
    }
    let image = image
        .with(FileImage::directory("docker/completion/"))
        .with(FileImage::directory("docker/completion/bash/"))
        .with(FileImage {
            mode: 0o644,
            ..FileImage::file("docker/completion/bash/docker", b"complete\n")
        });
    let mut kept = Keep::default();
    let bytes = image.build();
    let archive = read(&bytes[..], &Limits::default(), &mut kept, &|_| {}).unwrap();
    assert_eq!(archive.layout(), Layout::Prefixed);
    assert_eq!(archive.program(Role::Runtime).unwrap().name, "docker-runc");
    assert_eq!(archive.entries.len(), 7);
    assert_eq!(kept.0.len(), 7, "completions are not handed on");
}

#[test]
fn the_test_program_itself_as_dockerd() {
    let program = std::env::current_exe().unwrap();
    #[allow(clippy::disallowed_methods, reason = "a test reads its own program")]
    let contents = std::fs::read(program).unwrap();
    let image = modern()
        .without("docker/dockerd")
        .with(FileImage { mtime: 1_700_000_000, ..FileImage::file("docker/dockerd", &contents) });
    let mut archive = read_bytes(&image.build()).unwrap();
    let dockerd = archive.entries.pop().unwrap();
    assert_eq!(dockerd.sha256, Digest::of(&contents));
    assert_eq!(Some(dockerd.elf.machine), Machine::from_uname(std::env::consts::ARCH));
    assert!(dockerd.elf.dependencies_known);
    assert_eq!(archive.newest_mtime, 1_700_000_000);
}

#[test]
fn pax_records_without_effect() {
    let record = |kind, records: &[u8]| FileImage {
        kind,
        ..FileImage::file("./PaxHeaders/docker", records)
    };
    let mut image = modern();
    image.files.insert(0, record(EntryType::XGlobalHeader, &pax("comment", "abcd")));
    image.files.insert(2, record(EntryType::XHeader, &pax("mtime", "1350244992.02")));
    assert_eq!(read_bytes(&image.build()).unwrap().entries.len(), 8);
}

#[test]
fn json_round_trip() {
    let archive = read_bytes(&modern().build()).unwrap();
    let json = serde_json::to_string(&archive).unwrap();
    assert_eq!(serde_json::from_str::<Archive>(&json).unwrap(), archive);
}
