//! Archives, sound and hostile ones.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::EntryType;

use super::ElfImage;
use crate::bundle::Machine;

/// A file in an archive, with every field that a test may want to be wrong.
#[derive(Debug, Clone)]
pub(in crate::bundle) struct FileImage {
    pub(in crate::bundle) name: Vec<u8>,
    pub(in crate::bundle) kind: EntryType,
    pub(in crate::bundle) mode: u32,
    pub(in crate::bundle) mtime: u64,
    pub(in crate::bundle) link: Option<&'static str>,
    pub(in crate::bundle) contents: Vec<u8>,
    /// The size that the header states, if it is not that of the contents.
    pub(in crate::bundle) stated_size: Option<u64>,
    /// Changes the raw header before its checksum is made.
    pub(in crate::bundle) edit: Option<fn(&mut [u8; 512])>,
    /// Changes the raw header after that.
    pub(in crate::bundle) damage: Option<fn(&mut [u8; 512])>,
}

impl FileImage {
    pub(in crate::bundle) fn file(name: &str, contents: &[u8]) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            kind: EntryType::Regular,
            mode: 0o755,
            mtime: 1_600_000_000,
            link: None,
            contents: contents.to_vec(),
            stated_size: None,
            edit: None,
            damage: None,
        }
    }

    pub(in crate::bundle) fn directory(name: &str) -> Self {
        Self { kind: EntryType::Directory, ..Self::file(name, b"") }
    }

    fn append(&self, tar: &mut Vec<u8>) {
        let mut header = tar::Header::new_gnu();
        let raw = header.as_mut_bytes();
        raw[..self.name.len()].copy_from_slice(&self.name);
        header.set_entry_type(self.kind);
        header.set_mode(self.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.mtime);
        header.set_size(self.stated_size.unwrap_or(self.contents.len() as u64));
        if let Some(link) = self.link {
            header.set_link_name(link).unwrap();
        }
        if let Some(edit) = self.edit {
            edit(header.as_mut_bytes());
        }
        header.set_cksum();
        if let Some(damage) = self.damage {
            damage(header.as_mut_bytes());
        }
        tar.extend(header.as_bytes());
        tar.extend(&self.contents);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
}

/// An archive as a list of files.
#[derive(Debug, Clone, Default)]
pub(in crate::bundle) struct ArchiveImage {
    pub(in crate::bundle) files: Vec<FileImage>,
}

impl ArchiveImage {
    pub(in crate::bundle) fn with(mut self, file: FileImage) -> Self {
        self.files.push(file);
        self
    }

    pub(in crate::bundle) fn without(mut self, name: &str) -> Self {
        self.files.retain(|file| file.name != name.as_bytes());
        self
    }

    /// The tar stream without its end marker.
    pub(in crate::bundle) fn tar_open(&self) -> Vec<u8> {
        let mut tar = Vec::new();
        self.files.iter().for_each(|file| file.append(&mut tar));
        tar
    }

    /// The tar stream as GNU tar writes it: filled up to a multiple of 10240.
    pub(in crate::bundle) fn tar(&self) -> Vec<u8> {
        let mut tar = self.tar_open();
        tar.resize((tar.len() + 1024).next_multiple_of(10240), 0);
        tar
    }

    pub(in crate::bundle) fn build(&self) -> Vec<u8> {
        gzip(&self.tar())
    }
}

/// A PAX record, `LENGTH KEY=VALUE\n`, where the length counts its own digits.
pub(in crate::bundle) fn pax(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let length = (1..=20).map(|digits| rest.len() + digits);
    let length = length.filter(|length| length.to_string().len() + rest.len() == *length);
    format!("{}{rest}", length.min().unwrap()).into_bytes()
}

/// One gzip member.
pub(in crate::bundle) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The programs of a release since 23.0, in upstream's order.
pub(in crate::bundle) const MODERN: [&str; 8] = [
    "docker-proxy",
    "docker-init",
    "containerd",
    "ctr",
    "runc",
    "docker",
    "containerd-shim-runc-v2",
    "dockerd",
];

/// The archive of such a release, with small programs.
pub(in crate::bundle) fn modern() -> ArchiveImage {
    MODERN.into_iter().fold(
        ArchiveImage::default().with(FileImage::directory("docker/")),
        |archive, name| {
            let image = ElfImage::fixed(Machine::X86_64).payload(name.as_bytes());
            archive.with(FileImage::file(&format!("docker/{name}"), &image.build()))
        },
    )
}
