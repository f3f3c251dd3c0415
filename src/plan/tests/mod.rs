//! Golden plans: a case is a folder of data in `tests/golden/plan/` (see its README), and each
//! is also planned a second time, from the host that the first plan leaves.
#![allow(clippy::disallowed_methods)] // Golden files are read and written outside any host.

mod after;
mod back;
mod migrate;
mod repair;
mod shown;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::bundle::version_from_name;
use crate::preflight::{Code, check_plan};
use crate::render::trust;

/// Everything that one plan is made from.
struct World {
    desired: Desired,
    facts: Facts,
    archive: Archive,
    receipt: Option<Receipt>,
}

/// `case.json`: what the case is about, and the case whose plan was carried out before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    #[serde(rename = "about")]
    _about: String,
    after: Option<String>,
}

fn folder(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/plan").join(case)
}

fn cases() -> Vec<String> {
    let mut cases: Vec<String> = std::fs::read_dir(folder(""))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name != "base")
        .collect();
    cases.sort();
    cases
}

/// A file of a case, or `None` if the case has no such file.
fn part<T: DeserializeOwned>(case: &str, name: &str) -> Option<T> {
    let path = folder(case).join(name);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        text => text.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    };
    let value = serde_json::from_str(&text);
    Some(value.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// JSON Merge Patch (RFC 7396).
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(target) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(&key);
        } else {
            merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// `value`, changed by a file of the case if there is one.
fn patched<T: Serialize + DeserializeOwned>(value: T, case: &str, name: &str) -> T {
    let Some(patch) = part(case, name) else { return value };
    let mut json = serde_json::to_value(value).unwrap();
    merge(&mut json, patch);
    serde_json::from_value(json).unwrap_or_else(|error| panic!("{case}/{name}: {error}"))
}

impl World {
    fn base() -> Self {
        let facts = include_str!("../../../tests/facts/bookworm.json");
        Self {
            desired: part("base", "desired.json").unwrap(),
            facts: patched(serde_json::from_str(facts).unwrap(), "base", "facts.json"),
            archive: part("base", "archive.json").unwrap(),
            receipt: None,
        }
    }

    fn of(case: &str) -> Self {
        let about: About = part(case, "case.json").unwrap_or_else(|| panic!("{case}/case.json"));
        let earlier = about.after.map(|case| {
            let world = Self::of(&case);
            let plan = world.plan().unwrap_or_else(|error| panic!("{case}: {error}"));
            world.after(&plan)
        });
        let base = earlier.unwrap_or_else(Self::base);
        Self {
            // What is asked for does not depend on what was asked for before.
            desired: patched(Self::base().desired, case, "desired.json"),
            facts: patched(base.facts, case, "facts.json"),
            archive: patched(base.archive, case, "archive.json"),
            receipt: base.receipt.map(|receipt| patched(receipt, case, "receipt.json")),
        }
    }

    fn version(&self) -> Option<String> {
        version_from_name(&self.desired.source.archive.to_string_lossy())
    }

    fn images(&self) -> Vec<(PathBuf, Digest)> {
        let digest = |path: &PathBuf| Digest::of(path.as_os_str().as_encoded_bytes());
        self.desired.images.iter().map(|path| (path.clone(), digest(path))).collect()
    }

    fn plan(&self) -> Result<Plan, PlanError> {
        // Facts hold no more than was asked for.
        let wanted = wanted(&self.desired);
        let paths: BTreeSet<&String> =
            wanted.paths.iter().chain(&wanted.texts).chain(&wanted.programs).collect();
        let mut facts = self.facts.clone();
        facts.files.retain(|path, _| paths.contains(path));
        facts.units.retain(|unit, _| wanted.units.contains(unit));
        make(&Inputs {
            desired: &self.desired,
            facts: &facts,
            archive: &self.archive,
            version: self.version().as_deref(),
            staging: &self.desired.bin_dir,
            images: &self.images(),
            receipt: self.receipt.as_ref(),
        })
    }
}

/// Compares with `plan.json` of each case; `UPDATE_GOLDEN=1` writes them anew.
#[test]
fn golden_plans() {
    let cases = cases();
    assert!(cases.len() >= 20, "{cases:?}");
    let fresh = World::of("fresh").plan().unwrap();
    let mut differ = Vec::new();
    for case in &cases {
        let plan = World::of(case).plan();
        let like = (case != "fresh").then_some(&fresh);
        let shown = match &plan {
            Ok(plan) => shown::plan(plan, like),
            Err(error) => shown::error(error),
        };
        let file = folder(case).join("plan.json");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &shown).unwrap();
        }
        let expected = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if shown != expected {
            differ.push(format!("{case}: the plan is now\n{shown}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// A plan that was carried out leaves nothing to plan.
#[test]
fn every_plan_is_enough() {
    for case in cases() {
        let world = World::of(&case);
        let Ok(plan) = world.plan() else { continue };
        let again = world.after(&plan).plan().unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(again.is_empty(), "{case}: {}", shown::plan(&again, None));
        assert_eq!(again.changes, [], "{case}");
        assert_eq!(again.daemon, plan.daemon, "{case}: what is Landfall's in daemon.json");
    }
}

/// It may be what the registry needs by now.
#[test]
fn a_certificate_that_somebody_changed_is_not_taken_away() {
    let mut world = World::of("registry-certificates-gone");
    let path = "/etc/docker/certs.d/harbor.internal:5000/landfall-ca.crt";
    let goes = |world: &World| {
        let steps = world.plan().unwrap().steps;
        steps.iter().any(|step| step.path() == Some(path))
    };
    assert!(goes(&world));
    world.facts.files.get_mut(path).unwrap().sha256 = Some(Digest::of(b"another"));
    assert!(!goes(&world));
}

/// `plan -o` and `apply plan.json` have to agree.
#[test]
fn every_plan_survives_json() {
    for case in cases() {
        let Ok(plan) = World::of(&case).plan() else { continue };
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan, "{case}");
    }
}

/// Whose a file is has been asked before a plan writes it; directories may be anybody's.
#[test]
fn every_plan_writes_only_where_owners_were_asked_for() {
    for case in cases() {
        let world = World::of(&case);
        let Ok(plan) = world.plan() else { continue };
        let looked_at = wanted(&world.desired);
        let asked: BTreeSet<&String> =
            looked_at.texts.iter().chain(&looked_at.programs).chain(&looked_at.paths).collect();
        for step in plan.steps.iter().filter(|step| !matches!(step, Step::CreateDir(_))) {
            let Some(path) = step.path() else { continue };
            assert!(asked.contains(&path.to_owned()), "{case}: {path}");
        }
    }
}

/// A package's file is refused exactly where the plan writes it, whatever makes the plan write it:
/// an option, a key that an earlier run set and that is asked for no more, a unit's style.
#[test]
fn what_a_package_owns_is_refused_if_the_plan_writes_it() {
    let mut refused = BTreeSet::new();
    for case in cases() {
        let mut world = World::of(&case);
        let Ok(plan) = world.plan() else { continue };
        let looked_at = wanted(&world.desired);
        let written: BTreeSet<&str> = plan
            .steps
            .iter()
            .filter(|step| !matches!(step, Step::CreateDir(_)))
            .filter_map(Step::path)
            // An older fapolicyd keeps what its administrator adds in a file of its package's.
            .filter(|path| *path != trust::SHARED_FILE)
            .collect();
        let owned = world.receipt.as_ref().map(Receipt::paths).unwrap_or_default();
        for path in looked_at.texts.iter().chain(&looked_at.programs).chain(&looked_at.paths) {
            world.facts.packages.owners = [(path.clone(), "theirs".to_owned())].into();
            let World { desired, facts, archive, .. } = &world;
            let found = check_plan(desired, facts, &owned, archive, &plan.steps);
            let is_refused = found.iter().any(|finding| finding.code == Code::TargetOwned);
            let is_program = archive
                .entries
                .iter()
                .any(|entry| *path == format!("{}/{}", desired.bin_dir, entry.name));
            let expected = is_program || written.contains(path.as_str());
            assert_eq!(is_refused, expected, "{case}: {path}");
            refused.extend(is_refused.then(|| (case.clone(), path.clone())));
        }
    }
    for case in ["classic-group", "dropped-mirror"] {
        let file = (case.to_owned(), crate::desired::DAEMON_JSON.to_owned());
        assert!(refused.contains(&file), "{case} writes daemon.json");
    }
}

/// Nor is a package's file given another label.
#[test]
fn what_a_package_owns_keeps_its_label() {
    let mut world = World::of("selinux-labels-drifted");
    let labelled = |world: &World| -> BTreeSet<String> {
        let plan = world.plan().unwrap();
        let of = |step| match step {
            Step::SetLabels(step) => step.paths,
            _ => Vec::new(),
        };
        plan.steps.into_iter().flat_map(of).collect()
    };
    let before = labelled(&world);
    let path = before.first().unwrap();
    world.facts.packages.owners.insert(path.clone(), "theirs".to_owned());
    let mut but_one = before.clone();
    but_one.remove(path);
    assert_eq!(labelled(&world), but_one);
}

/// What is written beneath a directory comes after the directory, a member after the group,
/// what is started after the files.
#[test]
fn every_plan_is_in_order() {
    for case in cases() {
        let world = World::of(&case);
        let Ok(plan) = world.plan() else { continue };
        let mut there: BTreeSet<String> = world.facts.files.keys().cloned().collect();
        let mut started = false;
        for step in &plan.steps {
            if let Some(path) = step.path() {
                let parent = path.rsplit_once('/').unwrap().0;
                assert!(parent.is_empty() || there.contains(parent), "{case}: {path}");
                assert!(!started, "{case}: {path} is written after a unit was started");
                there.insert(path.to_owned());
            }
            started = started || matches!(step, Step::Unit(_));
        }
    }
}
