//! The same calls to a real dockerd and to ours: what differs must be known, with its reason.
//!
//! The reference is Debian's dockerd 20.10, which speaks API 1.41: what is newer in ours is no
//! difference.

mod calls;
mod commands;
mod reference;
mod shape;

use std::fmt::Write as _;

use serde_json::Value;

use crate::daemon::Daemon;
use reference::Dockerd;

/// A difference that is meant: the call or command that shows it, a part of what is told of it,
/// and the reason.
type Known = (&'static str, &'static str, &'static str);

#[test]
fn the_stock_client_sees_no_difference() {
    let (theirs, ours) = (Dockerd::start(), Daemon::start());
    let mut found = Vec::new();
    for words in commands::COMMANDS {
        let [theirs, ours] = [theirs.output(words), ours.output(words)].map(commands::outcome);
        if theirs != ours {
            found.push((words.join(" "), format!("dockerd: {theirs}\nours:    {ours}")));
        }
    }
    check(&found, commands::KNOWN);
    assert_eq!(ours.leftovers(), [""; 0]);
}

#[test]
fn the_api_answers_the_same() {
    let (theirs, ours) = (Dockerd::start(), Daemon::start());
    let mut found = Vec::new();
    for (call, body) in calls::CALLS {
        let [theirs, ours] = [theirs.socket(), ours.path("docker.sock")]
            .map(|socket| calls::answer(&socket, call, body));
        if theirs.status != ours.status {
            let text = format!("dockerd: {theirs}\nours:    {ours}");
            found.push(((*call).to_owned(), text));
            continue;
        }
        for line in shape::differences(&theirs.body, &ours.body) {
            found.push(((*call).to_owned(), line));
        }
        if let (Value::String(their), Value::String(our)) =
            (&theirs.body["message"], &ours.body["message"])
            && commands::normal(their) != commands::normal(our)
        {
            found.push(((*call).to_owned(), format!("dockerd: {their}\nours:    {our}")));
        }
    }
    check(&found, calls::KNOWN);
}

/// Fails for what is not known, and for what is known and does not differ any more.
fn check(found: &[(String, String)], known: &[Known]) {
    let is =
        |(call, text): &(String, String), (of, part, _): &Known| call == of && text.contains(part);
    let mut report = String::new();
    for difference in found.iter().filter(|one| !known.iter().any(|other| is(one, other))) {
        let _ = writeln!(report, "--- {}\n{}", difference.0, difference.1);
    }
    for other in known.iter().filter(|other| !found.iter().any(|one| is(one, other))) {
        let _ = writeln!(report, "--- {} {:?}: is no difference any more", other.0, other.1);
    }
    assert!(report.is_empty(), "\n{report}");
}
