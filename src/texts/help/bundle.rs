//! Help of `landfall bundle`.

/// `bundle`.
pub const ABOUT: &str = "Make, sign, show, check and split bundles";
/// Shown below its commands.
pub const EXAMPLES: &str = "\
Examples:
  landfall bundle create -o site.tgz --engine-archive docker-28.5.2.tgz \\
      --plugin compose@2.40.0=docker-compose --image-archive images.tar
      put engine, plugins and images into one file
  landfall bundle keygen release.key
  landfall bundle sign --key release.key site.tgz
      say who made it; hosts trust /etc/landfall/trusted-keys.d/*.pub
  landfall bundle split --size 3900M site.tgz
      for FAT32; `landfall install --offline site.tgz.volumes` reads it directly";
/// `bundle create`.
pub const CREATE: &str = "Put an engine and what goes with it into one file";
/// Shown below its options.
pub const CREATE_EXAMPLES: &str = "\
--config FILE is a landfall.yaml for the hosts: its keys hold where a host's own file and the
arguments say nothing. With SOURCE_DATE_EPOCH the same input gives the same bytes.

bundle.yaml:
  version: 1
  engine: {archive: docker-28.5.2.tgz}
  plugins: [{name: compose, version: 2.40.0, file: docker-compose}]
  images: [images.tar]
  packages: [{distribution: debian-12, file: iptables.deb}]
  config: landfall.yaml";
/// `bundle inspect`.
pub const INSPECT: &str = "Show what a bundle holds, from its first bytes";
/// `bundle verify`.
pub const VERIFY: &str = "Read all of a bundle and compare it with its manifest";
/// `bundle keygen`.
pub const KEYGEN: &str = "Make a pair of keys to sign bundles with";
/// Shown below its options.
pub const KEYGEN_NOTES: &str = "\
The public key is written beside the secret one, as KEY.pub. Both are minisign's: keys and
signatures can be made and checked with minisign too.";
/// `bundle sign`.
pub const SIGN: &str = "Sign a bundle, in place of a signature that it has";
/// `bundle split`.
pub const SPLIT: &str = "Cut a bundle into volumes";
/// Shown below its options.
pub const SPLIT_NOTES: &str = "\
The volumes are called BUNDLE.001 and so on; their digests stand in BUNDLE.volumes. Every command
that takes a bundle takes that list instead. By hand: cat BUNDLE.0* > BUNDLE";
/// A bundle that is read.
pub const BUNDLE: &str = "The bundle, or its list of volumes";
/// `bundle keygen KEY`.
pub const NEW_KEY: &str = "File of the secret key";
/// `bundle sign --key`.
pub const KEY: &str = "File of the secret key";
/// `bundle create --sign`.
pub const SIGN_WITH: &str = "Sign the bundle with this secret key";
/// `--no-password`.
pub const NO_PASSWORD: &str = "Do not protect the secret key with a password";
/// `--password-file`.
pub const PASSWORD_FILE: &str = "File whose first line is the key's password; else it is asked for";
/// `bundle split --size`.
pub const SIZE: &str = "Size of a volume, such as 3900M";
/// `bundle create -o`.
pub const OUTPUT: &str = "Write the bundle here";
/// `bundle create -f`.
pub const RECIPE: &str = "Read what it is made of from a file; options add to it";
/// `bundle create --arch`.
pub const ARCH: &str = "Architecture of the hosts, as uname -m says [default: the engine's]";
/// `bundle create --engine-archive`.
pub const ENGINE_ARCHIVE: &str = "Upstream's docker-<version>.tgz";
/// `bundle create --plugin`.
pub const PLUGIN: &str = "A plugin of docker's client: buildx, compose, model or scan (repeatable)";
/// `bundle create --image-archive`.
pub const IMAGE_ARCHIVE: &str =
    "Images, as docker save or skopeo copy … oci-archive: writes them (repeatable)";
/// `bundle create --package`.
pub const PACKAGE: &str = "A package for hosts of this distribution (repeatable)";
/// `bundle create --landfall-binary`.
pub const LANDFALL_BINARY: &str =
    "The landfall for the hosts [default: this one, if it runs there]";
