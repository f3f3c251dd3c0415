use std::collections::BTreeSet;

use super::*;
use crate::steps::testing::Bed;

/// The first format, as the first release wrote it: every kind of step and of what stood
/// there before. It must load for ever; a newer format gets a file of its own beside it.
const SCHEMA_1: &str = include_str!("../tests/receipts/schema-1.json");

/// After an adoption and an upgrade: what the first receipt could not hold.
const SCHEMA_1_UPGRADED: &str = include_str!("../tests/receipts/schema-1-upgraded.json");

/// After data were moved.
const SCHEMA_1_MOVED: &str = include_str!("../tests/receipts/schema-1-moved.json");

/// After an installation from a bundle.
const SCHEMA_1_BUNDLED: &str = include_str!("../tests/receipts/schema-1-bundled.json");

/// After packages were installed.
const SCHEMA_1_PACKAGES: &str = include_str!("../tests/receipts/schema-1-packages.json");

fn load(text: &str) -> Result<Option<Receipt>, ReceiptError> {
    let bed = Bed::new(&[]);
    bed.write(RECEIPT, text);
    Receipt::load(&bed.host)
}

fn first() -> Receipt {
    load(SCHEMA_1).unwrap().unwrap()
}

#[test]
fn the_first_format_loads() {
    let receipt = first();
    assert_eq!((receipt.schema, receipt.landfall.as_str()), (1, "0.1.0"));
    assert_eq!(receipt.run, "1795494779.000000001-412");
    assert_eq!(receipt.version.as_deref(), Some("28.5.2"));
    assert_eq!(receipt.archive.entries[0].name, "dockerd");
    assert_eq!(receipt.daemon["live-restore"], true);
    assert_eq!(receipt.images.len(), 1);
    assert!(receipt.paths().contains("/etc/docker/daemon.json"));
    assert!(receipt.has(|step| matches!(step, Step::GuardRuntime(_))));
    let replaced = receipt.entries.iter().find_map(|entry| match &entry.before {
        Before::File { state, sha256 } => Some((state.mode, state.mtime, *sha256)),
        _ => None,
    });
    assert_eq!(replaced, Some((0o640, 1_700_000_000, Digest::of(b"old"))));
    let guarded = receipt.entries.iter().find_map(|entry| match &entry.before {
        Before::Runtime(before) => Some(before),
        _ => None,
    });
    assert_eq!(guarded.unwrap().forwarding["/proc/sys/net/ipv4/ip_forward"], "0");
}

/// What is loaded is written again without a loss.
#[test]
fn the_first_format_is_understood_whole() {
    let mut written: Value = serde_json::from_str(SCHEMA_1).unwrap();
    // What came later has its default.
    written["topology"] = "modern".into();
    assert_eq!(serde_json::to_value(first()).unwrap(), written);
    for later in [SCHEMA_1_UPGRADED, SCHEMA_1_MOVED, SCHEMA_1_BUNDLED] {
        let written: Value = serde_json::from_str(later).unwrap();
        let receipt = load(later).unwrap().unwrap();
        assert_eq!(serde_json::to_value(receipt).unwrap(), written);
    }
}

/// The names that serde has for the variants of a tagged enum.
fn variants<T: serde::de::DeserializeOwned + std::fmt::Debug>(tag: &str) -> BTreeSet<String> {
    let error = serde_json::from_str::<T>(&format!("{{\"{tag}\": \"?\"}}")).unwrap_err();
    let names: BTreeSet<String> =
        error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert!(names.len() > 5, "{error}");
    names
}

/// A kind that is new is added to the receipt that is pinned.
#[test]
fn the_pinned_receipts_hold_all_kinds() {
    let kinds = |of: &str, tag: &str| -> BTreeSet<String> {
        let all =
            [SCHEMA_1, SCHEMA_1_UPGRADED, SCHEMA_1_MOVED, SCHEMA_1_BUNDLED, SCHEMA_1_PACKAGES];
        let entries = all.map(|text| load(text).unwrap().unwrap());
        let entries = entries.into_iter().flat_map(|receipt| receipt.entries);
        let json = entries.map(|entry| serde_json::to_value(entry).unwrap());
        json.map(|entry| entry[of][tag].as_str().unwrap().to_owned()).collect()
    };
    let mut steps = variants::<Step>("kind");
    // These two never get into a receipt.
    assert!(steps.remove("guard_boot") && steps.remove("revert"));
    assert_eq!(kinds("step", "kind"), steps);
    let mut before = variants::<Before>("was");
    assert!(before.remove("group"), "what a revert finds");
    assert_eq!(kinds("before", "was"), before);
}

#[test]
fn what_a_run_made_is_told_from_what_stood_before() {
    let receipt = load(SCHEMA_1_UPGRADED).unwrap().unwrap();
    let before = receipt.before_last(1, "next").unwrap();
    assert_eq!((before.topology, before.runs.len()), (Topology::Modern, 1));
    assert_eq!(before.entries, first().entries);
    assert!(before.before_last(1, "next").is_none());
}

#[test]
fn before_a_move_the_data_were_elsewhere() {
    use crate::installed::{containerd_root, data, data_root, with_moved_data};
    let receipt = load(SCHEMA_1_MOVED).unwrap().unwrap();
    let places = |receipt| (data_root(receipt), containerd_root(receipt));
    assert_eq!(places(&receipt), (Some("/data/docker"), "/data/docker/containerd"));
    let before = receipt.before_last(1, "next").unwrap();
    assert_eq!(places(&before), (Some("/var/lib/docker"), "/var/lib/containerd"));
    assert!(!before.daemon.contains_key("data-root"));
    // What an uninstallation deletes, or names.
    let all = ["/data/docker", "/data/docker/containerd", "/var/lib/docker", "/var/lib/containerd"];
    assert_eq!(data(&receipt).directories, all);
    let guarded = with_moved_data(&receipt);
    let guard = guarded.iter().find_map(|entry| match &entry.step {
        Step::GuardRuntime(guard) => Some(&guard.data),
        _ => None,
    });
    assert_eq!(*guard.unwrap(), all);
    assert_eq!(with_moved_data(&before), before.entries);
}

#[test]
fn packages_tell_what_is_installed() {
    let receipt = load(SCHEMA_1_PACKAGES).unwrap().unwrap();
    let step = receipt.packages().unwrap();
    assert_eq!(step.packages.len(), 3);
    assert!(receipt.has_engine() && receipt.has_no_archive());
    assert!(first().packages().is_none());
    // A second run without a mirror goes by it.
    let offer = crate::online::Offer::of_receipt(&receipt, step.packages.clone()).unwrap();
    assert_eq!((offer.version.as_str(), offer.site.name), ("28.5.2", Some("official")));
    assert!(offer.repository.key.path.ends_with(".asc") && offer.transaction.is_empty());
    let mut less = step.packages.clone();
    less.remove("docker-ce-cli");
    assert!(crate::online::Offer::of_receipt(&receipt, less).is_none());
}

#[test]
fn saved_and_loaded_it_is_the_same() {
    let bed = Bed::new(&[]);
    assert_eq!(Receipt::load(&bed.host).unwrap(), None);
    let mut receipt = first();
    receipt.stamp();
    receipt.stage(&bed.host).unwrap();
    assert_eq!(Receipt::load(&bed.host).unwrap(), None, "it has not its name yet");
    Receipt::put(&bed.host).unwrap();
    assert_ne!(receipt.updated, first().updated);
    assert_eq!(Receipt::load(&bed.host).unwrap(), Some(receipt));
    assert_eq!(bed.host.stat(RECEIPT).unwrap().unwrap().mode, 0o600);
}

/// A link that pointed elsewhere and was put right: uninstalling leaves neither.
#[test]
fn a_link_that_was_put_right_is_one() {
    use crate::steps::{CreateLink, RemoveLink};
    let link = |target: &str| {
        Step::CreateLink(CreateLink { path: "/wants/a".to_owned(), target: target.to_owned() })
    };
    let other = RemoveLink { path: "/wants/a".to_owned(), target: "/nowhere".to_owned() };
    let entry = |step, before| Entry { step, before };
    let made = entry(link("/a"), Before::Absent);
    let removed = entry(Step::RemoveLink(other), Before::Present);
    let once = vec![made.clone()];
    assert_eq!(merged(&[made.clone(), removed.clone(), made.clone()]), once);
    assert_eq!(merged(&[made.clone(), made.clone()]), once);
    // By itself a removal stays one.
    assert_eq!(merged(&[removed.clone(), made.clone()]), [removed, made]);
}

#[test]
fn fields_of_later_versions_are_passed_over() {
    let mut json: Value = serde_json::from_str(SCHEMA_1).unwrap();
    json["signature"] = "…".into();
    json["archive"]["origin"] = "usb".into();
    assert_eq!(load(&json.to_string()).unwrap().unwrap(), first());
}

#[test]
fn a_newer_format_is_named_whatever_it_holds() {
    let error = load("{\"schema\": 2, \"entries\": \"elsewhere\"}").unwrap_err();
    assert!(matches!(error, ReceiptError::TooNew { found: 2 }), "{error}");
    let text = error.to_string();
    assert!(text.contains(RECEIPT) && text.contains('2') && text.contains('1'), "{text}");
}

#[test]
fn a_damaged_receipt_is_an_error_and_not_an_absent_one() {
    let half = &SCHEMA_1[..SCHEMA_1.len() / 2];
    for text in ["", "{}", "[]", "{\"schema\": 1}", half] {
        let error = load(text).unwrap_err();
        assert!(matches!(error, ReceiptError::Damaged(_)), "{text:?}: {error}");
        assert!(error.to_string().starts_with(RECEIPT), "{error}");
    }
}
