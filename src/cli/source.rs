//! The file that an engine comes from, and whether it may be trusted.

use std::path::Path;

use super::failure::{Failure, exit};
use super::output::Output;
use super::prepare::file_name;
use crate::bundle::format::Head;
use crate::bundle::signature::{Signature, Trust, TrustedKey};
use crate::bundle::trust::{self, Evidence, Verdict};
use crate::bundle::{self, Archive};
use crate::desired;
use crate::digest::Digest;
use crate::facts::OsRelease;
use crate::host::input;
use crate::stage::Source;
use crate::texts::{bundle as texts, errors, trust as trust_texts};

/// Where a host keeps the keys whose bundles it accepts.
const TRUSTED_KEYS: &str = "/etc/landfall/trusted-keys.d";

/// The keys that are trusted here, and whether one of them is needed.
pub fn trusted(source: &desired::Source) -> Result<Trust, Failure> {
    let mut keys = Vec::new();
    for path in input::files_in(Path::new(TRUSTED_KEYS), ".pub")? {
        keys.push(trusted_key(&path)?);
    }
    for path in &source.trusted_keys {
        keys.push(trusted_key(path)?);
    }
    Ok(Trust { keys, required: source.require_signature })
}

fn trusted_key(path: &Path) -> Result<TrustedKey, Failure> {
    let usage = |text: &dyn std::fmt::Display| {
        Failure::new(exit::USAGE, errors::could_not(&path.to_string_lossy(), &text.to_string()))
    };
    let text = input::read_text(path).map_err(|error| usage(&error))?;
    TrustedKey::parse(&text.ok_or_else(|| usage(&texts::NO_SUCH_FILE))?).map_err(|e| usage(&e))
}

/// The head of a bundle and what its signature says; `None` of an archive of upstream's.
pub fn head(path: &Path, source: &desired::Source) -> Result<Option<(Head, Signature)>, Failure> {
    let opened = Source::open(path)?;
    let head = opened.head(&trusted(source)?)?;
    if head.is_none() && source.require_signature {
        let text = texts::not_a_bundle(&path.to_string_lossy());
        return Err(Failure::new(exit::UNTRUSTED, text).hint(texts::MAKE_SIGNED));
    }
    Ok(head)
}

/// The files that make up the source: itself, or its volumes.
pub fn exists(path: &Path) -> Result<(), Failure> {
    Source::open(path).map(drop).map_err(|error| {
        let failure = Failure::from(error);
        match failure.exit {
            exit::FAILED => Failure { exit: exit::USAGE, ..failure },
            _ => failure,
        }
    })
}

/// Asks everybody who knows a digest whether this is the archive it should be. A signature with a
/// trusted key vouches for a bundle as well.
pub fn check_trust(
    source: &desired::Source,
    file: &Path,
    archive: &Archive,
    signature: Option<&Signature>,
) -> Result<Verdict, Failure> {
    let name = file_name(&source.archive);
    // The catalogue knows upstream's archives; a bundle is another file, whatever it is called.
    let version = bundle::version_from_name(&name).filter(|_| archive.bundled.is_none());
    let verdict =
        verdict(file, &name, version.as_deref(), [source.sha256, source.agreed], archive)?;
    let is_signed = matches!(signature, Some(Signature::Trusted { .. }));
    match verdict {
        Verdict::Unpinned { digest } if !is_signed && !source.allow_unpinned => {
            Err(Failure::new(exit::UNTRUSTED, trust_texts::unpinned(&name, digest))
                .hint(trust_texts::pin_it(digest)))
        }
        verdict => Ok(verdict),
    }
}

/// What is known of the digest of an archive of this name, also by a checksum file beside it; what
/// the caller and what two mirrors say that it is.
pub fn verdict(
    file: &Path,
    name: &str,
    version: Option<&str>,
    [argument, mirrors]: [Option<Digest>; 2],
    archive: &Archive,
) -> Result<Verdict, Failure> {
    let mut sidecar = file.as_os_str().to_owned();
    sidecar.push(".sha256");
    let sidecar = input::read_text(Path::new(&sidecar))?;
    let machine = archive.machine().map(|machine| machine.to_string());
    let evidence = Evidence {
        file_name: name,
        version,
        arch: machine.as_deref(),
        argument,
        mirrors,
        sidecar: sidecar.as_deref(),
    };
    Ok(trust::judge(archive.sha256, &evidence)?)
}

/// Says who vouches for the archive.
pub fn show_trust(output: &Output, signature: Option<&Signature>, verdict: &Verdict) {
    signature.into_iter().for_each(|it| output.line(&texts::signature_line(it)));
    let is_signed = matches!(signature, Some(Signature::Trusted { .. }));
    if !is_signed || matches!(verdict, Verdict::Pinned { .. }) {
        output.line(&trust_texts::verdict(verdict));
    }
}

/// Names the packages in the bundle that are for this host; they are not installed.
pub fn show_packages(output: &Output, archive: &Archive, os: &OsRelease) {
    let Some(bundled) = &archive.bundled else { return };
    let here = format!("{}-{}", os.id, os.version_id);
    let packages = bundled.packages.iter().filter(|package| package.distribution == here);
    let names: Vec<&str> = packages.map(|package| package.file.as_str()).collect();
    if !names.is_empty() {
        output.line(&texts::packages(&here, &names));
    }
}
