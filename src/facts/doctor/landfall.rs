//! Landfall's own state: whether what the receipt holds is still there, and what a run that
//! was cut has left.

use std::collections::BTreeMap;

use super::LandfallFacts;
use crate::apply::journal;
use crate::digest::Digest;
use crate::host::{Host, HostError};
use crate::receipt::Receipt;
use crate::steps::Step;

/// Directories in which runs write files beside their targets.
const WRITTEN: [&str; 6] = [
    "/etc/docker",
    "/etc/systemd/system",
    "/opt/bin",
    "/usr/bin",
    "/usr/local/bin",
    "/var/lib/landfall",
];

/// Compares the host with the receipt.
///
/// # Errors
/// [`HostError`] if a file cannot be read.
pub fn gather(host: &Host, receipt: Option<&Receipt>) -> Result<LandfallFacts, HostError> {
    let mut facts = LandfallFacts {
        installed: receipt.is_some_and(Receipt::has_engine),
        cut: journal::cut_run(host)?.map(|cut| cut.command),
        ..LandfallFacts::default()
    };
    for (path, sha256) in receipt.map(written).unwrap_or_default() {
        match host.digest(path)? {
            None => facts.missing.push(path.to_owned()),
            Some(now) if now != sha256 => facts.changed.push(path.to_owned()),
            Some(_) => {}
        }
    }
    for directory in WRITTEN {
        let names = host.read_dir(directory)?;
        let staged = names.iter().filter(|name| is_staged(name));
        facts.staged.extend(staged.map(|name| format!("{directory}/{name}")));
    }
    Ok(facts)
}

/// The files of a receipt as its last steps wrote them.
fn written(receipt: &Receipt) -> BTreeMap<&str, Digest> {
    let files = receipt.entries.iter().filter_map(|entry| match &entry.step {
        Step::InstallBinary(step) => Some((step.path.as_str(), step.sha256)),
        Step::WriteFile(step) => Some((step.path.as_str(), Digest::of(step.text.as_bytes()))),
        _ => None,
    });
    files.collect()
}

/// Whether a file has the name that [`crate::file_state::new_name`] gives.
fn is_staged(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".landfall-new")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_state::new_name;
    use crate::steps::testing::Bed;

    #[test]
    fn what_a_run_left_is_found() {
        let bed = Bed::new(&["etc/docker", "usr/bin"]);
        bed.write(&format!("/usr/bin/{}", new_name("dockerd")), "half");
        bed.write("/etc/docker/daemon.json", "{}");
        let facts = gather(&bed.host, None).unwrap();
        assert_eq!(facts.staged, ["/usr/bin/.dockerd.landfall-new"]);
        assert!(!facts.installed && facts.cut.is_none());
    }

    #[test]
    fn files_that_differ_from_the_receipt_are_found() {
        let bed = Bed::new(&["etc/docker", "usr/bin"]);
        let json = include_str!("../../../tests/receipts/schema-1.json");
        let receipt: Receipt = serde_json::from_str(json).unwrap();
        bed.write("/etc/docker/daemon.json", "{}");
        let facts = gather(&bed.host, Some(&receipt)).unwrap();
        assert_eq!(facts.changed, ["/etc/docker/daemon.json"]);
        assert!(facts.missing.contains(&"/usr/bin/dockerd".to_owned()), "{:?}", facts.missing);
    }
}
