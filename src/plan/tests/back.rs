//! What a rollback stops: as little as the run that it takes back.

use std::collections::BTreeSet;

use crate::digest::Digest;
use crate::facts::engine::RunningEngine;
use crate::file_state::Ownership;
use crate::plan::back::{self, Back};
use crate::receipt::{Entry, Receipt};
use crate::steps::{Before, InstallBinary, SmokeTest, Step};
use crate::topology::ALL_UNITS;

fn replaced(program: &str) -> Entry {
    let step = Step::InstallBinary(InstallBinary {
        path: format!("/opt/docker/bin/{program}"),
        staged: format!("/opt/docker/bin/.{program}.landfall-new"),
        sha256: Digest::of(b"new"),
        size: 3,
        ownership: Ownership::root(0o755),
    });
    Entry { step, before: Before::Absent }
}

/// The steps of a rollback behind a run that replaced one program.
fn rollback(program: &str, from: &str, to: &str, engine: Option<&RunningEngine>) -> Vec<Step> {
    let mut now = Receipt::without_engine();
    let socket = "/var/run/docker.sock".to_owned();
    let smoke_test = Step::SmokeTest(SmokeTest { socket, network: None });
    now.entries.push(Entry { step: smoke_test, before: Before::Nothing });
    let after = Receipt { version: Some(to.to_owned()), ..now.clone() };
    let now = Receipt { version: Some(from.to_owned()), ..now };
    let entries = [replaced(program)];
    let active: BTreeSet<String> = ALL_UNITS.map(str::to_owned).into();
    let back = Back {
        entries: &entries,
        active: &active,
        changed_too: false,
        metadata: false,
        engine,
        daemon_json: None,
    };
    back::rollback(&back, &now, &after)
}

fn engine(live_restore: bool, swarm: bool) -> RunningEngine {
    RunningEngine {
        data_root: String::new(),
        version: "26.1.5".to_owned(),
        live_restore,
        swarm,
        storage_driver: "overlay2".to_owned(),
        running: vec!["web".to_owned()],
        passing: Vec::new(),
        containers: 1,
        images: 1,
    }
}

#[test]
fn what_is_started_anew_for_each_container_goes_back_beneath_a_running_engine() {
    for program in ["runc", "containerd-shim-runc-v2", "docker-proxy", "docker", "docker-runc"] {
        let steps = rollback(program, "26.1.5", "26.1.4", Some(&engine(false, false)));
        let rest = steps.iter().filter(|step| !matches!(step, Step::Revert(_)));
        let rest: Vec<&Step> = rest.collect();
        assert!(matches!(rest[..], [Step::SmokeTest(_)]), "{program}: {rest:?}");
    }
    for program in ["dockerd", "containerd", "docker-containerd"] {
        let steps = rollback(program, "26.1.5", "26.1.4", Some(&engine(false, false)));
        assert!(steps.iter().any(|step| matches!(step, Step::StopUnits(_))), "{program}");
    }
}

/// The daemon stops its containers itself, all at once, unless it would keep them for one that may
/// not take them over.
#[test]
fn containers_are_stopped_only_where_live_restore_would_keep_them_wrongly() {
    let stops = |to: &str, engine: Option<&RunningEngine>| {
        let steps = rollback("dockerd", "26.1.5", to, engine);
        let noted = steps.iter().find_map(|step| match step {
            Step::NoteContainers(step) => Some(step.stop),
            _ => None,
        });
        noted.expect("containers are noted")
    };
    assert!(!stops("20.10.24", Some(&engine(false, false))), "across lines, without live-restore");
    assert!(!stops("20.10.24", Some(&engine(false, true))), "the same in a Swarm");
    assert!(stops("20.10.24", Some(&engine(true, false))), "across lines");
    assert!(!stops("26.1.4", Some(&engine(true, false))), "within a line");
    assert!(stops("26.1.4", Some(&engine(true, true))), "in a Swarm");
    assert!(stops("26.1.4", None), "nothing is known of one that does not answer");
}
