//! Files and directories that chattr(1) protects, where they have to be changed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Seen};
use crate::facts::{Facts, Protection};
use crate::file_state::parent_of;
use crate::steps::Step;

/// Those of these paths that are protected; for one that does not exist, the nearest directory
/// above it that does, since a name has to be made there.
pub(super) fn check<'a>(facts: &Facts, paths: impl IntoIterator<Item = &'a str>) -> Vec<Finding> {
    let mut found: BTreeMap<Protection, BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        if let Some((path, how)) = protected(facts, path) {
            found.entry(how).or_default().insert(path.to_owned());
        }
    }
    let finding = |(how, paths): (Protection, BTreeSet<String>)| {
        Finding::error(Seen::Protected { paths: paths.into_iter().collect(), how })
    };
    found.into_iter().map(finding).collect()
}

/// What steps write. Group and members are left out: the programs that change them write
/// files of their own choice.
pub(super) fn check_steps(facts: &Facts, steps: &[Step]) -> Vec<Finding> {
    let mut paths: Vec<&str> = Vec::new();
    for step in steps {
        if let Some(path) = step.path() {
            paths.extend([path, parent_of(path).unwrap_or("/")]);
        }
        if let Step::CopyData(step) = step {
            paths.push(&step.to);
        }
        if let Step::GuardRuntime(step) = step {
            // The daemons make their data directories themselves. One that daemon.json names
            // may be anywhere, and facts then say nothing of what is around it.
            let is_known = |path: &str| exists(facts, parent_of(path).unwrap_or("/"));
            paths.extend(step.data.iter().map(String::as_str).filter(|path| is_known(path)));
        }
    }
    check(facts, paths)
}

fn protected<'a>(facts: &Facts, path: &'a str) -> Option<(&'a str, Protection)> {
    let mut at = Some(path);
    while let Some(path) = at {
        if let Some(how) = facts.protected.get(path) {
            return Some((path, *how));
        }
        at = parent_of(path).filter(|_| !exists(facts, path));
    }
    None
}

fn exists(facts: &Facts, path: &str) -> bool {
    path == "/" || facts.files.contains_key(path)
}
