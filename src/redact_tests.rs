//! Each text holds `S3CR3T`, which must be gone, and what must stay.

use serde_json::{Value, json};

use super::{REMOVED, json as redact_json, json_lines, marks, text};

/// A text, and what it must become.
const TEXTS: &[(&str, &str)] = &[
    ("https://ann:S3CR3T@r.example/v2/", "https://<removed>@r.example/v2/"),
    ("https://S3CR3T@r.example", "https://<removed>@r.example"),
    ("http://ann:S3CR3T@S3CR3T@r.example", "http://<removed>@r.example"),
    (r"http:\/\/ann:S3CR3T@r.example\/", r"http:\/\/<removed>@r.example\/"),
    ("HTTP_PROXY=ann:S3CR3T@proxy:3128", "HTTP_PROXY=<removed>@proxy:3128"),
    ("https_proxy=http://ann:S3CR3T/x@proxy:1", "https_proxy=http://<removed>@proxy:1"),
    (r#""http-proxy": "ann:S3CR3T@proxy""#, r#""http-proxy": "<removed>@proxy""#),
    ("Authorization: Basic S3CR3T=", "Authorization: <removed>"),
    (r#"{"Authorization":["Bearer S3CR3T"]}"#, r#"{"Authorization":["<removed>"]}"#),
    ("sent Bearer S3CR3T-S3CR3T.x to", "sent Bearer <removed> to"),
    ("X-Registry-Auth: S3CR3T", "X-Registry-Auth: <removed>"),
    ("password=S3CR3T next", "password=<removed> next"),
    ("DB_PASSWORD: S3CR3T,S3CR3T", "DB_PASSWORD: <removed>"),
    (r#""password": "S3CR3T \" S3CR3T", "a": 1"#, r#""password": "<removed>", "a": 1"#),
    (r#"\"auth\": \"S3CR3T\", \"a\": 1"#, r#"\"auth\": \"<removed>\", \"a\": 1"#),
    (r#""auth": "S3CR3T"#, r#""auth": "<removed>""#),
    ("identitytoken='S3CR3T S3CR3T' x", "identitytoken='<removed>' x"),
    ("?a=1&token=S3CR3T&b=2", "?a=1&token=<removed>&b=2"),
    ("https://x/y?sig=S3CR3T&b=2", "https://x/y?sig=<removed>&b=2"),
    ("run --password S3CR3T --name x", "run --password <removed> --name x"),
    ("run --token=S3CR3T --name x", "run --token=<removed> --name x"),
    (
        "Environment=A=S3CR3T \"B=S3CR3T S3CR3T\"\nType=x",
        "Environment=A=<removed> B=<removed>\nType=x",
    ),
    (
        "[Service]\nEnvironment=A=S3CR3T \\\n  B=S3CR3T\nType=x",
        "[Service]\nEnvironment=A=<removed> B=<removed>\nType=x",
    ),
    ("SetCredential=id:S3CR3T S3CR3T", "SetCredential=<removed> <removed>"),
    (
        "a\n-----BEGIN RSA PRIVATE KEY-----\nS3CR3T\n-----END RSA PRIVATE KEY-----\nb",
        "a\n<removed>\nb",
    ),
    ("-----BEGIN PRIVATE KEY-----\nS3CR3T", "<removed>"),
    ("got eyJhbGciOiJI.eyJzdWIiOiIx.S3CR3T ok", "got <removed> ok"),
];

#[test]
fn texts_lose_their_secrets_and_nothing_else() {
    for (before, after) in TEXTS {
        assert_eq!(text(before), *after, "{before}");
        assert_eq!(text(after), *after, "a second time: {after}");
        assert!(!text(before).contains("S3CR3T"));
    }
}

#[test]
fn what_is_no_secret_stays() {
    for same in [
        "",
        "https://mirror.example.internal:5000/v2/app@sha256:abc",
        r#"{"authorization-plugins": ["x"], "userland-proxy": true, "live-restore": true}"#,
        r#"{"tlskey": "/etc/docker/key.pem", "labels": ["site=north"]}"#,
        r#""secrets": {"a": 1}, "token": null"#,
        "UnsetEnvironment=A B\nEnvironmentFile=-/etc/default/docker\nEnvironment=",
        r#"{"programs": {"gpasswd": "/usr/bin/gpasswd"}}"#,
        "the author: Ann; mail ann@example.com",
        "time=\"2026-11-24\" level=info msg=\"API listen on /run/docker.sock\"",
        "Security Options: name=seccomp,profile=default",
    ] {
        assert_eq!(text(same), same);
    }
}

#[test]
fn keys_of_json_decide() {
    let mut value = json!({
        "auths": {"r.example": {"auth": "S3CR3T", "identitytoken": "S3CR3T"}},
        "proxies": {"http-proxy": "ann:S3CR3T/S3CR3T@proxy:1", "no-proxy": "10.0.0.0/8"},
        "Env": ["A=S3CR3T", "S3CR3T"],
        "Environment": {"A": "S3CR3T"},
        "credentials": [{"of": "S3CR3T"}, 5],
        "text": "{\n  \"registry-mirrors\": [\"https://ann:S3CR3T@m.example\"]\n}",
        "live-restore": true, "max": 5, "none": null
    });
    redact_json(&mut value);
    let expected = json!({
        "auths": {"r.example": {"auth": REMOVED, "identitytoken": REMOVED}},
        "proxies": {"http-proxy": "<removed>@proxy:1", "no-proxy": "10.0.0.0/8"},
        "Env": ["A=<removed>", REMOVED],
        "Environment": {"A": REMOVED},
        "credentials": [{"of": REMOVED}, REMOVED],
        "text": "{\n  \"registry-mirrors\": [\"https://<removed>@m.example\"]\n}",
        "live-restore": true, "max": 5, "none": null
    });
    assert_eq!(value, expected);
    assert_eq!(marks(&value.to_string()), 9);
}

#[test]
fn lines_of_json_stay_lines_of_json() {
    let lines = "{\"text\": \"{\\\"http-proxy\\\": \\\"http://a:S3CR3T@p\\\"}\"}\n{\"password\": 5}\n{\"password\": \"S3CR3";
    let clean = json_lines(lines);
    let mut whole = clean.lines();
    for _ in 0..2 {
        serde_json::from_str::<Value>(whole.next().unwrap()).unwrap();
    }
    assert_eq!(whole.next(), Some("{\"password\": \"<removed>\""));
    assert!(clean.contains("http://<removed>@p") && !clean.contains("S3CR3"), "{clean}");
}

#[test]
fn what_is_told_of_a_thing_is_looked_at_all_the_same() {
    let mut value = json!({"facts": {
        "units": {"token.service": {"Environment": "A=S3CR3T", "password": "S3CR3T", "load": "x"}},
        "other": {"token": "S3CR3T"},
    }, "units": {"token": "S3CR3T"}});
    redact_json(&mut value);
    let unit = json!({"Environment": "A=<removed>", "password": REMOVED, "load": "x"});
    assert_eq!(value["facts"]["units"]["token.service"], unit);
    assert!(!value.to_string().contains("S3CR3T"), "{value}");
}

#[test]
fn a_path_that_sounds_like_a_secret_is_none() {
    let mut value =
        json!({"protected": {"/etc/passwd": "immutable"}, "db.pass": "x1", "DB_PASS": "x2"});
    redact_json(&mut value);
    assert_eq!(value["protected"]["/etc/passwd"], "immutable");
    assert_eq!((&value["db.pass"], &value["DB_PASS"]), (&json!(REMOVED), &json!(REMOVED)));
    assert!(!text("DB_PASS=hunter2 pwd=x3x").contains("hunter2"));
}
