//! Comparing a host before and after.

use std::cmp::Ordering;

/// Everything about a host that an installation may change, one sorted line each; see
/// `tests/bench/snapshot.py`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(Vec<String>);

/// A difference that is meant to be, and why.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// The beginning of the lines: whole words, or a path with all that is below it
    /// (`file /var/lib/docker`).
    pub lines: &'static str,
    /// Why the difference is right.
    pub reason: &'static str,
}

impl Allowed {
    fn covers(&self, line: &str) -> bool {
        line.strip_prefix(self.lines)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '/']))
    }
}

impl Snapshot {
    /// From what `snapshot.py` prints.
    pub fn parse(text: &str) -> Self {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        Self(lines)
    }

    /// Lines that only one of two snapshots has: `- ` before it, `+ ` after it.
    pub fn changes(&self, after: &Self) -> Vec<String> {
        let (mut old, mut new) = (self.0.iter().peekable(), after.0.iter().peekable());
        let mut changes = Vec::new();
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return changes,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.cmp(b),
            };
            if order.is_le() {
                let line = old.next();
                changes.extend(line.filter(|_| order.is_lt()).map(|line| format!("- {line}")));
            }
            if order.is_ge() {
                let line = new.next();
                changes.extend(line.filter(|_| order.is_gt()).map(|line| format!("+ {line}")));
            }
        }
    }

    /// Panics, showing all differences, unless each of them is allowed.
    #[track_caller]
    pub fn assert_same(&self, after: &Self, allowed: &[Allowed]) {
        assert!(self.0.len() > 1000, "a snapshot of a host has thousands of lines: {:?}", self.0);
        let changes: Vec<String> = self
            .changes(after)
            .into_iter()
            .filter(|change| !allowed.iter().any(|allowed| allowed.covers(&change[2..])))
            .collect();
        let reasons: Vec<String> = allowed
            .iter()
            .map(|Allowed { lines, reason }| format!("  {lines}: {reason}"))
            .collect();
        assert!(
            changes.is_empty(),
            "the host has changed:\n{}\nallowed was:\n{}",
            changes.join("\n"),
            reasons.join("\n")
        );
    }
}
