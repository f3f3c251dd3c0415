//! Plans as text that people can review: the JSON that a plan is written as, one step a line
//! where it fits, file contents line by line, and what the fresh case shows already left out.

use serde_json::{Value, json};

use crate::plan::{ChangeKind, Plan, PlanError};
use crate::render::diff::{DiffKind, DiffLine, diff};
use crate::steps::Step;

/// A plan; file contents that `like` writes too are not repeated.
pub(super) fn plan(plan: &Plan, like: Option<&Plan>) -> String {
    let mut json = serde_json::to_value(plan).unwrap();
    for (step, shown) in plan.steps.iter().zip(elements(&mut json["steps"])) {
        if let Step::WriteFile(write) = step {
            let as_in_fresh = like.is_some_and(|like| like.steps.contains(step));
            let lines: Vec<&str> = write.text.split('\n').collect();
            shown["text"] = if as_in_fresh { json!("as in fresh") } else { json!(lines) };
        }
    }
    for (change, shown) in plan.changes.iter().zip(elements(&mut json["changes"])) {
        match &change.kind {
            ChangeKind::Program { .. } => {}
            ChangeKind::Text { exists: true, diff } => shown["diff"] = unified(diff),
            ChangeKind::Text { exists: false, diff: lines } => {
                let text = plan.steps.iter().find_map(|step| match step {
                    Step::WriteFile(write) if write.path == change.path => Some(&write.text),
                    _ => None,
                });
                assert_eq!(*lines, diff("", text.unwrap()), "{}", change.path);
                shown["diff"] = json!("all lines of the new file");
            }
        }
    }
    let Value::Object(fields) = json else { return String::new() };
    let fields: Vec<String> =
        fields.iter().map(|(key, value)| format!(" \"{key}\": {}", field(value))).collect();
    format!("{{\n{}\n}}\n", fields.join(",\n"))
}

/// An error, in the words that a person reads.
pub(super) fn error(error: &PlanError) -> String {
    format!("{}\n", json!({"error": error.to_string()}))
}

fn elements(list: &mut Value) -> &mut [Value] {
    list.as_array_mut().map_or(&mut [], Vec::as_mut_slice)
}

/// The lines of a difference, each with a sign before it.
fn unified(lines: &[DiffLine]) -> Value {
    let sign = |line: &DiffLine| match line.kind {
        DiffKind::Context => ' ',
        DiffKind::Add => '+',
        DiffKind::Remove => '-',
    };
    lines.iter().map(|line| format!("{}{}", sign(line), line.text)).collect()
}

fn field(value: &Value) -> String {
    let Value::Array(list) = value else { return value.to_string() };
    let lines: Vec<String> = list.iter().map(|value| format!("  {}", element(value))).collect();
    if lines.is_empty() { "[]".to_owned() } else { format!("[\n{}\n ]", lines.join(",\n")) }
}

/// One line, unless it holds the lines of a file.
fn element(value: &Value) -> String {
    let lines_of = |key| value.get(key).and_then(Value::as_array);
    let Some((key, lines)) =
        ["text", "diff"].into_iter().find_map(|key| Some((key, lines_of(key)?)))
    else {
        return value.to_string();
    };
    let lines: Vec<String> = lines.iter().map(|line| format!("   {line}")).collect();
    let mut rest = value.clone();
    rest[key] = json!([]);
    let empty = format!("\"{key}\":[]");
    rest.to_string().replace(&empty, &format!("\"{key}\":[\n{}\n  ]", lines.join(",\n")))
}
