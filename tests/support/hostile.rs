//! Bundles that are damaged or made to do harm, made without the program's own writer: the unit
//! tests read them, and the end-to-end tests try to install them.

use std::io::Write as _;

use base64::Engine as _;
use flate2::{Compression, write::DeflateEncoder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::EntryType;

/// 2026-01-01T00:00:00Z, as the manifest says.
const TIME: u64 = 1_767_225_600;

/// A bundle, and what has to be said of it.
pub struct Case {
    /// What is wrong with it.
    pub name: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    /// Words of the message.
    pub says: &'static str,
}

/// A file of a bundle, before and after the manifest was made of it.
#[derive(Clone)]
pub struct File {
    path: String,
    role: &'static str,
    mode: u32,
    contents: Vec<u8>,
    /// What stands in the tar stream, if not what belongs there.
    header: Option<Vec<u8>>,
    stored: Option<Vec<u8>>,
}

/// A bundle taken apart.
#[derive(Clone)]
pub struct Parts {
    /// The manifest.
    pub manifest: Value,
    /// Its text, if it is not what the manifest gives.
    pub text: Option<Vec<u8>>,
    /// The signature.
    pub signature: Option<Vec<u8>>,
    files: Vec<File>,
    end: Vec<u8>,
}

/// The smallest program that the reader takes for one.
pub fn program(machine: u16, payload: &str) -> Vec<u8> {
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    elf.extend(2u16.to_le_bytes()); // ET_EXEC
    elf.extend(machine.to_le_bytes());
    elf.extend(1u32.to_le_bytes());
    elf.extend(0x40_0000u64.to_le_bytes());
    elf.extend(64u64.to_le_bytes()); // program headers
    elf.extend(0u64.to_le_bytes());
    elf.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 1, 0, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    let size = (64 + 56 + payload.len()) as u64;
    elf.extend(1u32.to_le_bytes()); // PT_LOAD
    elf.extend(5u32.to_le_bytes());
    for word in [0, 0x40_0000, 0x40_0000, size, size, 4096] {
        elf.extend(u64::to_le_bytes(word));
    }
    elf.extend(payload.as_bytes());
    elf
}

const X86_64: u16 = 62;
const AARCH64: u16 = 183;

impl File {
    fn new(path: &str, role: &'static str, contents: Vec<u8>) -> Self {
        let mode = if ["engine", "plugin", "landfall"].contains(&role) { 0o755 } else { 0o644 };
        let path = path.to_owned();
        Self { path, role, mode, contents, header: None, stored: None }
    }

    fn entry(&self) -> Value {
        json!({
            "path": self.path, "sha256": hex(&self.contents), "size": self.contents.len(),
            "mode": self.mode, "role": self.role,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Engine, plugin, image, package and checksums.
fn files(machine: u16) -> Vec<File> {
    let names = [
        "containerd",
        "containerd-shim-runc-v2",
        "ctr",
        "docker",
        "docker-init",
        "docker-proxy",
        "dockerd",
        "runc",
    ];
    let engine =
        |name: &&str| File::new(&format!("docker/{name}"), "engine", program(machine, name));
    let mut files: Vec<File> = names.iter().map(engine).collect();
    let compose = program(machine, "compose");
    files.push(File::new("cli-plugins/docker-compose", "plugin", compose));
    let mut blobs: Vec<File> = ["manifest", "config", "layer"]
        .iter()
        .map(|blob| {
            let path = format!("images/blobs/sha256/{}", hex(blob.as_bytes()));
            File::new(&path, "image", blob.as_bytes().to_vec())
        })
        .collect();
    blobs.sort_by(|a, b| a.path.cmp(&b.path));
    files.extend(blobs);
    files.push(File::new("packages/debian-12/iptables.deb", "package", b"deb".to_vec()));
    files.push(File::new("SHA256SUMS", "checksums", b"sums\n".to_vec()));
    files
}

/// A bundle that nothing is wrong with, except that no program in it does anything.
pub fn sound() -> Parts {
    of(files(X86_64), "x86_64")
}

fn of(files: Vec<File>, architecture: &str) -> Parts {
    let provenance = json!({"source": "here", "sha256": hex(b"here")});
    let manifest = json!({
        "format": 1, "created": "2026-01-01T00:00:00Z", "architecture": architecture,
        "engines": [{
            "name": "docker", "version": "28.5.2", "arch": architecture, "provenance": provenance,
        }],
        "files": files.iter().map(File::entry).collect::<Vec<_>>(),
        "images": [{
            "ref": "busybox:1", "digest": hex(b"manifest"), "platform": "linux/amd64",
            "config": hex(b"config"), "layers": [hex(b"layer")], "provenance": provenance,
        }],
    });
    Parts { manifest, text: None, signature: None, files, end: vec![0; 1024] }
}

/// The index of `docker/runc` among the files.
const RUNC: usize = 7;

impl Parts {
    fn with(mut self, edit: impl FnOnce(&mut Self)) -> Self {
        edit(&mut self);
        self
    }

    /// Changes what the manifest says of a file.
    fn entry(self, index: usize, key: &str, value: Value) -> Self {
        self.with(|parts| parts.manifest["files"][index][key] = value)
    }

    /// Changes a file's tar header; its checksum is made anew.
    fn header(self, index: usize, edit: impl FnOnce(&mut tar::Header)) -> Self {
        self.with(|parts| {
            let mut header = tar_header(&parts.files[index]);
            edit(&mut header);
            header.set_cksum();
            parts.files[index].header = Some(header.as_bytes().to_vec());
        })
    }

    /// Puts raw bytes before a file's header.
    fn before(self, index: usize, bytes: &[u8]) -> Self {
        self.with(|parts| {
            let own = tar_header(&parts.files[index]).as_bytes().to_vec();
            parts.files[index].header = Some([bytes, &own].concat());
        })
    }

    /// The text of the manifest.
    pub fn text(&self) -> Vec<u8> {
        let text = || serde_json::to_vec_pretty(&self.manifest).expect("JSON");
        self.text.clone().unwrap_or_else(text)
    }

    fn first(&self) -> Vec<u8> {
        member(&entry("landfall.json", &self.text()))
    }

    fn tar(&self) -> Vec<u8> {
        let mut tar = Vec::new();
        for file in &self.files {
            let own = || tar_header(file).as_bytes().to_vec();
            tar.extend(file.header.clone().unwrap_or_else(own));
            tar.extend(file.stored.as_ref().unwrap_or(&file.contents));
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.extend(&self.end);
        tar
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        let mut bundle = self.first();
        if let Some(signature) = &self.signature {
            bundle.extend(member(&entry("landfall.json.minisig", signature)));
        }
        for chunk in self.tar().chunks(4 << 20) {
            bundle.extend(member(chunk));
        }
        bundle
    }
}

fn tar_header(file: &File) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    // A name that may not be set is written as it is.
    let name = file.path.as_bytes();
    let length = name.len().min(100);
    header.as_mut_bytes()[..length].copy_from_slice(&name[..length]);
    header.set_entry_type(EntryType::Regular);
    header.set_size(file.contents.len() as u64);
    header.set_mode(file.mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(TIME);
    header.set_cksum();
    header
}

/// A file with its header and padding.
fn entry(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut tar = tar_header(&File::new(name, "", contents.to_vec())).as_bytes().to_vec();
    tar.extend(contents);
    tar.resize(tar.len().next_multiple_of(512), 0);
    tar
}

/// A gzip member that states its length.
fn member(bytes: &[u8]) -> Vec<u8> {
    member_stating(bytes, |length| length, bytes.len() as u32)
}

fn member_stating(bytes: &[u8], stated: impl Fn(u32) -> u32, size: u32) -> Vec<u8> {
    let mut member = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x08\0LF\x04\0\0\0\0\0".to_vec();
    let mut deflate = DeflateEncoder::new(&mut member, Compression::new(6));
    deflate.write_all(bytes).expect("memory");
    deflate.finish().expect("memory");
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    member.extend(crc.sum().to_le_bytes());
    member.extend(size.to_le_bytes());
    let length = stated(member.len() as u32);
    member[16..20].copy_from_slice(&length.to_le_bytes());
    member
}

fn plain_gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::new(6));
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}

/// A bundle that is sound, for hosts of another architecture.
pub fn foreign() -> Vec<u8> {
    of(files(AARCH64), "aarch64").build()
}

/// All cases.
pub fn cases() -> Vec<Case> {
    let mut cases = packed();
    cases.extend(of_manifest());
    cases.extend(of_tar());
    cases.extend(of_signature());
    cases
}

fn case(name: &'static str, bytes: Vec<u8>, says: &'static str) -> Case {
    Case { name, bytes, says }
}

/// What can be wrong with the compressed data.
fn packed() -> Vec<Case> {
    let sound = sound();
    let (first, whole) = (sound.first(), sound.build());
    let body = first.len();
    let flip = |at: usize, bit: u8| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << bit;
        bytes
    };
    let until = |length: usize| whole[..length].to_vec();
    let with = |parts: &[&[u8]]| parts.concat();
    let tar = sound.tar();
    let end = whole.len();
    let gzipped = plain_gzip(&[entry("landfall.json", &sound.text()), tar.clone()].concat());
    vec![
        case("an empty file", Vec::new(), "an empty file"),
        case("a web page", b"<html>Blocked</html>".to_vec(), "a web page"),
        case("zeros", vec![0; 4096], "zeros"),
        case("the first bit flipped", flip(0, 3), "not gzip"),
        case("FEXTRA's name flipped", flip(12, 0), "where no bundle has it"),
        case("FEXTRA's length flipped", flip(10, 1), "the archive is damaged near byte"),
        case("the manifest's stated length flipped", flip(16, 2), "the bundle is damaged"),
        case("the manifest's data flipped", flip(body / 2, 5), "the part at byte 0"),
        case("the manifest's checksum flipped", flip(body - 7, 0), "part at byte 0 is wrong"),
        case("the manifest's size flipped", flip(body - 4, 0), "part at byte 0 is wrong"),
        case("a later member's mark flipped", flip(body + 12, 0), "no part begins as"),
        case("a later member's time flipped", flip(body + 4, 0), "no part begins as"),
        case("a later member's first byte flipped", flip(body, 0), "foreign data from byte"),
        case("a file's data flipped", flip((body + end) / 2, 4), "damaged"),
        case("the last checksum flipped", flip(end - 8, 7), "gzip's checksum of the part"),
        case("the last size flipped", flip(end - 1, 7), "part at byte"),
        case("cut in the first header", until(10), "cut off"),
        case("cut in the manifest", until(body / 2), "the file ends after"),
        case("cut after the manifest", until(body), "the file ends after"),
        case("cut in a member's header", until(body + 7), "the file ends after"),
        case("cut in a member", until(end - 100), "the file ends after"),
        case("cut by one byte", until(end - 1), "the file ends after"),
        case("text behind the end", with(&[&whole, b"and more"]), "foreign data from byte"),
        case("zeros behind the end", with(&[&whole, &[0; 512]]), "foreign data from byte"),
        case("a gzip file behind the end", with(&[&whole, &plain_gzip(b"x")]), "no part begins as"),
        case("another bundle behind the end", with(&[&whole, &whole]), "goes on after its end"),
        case(
            "a member that states to be empty",
            with(&[&first, &member_stating(&tar, |_| 20, 0)]),
            "states a length of 20 bytes",
        ),
        case(
            "a member that states 4 GiB",
            with(&[&first, &member_stating(&tar, |_| u32::MAX, 0)]),
            "states a length of 4294967295 bytes",
        ),
        case(
            "a member that states to be shorter than it is",
            with(&[&first, &member_stating(&tar, |length| length - 9, 0)]),
            "damaged",
        ),
        case(
            "a member that unpacks to more than it states",
            with(&[&first, &member_stating(&vec![0; 3 << 20], |length| length, 512)]),
            "gzip's checksum of the part",
        ),
        case(
            "a member that unpacks to 5 MiB",
            with(&[&first, &member(&vec![0; 5 << 20])]),
            "unpacks to more than the 4194304 bytes allowed",
        ),
        case("packed anew by gzip", gzipped, "where no bundle has it"),
    ]
}

/// What can be wrong with the manifest.
fn of_manifest() -> Vec<Case> {
    let path = |path: &str| sound().entry(RUNC, "path", json!(path)).build();
    let key = |key: &str, value: Value| sound().with(|parts| parts.manifest[key] = value).build();
    let text = |text: &[u8]| sound().with(|parts| parts.text = Some(text.to_vec())).build();
    let tar = sound().tar();
    let long = format!("docker/{}", "x".repeat(1 << 20));
    vec![
        case("no manifest", member(&tar), "begins with \"docker/containerd\""),
        case(
            "the manifest second",
            [member(&tar[..tar.len() - 1024]), sound().first()].concat(),
            "begins with \"docker/containerd\"",
        ),
        case(
            "something else in the manifest's member",
            member(&[entry("landfall.json", &sound().text()), tar.clone()].concat()),
            "something else in the part of the file",
        ),
        case(
            "a manifest of 17 MiB",
            text(&vec![b' '; 17 << 20]),
            "longer than the 16777216 bytes allowed",
        ),
        case(
            "a manifest of 1 GiB",
            member_stating(&vec![0; 20 << 20], |length| length, 1 << 30),
            "longer than the 16777216 bytes allowed",
        ),
        case(
            "a manifest that is no JSON",
            text(b"{]"),
            "the manifest of the bundle cannot be read",
        ),
        case("a manifest of brackets", text(&vec![b'['; 1 << 20]), "cannot be read"),
        case("an empty manifest", text(b""), "cannot be read: EOF"),
        case("a manifest without files", text(br#"{"format": 1}"#), "missing field"),
        case("format 2", key("format", json!(2)), "has format 2"),
        case("format -1", key("format", json!(-1)), "cannot be read"),
        case("no time of making", key("created", json!("yesterday")), "no usable time"),
        case(
            "two engines",
            {
                let engine = sound().manifest["engines"][0].clone();
                key("engines", json!([engine, engine]))
            },
            "several engines",
        ),
        case("an engine without a name for it", key("engines", json!([])), "an engine without"),
        case("an absolute path", path("/etc/passwd"), "(it is absolute)"),
        case("a path upwards", path("docker/../../etc/passwd"), "leads upwards"),
        case("a path with a dot", path("docker/./runc"), "a single dot"),
        case("a path with a backslash", path("docker\\runc"), "backslash"),
        case("a path with a control character", path("docker/runc\n"), "control character"),
        case("an empty path", path(""), "it is empty"),
        case("a path of 1 MiB", path(&long), "but programs of the engine lie in docker/"),
        case("a program that no engine has", path("docker/sh"), "\"docker/sh\", but programs"),
        case(
            "a plugin that nobody knows",
            {
                let evil = json!("cli-plugins/docker-evil");
                sound().entry(RUNC + 1, "path", evil).build()
            },
            "but plugins lie in",
        ),
        case(
            "a blob under another digest",
            {
                let other = json!(format!("images/blobs/sha256/{}", hex(b"other")));
                sound().entry(RUNC + 2, "path", other).build()
            },
            "blobs under their digests",
        ),
        case(
            "a package without a distribution",
            sound().entry(12, "path", json!("packages/x.deb")).build(),
            "packages/<distribution>/",
        ),
        case(
            "a program called otherwise",
            sound().entry(RUNC, "role", json!("landfall")).build(),
            "the program is called landfall",
        ),
        case(
            "an unknown role",
            sound().entry(RUNC, "role", json!("kernel")).build(),
            "unknown variant",
        ),
        case(
            "a set-user-id program",
            sound().entry(RUNC, "mode", json!(0o4755)).build(),
            "special mode 4755",
        ),
        case(
            "a program that all may write",
            sound().entry(RUNC, "mode", json!(0o777)).build(),
            "has the mode 777",
        ),
        case(
            "a size that is negative",
            sound().entry(RUNC, "size", json!(-1)).build(),
            "invalid value",
        ),
        case(
            "a size beyond 64 bits",
            sound().entry(RUNC, "size", json!(1e30)).build(),
            "invalid type",
        ),
        case(
            "a digest that is none",
            sound().entry(RUNC, "sha256", json!("abc")).build(),
            "64 hexadecimal",
        ),
        case(
            "a bomb of 10 GiB",
            sound().entry(RUNC, "size", json!(10u64 << 30)).build(),
            "far more than can be in a file",
        ),
        case(
            "sizes that overflow",
            {
                let size = json!(u64::MAX);
                sound().entry(RUNC, "size", size.clone()).entry(1, "size", size).build()
            },
            "unpacks to 18446744073709551615 bytes",
        ),
        case(
            "a file twice",
            {
                sound()
                    .with(|parts| {
                        let runc = parts.manifest["files"][RUNC].clone();
                        parts.manifest["files"][RUNC - 1] = runc;
                    })
                    .build()
            },
            "lists \"docker/runc\" twice",
        ),
        case(
            "files in another order",
            {
                sound()
                    .with(|parts| parts.manifest["files"].as_array_mut().expect("files").reverse())
                    .build()
            },
            "not in its order",
        ),
        case(
            "an image without its layer",
            {
                sound()
                    .with(|parts| parts.manifest["images"][0]["layers"] = json!([hex(b"x")]))
                    .build()
            },
            "which is not listed",
        ),
    ]
}

/// What can be wrong with the tar stream.
fn of_tar() -> Vec<Case> {
    let header = |edit: fn(&mut tar::Header)| sound().header(RUNC, edit).build();
    let kind = |kind: EntryType| {
        sound()
            .header(RUNC, |header| {
                header.set_entry_type(kind);
                header.set_link_name("/etc/shadow").expect("short");
            })
            .build()
    };
    fn named(name: &[u8]) -> Vec<u8> {
        sound()
            .header(RUNC, |header| {
                header.as_mut_bytes()[..100].fill(0);
                header.as_mut_bytes()[..name.len()].copy_from_slice(name);
            })
            .build()
    }
    let extension = |kind: EntryType, contents: &[u8]| {
        let mut record = tar::Header::new_ustar();
        record.set_path("x").expect("short");
        record.set_entry_type(kind);
        record.set_size(contents.len() as u64);
        record.set_cksum();
        let mut bytes = record.as_bytes().to_vec();
        bytes.extend(contents);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        sound().before(RUNC, &bytes).build()
    };
    let without = |index: usize| sound().with(|parts| drop(parts.files.remove(index))).build();
    let long_name = vec![b'x'; 1 << 20];
    vec![
        case("a symbolic link", kind(EntryType::Symlink), "is a symbolic link"),
        case("a hard link", kind(EntryType::Link), "is a hard link"),
        case("a character device", kind(EntryType::Char), "is a character device"),
        case("a block device", kind(EntryType::Block), "is a block device"),
        case("a FIFO", kind(EntryType::Fifo), "is a FIFO"),
        case("a directory", kind(EntryType::Directory), "only files are accepted"),
        case("a sparse file", kind(EntryType::GNUSparse), "is a sparse file"),
        case("a contiguous file", kind(EntryType::Continuous), "is a contiguous file"),
        case("an unknown type", kind(EntryType::new(b'V')), "of an unknown type"),
        case("a PAX record", extension(EntryType::XHeader, b"17 path=/etc/x\n"), "a PAX record"),
        case("a global PAX record", extension(EntryType::XGlobalHeader, b""), "a PAX record"),
        case(
            "a long name of 1 MiB",
            extension(EntryType::GNULongName, &long_name),
            "a GNU long name",
        ),
        case("a long link", extension(EntryType::GNULongLink, b"x"), "a GNU long link"),
        case("an absolute name", named(b"/usr/bin/runc"), "\"/usr/bin/runc\" (it is absolute)"),
        case("a name upwards", named(b"docker/../../x"), "\"docker/../../x\""),
        case("a name that is not UTF-8", named(b"docker/\xff"), "UTF-8"),
        case("a name with a NUL in it", named(b"docker/runc\0x"), "NUL"),
        case(
            "a name that is not listed",
            named(b"docker/evil"),
            "\"docker/evil\", which its manifest does not list",
        ),
        case("a name with ./ before it", named(b"./docker/runc"), "owner, time or form"),
        case("a set-user-id bit", header(|header| header.set_mode(0o4755)), "special mode 4755"),
        case("a set-group-id bit", header(|header| header.set_mode(0o2755)), "special mode 2755"),
        case(
            "another mode",
            header(|header| header.set_mode(0o777)),
            "differs from the manifest: mode",
        ),
        case(
            "another owner",
            header(|header| header.set_uid(1000)),
            "differs from the manifest: owner",
        ),
        case(
            "another time",
            header(|header| header.set_mtime(0)),
            "differs from the manifest: owner",
        ),
        case("a size that lies", header(|header| header.set_size(1)), "is 1 bytes long, but"),
        case(
            "a size of 10 GiB",
            header(|header| header.set_size(10 << 30)),
            "is 10737418240 bytes long",
        ),
        case(
            "a size that is no number",
            header(|header| header.as_mut_bytes()[124..136].fill(b'x')),
            "manifest: size",
        ),
        case(
            "a size that is negative in tar",
            header(|header| header.as_mut_bytes()[124..136].fill(0xff)),
            "manifest: size",
        ),
        case(
            "a damaged header",
            {
                sound()
                    .with(|parts| {
                        let mut bytes = tar_header(&parts.files[RUNC]).as_bytes().to_vec();
                        bytes[300] ^= 1;
                        parts.files[RUNC].header = Some(bytes);
                    })
                    .build()
            },
            "its checksum is wrong",
        ),
        case(
            "a file that is not listed",
            {
                let bytes = entry("evil", b"evil");
                sound().before(RUNC, &bytes).build()
            },
            "holds \"evil\", which its manifest does not list",
        ),
        case(
            "a file that is not listed, at the end",
            {
                sound()
                    .with(|parts| parts.end = [entry("evil", b"x"), vec![0; 1024]].concat())
                    .build()
            },
            "holds \"evil\"",
        ),
        case(
            "a file a second time",
            {
                sound()
                    .with(|parts| {
                        let again = parts.files[0].clone();
                        parts.files.insert(RUNC, again);
                    })
                    .build()
            },
            "\"docker/containerd\" twice",
        ),
        case("a listed file that is not there", without(RUNC), "lacks \"docker/runc\""),
        case("the last file missing", without(13), "lacks \"SHA256SUMS\""),
        case(
            "two files exchanged",
            sound().with(|parts| parts.files.swap(RUNC, RUNC - 1)).build(),
            "lacks \"docker/dockerd\"",
        ),
        case(
            "other contents",
            {
                sound()
                    .with(|parts| {
                        let mut other = parts.files[RUNC].contents.clone();
                        other.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1);
                        parts.files[RUNC].stored = Some(other);
                    })
                    .build()
            },
            "docker/runc\" in the bundle has the SHA-256 digest",
        ),
        case(
            "another digest in the manifest",
            sound().entry(RUNC, "sha256", json!(hex(b"x"))).build(),
            "by the manifest",
        ),
        case(
            "something behind a file",
            {
                sound()
                    .with(|parts| {
                        let mut longer = parts.files[RUNC].contents.clone();
                        longer.push(1);
                        parts.files[RUNC].stored = Some(longer);
                    })
                    .build()
            },
            "hidden behind the end of \"docker/runc\"",
        ),
        case(
            "no end of the tar stream",
            sound().with(|parts| parts.end = Vec::new()).build(),
            "the tar stream ends after",
        ),
        case(
            "half an end",
            sound().with(|parts| parts.end.truncate(512)).build(),
            "the tar stream ends after",
        ),
        case(
            "more after the end",
            sound().with(|parts| parts.end.resize(2048, 0)).build(),
            "goes on after its end",
        ),
        case(
            "a script as a program",
            {
                let mut files = files(X86_64);
                files[RUNC].contents = b"#!/bin/sh\nrm -rf /\n".to_vec();
                of(files, "x86_64").build()
            },
            "is not a Linux program",
        ),
        case(
            "an engine without runc",
            {
                let mut files = files(X86_64);
                files.remove(RUNC);
                of(files, "x86_64").build()
            },
            "it lacks runc",
        ),
        case(
            "programs for another architecture than it says",
            of(files(AARCH64), "x86_64").build(),
            "by its manifest, but holds programs for aarch64",
        ),
    ]
}

/// The secret key that the tests sign with; made by minisign, without a password.
pub const SECRET_KEY: &str = include_str!("../keys/test.key");
/// Its public key.
pub const PUBLIC_KEY: &str = include_str!("../keys/test.pub");
/// The secret key of somebody else.
const OTHER_SECRET_KEY: &str = include_str!("../keys/other.key");

/// Signs as minisign does.
pub fn sign(secret_key: &str, text: &[u8]) -> Vec<u8> {
    let key = base64::prelude::BASE64_STANDARD.decode(secret_key.lines().nth(1).expect("a key"));
    let key = minisign::SecretKey::from_bytes(&key.expect("base64")).expect("a key");
    minisign::sign(None, &key, text, Some("a test"), None).expect("signed").to_string().into_bytes()
}

/// What can be wrong with the signature, where [`PUBLIC_KEY`] is trusted.
fn of_signature() -> Vec<Case> {
    let signed =
        |signature: Vec<u8>| sound().with(|parts| parts.signature = Some(signature)).build();
    let right = || sign(SECRET_KEY, &sound().text());
    let line = |number: usize, edit: fn(&mut Vec<u8>)| {
        let text = String::from_utf8(right()).expect("text");
        let mut lines: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
        edit(&mut lines[number]);
        signed([lines.join(&b'\n'), b"\n".to_vec()].concat())
    };
    let other_letter = |line: &mut Vec<u8>| line[40] = if line[40] == b'A' { b'B' } else { b'A' };
    vec![
        case(
            "a signature with another key",
            signed(sign(OTHER_SECRET_KEY, &sound().text())),
            "which is not trusted here",
        ),
        case(
            "another bundle's signature",
            signed(sign(SECRET_KEY, b"another manifest")),
            "did not sign this manifest",
        ),
        case(
            "a signature with a letter changed",
            line(1, other_letter),
            "did not sign this manifest",
        ),
        case("a comment's signature changed", line(3, other_letter), "did not sign this manifest"),
        case(
            "a trusted comment changed",
            line(2, |line| line.push(b'!')),
            "did not sign this manifest",
        ),
        case(
            "a signature cut off",
            signed(right()[..60].to_vec()),
            "the signature of the bundle cannot be read",
        ),
        case(
            "a short signature of the comment",
            line(3, |line| line.truncate(40)),
            "cannot be read",
        ),
        case(
            "an empty signature",
            signed(Vec::new()),
            "the signature of the bundle cannot be read",
        ),
        case(
            "a signature that is not UTF-8",
            signed(vec![0xff; 100]),
            "cannot be read: invalid utf-8",
        ),
        case(
            "a signature of 1 MiB",
            signed(vec![b'x'; 1 << 20]),
            "longer than the 4096 bytes allowed",
        ),
        case(
            "a signature of a changed manifest",
            {
                let signature = right();
                sound()
                    .with(|parts| parts.manifest["engines"][0]["version"] = json!("28.5.3"))
                    .with(|parts| parts.signature = Some(signature))
                    .build()
            },
            "did not sign this manifest",
        ),
    ]
}
