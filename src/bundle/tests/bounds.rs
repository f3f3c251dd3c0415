//! Bounds that hold whatever the archive is like: memory, and what damage can do.

use super::*;

/// Set in the process that the test starts to measure itself in.
const MEASURING: &str = "LANDFALL_TEST_MEASURES_MEMORY";
/// What reading may take, in KiB: 32 MiB.
const MOST_KIB: u64 = 32 << 10;

/// Reads 192 MiB in a process of its own, since peak memory is counted for whole processes.
#[test]
fn memory() {
    if std::env::var_os(MEASURING).is_some() {
        return read_large_archive();
    }
    let path = concat!(module_path!(), "::memory");
    let name = path.split_once("::").map(|(_, name)| name).unwrap();
    let program = std::env::current_exe().unwrap();
    #[allow(clippy::disallowed_methods, reason = "a test starts its own program")]
    let output = std::process::Command::new(program)
        .args(["--exact", name, "--nocapture"])
        .env(MEASURING, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

fn read_large_archive() {
    let mut program = ElfImage::dynamic(Machine::X86_64).needs("libc.so.6", &[]).build();
    // The second program header is that of the dynamic segment; its third field the offset.
    program[64 + 56 + 8..][..8].copy_from_slice(&(100_u64 << 20).to_le_bytes());
    let piece = Random::new(5).bytes(1 << 20);
    let packed_piece = gzip(&piece);
    let mut sets = modern().without("docker/dockerd").tar_open();
    program.resize(program.len().next_multiple_of(512), 0);
    let size = program.len() as u64 + (192 << 20);
    let dockerd =
        FileImage { stated_size: Some(size), ..FileImage::file("docker/dockerd", &program) };
    sets.extend(ArchiveImage::default().with(dockerd).tar_open());
    let (start, end) = (gzip(&sets), gzip(&[0; 1024]));

    let mut input: Box<dyn Read + Send> = Box::new(&start[..]);
    for _ in 0..192 {
        input = Box::new(input.chain(&packed_piece[..]));
    }
    let before = peak_kib();
    let archive = read(input.chain(&end[..]), &Limits::default(), &mut Discard, &|_| {}).unwrap();
    let grown = peak_kib() - before;
    assert_eq!(archive.program(Role::Daemon).unwrap().size, size);
    assert!(!archive.program(Role::Daemon).unwrap().elf.dependencies_known);
    assert!(grown < MOST_KIB, "reading took {grown} KiB");
}

/// The largest amount of memory that this process had so far.
fn peak_kib() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "a test looks at its own process")]
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Bytes flipped, cut out and doubled: never a panic, and never an archive that differs from the
/// sound one without an error.
#[test]
fn mutations() {
    let sound = modern().build();
    let expected = read_bytes(&sound).unwrap();
    let tar = modern().tar();
    let mut random = Random::new(0x1bad_b002);
    for round in 0..3000 {
        // Every second time beneath the compression, where gzip's checksum does not help.
        let packed = round % 2 == 0;
        let mut bytes = if packed { sound.clone() } else { tar.clone() };
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = random.next() as u8,
                2 => drop(bytes.drain(at..(at + random.below(600)).min(bytes.len()))),
                _ => {
                    let piece = bytes[at..(at + random.below(600)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        let read = read_bytes(&if packed { bytes } else { gzip(&bytes) });
        match read {
            // Header fields of gzip that mean nothing here (time, system) may differ.
            Ok(archive) if packed => assert_eq!(archive.entries, expected.entries),
            Ok(archive) => {
                for entry in &archive.entries {
                    assert!(names::lookup(&format!("docker/{}", entry.name)).is_some());
                }
                assert!(archive.entries.len() <= 9);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
