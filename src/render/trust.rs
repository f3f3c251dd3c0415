//! fapolicyd's trust files (fapolicyd.trust(5)): path, length in bytes, and sha256 of a
//! trusted program a line. Other lines are left as they are.

use crate::steps::TrustedProgram;

/// The file of our own below `trust.d`.
pub const OWN_FILE: &str = "/etc/fapolicyd/trust.d/landfall";
/// The only file that versions without `trust.d` read.
pub const SHARED_FILE: &str = "/etc/fapolicyd/fapolicyd.trust";

/// The text with a line for each of these programs, in the place of an earlier one.
pub fn with(text: &str, programs: &[TrustedProgram]) -> String {
    let mut left: Vec<&TrustedProgram> = programs.iter().collect();
    let mut lines: Vec<String> = Vec::new();
    for old in text.lines() {
        if !programs.iter().any(|program| program.path == path_of(old)) {
            lines.push(old.to_owned());
        } else if let Some(at) = left.iter().position(|program| program.path == path_of(old)) {
            lines.push(line(left.remove(at)));
        }
    }
    lines.extend(left.into_iter().map(line));
    joined(&lines)
}

/// The lines that the text has for these programs.
pub fn lines_of(text: &str, programs: &[TrustedProgram]) -> Vec<String> {
    let ours = |line: &&str| programs.iter().any(|program| program.path == path_of(line));
    text.lines().filter(ours).map(str::to_owned).collect()
}

/// The text without what [`with`] put there: `before` are the lines that stood there for
/// these programs. A line that somebody changed since stays.
pub fn without(text: &str, programs: &[TrustedProgram], before: &[String]) -> String {
    let made: Vec<String> = programs.iter().map(line).collect();
    let lines: Vec<String> = text
        .lines()
        .filter_map(|now| {
            if !made.iter().any(|made| made == now) {
                return Some(now.to_owned());
            }
            before.iter().find(|old| path_of(old) == path_of(now)).cloned()
        })
        .collect();
    joined(&lines)
}

/// Whether the text trusts all of these programs as they are.
pub fn has(text: &str, programs: &[TrustedProgram]) -> bool {
    programs.iter().all(|program| text.lines().any(|found| found == line(program)))
}

fn line(program: &TrustedProgram) -> String {
    format!("{} {} {}", program.path, program.size, program.sha256)
}

/// Paths with spaces cannot stand in such a file before version 1.4; ours have none.
fn path_of(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
