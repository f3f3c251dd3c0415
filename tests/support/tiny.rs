//! Archives of programs that nobody runs, small enough to be installed hundreds of times.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The programs of an archive.
const PROGRAMS: [&str; 7] = [
    "containerd",
    "containerd-shim-runc-v2",
    "docker",
    "docker-init",
    "docker-proxy",
    "dockerd",
    "runc",
];

/// Writes `docker-<version>.tgz` into a directory; its path.
pub fn archive(directory: &Path, version: &str) -> PathBuf {
    let path = directory.join(format!("docker-{version}.tgz"));
    let file = File::create(&path).expect("the directory is writable");
    let gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for name in PROGRAMS {
        let bytes = program(&format!("{name} {version}"));
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        header.set_mtime(1_700_000_000);
        tar.append_data(&mut header, format!("docker/{name}"), bytes.as_slice())
            .expect("an entry is written");
    }
    tar.into_inner().and_then(flate2::write::GzEncoder::finish).expect("the archive is written");
    path
}

/// A statically linked program by its headers (ELF specification, "ELF header" and "Program
/// header"), and a text.
pub fn program(text: &str) -> Vec<u8> {
    /// `ET_EXEC`, `EM_X86_64`, `PT_LOAD`.
    const EXECUTABLE: u16 = 2;
    const X86_64: u16 = 62;
    const LOAD: u32 = 1;
    let mut bytes = Vec::new();
    bytes.extend([0x7f, b'E', b'L', b'F', 2, 1, 1, 0]);
    bytes.extend([0; 8]);
    let mut put = |field: &[u8]| bytes.write_all(field).expect("memory");
    put(&EXECUTABLE.to_le_bytes());
    put(&X86_64.to_le_bytes());
    put(&1u32.to_le_bytes());
    put(&0x40_0078u64.to_le_bytes()); // entry
    put(&64u64.to_le_bytes()); // program headers
    put(&0u64.to_le_bytes()); // section headers
    put(&0u32.to_le_bytes());
    for half in [64u16, 56, 1, 64, 0, 0] {
        put(&half.to_le_bytes());
    }
    put(&LOAD.to_le_bytes());
    put(&5u32.to_le_bytes()); // readable, executable
    for word in [0u64, 0x40_0000, 0x40_0000, 120, 120, 0x1000] {
        put(&word.to_le_bytes());
    }
    put(text.as_bytes());
    bytes
}
