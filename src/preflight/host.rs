//! Root, systemd, architecture, distribution, clock.

use super::{Case, Finding, Seen};
use crate::bundle::{Archive, Layout, Machine, Role};
use crate::facts::distribution::Standing;
use crate::topology::starts_its_own_containerd;

/// A clock that is behind the archive by less than this may be in the wrong time zone, or
/// slow; by more it was never set. Then certificates are “not yet valid”, so that no
/// registry can be reached.
const CLOCK_TOLERANCE: u64 = 24 * 3600;

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let facts = case.facts;
    let mut findings = Vec::new();
    if facts.uid != 0 {
        findings.push(Finding::error(Seen::Root { uid: facts.uid }));
    }
    match &facts.systemd {
        None => findings.push(Finding::error(Seen::SystemdMissing)),
        Some(systemd) if facts.live && !systemd.running => {
            findings.push(Finding::error(Seen::SystemdNotRunning));
        }
        Some(_) => {}
    }
    if Machine::from_uname(&facts.architecture).is_none() {
        let architecture = facts.architecture.clone();
        findings.push(Finding::error(Seen::ArchitectureUnsupported { architecture }));
    }
    if facts.standing() == Standing::Unknown {
        let name = facts.os.shown();
        let listed = facts.distribution().is_some();
        let seen = Seen::DistributionUnknown { name, listed };
        findings.push(if listed { Finding::note(seen) } else { Finding::warning(seen) });
    }
    findings
}

pub(super) fn check_archive(case: &Case<'_>, archive: &Archive) -> Vec<Finding> {
    let facts = case.facts;
    let mut findings = Vec::new();
    let host = Machine::from_uname(&facts.architecture);
    let foreign = archive
        .entries
        .iter()
        .chain(archive.plugins())
        .find(|entry| !host.is_some_and(|host| entry.elf.machine.runs_on(host)));
    if let (Some(host), Some(entry)) = (host, foreign) {
        findings.push(Finding::error(Seen::ArchiveArchitecture {
            program: entry.name.clone(),
            built_for: entry.elf.machine.to_string(),
            host: host.to_string(),
        }));
    }
    findings.extend(generation(case, archive));
    if archive.newest_mtime > facts.now {
        let seen = Seen::ClockBehind { now: facts.now, archive: archive.newest_mtime };
        let behind = archive.newest_mtime - facts.now;
        let tolerable = behind < CLOCK_TOLERANCE;
        findings.push(if tolerable { Finding::warning(seen) } else { Finding::error(seen) });
    }
    findings
}

/// The programs' names must be those of the version that the archive's name says.
fn generation(case: &Case<'_>, archive: &Archive) -> Option<Finding> {
    let version = case.engine()?;
    let expected = match starts_its_own_containerd(&version) {
        true => Layout::Prefixed,
        false => Layout::Modern,
    };
    let layout = archive.layout();
    let program = archive.program(Role::Runtime)?.name.clone();
    let programs_of = layout.releases().to_owned();
    let seen = Seen::ArchiveGeneration { version, program, programs_of };
    (layout != expected).then(|| Finding::error(seen))
}
