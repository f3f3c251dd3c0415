//! Images in and out of archives.
//!
//! Two layouts are read, and both are written into one archive: Docker's (`manifest.json`) and
//! OCI's (`oci-layout`, `index.json`). What is saved has the digests of what came in.

mod load;
mod save;
mod spool;

pub use load::Loaded;

/// Docker's list of images in an archive.
const DOCKER_MANIFEST: &str = "manifest.json";

/// OCI's list of images in an archive.
const OCI_INDEX: &str = "index.json";

/// OCI's mark of the layout.
const OCI_LAYOUT: &str = "oci-layout";

/// Where both have blobs.
const BLOBS: &str = "blobs/sha256";

/// The full name of an image, in an index.
const NAME_ANNOTATION: &str = "io.containerd.image.name";

/// Its tag alone, or whatever the program that wrote the index thought of.
const REF_ANNOTATION: &str = "org.opencontainers.image.ref.name";

/// An image in Docker's list.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEntry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}
