//! How two texts differ, line by line, as data that a terminal or a JSON reader can show.

use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};

/// What a line of a diff says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// The line is in both texts.
    Context,
    /// The line is new.
    Add,
    /// The line goes away.
    Remove,
}

/// One line of a diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// What it says.
    pub kind: DiffKind,
    /// Line number in the old text, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_no: Option<usize>,
    /// Line number in the new text, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_no: Option<usize>,
    /// The line without its end. Control characters are shown as escapes, so that a file
    /// cannot send commands to a terminal; a carriage return before the end of the line, too.
    pub text: String,
    /// Whether it starts a new group of changes: lines before it were left out.
    #[serde(default)]
    pub starts_group: bool,
    /// Whether the line has no newline at its end, being the last one of its text.
    #[serde(default)]
    pub no_newline: bool,
}

/// Lines around each change that are shown for context.
const CONTEXT: usize = 3;

/// The differences of two texts, each with three lines around it; empty if they are equal.
pub fn diff(old: &str, new: &str) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        let changes = group.iter().flat_map(|operation| diff.iter_changes(operation));
        for (index, change) in changes.enumerate() {
            let value: &str = change.value();
            lines.push(DiffLine {
                kind: match change.tag() {
                    ChangeTag::Equal => DiffKind::Context,
                    ChangeTag::Insert => DiffKind::Add,
                    ChangeTag::Delete => DiffKind::Remove,
                },
                old_no: change.old_index().map(|line| line + 1),
                new_no: change.new_index().map(|line| line + 1),
                text: printable(value.strip_suffix('\n').unwrap_or(value)),
                starts_group: index == 0,
                no_newline: !value.ends_with('\n'),
            });
        }
    }
    lines
}

fn printable(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            '\t' => text.push('\t'),
            control if control.is_control() => text.extend(control.escape_default()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `diff -u` would show it, with the line numbers.
    fn shown(old: &str, new: &str) -> Vec<String> {
        diff(old, new)
            .into_iter()
            .map(|line| {
                let sign = match line.kind {
                    DiffKind::Context => ' ',
                    DiffKind::Add => '+',
                    DiffKind::Remove => '-',
                };
                let number =
                    |number: Option<usize>| number.map_or(".".to_string(), |n| n.to_string());
                let group = if line.starts_group { "@" } else { "" };
                let end = if line.no_newline { "$" } else { "" };
                format!(
                    "{group}{sign}{}/{} {}{end}",
                    number(line.old_no),
                    number(line.new_no),
                    line.text
                )
            })
            .collect()
    }

    #[test]
    fn equal_texts_have_no_lines() {
        assert_eq!(diff("a\nb\n", "a\nb\n"), []);
        assert_eq!(diff("", ""), []);
    }

    #[test]
    fn a_new_file_is_all_additions_and_a_removed_one_all_removals() {
        assert_eq!(shown("", "a\nb\n"), ["@+./1 a", "+./2 b"]);
        assert_eq!(shown("a\n", ""), ["@-1/. a"]);
    }

    #[test]
    fn far_changes_are_groups_of_their_own() {
        let old: String = (1..=20).map(|n| format!("{n}\n")).collect();
        let new = old.replace("2\n3\n", "2\nthree\n").replace("\n19\n", "\n19\nmore\n");
        assert_eq!(
            shown(&old, &new),
            [
                "@ 1/1 1",
                " 2/2 2",
                "-3/. 3",
                "+./3 three",
                " 4/4 4",
                " 5/5 5",
                " 6/6 6",
                "@ 17/17 17",
                " 18/18 18",
                " 19/19 19",
                "+./20 more",
                " 20/21 20",
            ]
        );
    }

    #[test]
    fn ends_of_lines_and_control_characters_can_be_seen() {
        assert_eq!(shown("a", "a\n"), ["@-1/. a$", "+./1 a"]);
        assert_eq!(shown("a\r\n", "a\n"), ["@-1/. a\\r", "+./1 a"]);
        assert_eq!(shown("", "\tx\u{1b}[31mé\n"), ["@+./1 \tx\\u{1b}[31mé"]);
    }
}
