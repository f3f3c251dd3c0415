//! Phrases about bundles.

use std::fmt::Display;

use crate::bundle::format::FileRole;

/// What a manifest contradicts itself in.
pub const NO_TIME: &str = "it has no usable time of making (\"created\")";
/// What a manifest contradicts itself in.
pub const TOO_MANY_FILES: &str = "it lists more files than any bundle has";
/// What a manifest contradicts itself in.
pub const SEVERAL_ENGINES: &str = "it names several engines";
/// What a manifest contradicts itself in.
pub const ENGINE_AND_PROGRAMS: &str = "it names an engine without programs, or the reverse";
/// What is wrong with a path.
pub const NAME_COMPONENT: &str = "it has an empty component or a single dot";
/// What is wrong with a path.
pub const NAME_TOO_LONG: &str = "the name is too long for a tar header";
/// What is wrong with a member.
pub const LENGTH_NOT_RIGHT: &str = "its length is not the one that it states";

/// What a manifest contradicts itself in.
pub fn lacks_blob(image: &str, digest: &dyn Display) -> String {
    format!("the image {image} needs sha256:{digest}, which is not listed")
}

/// What a manifest contradicts itself in.
pub fn wrong_mode(name: &str, mode: u32) -> String {
    format!("{name} has the mode {mode:o}, where a program has 755 and anything else 644")
}

/// Why a file does not lie where it should.
pub fn not_the_place(role: FileRole) -> &'static str {
    match role {
        FileRole::Engine => "programs of the engine lie in docker/ under upstream's names",
        FileRole::Plugin => "plugins lie in cli-plugins/ under docker's names",
        FileRole::Image => "images lie in images/ as an OCI layout, blobs under their digests",
        FileRole::Package => "packages lie in packages/<distribution>/",
        FileRole::Landfall => "the program is called landfall",
        FileRole::Checksums => "the digests are called SHA256SUMS",
    }
}
/// What is wrong with a signature.
pub const SHORT_SIGNATURE: &str = "the signature of its comment has another length";

/// What is wrong with a signature.
pub fn signature_too_long(limit: u64) -> String {
    format!("it is longer than the {limit} bytes allowed")
}

/// What is wrong with the part of the file that the manifest or its signature is in.
pub fn not_alone(name: &str) -> String {
    format!("there is something else in the part of the file that holds {name}")
}
/// What is wrong with a list of volumes.
pub const LIST_NOT_SOUND: &str = "its names or sizes cannot be right";

/// What is wrong with a size for volumes.
pub fn too_many_volumes(count: u64, most: usize) -> String {
    format!("there would be {count} volumes, more than {most}: choose a larger --size")
}
/// Why a file is no secret key.
pub const NO_KEY: &str = "its second line is not a secret key";
/// A plugin whose version nobody said.
pub const UNKNOWN_VERSION: &str = "of unknown version";
