//! Bundles for tests, sound ones and hostile ones.

use std::sync::Arc;

use super::manifest::*;
use super::write::{Item, write};
use super::{MANIFEST, Reader, SIGNATURE, member, tar_header};
use crate::bundle::Machine;
use crate::bundle::testing::{ElfImage, MODERN};
use crate::digest::Digest;

/// 2026-01-01T00:00:00Z.
pub(crate) const TIME: u64 = 1_767_225_600;

pub(crate) fn provenance(source: &str) -> Provenance {
    Provenance {
        source: source.to_owned(),
        sha256: Digest::of(source.as_bytes()),
        vouched_by: Vec::new(),
    }
}

pub(crate) fn item(path: &str, role: FileRole, bytes: Vec<u8>) -> Item {
    let is_program = matches!(role, FileRole::Engine | FileRole::Plugin | FileRole::Landfall);
    Item {
        entry: FileEntry {
            path: path.to_owned(),
            sha256: Digest::of(&bytes),
            size: bytes.len() as u64,
            mode: if is_program { 0o755 } else { 0o644 },
            role,
            provenance: None,
        },
        bytes: Reader { source: Arc::new(bytes), at: 0 },
    }
}

/// Everything that a bundle can hold.
pub(crate) fn items() -> Vec<Item> {
    let program = |name: &str| ElfImage::fixed(Machine::X86_64).payload(name.as_bytes()).build();
    let mut items: Vec<Item> = MODERN
        .iter()
        .map(|name| item(&format!("docker/{name}"), FileRole::Engine, program(name)))
        .collect();
    items.push(item("cli-plugins/docker-compose", FileRole::Plugin, program("compose")));
    for blob in ["manifest", "config", "layer"] {
        let path = format!("images/blobs/sha256/{}", Digest::of(blob.as_bytes()));
        items.push(item(&path, FileRole::Image, blob.as_bytes().to_vec()));
    }
    items.push(item("packages/debian-12/iptables.deb", FileRole::Package, b"deb".to_vec()));
    items.push(item("landfall", FileRole::Landfall, program("landfall")));
    items.push(item("SHA256SUMS", FileRole::Checksums, b"sums\n".to_vec()));
    items
}

pub(crate) fn manifest() -> Manifest {
    Manifest {
        format: 1,
        created: "2026-01-01T00:00:00Z".to_owned(),
        architecture: "x86_64".to_owned(),
        engines: vec![BundledEngine {
            name: "docker".to_owned(),
            version: "28.5.2".to_owned(),
            arch: "x86_64".to_owned(),
            provenance: provenance("docker-28.5.2.tgz"),
        }],
        files: Vec::new(),
        plugins: Vec::new(),
        images: vec![BundledImage {
            reference: "busybox:1".to_owned(),
            digest: Digest::of(b"manifest"),
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            platform: "linux/amd64".to_owned(),
            config: Digest::of(b"config"),
            layers: vec![Digest::of(b"layer")],
            provenance: provenance("busybox.tar"),
        }],
        packages: Vec::new(),
        configuration: None,
    }
}

/// A bundle of these items.
pub(crate) fn bundle_of(items: Vec<Item>) -> Vec<u8> {
    let mut bundle = Vec::new();
    write(&mut bundle, manifest(), None, items, &|_| {}).unwrap();
    bundle
}

/// A bundle taken apart, every part of which a test can spoil.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) manifest: Vec<u8>,
    pub(crate) signature: Option<Vec<u8>>,
    /// Headers, contents and padding of the files.
    pub(crate) files: Vec<(Vec<u8>, Vec<u8>)>,
    /// What ends the tar stream.
    pub(crate) end: Vec<u8>,
}

impl Parts {
    pub(crate) fn sound() -> Self {
        let mut items = items();
        items.sort_by(|a, b| (a.entry.role, &a.entry.path).cmp(&(b.entry.role, &b.entry.path)));
        let manifest =
            Manifest { files: items.iter().map(|item| item.entry.clone()).collect(), ..manifest() };
        let files = items
            .iter()
            .map(|item| {
                let mut contents = vec![0; item.entry.size as usize];
                assert_eq!(item.bytes.source.read_at(&mut contents, 0).unwrap(), contents.len());
                (file_header(&item.entry), contents)
            })
            .collect();
        Self { manifest: text(&manifest), signature: None, files, end: vec![0; 1024] }
    }

    pub(crate) fn edit(mut self, edit: impl FnOnce(&mut Self)) -> Self {
        edit(&mut self);
        self
    }

    pub(crate) fn first_member(&self) -> Vec<u8> {
        member::pack(&file(MANIFEST, &self.manifest)).unwrap()
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut tar = Vec::new();
        for (header, contents) in &self.files {
            tar.extend(header);
            tar.extend(contents);
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.extend(&self.end);
        tar
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let mut bundle = self.first_member();
        if let Some(signature) = &self.signature {
            bundle.extend(member::pack(&file(SIGNATURE, signature)).unwrap());
        }
        for chunk in self.body().chunks(super::MEMBER) {
            bundle.extend(member::pack(chunk).unwrap());
        }
        bundle
    }
}

pub(crate) fn file_header(entry: &FileEntry) -> Vec<u8> {
    tar_header::header(&entry.path, entry.size, entry.mode, TIME).unwrap().to_vec()
}

fn text(manifest: &Manifest) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(manifest).unwrap();
    text.push(b'\n');
    text
}

/// A file with its header and padding.
pub(crate) fn file(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut tar = tar_header::header(name, contents.len() as u64, 0o644, TIME).unwrap().to_vec();
    tar.extend(contents);
    tar.resize(tar.len().next_multiple_of(512), 0);
    tar
}
