//! Cases of `tests/golden/daemon-json`: what stands there, what was applied last and what is desired
//! make what is merged, or an error. `UPDATE_GOLDEN=1 cargo test --lib golden` writes the outcomes.

#![allow(clippy::disallowed_methods, reason = "files of the tests, on no host")]

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::daemon_edit::{self, Edits, Standing};
use super::daemon_json::{merge, verdict};
use super::json_document::Document;
use super::json_repair;

/// What became of a case: the merged text, and what is said of it.
fn outcome(
    current: Option<&str>,
    last: &Value,
    desired: &Value,
) -> Result<(String, Value), String> {
    let object = |of: &Value, key: &str| of[key].as_object().cloned().unwrap_or_default();
    let pairs = |key: &str| -> Vec<(String, Value)> {
        let pairs = desired[key].as_array().into_iter().flatten();
        pairs.map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone())).collect()
    };
    let unset = desired["unset"].as_array().into_iter().flatten();
    let edits = Edits {
        set: object(desired, "set"),
        extend: object(desired, "extend"),
        unset: unset.map(|key| key.as_str().unwrap().to_owned()).collect(),
        add: pairs("add"),
        remove: pairs("remove"),
    };
    let repaired = match current {
        Some(text) if desired["repair"] == true => {
            Some(json_repair::repaired(text).map_err(|error| error.to_string())?)
        }
        _ => None,
    };
    let text = repaired.as_deref().or(current);
    let now: Option<Map<String, Value>> = match text {
        None => None,
        Some(text) => {
            let document = Document::parse(text).map_err(|error| error.to_string())?;
            Some(document.value().clone())
        }
    };
    let (owned, asked) = (object(last, "owned"), object(last, "asked"));
    let standing = Standing { now: now.as_ref(), owned: &owned, asked: &asked };
    let edited = daemon_edit::edit(standing, &edits).map_err(|error| error.to_string())?;
    let merged =
        merge(text, &edited.wanted, &edited.previous).map_err(|error| error.to_string())?;

    // A second time there is nothing to do, and foreign keys are where they were.
    let again = merge(Some(&merged.text), &edited.wanted, &merged.owned).unwrap();
    assert_eq!((&again.text, &again.owned), (&merged.text, &merged.owned));
    let conflicts: Vec<Value> = edited
        .conflicts
        .iter()
        .map(|conflict| {
            json!({
                "path": conflict.path, "there": conflict.there, "landfall had set": conflict.applied,
                "asked": conflict.asked,
            })
        })
        .collect();
    let said = json!({
        "verdict": verdict(&merged.changed_keys), "owned": merged.owned, "conflicts": conflicts,
        "kept as others left it": edited.kept,
    });
    Ok((merged.text, said))
}

#[test]
fn golden_cases() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/daemon-json");
    let mut cases: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    for case in cases {
        let read = |name: &str| fs::read_to_string(case.join(name)).ok();
        let json = |name: &str| -> Value {
            read(name).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
        };
        let current = read("current.json");
        let outcome =
            outcome(current.as_deref(), &json("last-applied.json"), &json("desired.json"));
        let (merged, said) = match outcome {
            Ok((merged, said)) => (Some(merged), said),
            Err(error) => (None, json!({"error": error})),
        };
        let said = format!("{said:#}\n");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(case.join("outcome.json"), &said).unwrap();
            match &merged {
                Some(text) => fs::write(case.join("merged.json"), text).unwrap(),
                None => drop(fs::remove_file(case.join("merged.json"))),
            }
        }
        assert_eq!(read("merged.json"), merged, "{}", case.display());
        assert_eq!(read("outcome.json"), Some(said), "{}", case.display());
    }
}
