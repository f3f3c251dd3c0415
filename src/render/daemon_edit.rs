//! What a command asks to change in daemon.json, over what was asked before: a key that a person
//! changed or took away since stays as that person left it, and one that is asked for now and that
//! somebody else set is a conflict, for the caller to decide.

use serde_json::{Map, Value};

use super::daemon_error::DaemonJsonError;
use super::daemon_json::same_element;
use super::daemon_options::{self, MergeRule, OptionType};
use super::json_document::kind_of;
use crate::texts::phrases::daemon_json as phrases;

/// What is asked now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edits {
    /// Keys that get these values.
    pub set: Map<String, Value>,
    /// Keys of objects that get these values; others in the same object are left alone.
    pub extend: Map<String, Value>,
    /// Keys that go.
    pub unset: Vec<String>,
    /// Elements that lists get.
    pub add: Vec<(String, Value)>,
    /// Elements that lists lose.
    pub remove: Vec<(String, Value)>,
}

/// What the parties have: each the whole of daemon.json, or their part of it.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// What stands there; `None` without a file.
    pub now: Option<&'a Map<String, Value>>,
    /// What Landfall owns of it.
    pub owned: &'a Map<String, Value>,
    /// What was asked for before.
    pub asked: &'a Map<String, Value>,
}

/// What shall be merged into daemon.json.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edited {
    /// What is wanted, to be given to [`merge`](super::daemon_json::merge).
    pub wanted: Map<String, Value>,
    /// What the merge may take away.
    pub previous: Map<String, Value>,
    /// What was asked for before and a person has changed since: it stays so.
    pub kept: Vec<String>,
    /// What only a choice can settle. The rest of this value is what comes of it if what is asked
    /// now counts.
    pub conflicts: Vec<Conflict>,
}

/// Somebody else's value, where another one is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The key, with that of an object within: `a.b`.
    pub path: String,
    /// What stands there.
    pub there: Value,
    /// What Landfall set there last, if it did.
    pub applied: Option<Value>,
    /// What is asked for; `None`: that it goes.
    pub asked: Option<Value>,
}

/// Puts what is asked now over what was asked before.
///
/// # Errors
/// [`DaemonJsonError::Type`] for elements of a key that is no list,
/// [`DaemonJsonError::UnknownKey`].
pub fn edit(standing: Standing<'_>, edits: &Edits) -> Result<Edited, DaemonJsonError> {
    let empty = Map::new();
    let now = standing.now.unwrap_or(&empty);
    let mut edited = Edited { previous: standing.owned.clone(), ..Edited::default() };
    for (key, asked) in standing.asked {
        let kept = match standing.now {
            // The whole file is gone, which nobody means to say by it.
            None => Some(asked.clone()),
            Some(now) => still(key, rule(key), asked, now.get(key), standing.owned.get(key), {
                &mut edited.kept
            }),
        };
        edited.wanted.extend(kept.map(|value| (key.clone(), value)));
    }
    for (key, value) in &edits.set {
        edited.set(key, value.clone(), now, standing.owned);
    }
    for (key, value) in &edits.extend {
        let mut whole = edited.wanted.get(key).and_then(Value::as_object).cloned();
        let whole = whole.get_or_insert_default();
        whole.extend(value.as_object().cloned().unwrap_or_default());
        edited.set(key, Value::Object(whole.clone()), now, standing.owned);
    }
    for (key, element) in &edits.add {
        let mut list = edited.list(key, now)?;
        if !list.iter().any(|there| there == element) {
            let rule = rule(key);
            list.retain(|there| !same_element(rule, there, element));
            list.push(element.clone());
        }
        edited.set(key, Value::Array(list), now, standing.owned);
    }
    for (key, element) in &edits.remove {
        edited.remove(key, element, now, standing.owned)?;
    }
    for key in &edits.unset {
        edited.unset(key, now, standing.owned);
    }
    Ok(edited)
}

fn rule(key: &str) -> MergeRule {
    daemon_options::find(key).map_or(MergeRule::Value, |option| option.merge)
}

/// What is left of a value that was asked for, once what a person changed or took away is not asked
/// for any more.
fn still(
    path: &str,
    rule: MergeRule,
    asked: &Value,
    now: Option<&Value>,
    owned: Option<&Value>,
    kept: &mut Vec<String>,
) -> Option<Value> {
    let is_theirs = now != Some(asked) && !(owned.is_some() && now == owned);
    match (rule, asked, now) {
        (MergeRule::Keys | MergeRule::Names, Value::Object(asked), Some(Value::Object(now))) => {
            let inner = if rule == MergeRule::Keys { MergeRule::Keys } else { MergeRule::Value };
            let owned = owned.and_then(Value::as_object);
            let within = asked.iter().filter_map(|(key, asked)| {
                let owned = owned.and_then(|owned| owned.get(key));
                let path = format!("{path}.{key}");
                Some((key.clone(), still(&path, inner, asked, now.get(key), owned, kept)?))
            });
            let within: Map<String, Value> = within.collect();
            (!within.is_empty()).then_some(Value::Object(within))
        }
        (_, Value::Array(asked), Some(Value::Array(now))) if rule.is_by_element() => {
            let (stays, gone): (Vec<&Value>, Vec<&Value>) = asked
                .iter()
                .partition(|element| now.iter().any(|n| same_element(rule, n, element)));
            // An assignment that a person changed is that person's.
            let (stays, other): (Vec<&Value>, Vec<&Value>) = stays
                .into_iter()
                .partition(|e| rule != MergeRule::Assignments || now.iter().any(|n| n == *e));
            kept.extend(gone.into_iter().chain(other).map(|element| format!("{path}[{element}]")));
            (!stays.is_empty()).then(|| stays.into_iter().cloned().collect())
        }
        _ if is_theirs => {
            kept.push(path.to_owned());
            None
        }
        _ => Some(asked.clone()),
    }
}

impl Edited {
    fn set(
        &mut self,
        key: &str,
        value: Value,
        now: &Map<String, Value>,
        owned: &Map<String, Value>,
    ) {
        let parties = (now.get(key), owned.get(key));
        find_conflicts(key, rule(key), &value, parties, &mut self.conflicts);
        self.forget_kept(key);
        self.wanted.insert(key.to_owned(), value);
    }

    /// What is asked for now is not kept as somebody left it.
    fn forget_kept(&mut self, key: &str) {
        self.kept.retain(|path| {
            path.strip_prefix(key)
                .is_none_or(|rest| !rest.is_empty() && !rest.starts_with(['.', '[']))
        });
    }

    /// The list that an element is added to or removed from.
    fn list(&self, key: &str, now: &Map<String, Value>) -> Result<Vec<Value>, DaemonJsonError> {
        let Some(option) = daemon_options::find(key) else {
            let nearest = daemon_options::nearest(key);
            return Err(DaemonJsonError::UnknownKey { key: key.to_owned(), nearest });
        };
        let is_list =
            matches!(option.kind, OptionType::Strings | OptionType::Addresses | OptionType::Pools);
        if !is_list {
            let found = now.get(key).map_or(phrases::NO_LIST, kind_of);
            let expected = phrases::A_LIST;
            return Err(DaemonJsonError::Type { key: key.to_owned(), expected, found });
        }
        // Of a list that is one value, the whole is meant.
        let from = match option.merge.is_by_element() {
            true => self.wanted.get(key),
            false => self.wanted.get(key).or_else(|| now.get(key)),
        };
        Ok(from.and_then(Value::as_array).cloned().unwrap_or_default())
    }

    fn remove(
        &mut self,
        key: &str,
        element: &Value,
        now: &Map<String, Value>,
        owned: &Map<String, Value>,
    ) -> Result<(), DaemonJsonError> {
        let mut list = self.list(key, now)?;
        let rule = rule(key);
        if !rule.is_by_element() {
            let before = list.len();
            list.retain(|there| there != element);
            if list.len() < before {
                self.set(key, Value::Array(list), now, owned);
            }
            return Ok(());
        }
        let is = |there: &Value| same_element(rule, there, element);
        list.retain(|there| !is(there));
        if list.is_empty() {
            self.wanted.remove(key);
        } else {
            self.wanted.insert(key.to_owned(), Value::Array(list));
        }
        let elements = |of: &Map<String, Value>| {
            of.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let ours = elements(owned).iter().any(is);
        if let Some(theirs) = elements(now).into_iter().find(|there| is(there) && !ours) {
            self.conflicts.push(Conflict {
                path: format!("{key}[{theirs}]"),
                there: theirs.clone(),
                applied: None,
                asked: None,
            });
            let previous = self.previous.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = previous {
                list.push(theirs);
            }
        }
        Ok(())
    }

    fn unset(&mut self, key: &str, now: &Map<String, Value>, owned: &Map<String, Value>) {
        self.wanted.remove(key);
        self.forget_kept(key);
        let Some(there) = now.get(key) else { return };
        if owned.get(key) != Some(there) {
            self.conflicts.push(Conflict {
                path: key.to_owned(),
                there: there.clone(),
                applied: owned.get(key).cloned(),
                asked: None,
            });
        }
        self.previous.insert(key.to_owned(), there.clone());
    }
}

/// Where another value stands than the one that is asked for, and Landfall did not put it there.
fn find_conflicts(
    path: &str,
    rule: MergeRule,
    asked: &Value,
    (now, owned): (Option<&Value>, Option<&Value>),
    conflicts: &mut Vec<Conflict>,
) {
    let Some(there) = now.filter(|there| !there.is_null() && *there != asked) else { return };
    if owned == Some(there) {
        return;
    }
    match (rule, asked, there) {
        (MergeRule::Keys | MergeRule::Names, Value::Object(asked), Value::Object(now)) => {
            let inner = if rule == MergeRule::Keys { MergeRule::Keys } else { MergeRule::Value };
            let owned = owned.and_then(Value::as_object);
            for (key, asked) in asked {
                let parties = (now.get(key), owned.and_then(|owned| owned.get(key)));
                find_conflicts(&format!("{path}.{key}"), inner, asked, parties, conflicts);
            }
        }
        (MergeRule::Assignments, Value::Array(asked), Value::Array(now)) => {
            let owned = owned.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            for element in asked {
                let other = now.iter().find(|n| same_element(rule, n, element) && *n != element);
                let Some(there) = other.filter(|there| !owned.contains(there)) else { continue };
                conflicts.push(Conflict {
                    path: format!("{path}[{there}]"),
                    there: there.clone(),
                    applied: owned.iter().find(|o| same_element(rule, o, element)).cloned(),
                    asked: Some(element.clone()),
                });
            }
        }
        (_, Value::Array(_), Value::Array(_)) if rule.is_by_element() => {}
        _ => conflicts.push(Conflict {
            path: path.to_owned(),
            there: there.clone(),
            applied: owned.cloned(),
            asked: Some(asked.clone()),
        }),
    }
}

#[cfg(test)]
#[path = "daemon_edit_tests.rs"]
mod tests;
