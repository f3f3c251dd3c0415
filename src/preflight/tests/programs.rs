//! Libraries, users and groups.

use super::{Case, World};
use crate::facts::{Group, User};

pub(super) const CASES: &[Case] = &[
    (
        "libraries that are there",
        |w| w.dynamic(&["libc.so.6", "libsystemd.so.0"], &[("libc.so.6", "GLIBC_2.34")]),
        &[],
    ),
    (
        "a library that is not there",
        |w| w.dynamic(&["libc.so.6", "libbtrfs.so.0"], &[]),
        &["error LF040"],
    ),
    (
        "a libc that is too old",
        |w| w.dynamic(&["libc.so.6"], &[("libc.so.6", "GLIBC_2.38"), ("libc.so.6", "GLIBC_2.4")]),
        &["error LF041"],
    ),
    (
        "a libc without an ABI marker",
        |w| w.dynamic(&[], &[("libc.so.6", "GLIBC_ABI_DT_X86_64_PLT")]),
        &["error LF041"],
    ),
    (
        "another library of glibc's, too old",
        |w| w.dynamic(&[], &[("libpthread.so.0", "GLIBC_2.41")]),
        &["error LF041"],
    ),
    (
        "another library of glibc's, new enough",
        |w| w.dynamic(&[], &[("libpthread.so.0", "GLIBC_2.3.3")]),
        &[],
    ),
    (
        "tables that cannot be read",
        |w| w.archive.entries[0].elf.dependencies_known = false,
        &["warning LF042"],
    ),
    (
        "no cache of libraries",
        |w| {
            w.dynamic(&["libc.so.6"], &[]);
            w.facts.libraries.sonames = None;
        },
        &["warning LF042"],
    ),
    ("an unknown user", |w| w.desired.group.members.push("nobody-here".into()), &["error LF050"]),
    (
        "a user of the directory service",
        |w| {
            w.facts
                .accounts
                .users
                .insert("ann".into(), User { uid: 7000, gid: 7000, local: false });
            w.desired.group.members.push("ann".into());
        },
        &[],
    ),
    (
        "a directory service without an answer",
        |w| {
            w.facts.accounts.unanswered.insert("ann".into());
            w.desired.group.members.push("ann".into());
        },
        &["error LF050"],
    ),
    ("an id that is taken", |w| w.desired.group.gid = Some(33), &["error LF051"]),
    ("an id that is free", |w| w.desired.group.gid = Some(4711), &[]),
    (
        "a group with another id",
        |w| {
            group(w, true, &["www-data"]);
            w.desired.group.gid = Some(33);
        },
        &["note LF052"],
    ),
    ("nobody", |w| w.desired.group.members.clear(), &["note LF053"]),
    (
        "nobody new",
        |w| {
            group(w, true, &["ann"]);
            w.desired.group.members.clear();
        },
        &[],
    ),
    ("a group in LDAP", |w| group(w, false, &[]), &["error LF054"]),
    ("a group in LDAP that has the member", |w| group(w, false, &["www-data"]), &["note LF064"]),
    (
        "no groupadd",
        |w| {
            w.facts.programs.remove("groupadd");
        },
        &["error LF055"],
    ),
    (
        "no groupadd, but the group",
        |w| {
            group(w, true, &[]);
            w.facts.programs.remove("groupadd");
        },
        &[],
    ),
    (
        "no gpasswd",
        |w| {
            w.facts.programs.remove("gpasswd");
        },
        &["error LF055"],
    ),
];

fn group(world: &mut World, local: bool, members: &[&str]) {
    let members = members.iter().map(|name| (*name).to_owned()).collect();
    world.facts.accounts.groups.insert("docker".into(), Group { gid: 998, members, local });
}
