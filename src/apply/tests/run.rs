//! Runs that go to their end, one way or the other.

use super::*;
use crate::apply::journal::{Outcome, cut_run};
use crate::steps::Before;

#[test]
fn steps_are_made_in_order_and_journalled() {
    let bed = bed();
    let mut session = begin(&bed);
    let made = apply(&bed.context(), session.journal().unwrap(), steps()).unwrap();
    assert_eq!(made.iter().map(|entry| entry.step.clone()).collect::<Vec<_>>(), steps());
    let replaced: Vec<&str> = made
        .iter()
        .filter(|entry| matches!(entry.before, Before::File { .. }))
        .filter_map(|entry| entry.step.path())
        .collect();
    assert_eq!(replaced, ["/usr/bin/runc", "/etc/systemd/system/docker.service"]);
    assert_eq!(bed.read("/usr/bin/runc").as_bytes(), RUNC);
    assert_eq!(bed.read(DAEMON_JSON), "{}\n");

    let records = records(&bed);
    assert!(matches!(&records[0], Record::RunStarted { run, .. } if run == session.run()));
    assert!(matches!(&records[1], Record::Staging { paths } if paths.len() > 2));
    for (number, entry) in made.iter().enumerate() {
        let Entry { step, before } = entry.clone();
        assert_eq!(records[2 + 2 * number], Record::Intent { number, step, before });
        assert_eq!(records[3 + 2 * number], Record::Done { number });
    }
    assert_eq!(records.len(), 2 + 2 * made.len());
}

#[test]
fn a_step_that_fails_takes_all_before_it_back() {
    for at in 0..=steps().len() {
        let bed = bed();
        let before = bed.tree();
        let mut session = begin(&bed);
        let mut steps = steps();
        steps.insert(at, impossible());
        let error = apply(&bed.context(), session.journal().unwrap(), steps).unwrap_err();
        assert_eq!(error.step, Some(impossible()));
        assert!(error.cause.to_string().contains("/nowhere"), "{}", error.cause);
        assert_eq!(error.undone.failed, []);
        assert_eq!(error.undone.kept, []);

        let tail: Vec<Record> = records(&bed).split_off(2 + 2 * at + 1);
        assert!(matches!(tail[0], Record::Failed { number, .. } if number == at), "{tail:?}");
        let undone: Vec<Record> = (0..=at).rev().map(|number| Record::Undone { number }).collect();
        assert_eq!(tail[1..], undone, "in reverse, the failed one first");

        session.close(Outcome::RolledBack).unwrap();
        assert_eq!(bed.tree(), before, "failed at step {at}");
    }
}

#[test]
fn a_step_that_cannot_be_observed_changes_nothing() {
    let bed = bed();
    let before = bed.tree();
    let mut session = begin(&bed);
    let blocked = vec![directory("/etc/docker"), text("/usr/bin", "a directory stands there")];
    let error = apply(&bed.context(), session.journal().unwrap(), blocked).unwrap_err();
    assert!(matches!(error.cause, StepError::NotAFile { .. }), "{}", error.cause);
    let intents = records(&bed)
        .into_iter()
        .filter(|record| matches!(record, Record::Intent { number: 1, .. }))
        .count();
    assert_eq!(intents, 0);
    session.close(Outcome::RolledBack).unwrap();
    assert_eq!(bed.tree(), before);
}

#[test]
fn one_undo_that_fails_does_not_stop_the_others() {
    let mut bed = bed();
    let before = bed.tree();
    let mut session = begin(&bed);
    let made = apply(&bed.context(), session.journal().unwrap(), steps()).unwrap();
    let copy = format!("{STATE_DIR}/store/{}", Digest::of(b"the old runc"));
    bed.write(&copy, "damaged");
    bed.write("/usr/bin/.runc.landfall-old", "damaged too");

    let journal = session.journal().unwrap();
    let report = undo(&bed.context(), &made, |number| journal.note_undone(number));
    let [(Some(step), error)] = &report.failed[..] else { panic!("{:?}", report.failed) };
    assert_eq!(*step, program("runc", RUNC));
    assert!(error.contains("damaged"), "{error}");
    let mut left = before.clone();
    left.retain(|path, _| path != "/usr/bin/runc");
    let mut now = bed.tree();
    let runc = ["/usr/bin/runc", "/usr/bin/.runc.landfall-old"];
    now.retain(|path, _| !runc.contains(&path.as_str()) && !path.starts_with(STATE_DIR));
    assert_eq!(now, left, "all others are undone");

    // It stays to be undone: with the copy mended the next run completes the rollback.
    session.close(Outcome::Stuck).unwrap();
    let cut = cut_run(&bed.host).unwrap().unwrap();
    assert_eq!(cut.begun, [(2, made[2].clone())]);
    bed.write(&copy, "the old runc");
    bed.reopen();
    assert_eq!(undone(recover(&bed.context()).unwrap()).failed, []);
    assert_eq!(bed.tree(), before);
}

#[test]
fn what_a_person_changed_is_kept_and_named() {
    let bed = bed();
    let made = complete(&bed, steps());
    bed.write(DAEMON_JSON, "{\"debug\": true}");
    let report = undo(&bed.context(), &made, |_| {});
    assert_eq!(report.failed, []);
    let kept: Vec<String> = report.kept.iter().map(crate::texts::steps::kept).collect();
    assert_eq!(kept.len(), 2, "the file, and its directory: {kept:?}");
    assert!(kept[0].contains(DAEMON_JSON) && kept[1].contains("/etc/docker"), "{kept:?}");
    assert_eq!(bed.read(DAEMON_JSON), "{\"debug\": true}");
}

#[test]
fn runs_on_top_of_each_other_are_undone_to_the_first_state() {
    let bed = bed();
    let before = bed.tree();
    let mut made = complete(&bed, steps());
    made.extend(complete(&bed, vec![text(DAEMON_JSON, "{\"debug\": true}\n")]));
    // Back to what an earlier run wrote.
    made.extend(complete(&bed, vec![text(DAEMON_JSON, "{}\n"), program("runc", RUNC)]));
    let report = undo(&bed.context(), &made, |_| {});
    assert_eq!((report.failed.len(), report.kept.len()), (0, 0), "{report:?}");
    let mut now = bed.tree();
    now.retain(|path, _| !path.starts_with(STATE_DIR));
    assert_eq!(now, before);
}
