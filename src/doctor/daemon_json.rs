//! daemon.json: whether the daemon can read it, knows its keys, and follows it.

use serde_json::{Map, Value};

use super::{Case, Sight, error, warning};
use crate::facts::{Facts, kernel};
use crate::preflight::Finding;
use crate::render::daemon_options;
use crate::verify;

/// The keys of daemon.json; none if there is no file, or it cannot be read.
pub(super) fn read(facts: &Facts) -> Map<String, Value> {
    match facts.daemon_json() {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(broken(case));
    let engine = case.engine().and_then(kernel::parse_version);
    for key in case.daemon_json.keys() {
        findings.extend(known(key, engine.map(|(major, minor, _)| (major, minor)), case));
        findings.extend(twice(key, case));
    }
    if let Some(Ok(info)) = &case.doctor.answer {
        let keys = verify::not_in_force(&case.daemon_json, info);
        if !keys.is_empty() {
            findings.push(warning(Sight::NotInForce { keys }));
        }
    }
    findings
}

fn broken(case: &Case<'_>) -> Option<Finding> {
    let text = case.daemon_json_text()?;
    let reason = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => return None,
        Ok(_) => "{…}".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(error(Sight::DaemonJsonBroken { reason }))
}

fn known(key: &str, engine: Option<(u32, u32)>, case: &Case<'_>) -> Option<Finding> {
    let Some(option) = daemon_options::find(key) else {
        let nearest = daemon_options::nearest(key).map(str::to_owned);
        return Some(error(Sight::DaemonKeyUnknown { key: key.to_owned(), nearest }));
    };
    let line = |(major, minor): (u32, u32)| {
        if minor == 0 { major.to_string() } else { format!("{major}.{minor:02}") }
    };
    (!option.known_to(engine?)).then(|| {
        error(Sight::DaemonKeyForeign {
            key: key.to_owned(),
            engine: case.engine().unwrap_or_default().to_owned(),
            first: line(option.first),
            last: line(option.last),
        })
    })
}

/// The daemon does not start with a key in both places.
fn twice(key: &str, case: &Case<'_>) -> Option<Finding> {
    // What the unit would start counts, not what runs: a key that was added since only shows
    // at the next start.
    let words: Vec<String> =
        case.facts.start_command.words.iter().map(|word| word.text.clone()).collect();
    let unit = case.doctor.units.get("docker.service").map(|unit| unit.command.as_slice());
    let unit = unit.filter(|command| !command.is_empty()).unwrap_or(case.command());
    let words = if words.is_empty() { unit } else { &words };
    let (index, flag) = daemon_options::flag_among(key, words)?;
    let word = case.facts.start_command.words.get(index);
    let place = word.map(|word| (word.path.clone(), word.line));
    Some(error(Sight::DaemonKeyTwice { key: key.to_owned(), flag: flag.to_owned(), place }))
}
