//! Whether an archive is what it claims to be: its digest against all that is known of it.
//!
//! A digest proves that nothing was changed since somebody wrote that digest down. Where it was
//! written down decides what that is worth: a checksum file that came along with the archive
//! shows that the copy is whole, but whoever changes the one can change the other.

use super::catalogue::{self, Known};
use super::sidecar;
use crate::bundle::SidecarError;
use crate::digest::Digest;

/// All that is known about an archive before it is read, besides the catalogue.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'e> {
    /// The archive's file name; directories before it are taken off.
    pub file_name: &'e str,
    /// The engine's version that the archive claims to be, as far as it can be told.
    pub version: Option<&'e str>,
    /// The architecture that it is for, by the name that the catalogue uses (`x86_64`).
    pub arch: Option<&'e str>,
    /// The digest that the user gave (`--sha256`).
    pub argument: Option<Digest>,
    /// The digest of what two mirrors give, if they were compared.
    pub mirrors: Option<Digest>,
    /// Contents of the checksum file beside the archive, if there is one.
    pub sidecar: Option<&'e str>,
}

/// Who says what an archive's digest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinSource {
    /// The user, on the command line or in the configuration.
    Argument,
    /// Two mirrors that give the same file.
    Mirrors,
    /// The checksum file beside the archive.
    Sidecar,
    /// The catalogue in this program.
    Catalogue(&'static Known),
}

impl PinSource {
    /// Whether agreement proves where the archive comes from, and not only that it is whole: so
    /// it is where the digest came another way than the archive.
    pub fn proves_origin(&self) -> bool {
        match self {
            Self::Argument | Self::Mirrors | Self::Catalogue(_) => true,
            Self::Sidecar => false,
        }
    }
}

/// What is to be thought of an archive that nobody contradicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its digest is the expected one.
    Pinned {
        /// Who expects it; at least one.
        by: Vec<PinSource>,
        /// How many independent records the catalogue has of it; 0 if it knows nothing of it.
        records: u32,
    },
    /// Nobody says what its digest should be.
    Unpinned {
        /// What it is.
        digest: Digest,
    },
}

impl Verdict {
    /// Whether it is proved where the archive comes from ([`PinSource::proves_origin`]).
    pub fn proves_origin(&self) -> bool {
        match self {
            Self::Pinned { by, .. } => by.iter().any(PinSource::proves_origin),
            Self::Unpinned { .. } => false,
        }
    }
}

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The archive is not the expected one.
    Mismatch {
        /// Who expects another one; at least one.
        by: Vec<PinSource>,
        /// What they expect.
        expected: Digest,
        /// What the archive has.
        actual: Digest,
        /// What the archive is instead, if the catalogue knows it.
        known: Option<&'static Known>,
    },
    /// Those who say what the digest should be contradict one another, so that one of them is
    /// wrong; which one cannot be told, even if another agrees with the archive.
    SourcesDisagree {
        /// Who says what.
        claims: Vec<(PinSource, Digest)>,
        /// What the archive has.
        actual: Digest,
    },
    /// The checksum file beside the archive cannot be used.
    Sidecar(#[from] SidecarError),
}

/// Judges the archive with the digest `actual`.
///
/// # Errors
///
/// A source that expects another digest, sources that disagree, a checksum file that cannot be
/// read: each refuses the archive.
pub fn judge(actual: Digest, evidence: &Evidence<'_>) -> Result<Verdict, TrustError> {
    let claims = claims(evidence)?;
    let known = catalogue::by_digest(&actual);
    if let Some((_, expected)) = claims.first().copied() {
        if claims.iter().any(|(_, digest)| *digest != expected) {
            return Err(TrustError::SourcesDisagree { claims, actual });
        }
        if expected != actual {
            let by = claims.into_iter().map(|(source, _)| source).collect();
            return Err(TrustError::Mismatch { by, expected, actual, known });
        }
    }
    let mut by: Vec<PinSource> = claims.into_iter().map(|(source, _)| source).collect();
    if let Some(known) = known
        && !by.contains(&PinSource::Catalogue(known))
    {
        // Recognised, though not by its name.
        by.push(PinSource::Catalogue(known));
    }
    if by.is_empty() {
        return Ok(Verdict::Unpinned { digest: actual });
    }
    Ok(Verdict::Pinned { by, records: known.map_or(0, |known| known.records) })
}

/// What each source says the digest should be.
fn claims(evidence: &Evidence<'_>) -> Result<Vec<(PinSource, Digest)>, SidecarError> {
    let mut claims = Vec::new();
    claims.extend(evidence.argument.map(|digest| (PinSource::Argument, digest)));
    claims.extend(evidence.mirrors.map(|digest| (PinSource::Mirrors, digest)));
    if let Some(text) = evidence.sidecar {
        let file_name = evidence.file_name.rsplit('/').next().unwrap_or(evidence.file_name);
        claims.push((PinSource::Sidecar, sidecar::digest_for(text, file_name)?));
    }
    if let (Some(version), Some(arch)) = (evidence.version, evidence.arch)
        && let Some(known) = catalogue::lookup(version, arch)
    {
        claims.push((PinSource::Catalogue(known), known.sha256));
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> &'static Known {
        catalogue::lookup("20.10.17", "x86_64").unwrap()
    }

    /// An archive that the catalogue has by name.
    fn named() -> Evidence<'static> {
        Evidence {
            file_name: "/mnt/docker-20.10.17.tgz",
            version: Some("20.10.17"),
            arch: Some("x86_64"),
            ..Evidence::default()
        }
    }

    fn other() -> Digest {
        Digest::of(b"something else")
    }

    #[test]
    fn the_catalogue_pins() {
        let verdict = judge(known().sha256, &named()).unwrap();
        let by = vec![PinSource::Catalogue(known())];
        assert_eq!(verdict, Verdict::Pinned { by, records: 2 });
        assert!(verdict.proves_origin());
    }

    #[test]
    fn the_catalogue_pins_a_renamed_archive() {
        let evidence = Evidence { file_name: "docker.tgz", ..Evidence::default() };
        let by = vec![PinSource::Catalogue(known())];
        let verdict = judge(known().sha256, &evidence).unwrap();
        assert_eq!(verdict, Verdict::Pinned { by, records: 2 });
    }

    #[test]
    fn all_sources_agree() {
        let text = format!("{}  docker-20.10.17.tgz\n", known().sha256);
        let argument = Some(known().sha256);
        let evidence = Evidence { argument, sidecar: Some(&text), ..named() };
        let by = vec![PinSource::Argument, PinSource::Sidecar, PinSource::Catalogue(known())];
        let verdict = judge(known().sha256, &evidence).unwrap();
        assert_eq!(verdict, Verdict::Pinned { by, records: 2 });
    }

    #[test]
    fn a_sidecar_alone_proves_integrity_not_origin() {
        let text = other().to_string();
        let evidence = Evidence { sidecar: Some(&text), ..Evidence::default() };
        let verdict = judge(other(), &evidence).unwrap();
        assert_eq!(verdict, Verdict::Pinned { by: vec![PinSource::Sidecar], records: 0 });
        assert!(!verdict.proves_origin());
    }

    #[test]
    fn an_argument_alone_pins() {
        let evidence = Evidence { argument: Some(other()), ..Evidence::default() };
        let verdict = judge(other(), &evidence).unwrap();
        assert_eq!(verdict, Verdict::Pinned { by: vec![PinSource::Argument], records: 0 });
        assert!(verdict.proves_origin());
    }

    #[test]
    fn nobody_knows_it() {
        let verdict = judge(other(), &Evidence::default()).unwrap();
        assert_eq!(verdict, Verdict::Unpinned { digest: other() });
        assert!(!verdict.proves_origin());
    }

    #[test]
    fn another_archive_than_expected() {
        let error = judge(other(), &named()).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&other().to_string()), "{message}");
        assert!(message.contains(&known().sha256.to_string()), "{message}");
        assert!(message.contains("the catalogue (docker 20.10.17 for x86_64) says"), "{message}");

        let text = known().sha256.to_string();
        let evidence = Evidence { sidecar: Some(&text), ..named() };
        let by = vec![PinSource::Sidecar, PinSource::Catalogue(known())];
        let (expected, actual) = (known().sha256, other());
        let error = judge(actual, &evidence).unwrap_err();
        assert_eq!(error, TrustError::Mismatch { by, expected, actual, known: None });
        assert!(error.to_string().contains("(docker 20.10.17 for x86_64) say "), "{error}");
    }

    #[test]
    fn another_release_than_expected_is_named() {
        let actual = catalogue::lookup("20.10.9", "x86_64").unwrap();
        let error = judge(actual.sha256, &named()).unwrap_err();
        assert!(error.to_string().contains("it is the archive of docker 20.10.9"), "{error}");
    }

    #[test]
    fn sources_that_disagree_refuse_even_if_one_matches() {
        let text = other().to_string();
        for actual in [known().sha256, other(), Digest::of(b"third")] {
            let evidence = Evidence { sidecar: Some(&text), ..named() };
            let error = judge(actual, &evidence).unwrap_err();
            let claims = vec![
                (PinSource::Sidecar, other()),
                (PinSource::Catalogue(known()), known().sha256),
            ];
            assert_eq!(error, TrustError::SourcesDisagree { claims, actual });

            let evidence = Evidence {
                argument: Some(known().sha256),
                sidecar: Some(&text),
                ..Evidence::default()
            };
            let error = judge(actual, &evidence).unwrap_err();
            assert!(matches!(error, TrustError::SourcesDisagree { .. }), "{error}");
        }
    }

    #[test]
    fn a_sidecar_that_cannot_be_read_refuses() {
        let evidence = Evidence { sidecar: Some("not found"), ..named() };
        let error = judge(known().sha256, &evidence).unwrap_err();
        assert!(matches!(error, TrustError::Sidecar(_)), "{error}");
    }
}
