//! Moments at which a test may kill the program, to see what the next run makes of it. Only a
//! build with debug assertions has them: in a release they are nothing.
//!
//! `LANDFALL_KILL_AT=N` kills at the Nth moment, `LANDFALL_KILL_AT=KIND` once the first step of
//! that kind has had its effect. `LANDFALL_FREEZE_AT=START*PART` stops the program, as a signal does,
//! once a line of the journal that begins with START and has PART in it is on the disk.

/// Between two effects, or two lines of the journal.
#[cfg(debug_assertions)]
pub fn reached() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    if let Some(at) = asked().and_then(|at| at.parse::<usize>().ok())
        && COUNT.fetch_add(1, Ordering::Relaxed) == at
    {
        kill();
    }
}

/// After the effect of a step, before the journal knows of it.
#[cfg(debug_assertions)]
pub fn after_step(step: &crate::steps::Step) {
    let Some(kind) = asked() else { return };
    let json = serde_json::to_value(step).unwrap_or_default();
    if json.get("kind").and_then(serde_json::Value::as_str) == Some(kind) {
        kill();
    }
}

/// After a line of the journal is on the disk.
#[cfg(debug_assertions)]
pub fn on_disk(line: &[u8]) {
    let Ok(wanted) = std::env::var("LANDFALL_FREEZE_AT") else { return };
    let (start, part) = wanted.split_once('*').unwrap_or((&wanted, ""));
    let line = String::from_utf8_lossy(line);
    if line.strip_prefix(start).is_some_and(|rest| rest.contains(part)) {
        signal(rustix::process::Signal::STOP);
    }
}

#[cfg(debug_assertions)]
fn asked() -> Option<&'static str> {
    static ASKED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    ASKED.get_or_init(|| std::env::var("LANDFALL_KILL_AT").ok()).as_deref()
}

#[cfg(debug_assertions)]
fn kill() {
    signal(rustix::process::Signal::KILL);
}

#[cfg(debug_assertions)]
fn signal(signal: rustix::process::Signal) {
    let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
}

/// What is written as one; in two parts, so that a cut may leave half of a line.
#[cfg(debug_assertions)]
pub fn parts(bytes: &[u8]) -> [&[u8]; 2] {
    let (start, rest) = bytes.split_at(bytes.len() / 2);
    [start, rest]
}

/// What is written as one.
#[cfg(not(debug_assertions))]
pub fn parts(bytes: &[u8]) -> [&[u8]; 1] {
    [bytes]
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub fn reached() {}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub fn on_disk(_line: &[u8]) {}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub fn after_step(_step: &crate::steps::Step) {}
