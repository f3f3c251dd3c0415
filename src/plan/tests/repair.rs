//! What brings a host back to its receipt: every golden case, carried out on paper, is compared
//! with its receipt, damaged, and repaired.

use std::collections::BTreeMap;

use super::*;
use crate::facts::installed::InstalledFacts;
use crate::facts::{FileFact, Group};
use crate::plan::repair::{Damage, Repair, repair};
use crate::verify::{Comparison, Difference, Note, compare};

/// A host on which this case was carried out.
fn installed(case: &str) -> World {
    let world = World::of(case);
    let plan = world.plan().unwrap_or_else(|error| panic!("{case}: {error}"));
    world.after(&plan)
}

fn compared(world: &World) -> Comparison {
    let facts = world.facts.clone();
    compare(receipt(world), &InstalledFacts { facts, ..InstalledFacts::default() })
}

fn receipt(world: &World) -> &Receipt {
    world.receipt.as_ref().unwrap()
}

/// The repair of a host, with the bytes of these programs at hand.
fn repaired(world: &World, programs: &[&str]) -> Result<Repair, PlanError> {
    let staged: BTreeMap<String, String> =
        programs.iter().map(|path| ((*path).to_owned(), format!("{path}.new"))).collect();
    let mut desired = world.desired.clone();
    desired.daemon = receipt(world).daemon.clone();
    let version = world.version();
    let inputs = Inputs {
        desired: &desired,
        facts: &world.facts,
        archive: &world.archive,
        version: version.as_deref(),
        staging: "",
        images: &[],
        receipt: world.receipt.as_ref(),
    };
    let differences = &compared(world).differences;
    repair(&inputs, &Damage { receipt: receipt(world), differences, staged: &staged })
}

fn file<'a>(world: &'a mut World, path: &str) -> &'a mut FileFact {
    world.facts.files.get_mut(path).unwrap_or_else(|| panic!("{path}"))
}

fn set_text(world: &mut World, path: &str, text: &str) {
    let file = file(world, path);
    file.sha256 = Some(Digest::of(text.as_bytes()));
    file.text = Some(text.to_owned());
}

/// The steps that change something, in words.
fn said(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(crate::texts::steps::step).collect()
}

/// The first file that a plan writes.
fn written(plan: &Plan) -> &crate::steps::WriteFile {
    let file = plan.steps.iter().find_map(|step| match step {
        Step::WriteFile(step) => Some(step),
        _ => None,
    });
    file.unwrap_or_else(|| panic!("{:?}", said(plan)))
}

const SERVICE: &str = "/etc/systemd/system/docker.service";
const WANTS: &str = "/etc/systemd/system/multi-user.target.wants/docker.service";
const JSON: &str = "/etc/docker/daemon.json";

/// A plan that was carried out is no drift, and leaves nothing to repair.
#[test]
fn what_was_just_made_does_not_differ() {
    for case in cases() {
        let world = World::of(&case);
        let Ok(plan) = world.plan() else { continue };
        // A receipt of a plan that found some of it there says nothing of that.
        let world = world.after(&plan);
        assert_eq!(compared(&world).differences, [], "{case}");
        let Repair { plan, left } = repaired(&world, &[]).unwrap();
        assert_eq!((said(&plan), left), (Vec::new(), Vec::new()), "{case}");
    }
}

/// Each damage alone: how it is told, and what puts it back.
#[test]
fn each_damage_is_told_and_put_back() {
    type Case = (&'static str, fn(&mut World), &'static [&'static str], &'static [&'static str]);
    let cases: &[Case] = &[
        (
            "a program of each container",
            |world| file(world, "/usr/bin/runc").sha256 = Some(Digest::of(b"rotten")),
            &["/usr/bin/runc has other bytes"],
            &["install /usr/bin/runc", "run a container and check what it says"],
        ),
        (
            "a mode",
            |world| file(world, "/usr/bin/runc").state.mode = 0o4777,
            &["/usr/bin/runc has mode 4777, expected 0755"],
            &["give /usr/bin/runc mode 755 and owner 0:0"],
        ),
        (
            "an owner and a mode are set at once",
            |world| {
                let state = &mut file(world, SERVICE).state;
                (state.uid, state.mode) = (1000, 0o600);
            },
            &["docker.service has mode 0600", "docker.service belongs to 1000:0, expected 0:0"],
            &["give /etc/systemd/system/docker.service mode 644 and owner 0:0"],
        ),
        (
            "a unit",
            |world| set_text(world, SERVICE, "[Service]\n"),
            &["docker.service has another text"],
            &[
                "write /etc/systemd/system/docker.service",
                "have systemd-analyze check the units",
                "have systemd read its units again",
                "restart docker.service",
                "wait for the API",
                "run a container",
            ],
        ),
        (
            "a unit that is disabled",
            |world| drop(world.facts.files.remove(WANTS)),
            &["docker.service is not enabled"],
            &["enable docker.service"],
        ),
        (
            "a link that points elsewhere",
            |world| file(world, WANTS).state.target = Some("/dev/null".to_owned()),
            &["points to /dev/null, expected /etc/systemd/system/docker.service"],
            &["remove link /etc/systemd/system/multi-user", "enable docker.service"],
        ),
        (
            "a member",
            |world| {
                let group = world.facts.accounts.groups.get_mut("docker").unwrap();
                group.members.retain(|user| user != "backup");
            },
            &["backup is no member of group docker"],
            &["add user backup to group docker"],
        ),
        (
            "the group: its socket tells its id",
            |world| {
                world.facts.accounts.groups.remove("docker");
                let mut socket = world.facts.files["/usr/bin/runc"].clone();
                (socket.state.kind, socket.state.gid) = (crate::file_state::FileKind::Other, 990);
                world.facts.files.insert("/run/docker.sock".to_owned(), socket);
            },
            &["group docker is gone"],
            &[
                "create group docker with id 990",
                "add user www-data to group docker",
                "add user backup to group docker",
            ],
        ),
        (
            "a unit that does not run",
            |world| world.facts.units.get_mut("docker.service").unwrap().active = "failed".into(),
            &["docker.service is failed, expected active"],
            &["start docker.service", "wait for the API", "run a container"],
        ),
    ];
    for (name, damage, told, steps) in cases {
        let mut world = installed("all-options");
        damage(&mut world);
        let differences: Vec<String> =
            compared(&world).differences.iter().map(crate::texts::verify::difference).collect();
        assert_eq!(differences.len(), told.len(), "{name}: {differences:?}");
        for (found, told) in differences.iter().zip(*told) {
            assert!(found.contains(told), "{name}: {found:?} instead of {told:?}");
        }
        let Repair { plan, left } = repaired(&world, &["/usr/bin/runc"]).unwrap();
        assert_eq!(left, [], "{name}");
        let found: Vec<String> =
            said(&plan).into_iter().filter(|step| !step.starts_with("give 1 files")).collect();
        for step in *steps {
            assert!(
                found.iter().any(|found| found.contains(step)),
                "{name}: {step:?} in {found:?}"
            );
        }
        let changing = |step: &&Step| {
            let others = matches!(step, Step::NoteContainers(_) | Step::ResumeContainers(_));
            !others && !matches!(step, Step::GuardBoot(_))
        };
        let count = plan.steps.iter().filter(changing).count();
        assert_eq!(count, steps.len(), "{name}: {found:?}");
    }
}

/// Only Landfall's keys are put back; what others wrote stays, as they wrote it.
#[test]
fn keys_of_daemon_json_are_put_back_one_by_one() {
    let mut world = installed("all-options");
    let text = file(&mut world, JSON).text.clone().unwrap();
    let damaged = text
        .replace("\"bip\": \"172.30.0.1/24\"", "\"bip\": \"10.9.0.1/24\",\n  \"debug\":   true")
        .replace("https://second.example.internal", "https://theirs.example.internal");
    assert_ne!(damaged, text);
    set_text(&mut world, JSON, &damaged);
    let Comparison { differences, notes } = compared(&world);
    let keys: Vec<&str> = differences
        .iter()
        .map(|found| match found {
            Difference::Key { key, .. } => key.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(keys, ["registry-mirrors", "bip"]);
    assert_eq!(notes, [Note::Keys { keys: vec!["debug".to_owned()] }]);
    let plan = repaired(&world, &[]).unwrap().plan;
    let written = written(&plan);
    assert!(written.text.contains("\"debug\":   true"), "{}", written.text);
    assert!(written.text.contains("\"bip\": \"172.30.0.1/24\""), "{}", written.text);
    for mirror in ["https://second.example.internal", "https://theirs.example.internal"] {
        assert!(written.text.contains(mirror), "{}", written.text);
    }
    assert_eq!(plan.engine, EngineAction::Restart, "bip takes a restart");
}

#[test]
fn daemon_json_that_is_gone_comes_back_as_it_was_written() {
    let mut world = installed("all-options");
    let was = world.facts.files.remove(JSON).unwrap();
    assert_eq!(compared(&world).differences.len(), 1);
    let plan = repaired(&world, &[]).unwrap().plan;
    let written = written(&plan);
    assert_eq!(Some(&written.text), was.text.as_ref());
    assert_eq!(written.ownership, was.state.ownership());
    assert_eq!(plan.engine, EngineAction::Restart);
}

#[test]
fn daemon_json_that_cannot_be_read_is_for_people() {
    let mut world = installed("all-options");
    set_text(&mut world, JSON, "{\"bip\": ");
    file(&mut world, "/usr/bin/runc").state.mode = 0o700;
    let Repair { plan, left } = repaired(&world, &[]).unwrap();
    assert!(matches!(&left[..], [Difference::DaemonJson { .. }]), "{left:?}");
    assert_eq!(said(&plan), ["give /usr/bin/runc mode 755 and owner 0:0"]);
}

/// A user that is gone, something else in a file's place, a program whose bytes nobody has.
#[test]
fn what_cannot_be_put_back_is_left_and_named() {
    let mut world = installed("all-options");
    world.facts.accounts.users.remove("backup");
    let group: &mut Group = world.facts.accounts.groups.get_mut("docker").unwrap();
    group.members.retain(|user| user != "backup");
    file(&mut world, "/usr/bin/runc").sha256 = None;
    file(&mut world, WANTS).state.kind = crate::file_state::FileKind::File;
    let Repair { plan, left } = repaired(&world, &[]).unwrap();
    assert_eq!(left, compared(&world).differences);
    assert_eq!((left.len(), said(&plan)), (3, Vec::new()));
}

/// The classic units have no socket that systemd makes, and no containerd of their own.
#[test]
fn units_are_those_that_were_installed() {
    let mut world = installed("classic");
    set_text(&mut world, SERVICE, "[Service]\n");
    let steps = said(&repaired(&world, &[]).unwrap().plan);
    assert!(steps.contains(&"restart docker.service".to_owned()), "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("containerd.service")), "{steps:?}");
}

#[test]
fn what_others_may_do_is_a_note() {
    let mut world = installed("all-options");
    let group = world.facts.accounts.groups.get_mut("docker").unwrap();
    group.members.push("eve".to_owned());
    let unit = world.facts.units.get_mut("docker.service").unwrap();
    let theirs = "/etc/systemd/system/docker.service.d/proxy.conf";
    unit.drop_ins =
        vec![theirs.to_owned(), "/usr/lib/systemd/system/service.d/10-timeout.conf".to_owned()];
    let Comparison { differences, notes } = compared(&world);
    assert_eq!(differences, []);
    let users = vec!["eve".to_owned()];
    let members = Note::Members { group: "docker".to_owned(), users };
    let paths = vec![theirs.to_owned()];
    assert_eq!(notes, [members, Note::DropIns { unit: "docker.service".to_owned(), paths }]);
}
