//! Texts that are nearly JSON: the golden cases, cut, doubled and sprinkled with what people and
//! editors leave. Nothing may make the merge or the repair fall over, or leave what dockerd does not
//! read. The run of every test is short and always the same; the long one is another each time.

#![allow(clippy::disallowed_methods, reason = "files of the tests, on no host")]

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};

use super::daemon_json::merge;
use super::json_document::Document;
use super::json_repair::repaired;

/// What is put into texts.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "'",
    "\\",
    "//",
    "/*",
    "*/",
    "\n",
    "\r\n",
    "\t",
    "\u{feff}",
    "null",
    "true",
    "1e9",
    "\\u0000",
    "\\ud800",
    "é",
    "\"debug\": false",
    "\"dns\": [\"10.0.0.1\"]",
];

/// A change: what, where (in thousandths of the text), how much.
type Edit = (u8, u16, u8);

fn seeds() -> Vec<String> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/daemon-json");
    let mut found: Vec<String> = std::fs::read_dir(cases)
        .unwrap()
        .filter_map(|case| std::fs::read_to_string(case.unwrap().path().join("current.json")).ok())
        .collect();
    found.sort();
    assert!(found.len() > 50, "the cases are elsewhere");
    found
}

fn changed(seed: &str, edits: &[Edit]) -> String {
    let mut text: Vec<char> = seed.chars().collect();
    for (what, place, length) in edits {
        let at = text.len() * usize::from(*place % 1000) / 1000;
        let end = (at + usize::from(*length % 12)).min(text.len());
        match what % 4 {
            0 => drop(text.drain(at..end)),
            1 => {
                let piece = text[at..end].to_vec();
                text.splice(at..at, piece);
            }
            _ => {
                let piece = PIECES[usize::from(*what) % PIECES.len()];
                text.splice(at..at, piece.chars());
            }
        }
    }
    text.into_iter().collect()
}

fn check(text: &str, wanted: &Map<String, Value>) -> Result<(), TestCaseError> {
    // dockerd reads it with Go's parser; serde's is as strict.
    let is_json = |text: &str| serde_json::from_str::<Map<String, Value>>(text);
    let mended = repaired(text);
    if let Ok(json) = &mended {
        prop_assert!(json.trim().is_empty() || is_json(json).is_ok(), "{}", json);
        prop_assert_eq!(&repaired(json).unwrap(), json);
        if Document::parse(text).is_ok() {
            prop_assert_eq!(json, text);
        }
    }
    let Ok(merged) = merge(Some(text), wanted, &Map::new()) else { return Ok(()) };
    let read = is_json(&merged.text).ok();
    prop_assert_eq!(read.as_ref(), Some(&merged.value));
    let again = merge(Some(&merged.text), wanted, &merged.owned).unwrap();
    prop_assert_eq!(&again.text, &merged.text);
    let without = merge(Some(&merged.text), &Map::new(), &merged.owned).unwrap();
    let left = without.text.trim().is_empty() || is_json(&without.text).is_ok();
    prop_assert!(left, "{}", without.text);
    Ok(())
}

fn run(mut runner: TestRunner) {
    let seeds = seeds();
    let wanted = json!({
        "debug": true, "registry-mirrors": ["https://m"], "log-opts": {"max-size": "5m"},
        "labels": ["a=b"], "insecure-registries": [],
    });
    let wanted = wanted.as_object().unwrap().clone();
    let strategy = (0..seeds.len(), vec(any::<Edit>(), 0..8));
    let outcome = runner.run(&strategy, |(seed, edits)| {
        let text = changed(&seeds[seed], &edits);
        check(&text, &wanted)
    });
    outcome.unwrap();
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

#[test]
fn nothing_makes_it_fall_over() {
    let rng = proptest::test_runner::TestRng::deterministic_rng(
        proptest::test_runner::RngAlgorithm::ChaCha,
    );
    run(TestRunner::new_with_rng(config(1_000), rng));
}

#[test]
#[ignore = "long: 200,000 texts"]
fn nothing_makes_it_fall_over_for_long() {
    run(TestRunner::new(config(200_000)));
}
