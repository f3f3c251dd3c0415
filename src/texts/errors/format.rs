//! What can be wrong with a bundle, in words.

use std::fmt;

use crate::bundle::create::ImageError;
use crate::bundle::format::{FORMAT, FormatError, WriteError};
use crate::bundle::signature::KeyError;
use crate::bundle::volumes::VolumeError;

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(_) => f.write_str("cannot read the bundle"),
            Self::Thread(_) => f.write_str("cannot start a thread to read the bundle"),
            Self::Sink { entry, .. } => write!(f, "cannot store {entry} from the bundle"),
            Self::Cut { packed_at } => {
                write!(f, "the bundle is cut off: the file ends after {packed_at} bytes")
            }
            Self::MemberHeader { packed_at } => write!(
                f,
                "the bundle is damaged: at byte {packed_at} no part begins as Landfall writes them"
            ),
            Self::MemberLength { packed_at, stated } => write!(
                f,
                "the bundle is damaged: the part at byte {packed_at} states a length of {stated} \
                 bytes, which cannot be right"
            ),
            Self::MemberTooLarge { packed_at, limit } => write!(
                f,
                "the part at byte {packed_at} of the bundle unpacks to more than the {limit} \
                 bytes allowed"
            ),
            Self::MemberDamaged { packed_at, detail } => {
                write!(f, "the bundle is damaged in the part at byte {packed_at}: {detail}")
            }
            Self::MemberChecksum { packed_at } => write!(
                f,
                "the bundle is damaged: gzip's checksum of the part at byte {packed_at} is wrong"
            ),
            Self::TrailingData { packed_at } => {
                write!(f, "the bundle has foreign data from byte {packed_at} on")
            }
            Self::NoManifest { found } => write!(
                f,
                "the bundle begins with {found} where its manifest, landfall.json, belongs"
            ),
            Self::ManifestTooLarge { limit } => {
                write!(f, "the manifest of the bundle is longer than the {limit} bytes allowed")
            }
            Self::ManifestUnreadable { detail } => {
                write!(f, "the manifest of the bundle cannot be read: {detail}")
            }
            Self::UnknownFormat { version } => write!(
                f,
                "the bundle has format {version}; this Landfall knows only format {FORMAT}"
            ),
            Self::ManifestWrong { what } => {
                write!(f, "the manifest of the bundle cannot be right: {what}")
            }
            Self::WrongPlace { name, why } => {
                write!(f, "the manifest of the bundle lists {name}, but {why}")
            }
            Self::Disorder { name } => {
                write!(f, "the manifest of the bundle lists {name} twice, or not in its order")
            }
            Self::Ratio { unpacked, packed } => write!(
                f,
                "the bundle says that it unpacks to {unpacked} bytes, far more than can be in a \
                 file of {packed}"
            ),
            Self::TarTruncated { at, within } => write!(
                f,
                "the bundle is incomplete: the tar stream ends after {at} bytes, in {within}"
            ),
            Self::HeaderChecksum { at } => write!(
                f,
                "the tar header at byte {at} of the unpacked bundle is damaged: its checksum is \
                 wrong"
            ),
            Self::Extension { at, what } => write!(
                f,
                "the bundle uses a tar extension, which none does: {what} (at byte {at} unpacked)"
            ),
            Self::NotRegular { name, kind } => {
                write!(f, "{name} in the bundle is {kind}, where only files are accepted")
            }
            Self::NameRefused { name, why } => {
                write!(f, "the bundle holds a dangerous name: {name} ({why})")
            }
            Self::SpecialMode { name, mode } => {
                write!(f, "{name} in the bundle has the special mode {mode:o}")
            }
            Self::Unlisted { name } => {
                write!(f, "the bundle holds {name}, which its manifest does not list")
            }
            Self::Duplicate { name } => write!(f, "the bundle holds {name} twice"),
            Self::Absent { name } => {
                write!(f, "the bundle lacks {name}, which its manifest lists here")
            }
            Self::Size { name, stated, found } => write!(
                f,
                "{name} in the bundle is {found} bytes long, but {stated} by the manifest"
            ),
            Self::HeaderDiffers { name, what } => write!(
                f,
                "the tar header of {name} in the bundle differs from the manifest: {what}"
            ),
            Self::Padding { name } => {
                write!(f, "there is something hidden behind the end of {name} in the bundle")
            }
            Self::Digest { name, expected, actual } => write!(
                f,
                "{name} in the bundle has the SHA-256 digest {actual}, but {expected} by the \
                 manifest"
            ),
            Self::DataAfterEnd { at } => write!(
                f,
                "the tar stream of the bundle goes on after its end, at byte {at} unpacked"
            ),
            Self::Engine(error) => error.fmt(f),
            Self::Architecture { stated, found } => write!(
                f,
                "the bundle is for {stated} by its manifest, but holds programs for {found}"
            ),
            Self::Changed => f.write_str("the bundle was exchanged while Landfall ran"),
            Self::SignatureUnreadable { detail } => {
                write!(f, "the signature of the bundle cannot be read: {detail}")
            }
            Self::SignatureWrong { key } => write!(
                f,
                "the signature of the bundle is wrong: the trusted key {key} did not sign this \
                 manifest"
            ),
            Self::UntrustedKey { key } => {
                write!(f, "the bundle is signed with key {key}, which is not trusted here")
            }
            Self::Unsigned => {
                f.write_str("the bundle is not signed, and only signed ones are accepted here")
            }
        }
    }
}

impl FormatError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        use FormatError as E;
        match self {
            E::Read(_) => "check the path and the medium that the bundle lies on",
            E::Thread(_) => "check the limits on processes and memory (ulimit -u, TasksMax)",
            E::Sink { .. } => "check the space and the rights where the files are being stored",
            E::Cut { .. }
            | E::MemberHeader { .. }
            | E::MemberLength { .. }
            | E::MemberDamaged { .. }
            | E::MemberChecksum { .. }
            | E::HeaderChecksum { .. } => {
                "copy the bundle again and compare sha256sum on both sides (ftp: in binary mode)"
            }
            E::UnknownFormat { .. } => {
                "use the Landfall that is in the bundle: tar xzf BUNDLE landfall"
            }
            E::NoManifest { .. } => {
                "a bundle that other tools packed anew is none: use the file that `landfall \
                 bundle create` wrote"
            }
            E::UntrustedKey { .. } => {
                "if the key is the right one, put it into /etc/landfall/trusted-keys.d/KEY.pub or \
                 name it with --trusted-key"
            }
            E::Unsigned => "have it signed: landfall bundle sign --key FILE BUNDLE",
            E::Architecture { .. } => "fetch the bundle for this architecture",
            E::Changed => "nobody should write to the bundle; run the command again",
            E::MemberTooLarge { .. }
            | E::TrailingData { .. }
            | E::ManifestTooLarge { .. }
            | E::ManifestUnreadable { .. }
            | E::ManifestWrong { .. }
            | E::WrongPlace { .. }
            | E::Disorder { .. }
            | E::Ratio { .. }
            | E::TarTruncated { .. }
            | E::Extension { .. }
            | E::NotRegular { .. }
            | E::NameRefused { .. }
            | E::SpecialMode { .. }
            | E::Unlisted { .. }
            | E::Duplicate { .. }
            | E::Absent { .. }
            | E::Size { .. }
            | E::HeaderDiffers { .. }
            | E::Padding { .. }
            | E::Digest { .. }
            | E::DataAfterEnd { .. }
            | E::Engine(_)
            | E::SignatureUnreadable { .. }
            | E::SignatureWrong { .. } => {
                "Landfall writes nothing of this kind: do not use this file before you know where \
                 it came from"
            }
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { name, .. } => write!(f, "cannot read what shall become {name}"),
            Self::Write(_) => f.write_str("cannot write the bundle"),
            Self::Changed { name } => {
                write!(f, "the file that shall become {name} was changed in the meantime")
            }
            Self::NameTooLong { name } => {
                write!(f, "the name {name} is too long for a tar archive")
            }
            Self::ManifestTooLarge { size } => {
                write!(f, "the manifest would be {size} bytes long; that is too many files")
            }
            Self::Manifest(_) => f.write_str("cannot write the manifest down"),
            Self::Sign(_) => f.write_str("cannot sign the bundle"),
        }
    }
}

impl fmt::Display for VolumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List { detail } => write!(f, "the list of volumes cannot be used: {detail}"),
            Self::Missing { name, number, of } => {
                write!(f, "the volume {name} (number {number} of {of}) is not there")
            }
            Self::Size { name, expected, found } => {
                write!(f, "the volume {name} is {found} bytes long, where it should be {expected}")
            }
            Self::Damaged { name, is: None } => {
                write!(f, "the volume {name} is damaged, or belongs to another bundle")
            }
            Self::Damaged { name, is: Some(other) } => {
                write!(f, "the volume {name} is in the wrong place: it holds what {other} should")
            }
        }
    }
}

impl VolumeError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::List { .. } => "copy the list again, or split the bundle again",
            Self::Missing { .. } => "copy all volumes into the directory of their list",
            Self::Size { .. } | Self::Damaged { is: None, .. } => {
                "copy this volume again (ftp: in binary mode)"
            }
            Self::Damaged { is: Some(_), .. } => "give the volumes their own names again",
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { detail } => write!(f, "this is no minisign key: {detail}"),
            Self::NeedsPassword => f.write_str("the key is protected by a password"),
            Self::WrongPassword => f.write_str("the password is not the key's"),
            Self::Failed { detail } => write!(f, "the key could not be used: {detail}"),
        }
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Malformed { what } => write!(f, "this is no archive of images: {what}"),
            Self::Lacks { what } => write!(f, "the archive of images lacks {what}"),
            Self::Digest { name } => {
                write!(f, "the archive of images is damaged: {name} is not what it is called")
            }
            Self::NoName { image } => write!(f, "the image {image} has no name"),
            Self::Platform { wanted, found } => {
                write!(f, "the image is for {found}, where {wanted} is wanted")
            }
        }
    }
}

impl ImageError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoName { .. } => "save it by its name: docker save -o FILE NAME:TAG",
            Self::Platform { .. } => {
                "fetch it for the other architecture: docker pull --platform linux/ARCH NAME:TAG"
            }
            _ => "give what docker save or skopeo copy … oci-archive: wrote",
        }
    }
}
