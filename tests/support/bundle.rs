//! The archive that tests install, and archives derived from it that must be refused.
//!
//! All are made once a run, in the directory that hosts see, so that no test copies 70 MB.

use super::bench::{SHARE, bench};
use super::run::Run;
use std::fs::File;
use std::io::{BufWriter, Read as _, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// An archive as a host sees it.
pub struct Bundle {
    /// Its path in every host.
    pub path: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

impl Bundle {
    /// The arguments that install it: the archive, and the digest that it is checked against.
    pub fn arguments(&self) -> Vec<&str> {
        vec!["--offline", &self.path, "--sha256", &self.sha256]
    }
}

/// Docker from Debian's packages, in the layout of upstream's archives.
pub fn docker() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let file = bench().bundle.file_name().and_then(|name| name.to_str()).expect("a name");
        publish(file, &mut |out| {
            std::io::copy(&mut File::open(&bench().bundle)?, out)?;
            Ok(())
        })
    })
}

/// Its bytes.
pub fn docker_bytes() -> Vec<u8> {
    std::fs::read(&bench().bundle).expect("the archive can be read")
}

/// The same engine with other bytes: a zero more at the end of each program.
pub fn same_again() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| derive("docker-20.10.24-2.tgz", |_, program| program.push(0)))
}

/// The same engine with another runc.
pub fn other_runc() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        derive("docker-20.10.24-3.tgz", |name, program| {
            if name == "docker/runc" {
                program.push(0);
            }
        })
    })
}

/// The same engine with a daemon that cannot start, as version 20.10.99: it asks for a library that
/// no host has.
pub fn dead_daemon() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        derive("docker-20.10.99.tgz", |name, program| {
            if name == "docker/dockerd" {
                let count = replace(program, b"libsystemd.so.0\0", b"libsystemd.so.9\0");
                assert!(count > 0, "dockerd of this suite does not need libsystemd.so.0");
            }
        })
    })
}

/// One byte of the compressed data is another one: gzip's own checksum does not fit any more.
pub fn damaged() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let mut bytes = docker_bytes();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        publish("damaged.tgz", &mut |out| out.write_all(&bytes))
    })
}

/// The first half of the file, as a broken transfer leaves it.
pub fn truncated() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let bytes = docker_bytes();
        publish("truncated.tgz", &mut |out| out.write_all(&bytes[..bytes.len() / 2]))
    })
}

/// Programs for a 64-bit ARM machine: the `e_machine` field of their ELF headers says so.
pub fn wrong_architecture() -> &'static Bundle {
    /// `EM_AARCH64` of the ELF specification.
    const AARCH64: u16 = 183;
    /// Where `e_machine` stands in an ELF header.
    const E_MACHINE: usize = 18;
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        derive("wrong-architecture.tgz", |_, program| {
            program[E_MACHINE..E_MACHINE + 2].copy_from_slice(&AARCH64.to_le_bytes());
        })
    })
}

/// The library that [`missing_library`]'s runc asks for and no host has.
pub const NO_SUCH_LIBRARY: &str = "libseccomp.so.9";

/// `runc` needs a library that no host has. The daemons start all the same; only a container that
/// runs shows it.
pub fn missing_library() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        derive("missing-library.tgz", |name, program| {
            if name == "docker/runc" {
                let count = replace(program, b"libseccomp.so.2\0", b"libseccomp.so.9\0");
                assert!(count > 0, "runc of this suite does not need libseccomp.so.2");
            }
        })
    })
}

/// The usual archive with a `.sha256` file beside it that names `digest`.
pub fn with_digest_beside(digest: &str) -> Bundle {
    let directory = format!("beside-{}", &digest[..8]);
    let original = docker();
    let name = original.path.rsplit('/').next().expect("a path has a name");
    let there = bench().share.join(&directory);
    std::fs::create_dir_all(&there).expect("the share is writable");
    std::fs::hard_link(bench().share.join(name), there.join(name)).expect("the share is writable");
    std::fs::write(there.join(format!("{name}.sha256")), format!("{digest}  {name}\n"))
        .expect("the share is writable");
    let path = format!("{SHARE}/{directory}/{name}");
    Bundle { path, sha256: original.sha256.clone() }
}

/// Docker from the packages of another suite than the usual one.
pub fn of_suite(suite: &str) -> Bundle {
    // Cold, the suite's root is debootstrapped first: minutes.
    let made =
        Run::of(bench().script("mkbundle.sh").arg(suite), b"", Duration::from_secs(1200)).ok();
    let name = made.trim().rsplit('/').next().expect("a path has a name").to_owned();
    // With a revision of its own: the catalogue knows upstream's archive of that version.
    publish(&name.replace(".tgz", "-1.tgz"), &mut |out| {
        std::io::copy(&mut File::open(made.trim())?, out)?;
        Ok(())
    })
}

/// Debian packages that only one test needs, unpacked beside each other; the directory in every
/// host.
pub fn unpacked(packages: &[&str]) -> String {
    let here = unpacked_here(packages);
    format!("{SHARE}/{}", here.file_name().expect("a directory has a name").display())
}

/// The same; the directory on this machine.
pub fn unpacked_here(packages: &[&str]) -> PathBuf {
    let made =
        Run::of(bench().script("debs.sh").args(packages), b"", Duration::from_secs(1200)).ok();
    let name = made.rsplit('/').next().expect("a path has a name");
    let directory = bench().share.join(format!("debs-{name}"));
    for deb in std::fs::read_dir(&made).expect("debs.sh made a directory") {
        let deb = deb.expect("the directory can be read").path();
        let mut dpkg = Command::new("dpkg-deb");
        dpkg.arg("-x").arg(deb).arg(&directory);
        Run::of(&dpkg, b"", Duration::from_secs(60)).ok();
    }
    directory
}

/// The usual engine in the layout of 18.06 and before: docker-containerd, docker-runc and so on,
/// behind a dockerd that finds them (see `mkoldbundle.sh`).
pub fn old_layout() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let (share, old) = (&bench().share, format!("{SHARE}/old"));
        let mut script = bench().script("mkoldbundle.sh");
        script.arg(&bench().bundle).arg(share).arg(old);
        let made = Run::of(&script, b"", Duration::from_secs(120)).ok();
        published(made.rsplit('/').next().expect("a path has a name"))
    })
}

/// An image of busybox with this name, in the form of `docker save`; its path in every host.
pub fn image() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let mut script = bench().script("mkimage.py");
        script.arg(bench().share.join("busybox.tar")).arg(IMAGE_NAME);
        Run::of(&script, b"", Duration::from_secs(60)).ok();
        format!("{SHARE}/busybox.tar")
    })
}

/// The name of [`image`].
pub const IMAGE_NAME: &str = "busybox:bench";

/// Writes a file into the shared directory; complete when it gets its name.
fn publish(name: &str, write: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>) -> Bundle {
    let path = bench().share.join(name);
    let unfinished = bench().share.join(format!(".{name}"));
    let mut file = BufWriter::new(File::create(&unfinished).expect("the share is writable"));
    write(&mut file).expect("the archive can be written");
    file.into_inner().expect("the archive can be written");
    std::fs::rename(&unfinished, &path).expect("the share is writable");
    published(name)
}

/// A file that lies in the shared directory.
fn published(name: &str) -> Bundle {
    let path = bench().share.join(name);
    let sum = Run::of(Command::new("sha256sum").arg(&path), b"", Duration::from_secs(60)).ok();
    let sha256 = sum.split(' ').next().expect("a digest").to_owned();
    Bundle { path: format!("{SHARE}/{name}"), sha256 }
}

/// The archive again, with `edit` applied to each program in it.
fn derive(name: &str, edit: impl Fn(&str, &mut Vec<u8>)) -> Bundle {
    publish(name, &mut |out| {
        let source = flate2::read::GzDecoder::new(File::open(&bench().bundle)?);
        let target = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
        let mut target = tar::Builder::new(target);
        for entry in tar::Archive::new(source).entries()? {
            let mut entry = entry?;
            let mut header = entry.header().clone();
            let path = entry.path()?.to_string_lossy().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            if header.entry_type().is_file() {
                edit(&path, &mut content);
            }
            header.set_size(content.len() as u64);
            header.set_cksum();
            target.append(&header, content.as_slice())?;
        }
        target.into_inner()?.finish()?;
        Ok(())
    })
}

/// Replaces every `old` by a `new` of the same length; says how many there were.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) -> usize {
    assert_eq!(old.len(), new.len(), "offsets in the file must stay");
    let found: Vec<usize> = bytes
        .windows(old.len())
        .enumerate()
        .filter_map(|(at, window)| (window == old).then_some(at))
        .collect();
    for at in &found {
        bytes[*at..at + new.len()].copy_from_slice(new);
    }
    found.len()
}
