//! Takes secrets out of texts that leave a host: probes and support bundles.
//!
//! What is known to hold a secret is removed and a mark left in its place, so that a reader
//! sees that something was there: userinfo in URLs and in proxies, values of keys that are
//! named like passwords, credentials of HTTP, private keys, and all values of a unit's
//! `Environment=`. Names, hosts, paths and addresses stay. It errs on the side of removing.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// What stands where a secret was.
pub const REMOVED: &str = "<removed>";

/// A text without what looks like a secret. Texts without secrets come back as they were;
/// doing it twice changes nothing more.
pub fn text(text: &str) -> String {
    let mut text = PRIVATE_KEY.replace_all(text, REMOVED).into_owned();
    text = ENVIRONMENT.replace_all(&text, environment_line).into_owned();
    for rule in RULES.iter() {
        text = rule.pattern.replace_all(&text, |found: &Captures<'_>| rule.without(found)).into();
    }
    text
}

/// Where a probe has objects whose keys name things of the host, not settings: a user may be
/// called `tokenadmin`.
const NAMES: [&str; 7] = [
    "/facts/accounts/groups",
    "/facts/accounts/users",
    "/facts/kernel/config",
    "/facts/packages/engines",
    "/facts/packages/users",
    "/facts/programs",
    "/facts/units",
];

/// A JSON document without what looks like a secret: keys decide too, also where the text
/// of a value alone would not tell.
pub fn json(document: &mut Value) {
    let mut named = Vec::new();
    for pointer in NAMES {
        if let Some(things @ Value::Object(_)) = document.pointer_mut(pointer) {
            named.push((pointer, things.take()));
        }
    }
    by_key(document);
    for (pointer, mut things) in named {
        things.as_object_mut().into_iter().flat_map(|things| things.values_mut()).for_each(by_key);
        if let Some(place) = document.pointer_mut(pointer) {
            *place = things;
        }
    }
}

fn by_key(value: &mut Value) {
    match value {
        Value::String(content) => *content = text(content),
        Value::Array(values) => values.iter_mut().for_each(by_key),
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                // A path names a file, not what is in it.
                if SECRET_KEY.is_match(key) && !key.contains('/') {
                    remove_leaves(value);
                } else if ENVIRONMENT_KEY.is_match(key) {
                    names_alone(value);
                } else if let (true, Value::String(proxy)) = (PROXY_KEY.is_match(key), &mut *value)
                {
                    *proxy = without_userinfo(proxy);
                } else {
                    by_key(value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text that may be JSON, one object a line (a journal); lines that are not are taken as
/// text.
pub fn json_lines(lines: &str) -> String {
    let mut clean = String::with_capacity(lines.len());
    for line in lines.split_inclusive('\n') {
        match serde_json::from_str::<Value>(line) {
            Ok(mut value) => {
                json(&mut value);
                clean.push_str(&value.to_string());
                clean.push('\n');
            }
            Err(_) => clean.push_str(&text(line)),
        }
    }
    clean
}

/// A text that should be JSON: one document, or one object a line.
pub fn json_text(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            json(&mut value);
            format!("{value:#}\n")
        }
        Err(_) => json_lines(text),
    }
}

/// How many marks a text holds.
pub fn marks(text: &str) -> usize {
    text.matches(REMOVED).count()
}

/// What removes one kind of secret: the groups `keep` and `after` of the pattern stay.
struct Rule {
    pattern: Regex,
}

impl Rule {
    fn without(&self, found: &Captures<'_>) -> String {
        let group = |name| found.name(name).map_or("", |part| part.as_str());
        let value = group("value");
        if matches!(value, "true" | "false" | "null") || value.contains(REMOVED) {
            return found[0].to_owned();
        }
        let quote = |text: &str| text.chars().take_while(|c| "\\\"'".contains(*c)).collect();
        let (open, close): (String, String) = match value.chars().next() {
            Some('"' | '\'' | '\\') => (quote(value), quote(value)),
            _ => Default::default(),
        };
        format!("{}{open}{REMOVED}{close}{}", group("keep"), group("after"))
    }
}

/// Words that name a secret, within the name of a key.
/// (`gpasswd` is a program, not a secret).
const SECRET: &str = r"passwor[dt]|(?:\b|[^g])passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|(?:\b|_)(?:pass|pwd|psk)\b";

/// A value: in quotes that are escaped, in quotes, or up to the next space.
const VALUE: &str =
    r#"\\+"[^"\\\n]*\\*"?|"(?:[^"\\\n]|\\.)*(?:"|$)|'[^'\n]*(?:'|$)|[^\s&"'{\[\\][^\s&"'\\]*"#;

#[allow(clippy::expect_used)] // constants; a test compiles them all
fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that a test compiles")
}

static PRIVATE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)")
});

/// `Environment=` of a unit with the lines that continue it; a drop-in's, or as
/// `systemctl show` prints it. `SetCredential=` holds its secret in the same way.
static ENVIRONMENT: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?m)^(?P<key>[ \t]*(?:Environment|SetCredential|SetCredentialEncrypted)=)(?P<value>(?:[^\n]*\\\n)*[^\n]*)$",
    )
});

static SECRET_KEY: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(r"(?i)(?:{SECRET})|^_?auth$|^x-registry-auth$|authorization$"))
});

static ENVIRONMENT_KEY: LazyLock<Regex> = LazyLock::new(|| regex("(?i)^env(ironment)?$"));

static PROXY_KEY: LazyLock<Regex> = LazyLock::new(|| regex("(?i)proxy$"));

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let patterns = [
        // scheme://user:password@host, slashes escaped or not
        r#"(?i)(?P<keep>\b[a-z][a-z0-9+.-]*:(?://|\\/\\/))(?P<value>[^\s/"'\\<>]+)(?P<after>@)"#
            .to_owned(),
        // HTTP_PROXY=user:password@host
        r#"(?i)(?P<keep>proxy\\*["']?\s*[:=]\s*\\*["']?(?:[a-z]+://)?)(?P<value>[^\s"'\\<>]+)(?P<after>@)"#
            .to_owned(),
        // Authorization: Basic …, to the end of the line or of the quotes
        r#"(?i)(?P<keep>\b(?:(?:proxy-)?authorization|x-registry-auth|(?:set-)?cookie)\\*["']?\s*[:=]\s*\\*["'\[]*)(?P<value>[^\s"'\\\[\]<][^\n"'\\\]<]*)"#
            .to_owned(),
        r"(?P<keep>\b(?:Basic|Bearer)\s+)(?P<value>[A-Za-z0-9+/._~=-]{8,})".to_owned(),
        // password: …, "token": "…", SECRET=…
        format!(
            r#"(?im)(?P<keep>(?:[\w.-]*(?:{SECRET})[\w.-]*|\b_?auth)\\*["']?\s*[:=]\s*)(?P<value>{VALUE})"#
        ),
        // --password …
        format!(r#"(?i)(?P<keep>\s--?[\w-]*(?:{SECRET})[\w-]*\s+)(?P<value>[^\s\-"'][^\s"']*)"#),
        // …?signature=…
        r#"(?i)(?P<keep>[?&](?:sig|signature|x-amz-[\w-]+)=)(?P<value>[^&\s"']+)"#.to_owned(),
        // JSON web tokens, wherever they stand
        r"(?P<keep>\b)(?P<value>eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)".to_owned(),
    ];
    patterns.iter().map(|pattern| Rule { pattern: regex(pattern) }).collect()
});

/// `Environment="A=1" B=2` with the names alone.
fn environment_line(found: &Captures<'_>) -> String {
    let value = &found["value"];
    let names: Vec<String> = assignments(value).iter().map(|item| name_alone(item)).collect();
    format!("{}{}", &found["key"], names.join(" "))
}

fn name_alone(assignment: &str) -> String {
    match assignment.split_once('=') {
        Some((name, _)) => format!("{name}={REMOVED}"),
        None => REMOVED.to_owned(),
    }
}

/// Splits at spaces outside of quotes, and takes the quotes off.
fn assignments(value: &str) -> Vec<String> {
    let (mut items, mut item, mut quote) = (Vec::new(), String::new(), None);
    for c in value.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ' | '\t' | '\n' | '\\', None) => {
                if !item.is_empty() {
                    items.push(std::mem::take(&mut item));
                }
            }
            _ => item.push(c),
        }
    }
    if !item.is_empty() {
        items.push(item);
    }
    items
}

fn names_alone(value: &mut Value) {
    match value {
        Value::String(item) => *item = name_alone(item),
        Value::Array(items) => items.iter_mut().for_each(names_alone),
        Value::Object(fields) => fields.values_mut().for_each(remove_leaves),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn remove_leaves(value: &mut Value) {
    match value {
        Value::String(_) | Value::Number(_) => *value = REMOVED.into(),
        Value::Array(values) => values.iter_mut().for_each(remove_leaves),
        Value::Object(fields) => fields.values_mut().for_each(remove_leaves),
        Value::Null | Value::Bool(_) => {}
    }
}

/// `http://user:password@proxy:3128` as `http://<removed>@proxy:3128`, also without a scheme.
fn without_userinfo(proxy: &str) -> String {
    match proxy.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
            format!("{scheme}{REMOVED}@{host}")
        }
        None => text(proxy),
    }
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
