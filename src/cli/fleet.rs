//! `landfall fleet`: many hosts at once.

use std::path::Path;

use serde_json::json;

use super::args::ReportArgs;
use super::failure::{Failure, exit};
use super::output::Output;
use super::site;
use crate::fleet::report::{Report, ReportError};
use crate::fleet::result::HostResult;
use crate::host::{input, output};
use crate::texts::fleet as texts;

/// `landfall fleet report`.
pub fn report(args: &ReportArgs, output: &Output) -> Result<u8, Failure> {
    let expected = match &args.site {
        Some(path) => site::read(path)?.names(),
        None => Vec::new(),
    };
    let results = results(&args.directory)?;
    if results.is_empty() && expected.is_empty() {
        let message = texts::no_results(&args.directory.to_string_lossy());
        return Err(Failure::new(exit::USAGE, message).hint(texts::NO_RESULTS_HINT));
    }
    let report = Report::new(results, &expected);
    if let Some(path) = &args.junit {
        output::write_private(path, report.junit()?.as_bytes())?;
    }
    if let Some(path) = &args.html {
        output::write_private(path, report.html()?.as_bytes())?;
    }
    if output.is_json() {
        for result in report.results() {
            let fields = serde_json::to_value(result);
            let mut object =
                fields.map_err(|error| Failure::new(exit::FAILED, error.to_string()))?;
            object["event"] = "host".into();
            output.result("", &object);
        }
        let counts: serde_json::Map<_, _> = (report.counts().iter())
            .filter_map(|(kind, count)| {
                Some((serde_json::to_value(kind).ok()?.as_str()?.to_owned(), (*count).into()))
            })
            .collect();
        let object = json!({
            "event": "fleet", "outcomes": counts, "versions": report.versions(),
            "missing": report.missing(),
        });
        output.result("", &object);
    } else {
        output.result(&report.text(), &json!({}));
    }
    Ok(if report.is_good() { exit::DONE } else { exit::FLEET })
}

/// All results in a directory. A file that is none is named, and ends the command: without it
/// the report would not be whole.
fn results(directory: &Path) -> Result<Vec<HostResult>, Failure> {
    let usage = |message: String| Failure::new(exit::USAGE, message);
    let names = input::names_in(directory).map_err(|error| usage(error.to_string()))?;
    let mut results = Vec::new();
    for name in names.iter().filter(|it| it.starts_with("result-") && it.ends_with(".json")) {
        let path = directory.join(name);
        let text = input::read_document(&path).map_err(|error| usage(error.to_string()))?;
        let result = HostResult::from_text(&text);
        results.push(result.map_err(|error| usage(format!("{}: {error}", path.display())))?);
    }
    Ok(results)
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::new(exit::FAILED, error.to_string())
    }
}
