//! Runs in a temporary root: what they leave when they succeed, fail, and are cut.

mod back;
mod cut;
mod format;
mod interrupt;
mod run;
mod session;

use std::io::Write;

use serde_json::Map;

use super::journal::{JOURNAL, Record};
use super::*;
use crate::bundle::Archive;
use crate::digest::Digest;
use crate::file_state::Ownership;
use crate::receipt::{Entry, RECEIPT, Receipt};
use crate::steps::testing::Bed;
use crate::steps::{CreateDir, CreateLink, InstallBinary, WriteFile};
use crate::store::STATE_DIR;

const DOCKERD: &[u8] = b"the new dockerd";
const RUNC: &[u8] = b"the new runc";
const DAEMON_JSON: &str = "/etc/docker/daemon.json";

/// A host with a runc and a unit of somebody else's, on which Landfall never ran.
fn bed() -> Bed {
    let bed = Bed::new(&["usr/bin", "etc/systemd/system", "var/lib"]);
    bed.host.remove_tree(STATE_DIR).unwrap();
    let own = Ownership::own;
    bed.host.write_file("/usr/bin/runc", b"the old runc", own(0o711)).unwrap();
    bed.host.write_file("/etc/systemd/system/docker.service", b"old", own(0o600)).unwrap();
    bed
}

/// Every kind of step that changes files: new ones, and ones that stand there.
fn steps() -> Vec<Step> {
    vec![
        directory("/etc/docker"),
        program("dockerd", DOCKERD),
        program("runc", RUNC),
        text(DAEMON_JSON, "{}\n"),
        text("/etc/systemd/system/docker.service", "[Service]\n"),
        directory("/etc/systemd/system/multi-user.target.wants"),
        Step::CreateLink(CreateLink {
            path: "/etc/systemd/system/multi-user.target.wants/docker.service".to_owned(),
            target: "/etc/systemd/system/docker.service".to_owned(),
        }),
    ]
}

fn directory(path: &str) -> Step {
    Step::CreateDir(CreateDir { path: path.to_owned(), ownership: Ownership::own(0o755) })
}

fn program(name: &str, bytes: &[u8]) -> Step {
    Step::InstallBinary(InstallBinary {
        path: format!("/usr/bin/{name}"),
        staged: format!("/usr/bin/.{name}.landfall-new"),
        sha256: Digest::of(bytes),
        size: bytes.len() as u64,
        ownership: Ownership::own(0o755),
    })
}

fn text(path: &str, text: &str) -> Step {
    Step::WriteFile(WriteFile {
        path: path.to_owned(),
        text: text.to_owned(),
        ownership: Ownership::own(0o644),
    })
}

/// A step that cannot be made: the directory is not there.
fn impossible() -> Step {
    text("/nowhere/file", "")
}

/// Begins a run and stages both programs, as an installation does.
fn begin(bed: &Bed) -> Session<'_> {
    let mut session = Session::new(&bed.host, "install");
    let staging = session.staging_dir("/usr/bin").unwrap();
    staging.create("dockerd").unwrap().write_all(DOCKERD).unwrap();
    staging.create("runc").unwrap().write_all(RUNC).unwrap();
    session
}

/// The lines of the journal.
fn records(bed: &Bed) -> Vec<Record> {
    bed.read(JOURNAL).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn receipt(run: &str, entries: Vec<Entry>) -> Receipt {
    Receipt {
        schema: crate::receipt::SCHEMA,
        landfall: String::new(),
        run: run.to_owned(),
        updated: 0,
        version: None,
        topology: crate::topology::Topology::Modern,
        archive: Archive {
            sha256: Digest::of(b"archive"),
            size: 0,
            unpacked: 0,
            newest_mtime: 0,
            bundled: None,
            entries: Vec::new(),
        },
        daemon: Map::new(),
        images: std::collections::BTreeSet::new(),
        moved: None,
        loaded: std::collections::BTreeMap::new(),
        desired: None,
        adopted: None,
        runs: Vec::new(),
        entries,
    }
}

/// Writes a receipt.
fn save(receipt: &Receipt, bed: &Bed) {
    receipt.stage(&bed.host).unwrap();
    Receipt::put(&bed.host).unwrap();
}

/// The report of a run that was cut and undone.
fn undone(recovered: Option<Recovered>) -> UndoReport {
    match recovered {
        Some(Recovered::Undone { report, .. }) => report,
        other => panic!("{other:?}"),
    }
}

/// A whole run that succeeds: steps, receipt, end.
fn complete(bed: &Bed, steps: Vec<Step>) -> Vec<Entry> {
    let mut session = begin(bed);
    let made = apply(&bed.context(), session.journal().unwrap(), steps).unwrap();
    let receipt = receipt(session.run(), made.clone());
    session.commit(Some(receipt), &made, journal::Cleanup::default()).unwrap();
    session.close(journal::Outcome::Done).unwrap();
    made
}
