//! How images lie in a bundle: an OCI image layout, with the list that `docker load` of any
//! version reads beside its index.

use serde_json::{Value, json};

use super::elf::Machine;
use super::format::BundledImage;
use crate::digest::Digest;

/// The media type of a manifest that does not say its own.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Contents of `oci-layout` (OCI image layout 1.0).
pub const OCI_LAYOUT: &str = "{\"imageLayoutVersion\":\"1.0.0\"}\n";

/// Where a blob lies in a layout.
pub fn blob(digest: &Digest) -> String {
    format!("blobs/sha256/{digest}")
}

/// `index.json` of a layout with these images: what containerd's image store and OCI tools read.
/// `size` tells the size of a manifest.
pub fn index(images: &[BundledImage], size: &dyn Fn(&Digest) -> u64) -> Vec<u8> {
    let manifests: Vec<Value> = images
        .iter()
        .map(|image| {
            let mut platform = image.platform.splitn(3, '/');
            let mut next = || platform.next().unwrap_or_default().to_owned();
            let (os, architecture, variant) = (next(), next(), next());
            let mut platform = json!({"architecture": architecture, "os": os});
            if !variant.is_empty() {
                platform["variant"] = variant.into();
            }
            let tag = image.reference.rsplit_once(':').map_or("latest", |(_, tag)| tag);
            json!({
                "mediaType": image.media_type,
                "digest": format!("sha256:{}", image.digest),
                "size": size(&image.digest),
                "annotations": {
                    "io.containerd.image.name": full_name(&image.reference),
                    "org.opencontainers.image.ref.name": tag,
                },
                "platform": platform,
            })
        })
        .collect();
    pretty(&json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    }))
}

/// `manifest.json` of a layout with these images: what dockerd's own image store reads.
pub fn docker_manifest(images: &[BundledImage]) -> Vec<u8> {
    let entries: Vec<Value> = images
        .iter()
        .map(|image| {
            json!({
                "Config": blob(&image.config),
                "RepoTags": [image.reference],
                "Layers": image.layers.iter().map(blob).collect::<Vec<_>>(),
            })
        })
        .collect();
    pretty(&Value::from(entries))
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// A name as containerd stores it: `busybox:1` is `docker.io/library/busybox:1`.
fn full_name(reference: &str) -> String {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => reference.to_owned(),
        Some(_) => format!("docker.io/{reference}"),
        None => format!("docker.io/library/{reference}"),
    }
}

/// A name as people write it: the reverse.
pub fn familiar_name(name: &str) -> &str {
    let rest = name.strip_prefix("docker.io/").unwrap_or(name);
    rest.strip_prefix("library/").unwrap_or(rest)
}

/// The name that images have for an architecture (Go's GOARCH).
pub fn image_architecture(machine: Machine) -> Option<&'static str> {
    Some(match machine {
        Machine::X86_64 => "amd64",
        Machine::Aarch64 => "arm64",
        Machine::Armhf | Machine::Armel | Machine::Arm => "arm",
        Machine::Ppc64le => "ppc64le",
        Machine::S390x => "s390x",
        Machine::Riscv64 => "riscv64",
        Machine::Loongarch64 => "loong64",
        Machine::Other(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (familiar, full) in [
            ("busybox:1", "docker.io/library/busybox:1"),
            ("grafana/loki:3", "docker.io/grafana/loki:3"),
            ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
            ("10.0.0.5:5000/a:1", "10.0.0.5:5000/a:1"),
            ("localhost/a:1", "localhost/a:1"),
        ] {
            assert_eq!(full_name(familiar), full);
            assert_eq!(familiar_name(full), familiar);
        }
    }
}
