//! A disk that is full, broken or read-only, at every moment of every command that changes a host:
//! the run fails and everything is as before, or it says what is left to do, and once the disk is
//! well again that is done. In a directory (`--root`), with errors made up in the program itself
//! (`src/host/fault_point.rs`); on hosts that run, and with real ones, see `bad_host`.

#![allow(clippy::expect_used, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::process::Output;

use crate::kill::{Case, Root, Tree, cases, text};

/// An error of the system, by its name and as people read it.
const ERRORS: [(&str, &str); 4] = [
    ("ENOSPC", "No space left on device"),
    ("EROFS", "Read-only file system"),
    ("EACCES", "Permission denied"),
    ("EIO", "Input/output error"),
];

/// How the runs of one command ended, by number.
#[derive(Debug, Default)]
struct Ends {
    /// Nothing that mattered: the command did its work.
    done: usize,
    /// Failed, and everything is as it was.
    rolled_back: usize,
    /// The same, after a disk that stayed bad had kept it from being so at once.
    rolled_back_later: usize,
    /// Failed after its work was done, and completed later.
    completed_later: usize,
}

/// A command, on a host that is made for it.
struct Stage<'a> {
    case: &'a Case,
    start: Root,
    before: Tree,
    after: Tree,
    earlier: usize,
}

impl<'a> Stage<'a> {
    fn of(case: &'a Case) -> Self {
        let start = Root::new();
        for words in &case.before {
            start.ok(words);
        }
        let undisturbed = start.copy();
        undisturbed.ok(&case.command);
        let (before, after) = (start.tree(), undisturbed.tree());
        assert_ne!(before, after, "{}", case.name);
        Self { case, earlier: start.committed(), start, before, after }
    }

    /// Runs the command with this fault; `false` if it has fewer effects than that.
    fn try_with(&self, at: usize, stays: bool, error: (&str, &str), ends: &mut Ends) -> bool {
        let (name, words) = error;
        let fault = format!("{at}{} {name}", if stays { "+" } else { "" });
        let root = self.start.copy();
        let variables = [("LANDFALL_FAIL", fault.clone())];
        let output = root.run(&self.case.command, Some(variables[0].clone()));
        let place = format!("{} with {fault}: {}", self.case.name, text(&output));
        let gone = !self.case.before.is_empty() && !root.has_state();
        let committed = root.committed() > self.earlier || gone;
        match output.status.code() {
            Some(0) => {
                assert_tree(&root, &self.after, &place);
                ends.done += 1;
                return text(&output).contains("LANDFALL_FAIL hit");
            }
            Some(1) => {
                assert_tree(&root, &self.before, &place);
                // An empty directory cannot be removed again from a disk that is read-only by then.
                let may_stay = stays && name == "EROFS";
                assert!(may_stay || root.has_state() == self.start.has_state(), "{place}");
                ends.rolled_back += 1;
            }
            Some(5) => {
                self.mended(root, committed, &place);
                if committed {
                    ends.completed_later += 1
                } else {
                    ends.rolled_back_later += 1
                }
                assert!(committed || stays, "a disk that is bad once hinders no rollback: {place}");
            }
            code => panic!("exit code {code:?}, {place}"),
        }
        assert_says(&output, words, &place);
        true
    }

    /// The disk is well again: what is left is done by any command.
    #[track_caller]
    fn mended(&self, root: Root, committed: bool, place: &str) {
        let again = root.copy();
        let output = root.run(&["recover".to_owned()], None);
        assert!(output.status.success(), "{place}\nthen recover: {}", text(&output));
        let expected = if committed { &self.after } else { &self.before };
        assert_tree(&root, expected, &format!("{place}\nthen recover: {}", text(&output)));
        if committed && self.case.name == "rollback" {
            // Another rollback would take back another run.
            return;
        }
        again.ok(&self.case.command);
        assert_tree(&again, &self.after, &format!("{place}\nthen the same again"));
    }
}

#[track_caller]
fn assert_tree(root: &Root, expected: &Tree, place: &str) {
    let tree = root.tree();
    let paths: BTreeSet<&String> = tree.keys().chain(expected.keys()).collect();
    let differs = |path: &&String| tree.get(*path) != expected.get(*path);
    let differing: Vec<&String> = paths.into_iter().filter(differs).collect();
    assert!(differing.is_empty(), "these are not as they should be: {differing:?}, {place}");
}

/// The message names a path, or the program that could not do its work, and the cause.
#[track_caller]
fn assert_says(output: &Output, words: &str, place: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    let named = error
        .lines()
        .any(|line| line.contains(words) && (line.contains(" /") || line.contains("cannot run ")));
    assert!(named, "it does not say where and why: {place}");
}

/// Tries a command with a fault at each of its effects; how many effects it has, and the ends.
fn everywhere(case: &Case, faults: &(dyn Fn(usize) -> Vec<(bool, usize)> + Sync)) -> (usize, Ends) {
    let stage = Stage::of(case);
    let mut ends = Ends::default();
    for at in 1.. {
        let mut hit = false;
        for (stays, error) in faults(at) {
            hit |= stage.try_with(at, stays, ERRORS[error], &mut ends);
        }
        if !hit {
            return (at - 1, ends);
        }
    }
    unreachable!("the loop ends with a run that has no such effect")
}

fn all(faults: &(dyn Fn(usize) -> Vec<(bool, usize)> + Sync)) {
    let archives = tempfile::tempdir().expect("a directory for temporary files");
    let cases = cases(archives.path());
    let counts: Vec<(&str, (usize, Ends))> = std::thread::scope(|scope| {
        let running: Vec<_> = cases
            .iter()
            .map(|case| (case.name, scope.spawn(|| everywhere(case, faults))))
            .collect();
        running
            .into_iter()
            .map(|(name, run)| {
                (name, run.join().unwrap_or_else(|error| std::panic::resume_unwind(error)))
            })
            .collect()
    });
    for (name, (effects, ends)) in &counts {
        eprintln!("{name}: {effects} effects, {ends:?}");
        assert!(*effects > 10 && ends.rolled_back > 10, "{name}: {effects}, {ends:?}");
    }
}

/// At each effect one error, another for the next; and a disk that is full from there on.
#[test]
fn a_bad_disk_anywhere_and_all_is_as_before() {
    all(&|at| vec![(false, at % ERRORS.len()), (true, 0)]);
}

#[test]
#[ignore = "long: every error at every effect, and a disk that stays full or read-only"]
fn every_error_anywhere_and_all_is_as_before() {
    all(&|_| vec![(false, 0), (false, 1), (false, 2), (false, 3), (true, 0), (true, 1)]);
}
