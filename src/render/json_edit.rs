//! Edits the text of a JSON object and keeps everything else byte for byte.
//!
//! A new text is put together from slices of the old one, so that what is not edited cannot
//! change: order, white space, spelling of numbers and strings. New members look like their
//! neighbours. (An editor that inserts into a tree and prints it again reformats one-line
//! objects and drops blank lines; slices cannot.)

use jsonc_parser::ast;
use serde_json::{Map, Value};

use super::json_document::{Document, range_of};

impl Document<'_> {
    /// The text that says `target` and is otherwise the same. Members that are not in `target`
    /// are removed, new ones come last.
    pub fn rewrite(&self, target: &Map<String, Value>) -> String {
        if *target == self.value {
            return self.text.to_string();
        }
        let style = Style::of(self.text, self.root.as_ref());
        match &self.root {
            None => style.render_object(target, &Layout::Lines(String::new())) + style.newline,
            Some(root) => {
                let (before, after) =
                    (&self.text[..root.range.start], &self.text[root.range.end..]);
                let object = style.object(root, target, &Layout::Lines(String::new()));
                format!("{before}{object}{after}")
            }
        }
    }
}

/// How a new value is laid out.
enum Layout {
    /// On one line.
    Inline,
    /// One entry to a line; holds the indentation of the line that the value starts in.
    Lines(String),
}

impl Layout {
    /// The layout of an entry that follows this white space.
    fn after(space: &str) -> Self {
        match space.rsplit_once('\n') {
            Some((_, indent)) => Self::Lines(indent.to_string()),
            None => Self::Inline,
        }
    }
}

/// How a text is written, and the text itself.
struct Style<'a> {
    text: &'a str,
    newline: &'static str,
    /// One step of indentation.
    step: String,
    /// Between a key and its value.
    colon: String,
    /// Between entries on one line.
    comma: &'static str,
}

impl<'a> Style<'a> {
    fn of(text: &'a str, root: Option<&ast::Object<'_>>) -> Self {
        let first = root.and_then(|root| Some((root, root.properties.first()?)));
        let lead = first.map(|(root, first)| &text[root.range.start + 1..first.range.start]);
        let colon = first.map(|(_, first)| colon_of(text, first)).filter(|c| !c.contains('\n'));
        let colon = colon.unwrap_or(": ");
        Self {
            text,
            newline: if text.contains("\r\n") { "\r\n" } else { "\n" },
            step: match lead.map(Layout::after) {
                Some(Layout::Lines(indent)) => indent,
                _ => "  ".to_string(),
            },
            comma: if colon.ends_with(char::is_whitespace) { ", " } else { "," },
            colon: colon.to_string(),
        }
    }

    /// The text of a node that shall say `target`.
    fn value(&self, node: &ast::Value<'_>, target: &Value, layout: &Layout) -> String {
        let (start, end) = range_of(node);
        let raw = &self.text[start..end];
        if serde_json::from_str::<Value>(raw).is_ok_and(|value| value == *target) {
            return raw.to_string();
        }
        match (node, target) {
            (ast::Value::Object(object), Value::Object(target)) => {
                self.object(object, target, layout)
            }
            (ast::Value::Array(array), Value::Array(target)) => self.array(array, target, layout),
            _ => self.render(target, layout),
        }
    }

    fn object(
        &self,
        object: &ast::Object<'_>,
        target: &Map<String, Value>,
        layout: &Layout,
    ) -> String {
        let inside = (object.range.start + 1, object.range.end - 1);
        let ranges: Vec<_> =
            object.properties.iter().map(|p| (p.range.start, p.range.end)).collect();
        let spacing = self.spacing(inside, &ranges);
        let mut entries = Vec::new();
        for (property, separator) in object.properties.iter().zip(spacing.separators) {
            if let Some(value) = target.get(property.name.as_str()) {
                let name = &self.text[property.range.start..range_of(&property.value).0];
                let layout = Layout::after(separator);
                let body = format!("{name}{}", self.value(&property.value, value, &layout));
                entries.push((separator.to_string(), body));
            }
        }
        if entries.is_empty() {
            let spread = object.properties.is_empty() || spacing.lead.contains('\n');
            return self.render_object(target, if spread { layout } else { &Layout::Inline });
        }
        let layout = Layout::after(&spacing.separator);
        for (key, value) in target {
            if !object.properties.iter().any(|property| property.name.as_str() == key) {
                entries.push((spacing.separator.clone(), self.member(key, value, &layout)));
            }
        }
        join('{', spacing.lead, &entries, spacing.tail, '}')
    }

    fn array(&self, array: &ast::Array<'_>, target: &[Value], layout: &Layout) -> String {
        let inside = (array.range.start + 1, array.range.end - 1);
        let ranges: Vec<_> = array.elements.iter().map(range_of).collect();
        if ranges.is_empty() || target.is_empty() {
            return self.render(&Value::Array(target.to_vec()), layout);
        }
        let spacing = self.spacing(inside, &ranges);
        let layout = Layout::after(&spacing.separator);
        let mut unused: Vec<&str> =
            ranges.iter().map(|(start, end)| &self.text[*start..*end]).collect();
        let entries: Vec<_> = target
            .iter()
            .map(|element| {
                let same = unused.iter().position(|raw| {
                    serde_json::from_str::<Value>(raw).is_ok_and(|value| value == *element)
                });
                let body = match same {
                    Some(index) => unused.remove(index).to_string(),
                    None => self.render(element, &layout),
                };
                (spacing.separator.clone(), body)
            })
            .collect();
        join('[', spacing.lead, &entries, spacing.tail, ']')
    }

    /// The text between the entries of an object or array.
    fn spacing(&self, inside: (usize, usize), entries: &[(usize, usize)]) -> Spacing<'a> {
        let mut end = inside.0;
        let mut separators = Vec::new();
        for entry in entries {
            separators.push(&self.text[end..entry.0]);
            end = entry.1;
        }
        let lead = separators.first().copied().unwrap_or_default();
        // A new entry repeats the last separator, without blank lines.
        let separator = match (separators.as_slice(), Layout::after(lead)) {
            ([_, .., last], _) => match (last.split_once('\n'), last.rsplit_once('\n')) {
                (Some((before, _)), Some((_, after))) => format!("{before}\n{after}"),
                _ => (*last).to_string(),
            },
            (_, Layout::Lines(indent)) => format!(",{}{indent}", self.newline),
            (_, Layout::Inline) => self.comma.to_string(),
        };
        Spacing { lead, separators, separator, tail: &self.text[end..inside.1] }
    }

    fn member(&self, key: &str, value: &Value, layout: &Layout) -> String {
        format!("{}{}{}", Value::from(key), self.colon, self.render(value, layout))
    }

    fn render(&self, value: &Value, layout: &Layout) -> String {
        match value {
            Value::Object(object) => self.render_object(object, layout),
            Value::Array(elements) => {
                self.render_entries('[', elements, |e, inner| self.render(e, inner), layout, ']')
            }
            scalar => scalar.to_string(),
        }
    }

    fn render_object(&self, object: &Map<String, Value>, layout: &Layout) -> String {
        let member =
            |(key, value): (&String, &Value), inner: &Layout| self.member(key, value, inner);
        self.render_entries('{', object, member, layout, '}')
    }

    fn render_entries<T>(
        &self,
        open: char,
        entries: impl IntoIterator<Item = T>,
        render: impl Fn(T, &Layout) -> String,
        layout: &Layout,
        close: char,
    ) -> String {
        let (inner, lead, separator, tail) = match layout {
            Layout::Inline => {
                (Layout::Inline, String::new(), self.comma.to_string(), String::new())
            }
            Layout::Lines(indent) => {
                let deeper = format!("{indent}{}", self.step);
                let lead = format!("{}{deeper}", self.newline);
                let separator = format!(",{lead}");
                (Layout::Lines(deeper), lead, separator, format!("{}{indent}", self.newline))
            }
        };
        let entries: Vec<String> = entries.into_iter().map(|entry| render(entry, &inner)).collect();
        if entries.is_empty() {
            return format!("{open}{close}");
        }
        format!("{open}{lead}{}{tail}{close}", entries.join(&separator))
    }
}

/// The text between the entries of an object or array.
struct Spacing<'a> {
    /// Before the first entry.
    lead: &'a str,
    /// Before each entry: for the first one the lead, for the others with the comma.
    separators: Vec<&'a str>,
    /// Before a new entry, with the comma.
    separator: String,
    /// Behind the last entry.
    tail: &'a str,
}

/// What stands between a key and its value.
fn colon_of<'a>(text: &'a str, property: &ast::ObjectProp<'_>) -> &'a str {
    let name_end = match &property.name {
        ast::ObjectPropName::String(name) => name.range.end,
        ast::ObjectPropName::Word(name) => name.range.end,
    };
    &text[name_end..range_of(&property.value).0]
}

/// Entries, each with what stands before it; for the first one that is `lead` instead.
fn join(open: char, lead: &str, entries: &[(String, String)], tail: &str, close: char) -> String {
    let mut text = format!("{open}{lead}");
    for (index, (separator, body)) in entries.iter().enumerate() {
        if index > 0 {
            text.push_str(separator);
        }
        text.push_str(body);
    }
    text + tail + &close.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn edit(text: &str, target: Value) -> String {
        let edited = Document::parse(text).unwrap().rewrite(target.as_object().unwrap());
        let read_again = Document::parse(&edited).unwrap_or_else(|e| panic!("{e}\n{edited}"));
        assert_eq!(Value::from(read_again.value().clone()), target, "{edited}");
        edited
    }

    /// Old text, what it shall say, new text.
    fn cases() -> Vec<(&'static str, Value, &'static str)> {
        vec![
            // Nothing there yet.
            ("", json!({"a": 1}), "{\n  \"a\": 1\n}\n"),
            (" \n", json!({"a": ["x", "y"]}), "{\n  \"a\": [\n    \"x\",\n    \"y\"\n  ]\n}\n"),
            ("{}", json!({"a": {"b": "c"}}), "{\n  \"a\": {\n    \"b\": \"c\"\n  }\n}"),
            ("{}\n", json!({"a": []}), "{\n  \"a\": []\n}\n"),
            ("{\r\n}\r\n", json!({"a": 1}), "{\r\n  \"a\": 1\r\n}\r\n"),
            // New members look like their neighbours.
            (
                "{\n\t\"a\": 1\n}",
                json!({"a": 1, "b": [2]}),
                "{\n\t\"a\": 1,\n\t\"b\": [\n\t\t2\n\t]\n}",
            ),
            (
                "{\r\n \"a\" : 1\r\n}",
                json!({"a": 1, "b": 2}),
                "{\r\n \"a\" : 1,\r\n \"b\" : 2\r\n}",
            ),
            (r#"{"a":1}"#, json!({"a": 1, "b": {"c": [1, 2]}}), r#"{"a":1,"b":{"c":[1,2]}}"#),
            (r#"{ "a": 1 }"#, json!({"a": 1, "b": [1, 2]}), r#"{ "a": 1, "b": [1, 2] }"#),
            (
                "{\n  \"a\": 1\n, \"b\": 2\n}",
                json!({"a": 1, "b": 2, "c": 3}),
                "{\n  \"a\": 1\n, \"b\": 2\n, \"c\": 3\n}",
            ),
            (
                "{\n  \"a\": 1,\n\n  \"b\": 2\n\n}\n",
                json!({"a": 1, "b": 2, "c": 3}),
                "{\n  \"a\": 1,\n\n  \"b\": 2,\n  \"c\": 3\n\n}\n",
            ),
            (
                "{\r\n  \"a\": 1,\r\n\r\n  \"b\": 2\r\n}",
                json!({"a": 1, "b": 2, "c": 3}),
                "{\r\n  \"a\": 1,\r\n\r\n  \"b\": 2,\r\n  \"c\": 3\r\n}",
            ),
            // Values are replaced where they stand.
            (
                "{\"a\":  1 , \"b\":\t[ 1,2 ]}",
                json!({"a": "é\n", "b": [1, 2]}),
                "{\"a\":  \"é\\n\" , \"b\":\t[ 1,2 ]}",
            ),
            (
                "{\"a\": {\"x\": 1e0, \"y\": \"\\u00e9\"}}",
                json!({"a": {"x": 1.0, "y": "é", "z": null}}),
                "{\"a\": {\"x\": 1e0, \"y\": \"\\u00e9\", \"z\": null}}",
            ),
            ("{\n  \"a\": {}\n}", json!({"a": {"b": 1}}), "{\n  \"a\": {\n    \"b\": 1\n  }\n}"),
            ("{\n  \"a\": null\n}", json!({"a": ["b"]}), "{\n  \"a\": [\n    \"b\"\n  ]\n}"),
            // Lists keep their own style and the spelling of what stays.
            ("{\n  \"a\": [\"x\"]\n}", json!({"a": ["w", "x"]}), "{\n  \"a\": [\"w\", \"x\"]\n}"),
            (
                "{\n  \"a\": [\n    \"\\u0078\"\n  ]\n}",
                json!({"a": ["w", "x"]}),
                "{\n  \"a\": [\n    \"w\",\n    \"\\u0078\"\n  ]\n}",
            ),
            ("{\"a\":[1,2,3]}", json!({"a": [3, 4]}), "{\"a\":[3,4]}"),
            ("{\"a\": [ 1 ]}", json!({"a": [2]}), "{\"a\": [ 2 ]}"),
            ("{\"a\": [ 1 ]}", json!({"a": []}), "{\"a\": []}"),
            // Removing: first, middle, last, several, all.
            (
                "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n",
                json!({"b": 2, "c": 3}),
                "{\n  \"b\": 2,\n  \"c\": 3\n}\n",
            ),
            (
                "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n",
                json!({"a": 1, "c": 3}),
                "{\n  \"a\": 1,\n  \"c\": 3\n}\n",
            ),
            ("{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n", json!({"a": 1}), "{\n  \"a\": 1\n}\n"),
            ("{ \"a\": 1, \"b\": 2 }", json!({"c": 3}), "{\"c\": 3}"),
            ("{\n  \"a\": 1\n}\n", json!({}), "{}\n"),
            (
                "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
                json!({"b": 2, "c": 3}),
                "{\n  \"b\": 2,\n  \"c\": 3\n}\n",
            ),
        ]
    }

    #[test]
    fn edits_keep_the_style_of_the_file() {
        for (text, target, expected) in cases() {
            assert_eq!(edit(text, target), expected, "from {text:?}");
        }
    }

    #[test]
    fn a_text_that_says_it_already_is_not_touched() {
        for (text, ..) in cases() {
            let document = Document::parse(text).unwrap();
            assert_eq!(document.rewrite(&document.value().clone()), text);
        }
    }

    #[test]
    fn members_that_are_not_edited_keep_every_byte() {
        let oddities = [
            r#""plain": 1"#,
            "\"spread\"\n:\t[ 1 ,\n\n 2,\r\n{ \"deep\" : { \"er\" :[ ] } } ]",
            r#""number": -0.50E+3"#,
            r#""escaped\u002dkey": "\ud83d\ude00 / \/ é 鲸""#,
        ];
        for (index, kept) in oddities.iter().enumerate() {
            for layout in
                ["{KEPT}", "{ \"x\": 1, KEPT , \"y\": [1]}\n", "\n{\n \"y\": [1],\n\n KEPT}"]
            {
                let text = layout.replace("KEPT", kept);
                let mut target = Document::parse(&text).unwrap().value().clone();
                target.insert("new".to_string(), json!({"a": [1, "b"]}));
                if target.contains_key("y") {
                    target.insert("y".to_string(), json!([2, 1]));
                }
                target.shift_remove("x");
                let edited = edit(&text, Value::from(target));
                assert!(edited.contains(kept), "case {index}: {edited}");
                let (before, after) = layout.split_once("KEPT").unwrap();
                assert!(!before.starts_with('\n') || edited.starts_with("\n{\n "), "{edited}");
                assert!(!after.ends_with('\n') || edited.ends_with("}\n"), "{edited}");
            }
        }
    }
}
