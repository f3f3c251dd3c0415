//! What programs send, one after the other.

use std::{
    fmt,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use serde_json::Value;

use super::Known;

/// Method and path, and the body; later ones build on earlier ones.
pub const CALLS: &[(&str, &str)] = &[
    ("GET /_ping", ""),
    ("GET /version", ""),
    ("GET /v1.41/info", ""),
    ("GET /v1.23/info", ""),
    ("GET /v1.99/info", ""),
    ("GET /nothing", ""),
    ("GET /containers/json", ""),
    ("GET /containers/json?all=1&filters=%7B%22nothing%22%3A%7B%22x%22%3Atrue%7D%7D", ""),
    ("GET /containers/json?all=1&filters=broken", ""),
    ("POST /containers/create", ""),
    ("POST /containers/create", "{}"),
    ("POST /containers/create", "broken"),
    ("POST /containers/create", r#"{"Image":"missing"}"#),
    (
        "POST /containers/create?name=a%20b",
        r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none"}}"#,
    ),
    (
        "POST /containers/create?name=one",
        r#"{"Image":"busybox","Cmd":["sh","-c","echo x; exec sleep 1000"],"HostConfig":{"NetworkMode":"none"}}"#,
    ),
    (
        "POST /containers/create?name=one",
        r#"{"Image":"busybox","HostConfig":{"NetworkMode":"none"}}"#,
    ),
    ("GET /containers/one/json", ""),
    ("GET /containers/none/json", ""),
    ("GET /containers/json?all=1", ""),
    ("POST /containers/one/kill", ""),
    ("POST /containers/one/stop", ""),
    ("POST /containers/one/pause", ""),
    ("POST /containers/one/exec", r#"{"Cmd":["true"]}"#),
    ("POST /containers/one/resize?h=10&w=10", ""),
    ("POST /containers/one/wait?condition=never", ""),
    ("GET /containers/one/logs", ""),
    ("POST /containers/one/start", ""),
    ("POST /containers/one/start", ""),
    ("GET /containers/one/json", ""),
    ("GET /containers/json", ""),
    ("POST /containers/one/exec", r#"{"Cmd":[]}"#),
    ("POST /containers/one/exec", "{}"),
    ("POST /containers/none/exec", r#"{"Cmd":["true"]}"#),
    ("POST /containers/one/exec", r#"{"Cmd":["true"]}"#),
    ("GET /exec/none/json", ""),
    ("POST /exec/none/start", "{}"),
    ("POST /containers/one/kill?signal=LOUD", ""),
    ("DELETE /containers/one", ""),
    ("POST /containers/one/unpause", ""),
    ("POST /containers/one/pause", ""),
    ("POST /containers/one/unpause", ""),
    ("POST /containers/one/restart?t=0", ""),
    ("POST /containers/one/stop?t=0", ""),
    ("GET /containers/one/json", ""),
    ("POST /containers/one/wait", ""),
    ("GET /images/json", ""),
    ("GET /images/busybox/json", ""),
    ("GET /images/missing/json", ""),
    ("GET /images/busybox/history", ""),
    ("GET /images/missing/history", ""),
    ("GET /images/missing/get", ""),
    ("POST /images/busybox/tag?repo=x&tag=y", ""),
    ("POST /images/busybox/tag?repo=X", ""),
    ("POST /images/missing/tag?repo=x", ""),
    ("DELETE /images/x:y", ""),
    ("DELETE /images/x:y", ""),
    ("DELETE /images/busybox", ""),
    ("DELETE /containers/one", ""),
    ("DELETE /containers/one", ""),
    ("POST /containers/prune", ""),
    ("DELETE /images/busybox", ""),
];

/// What differs, and why.
pub const KNOWN: &[Known] = &[
    ("GET /v1.41/info", ".KernelMemory is", "gone since 23.0"),
    ("GET /v1.41/info", ".KernelMemoryTCP is", "gone since 23.0"),
    ("GET /v1.41/info", ".BridgeNfIptables is", "there are no bridges yet; gone since 28.0"),
    ("GET /v1.41/info", ".BridgeNfIp6tables is", "there are no bridges yet; gone since 28.0"),
    ("GET /v1.41/info", ".RegistryConfig is", "there are no registries yet"),
    ("GET /v1.41/info", ".Runtimes.io.containerd.", "there is no containerd"),
    ("GET /v1.41/info", "Commit.Expected is", "gone since 28.0"),
    ("GET /v1.23/info", "too old", "the minimum is 1.24"),
    ("GET /v1.99/info", "1.47", "the maximum is 1.47"),
    ("GET /containers/json?all=1&filters=broken", "400", "400 as with newer dockerds"),
    ("POST /containers/create", "EOF", "400 as with newer dockerds"),
    ("POST /containers/create", "invalid character", "400 as with newer dockerds"),
    ("GET /containers/one/json", ".HostConfig.KernelMemory", "gone since 23.0"),
    ("GET /containers/one/json", ".GraphDriver.Data.LowerDir", "the image store's own affair"),
    ("POST /containers/one/wait?condition=never", "invalid condition", "as with newer dockerds"),
    ("DELETE /containers/one", "container is running", "the words of newer dockerds"),
    ("GET /images/busybox/json", ".Container is", "gone since API 1.45"),
    ("GET /images/busybox/json", ".ContainerConfig is", "gone since API 1.45"),
    ("GET /images/busybox/json", ".GraphDriver.Data is", "the image store's own affair"),
    (
        "GET /images/missing/json",
        "No such image: missing:latest",
        "said once, as with newer dockerds",
    ),
    ("GET /images/missing/get", "No such image: missing", "with the tag that is understood"),
    ("POST /images/busybox/tag?repo=X", "must be lowercase", "400 as with newer dockerds"),
];

/// An answer.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, a text if it is no JSON.
    pub body: Value,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.body)
    }
}

/// Sends a call and reads the answer to its end.
pub fn answer(socket: &Path, call: &str, body: &str) -> Answer {
    let (method, path) = call.split_once(' ').unwrap();
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // 1.0: the end of the answer is the end of the connection, and nothing comes in pieces.
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap_or_else(|error| panic!("{call}: {error}"));
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{call}: {text}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
    Answer { status, body }
}
