//! A plan in a file: people read and approve it, and `landfall apply` carries out exactly
//! that, on the host that it was made on, as long as nothing that it rests on has changed.
//!
//! Pure: reading and writing the file is the caller's. The format is described in
//! `docs/file-formats.md`.

pub mod relevant;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desired::Desired;
use crate::digest::Digest;
use crate::facts::Facts;
use crate::facts::identity::Identity;
use crate::plan::Plan;
use crate::preflight::Finding;
use crate::receipt::Receipt;
use crate::texts::findings;

/// The version of the format that this Landfall writes, and the only one that it reads.
pub const SCHEMA: u32 = 1;

/// A plan, and everything that it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApprovedPlan {
    /// Version of the format.
    pub schema: u32,
    /// What this file is, for people.
    pub about: String,
    /// The Landfall that made it.
    pub landfall: Build,
    /// When, in UTC.
    pub made: String,
    /// The host that it is for.
    pub host: Identity,
    /// The command that made it.
    pub command: Command,
    /// The file of facts that it was made from, if the host was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_probe: Option<PathBuf>,
    /// What was asked.
    pub desired: Desired,
    /// The archive.
    pub archive: FilePin,
    /// Archives of images that will be loaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<FilePin>,
    /// What preflight found.
    pub findings: Vec<FindingInWords>,
    /// Changes with their differences, and steps.
    pub plan: Plan,
    /// The host, as far as the plan rests on it.
    pub host_state: HostState,
}

/// One build of Landfall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// Its version.
    pub version: String,
    /// Digest of the program itself.
    pub sha256: Digest,
}

/// A command as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The directory in which it was typed.
    pub directory: PathBuf,
    /// Variables of the environment that it was given (`LANDFALL_*`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Its words.
    pub words: Vec<String>,
}

/// A file that must still be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePin {
    /// Where it was.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// A finding with its words, which later versions may put differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingInWords {
    /// Code, severity and what was seen.
    #[serde(flatten)]
    pub finding: Finding,
    /// What it is.
    pub title: String,
    /// What was seen, in words.
    pub text: String,
}

impl From<Finding> for FindingInWords {
    fn from(finding: Finding) -> Self {
        let text = findings::text(&finding);
        Self { finding, title: text.title.to_owned(), text: text.seen }
    }
}

/// What a plan rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// Digest of `facts` and `receipt` together.
    pub sha256: Digest,
    /// Digest of Landfall's receipt; `None` if there was none.
    pub receipt: Option<Digest>,
    /// Each fact that matters, in short.
    pub facts: BTreeMap<String, String>,
}

impl HostState {
    /// The facts that matter for `desired`, and the receipt's digest.
    pub fn of(facts: &Facts, desired: &Desired, receipt: Option<Digest>) -> Self {
        let facts = relevant::facts(facts, desired);
        let sha256 = digest(&(&facts, receipt));
        Self { sha256, receipt, facts }
    }

    /// What is different now; empty if nothing is.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let names = self.facts.keys().chain(now.facts.keys()).collect::<BTreeSet<_>>();
        let mut found: Vec<Difference> = names
            .into_iter()
            .map(|name| Difference {
                fact: name.clone(),
                before: self.facts.get(name).cloned(),
                now: now.facts.get(name).cloned(),
            })
            .filter(|difference| difference.before != difference.now)
            .collect();
        if self.receipt != now.receipt {
            found.push(Difference {
                fact: crate::receipt::RECEIPT.to_owned(),
                before: self.receipt.map(|digest| format!("{digest:?}")),
                now: now.receipt.map(|digest| format!("{digest:?}")),
            });
        }
        found
    }
}

/// A fact that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which: a path, a unit, `os`, …
    pub fact: String,
    /// What it was; `None` if there was nothing.
    pub before: Option<String>,
    /// What it is.
    pub now: Option<String>,
}

/// The digest by which a receipt is told from another one.
pub fn receipt_digest(receipt: Option<&Receipt>) -> Option<Digest> {
    receipt.map(digest)
}

/// Why a file is not a plan that can be applied.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It is not JSON, or not a plan.
    NotAPlan(serde_json::Error),
    /// It has no version of the format.
    NoSchema,
    /// Another Landfall wrote it in another format.
    Schema(u64),
    /// It was changed after it was written.
    Edited,
}

/// Name of the field that holds the file's digest of itself.
const OWN_DIGEST: &str = "sha256_of_this";

impl ApprovedPlan {
    /// The text of the file: indented JSON, with a digest of itself as its last field.
    ///
    /// # Errors
    /// [`serde_json::Error`] if a path in it is not UTF-8.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        let own = digest(&value);
        if let Some(fields) = value.as_object_mut() {
            fields.insert(OWN_DIGEST.to_owned(), own.to_string().into());
        }
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }

    /// Reads the text of a file. Only its layout may have been changed.
    ///
    /// # Errors
    /// [`PlanFileError`]; the version of the format is looked at first.
    pub fn from_text(text: &str) -> Result<Self, PlanFileError> {
        let mut value: Value = serde_json::from_str(text).map_err(PlanFileError::NotAPlan)?;
        match value.get("schema").and_then(Value::as_u64) {
            None => return Err(PlanFileError::NoSchema),
            Some(schema) if schema != u64::from(SCHEMA) => {
                return Err(PlanFileError::Schema(schema));
            }
            Some(_) => {}
        }
        let own = value.as_object_mut().and_then(|fields| fields.remove(OWN_DIGEST));
        let own = own.as_ref().and_then(Value::as_str).and_then(|hex| hex.parse().ok());
        if own != Some(digest(&value)) {
            return Err(PlanFileError::Edited);
        }
        serde_json::from_value(value).map_err(PlanFileError::NotAPlan)
    }
}

impl Command {
    /// The command for a shell.
    pub fn shell(&self) -> String {
        let variables = self.environment.iter();
        let variables = variables.map(|(name, value)| format!("{name}={}", quoted(value)));
        let words: Vec<String> =
            variables.chain(self.words.iter().map(|word| quoted(word))).collect();
        words.join(" ")
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn digest(value: &impl Serialize) -> Digest {
    // Maps with keys that are text, and values: this cannot fail, and an empty text would
    // only make a digest that fits nothing.
    Digest::of(&serde_json::to_vec(value).unwrap_or_default())
}

#[cfg(test)]
pub(crate) mod tests;
