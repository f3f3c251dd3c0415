//! daemon.json goes back though others have edited it since: Landfall's keys are taken out of what
//! stands there, or get the values that they had, and the rest stays.

use serde_json::{Map, Value};

use crate::desired::DAEMON_JSON;
use crate::digest::Digest;
use crate::file_state::{FileState, Ownership};
use crate::receipt::Entry;
use crate::render::daemon_json;
use crate::steps::{Before, RemoveFile, Step, WriteFile};

/// What stands at daemon.json.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its text.
    pub text: &'a str,
    /// Its attributes.
    pub state: &'a FileState,
}

/// The steps that take daemon.json back; `owned` are the keys that Landfall has set, `after` those
/// that it had set then. `None` where the entries' own undoing does: nobody but Landfall has written
/// the file since the first of them, or it cannot be read.
pub fn unmerge(
    entries: &[Entry],
    now: Option<Standing<'_>>,
    owned: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<Vec<Step>> {
    let written: Vec<(&WriteFile, &Before)> = entries
        .iter()
        .filter_map(|entry| match &entry.step {
            Step::WriteFile(step) if step.path == DAEMON_JSON => Some((step, &entry.before)),
            _ => None,
        })
        .collect();
    let Standing { text, state } = now?;
    let first = written.first()?.1;
    let left = written.iter().map(|(step, _)| Digest::of(step.text.as_bytes()));
    let found = written.iter().skip(1).map(|(_, before)| match before {
        Before::File { sha256, .. } => Some(*sha256),
        _ => None,
    });
    let found = found.chain([Some(Digest::of(text.as_bytes()))]);
    if left.map(Some).eq(found) {
        return None;
    }
    let merged = daemon_json::merge(Some(text), after, owned).ok()?;
    if merged.value.is_empty() && *first == Before::Absent {
        let sha256 = Digest::of(text.as_bytes());
        return Some(vec![Step::RemoveFile(RemoveFile { path: DAEMON_JSON.to_owned(), sha256 })]);
    }
    if merged.text == text {
        return Some(Vec::new());
    }
    let ownership: Ownership = state.ownership();
    let path = DAEMON_JSON.to_owned();
    Some(vec![Step::WriteFile(WriteFile { path, text: merged.text, ownership })])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::file_state::FileKind;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn state() -> FileState {
        serde_json::from_value(json!({
            "kind": "file", "mode": 0o640, "uid": 0, "gid": 5, "size": 1, "mtime": 7
        }))
        .unwrap()
    }

    fn written(text: &str, before: Option<&str>) -> Entry {
        let before = before.map_or(Before::Absent, |before| Before::File {
            state: state(),
            sha256: Digest::of(before.as_bytes()),
        });
        let ownership = Ownership::root(0o644);
        let step = WriteFile { path: DAEMON_JSON.to_owned(), text: text.to_owned(), ownership };
        Entry { step: Step::WriteFile(step), before }
    }

    fn back(entries: &[Entry], now: &str, owned: Value, after: Value) -> Option<Vec<Step>> {
        let state = state();
        assert_eq!(state.kind, FileKind::File);
        unmerge(entries, Some(Standing { text: now, state: &state }), &map(owned), &map(after))
    }

    #[test]
    fn what_only_landfall_wrote_is_undone_as_it_was_done() {
        let entries = [written("{\"a\": 1}", None), written("{\"a\": 2}", Some("{\"a\": 1}"))];
        assert_eq!(back(&entries, "{\"a\": 2}", json!({"a": 2}), json!({})), None);
        assert_eq!(unmerge(&entries, None, &Map::new(), &Map::new()), None, "it is gone");
        assert_eq!(back(&entries, "{\"a\":", json!({"a": 2}), json!({})), None, "it is broken");
        assert_eq!(back(&[], "{}", json!({}), json!({})), None);
    }

    #[test]
    fn what_others_wrote_stays() {
        let text = |steps: Option<Vec<Step>>| match steps.as_deref() {
            Some([Step::WriteFile(step)]) => {
                assert_eq!((step.ownership.mode, step.ownership.gid), (0o640, 5));
                step.text.clone()
            }
            other => panic!("{other:?}"),
        };
        let entries = [written("{\n  \"debug\": true\n}\n", None)];
        let now = "{\n  \"debug\": true,\n  \"icc\":   false\n}\n";
        let owned = json!({"debug": true});
        let bare = "{\n  \"icc\":   false\n}\n";
        assert_eq!(text(back(&entries, now, owned.clone(), json!({}))), bare);
        // Between two runs.
        let between = [
            written("{\"debug\": true}", Some("{}")),
            written("{\"debug\": true, \"icc\": false, \"mtu\": 9}", Some("{\"icc\": false}")),
        ];
        let now = "{\"debug\": true, \"icc\": false, \"mtu\": 9}";
        let owned = json!({"debug": true, "mtu": 9});
        assert_eq!(text(back(&between, now, owned.clone(), json!({}))), "{\"icc\": false}");
        // Back to an earlier value of a key.
        let after = json!({"debug": true, "mtu": 8});
        let earlier = "{\"debug\": true, \"icc\": false, \"mtu\": 8}";
        assert_eq!(text(back(&between, now, owned, after)), earlier);
    }

    #[test]
    fn a_file_with_nothing_left_in_it_goes_if_landfall_made_it() {
        let now = "{\"debug\":true}";
        let steps =
            back(&[written("{\"debug\": true}", None)], now, json!({"debug": true}), json!({}));
        assert!(matches!(steps.as_deref(), Some([Step::RemoveFile(_)])), "{steps:?}");
        let entries = [written("{\"debug\": true}", Some("{}"))];
        let steps = back(&entries, now, json!({"debug": true}), json!({}));
        assert!(matches!(steps.as_deref(), Some([Step::WriteFile(file)]) if file.text == "{}"));
        // Nothing of Landfall is in it any more.
        assert_eq!(back(&entries, "{\"a\": 1}", json!({"debug": true}), json!({})), Some(vec![]));
    }
}
