//! Repairs a text that is almost JSON, where nothing has to be guessed: a byte order mark, comments,
//! commas before a closing bracket, and a key that says the same thing twice.

use std::ops::Range;

use jsonc_parser::ast;
use jsonc_parser::tokens::Token;
use jsonc_parser::{CollectOptions, Scanner, ScannerOptions, parse_to_ast};

use super::json_document::{Document, JsonError, STRICT, range_of};

/// The same text as JSON; the text itself if it is JSON already.
///
/// # Errors
/// The first [`JsonError`] that is left, with its place in the text that was given as far as lines
/// that hold comments alone do not come before it.
pub fn repaired(text: &str) -> Result<String, JsonError> {
    let Err(error) = Document::parse(text) else { return Ok(text.to_owned()) };
    let bare = text.trim_start_matches('\u{feff}');
    // What cannot even be read token by token is told as it is.
    let Some(spare) = spare_tokens(bare) else { return Err(error) };
    let mut json = without(bare, &spare);
    if let Some(twice) = said_twice(&json) {
        json = without(&json, &twice);
    }
    match Document::parse(&json) {
        Ok(_) => Ok(json),
        // Lines are the same only if none was taken away.
        Err(left) if json.lines().count() == text.lines().count() => Err(left),
        Err(_) => Err(error),
    }
}

/// Comments, and commas that nothing follows.
fn spare_tokens(text: &str) -> Option<Vec<Range<usize>>> {
    // Only comments are read beyond JSON; all else is left to be found by the parser.
    let options = ScannerOptions {
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let mut scanner = Scanner::new(text, &options);
    let mut spare = Vec::new();
    let (mut comma, mut follows_value) = (None, false);
    while let Some(token) = scanner.scan().ok()? {
        let range = scanner.token_start()..scanner.token_end();
        match token {
            Token::CommentLine(_) | Token::CommentBlock(_) => {
                spare.push(whole_line(text, range));
                continue;
            }
            Token::CloseBrace | Token::CloseBracket => spare.extend(comma.take()),
            _ => {}
        }
        comma = (matches!(token, Token::Comma) && follows_value).then_some(range);
        follows_value =
            !matches!(token, Token::Comma | Token::Colon | Token::OpenBrace | Token::OpenBracket);
    }
    spare.sort_by_key(|range| range.start);
    Some(spare)
}

/// A comment with what would be left of its line: the line, or the space before it.
fn whole_line(text: &str, comment: Range<usize>) -> Range<usize> {
    let is_space = |c: char| c == ' ' || c == '\t';
    let before = &text[..comment.start];
    let kept = before.trim_end_matches(is_space);
    let rest = &text[comment.end..];
    let line_end = rest.trim_start_matches(is_space);
    match line_end.strip_prefix("\r\n").or_else(|| line_end.strip_prefix('\n')) {
        Some(next) if kept.is_empty() || kept.ends_with('\n') => {
            kept.len()..text.len() - next.len()
        }
        Some(_) => kept.len()..comment.end,
        None if line_end.is_empty() => kept.len()..text.len(),
        None => comment,
    }
}

/// Members whose key and value stand before in the same object already, each with the comma before
/// it.
fn said_twice(text: &str) -> Option<Vec<Range<usize>>> {
    let root = parse_to_ast(text, &CollectOptions::default(), &STRICT).ok()?.value?;
    let mut spare = Vec::new();
    find_twice(text, &root, &mut spare);
    Some(spare)
}

fn find_twice(text: &str, value: &ast::Value<'_>, spare: &mut Vec<Range<usize>>) {
    match value {
        ast::Value::Object(object) => {
            for (index, property) in object.properties.iter().enumerate() {
                let said = |node: &ast::Value<'_>| {
                    let (start, end) = range_of(node);
                    serde_json::from_str::<serde_json::Value>(&text[start..end]).ok()
                };
                let earlier = &object.properties[..index];
                let same = earlier.iter().any(|other| {
                    other.name.as_str() == property.name.as_str()
                        && said(&other.value) == said(&property.value)
                });
                match earlier.last() {
                    Some(last) if same => spare.push(last.range.end..property.range.end),
                    _ => find_twice(text, &property.value, spare),
                }
            }
        }
        ast::Value::Array(array) => {
            array.elements.iter().for_each(|element| find_twice(text, element, spare));
        }
        _ => {}
    }
}

/// The text without these ranges, which are in order.
fn without(text: &str, ranges: &[Range<usize>]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        kept.push_str(&text[at..range.start.max(at)]);
        at = range.end.max(at);
        // What a comment parts are two tokens, with and without it.
        let is_word = |c: char| c.is_alphanumeric() || "\"+-.".contains(c);
        if kept.ends_with(is_word) && text[at..].starts_with(is_word) {
            kept.push(' ');
        }
    }
    kept.push_str(&text[at..]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_guess() {
        for (broken, json) in [
            ("\u{feff}{\"debug\": true}\n", "{\"debug\": true}\n"),
            ("{\n  \"debug\": true,\n}\n", "{\n  \"debug\": true\n}\n"),
            ("{\"dns\": [\"1.1.1.1\", ],}", "{\"dns\": [\"1.1.1.1\" ]}"),
            ("{\n  // why\n  \"debug\": true // so\n}\n", "{\n  \"debug\": true\n}\n"),
            ("{ /* a, */ \"debug\": true, /* b */ }", "{  \"debug\": true  }"),
            ("{\"a\": 1, // x\n}\n// end", "{\"a\": 1\n}\n"),
            ("{\"a\": \"//\",\n \"a\": \"//\"}", "{\"a\": \"//\"}"),
            ("{\"a\": {\"b\": [1, 2], \"b\": [1,2]}}", "{\"a\": {\"b\": [1, 2]}}"),
            ("{\r\n  // x\r\n  \"a\": 1,\r\n}\r\n", "{\r\n  \"a\": 1\r\n}\r\n"),
            ("{\"a\": \"\u{e9}\"}", "{\"a\": \"\u{e9}\"}"),
        ] {
            assert_eq!(repaired(broken).as_deref(), Ok(json), "{broken:?}");
        }
    }

    #[test]
    fn what_would_be_a_guess_is_told() {
        for broken in [
            "{\"a\": 1, \"a\": 2}",
            "{\"a\": 1 \"b\": 2}",
            "{'a': 1}",
            "{\"a\": tru}",
            "{\"a\": \"x",
            "{\"a\": 1",
            "[1,]",
            "{,}",
            "{\"a\": 1,,}",
            "{\"a\": 15/**/00}",
        ] {
            assert!(repaired(broken).is_err(), "{broken:?}: {:?}", repaired(broken));
        }
    }

    #[test]
    fn what_is_left_is_told_with_its_place() {
        let text = "{\n  \"a\": 1,\n  \"b\": [2,],\n  \"a\": 3\n}\n";
        let left = repaired(text).unwrap_err();
        assert!(matches!(left, JsonError::DuplicateKey { line: 4, .. }), "{left:?}");
    }
}
