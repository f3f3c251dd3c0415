//! A plan as people read it: what changes in which file, then the steps.

use std::fmt::Write;

use super::output::{BAD, CAUTION, GOOD, HEADING, QUIET};
use crate::plan::{Change, ChangeKind, Plan, Stops};
use crate::render::diff::{DiffKind, DiffLine};
use crate::steps::Step;
use crate::texts::{plan as plan_texts, progress, steps};

/// The text of a plan, with colours.
pub fn text(plan: &Plan) -> String {
    if plan.is_empty() {
        return progress::NOTHING_TO_DO.to_owned();
    }
    let mut text = String::new();
    if !plan.changes.is_empty() {
        let _ = writeln!(text, "{HEADING}{}{HEADING:#}", plan_texts::FILES);
        for change in &plan.changes {
            write_change(&mut text, change);
        }
        let _ = writeln!(text);
    }
    if let Some(style) = plan_texts::unit_style(plan.topology, plan.version.as_deref()) {
        let _ = writeln!(text, "{HEADING}{}{HEADING:#}\n  {style}\n", plan_texts::UNIT_STYLE);
    }
    let _ = writeln!(text, "{HEADING}{}{HEADING:#}", plan_texts::OTHER_STEPS);
    for step in plan.steps.iter().filter(|step| !is_shown_as_file(step)) {
        let _ = writeln!(text, "  {}", steps::step(step));
    }
    if !plan.settings.is_empty() {
        let _ = writeln!(text, "\n{HEADING}{}{HEADING:#}", plan_texts::SETTINGS);
        for effect in &plan.settings {
            let _ = writeln!(text, "  {}", plan_texts::effect(effect));
        }
    }
    write_stops(&mut text, &plan.stopping, &plan.ending, true);
    let _ = write!(text, "\n{}", plan_texts::summary(plan.steps.len(), plan.engine));
    text
}

/// The text of steps alone, and of the containers that they stop, with colours.
pub fn step_list(plan: &[Step], stops: &Stops) -> String {
    let mut text = format!("{HEADING}{}{HEADING:#}\n", plan_texts::STEPS);
    for step in plan {
        let _ = writeln!(text, "  {}", steps::step(step));
    }
    let again = plan.iter().any(|step| matches!(step, Step::ResumeContainers(_)));
    write_stops(&mut text, &stops.stopping, &stops.ending, again);
    text
}

fn write_stops(text: &mut String, stopping: &[String], ending: &[String], again: bool) {
    let stopping = (!stopping.is_empty()).then(|| plan_texts::stopping(stopping, again));
    let ending = (!ending.is_empty()).then(|| plan_texts::ending(ending));
    for line in stopping.into_iter().chain(ending) {
        let _ = writeln!(text, "\n{CAUTION}{line}{CAUTION:#}");
    }
}

fn is_shown_as_file(step: &Step) -> bool {
    matches!(step, Step::InstallBinary(_) | Step::WriteFile(_))
}

fn write_change(text: &mut String, change: &Change) {
    let path = &change.path;
    match &change.kind {
        ChangeKind::Program { before: None, after, size } => {
            let _ = writeln!(
                text,
                "  {GOOD}+ {path}{GOOD:#}  {QUIET}{} sha256:{}{QUIET:#}",
                megabytes(*size),
                short(&after.to_string())
            );
        }
        ChangeKind::Program { before: Some(before), after, size } => {
            let _ = writeln!(
                text,
                "  {CAUTION}~ {path}{CAUTION:#}  {QUIET}{} sha256:{} → {}{QUIET:#}",
                megabytes(*size),
                short(&before.to_string()),
                short(&after.to_string())
            );
        }
        ChangeKind::Text { exists, diff } => {
            let (style, sign) = if *exists { (CAUTION, '~') } else { (GOOD, '+') };
            let _ = writeln!(text, "  {style}{sign} {path}{style:#}");
            write_diff(text, diff);
        }
    }
}

/// How a text differs, line by line.
pub fn write_diff(text: &mut String, diff: &[DiffLine]) {
    for line in diff {
        write_line(text, line);
    }
}

fn write_line(text: &mut String, line: &DiffLine) {
    let number = line.new_no.or(line.old_no).unwrap_or_default();
    let content = &line.text;
    let _ = match line.kind {
        DiffKind::Context => writeln!(text, "      {QUIET}{number:4}   {content}{QUIET:#}"),
        DiffKind::Add => {
            writeln!(text, "      {QUIET}{number:4}{QUIET:#} {GOOD}+ {content}{GOOD:#}")
        }
        DiffKind::Remove => {
            writeln!(text, "      {QUIET}{number:4}{QUIET:#} {BAD}- {content}{BAD:#}")
        }
    };
}

/// A length in megabytes (10^6 bytes), as people count downloads.
pub fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_add(50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// The first digits of a digest.
pub fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
