//! Whether an answer has every field of another, each of the same type.

use serde_json::Value;

/// What `ours` lacks of `theirs`, or has as another type. More than that is no difference, and
/// neither is a null where there may be something.
pub fn differences(theirs: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", theirs, ours, &mut found);
    found
}

fn compare(at: &str, theirs: &Value, ours: &Value, found: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(their), Value::Object(our)) => {
            for (name, value) in their {
                let at = format!("{at}.{name}");
                match our.get(name) {
                    Some(other) => compare(&at, value, other, found),
                    None => found.push(format!("{at} is missing: {value}")),
                }
            }
        }
        (Value::Array(their), Value::Array(our)) => {
            if let (Some(their), Some(our)) = (their.first(), our.first()) {
                compare(&format!("{at}[]"), their, our, found);
            }
        }
        _ if kind(theirs) == kind(ours) || theirs.is_null() => {}
        _ => found.push(format!("{at} is {theirs} with dockerd, {ours} with ours")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}
