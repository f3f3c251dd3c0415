//! Going back as a run of its own: all of it, or nothing.

use std::collections::BTreeMap;

use super::*;
use crate::apply::journal::{Cleanup, Outcome, last_receipt};
use crate::plan::back::{self, Back};

/// A receipt that holds an archive.
const SCHEMA_1: &str = include_str!("../../../tests/receipts/schema-1.json");
const SECOND: &[u8] = b"the second runc";

/// A host on which two runs were made: an installation, and a change of it. And what it was
/// before.
fn twice() -> (Bed, BTreeMap<String, String>) {
    let bed = bed();
    let before = bed.tree();
    run(&bed, "install", steps());
    run(&bed, "upgrade", second());
    (bed, before)
}

fn installed() -> Bed {
    twice().0
}

/// Steps of the second run.
fn second() -> Vec<Step> {
    vec![text(DAEMON_JSON, "{\"debug\": true}\n"), program("runc", SECOND)]
}

/// A whole run that succeeds, as commands make it.
fn run(bed: &Bed, command: &'static str, steps: Vec<Step>) {
    let mut session = Session::new(&bed.host, command);
    let staging = session.staging_dir("/usr/bin").unwrap();
    let runc = if command == "install" { RUNC } else { SECOND };
    for (name, bytes) in [("dockerd", DOCKERD), ("runc", runc)] {
        staging.create(name).unwrap().write_all(bytes).unwrap();
    }
    let made = apply(&bed.context(), session.journal().unwrap(), steps).unwrap();
    let mut all = Receipt::load(&bed.host).unwrap().unwrap_or_else(Receipt::without_engine);
    let mut now = receipt("", Vec::new()).installed();
    now.version = Some(command.to_owned());
    now.archive = serde_json::from_str::<Receipt>(SCHEMA_1).unwrap().archive;
    all.add_run(session.run(), command, &made, Some(now));
    session.commit(Some(all), &made, Cleanup::default()).unwrap();
    session.close(Outcome::Done).unwrap();
}

fn uninstall_steps(bed: &Bed) -> Vec<Step> {
    let receipt = Receipt::load(&bed.host).unwrap().unwrap();
    let active = Default::default();
    back::uninstall(&Back {
        entries: &receipt.entries,
        active: &active,
        changed_too: false,
        metadata: false,
        engine: None,
        daemon_json: None,
    })
}

fn rollback_steps(bed: &Bed) -> (Vec<Step>, Receipt) {
    let now = Receipt::load(&bed.host).unwrap().unwrap();
    let after = now.before_last(1, "later").unwrap();
    let back = Back {
        entries: now.entries_of_last(1),
        active: &Default::default(),
        changed_too: false,
        metadata: false,
        engine: None,
        daemon_json: None,
    };
    (back::rollback(&back, &now, &after), after)
}

/// The tree without what a run may leave in Landfall's own directory.
fn outside(bed: &Bed) -> BTreeMap<String, String> {
    let mut tree = bed.tree();
    tree.retain(|path, _| !path.starts_with(STATE_DIR));
    tree
}

fn uninstall(bed: &Bed) {
    let mut session = Session::new(&bed.host, "uninstall");
    let steps = uninstall_steps(bed);
    let context = bed.context();
    let made = apply(&context, session.journal().unwrap(), steps).unwrap();
    assert_eq!(*context.kept.borrow(), []);
    session.commit(None, &made, Cleanup::default()).unwrap();
    session.close(Outcome::Done).unwrap();
}

#[test]
fn uninstalled_the_host_is_as_it_was() {
    let (bed, original) = twice();
    uninstall(&bed);
    assert_eq!(bed.tree(), original);
}

#[test]
fn rolled_back_the_first_run_stands_and_can_be_uninstalled() {
    let bed = bed();
    let original = bed.tree();
    run(&bed, "install", steps());
    let first = outside(&bed);
    run(&bed, "upgrade", second());
    assert_ne!(outside(&bed), first);
    let (steps, after) = rollback_steps(&bed);
    let mut session = Session::new(&bed.host, "rollback");
    let made = apply(&bed.context(), session.journal().unwrap(), steps).unwrap();
    session.commit(Some(after), &made, Cleanup::default()).unwrap();
    session.close(Outcome::Done).unwrap();
    assert_eq!(outside(&bed), first);
    let receipt = Receipt::load(&bed.host).unwrap().unwrap();
    assert_eq!((receipt.version.as_deref(), receipt.runs.len()), (Some("install"), 1));
    assert!(receipt.before_last(1, "").is_none(), "before the first run nothing was installed");
    uninstall(&bed);
    assert_eq!(bed.tree(), original);
}

/// Whatever step it is cut at, before its effect or after, the next run finds what was
/// installed, and uninstalling again goes to the end.
#[test]
fn an_uninstall_that_is_cut_is_taken_back() {
    let count = uninstall_steps(&installed()).len();
    assert_eq!(count, steps().len(), "a path that was written twice counts once");
    for (at, whole) in (0..count).flat_map(|at| [(at, false), (at, true)]) {
        let (mut bed, original) = twice();
        let before = outside(&bed);
        cut_at(&bed, "uninstall", &uninstall_steps(&bed), at, whole);
        bed.reopen();
        assert_eq!(undone(recover(&bed.context()).unwrap()).failed, []);
        assert_eq!(outside(&bed), before, "cut at {at}, whole: {whole}");
        uninstall(&bed);
        assert_eq!(bed.tree(), original, "cut at {at}, whole: {whole}");
    }
}

#[test]
fn a_rollback_that_is_cut_is_taken_back() {
    let count = rollback_steps(&installed()).0.len();
    for (at, whole) in (0..count).flat_map(|at| [(at, false), (at, true)]) {
        let mut bed = installed();
        let before = outside(&bed);
        cut_at(&bed, "rollback", &rollback_steps(&bed).0, at, whole);
        bed.reopen();
        assert_eq!(undone(recover(&bed.context()).unwrap()).failed, []);
        assert_eq!(outside(&bed), before, "cut at {at}, whole: {whole}");
    }
}

/// Makes steps as [`apply`] does, up to the one with number `at`, and then no more.
fn cut_at(bed: &Bed, command: &'static str, steps: &[Step], at: usize, whole: bool) {
    let mut session = Session::new(&bed.host, command);
    let journal = session.journal().unwrap();
    for (number, step) in steps.iter().take(at + 1).enumerate() {
        let before = step.action().observe(&bed.context()).unwrap();
        journal.write_synced(&Record::Intent { number, step: step.clone(), before }).unwrap();
        if number < at || whole {
            step.action().apply(&bed.context()).unwrap();
        }
    }
}

#[test]
fn committed_and_cut_it_is_completed() {
    let (mut bed, original) = twice();
    let mut session = Session::new(&bed.host, "uninstall");
    let steps = uninstall_steps(&bed);
    let made = apply(&bed.context(), session.journal().unwrap(), steps).unwrap();
    let record = Record::Committed { receipt: None, cleanup: set_aside(&made) };
    session.journal().unwrap().write_synced(&record).unwrap();
    drop(session);
    bed.reopen();
    assert!(matches!(recover(&bed.context()).unwrap(), Some(Recovered::Completed { .. })));
    assert_eq!(bed.tree(), original);

    let mut bed = installed();
    let before = outside(&bed);
    let mut receipt = Receipt::load(&bed.host).unwrap().unwrap();
    receipt.run = "later".to_owned();
    let mut session = Session::new(&bed.host, "install");
    let record =
        Record::Committed { receipt: Some(Box::new(receipt.clone())), cleanup: Cleanup::default() };
    session.journal().unwrap().write_synced(&record).unwrap();
    drop(session);
    bed.reopen();
    assert!(matches!(recover(&bed.context()).unwrap(), Some(Recovered::Completed { .. })));
    assert_eq!(Receipt::load(&bed.host).unwrap(), Some(receipt));
    assert_eq!(outside(&bed), before);
    assert!(recover(&bed.context()).unwrap().is_none());
}

/// What cannot be completed is not undone either, however often it is tried.
#[test]
fn committed_and_in_the_way_it_waits() {
    use crate::steps::{EngineData, StepError};
    let bed = installed();
    bed.host.create_dir("/new", Ownership::own(0o700)).unwrap();
    bed.write("/new/live", "x");
    bed.host.create_link("/old", "/new").unwrap();
    let old = vec!["/old".to_owned()];
    let data = EngineData { directories: old.clone(), moved: old, ..EngineData::default() };
    let cleanup = Cleanup { data: Some(data), ..Cleanup::default() };
    let receipt = Receipt::load(&bed.host).unwrap();
    let mut session = Session::new(&bed.host, "migrate-data-root");
    session.commit(receipt, &[], cleanup).unwrap_err();
    assert!(session.is_committed());
    drop(session);
    for _ in 0..2 {
        let error = recover(&bed.context()).unwrap_err();
        let StepError::NotCompleted(cause) = error else { panic!("{error}") };
        assert!(matches!(*cause, StepError::InTheWay { .. }), "{cause}");
        assert_eq!(bed.read("/new/live"), "x");
    }
    bed.host.remove_file("/old").unwrap();
    assert!(matches!(recover(&bed.context()).unwrap(), Some(Recovered::Completed { .. })));
}

#[test]
fn a_receipt_that_is_lost_is_written_again_from_the_journal() {
    for damage in [None, Some("{\"schema\": 1, \"entr")] {
        let bed = installed();
        let receipt = Receipt::load(&bed.host).unwrap().unwrap();
        match damage {
            None => bed.host.remove_file(RECEIPT).unwrap(),
            Some(text) => bed.write(RECEIPT, text),
        }
        assert!(recover(&bed.context()).unwrap().is_none());
        assert_eq!(Receipt::load(&bed.host).unwrap(), Some(receipt));
    }
    let bed = installed();
    uninstall(&bed);
    assert!(last_receipt(&bed.host).unwrap().is_none());
}

/// What a person changed stays, unless configuration is to go too; and that comes back if the
/// run is undone.
#[test]
fn configuration_that_was_changed_goes_on_request() {
    for changed_too in [false, true] {
        let bed = installed();
        bed.write(DAEMON_JSON, "{\"mine\": 1}");
        let before = outside(&bed);
        let receipt = Receipt::load(&bed.host).unwrap().unwrap();
        let active = Default::default();
        let steps = back::uninstall(&Back {
            entries: &receipt.entries,
            active: &active,
            changed_too,
            metadata: false,
            engine: None,
            daemon_json: None,
        });
        let context = bed.context();
        let mut session = Session::new(&bed.host, "uninstall");
        let made = apply(&context, session.journal().unwrap(), steps).unwrap();
        assert_eq!(bed.host.stat(DAEMON_JSON).unwrap().is_some(), !changed_too);
        assert_eq!(context.kept.borrow().is_empty(), changed_too);
        let report = undo(&context, &made, |_| {});
        assert_eq!((report.failed, report.kept), (Vec::new(), Vec::new()));
        assert_eq!(outside(&bed), before);
    }
}

/// While a copy of the data is deleted, what ran has to run already: it goes last.
#[test]
fn a_copy_of_data_is_deleted_after_everything_else() {
    use crate::steps::{CopyData, DataPart};
    let bed = bed();
    bed.host.create_dir("/old", Ownership::own(0o700)).unwrap();
    bed.write("/old/layer", "x");
    let part = DataPart { from: "/old".into(), name: None, bytes: 1 };
    let copy = CopyData { to: "/new".into(), parts: vec![part] };
    let steps = vec![Step::CopyData(copy), text("/note", "later\n")];
    let mut session = Session::new(&bed.host, "migrate-data-root");
    let made = apply(&bed.context(), session.journal().unwrap(), steps).unwrap();
    assert_eq!(bed.read("/new/.landfall-copy/layer"), "x");
    let mut order = Vec::new();
    let report = undo(&bed.context(), &made, |index| order.push(index));
    assert!(report.failed.is_empty(), "{report:?}");
    assert_eq!(order, [1, 0]);
    assert_eq!(bed.host.stat("/new").unwrap(), None);
}
