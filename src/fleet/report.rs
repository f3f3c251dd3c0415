//! What became of all hosts: for a terminal, for CI systems, and as one page.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

use super::result::{About, HostResult, Outcome};
use crate::texts::{fleet as texts, utc};

const PAGE: &str = include_str!("../../templates/fleet-report.html.tera");

/// The results of a fleet: what went wrong first.
#[derive(Debug)]
pub struct Report {
    results: Vec<HostResult>,
    missing: Vec<String>,
}

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The template that Landfall carries is wrong.
    Template(#[from] tera::Error),
    /// The values cannot be written as XML.
    Junit(#[from] quick_junit::SerializeError),
}

impl Report {
    /// From results in any order; of several of one host the latest counts. `expected` are the
    /// entries of the site that each name one host.
    pub fn new(results: Vec<HostResult>, expected: &[String]) -> Self {
        let mut latest: BTreeMap<(String, Option<String>), HostResult> = BTreeMap::new();
        for result in results {
            let machine = result.about.host.machine.map(|machine| machine.to_string());
            let key = (result.about.host.name.clone(), machine);
            match latest.get(&key) {
                Some(known) if known.about.began >= result.about.began => {}
                _ => {
                    latest.insert(key, result);
                }
            }
        }
        let mut results: Vec<HostResult> = latest.into_values().collect();
        results
            .sort_by(|a, b| (a.outcome, &a.about.host.name).cmp(&(b.outcome, &b.about.host.name)));
        let mut missing: Vec<String> = expected.to_vec();
        missing.retain(|entry| results.iter().all(|result| result.about.entry != *entry));
        missing.sort();
        missing.dedup();
        Self { results, missing }
    }

    /// The results, what went wrong first.
    pub fn results(&self) -> &[HostResult] {
        &self.results
    }

    /// Entries of the site of which there is no result.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Whether every host is as it was asked for.
    pub fn is_good(&self) -> bool {
        self.missing.is_empty() && self.results.iter().all(|result| result.outcome.is_good())
    }

    /// How many hosts there are of each outcome.
    pub fn counts(&self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        for result in &self.results {
            *counts.entry(result.outcome).or_default() += 1;
        }
        counts
    }

    /// How many hosts have each version of the engine.
    pub fn versions(&self) -> BTreeMap<String, usize> {
        let mut versions = BTreeMap::new();
        for version in self.results.iter().filter_map(|result| result.version.clone()) {
            *versions.entry(version).or_default() += 1;
        }
        versions
    }

    /// A table.
    pub fn text(&self) -> String {
        let rows: Vec<[String; 4]> = (self.results.iter())
            .map(|result| {
                [
                    result.about.host.name.clone(),
                    texts::outcome(result.outcome).to_owned(),
                    result.version.clone().unwrap_or_default(),
                    texts::seconds(result.about.milliseconds),
                ]
            })
            .collect();
        let width = |column: usize| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let widths = [width(0), width(1), width(2), width(3)];
        let mut lines = Vec::new();
        for (row, result) in rows.iter().zip(&self.results) {
            let cell = |column: usize| {
                let pad = widths[column] - row[column].chars().count();
                format!("{}{}", row[column], " ".repeat(pad))
            };
            let cells: Vec<String> = (0..4).map(cell).collect();
            lines.push(cells.join("  ").trim_end().to_owned());
            lines.extend(result.message.iter().map(|message| format!("    {message}")));
        }
        lines.extend(self.missing.iter().map(|entry| texts::no_result(entry)));
        lines.push(texts::summary(&self.counts(), &self.versions(), self.missing.len()));
        lines.join("\n")
    }

    /// For CI systems: a test case for each host (the JUnit XML format that Jenkins and GitLab
    /// read).
    ///
    /// # Errors
    /// [`ReportError::Junit`].
    pub fn junit(&self) -> Result<String, ReportError> {
        let mut suite = TestSuite::new("landfall");
        for result in &self.results {
            let status = match &result.message {
                _ if result.outcome.is_good() => TestCaseStatus::success(),
                message => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    let text = result.details.iter().chain(&result.hints).cloned();
                    status
                        .set_type(texts::outcome(result.outcome))
                        .set_message(message.clone().unwrap_or_default())
                        .set_description(text.collect::<Vec<_>>().join("\n"));
                    status
                }
            };
            let mut case = TestCase::new(&result.about.host.name, status);
            case.set_classname(&result.about.entry);
            case.set_time(std::time::Duration::from_millis(result.about.milliseconds));
            suite.add_test_case(case);
        }
        for entry in &self.missing {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(texts::no_result(entry));
            suite.add_test_case(TestCase::new(entry, status));
        }
        let mut report = quick_junit::Report::new("landfall fleet");
        report.add_test_suite(suite);
        Ok(report.to_string()?)
    }

    /// One page that needs nothing else: no script, style or picture from elsewhere.
    ///
    /// # Errors
    /// [`ReportError::Template`].
    pub fn html(&self) -> Result<String, ReportError> {
        let page = Page::new(self);
        // Escaped: what hosts say is not to be trusted.
        Ok(tera::Tera::one_off(PAGE, &tera::Context::from_serialize(page)?, true)?)
    }
}

/// What the template sees.
#[derive(Serialize)]
struct Page<'a> {
    summary: String,
    good: usize,
    bad: usize,
    hosts: Vec<PageHost<'a>>,
    missing: &'a [String],
}

#[derive(Serialize)]
struct PageHost<'a> {
    result: &'a HostResult,
    outcome: &'static str,
    good: bool,
    began: String,
    took: String,
    /// Where its bar begins and how long it is, in percent of the whole.
    left: f64,
    width: f64,
    steps: Vec<PageStep<'a>>,
}

#[derive(Serialize)]
struct PageStep<'a> {
    what: &'a str,
    took: String,
    left: f64,
    width: f64,
}

impl<'a> Page<'a> {
    fn new(report: &'a Report) -> Self {
        let abouts = || report.results.iter().map(|result| &result.about);
        // A result may say anything.
        let began = |about: &About| about.began.saturating_mul(1000);
        let start = abouts().map(began).min().unwrap_or_default();
        let end = abouts().map(|about| began(about).saturating_add(about.milliseconds)).max();
        let whole = end.unwrap_or_default().saturating_sub(start).max(1);
        let good = report.results.iter().filter(|result| result.outcome.is_good()).count();
        let host = |result: &'a HostResult| {
            let about = &result.about;
            PageHost {
                result,
                outcome: texts::outcome(result.outcome),
                good: result.outcome.is_good(),
                began: utc(about.began),
                took: texts::seconds(about.milliseconds),
                left: percent(began(about).saturating_sub(start), whole),
                width: percent(about.milliseconds, whole),
                steps: steps(result),
            }
        };
        Self {
            summary: texts::summary(&report.counts(), &report.versions(), report.missing.len()),
            good,
            bad: report.results.len() + report.missing.len() - good,
            hosts: report.results.iter().map(host).collect(),
            missing: &report.missing,
        }
    }
}

fn steps(result: &HostResult) -> Vec<PageStep<'_>> {
    let whole = result.steps.iter().map(|step| step.milliseconds).fold(1, u64::saturating_add);
    let mut passed = 0_u64;
    (result.steps.iter())
        .map(|step| {
            let left = percent(passed, whole);
            passed = passed.saturating_add(step.milliseconds);
            let width = percent(step.milliseconds, whole);
            PageStep { what: &step.what, took: texts::seconds(step.milliseconds), left, width }
        })
        .collect()
}

/// To a tenth; what lasted at all can be seen.
#[allow(clippy::cast_precision_loss)] // a picture
fn percent(part: u64, whole: u64) -> f64 {
    (part as f64 / whole as f64 * 1000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::identity::Identity;
    use serde_json::{Value, json};

    fn result(name: &str, began: u64, exit: u8, event: Value) -> HostResult {
        let host = Identity { name: name.to_owned(), machine: None };
        let about =
            About { entry: name.to_owned(), host, began, milliseconds: 1500, ..About::default() };
        let step = json!({"event": "step", "what": "<b>x</b>", "milliseconds": 10});
        HostResult::new(about, exit, &[step, event])
    }

    fn report() -> Report {
        let done = json!({"event": "done", "changed": true, "version": "28.5.2"});
        let failed = json!({"event": "failed", "message": "disk & <full>", "hints": ["df -h"]});
        let results = vec![
            result("b", 100, 0, done.clone()),
            result("a", 100, 0, done.clone()),
            result("c", 90, 0, done),
            result("c", 101, 5, failed.clone()),
            result("d", 100, 1, failed),
        ];
        Report::new(results, &["a".to_owned(), "z".to_owned()])
    }

    #[test]
    fn what_went_wrong_comes_first_and_the_latest_counts() {
        let report = report();
        let names: Vec<&str> =
            report.results().iter().map(|result| result.about.host.name.as_str()).collect();
        assert_eq!(names, ["c", "d", "a", "b"]);
        assert_eq!(report.missing(), ["z"]);
        assert!(!report.is_good());
        assert_eq!(report.versions(), [("28.5.2".to_owned(), 2)].into());
        let text = report.text();
        assert!(text.starts_with("c  failed, not rolled back"), "{text}");
        assert!(text.contains("z: no result"), "{text}");
    }

    #[test]
    fn pages_escape_what_hosts_say() {
        let page = report().html().unwrap();
        assert!(page.contains("&lt;b&gt;x&lt;&#x2F;b&gt;") && !page.contains("<b>x"), "{page}");
        for elsewhere in ["src=", "href=\"http", "url(", "@import"] {
            assert!(!page.contains(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn junit_counts_failures() {
        let xml = report().junit().unwrap();
        assert!(xml.contains("tests=\"5\"") && xml.contains("failures=\"2\""), "{xml}");
        assert!(xml.contains("errors=\"1\"") && xml.contains("disk &amp; &lt;full&gt;"), "{xml}");
    }

    #[test]
    fn times_may_be_anything() {
        let mut never = result("a", u64::MAX, 0, json!({"event": "done"}));
        never.about.milliseconds = u64::MAX;
        never.steps.push(never.steps[0].clone());
        never.steps.iter_mut().for_each(|step| step.milliseconds = u64::MAX);
        let now = result("b", 7, 0, json!({"event": "done"}));
        assert!(Report::new(vec![never, now], &[]).html().unwrap().contains("</html>"));
    }

    #[test]
    fn a_fleet_without_results_has_a_page_too() {
        let report = Report::new(Vec::new(), &[]);
        assert!(report.is_good());
        assert!(report.html().unwrap().contains("</html>"));
    }
}
