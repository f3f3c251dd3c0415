//! The image archive around the smoke test's program, in the form of `docker save` that every
//! Docker from 1.10 on loads, whichever way it stores images. Included by the build script, which
//! makes the archive, and by the tests, which make it again.
//!
//! Form: Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format".

use std::io;

use serde_json::json;
use sha2::{Digest, Sha256};

/// Path of the program in the image.
const PROGRAM: &str = "echo";

/// No time of building may show, so that equal programs give equal images.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// An archive and what is in it.
pub struct Archive {
    /// A tar file.
    pub bytes: Vec<u8>,
    /// Name and tag of the image. The tag follows from the content: images of different builds of
    /// landfall never stand in each other's way.
    pub reference: String,
}

/// Packs `program`, an executable for `architecture` (in Go's naming), as an image that runs it.
pub fn pack(program: &[u8], architecture: &str) -> io::Result<Archive> {
    let layer = tar(&[(PROGRAM, 0o755, program)])?;
    let config = serde_json::to_vec(&json!({
        "architecture": architecture,
        "config": { "Entrypoint": [format!("/{PROGRAM}")] },
        "created": CREATED,
        "history": [{ "created": CREATED, "created_by": "landfall smoke test" }],
        "os": "linux",
        "rootfs": { "diff_ids": [format!("sha256:{}", digest(&layer))], "type": "layers" },
    }))?;
    let id = digest(&config);
    let reference = format!("landfall.local/smoke:{}", &id[..12]);
    let config_name = format!("{id}.json");
    let manifest = serde_json::to_vec(&json!([{
        "Config": config_name,
        "Layers": ["layer.tar"],
        "RepoTags": [reference],
    }]))?;
    let bytes = tar(&[
        (&config_name, 0o644, &config),
        ("layer.tar", 0o644, &layer),
        ("manifest.json", 0o644, &manifest),
    ])?;
    Ok(Archive { bytes, reference })
}

/// Files of root's, dated 1970, in the order given.
fn tar(files: &[(&str, u32, &[u8])]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, mode, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(*mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, *content)?;
    }
    archive.into_inner()
}

/// SHA-256 in lower-case hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
