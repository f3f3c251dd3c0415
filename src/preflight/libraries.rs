//! Whether the host has the shared libraries that packaged programs need.

use std::collections::BTreeMap;

use super::{Case, Finding, Seen};
use crate::bundle::{Archive, Entry, VersionNeed};
use crate::facts::Libraries;

const LIBC: &str = "libc.so.6";

/// Libraries that are part of glibc and share its version names.
const GLIBC: [&str; 8] = [
    LIBC,
    "libdl.so.2",
    "libm.so.6",
    "libnsl.so.1",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
];

pub(super) fn check(case: &Case<'_>, archive: &Archive) -> Vec<Finding> {
    let libraries = &case.facts.libraries;
    let mut findings = Vec::new();
    let mut unknown = Vec::new();
    let programs = archive.entries.iter().chain(archive.plugins());
    for entry in programs.filter(|entry| !entry.elf.is_static()) {
        let Some(sonames) = libraries.sonames.as_deref().filter(|_| entry.elf.dependencies_known)
        else {
            unknown.push(entry.name.clone());
            continue;
        };
        findings.extend(missing(entry, sonames));
        findings.extend(too_old(entry, libraries));
    }
    if !unknown.is_empty() {
        findings.push(Finding::warning(Seen::LibrariesUnknown { programs: unknown }));
    }
    findings
}

fn missing(entry: &Entry, sonames: &[String]) -> Option<Finding> {
    let libraries: Vec<String> =
        entry.elf.needed.iter().filter(|name| !sonames.contains(name)).cloned().collect();
    let program = entry.name.clone();
    (!libraries.is_empty()).then(|| Finding::error(Seen::LibraryMissing { program, libraries }))
}

/// For each library of glibc's the newest version that a program needs and the host lacks.
fn too_old(entry: &Entry, host: &Libraries) -> Vec<Finding> {
    let newest = host.libc_versions.iter().max_by_key(|version| rank(version));
    let mut lacking: BTreeMap<&str, &str> = BTreeMap::new();
    for VersionNeed { library, version } in &entry.elf.version_needs {
        let (library, version) = (library.as_str(), version.as_str());
        if !GLIBC.contains(&library) || has(host, library, version) {
            continue;
        }
        let worst = lacking.entry(library).or_insert(version);
        if rank(version) > rank(worst) {
            *worst = version;
        }
    }
    let finding = |(library, needs): (&str, &str)| {
        Finding::error(Seen::LibraryTooOld {
            program: entry.name.clone(),
            library: library.to_owned(),
            needs: needs.to_owned(),
            has: newest.cloned(),
        })
    };
    lacking.into_iter().map(finding).collect()
}

/// Of glibc's other libraries the versions are not known, but they are of one release.
fn has(host: &Libraries, library: &str, version: &str) -> bool {
    host.libc_versions.iter().any(|defined| defined == version)
        || library != LIBC
            && host.libc_versions.iter().any(|defined| rank(defined) >= rank(version))
}

/// `GLIBC_2.34` as numbers that compare. `GLIBC_PRIVATE`, `GLIBC_ABI_DT_RELR` and the like
/// are no numbers, and come before all that are.
fn rank(version: &str) -> Vec<u32> {
    let number = version.strip_prefix("GLIBC_").unwrap_or_default();
    number.split('.').map(str::parse).collect::<Result<_, _>>().unwrap_or_default()
}
