//! What is said about bundles.

use crate::bundle::signature::Signature;

/// A file that was named is not there.
pub const NO_SUCH_FILE: &str = "there is no such file";
/// A bundle of images alone cannot be installed.
pub const NO_ENGINE: &str = "the bundle holds no engine";
/// What to do where only signed bundles are accepted.
pub const MAKE_SIGNED: &str =
    "put the archive into a bundle that is signed: landfall bundle create --sign KEY …";

/// Where only signed bundles are accepted.
pub fn not_a_bundle(path: &str) -> String {
    format!("{path} is no bundle, and only signed bundles are accepted here")
}

/// A key of `landfall.yaml` that says what is trusted, or what lies on the host.
pub fn key_not_for_bundles(key: &str) -> String {
    format!("the configuration in the bundle has the key {key}, which only the host may set")
}

/// What a signature proves.
pub fn signature(signature: &Signature) -> String {
    match signature {
        Signature::Trusted { key } => {
            format!("the bundle is signed with the trusted key {key}")
        }
        Signature::Unknown { key } => format!(
            "the bundle is signed with key {key}; no key is trusted on this host, so that proves \
             nothing yet"
        ),
        Signature::None => "the bundle is not signed".to_owned(),
    }
}
