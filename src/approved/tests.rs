#![allow(clippy::disallowed_methods)] // The pinned file is written outside any host.

use serde_json::json;

use super::*;
use crate::facts::{Group, User};
use crate::file_state::FileKind;
use crate::plan::{self, Inputs};

/// The first format, as the first release wrote it. It must be read for ever, or refused by
/// its number; a newer format gets a file of its own beside it.
const PINNED: &str = "tests/receipts/plan-file-1.json";

fn facts() -> Facts {
    serde_json::from_str(include_str!("../../tests/facts/bookworm.json")).unwrap()
}

fn desired() -> Desired {
    let base = include_str!("../../tests/golden/plan/base/desired.json");
    let mut desired: Desired = serde_json::from_str(base).unwrap();
    desired.group.members = vec!["deploy".to_owned()];
    desired.daemon.insert("live-restore".to_owned(), true.into());
    desired
}

fn approved() -> ApprovedPlan {
    let (facts, desired) = (facts(), desired());
    let archive: crate::bundle::Archive =
        serde_json::from_str(include_str!("../../tests/golden/plan/base/archive.json")).unwrap();
    let plan = plan::make(&Inputs {
        desired: &desired,
        facts: &facts,
        archive: &archive,
        version: Some("28.5.2"),
        staging: "/usr/bin",
        images: &[],
        receipt: None,
    });
    let found = crate::preflight::check(&desired, &facts, &BTreeSet::new(), Default::default());
    assert!(!found.is_empty());
    let pin = |path: &str| FilePin { path: path.into(), size: 5, sha256: Digest::of(b"bytes") };
    ApprovedPlan {
        schema: SCHEMA,
        about: crate::texts::approved::ABOUT.to_owned(),
        landfall: Build { version: "0.1.0".to_owned(), sha256: Digest::of(b"landfall") },
        made: "2026-11-24T06:30:00Z".to_owned(),
        host: Identity { name: "web1".to_owned(), machine: Some(Digest::of(b"id")) },
        command: Command {
            directory: "/root".into(),
            environment: BTreeMap::from([("LANDFALL_USER".to_owned(), "deploy".to_owned())]),
            words: ["landfall", "plan", "--set", "labels=[\"it's\"]", ""].map(str::to_owned).into(),
        },
        from_probe: Some("host.json".into()),
        archive: pin("/root/docker-28.5.2.tgz"),
        images: vec![pin("/root/app.tar")],
        findings: found.into_iter().map(Into::into).collect(),
        plan: plan.unwrap(),
        host_state: HostState::of(&facts, &desired, Some(Digest::of(b"receipt"))),
        desired,
    }
}

#[test]
fn what_is_written_is_read() {
    let approved = approved();
    let text = approved.to_text().unwrap();
    assert_eq!(ApprovedPlan::from_text(&text).unwrap(), approved);
    // Another layout is no edit.
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(ApprovedPlan::from_text(&value.to_string()).unwrap(), approved);
    assert_eq!(
        approved.command.shell(),
        r#"LANDFALL_USER=deploy landfall plan --set 'labels=["it'\''s"]' ''"#
    );
}

#[test]
fn the_first_format_is_understood_whole() {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(PINNED, approved().to_text().unwrap()).unwrap();
    }
    let text = std::fs::read_to_string(PINNED).unwrap();
    let read = ApprovedPlan::from_text(&text).unwrap();
    let mut written: Value = serde_json::from_str(&text).unwrap();
    written.as_object_mut().unwrap().remove(OWN_DIGEST);
    let again = serde_json::to_value(&read).unwrap();
    assert_eq!(without_additions(again, &written), written);
    assert!(!read.plan.steps.is_empty() && !read.plan.changes.is_empty());
}

/// `value` without the fields that `like` does not have: those that were added since it was
/// written, and have their defaults.
pub(crate) fn without_additions(value: Value, like: &Value) -> Value {
    match (value, like) {
        (Value::Object(fields), Value::Object(like)) => fields
            .into_iter()
            .filter_map(|(key, value)| {
                Some((key.clone(), without_additions(value, like.get(&key)?)))
            })
            .collect(),
        (Value::Array(items), Value::Array(like)) if items.len() == like.len() => {
            items.into_iter().zip(like).map(|(item, like)| without_additions(item, like)).collect()
        }
        (value, _) => value,
    }
}

#[test]
fn every_edit_is_noticed() {
    let text = approved().to_text().unwrap();
    let edits: [&dyn Fn(&mut Value); 7] = [
        &|value| value["host"]["name"] = "web2".into(),
        &|value| value["desired"]["smoke_test"] = false.into(),
        &|value| drop(value["plan"]["steps"].as_array_mut().unwrap().pop()),
        &|value| value["findings"] = json!([]),
        &|value| value["remark"] = "approved by Ann".into(),
        &|value| value[OWN_DIGEST] = Digest::of(b"other").to_string().into(),
        &|value| drop(value.as_object_mut().unwrap().remove(OWN_DIGEST)),
    ];
    for (number, edit) in edits.iter().enumerate() {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        edit(&mut value);
        let error = ApprovedPlan::from_text(&value.to_string()).unwrap_err();
        assert!(matches!(error, PlanFileError::Edited), "edit {number}: {error}");
    }
}

#[test]
fn other_files_are_told_apart() {
    let newer = "{\"schema\": 2, \"steps\": []}";
    let error = ApprovedPlan::from_text(newer).unwrap_err();
    assert!(matches!(error, PlanFileError::Schema(2)), "{error}");
    for text in ["", "{", "plan"] {
        let error = ApprovedPlan::from_text(text).unwrap_err();
        assert!(matches!(error, PlanFileError::NotAPlan(_)), "{text:?}: {error}");
    }
    for text in ["{}", "[]", "5", "{\"schema\": \"1\"}"] {
        let error = ApprovedPlan::from_text(text).unwrap_err();
        assert!(matches!(error, PlanFileError::NoSchema), "{text:?}: {error}");
    }
    let receipt = include_str!("../../tests/receipts/schema-1.json");
    assert!(ApprovedPlan::from_text(receipt).is_err());
}

/// The names of the facts that differ after an edit of the host.
fn differing(edit: impl FnOnce(&mut Facts)) -> Vec<String> {
    let (desired, before) = (desired(), facts());
    let mut now = before.clone();
    edit(&mut now);
    let before = HostState::of(&before, &desired, None);
    let now = HostState::of(&now, &desired, None);
    let differences = before.differences(&now);
    assert_eq!(differences.is_empty(), before.sha256 == now.sha256);
    differences.into_iter().map(|difference| difference.fact).collect()
}

#[test]
fn what_matters_is_named() {
    let daemon_json = crate::desired::DAEMON_JSON;
    let file = facts().files["/usr/bin"].clone();
    assert_eq!(
        differing(|facts| {
            let mut file = file.clone();
            file.state.kind = FileKind::File;
            file.sha256 = Some(Digest::of(b"{}"));
            facts.files.insert(daemon_json.to_owned(), file);
        }),
        [daemon_json]
    );
    let mode = |facts: &mut Facts| facts.files.get_mut("/usr/bin").unwrap().state.mode = 0o700;
    assert_eq!(differing(mode), ["/usr/bin"]);
    let gone = |facts: &mut Facts| drop(facts.files.remove("/usr/bin"));
    assert_eq!(differing(gone), ["/usr/bin"]);
    assert_eq!(differing(|facts| facts.kernel.release = "6.1.0-41-amd64".to_owned()), ["kernel"]);
    assert_eq!(differing(|facts| facts.os.version_id = "13".to_owned()), ["distribution"]);
    assert_eq!(differing(|facts| facts.systemd.as_mut().unwrap().version = 257), ["systemd"]);
    let user = User { uid: 1000, gid: 1000, local: true };
    let deploy = |facts: &mut Facts| {
        facts.accounts.users.insert("deploy".to_owned(), user);
    };
    assert_eq!(differing(deploy), ["user deploy"]);
    let docker = |facts: &mut Facts| {
        let group = Group { gid: 5, members: Vec::new(), local: true };
        facts.accounts.groups.insert("docker".to_owned(), group);
    };
    assert_eq!(differing(docker), ["group docker"]);
    let package = |facts: &mut Facts| {
        facts.packages.engines.insert("docker.io".to_owned(), "20.10".to_owned());
    };
    assert_eq!(differing(package), ["package docker.io"]);
    let unit = |facts: &mut Facts| {
        let state = crate::unit_state::UnitState {
            load: "loaded".to_owned(),
            active: "active".to_owned(),
            ..Default::default()
        };
        facts.units.insert("docker.service".to_owned(), state);
    };
    assert_eq!(differing(unit), ["unit docker.service"]);
    let read_only = |facts: &mut Facts| {
        facts.file_systems.get_mut("/usr/bin").unwrap().read_only = true;
    };
    assert_eq!(differing(read_only), ["file system of /usr/bin"]);
    let removed = |facts: &mut Facts| drop(facts.programs.remove("iptables"));
    assert_eq!(differing(removed), ["program iptables"]);
}

#[test]
fn what_changes_by_itself_does_not_matter() {
    let differences = differing(|facts| {
        facts.now += 5;
        facts.uid = 1000;
        facts.kernel.modules.push("overlay".to_owned());
        facts.network.links.push("docker0".to_owned());
        for fact in facts.file_systems.values_mut() {
            fact.available /= 2;
            fact.inodes = None;
            fact.device += 1;
        }
        for fact in facts.files.values_mut() {
            fact.state.mtime += 1;
            fact.state.size += u64::from(fact.state.kind == FileKind::Directory);
        }
        let other = User { uid: 1001, gid: 1001, local: true };
        facts.accounts.users.insert("ann".to_owned(), other);
    });
    assert_eq!(differences, Vec::<String>::new());
}

#[test]
fn another_receipt_matters() {
    let (facts, desired) = (facts(), desired());
    let of = |receipt| HostState::of(&facts, &desired, receipt);
    let differences = of(None).differences(&of(Some(Digest::of(b"receipt"))));
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].fact, crate::receipt::RECEIPT);
    assert_eq!(differences[0].before, None);
}
