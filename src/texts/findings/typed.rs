//! Whether a person can do what a fix says.

use super::page;
use crate::preflight::Code;

/// Programs, options and files: a fix that holds none of them is only advice.
const TYPED: [&str; 47] = [
    "--bin-dir ",
    "--bip ",
    "--data-root ",
    "--gid",
    "--group ",
    "--ignore ",
    "--offline ",
    "--root ",
    "--set ",
    "--unit-style ",
    "--user",
    "apt-get ",
    "chattr ",
    "chgrp ",
    "chmod ",
    "cp ",
    "daemon.json",
    "date --set",
    "dnf ",
    "docker image prune",
    "docker network create",
    "docker pull ",
    "docker push ",
    "dpkg ",
    "du ",
    "echo ",
    "gpasswd ",
    "groupadd ",
    "grubby ",
    "iifname",
    "iptables -I",
    "kill ",
    "kysec_set ",
    "landfall ",
    "mount ",
    "mv ",
    "reboot",
    "rm ",
    "rpm ",
    "snap ",
    "sysctl ",
    "systemctl ",
    "timedatectl ",
    "truncate ",
    "useradd ",
    "visudo ",
    "yum ",
];

/// Whether a fix says what to type, or that nothing has to be.
pub(crate) fn can_be_typed(fix: &str) -> bool {
    fix.starts_with("nothing") || TYPED.iter().any(|typed| fix.contains(typed))
}

#[test]
fn every_fix_can_be_typed() {
    let fixes = Code::ALL.iter().map(|code| (code, page(*code).fix));
    let advice: Vec<_> = fixes.filter(|(_, fix)| !can_be_typed(fix)).collect();
    assert!(advice.is_empty(), "nobody can type {advice:#?}");
    assert!(!can_be_typed("see why it is so, and mend it"));
}
