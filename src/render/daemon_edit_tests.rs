use serde_json::json;

use super::super::daemon_json::merge;
use super::*;

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

struct Case {
    now: Value,
    owned: Value,
    asked: Value,
}

impl Case {
    fn edit(&self, edits: &Edits) -> Edited {
        self.try_edit(edits).unwrap()
    }

    fn try_edit(&self, edits: &Edits) -> Result<Edited, DaemonJsonError> {
        let (now, owned, asked) =
            (map(self.now.clone()), map(self.owned.clone()), map(self.asked.clone()));
        edit(Standing { now: Some(&now), owned: &owned, asked: &asked }, edits)
    }

    /// What daemon.json says once what is asked counts.
    fn becomes(&self, edits: &Edits) -> Value {
        let edited = self.edit(edits);
        let text = self.now.to_string();
        merge(Some(&text), &edited.wanted, &edited.previous).unwrap().value.into()
    }
}

fn fresh(now: Value) -> Case {
    Case { now, owned: json!({}), asked: json!({}) }
}

fn set(value: Value) -> Edits {
    Edits { set: map(value), ..Edits::default() }
}

fn add(key: &str, element: &str) -> Edits {
    Edits { add: vec![(key.into(), element.into())], ..Edits::default() }
}

fn remove(key: &str, element: &str) -> Edits {
    Edits { remove: vec![(key.into(), element.into())], ..Edits::default() }
}

fn unset(key: &str) -> Edits {
    Edits { unset: vec![key.into()], ..Edits::default() }
}

#[test]
fn a_key_is_added_to_those_that_were_asked_for() {
    let case = Case {
        now: json!({"debug": true, "bip": "172.30.0.1/24"}),
        owned: json!({"bip": "172.30.0.1/24"}),
        asked: json!({"bip": "172.30.0.1/24"}),
    };
    let edits = set(json!({"live-restore": true}));
    let edited = case.edit(&edits);
    assert_eq!(edited.wanted, map(json!({"bip": "172.30.0.1/24", "live-restore": true})));
    assert!(edited.conflicts.is_empty() && edited.kept.is_empty());
    assert_eq!(
        case.becomes(&edits),
        json!({"debug": true, "bip": "172.30.0.1/24", "live-restore": true})
    );
    assert_eq!(case.becomes(&unset("bip")), json!({"debug": true}));
}

#[test]
fn what_a_person_changed_since_stays() {
    let case = Case {
        now: json!({
            "bip": "10.9.0.1/24", "log-opts": {"max-size": "9m", "max-file": "3"},
            "registry-mirrors": ["https://theirs"], "labels": ["rack=2"]
        }),
        owned: json!({
            "bip": "172.30.0.1/24", "log-opts": {"max-size": "50m", "max-file": "3"},
            "registry-mirrors": ["https://ours"], "debug": true, "labels": ["rack=1"]
        }),
        asked: json!({
            "bip": "172.30.0.1/24", "log-opts": {"max-size": "50m", "max-file": "3"},
            "registry-mirrors": ["https://ours"], "debug": true, "labels": ["rack=1"]
        }),
    };
    let edits = set(json!({"icc": false}));
    let edited = case.edit(&edits);
    assert_eq!(edited.wanted, map(json!({"log-opts": {"max-file": "3"}, "icc": false})));
    let kept = ["bip", "debug", "labels[\"rack=1\"]", "log-opts.max-size"];
    let mut all = edited.kept.clone();
    all.sort();
    assert_eq!(all, [&kept[..], &["registry-mirrors[\"https://ours\"]"]].concat());
    assert!(edited.conflicts.is_empty());
    let mut expected = case.now.clone();
    expected["icc"] = false.into();
    assert_eq!(case.becomes(&edits), expected);
    // What is asked for now is asked for.
    let edited = case.edit(&set(json!({"bip": "172.31.0.1/24"})));
    assert!(!edited.kept.contains(&"bip".to_owned()));
    assert_eq!(
        edited.conflicts,
        [Conflict {
            path: "bip".into(),
            there: "10.9.0.1/24".into(),
            applied: Some("172.30.0.1/24".into()),
            asked: Some("172.31.0.1/24".into()),
        }]
    );
}

#[test]
fn a_file_that_is_gone_is_written_again() {
    let asked = map(json!({"debug": true}));
    let standing = Standing { now: None, owned: &asked, asked: &asked };
    let edited = edit(standing, &set(json!({"icc": false}))).unwrap();
    assert_eq!(edited.wanted, map(json!({"debug": true, "icc": false})));
}

#[test]
fn somebody_elses_value_is_a_conflict() {
    let case = fresh(json!({"bip": "10.9.0.1/24", "log-opts": {"max-size": "9m"}, "debug": true}));
    let edits =
        set(json!({"bip": "172.30.0.1/24", "log-opts": {"max-size": "5m", "max-file": "2"},
        "debug": true}));
    let conflicts = case.edit(&edits).conflicts;
    let paths: Vec<&str> = conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    assert_eq!(paths, ["bip", "log-opts.max-size"]);
    assert_eq!(
        case.becomes(&edits),
        json!({"bip": "172.30.0.1/24", "log-opts": {"max-size": "5m", "max-file": "2"},
            "debug": true})
    );
    let conflicts = case.edit(&unset("log-opts")).conflicts;
    assert_eq!(conflicts[0].asked, None);
    assert_eq!(case.becomes(&unset("log-opts")), json!({"bip": "10.9.0.1/24", "debug": true}));
    // Our own value is nobody's loss, and what is not there is no conflict.
    let ours = Case { owned: json!({"bip": "10.9.0.1/24"}), ..case };
    assert!(ours.edit(&set(json!({"bip": "172.30.0.1/24", "mtu": 1400}))).conflicts.is_empty());
    assert!(ours.edit(&unset("bip")).conflicts.is_empty());
    assert!(ours.edit(&unset("mtu")).conflicts.is_empty());
}

#[test]
fn elements_of_lists() {
    let case = Case {
        now: json!({"insecure-registries": ["theirs:5000", "ours:5000"], "labels": ["a=1", "b=2"],
            "authorization-plugins": ["x"]}),
        owned: json!({"insecure-registries": ["ours:5000"]}),
        asked: json!({"insecure-registries": ["ours:5000"]}),
    };
    let list = |value: Value, key: &str| value[key].clone();
    let key = "insecure-registries";
    assert_eq!(
        list(case.becomes(&add(key, "new:5000")), key),
        json!(["theirs:5000", "ours:5000", "new:5000"])
    );
    assert_eq!(list(case.becomes(&remove(key, "ours:5000")), key), json!(["theirs:5000"]));
    assert!(case.edit(&remove(key, "ours:5000")).conflicts.is_empty());
    assert!(case.edit(&remove(key, "nobody's")).conflicts.is_empty());
    let theirs = case.edit(&remove(key, "theirs:5000")).conflicts;
    assert_eq!(theirs[0].path, "insecure-registries[\"theirs:5000\"]");
    assert_eq!(list(case.becomes(&remove(key, "theirs:5000")), key), json!(["ours:5000"]));
    // One value for a name.
    assert_eq!(list(case.becomes(&add("labels", "b=3")), "labels"), json!(["a=1", "b=3"]));
    assert_eq!(case.edit(&add("labels", "b=3")).conflicts[0].there, "b=2");
    assert!(case.edit(&add("labels", "c=3")).conflicts.is_empty());
    // A list that is one value keeps what it has, and is somebody's as a whole.
    let plugins = add("authorization-plugins", "y");
    assert_eq!(list(case.becomes(&plugins), "authorization-plugins"), json!(["x", "y"]));
    assert_eq!(case.edit(&plugins).conflicts.len(), 1);
    for wrong in [add("bip", "x"), remove("log-opts", "x"), add("registry-mirror", "x")] {
        assert!(case.try_edit(&wrong).is_err());
    }
}

#[test]
fn a_flag_leaves_other_keys_of_its_object_alone() {
    let case = Case {
        now: json!({"log-opts": {"max-size": "5m", "max-file": "3", "tag": "x"}}),
        owned: json!({"log-opts": {"max-size": "5m", "max-file": "3"}}),
        asked: json!({"log-opts": {"max-size": "5m", "max-file": "3"}}),
    };
    let edits = Edits { extend: map(json!({"log-opts": {"max-size": "9m"}})), ..Edits::default() };
    assert_eq!(
        case.becomes(&edits),
        json!({"log-opts": {"max-size": "9m", "max-file": "3", "tag": "x"}})
    );
    assert!(case.edit(&edits).conflicts.is_empty());
    let whole = set(json!({"log-opts": {"max-size": "9m"}}));
    assert_eq!(case.becomes(&whole), json!({"log-opts": {"max-size": "9m", "tag": "x"}}));
}
