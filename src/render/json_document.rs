//! Reads a JSON object whose text will be edited: strictly, as the daemon does, with the place
//! of everything that is wrong.

use std::collections::BTreeMap;

use crate::texts::phrases::daemon_json as phrases;
use jsonc_parser::ast;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Map, Value};

/// Why a text is not the JSON object that it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It starts with a byte order mark.
    ByteOrderMark,
    /// It is not JSON.
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A key stands twice in one object.
    DuplicateKey {
        /// Line of the second one, from 1.
        line: usize,
        /// Column of the second one, from 1.
        column: usize,
        /// The key.
        key: String,
        /// Line of the first one.
        first_line: usize,
    },
    /// It is JSON, but not an object.
    NotAnObject {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What it holds.
        found: &'static str,
    },
}

/// A parsed text.
#[derive(Debug)]
pub struct Document<'a> {
    pub(super) text: &'a str,
    /// `None` for a text without any value.
    pub(super) root: Option<ast::Object<'a>>,
    pub(super) value: Map<String, Value>,
}

impl<'a> Document<'a> {
    /// Parses strict JSON. A text that is empty or only white space counts as `{}`.
    ///
    /// # Errors
    /// A [`JsonError`] that names line and column.
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        if text.starts_with('\u{feff}') {
            return Err(JsonError::ByteOrderMark);
        }
        if text.trim_ascii().is_empty() {
            return Ok(Self { text, root: None, value: Map::new() });
        }
        let root = match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
            Ok(parsed) => parsed.value,
            Err(error) => return Err(syntax(&error)),
        };
        // A second opinion, stricter about escapes and control characters.
        let value: Value = serde_json::from_str(text).map_err(|error| JsonError::Syntax {
            line: error.line(),
            column: error.column(),
            problem: error.to_string().split(" at line ").next().unwrap_or_default().to_string(),
        })?;
        match (root, value) {
            (Some(ast::Value::Object(root)), Value::Object(value)) => {
                find_duplicates(text, &root)?;
                Ok(Self { text, root: Some(root), value })
            }
            (root, value) => {
                let (line, column) = place(text, root.map_or(0, |root| range_of(&root).0));
                Err(JsonError::NotAnObject { line, column, found: kind_of(&value) })
            }
        }
    }

    /// What the text says.
    pub fn value(&self) -> &Map<String, Value> {
        &self.value
    }

    /// Line and column, from 1, of a key at the top.
    pub fn place_of(&self, key: &str) -> Option<(usize, usize)> {
        let property = self.root.as_ref()?.get(key)?;
        Some(place(self.text, property.range.start))
    }
}

/// JSON and nothing else.
pub(super) const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

fn syntax(error: &ParseError) -> JsonError {
    let problem = match error.kind() {
        ParseErrorKind::CommentsNotAllowed => phrases::COMMENT.to_string(),
        ParseErrorKind::TrailingCommasNotAllowed => phrases::TRAILING_COMMA.to_string(),
        other => {
            let text = other.to_string();
            text.chars().take(1).flat_map(char::to_lowercase).chain(text.chars().skip(1)).collect()
        }
    };
    JsonError::Syntax { line: error.line_display(), column: error.column_display(), problem }
}

fn find_duplicates(text: &str, object: &ast::Object<'_>) -> Result<(), JsonError> {
    let mut seen = BTreeMap::new();
    for property in &object.properties {
        let start = property.range.start;
        if let Some(first) = seen.insert(property.name.as_str(), start) {
            let (line, column) = place(text, start);
            return Err(JsonError::DuplicateKey {
                line,
                column,
                key: property.name.as_str().to_string(),
                first_line: place(text, first).0,
            });
        }
        find_duplicates_in(text, &property.value)?;
    }
    Ok(())
}

fn find_duplicates_in(text: &str, value: &ast::Value<'_>) -> Result<(), JsonError> {
    match value {
        ast::Value::Object(object) => find_duplicates(text, object),
        ast::Value::Array(array) => {
            array.elements.iter().try_for_each(|element| find_duplicates_in(text, element))
        }
        _ => Ok(()),
    }
}

/// Line and column, both from 1, of a byte offset.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// What a value is, with its article, for messages.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => phrases::NULL,
        Value::Bool(_) => phrases::TRUE_OR_FALSE,
        Value::Number(_) => phrases::A_NUMBER,
        Value::String(_) => phrases::A_STRING,
        Value::Array(_) => phrases::A_LIST,
        Value::Object(_) => phrases::AN_OBJECT,
    }
}

/// Where a node starts and ends in its text.
pub(super) fn range_of(value: &ast::Value<'_>) -> (usize, usize) {
    let range = match value {
        ast::Value::StringLit(node) => node.range,
        ast::Value::NumberLit(node) => node.range,
        ast::Value::BooleanLit(node) => node.range,
        ast::Value::Object(node) => node.range,
        ast::Value::Array(node) => node.range,
        ast::Value::NullKeyword(node) => node.range,
    };
    (range.start, range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_a_text_is_wrong_and_why() {
        for (text, expected) in [
            ("{\n  \"a\": 1,\n}", "line 2, column 9: a comma behind the last entry"),
            ("{\"a\": [1,]}", "line 1, column 9: a comma behind the last entry"),
            ("{\n  // why\n  \"a\": 1\n}", "line 2, column 3: a comment"),
            ("{ \"é\": 1 /* x */ }", "line 1, column 10: a comment"),
            ("{'a': 1}", "line 1, column 2: single-quoted strings are not allowed"),
            ("\u{feff}{}", "line 1, column 1: the file starts with a byte order mark"),
            ("{\"a\": 1\n \"b\": 2}", "line 1, column 8: expected comma"),
            ("{\"a\": 0x1F}", "line 1, column 7: hexadecimal numbers are not allowed"),
            ("{a: 1}", "line 1, column 2: expected string for object property"),
            ("[1]", "line 1, column 1: the file holds a list instead of an object { … }"),
            ("\n \"x\"", "line 2, column 2: the file holds a string instead of an object { … }"),
            (
                "{\n \"a\": 1,\n \"b\": 2, \"\\u0061\": 3}",
                "line 3, column 10: the key `a` is there already, in line 2",
            ),
            (
                "{\"a\": [{\"b\": 1, \"b\": 1}]}",
                "line 1, column 17: the key `b` is there already, in line 1",
            ),
        ] {
            let error = Document::parse(text).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text:?}");
            assert!(!error.hint().is_empty());
        }
    }

    #[test]
    fn takes_nothing_that_is_not_json() {
        for text in [
            "{",
            "}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1}}",
            "{\"a\": 01}",
            "{\"a\": +1}",
            "{\"a\": .5}",
            "{\"a\": 1.}",
            "{\"a\": NaN}",
            "{\"a\": \"\\x41\"}",
            "{\"a\": \"\t\"}",
            "{\"a\": \"\u{1}\"}",
            "{\"a\": \"\\ud800\"}",
            "{\"a\": tru}",
            "{,}",
            "{\"a\": 1,,}",
            "{} {}",
            "\u{a0}{}",
            "{}\0",
            "{\"a\": \"x}",
            "{\"a\": [1}",
        ] {
            assert!(Document::parse(text).is_err(), "{text:?}");
        }
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(matches!(Document::parse(&deep), Err(JsonError::Syntax { .. })));
    }

    #[test]
    fn knows_the_places_of_keys() {
        let document = Document::parse("{\n  \"a\": 1, \"ключ\": 2, \"b\": 3\n}").unwrap();
        assert_eq!(document.place_of("a"), Some((2, 3)));
        assert_eq!(document.place_of("b"), Some((2, 22)));
        assert_eq!(document.place_of("c"), None);
    }
}
