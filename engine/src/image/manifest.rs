//! Manifests, indexes and configurations: the documents that an image is made of.
//!
//! They are kept as the bytes that came; these types only read them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Digest, ImageError};

/// The image specification's media types, and Docker's for the same things.
pub mod media_type {
    /// An OCI manifest.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// An OCI index.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// An OCI configuration.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// A layer, not compressed.
    pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
    /// A layer, gzip.
    pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// A layer, Zstandard.
    pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
    /// Docker's manifest, schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker's index.
    pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
}

/// Most layers of an image: what overlay takes is less.
const MAX_LAYERS: usize = 500;

/// What a manifest or index refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What kind of content.
    #[serde(default)]
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    #[serde(default)]
    pub size: u64,
    /// What the content of an index is made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Anything, by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// A kind of machine, with Go's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The processor.
    pub architecture: String,
    /// The system.
    pub os: String,
    /// The processor's variant, such as `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// One image: its configuration and its layers, lowest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// 2.
    pub schema_version: u32,
    /// Of the manifest itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers.
    pub layers: Vec<Descriptor>,
}

/// Images for several platforms under one name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// 2.
    pub schema_version: u32,
    /// Of the index itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The images.
    pub manifests: Vec<Descriptor>,
}

/// What a digest or name of an image refers to.
#[derive(Debug, Clone)]
pub enum Document {
    /// One image.
    Manifest(Manifest),
    /// Several.
    Index(Index),
}

/// What the store itself needs to know of a configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct ConfigFacts {
    /// The layers.
    pub rootfs: RootFs,
    /// The processor.
    #[serde(default)]
    pub architecture: String,
    /// The system.
    #[serde(default)]
    pub os: String,
    /// The processor's variant.
    #[serde(default)]
    pub variant: Option<String>,
}

/// The digests of the layers, unpacked.
#[derive(Debug, Clone, Deserialize)]
pub struct RootFs {
    /// Lowest first.
    #[serde(default)]
    pub diff_ids: Vec<Digest>,
}

impl Document {
    /// Reads a manifest or index. What it is shows from its content: media types are left out
    /// often, and are wrong at times.
    pub fn parse(bytes: &[u8], what: &str) -> Result<Self, ImageError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Shape {
            schema_version: Option<u32>,
            config: Option<serde::de::IgnoredAny>,
            layers: Option<serde::de::IgnoredAny>,
            manifests: Option<serde::de::IgnoredAny>,
            fs_layers: Option<serde::de::IgnoredAny>,
        }
        let invalid = |error: serde_json::Error| ImageError::invalid(what, error);
        let shape: Shape = serde_json::from_slice(bytes).map_err(invalid)?;
        let refuse = |why: &str| Err(ImageError::invalid(what, why));
        match shape {
            Shape { fs_layers: Some(_), .. } | Shape { schema_version: Some(1), .. } => {
                refuse("it is a manifest of schema 1, which is obsolete; push the image again")
            }
            // Both at once would be read differently by different programs (CVE-2021-41190).
            Shape { manifests: Some(_), config: None, layers: None, .. } => {
                Ok(Self::Index(serde_json::from_slice(bytes).map_err(invalid)?))
            }
            Shape { manifests: None, config: Some(_), .. } => {
                let manifest: Manifest = serde_json::from_slice(bytes).map_err(invalid)?;
                if manifest.layers.len() > MAX_LAYERS {
                    return refuse("it has too many layers");
                }
                Ok(Self::Manifest(manifest))
            }
            _ => refuse("it is neither a manifest nor an index"),
        }
    }
}

impl ConfigFacts {
    /// Reads a configuration.
    pub fn parse(bytes: &[u8], what: &str) -> Result<Self, ImageError> {
        serde_json::from_slice(bytes).map_err(|error| ImageError::invalid(what, error))
    }
}

impl Platform {
    /// The machine that this program was built for.
    pub fn of_this_machine() -> Self {
        let (architecture, variant) = match std::env::consts::ARCH {
            "x86_64" => ("amd64", None),
            "aarch64" => ("arm64", Some("v8")),
            "arm" => ("arm", Some("v7")),
            "x86" => ("386", None),
            "loongarch64" => ("loong64", None),
            other => (other, None),
        };
        Self {
            architecture: architecture.to_owned(),
            os: "linux".to_owned(),
            variant: variant.map(str::to_owned),
        }
    }

    /// Reads `os/architecture[/variant]`, as in `--platform`; `os` alone means this processor.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let wrong =
            || ImageError::BadParameter(format!("{text:?} is not a platform (os/architecture)"));
        let is_word = |word: &&str| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        };
        let words: Vec<&str> = text.split('/').collect();
        if !words.iter().all(is_word) {
            return Err(wrong());
        }
        let here = Self::of_this_machine();
        let (os, architecture, variant) = match words[..] {
            ["linux" | "windows" | "darwin" | "freebsd"] => {
                (words[0], &*here.architecture, here.variant.as_deref())
            }
            [architecture] => ("linux", architecture, None),
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return Err(wrong()),
        };
        let architecture = match architecture {
            "x86_64" | "x86-64" => "amd64",
            "aarch64" => "arm64",
            "i386" => "386",
            other => other,
        };
        Ok(Self {
            architecture: architecture.to_owned(),
            os: os.to_owned(),
            variant: variant.map(str::to_owned),
        })
    }

    /// How well an image for `self` serves a machine that is `wanted`: lower is better, `None` is
    /// not at all. A 32-bit ARM runs what was made for older variants.
    pub fn distance(&self, wanted: &Self) -> Option<u32> {
        if self.os != wanted.os || self.architecture != wanted.architecture {
            return None;
        }
        let variant = |platform: &Self| match (&*platform.architecture, platform.variant.as_deref())
        {
            ("arm64", None) => Some(8),
            ("arm", None) => Some(7),
            (_, None) => None,
            (_, Some(variant)) => variant.strip_prefix('v').unwrap_or(variant).parse::<u32>().ok(),
        };
        match (variant(self), variant(wanted)) {
            (Some(has), Some(wants)) => wants.checked_sub(has),
            (None, _) if self.variant.is_none() => Some(0),
            (Some(has), None) => Some(has),
            (None, _) => (self.variant == wanted.variant).then_some(0),
        }
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(to, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl Index {
    /// The image that serves `wanted` best.
    pub fn choose(&self, wanted: &Platform) -> Option<&Descriptor> {
        self.manifests
            .iter()
            .filter_map(|entry| Some((entry.platform.as_ref()?.distance(wanted)?, entry)))
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        Platform::parse(text).unwrap()
    }

    #[test]
    fn the_best_platform_is_chosen() {
        let index = Index {
            schema_version: 2,
            media_type: None,
            manifests: ["linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8"]
                .iter()
                .map(|name| Descriptor {
                    media_type: String::new(),
                    digest: Digest::of(name.as_bytes()),
                    size: 0,
                    platform: Some(platform(name)),
                    annotations: None,
                })
                .collect(),
        };
        for (wanted, chosen) in [
            ("linux/amd64", Some("linux/amd64")),
            ("x86_64", Some("linux/amd64")),
            ("linux/arm", Some("linux/arm/v7")),
            ("linux/arm/v7", Some("linux/arm/v7")),
            ("linux/arm/v6", Some("linux/arm/v6")),
            ("linux/arm/v5", None),
            ("aarch64", Some("linux/arm64/v8")),
            ("linux/riscv64", None),
            ("windows/amd64", None),
        ] {
            let found = index.choose(&platform(wanted)).map(|entry| entry.digest);
            assert_eq!(found, chosen.map(|name| Digest::of(name.as_bytes())), "{wanted}");
        }
        for text in ["", "a/b/c/d", "linux/", "lin ux"] {
            assert!(Platform::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn documents_are_told_apart_by_what_they_hold() {
        let descriptor = format!(r#"{{"digest":"{}","size":1}}"#, Digest::of(b""));
        let parse = |text: &str| Document::parse(text.as_bytes(), "it");
        let manifest = format!(r#"{{"schemaVersion":2,"config":{descriptor},"layers":[]}}"#);
        assert!(matches!(parse(&manifest), Ok(Document::Manifest(_))));
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{descriptor}]}}"#);
        assert!(matches!(parse(&index), Ok(Document::Index(_))));
        for (text, why) in [
            (&*format!(r#"{{"config":{descriptor},"layers":[],"manifests":[]}}"#), "neither"),
            (r#"{"schemaVersion":1,"fsLayers":[]}"#, "obsolete"),
            ("{}", "neither"),
            ("[]", "invalid"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
