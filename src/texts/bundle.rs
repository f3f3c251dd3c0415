//! What is said about bundles.

use std::fmt::Display;

use super::phrases::bundle as phrases;
use crate::bundle::format::{FileRole, Manifest};
use crate::bundle::signature::Signature;
use crate::digest::Digest;

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

/// The same beneath the line that names the archive.
pub fn signature_line(of: &Signature) -> String {
    format!("         {}", signature(of))
}

/// Packages for this host.
pub fn packages(distribution: &str, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| plain(name).to_string()).collect();
    format!(
        "         packages for {distribution} in the bundle, in packages/{distribution}/ (not \
         installed): {}",
        names.join(", ")
    )
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

/// A bundle without an engine is not made.
pub const NO_ENGINE_ARCHIVE: &str =
    "a bundle needs an engine: --engine-archive docker-<version>.tgz";
/// An archive whose version cannot be told.
pub const NO_VERSION: &str =
    "the name of the archive does not tell the version; call it docker-<version>.tgz";
/// What `--plugin` takes.
pub const PLUGIN_FORM: &str =
    "NAME=FILE or NAME@VERSION=FILE is expected, as in compose@2.40.0=FILE";
/// What `--package` takes.
pub const PACKAGE_FORM: &str = "DISTRIBUTION=FILE is expected, as in debian-12=iptables.deb";
/// What `--size` takes.
pub const SIZE_FORM: &str = "a number of bytes is expected, or one with K, M or G";
/// Neither signed nor split again: the list that stands there would be written over.
pub const IN_VOLUMES: &str =
    "this is a bundle in volumes: the whole bundle is signed, and then split";
/// The public key has the name of the secret one.
pub const KEY_ENDS_IN_PUB: &str = "the public key gets this name with .pub in place of its ending: \
     choose one without it";
/// A key is never replaced.
pub const KEY_EXISTS: &str = "there is such a file, and keys are not written over";
/// Asks for a key's password.
pub const PASSWORD: &str = "Password of the key: ";
/// Asks for a new key's password.
pub const NEW_PASSWORD: &str = "Password for the new key: ";
/// Asks for it once more.
pub const PASSWORD_AGAIN: &str = "The same once more: ";
/// A password that is none.
pub const EMPTY_PASSWORD: &str = "the password is empty; without one: --no-password";
/// The second password is another one.
pub const PASSWORDS_DIFFER: &str = "the two passwords differ";
/// Nobody can type a password.
pub const NO_TERMINAL: &str = "the key needs a password, and there is no terminal to type it at";
/// What to do then.
pub const USE_PASSWORD_FILE: &str =
    "put it into a file that only you can read: --password-file FILE";

/// A recipe of another version.
pub fn recipe_version(version: u32) -> String {
    format!("version {version} of the file is not known, only version 1")
}

/// `SOURCE_DATE_EPOCH` that is no time.
pub fn source_date(text: &str) -> String {
    format!("SOURCE_DATE_EPOCH is {text:?}, which is no number of seconds")
}

/// A plugin that bundles do not have.
pub fn unknown_plugin(name: &str, known: &[&str]) -> String {
    format!("{name:?} is no plugin that bundles can hold; these are: {}", known.join(", "))
}

/// A program for another architecture.
pub fn program_for(found: &str, wanted: &str) -> String {
    format!("this program is for {found}, the bundle for {wanted}")
}

/// An engine for another architecture.
pub fn other_architecture(archive: &str, found: &str, wanted: &str) -> String {
    format!("{archive} is for {found}, and --arch says {wanted}")
}

/// Two images of one name.
pub fn two_images(name: &str) -> String {
    format!("there are two different images {name}")
}

/// A distribution that cannot be a directory.
pub fn no_distribution(name: &str) -> String {
    format!("{name:?} is no name of a distribution; one like debian-12 is expected")
}

/// Images are being read.
pub fn reading_images(path: &str) -> String {
    format!("reading the images in {path}")
}

/// This Landfall does not run on the hosts.
pub fn without_landfall(arch: &str) -> String {
    format!("the bundle holds no landfall, since this one is not for {arch}: --landfall-binary")
}

/// What is signed beside the manifest.
pub fn comment(manifest: &[u8]) -> String {
    format!("landfall bundle, manifest sha256:{}", Digest::of(manifest))
}

/// A bundle was written.
pub fn created(path: &str, size: &str, sha256: &Digest, key: Option<String>) -> String {
    let signed = match key {
        Some(key) => format!("signed with key {key}"),
        None => "not signed".to_owned(),
    };
    format!("{path} is written ({size}, {signed})\nsha256:{sha256}")
}

/// A bundle was signed.
pub fn signed(path: &str, key: &str, sha256: &Digest) -> String {
    format!("{path} is signed with key {key}; it is another file now:\nsha256:{sha256}")
}

/// Keys were made.
pub fn keys_made(secret: &str, public: &str, id: &str) -> String {
    format!(
        "key {id}: {secret} is secret, keep it; {public} goes to the hosts, into \
         /etc/landfall/trusted-keys.d/"
    )
}

/// A bundle is whole.
pub fn whole(path: &str, size: &str, sha256: &Digest, by: Option<&Signature>) -> String {
    let by = by.map(|by| format!("{}\n", signature(by))).unwrap_or_default();
    format!("{path} is whole ({size}): everything is what its manifest says\n{by}sha256:{sha256}")
}

/// A bundle was split.
pub fn split(list: &str, count: usize) -> String {
    format!("{count} volumes are written; {list} lists them and is needed with them")
}

/// What a bundle says of itself. What comes from the bundle is shown escaped.
pub fn contents(manifest: &Manifest, size: u64, signature: &str) -> String {
    let mut lines = vec![
        format!("made          {} for {}", plain(&manifest.created), plain(&manifest.architecture)),
        format!("signature     {signature}"),
    ];
    for engine in &manifest.engines {
        let from = &engine.provenance;
        lines.push(format!("engine        {} {}", plain(&engine.name), plain(&engine.version)));
        lines.push(format!("              from {} sha256:{}", plain(&from.source), from.sha256));
        let vouched = match from.vouched_by.is_empty() {
            true => "nobody vouched for its digest".to_owned(),
            false => format!("vouched for by {}", plain(&from.vouched_by.join(" and "))),
        };
        lines.push(format!("              {vouched}"));
    }
    for plugin in &manifest.plugins {
        let version = plugin.version.as_deref().unwrap_or(phrases::UNKNOWN_VERSION);
        lines.push(format!("plugin        {} {}", plain(&plugin.name), plain(version)));
    }
    for image in &manifest.images {
        let name = plain(&image.reference);
        lines.push(format!("image         {name} ({})", plain(&image.platform)));
        lines.push(format!("              sha256:{}", image.digest));
    }
    for package in &manifest.packages {
        let file = plain(&package.file);
        lines.push(format!("package       {file} for {}", plain(&package.distribution)));
    }
    if manifest.configuration.is_some() {
        lines.push("configuration for the hosts".to_owned());
    }
    let has_landfall = manifest.files.iter().any(|file| file.role == FileRole::Landfall);
    if has_landfall {
        lines.push("landfall      for the hosts".to_owned());
    }
    let (count, unpacked) = (manifest.files.len(), manifest.unpacked());
    lines.push(format!("files         {count}, {unpacked} bytes; {size} packed"));
    lines.join("\n")
}

fn plain(text: &str) -> impl Display {
    text.escape_debug()
}
