//! What became of one host: a file that can be carried to where all are looked at.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::facts::identity::Identity;

/// Version of the file's format.
pub const SCHEMA: u32 = 1;

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Failed, and not rolled back: somebody has to look.
    Stuck,
    /// Failed, and rolled back.
    Failed,
    /// The archive is not trusted.
    Untrusted,
    /// The host is not fit, or somebody else's settings are in the way.
    Refused,
    /// Usage or configuration.
    Usage,
    /// Another run was in progress.
    Busy,
    /// Done.
    Changed,
    /// There was nothing to do.
    Unchanged,
}

impl Outcome {
    /// By the exit code that the command had, or would have had alone.
    fn of(exit: u8, changed: bool) -> Self {
        match exit {
            0 if changed => Self::Changed,
            0 => Self::Unchanged,
            2 => Self::Usage,
            3 => Self::Refused,
            4 => Self::Untrusted,
            5 => Self::Stuck,
            6 => Self::Busy,
            _ => Self::Failed,
        }
    }

    /// Whether the host is as it was asked for.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Changed | Self::Unchanged)
    }
}

/// A step that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepMade {
    /// What it was, in words.
    pub what: String,
    /// How long it took.
    pub milliseconds: u64,
}

/// A finding of the preflight, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingText {
    /// `LF001` …
    pub code: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// What it is.
    pub title: String,
    /// What was seen.
    pub seen: String,
    /// What to do.
    pub fix: String,
}

/// What is known of the host and the run from elsewhere than its events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What its entry in the site file is called.
    pub entry: String,
    /// Which host it is.
    pub host: Identity,
    /// Its distribution, as it calls itself.
    pub distribution: String,
    /// Its kernel's release.
    pub kernel: String,
    /// The version of Landfall.
    pub landfall: String,
    /// When the run began, in seconds since 1970.
    pub began: u64,
    /// How long it took.
    pub milliseconds: u64,
}

/// What became of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostResult {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The host and the run.
    #[serde(flatten)]
    pub about: About,
    /// The exit code.
    pub exit: u8,
    /// How it went.
    pub outcome: Outcome,
    /// The version of the engine, if one was installed.
    #[serde(default)]
    pub version: Option<String>,
    /// The steps that were made, in their order.
    #[serde(default)]
    pub steps: Vec<StepMade>,
    /// How many of them were undone.
    #[serde(default)]
    pub undone: usize,
    /// What the preflight found.
    #[serde(default)]
    pub findings: Vec<FindingText>,
    /// What else there is to know.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Why it failed.
    #[serde(default)]
    pub message: Option<String>,
    /// What belongs to it.
    #[serde(default)]
    pub details: Vec<String>,
    /// What to type next.
    #[serde(default)]
    pub hints: Vec<String>,
}

/// Why a file is no result.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// It is something else.
    NotAResult(#[from] serde_json::Error),
    /// A newer Landfall wrote it.
    TooNew(u32),
}

impl HostResult {
    /// From what a command reported, as its JSON lines say it.
    pub fn new(about: About, exit: u8, events: &[Value]) -> Self {
        let of_kind = |kind: &'static str| events.iter().filter(move |it| it["event"] == kind);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let texts = |value: &Value| value.as_array().into_iter().flatten().map(text).collect();
        let done = of_kind("done").next_back();
        let failed = of_kind("failed").next_back();
        Self {
            schema: SCHEMA,
            about,
            exit,
            outcome: Outcome::of(exit, done.is_some_and(|done| done["changed"] == true)),
            version: done.and_then(|done| done["version"].as_str()).map(str::to_owned),
            steps: of_kind("step")
                .map(|step| StepMade {
                    what: text(&step["what"]),
                    milliseconds: step["milliseconds"].as_u64().unwrap_or(0),
                })
                .collect(),
            undone: of_kind("undone").count(),
            findings: of_kind("finding")
                .map(|finding| FindingText {
                    code: text(&finding["code"]),
                    severity: text(&finding["severity"]),
                    title: text(&finding["title"]),
                    seen: text(&finding["seen"]),
                    fix: text(&finding["fix"]),
                })
                .collect(),
            warnings: of_kind("warning").map(|warning| text(&warning["text"])).collect(),
            message: failed.map(|failed| text(&failed["message"])),
            details: failed.map(|failed| texts(&failed["details"])).unwrap_or_default(),
            hints: failed.map(|failed| texts(&failed["hints"])).unwrap_or_default(),
        }
    }

    /// Reads what [`HostResult::to_text`] wrote.
    ///
    /// # Errors
    /// [`ResultError`] if it is something else, or of a newer format.
    pub fn from_text(text: &str) -> Result<Self, ResultError> {
        #[derive(Deserialize)]
        struct OnlySchema {
            schema: u32,
        }
        let OnlySchema { schema } = serde_json::from_str(text)?;
        if schema > SCHEMA {
            return Err(ResultError::TooNew(schema));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The text of the file.
    ///
    /// # Errors
    /// Never, but for want of memory.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The name of its file. Hosts of one name, such as `localhost`, are told apart by their
    /// machine (`distinct`).
    pub fn file_name(&self, distinct: bool) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        let name: String = self.about.host.name.chars().map(plain).collect();
        match self.about.host.machine.filter(|_| distinct) {
            Some(machine) => format!("result-{name}-{}.json", &machine.to_string()[..8]),
            None => format!("result-{name}.json"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_become_a_result() {
        let events = [
            json!({"event": "finding", "code": "LF025", "severity": "warning", "title": "t",
                   "seen": "s", "why": "w", "fix": "f"}),
            json!({"event": "step", "what": "install /usr/bin/runc", "milliseconds": 12}),
            json!({"event": "undone", "step": "x", "outcome": {}}),
            json!({"event": "warning", "text": "slow"}),
            json!({"event": "failed", "exit": 1, "message": "no", "details": ["a"], "hints": ["b"]}),
        ];
        let host = Identity { name: "web 1/ä".to_owned(), machine: None };
        let about = About { entry: "web-*".to_owned(), host, ..About::default() };
        let result = HostResult::new(about.clone(), 1, &events);
        assert_eq!(result.outcome, Outcome::Failed);
        assert_eq!((result.steps.len(), result.undone, result.findings.len()), (1, 1, 1));
        assert_eq!(
            (result.message.as_deref(), result.hints.as_slice()),
            (Some("no"), &["b".to_owned()][..])
        );
        assert_eq!(result.file_name(false), "result-web_1__.json");
        assert_eq!(HostResult::from_text(&result.to_text().unwrap()).unwrap(), result);

        let done = [json!({"event": "done", "changed": true, "version": "28.5.2"})];
        let result = HostResult::new(about.clone(), 0, &done);
        assert_eq!((result.outcome, result.version.as_deref()), (Outcome::Changed, Some("28.5.2")));
        let same = HostResult::new(about, 0, &[json!({"event": "done", "changed": false})]);
        assert_eq!(same.outcome, Outcome::Unchanged);
    }

    #[test]
    fn other_files_are_refused() {
        for text in ["", "{}", "{\"schema\": 1}", "[1]"] {
            assert!(
                matches!(HostResult::from_text(text), Err(ResultError::NotAResult(_))),
                "{text}"
            );
        }
        let error = HostResult::from_text("{\"schema\": 2, \"new\": true}").unwrap_err();
        assert!(matches!(error, ResultError::TooNew(2)));
    }
}
