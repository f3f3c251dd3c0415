//! Merges wanted keys into daemon.json, and tells what the change takes to become effective.
//!
//! Three parties: what Landfall owns from an earlier run, what stands in the file now, what is
//! wanted. Everything that Landfall does not own stays: foreign keys, a person's registries,
//! the look of the file. Ownership is per key, per key of an object, and per element of
//! lists whose elements stand for themselves.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::daemon_options::{self, MergeRule};
use super::json_document::{Document, kind_of};

pub use super::daemon_error::DaemonJsonError;
use crate::texts::phrases::daemon_json as phrases;

pub(crate) use super::daemon_validate::{check_version, validate_key};

/// One key at the top of daemon.json that gets another value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyChange {
    /// The key.
    pub key: String,
    /// Its value before; `None` if it was not there.
    pub before: Option<Value>,
    /// Its value afterwards; `None` if it is removed.
    pub after: Option<Value>,
}

impl KeyChange {
    /// The change that takes this one back.
    pub fn reversed(&self) -> Self {
        Self { key: self.key.clone(), before: self.after.clone(), after: self.before.clone() }
    }
}

/// The outcome of a merge.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The new text; the old one, byte for byte, if nothing changes (empty if there was no
    /// file and nothing is wanted).
    pub text: String,
    /// What the new text says.
    pub value: Map<String, Value>,
    /// The keys whose values change, in the order of the new text, removed ones last.
    pub changed_keys: Vec<KeyChange>,
    /// What Landfall owns in the new text: to be remembered, and given as `previous` to the
    /// next merge. What stood there already before Landfall wanted it is not owned.
    pub owned: Map<String, Value>,
}

/// Puts `wanted` into the text of a daemon.json (`None`: there is no file).
///
/// `previous` is what Landfall owned after its last run ([`Merged::owned`]): of that, what is
/// no longer wanted is removed, unless a person has changed it since.
///
/// # Errors
/// [`DaemonJsonError::Broken`] or [`DaemonJsonError::ExistingType`] with the place in the file;
/// [`DaemonJsonError::Type`] if a wanted value cannot be merged;
/// [`DaemonJsonError::LogDriver`].
pub fn merge(
    existing: Option<&str>,
    wanted: &Map<String, Value>,
    previous: &Map<String, Value>,
) -> Result<Merged, DaemonJsonError> {
    let document = Document::parse(existing.unwrap_or_default())?;
    let now = document.value();
    let mut value = Map::new();
    let mut owned = Map::new();
    for key in keys_of(now, wanted) {
        let rule = daemon_options::find(key).map_or(MergeRule::Value, |option| option.merge);
        let part =
            Parties { now: now.get(key), wanted: wanted.get(key), previous: previous.get(key) };
        let merged = part.merge(key, rule).map_err(|mismatch| mismatch.at(&document, key))?;
        merged.add_to(key, &mut value, &mut owned);
    }
    check_log_options(wanted, &value)?;
    let text = document.rewrite(&value);
    Ok(Merged { changed_keys: changes(now, &value), text, value, owned })
}

/// What it takes for changed keys to become effective in a daemon that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing has changed.
    Nothing,
    /// A SIGHUP is enough.
    Reload,
    /// The daemon has to be restarted.
    Restart,
}

/// What it takes for `changes` to become effective.
///
/// A reload looks only at keys that are set: one that was removed, or whose last element was,
/// keeps its old value until a restart.
pub fn verdict(changes: &[KeyChange]) -> Verdict {
    changes.iter().map(verdict_of).max().unwrap_or(Verdict::Nothing)
}

fn verdict_of(change: &KeyChange) -> Verdict {
    let is_set = match &change.after {
        None | Some(Value::Null) => false,
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(object)) => !object.is_empty(),
        Some(_) => true,
    };
    match daemon_options::find(&change.key) {
        Some(option) if option.reloadable && is_set => Verdict::Reload,
        _ => Verdict::Restart,
    }
}

/// What the three parties say about one value.
#[derive(Clone, Copy)]
struct Parties<'a> {
    now: Option<&'a Value>,
    wanted: Option<&'a Value>,
    previous: Option<&'a Value>,
}

/// A value that has the wrong type for a merge.
struct Mismatch {
    path: String,
    found: &'static str,
    expected: &'static str,
    existing: bool,
}

impl Mismatch {
    fn at(self, document: &Document<'_>, key: &str) -> DaemonJsonError {
        let Self { path, found, expected, existing } = self;
        match document.place_of(key) {
            Some((line, column)) if existing => {
                DaemonJsonError::ExistingType { line, column, key: path, found, expected }
            }
            _ => DaemonJsonError::Type { key: path, expected, found },
        }
    }
}

/// The merged value, and the part of it that Landfall owns.
#[derive(Default)]
struct Part {
    value: Option<Value>,
    owned: Option<Value>,
}

impl Part {
    fn add_to(self, key: &str, value: &mut Map<String, Value>, owned: &mut Map<String, Value>) {
        value.extend(self.value.map(|value| (key.to_string(), value)));
        owned.extend(self.owned.map(|value| (key.to_string(), value)));
    }
}

impl Parties<'_> {
    fn merge(self, path: &str, rule: MergeRule) -> Result<Part, Mismatch> {
        let nothing_to_remove = self.previous.is_none() || self.now.is_none_or(Value::is_null);
        if self.wanted.is_none() && nothing_to_remove {
            return Ok(Part { value: self.now.cloned(), owned: None });
        }
        match rule {
            MergeRule::Value => Ok(self.replace()),
            MergeRule::Keys => self.merge_object(path, MergeRule::Keys),
            MergeRule::Names => self.merge_object(path, MergeRule::Value),
            MergeRule::Ordered | MergeRule::Set | MergeRule::Assignments => {
                self.merge_list(path, rule)
            }
        }
    }

    fn replace(self) -> Part {
        match self.wanted {
            Some(wanted) => {
                let owned = self.now != Some(wanted) || self.previous == Some(wanted);
                Part { value: Some(wanted.clone()), owned: owned.then(|| wanted.clone()) }
            }
            // No longer wanted: taken away, unless a person has changed it since.
            None if self.now == self.previous => Part::default(),
            None => Part { value: self.now.cloned(), owned: None },
        }
    }

    fn merge_object(self, path: &str, inner: MergeRule) -> Result<Part, Mismatch> {
        let empty = Map::new();
        let now = self.typed(self.now, Value::as_object, path, phrases::AN_OBJECT, true)?;
        let wanted = self.typed(self.wanted, Value::as_object, path, phrases::AN_OBJECT, false)?;
        // What was owned in another form cannot be told apart any more.
        let previous = self.previous.and_then(Value::as_object).unwrap_or(&empty);
        let (now, wanted) = (now.unwrap_or(&empty), wanted.unwrap_or(&empty));
        let (mut value, mut owned) = (Map::new(), Map::new());
        for key in keys_of(now, wanted) {
            let parties =
                Parties { now: now.get(key), wanted: wanted.get(key), previous: previous.get(key) };
            let objects = parties.wanted.is_some_and(Value::is_object)
                && parties.now.is_none_or(Value::is_object);
            let rule = if objects { inner } else { MergeRule::Value };
            parties.merge(&format!("{path}.{key}"), rule)?.add_to(key, &mut value, &mut owned);
        }
        let emptied = value.is_empty() && self.empties(now.is_empty());
        Ok(Part {
            value: (!emptied || self.wanted.is_some()).then_some(Value::Object(value)),
            owned: (!owned.is_empty() || self.owns_empty_one()).then_some(Value::Object(owned)),
        })
    }

    /// Whether a list or object that has nothing left in it goes. Somebody else's that was empty
    /// stays.
    fn empties(&self, was_empty: bool) -> bool {
        self.is_our_empty_one() || !was_empty || self.now.is_none()
    }

    fn merge_list(self, path: &str, rule: MergeRule) -> Result<Part, Mismatch> {
        let list = |value, existing| {
            self.typed(value, Value::as_array, path, phrases::A_LIST_OF_STRINGS, existing)
                .map(|list| list.map(Vec::as_slice).unwrap_or_default())
        };
        let (now, wanted) = (list(self.now, true)?, list(self.wanted, false)?);
        let previous =
            self.previous.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let within =
            |list: &[Value], element: &Value| list.iter().any(|e| same_element(rule, e, element));
        // An assignment that a person changed is that person's.
        let was_ours = |element: &Value| match rule {
            MergeRule::Assignments => previous.contains(element),
            _ => within(previous, element),
        };
        let stays = |element: &&Value| within(wanted, element) || !was_ours(element);
        let kept: Vec<&Value> = now.iter().filter(stays).collect();
        // An element that is there already keeps its spelling.
        let same = |one: &Value, other: &Value| same_element(rule, one, other);
        let spelt = |element| kept.iter().find(|k| same(k, element)).copied().unwrap_or(element);
        let in_front = wanted.iter().zip(&kept).take_while(|(w, k)| same(w, k)).count();
        let new = wanted.iter().filter(|element| !within(now, element));
        let value: Vec<Value> = if rule == MergeRule::Assignments {
            let assigned =
                |there| wanted.iter().find(|element| same(element, there)).unwrap_or(there);
            kept.iter().map(|there| assigned(*there)).chain(new).cloned().collect()
        } else if rule == MergeRule::Set {
            kept.iter().copied().chain(new).cloned().collect()
        } else if in_front == wanted.len() {
            kept.iter().copied().cloned().collect()
        } else {
            let others = kept.iter().copied().filter(|element| !within(wanted, element));
            wanted.iter().map(spelt).chain(others).cloned().collect()
        };
        let owned: Vec<Value> = wanted
            .iter()
            .filter(|element| {
                let was_there = match rule {
                    MergeRule::Assignments => now.contains(element),
                    _ => within(now, element),
                };
                !was_there || was_ours(element)
            })
            .cloned()
            .collect();
        let emptied = value.is_empty() && self.empties(now.is_empty());
        Ok(Part {
            value: (!emptied || self.wanted.is_some()).then_some(Value::Array(value)),
            owned: (!owned.is_empty() || self.owns_empty_one()).then_some(Value::Array(owned)),
        })
    }

    /// An empty list or object stands there that was asked for before, and nothing was in it then.
    fn is_our_empty_one(self) -> bool {
        self.previous.is_some_and(is_empty) && self.now == self.previous
    }

    /// An empty list or object is asked for, and nobody else put one there.
    fn owns_empty_one(self) -> bool {
        self.wanted.is_some_and(is_empty) && (self.now.is_none() || self.is_our_empty_one())
    }

    /// The value in the form that the rule needs; `null` counts as not there, as it does for
    /// the daemon.
    fn typed<'v, T: ?Sized>(
        self,
        value: Option<&'v Value>,
        form: impl Fn(&'v Value) -> Option<&'v T>,
        path: &str,
        expected: &'static str,
        existing: bool,
    ) -> Result<Option<&'v T>, Mismatch> {
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => form(value).map(Some).ok_or_else(|| Mismatch {
                path: path.to_string(),
                found: kind_of(value),
                expected,
                existing,
            }),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// Whether two elements of a list stand for the same: the daemon adds a slash to the end of a
/// mirror's URL, and of assignments the name counts.
pub(super) fn same_element(rule: MergeRule, one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) if rule == MergeRule::Assignments => {
            one.split('=').next() == other.split('=').next()
        }
        (Value::String(one), Value::String(other)) => {
            one.trim_end_matches('/') == other.trim_end_matches('/')
        }
        _ => one == other,
    }
}

/// The keys of both, those of `now` first.
fn keys_of<'a>(
    now: &'a Map<String, Value>,
    wanted: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    let new = wanted.keys().filter(|key| !now.contains_key(*key));
    now.keys().chain(new).map(String::as_str)
}

fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<KeyChange> {
    let removed = before.keys().filter(|key| !after.contains_key(*key));
    after
        .keys()
        .chain(removed)
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| KeyChange {
            key: key.clone(),
            before: before.get(key).cloned(),
            after: after.get(key).cloned(),
        })
        .collect()
}

/// `max-size` and `max-file` are options of two drivers only; the daemon does not start if the
/// chosen driver does not know an option.
fn check_log_options(
    wanted: &Map<String, Value>,
    merged: &Map<String, Value>,
) -> Result<(), DaemonJsonError> {
    let driver = merged.get("log-driver").and_then(Value::as_str).unwrap_or("json-file");
    let options = wanted.get("log-opts").and_then(Value::as_object);
    let limit =
        options.and_then(|o| ["max-size", "max-file"].into_iter().find(|l| o.contains_key(*l)));
    match limit {
        Some(option) if !["json-file", "local"].contains(&driver) => {
            Err(DaemonJsonError::LogDriver {
                driver: driver.to_string(),
                option: option.to_string(),
            })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "daemon_json_tests.rs"]
mod tests;
