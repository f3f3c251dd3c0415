#![allow(clippy::disallowed_methods)] // The pinned file is written outside any host.

use serde_json::json;

use super::*;
use crate::approved::tests::without_additions;
use crate::desired::{DAEMON_JSON, Desired};
use crate::facts::{FileFact, User};

/// The first format, as the first release wrote it.
const PINNED: &str = "tests/receipts/probe-1.json";

fn facts() -> Facts {
    serde_json::from_str(include_str!("../tests/facts/bookworm.json")).unwrap()
}

fn desired() -> Desired {
    let base = include_str!("../tests/golden/plan/base/desired.json");
    serde_json::from_str(base).unwrap()
}

fn receipt() -> Receipt {
    serde_json::from_str(include_str!("../tests/receipts/schema-1.json")).unwrap()
}

fn probe(desired: &Desired, facts: Facts, receipt: Option<&Receipt>) -> Probe {
    let host = Identity { name: "web1".to_owned(), machine: None };
    let not_seen = vec!["cannot read /etc/docker: Permission denied".to_owned()];
    Probe::new(host, desired, facts, receipt, not_seen, "2026-11-24T06:30:00Z".to_owned())
}

fn with_daemon_json(text: &str) -> Facts {
    let mut facts = facts();
    let state = facts.files["/usr/bin"].state.clone();
    let state = crate::file_state::FileState { kind: crate::file_state::FileKind::File, ..state };
    let sha256 = Some(Digest::of(text.as_bytes()));
    let fact = FileFact { state, sha256, text: Some(text.to_owned()) };
    facts.files.insert(DAEMON_JSON.to_owned(), fact);
    facts
}

#[test]
fn what_is_written_is_read() {
    let probe = probe(&desired(), facts(), Some(&receipt()));
    assert_eq!(Probe::from_text(&probe.to_text().unwrap()).unwrap(), probe);
}

#[test]
fn the_first_format_is_understood_whole() {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = probe(&desired(), facts(), Some(&receipt())).to_text().unwrap();
        std::fs::write(PINNED, text).unwrap();
    }
    let text = std::fs::read_to_string(PINNED).unwrap();
    let read = Probe::from_text(&text).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    let again = serde_json::to_value(read).unwrap();
    assert_eq!(without_additions(again, &written), written);
}

#[test]
fn it_holds_no_people_but_those_that_were_named() {
    let mut facts = facts();
    for (name, id) in [("ann", 1001), ("deploy", 1002)] {
        facts.accounts.users.insert(name.to_owned(), User { uid: id, gid: id, local: true });
        for group in ["docker", "sudo", name] {
            let group = facts.accounts.groups.entry(group.to_owned()).or_default();
            group.gid = id;
            group.members.push(name.to_owned());
        }
    }
    let mut desired = desired();
    desired.group.members = vec!["deploy".to_owned()];
    desired.group.gid = Some(1001);
    let probe = probe(&desired, facts, Some(&receipt()));
    assert_eq!(probe.facts.accounts.users.keys().collect::<Vec<_>>(), ["deploy"]);
    assert_eq!(probe.facts.accounts.groups["docker"].members, ["deploy"]);
    // Whoever has the id that was asked for is named, and nobody in it.
    assert_eq!(probe.facts.accounts.groups["ann"].members, [""; 0]);
    assert!(!probe.facts.accounts.groups.contains_key("sudo"));
}

#[test]
fn of_those_who_are_connected_it_holds_private_networks_alone() {
    let mut facts = facts();
    let address = |text: &str| text.parse().unwrap();
    facts.network.peers =
        ["198.51.100.7", "10.1.2.9", "10.1.2.3", "2001:db8::5", "fd00:1:2:3:4::5"]
            .map(address)
            .to_vec();
    facts.network.ssh_peers = vec![address("192.168.7.20")];
    let network = probe(&desired(), facts, None).facts.network;
    assert_eq!(network.peers, ["10.1.2.0", "fd00:1:2:3::"].map(address));
    assert_eq!(network.ssh_peers, [address("192.168.7.0")]);
}

#[test]
fn it_holds_no_secrets_and_says_where_there_were_some() {
    let text = "{\n  \"registry-mirrors\": [\"https://a:S3CR3T@m.example\"], \"debug\": true\n}";
    let mut with_secret = receipt();
    with_secret.daemon.insert("proxies".to_owned(), json!({"http-proxy": "a:S3CR3T@p"}));
    let command = "dockerd --log-opt splunk-token=S3CR3T --http-proxy http://a:S3CR3T@p";
    let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    with_secret.adopted = Some(crate::adoption::Adoption {
        version: None,
        unit: "/etc/systemd/system/docker.service".to_owned(),
        unit_sha256: Digest::of(b""),
        flags: Flags::parse(&words),
        packages: Vec::new(),
    });
    let probe = probe(&desired(), with_daemon_json(text), Some(&with_secret));
    let written = probe.to_text().unwrap();
    assert!(!written.contains("S3CR3T"), "{written}");
    assert_eq!(probe.redacted, [DAEMON_JSON, RECEIPT]);
    let file = &probe.facts.files[DAEMON_JSON];
    let shown = file.text.as_deref().unwrap();
    assert_eq!(shown, text.replace("a:S3CR3T", redact::REMOVED));
    assert_eq!(file.sha256, None, "the digest would give a short password away");
}

/// Names of users, groups, units and packages are whatever somebody chose.
#[test]
fn a_name_that_sounds_like_a_secret_is_none() {
    let name = "tokenadmin";
    let mut desired = desired();
    desired.group.name = name.to_owned();
    desired.group.members = vec![name.to_owned()];
    let mut facts = facts();
    facts.accounts.users.insert(name.to_owned(), User { uid: 1001, gid: 1001, local: true });
    facts.accounts.groups.entry(name.to_owned()).or_default().gid = 1001;
    facts.units.insert("secrets.service".to_owned(), crate::unit_state::UnitState::default());
    let probe = probe(&desired, facts, Some(&receipt()));
    let written = probe.to_text().unwrap();
    assert_eq!(Probe::from_text(&written).unwrap(), probe);
    // A support bundle takes secrets out of it once more.
    assert_eq!(Probe::from_text(&redact::json_text(&written)).unwrap(), probe);
}

#[test]
fn what_needs_nothing_taken_out_is_not_touched() {
    let text = "{\"debug\": true}";
    let probe = probe(&desired(), with_daemon_json(text), None);
    assert_eq!(probe.redacted, [""; 0]);
    let file = &probe.facts.files[DAEMON_JSON];
    assert_eq!(file.text.as_deref(), Some(text));
    assert_eq!(file.sha256, Some(Digest::of(text.as_bytes())));
}

#[test]
fn of_the_receipt_planning_sees_what_it_needs() {
    let whole = receipt();
    let probe = probe(&desired(), facts(), Some(&whole));
    let carried = probe.receipt.unwrap();
    assert_eq!((carried.paths(), &carried.daemon), (whole.paths(), &whole.daemon));
    assert_eq!((carried.archive, carried.images), (whole.archive.clone(), whole.images.clone()));
    assert!(carried.entries.iter().all(|entry| entry.before == Before::Nothing));
    assert_eq!(probe.receipt_sha256, receipt_digest(Some(&whole)));
}

#[test]
fn options_that_need_more_are_told() {
    let probe = probe(&desired(), facts(), None);
    assert_eq!(probe.lacking(&desired()), [""; 0]);
    let mut more = desired();
    more.group.members = vec!["deploy".to_owned()];
    more.group.gid = Some(991);
    more.bin_dir = "/opt/bin".to_owned();
    let lacking = probe.lacking(&more);
    for name in ["deploy", "group id 991", "/opt/bin/dockerd", "/opt"] {
        assert!(lacking.contains(&name.to_owned()), "{name}: {lacking:?}");
    }
}

#[test]
fn other_files_are_told_apart() {
    assert!(matches!(Probe::from_text("{\"schema\": 7}"), Err(ProbeError::Schema(7))));
    assert!(matches!(Probe::from_text("{\"schema\": 1}"), Err(ProbeError::NotAProbe(_))));
    assert!(matches!(Probe::from_text("{\"live\": true}"), Err(ProbeError::NoSchema)));
    assert!(matches!(Probe::from_text("plan"), Err(ProbeError::NotAProbe(_))));
}
