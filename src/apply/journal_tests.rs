use super::*;
use crate::steps::CreateDir;

fn parse(text: &str) -> Option<CutRun> {
    parse_cut_run(text.as_bytes()).unwrap()
}

fn line(record: &Record) -> String {
    serde_json::to_string(record).unwrap() + "\n"
}

fn intent() -> Record {
    let step = CreateDir { path: "/etc/docker".into(), ownership: Ownership::root(0o755) };
    Record::Intent { number: 0, step: Step::CreateDir(step), before: Before::Absent }
}

fn started() -> Record {
    Record::RunStarted {
        run: "7-1".into(),
        at: 7,
        landfall: "0.1.0".into(),
        command: "install".into(),
    }
}

#[test]
fn a_run_without_an_end_was_cut() {
    let text = line(&started()) + &line(&intent()) + "{\"event\":\"inte";
    let cut = parse(&text).unwrap();
    assert_eq!((cut.command.as_str(), cut.since, cut.begun.len()), ("install", 7, 1));
}

#[test]
fn a_run_that_ended_was_not() {
    let end = Record::RunEnded { outcome: Outcome::Done, at: 8 };
    assert_eq!(parse(&(line(&started()) + &line(&intent()) + &line(&end))), None);
    assert_eq!(parse(""), None);
}

#[test]
fn what_was_undone_is_not_undone_again() {
    let end = Record::RunEnded { outcome: Outcome::Stuck, at: 8 };
    let undone = Record::Undone { number: 0 };
    let text = line(&started()) + &line(&intent()) + &line(&undone) + &line(&end);
    assert_eq!(parse(&text).unwrap().begun, []);
}

/// A long journal keeps what is asked of it: the history, the last receipt, and what comes.
#[test]
fn a_long_journal_is_shortened() {
    let bed = crate::steps::testing::Bed::new(&[]);
    let mut receipt = Receipt::without_engine();
    receipt.version = Some("28.5.2".into());
    let committed = |receipt: Receipt| Record::Committed {
        receipt: Some(Box::new(receipt)),
        cleanup: Cleanup::default(),
    };
    let end = |outcome| line(&Record::RunEnded { outcome, at: 8 });
    let undone = line(&started()) + &line(&intent()) + &end(Outcome::RolledBack);
    let done = line(&started()) + &line(&intent()) + &line(&committed(receipt.clone()));
    let text = undone + &done + &end(Outcome::Done);
    bed.write(JOURNAL, &text);
    let history = runs(&bed.host).unwrap();

    let size = text.len() as u64;
    shorten(&bed.host, size).unwrap();
    assert_eq!(bed.host.stat(JOURNAL).unwrap().unwrap().size, size, "it is not too long");
    // Twice, with a run in between: what was shortened is shortened again.
    for _ in 0..2 {
        shorten(&bed.host, 1).unwrap();
        assert!(!bed.host.read_text(JOURNAL).unwrap().unwrap().contains("intent"));
        assert_eq!(runs(&bed.host).unwrap()[..2], history);
        assert_eq!(last_receipt(&bed.host).unwrap().as_deref(), Some(&receipt));
        assert_eq!(cut_run(&bed.host).unwrap(), None);
        let mut journal = Journal::open(&bed.host).unwrap();
        journal.start("upgrade").unwrap();
        journal.end(Outcome::RolledBack).unwrap();
    }
    let versions: Vec<_> = runs(&bed.host).unwrap().into_iter().map(|run| run.version).collect();
    assert_eq!(versions, [None, Some("28.5.2".into()), None, None]);

    Journal::open(&bed.host).unwrap().start("upgrade").unwrap();
    let cut = bed.host.read_text(JOURNAL).unwrap();
    shorten(&bed.host, 1).unwrap();
    assert_eq!(bed.host.read_text(JOURNAL).unwrap(), cut, "it has a run that was cut");
}

/// What was to be committed and did not reach the disk was undone, and is not completed.
#[test]
fn what_was_undone_is_not_committed() {
    let committed = Record::Committed { receipt: None, cleanup: Cleanup::default() };
    let text = line(&started()) + &line(&intent()) + &line(&committed);
    assert!(parse(&text).unwrap().committed.is_some());
    let cut = parse(&(text + &line(&Record::Undone { number: 3 }))).unwrap();
    assert!(cut.committed.is_none() && cut.begun.len() == 1);
}

#[test]
fn a_torn_line_does_not_swallow_the_next() {
    let bed = crate::steps::testing::Bed::new(&[]);
    bed.write(JOURNAL, &(line(&started()) + &line(&intent()) + "{\"event\":\"inte"));
    assert!(cut_run(&bed.host).unwrap().is_some());
    Journal::open(&bed.host).unwrap().end(Outcome::RolledBack).unwrap();
    assert_eq!(cut_run(&bed.host).unwrap(), None);
}
