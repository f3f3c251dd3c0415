//! `landfall.json`: what a bundle holds, and where each part comes from.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::FormatError;
use super::{FILES_LIMIT, FORMAT, RATIO, RATIO_FLOOR, tar_header};
use crate::bundle::error::printable;
use crate::bundle::image_layout::OCI_MANIFEST;
use crate::bundle::names;
use crate::digest::Digest;
use crate::texts::phrases::bundle as phrases;

/// What a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format, [`FORMAT`].
    pub format: u32,
    /// When it was made (RFC 3339, UTC); also the time of each file.
    pub created: String,
    /// The architecture that it is for, as `uname -m` names it.
    pub architecture: String,
    /// The engine; none in a bundle of images alone.
    #[serde(default)]
    pub engines: Vec<BundledEngine>,
    /// All files but for the manifest and its signature, in the order in which they come.
    pub files: Vec<FileEntry>,
    /// Plugins of the command line client.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<BundledPlugin>,
    /// The images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<BundledImage>,
    /// Packages of the distribution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<BundledPackage>,
    /// Text of a `landfall.yaml` whose keys hold where the host's own says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
}

/// An engine in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledEngine {
    /// Its name, `docker`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The architecture of its programs.
    pub arch: String,
    /// The archive that it was taken from.
    pub provenance: Provenance,
}

/// Where a part of a bundle comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the file, or the address that it was fetched from.
    pub source: String,
    /// Digest of that file.
    pub sha256: Digest,
    /// Who said beforehand what the digest should be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vouched_by: Vec<String>,
}

/// A file in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path.
    pub path: String,
    /// Digest of its contents.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// What it is for.
    pub role: FileRole,
    /// Where it comes from, if that is not said with the engine or the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
}

/// What a file in a bundle is for, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileRole {
    /// A program of the engine, in `docker/`.
    Engine,
    /// A plugin of the command line client, in `cli-plugins/`.
    Plugin,
    /// Part of the images, in `images/`.
    Image,
    /// A package of a distribution, in `packages/<distribution>/`.
    Package,
    /// Landfall itself, `landfall`.
    Landfall,
    /// `SHA256SUMS`, for people.
    Checksums,
}

/// An image in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledImage {
    /// Its name and tag.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Digest of its manifest.
    pub digest: Digest,
    /// The form of that.
    #[serde(default = "oci_manifest")]
    pub media_type: String,
    /// Its operating system and architecture, such as `linux/amd64`.
    pub platform: String,
    /// Digest of its configuration, which older engines take as its id.
    pub config: Digest,
    /// Digests of its layers as they are stored, lowest first.
    pub layers: Vec<Digest>,
    /// The file that it was taken from.
    pub provenance: Provenance,
}

fn oci_manifest() -> String {
    OCI_MANIFEST.to_owned()
}

/// A plugin in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledPlugin {
    /// Its name without `docker-`, such as `compose`.
    pub name: String,
    /// Its version, as far as that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A package in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledPackage {
    /// The distribution that it is for, as its directory is called.
    pub distribution: String,
    /// Its file name.
    pub file: String,
}

/// Plugins of docker's command line client that a bundle may hold, without `docker-`.
pub const PLUGINS: [&str; 4] = ["buildx", "compose", "model", "scan"];

/// The file names of all plugins.
pub fn plugin_names() -> impl Iterator<Item = String> {
    PLUGINS.iter().map(|name| format!("docker-{name}"))
}

impl Manifest {
    /// Reads and checks it. `packed` is the size of the file that it came in, if that is known.
    pub(super) fn parse(bytes: &[u8], packed: Option<u64>) -> Result<Self, FormatError> {
        #[derive(Deserialize)]
        struct Version {
            format: u64,
        }
        let unreadable = |error: serde_json::Error| FormatError::ManifestUnreadable {
            detail: error.to_string(),
        };
        let Version { format } = serde_json::from_slice(bytes).map_err(unreadable)?;
        if format != u64::from(FORMAT) {
            return Err(FormatError::UnknownFormat { version: format });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(unreadable)?;
        manifest.check(packed)?;
        Ok(manifest)
    }

    /// When it was made, in seconds since 1970.
    pub fn time(&self) -> Option<u64> {
        let time: jiff::Timestamp = self.created.parse().ok()?;
        u64::try_from(time.as_second()).ok()
    }

    /// How many bytes the files have together.
    pub fn unpacked(&self) -> u64 {
        self.files.iter().map(|file| file.size).fold(0, u64::saturating_add)
    }

    /// How many bytes these files have together.
    pub fn size_of(&self, role: FileRole) -> u64 {
        let files = self.files.iter().filter(|file| file.role == role);
        files.map(|file| file.size).fold(0, u64::saturating_add)
    }

    /// The engine's version.
    pub fn version(&self) -> Option<&str> {
        self.engines.first().map(|engine| engine.version.as_str())
    }

    fn check(&self, packed: Option<u64>) -> Result<(), FormatError> {
        let wrong = |what: &str| FormatError::ManifestWrong { what: what.to_owned() };
        if self.time().is_none() {
            return Err(wrong(phrases::NO_TIME));
        }
        if self.files.len() > FILES_LIMIT {
            return Err(wrong(phrases::TOO_MANY_FILES));
        }
        if self.engines.len() > 1 {
            return Err(wrong(phrases::SEVERAL_ENGINES));
        }
        let unpacked = self.unpacked();
        if let Some(packed) = packed
            && unpacked > packed.saturating_mul(RATIO).max(RATIO_FLOOR)
        {
            return Err(FormatError::Ratio { unpacked, packed });
        }
        for file in &self.files {
            check_file(file)?;
        }
        for pair in self.files.windows(2) {
            if (pair[0].role, &pair[0].path) >= (pair[1].role, &pair[1].path) {
                return Err(FormatError::Disorder { name: printable(pair[1].path.as_bytes()) });
            }
        }
        if self.engines.is_empty() == self.files.iter().any(|file| file.role == FileRole::Engine) {
            return Err(wrong(phrases::ENGINE_AND_PROGRAMS));
        }
        self.check_images()
    }

    /// Each blob of an image must be there.
    fn check_images(&self) -> Result<(), FormatError> {
        let blobs: BTreeSet<Digest> = self
            .files
            .iter()
            .filter(|file| file.path.starts_with(BLOBS))
            .map(|file| file.sha256)
            .collect();
        for image in &self.images {
            let all = image.layers.iter().chain([&image.digest, &image.config]);
            if let Some(lacking) = all.into_iter().find(|digest| !blobs.contains(digest)) {
                let what = phrases::lacks_blob(&printable(image.reference.as_bytes()), lacking);
                return Err(FormatError::ManifestWrong { what });
            }
        }
        Ok(())
    }
}

const BLOBS: &str = "images/blobs/sha256/";

/// A file must lie where files of its role lie, under a name that no tool takes for another.
fn check_file(file: &FileEntry) -> Result<(), FormatError> {
    let name = || printable(file.path.as_bytes());
    if let Some(why) = dangerous(&file.path) {
        return Err(FormatError::NameRefused { name: name(), why });
    }
    if file.mode & !0o777 != 0 {
        return Err(FormatError::SpecialMode { name: name(), mode: file.mode });
    }
    let is_program = matches!(file.role, FileRole::Engine | FileRole::Plugin | FileRole::Landfall);
    if file.mode != if is_program { 0o755 } else { 0o644 } {
        let what = phrases::wrong_mode(&name(), file.mode);
        return Err(FormatError::ManifestWrong { what });
    }
    let in_place = match file.role {
        FileRole::Engine => matches!(names::lookup(&file.path), Some(names::Known::Program(..))),
        FileRole::Plugin => {
            let plugin = file.path.strip_prefix("cli-plugins/");
            plugin.is_some_and(|plugin| plugin_names().any(|known| known == plugin))
        }
        FileRole::Image => match file.path.strip_prefix(BLOBS) {
            Some(blob) => blob == file.sha256.to_string(),
            None => ["images/oci-layout", "images/index.json", "images/manifest.json"]
                .contains(&file.path.as_str()),
        },
        FileRole::Package => {
            let parts: Vec<&str> = file.path.split('/').collect();
            matches!(parts[..], ["packages", _, _])
        }
        FileRole::Landfall => file.path == "landfall",
        FileRole::Checksums => file.path == "SHA256SUMS",
    };
    if !in_place {
        return Err(FormatError::WrongPlace {
            name: name(),
            why: phrases::not_the_place(file.role),
        });
    }
    if tar_header::header(&file.path, file.size, file.mode, 0).is_none() {
        return Err(FormatError::WrongPlace { name: name(), why: phrases::NAME_TOO_LONG });
    }
    Ok(())
}

/// What is wrong with a path, if anything.
fn dangerous(path: &str) -> Option<&'static str> {
    use crate::texts::phrases::archive;
    if path.is_empty() {
        Some(archive::EMPTY)
    } else if path.starts_with('/') {
        Some(archive::NAME_ABSOLUTE)
    } else if path.contains('\\') {
        Some(archive::NAME_BACKSLASH)
    } else if path.chars().any(char::is_control) {
        Some(archive::NAME_CONTROL)
    } else if path.split('/').any(|component| component == "..") {
        Some(archive::NAME_UPWARDS)
    } else if path.split('/').any(|component| component.is_empty() || component == ".") {
        Some(phrases::NAME_COMPONENT)
    } else {
        None
    }
}
