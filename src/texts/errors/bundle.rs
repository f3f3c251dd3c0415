//! What can be wrong with an archive, and with its digest: in words.

use std::fmt;

use crate::bundle::catalogue::Known;
use crate::bundle::trust::{PinSource, TrustError};
use crate::bundle::{BundleError, SidecarError};
use crate::digest::Digest;

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(_) => f.write_str("cannot read the archive"),
            Self::Thread(_) => f.write_str("cannot start a thread to read the archive"),
            Self::Sink { entry, .. } => write!(f, "cannot store {entry} from the archive"),
            Self::NotGzip { found } => {
                write!(f, "the archive is not gzip-compressed: it looks like {found}")
            }
            Self::Truncated { packed_at } => write!(
                f,
                "the archive is cut off: the compressed data ends after {packed_at} bytes"
            ),
            Self::Corrupt { packed_at, detail } => {
                write!(f, "the archive is damaged near byte {packed_at}: {detail}")
            }
            Self::BadCrc { packed_at } => write!(
                f,
                "the archive is damaged: gzip's checksum, which ends at byte {packed_at}, is wrong"
            ),
            Self::TrailingData { packed_at } => {
                write!(f, "the archive has foreign data after its end, from byte {packed_at} on")
            }
            Self::TarTruncated { at, place } => write!(
                f,
                "the archive is incomplete: the tar stream ends after {at} bytes, {place}"
            ),
            Self::BadHeaderChecksum { at } => {
                write!(f, "the tar header at byte {at} is damaged: its checksum is wrong")
            }
            Self::BadField { name, at, field } => {
                write!(f, "the tar header of {name} (at byte {at}) has no usable {field}")
            }
            Self::DataAfterEnd { at } => {
                write!(f, "the tar stream goes on after its end marker, at byte {at}")
            }
            Self::Extension { what, at } => write!(
                f,
                "the archive uses a tar extension that is not accepted: {what} (at byte {at})"
            ),
            Self::ExtensionTooLong { size, limit, at } => write!(
                f,
                "a tar extension record of {size} bytes (at byte {at}) exceeds the {limit} allowed"
            ),
            Self::NameRefused { name, why } => {
                write!(f, "the archive holds a dangerous name: {name} ({why})")
            }
            Self::UnknownName { name } => {
                write!(f, "the archive holds {name}, which no Docker release contains")
            }
            Self::ManifestElsewhere => f.write_str(
                "the file holds landfall.json where no bundle has it: it is damaged, or was packed \
                 anew",
            ),
            Self::Duplicate { name } => write!(f, "the archive holds {name} twice"),
            Self::NotRegular { name, kind } => write!(
                f,
                "{name} in the archive is {kind}, where only files and directories are accepted"
            ),
            Self::SpecialMode { name, mode } => {
                write!(f, "{name} in the archive has the special mode {mode:o}")
            }
            Self::TooManyEntries { limit } => {
                write!(f, "the archive holds more than {limit} entries")
            }
            Self::FileTooLarge { name, size, limit } => write!(
                f,
                "{name} in the archive is {size} bytes long, more than the {limit} allowed"
            ),
            Self::TooLarge { limit } => {
                write!(f, "the archive is larger than the {limit} bytes allowed")
            }
            Self::Ratio { limit } => {
                write!(f, "the archive unpacks to more than {limit} times its size")
            }
            Self::Missing { names } => {
                write!(f, "the archive is incomplete: it lacks {}", names.join(", "))
            }
            Self::MixedLayouts { first, first_layout, second, second_layout } => write!(
                f,
                "the archive mixes two generations: {first} belongs to {}, {second} to {}",
                first_layout.releases(),
                second_layout.releases()
            ),
            Self::MixedMachines { first, first_machine, second, second_machine } => write!(
                f,
                "the archive mixes architectures: {first} is for {first_machine}, {second} for {second_machine}"
            ),
            Self::NotElf { name, why } => {
                write!(f, "{name} in the archive is not a Linux program: {why}")
            }
        }
    }
}

impl BundleError {
    /// What to do about it, if there is something better than fetching the archive again.
    pub fn hint(&self) -> Option<&'static str> {
        use BundleError as E;
        Some(match self {
            E::Read(_) => "check the path and the medium that the archive lies on",
            E::Thread(_) => "check the limits on processes and memory (ulimit -u, TasksMax)",
            E::Sink { .. } => "check the space and the rights where the files are being stored",
            E::NotGzip { .. } => {
                "docker-<version>.tgz is expected as upstream publishes it; a web page in its \
                 place is usually a proxy's error message"
            }
            E::Truncated { .. }
            | E::Corrupt { .. }
            | E::BadCrc { .. }
            | E::TarTruncated { .. }
            | E::BadHeaderChecksum { .. } => {
                "copy or download the archive again and compare sha256sum on both sides (ftp: in \
                 binary mode)"
            }
            E::ManifestElsewhere => {
                "use the file as `landfall bundle create` wrote it, and compare sha256sum on both \
                 sides (ftp: in binary mode)"
            }
            E::UnknownName { .. } => {
                "docker-<version>.tgz from the static downloads is expected, not the rootless \
                 extras or a package"
            }
            E::Missing { .. } => {
                "the static archive for Linux is expected; the ones for macOS and Windows hold \
                 the client alone"
            }
            E::BadField { .. } | E::DataAfterEnd { .. } | E::TrailingData { .. } => {
                "upstream's archives have nothing of this kind: fetch the archive from a source \
                 that you trust"
            }
            E::Extension { .. }
            | E::ExtensionTooLong { .. }
            | E::NameRefused { .. }
            | E::Duplicate { .. }
            | E::NotRegular { .. }
            | E::SpecialMode { .. }
            | E::TooManyEntries { .. }
            | E::FileTooLarge { .. }
            | E::TooLarge { .. }
            | E::Ratio { .. }
            | E::MixedLayouts { .. }
            | E::MixedMachines { .. }
            | E::NotElf { .. } => {
                "upstream's archives have nothing of this kind: do not use this file before you \
                 know where it came from"
            }
        })
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { by, expected, actual, known } => write!(
                f,
                "the archive has the SHA-256 digest {actual}, but {} {} {expected}{}",
                listed(by),
                if by.len() == 1 { "says" } else { "say" },
                recognised(*known)
            ),
            Self::SourcesDisagree { claims, actual } => write!(
                f,
                "the sources of the archive's SHA-256 digest disagree ({}); it has {actual}",
                contradictions(claims)
            ),
            Self::Sidecar(error) => error.fmt(f),
        }
    }
}

impl TrustError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Mismatch { .. } => {
                "the archive is damaged, changed, or another release than it is named for: fetch \
                 it again from a source that you trust"
            }
            Self::SourcesDisagree { .. } => {
                "find out which source is wrong; an archive that you built yourself must not be \
                 named as an upstream release"
            }
            Self::Sidecar(_) => "correct the checksum file, or take it away and give --sha256",
        }
    }
}

impl fmt::Display for SidecarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the checksum file holds no SHA-256 digest"),
            Self::Malformed { line, text } => {
                write!(f, "line {line} of the checksum file is none of the known forms: {text}")
            }
            Self::NotListed { count, file_name } => {
                write!(f, "the checksum file has {count} digests, but none for {file_name}")
            }
            Self::Ambiguous { file_name } => {
                write!(f, "the checksum file has different digests for {file_name}")
            }
        }
    }
}

impl fmt::Display for PinSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument => f.write_str("--sha256"),
            Self::Mirrors => f.write_str("each of two mirrors"),
            Self::Sidecar => f.write_str("the checksum file beside the archive"),
            Self::Catalogue(known) => {
                write!(f, "the catalogue (docker {} for {})", known.version, known.arch)
            }
        }
    }
}

fn listed(by: &[PinSource]) -> String {
    let names: Vec<String> = by.iter().map(ToString::to_string).collect();
    names.join(" and ")
}

fn contradictions(claims: &[(PinSource, Digest)]) -> String {
    let claims: Vec<String> =
        claims.iter().map(|(source, digest)| format!("{source}: {digest}")).collect();
    claims.join("; ")
}

fn recognised(known: Option<&Known>) -> String {
    known.map_or_else(String::new, |known| {
        format!("; it is the archive of docker {} for {}", known.version, known.arch)
    })
}
