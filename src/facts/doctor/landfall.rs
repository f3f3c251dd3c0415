//! Landfall's own state: whether what the receipt holds is still there, and what a run that
//! was cut has left.

use std::collections::BTreeMap;

use super::LandfallFacts;
use crate::apply::journal;
use crate::digest::Digest;
use crate::host::{Host, HostError};
use crate::receipt::Receipt;
use crate::run_state::RunState;
use crate::steps::Step;

/// Directories in which runs write files beside their targets, but for that of the programs.
const WRITTEN: [&str; 6] = [
    "/etc/docker",
    "/etc/systemd/system",
    "/opt/bin",
    "/usr/bin",
    "/usr/local/bin",
    "/var/lib/landfall",
];

/// Compares the host with the receipt. `run` is the run that goes on: another one has not
/// written its end yet, nor has it put everything where it belongs; one of this process itself
/// is only open.
///
/// # Errors
/// [`HostError`] if a file cannot be read.
pub fn gather(
    host: &Host,
    receipt: Option<&Receipt>,
    bin_dir: &str,
    run: Option<RunState>,
) -> Result<LandfallFacts, HostError> {
    let mut facts = LandfallFacts::default();
    match run {
        Some(run) if run.pid != std::process::id() => {
            facts.running = Some(run);
            return Ok(facts);
        }
        Some(_) => {}
        None => facts.cut = journal::cut_run(host)?.map(|cut| cut.command),
    }
    for (path, sha256) in receipt.map(written).unwrap_or_default() {
        match host.digest(path)? {
            None => facts.missing.push(path.to_owned()),
            Some(now) if now != sha256 => facts.changed.push(path.to_owned()),
            Some(_) => {}
        }
    }
    let of_programs = (!WRITTEN.contains(&bin_dir)).then_some(bin_dir);
    for directory in WRITTEN.into_iter().chain(of_programs) {
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
        Step::CopyFile(step) => Some((step.path.as_str(), step.sha256)),
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
    use crate::run_state::Activity;
    use crate::steps::testing::Bed;

    #[test]
    fn what_a_run_left_is_found() {
        let bed = Bed::new(&["etc/docker", "usr/bin", "opt/x"]);
        for directory in ["/usr/bin", "/opt/x"] {
            bed.write(&format!("{directory}/{}", new_name("dockerd")), "half");
        }
        bed.write("/etc/docker/daemon.json", "{}");
        let facts = gather(&bed.host, None, "/opt/x", None).unwrap();
        assert_eq!(
            facts.staged,
            ["/usr/bin/.dockerd.landfall-new", "/opt/x/.dockerd.landfall-new"]
        );
        assert_eq!(facts.cut, None);
        let facts = gather(&bed.host, None, "/usr/bin", None).unwrap();
        assert_eq!(facts.staged, ["/usr/bin/.dockerd.landfall-new"], "each once");
    }

    #[test]
    fn a_run_that_goes_on_was_not_cut() {
        let bed = Bed::new(&["usr/bin"]);
        bed.write(&format!("/usr/bin/{}", new_name("dockerd")), "half");
        let begun =
            r#"{"event":"run_started","run":"7-1","at":7,"landfall":"0.1.0","command":"install"}"#;
        bed.write("/var/lib/landfall/journal.jsonl", &format!("{begun}\n"));
        let cut = gather(&bed.host, None, "/usr/bin", None).unwrap();
        assert_eq!((cut.cut.as_deref(), cut.staged.len()), (Some("install"), 1));

        let run = |pid| RunState {
            command: "install".to_owned(),
            pid,
            since: 7,
            scope: None,
            activity: Activity::Preparing,
        };
        let other = run(std::process::id() + 1);
        let facts = gather(&bed.host, None, "/usr/bin", Some(other.clone())).unwrap();
        assert_eq!((facts.cut, facts.staged.len(), facts.running), (None, 0, Some(other)));
        // This process' own, which is open in the journal.
        let facts = gather(&bed.host, None, "/usr/bin", Some(run(std::process::id()))).unwrap();
        assert_eq!((facts.cut, facts.staged.len(), facts.running), (None, 1, None));
    }

    #[test]
    fn files_that_differ_from_the_receipt_are_found() {
        let bed = Bed::new(&["etc/docker", "usr/bin"]);
        let json = include_str!("../../../tests/receipts/schema-1.json");
        let receipt: Receipt = serde_json::from_str(json).unwrap();
        bed.write("/etc/docker/daemon.json", "{}");
        let facts = gather(&bed.host, Some(&receipt), "/usr/bin", None).unwrap();
        assert_eq!(facts.changed, ["/etc/docker/daemon.json"]);
        assert!(facts.missing.contains(&"/usr/bin/dockerd".to_owned()), "{:?}", facts.missing);
    }
}
