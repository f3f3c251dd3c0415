//! SELinux, AppArmor and their like.

use serde_json::json;

use super::{Case, World};
use crate::facts::security::{Fapolicyd, ImaAppraisal, Kysec, Lockdown, Selinux};

pub(super) const CASES: &[Case] = &[
    ("AppArmor without its parser", |w| w.facts.security.apparmor = true, &["error LF075"]),
    (
        "AppArmor with its parser",
        |w| {
            w.facts.security.apparmor = true;
            has(w, "apparmor_parser");
        },
        &[],
    ),
    ("SELinux as on RHEL, not used", |w| _ = enforcing(w), &["note LF078"]),
    (
        "SELinux as on RHEL, used",
        |w| {
            enforcing(w);
            w.set("selinux-enabled", json!(true));
        },
        &[],
    ),
    (
        "SELinux as on RHEL, left out on purpose",
        |w| {
            enforcing(w);
            w.set("selinux-enabled", json!(false));
        },
        &[],
    ),
    ("no container-selinux", |w| enforcing(w).container_policy = false, &["warning LF077"]),
    (
        "no container-selinux, but selinux-enabled",
        |w| {
            enforcing(w).container_policy = false;
            w.set("selinux-enabled", json!(true));
        },
        &["error LF077"],
    ),
    (
        "no container-selinux, permissive",
        |w| {
            let selinux = enforcing(w);
            selinux.container_policy = false;
            selinux.enforcing = false;
        },
        &[],
    ),
    (
        "nothing to label with",
        |w| {
            enforcing(w).labeller = None;
            w.set("selinux-enabled", json!(true));
        },
        &["error LF076"],
    ),
    (
        "nothing to label with, permissive",
        |w| {
            let selinux = enforcing(w);
            selinux.labeller = None;
            selinux.enforcing = false;
        },
        &["warning LF076"],
    ),
    ("another data directory, no semanage", |w| _ = elsewhere(w), &["error LF079"]),
    (
        "another data directory",
        |w| {
            elsewhere(w);
            has(w, "semanage");
        },
        &[],
    ),
    (
        "another data directory that the policy knows",
        |w| {
            let like = "/var/lib/docker".to_owned();
            elsewhere(w).equivalences.insert("/data/docker".into(), like);
        },
        &[],
    ),
    (
        "another data directory that the policy labels like another still",
        |w| {
            elsewhere(w).equivalences.insert("/data/docker".into(), "/srv".into());
            has(w, "semanage");
        },
        &["error LF045"],
    ),
    (
        "labels that cannot be told",
        |w| {
            enforcing(w).labels_unknown = Some("restorecon: exit status: 255".into());
            w.set("selinux-enabled", json!(true));
        },
        &["error LF046"],
    ),
    (
        "labels that cannot be told, permissive",
        |w| {
            let selinux = enforcing(w);
            selinux.enforcing = false;
            selinux.labels_unknown = Some("restorecon: exit status: 255".into());
        },
        &["warning LF046"],
    ),
    ("fapolicyd without its tool", |w| fapolicyd(w, true), &["error LF080"]),
    (
        "fapolicyd",
        |w| {
            fapolicyd(w, true);
            has(w, "fapolicyd-cli");
        },
        &[],
    ),
    ("fapolicyd that does not run", |w| fapolicyd(w, false), &[]),
    ("IMA appraisal", |w| w.facts.security.ima = Some(ImaAppraisal::Enforce), &["warning LF081"]),
    ("IMA appraisal, logged", |w| w.facts.security.ima = Some(ImaAppraisal::Log), &["note LF081"]),
    ("kysec, nothing known", |w| kysec(w, None), &["warning LF082"]),
    ("kysec asks for each program", |w| kysec(w, Some("warning")), &["warning LF082"]),
    ("kysec lets programs run", |w| kysec(w, Some("off")), &["note LF082"]),
    ("lockdown", |w| w.facts.security.lockdown = Some(Lockdown::Integrity), &["note LF083"]),
    ("FIPS", |w| w.facts.security.fips = true, &["note LF084"]),
];

fn has(world: &mut World, program: &str) {
    world.facts.programs.insert(program.into(), format!("/usr/sbin/{program}"));
}

/// As a RHEL host is, with container-selinux.
fn enforcing(world: &mut World) -> &mut Selinux {
    world.facts.security.selinux.insert(Selinux {
        enforcing: true,
        policy: "targeted".into(),
        container_policy: true,
        labeller: Some("/usr/sbin/restorecon".into()),
        equivalences: std::collections::BTreeMap::new(),
        wrong: std::collections::BTreeMap::new(),
        labels_unknown: None,
    })
}

fn elsewhere(world: &mut World) -> &mut Selinux {
    world.set("selinux-enabled", json!(true));
    world.set("data-root", json!("/data/docker"));
    let fact = world.facts.file_systems["/var/lib/docker"].clone();
    world.facts.file_systems.insert("/data/docker".into(), fact);
    enforcing(world)
}

fn fapolicyd(world: &mut World, active: bool) {
    world.facts.security.fapolicyd = Some(Fapolicyd { active, trust_dir: true });
}

fn kysec(world: &mut World, exec_control: Option<&str>) {
    world.facts.security.kysec = Some(Kysec { exec_control: exec_control.map(str::to_owned) });
}
