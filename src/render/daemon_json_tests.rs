use serde_json::json;

use super::*;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

fn merged(existing: &str, wanted: Value, previous: Value) -> Merged {
    let wanted = object(wanted);
    let merged = merge(Some(existing), &wanted, &object(previous)).unwrap();
    // Whatever happens: the text says the value, and a second run finds nothing to do.
    assert_eq!(Document::parse(&merged.text).unwrap().value(), &merged.value);
    let again = merge(Some(&merged.text), &wanted, &merged.owned).unwrap();
    assert_eq!((again.text, again.changed_keys), (merged.text.clone(), vec![]), "{existing}");
    assert_eq!(again.owned, merged.owned, "{existing}");
    merged
}

/// Merges compact texts.
fn text(existing: &str, wanted: Value, previous: Value) -> String {
    merged(existing, wanted, previous).text
}

const MIRROR: &str = "https://mirror.example.internal";

#[test]
fn absent_file() {
    let wanted = object(json!({
        "registry-mirrors": [MIRROR],
        "log-opts": {"max-size": "50m", "max-file": "3"},
        "live-restore": true
    }));
    let merged = merge(None, &wanted, &Map::new()).unwrap();
    let expected = r#"{
  "registry-mirrors": [
    "https://mirror.example.internal"
  ],
  "log-opts": {
    "max-size": "50m",
    "max-file": "3"
  },
  "live-restore": true
}
"#;
    assert_eq!(merged.text, expected);
    assert_eq!(merged.owned, wanted);
    assert_eq!(merged.changed_keys.len(), 3);
    assert!(merged.changed_keys.iter().all(|change| change.before.is_none()));
    assert_eq!(merge(None, &Map::new(), &Map::new()).unwrap().text, "");
}

#[test]
fn nothing_wanted_and_equal_values_leave_every_byte() {
    for existing in [
        "",
        "\n",
        "{}",
        "{\"debug\":true}",
        "\t{ \"log-opts\" : { \"max-size\":\"50m\" } ,\r\n\r\n \"x\":[1,\n2]}  ",
    ] {
        for wanted in [json!({}), object_of(existing)] {
            let merged = merged(existing, wanted, json!({}));
            assert_eq!(merged.text, existing);
            assert_eq!(merged.changed_keys, []);
            assert!(merged.owned.is_empty(), "a person's values are not ours");
            assert_eq!(verdict(&merged.changed_keys), Verdict::Nothing);
        }
    }
}

fn object_of(text: &str) -> Value {
    Value::Object(Document::parse(text).unwrap().value().clone())
}

#[test]
fn foreign_keys_and_layout_stay() {
    let existing =
        "{\r\n\t\"Custom\": [1,2 ,3],\r\n\t\"log-level\" : \"warn\",\r\n\t\"debug\": false\r\n}";
    assert_eq!(
        text(existing, json!({"debug": true, "mtu": 1450}), json!({})),
        "{\r\n\t\"Custom\": [1,2 ,3],\r\n\t\"log-level\" : \"warn\",\r\n\t\"debug\": true,\r\n\t\"mtu\": 1450\r\n}"
    );
}

#[test]
fn objects_are_merged_by_key() {
    assert_eq!(
        text(
            r#"{"log-opts":{"tag":"x","max-size":"10m"}}"#,
            json!({"log-opts": {"max-size": "50m", "max-file": "3"}}),
            json!({}),
        ),
        r#"{"log-opts":{"tag":"x","max-size":"50m","max-file":"3"}}"#
    );
    // To any depth.
    assert_eq!(
        text(
            r#"{"builder":{"gc":{"enabled":true},"x":1}}"#,
            json!({"builder": {"gc": {"defaultKeepStorage": "20GB"}}}),
            json!({}),
        ),
        r#"{"builder":{"gc":{"enabled":true,"defaultKeepStorage":"20GB"},"x":1}}"#
    );
    // A definition is replaced as a whole, other definitions stay.
    assert_eq!(
        text(
            r#"{"runtimes":{"a":{"path":"/a"},"b":{"path":"/b"}}}"#,
            json!({"runtimes": {"b": {"runtimeType": "x"}}}),
            json!({}),
        ),
        r#"{"runtimes":{"a":{"path":"/a"},"b":{"runtimeType":"x"}}}"#
    );
    // null is the same as not there.
    assert_eq!(
        text(r#"{"log-opts":null}"#, json!({"log-opts": {"a": "b"}}), json!({})),
        r#"{"log-opts":{"a":"b"}}"#
    );
}

#[test]
fn mirrors_are_ordered_and_a_persons_stay_behind() {
    let merge_mirrors = |now: Value, wanted: Value, previous: Value| {
        let text = json!({ "registry-mirrors": now }).to_string();
        let wanted = json!({ "registry-mirrors": wanted });
        let merged = merged(&text, wanted, json!({ "registry-mirrors": previous }));
        merged.value.get("registry-mirrors").cloned().unwrap_or(Value::Null)
    };
    let none = json!([]);
    assert_eq!(
        merge_mirrors(json!(["p"]), json!(["a", "b"]), none.clone()),
        json!(["a", "b", "p"])
    );
    assert_eq!(
        merge_mirrors(json!(["p", "b"]), json!(["a", "b"]), none.clone()),
        json!(["a", "b", "p"])
    );
    assert_eq!(merge_mirrors(json!(["a", "p"]), json!(["a"]), none.clone()), json!(["a", "p"]));
    // The daemon adds a slash: the same mirror, in the spelling that is there.
    assert_eq!(merge_mirrors(json!(["p", "a/"]), json!(["a"]), none), json!(["a/", "p"]));
    // Another mirror replaces the one that Landfall set, not the person's.
    assert_eq!(merge_mirrors(json!(["a", "p"]), json!(["b"]), json!(["a"])), json!(["b", "p"]));
    assert_eq!(merge_mirrors(json!(["p", "a/"]), json!(["b"]), json!(["a"])), json!(["b", "p"]));
    // A person removed ours: wanted again, it comes back; no longer wanted, it stays away.
    assert_eq!(merge_mirrors(json!(["p"]), json!(["a"]), json!(["a"])), json!(["a", "p"]));
    assert_eq!(merge_mirrors(json!(["p"]), json!([]), json!(["a"])), json!(["p"]));
}

#[test]
fn insecure_registries_are_a_set() {
    assert_eq!(
        text(
            r#"{"insecure-registries":["p:1","old:1","b:1"]}"#,
            json!({"insecure-registries": ["a:1", "b:1"]}),
            json!({"insecure-registries": ["old:1"]}),
        ),
        r#"{"insecure-registries":["p:1","b:1","a:1"]}"#
    );
}

#[test]
fn what_is_no_longer_wanted_goes_unless_a_person_changed_it() {
    let previous = json!({
        "registry-mirrors": ["a"], "debug": true, "log-opts": {"max-size": "50m"}, "mtu": 1450
    });
    let ours = previous.to_string();
    let merged_all = merged(&ours, json!({}), previous.clone());
    assert_eq!(merged_all.text, "{}");
    assert_eq!(verdict(&merged_all.changed_keys), Verdict::Restart);
    let changed =
        r#"{"registry-mirrors":["a","p"],"debug":false,"log-opts":{"max-size":"50m","tag":"x"}}"#;
    assert_eq!(
        text(changed, json!({}), previous),
        r#"{"registry-mirrors":["p"],"debug":false,"log-opts":{"tag":"x"}}"#
    );
    // An empty list or object that a person left there is not taken away.
    let empty = r#"{"registry-mirrors":[],"log-opts":{},"debug":null}"#;
    let previous = json!({"registry-mirrors": ["a"], "log-opts": {"tag": "x"}, "debug": true});
    assert_eq!(text(empty, json!({}), previous), empty);
}

#[test]
fn only_what_landfall_brought_is_owned() {
    let existing = r#"{"insecure-registries":["p:1"],"debug":true,"log-opts":{"tag":"x"}}"#;
    let wanted = json!({
        "insecure-registries": ["p:1", "a:1"], "debug": true, "mtu": 9000,
        "log-opts": {"tag": "x", "max-file": "3"}
    });
    let first = merged(existing, wanted.clone(), json!({}));
    let owned = json!({"insecure-registries": ["a:1"], "mtu": 9000, "log-opts": {"max-file": "3"}});
    assert_eq!(Value::from(first.owned.clone()), owned);
    // A second run keeps that, and changes nothing.
    let second = merged(&first.text, wanted, owned);
    assert_eq!((second.owned.clone(), second.text.clone()), (first.owned, first.text));
    assert_eq!(second.changed_keys, []);
    // What is taken back is exactly what was brought.
    assert_eq!(text(&second.text, json!({}), Value::from(second.owned)), existing);
}

#[test]
fn broken_files_and_wrong_types_are_errors_with_their_place() {
    let error = |existing: &str, wanted: Value| {
        let error = merge(Some(existing), &object(wanted), &Map::new()).unwrap_err();
        assert!(!error.hint().is_empty());
        error.to_string()
    };
    assert_eq!(
        error("{\n  \"a\": 1,\n}", json!({})),
        "line 2, column 9: a comma behind the last entry"
    );
    assert_eq!(
        error("{\n  \"registry-mirrors\": \"x\"\n}", json!({"registry-mirrors": ["y"]})),
        "line 2, column 3: `registry-mirrors` is a string instead of a list of strings"
    );
    assert_eq!(
        error("{\"log-opts\": [1]}", json!({"log-opts": {}})),
        "line 1, column 2: `log-opts` is a list instead of an object"
    );
    assert_eq!(
        error("{}", json!({"registry-mirrors": "y"})),
        "`registry-mirrors` must be a list of strings, not a string"
    );
}

#[test]
fn log_limits_need_a_driver_that_knows_them() {
    let wanted = object(json!({"log-opts": {"max-size": "50m"}}));
    for driver in ["json-file", "local"] {
        let existing = json!({ "log-driver": driver }).to_string();
        assert!(merge(Some(&existing), &wanted, &Map::new()).is_ok());
    }
    let error = merge(Some(r#"{"log-driver":"journald"}"#), &wanted, &Map::new()).unwrap_err();
    assert_eq!(error.to_string(), "the log driver is `journald`, which does not know `max-size`");
    // A person's own log options are not judged.
    let unrelated = object(json!({"debug": true}));
    assert!(merge(Some(r#"{"log-driver":"journald"}"#), &unrelated, &Map::new()).is_ok());
}

#[test]
fn verdicts() {
    let change = |key: &str, after: Value| KeyChange {
        key: key.to_string(),
        before: Some(json!("before")),
        after: (!after.is_null()).then_some(after),
    };
    for (key, after, expected) in [
        ("registry-mirrors", json!(["a"]), Verdict::Reload),
        ("registry-mirrors", json!([]), Verdict::Restart),
        ("registry-mirrors", Value::Null, Verdict::Restart),
        ("debug", json!(false), Verdict::Reload),
        ("debug", Value::Null, Verdict::Restart),
        ("features", json!({}), Verdict::Restart),
        ("log-opts", json!({"max-file": "3"}), Verdict::Restart),
        ("data-root", json!("/data"), Verdict::Restart),
        ("unknown-key", json!(1), Verdict::Restart),
    ] {
        assert_eq!(verdict(&[change(key, after.clone())]), expected, "{key} {after}");
    }
    let both = [change("debug", json!(true)), change("bip", json!("10.0.0.1/8"))];
    assert_eq!(verdict(&both), Verdict::Restart);
    assert_eq!(verdict(&[]), Verdict::Nothing);
}

#[test]
fn an_empty_value_that_was_asked_for_goes_again() {
    for (key, empty) in [("insecure-registries", json!([])), ("features", json!({}))] {
        let wanted = object(json!({key: empty.clone()}));
        let none = Map::new();
        let first = merge(None, &wanted, &none).unwrap();
        assert_eq!((&first.value, &first.owned), (&wanted, &wanted), "{key}");
        let again = merge(Some(&first.text), &wanted, &first.owned).unwrap();
        assert_eq!((&again.text, &again.owned), (&first.text, &wanted), "{key}");
        let gone = merge(Some(&first.text), &none, &first.owned).unwrap();
        assert_eq!((&gone.value, &gone.owned), (&none, &none), "{key}");
        // Somebody else's stays.
        let theirs = merge(Some(&first.text), &wanted, &none).unwrap();
        assert_eq!(theirs.owned, none, "{key}");
        let gone = merge(Some(&first.text), &none, &theirs.owned).unwrap();
        assert_eq!(gone.value, wanted, "{key}");
    }
}

/// Every combination of what each party may say about a list, an object and a plain value.
#[test]
fn all_combinations_keep_what_is_not_ours() {
    let lists = [
        json!(null),
        json!([]),
        json!(["a"]),
        json!(["p"]),
        json!(["p", "a", "b"]),
        json!(["b", "a"]),
    ];
    let objects = [
        json!(null),
        json!({}),
        json!({"a": "1"}),
        json!({"a": "2", "p": "1"}),
        json!({"p": {"q": "1"}}),
    ];
    let plain = [json!(null), json!(1), json!(2)];
    let groups = [
        ("registry-mirrors", lists.as_slice()),
        ("insecure-registries", lists.as_slice()),
        ("builder", objects.as_slice()),
        ("runtimes", objects.as_slice()),
        ("mtu", plain.as_slice()),
    ];
    let says = |key: &str, value: &Value| match value {
        Value::Null => json!({}),
        value => json!({ key: value }),
    };
    for (key, values) in groups {
        for (now, wanted, previous) in values.iter().flat_map(|now| {
            values.iter().flat_map(move |w| values.iter().map(move |p| (now, w, p)))
        }) {
            let before = says(key, now);
            let existing = format!(
                "{{\"first\" : [ 1 ],{}\"last\":2}}",
                match now {
                    Value::Null => String::new(),
                    now => format!(" \"{key}\": {now} , "),
                }
            );
            let merged = merged(&existing, says(key, wanted), says(key, previous));
            let context =
                format!("{key}: now {now}, wanted {wanted}, previous {previous}: {}", merged.text);
            assert!(merged.text.starts_with("{\"first\" : [ 1 ]"), "{context}");
            assert!(merged.text.contains("\"last\":2"), "{context}");
            let after = merged.value.get(key);
            if let Some(list) = now.as_array() {
                let ours = previous.as_array().cloned().unwrap_or_default();
                let there = after.and_then(Value::as_array).cloned().unwrap_or_default();
                for element in list.iter().filter(|element| !ours.contains(element)) {
                    assert!(there.contains(element), "{context}");
                }
                for element in wanted.as_array().into_iter().flatten() {
                    assert!(there.contains(element), "{context}");
                }
            }
            if wanted.is_null() && (previous.is_null() || now.is_null()) {
                assert_eq!(merged.text, existing, "{context}");
            }
            if wanted.is_number() {
                assert_eq!(after, Some(wanted), "{context}");
            }
            assert_eq!(merged.changed_keys.is_empty(), before.get(key) == after, "{context}");
        }
    }
}
