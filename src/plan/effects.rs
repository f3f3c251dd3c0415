//! What it takes for each changed key of daemon.json to be in force, and who goes on without it.

use serde::{Deserialize, Serialize};

use crate::render::daemon_json::{KeyChange, Verdict, verdict};
use crate::render::daemon_options::{self, Existing};

/// What a changed key means for an engine that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The key.
    pub key: String,
    /// What brings it into force.
    pub verdict: Verdict,
    /// Whether it is taken out, or left empty: a reload would leave the old value in force.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Who goes on with the old value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<Existing>,
}

/// The effects of changes, in their order.
pub(super) fn effects(changes: &[KeyChange]) -> Vec<Effect> {
    let one = |change: &KeyChange| {
        let option = daemon_options::find(&change.key);
        let verdict = verdict(std::slice::from_ref(change));
        let reloadable = option.is_some_and(|option| option.reloadable);
        Effect {
            key: change.key.clone(),
            verdict,
            removed: reloadable && verdict == Verdict::Restart,
            existing: option.and_then(|option| option.existing),
        }
    };
    changes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change(key: &str, before: Value, after: Value) -> KeyChange {
        let some = |value: Value| (!value.is_null()).then_some(value);
        KeyChange { key: key.to_owned(), before: some(before), after: some(after) }
    }

    #[test]
    fn each_key_has_its_own() {
        let changes = [
            change("registry-mirrors", json!(null), json!(["https://m"])),
            change("debug", json!(true), json!(null)),
            change("log-opts", json!(null), json!({"max-size": "5m"})),
            change("default-shm-size", json!("64M"), json!("128M")),
            change("default-ulimits", json!(null), json!({})),
            change("default-address-pools", json!(null), json!([])),
            change("x-theirs", json!(null), json!(1)),
        ];
        let shown: Vec<_> = effects(&changes)
            .into_iter()
            .map(|effect| (effect.verdict, effect.removed, effect.existing))
            .collect();
        let expected = [
            (Verdict::Reload, false, None),
            (Verdict::Restart, true, None),
            (Verdict::Restart, false, Some(Existing::Created)),
            (Verdict::Reload, false, Some(Existing::Created)),
            (Verdict::Restart, false, Some(Existing::Started)),
            (Verdict::Restart, false, Some(Existing::Networks)),
            (Verdict::Restart, false, None),
        ];
        assert_eq!(shown, expected);
    }
}
