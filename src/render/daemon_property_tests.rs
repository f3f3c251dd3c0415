//! What holds of every merge, whatever the three parties have.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::daemon_json::merge;
use super::json_document::{Document, range_of};

/// Elements from so few that the parties often have the same.
fn elements(form: &'static str) -> impl Strategy<Value = Value> {
    vec(0..4u8, 1..4).prop_map(move |numbers| {
        let mut seen = Vec::new();
        for number in numbers {
            let element = Value::from(form.replace('#', &number.to_string()));
            if !seen.contains(&element) {
                seen.push(element);
            }
        }
        Value::Array(seen)
    })
}

/// A value for one of the keys, of its type, and not empty: an empty list or object is nobody's.
fn member() -> impl Strategy<Value = (String, Value)> {
    let named = |key: &'static str, value: BoxedStrategy<Value>| {
        value.prop_map(move |value| (key.to_owned(), value)).boxed()
    };
    let options = btree_map("max-size|max-file|tag", "[1-3]m", 1..3);
    prop_oneof![
        named("debug", any::<bool>().prop_map(Value::from).boxed()),
        named("mtu", (1400..1403i64).prop_map(Value::from).boxed()),
        named("bip", "10\\.[1-3]\\.0\\.1/24".prop_map(Value::from).boxed()),
        named("registry-mirrors", elements("https://m#.example").boxed()),
        named("insecure-registries", elements("r#:5000").boxed()),
        named("dns", elements("10.0.0.#").boxed()),
        named("labels", elements("n#=x").boxed()),
        named("log-opts", options.prop_map(|map| json!(map)).boxed()),
    ]
}

fn keys() -> impl Strategy<Value = Map<String, Value>> {
    vec(member(), 0..6).prop_map(|members| members.into_iter().collect())
}

/// Keys that only a person sets.
fn foreign() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        any::<bool>().prop_map(Value::from),
        "[a-z\u{e9}\"\\\\ ]{0,6}".prop_map(Value::from)
    ];
    btree_map("x-[a-c]", value, 0..3).prop_map(|map| map.into_iter().collect())
}

/// A text that says this, as people write: spaces, tabs and lines where JSON allows them.
fn written(keys: Map<String, Value>) -> impl Strategy<Value = String> {
    let space = || prop_oneof![Just(""), Just(" "), Just("\n  "), Just("\n\t"), Just("\r\n    ")];
    let count = keys.len();
    (vec((space(), space(), space()), count), space()).prop_map(move |(spaces, end)| {
        let members = keys.iter().zip(spaces).map(|((key, value), (before, within, after))| {
            format!("{before}{}{within}:{after}{value}", Value::from(key.as_str()))
        });
        format!("{{{}{end}}}", members.collect::<Vec<_>>().join(","))
    })
}

/// What stands there, as text.
fn standing() -> impl Strategy<Value = String> {
    (keys(), foreign()).prop_flat_map(|(mut keys, foreign)| {
        keys.extend(foreign);
        written(keys)
    })
}

fn value_of(text: &str) -> Map<String, Value> {
    Document::parse(text).unwrap().value().clone()
}

/// The text of a member: key, colon, value.
fn slice(text: &str, key: &str) -> Option<String> {
    let document = Document::parse(text).unwrap();
    let property = document.root.as_ref()?.get(key)?;
    Some(text[property.range.start..range_of(&property.value).1].to_owned())
}

fn list<'a>(of: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    of.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_merge_finds_nothing_to_do(text in standing(), wanted in keys(), owned in keys()) {
        let merged = merge(Some(&text), &wanted, &owned).unwrap();
        prop_assert_eq!(&value_of(&merged.text), &merged.value);
        let again = merge(Some(&merged.text), &wanted, &merged.owned).unwrap();
        prop_assert_eq!(&again.text, &merged.text);
        prop_assert_eq!(&again.owned, &merged.owned);
        prop_assert!(again.changed_keys.is_empty());
    }

    #[test]
    fn what_is_wanted_is_there(text in standing(), wanted in keys(), owned in keys()) {
        let merged = merge(Some(&text), &wanted, &owned).unwrap().value;
        for (key, value) in &wanted {
            match value {
                Value::Array(elements) => {
                    prop_assert!(elements.iter().all(|it| list(&merged, key).contains(it)));
                }
                Value::Object(members) => {
                    prop_assert!(members.iter().all(|(name, it)| merged[key].get(name) == Some(it)));
                }
                value => prop_assert_eq!(merged.get(key), Some(value)),
            }
        }
    }

    #[test]
    fn what_others_have_stays(text in standing(), wanted in keys(), owned in keys()) {
        let now = value_of(&text);
        let merged = merge(Some(&text), &wanted, &owned).unwrap().value;
        for (key, value) in &now {
            if !wanted.contains_key(key) && !owned.contains_key(key) {
                prop_assert_eq!(merged.get(key), Some(value));
            }
            for element in list(&now, key).iter().filter(|it| !list(&owned, key).contains(it)) {
                prop_assert!(list(&merged, key).contains(element), "{} of {}", element, key);
            }
        }
    }

    #[test]
    fn what_does_not_change_keeps_every_byte(text in standing(), wanted in keys(), owned in keys()) {
        let merged = merge(Some(&text), &wanted, &owned).unwrap();
        for key in value_of(&text).keys() {
            if merged.changed_keys.iter().all(|change| change.key != *key) {
                prop_assert_eq!(slice(&text, key), slice(&merged.text, key));
            }
        }
        if merged.changed_keys.is_empty() {
            prop_assert_eq!(merged.text, text);
        }
    }

    /// What a person adds while Landfall's keys are there is what is left without them.
    #[test]
    fn uninstalling_is_the_merge_in_reverse(
        before in standing(), wanted in keys(), theirs in keys(), foreign in foreign()
    ) {
        let now = value_of(&before);
        // What replaces a person's value does not come back by a merge.
        let wanted: Map<String, Value> = wanted
            .into_iter()
            .filter(|(key, value)| value.is_array() || !now.contains_key(key))
            .collect();
        let installed = merge(Some(&before), &wanted, &Map::new()).unwrap();
        let mut added: Map<String, Value> = theirs
            .into_iter()
            .filter(|(key, _)| !wanted.contains_key(key) && !now.contains_key(key))
            .collect();
        added.extend(foreign.into_iter().filter(|(key, _)| !now.contains_key(key)));
        let edited = merge(Some(&installed.text), &added, &Map::new()).unwrap();

        let left = merge(Some(&edited.text), &Map::new(), &installed.owned).unwrap().value;
        let expected = merge(Some(&before), &added, &Map::new()).unwrap().value;
        for key in left.keys().chain(expected.keys()) {
            let order = |of: &Map<String, Value>| {
                let mut elements: Vec<String> = list(of, key).iter().map(Value::to_string).collect();
                elements.sort();
                (of.get(key).filter(|value| !value.is_array()).cloned(), elements)
            };
            prop_assert_eq!(order(&left), order(&expected), "{}", key);
        }
    }
}
