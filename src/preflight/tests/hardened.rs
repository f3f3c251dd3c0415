//! Hosts that somebody has closed down.

use super::{Case, World, shown, world};
use crate::facts::{Group, Protection};
use crate::file_state::{FileKind, Ownership};
use crate::preflight::{check_plan, check_staging};
use crate::steps::{CreateDir, CreateLink, GuardRuntime, Step, WriteFile};
use crate::texts::findings::text;

pub(super) const CASES: &[Case] = &[
    ("immutable accounts", |w| protect(w, "/etc/gshadow"), &["error LF060"]),
    ("immutable /etc", |w| protect(w, "/etc"), &["error LF060"]),
    (
        "immutable accounts that need no change",
        |w| {
            protect(w, "/etc/group");
            local_group(w, &["www-data"]);
        },
        &[],
    ),
    (
        "immutable accounts, and a member to add",
        |w| {
            protect(w, "/etc/group");
            local_group(w, &[]);
        },
        &["error LF060"],
    ),
    ("immutable, but not changed for a group", |w| protect(w, "/etc/passwd"), &[]),
    (
        "immutable users of an image that a member is added in",
        |w| {
            protect(w, "/etc/passwd");
            w.facts.live = false;
        },
        &["error LF060"],
    ),
    (
        "data-root nosuid and nodev",
        |w| {
            let fact = w.file_system("/var/lib/docker");
            (fact.no_suid, fact.no_dev) = (true, true);
        },
        &["note LF061"],
    ),
    (
        "sudo that does not look in /usr/local/bin",
        |w| {
            w.facts.sudo_path = Some(vec!["/usr/sbin".into(), "/usr/bin".into()]);
            let fact = w.facts.file_systems["/usr/bin"].clone();
            w.facts.file_systems.insert("/usr/local/bin".into(), fact);
            w.desired.bin_dir = "/usr/local/bin".into();
        },
        &["warning LF063"],
    ),
    (
        "sudo that looks in /usr/bin",
        |w| w.facts.sudo_path = Some(vec!["/usr/sbin".into(), "/usr/bin".into()]),
        &[],
    ),
    (
        "a directory service that does not answer for the group",
        |w| {
            w.facts.accounts.unanswered.insert("docker".into());
        },
        &["error LF062"],
    ),
];

fn protect(world: &mut World, path: &str) {
    world.facts.protected.insert(path.to_owned(), Protection::Immutable);
}

fn local_group(world: &mut World, members: &[&str]) {
    let members = members.iter().map(|name| (*name).to_owned()).collect();
    let group = Group { gid: 990, members, local: true };
    world.facts.accounts.groups.insert("docker".into(), group);
}

/// The path that is protected, the plan's steps that write, and whether they are refused.
#[test]
fn a_plan_is_refused_where_it_writes_what_is_protected() {
    let write = |path: &str| {
        let (text, ownership) = (String::new(), Ownership::root(0o644));
        Step::WriteFile(WriteFile { path: path.to_owned(), text, ownership })
    };
    let directory = |path: &str| {
        Step::CreateDir(CreateDir { path: path.to_owned(), ownership: Ownership::root(0o755) })
    };
    let link = |path: &str| {
        Step::CreateLink(CreateLink { path: path.to_owned(), target: "/x".to_owned() })
    };
    let data = |path: &str| Step::GuardRuntime(GuardRuntime { data: vec![path.to_owned()] });
    let refused = |protected: &str, step: Step| {
        let mut world = world();
        for path in ["/etc", "/etc/docker", "/var", "/var/lib"] {
            world.put(path, FileKind::Directory);
        }
        world.put("/etc/docker/daemon.json", FileKind::File);
        protect(&mut world, protected);
        !check_plan(&world.desired, &world.facts, &world.owned, &world.archive, &[step]).is_empty()
    };
    let daemon_json = "/etc/docker/daemon.json";
    assert!(refused(daemon_json, write(daemon_json)), "the file");
    assert!(refused("/etc/docker", write(daemon_json)), "its directory");
    assert!(!refused("/etc", write(daemon_json)), "what is in a protected directory can change");
    assert!(refused("/etc", directory("/etc/new")));
    assert!(!refused("/etc/docker", directory("/etc/new")));
    assert!(refused("/etc", link("/etc/new")));
    assert!(refused("/var/lib", data("/var/lib/docker")));
    assert!(!refused("/var", data("/var/lib/docker")));
    assert!(!refused("/", data("/data/unknown")), "nothing is known of what is around it");
}

#[test]
fn where_programs_are_staged_and_the_journal_is_kept() {
    let found = |path: &str| {
        let mut world = world();
        world.put("/usr/bin", FileKind::Directory);
        world.put("/var/lib", FileKind::Directory);
        world.facts.protected.insert(path.to_owned(), Protection::AppendOnly);
        let found = check_staging(&world.desired, &world.facts);
        found.first().map(|finding| text(finding).fix)
    };
    let fix = |path| {
        let again = "then the same command again; and, unless data go there";
        Some(format!("chattr -a {path}; {again}: chattr +a {path}"))
    };
    assert_eq!(found("/usr/bin"), fix("/usr/bin"));
    assert_eq!(found("/var/lib"), fix("/var/lib"), "the state directory is not there yet");
    assert_eq!(found("/usr"), None);
}

#[test]
fn a_read_only_usr_names_a_place_that_can_be_written() {
    let fix = |read_only: bool| {
        let mut world = world();
        world.file_system("/usr/bin").read_only = true;
        let mut other = world.facts.file_systems["/var/lib/docker"].clone();
        world.facts.file_systems.insert("/var/opt/landfall/bin".into(), other.clone());
        other.read_only = read_only;
        world.facts.file_systems.insert("/opt/landfall/bin".into(), other);
        text(&world.findings()[0]).fix
    };
    assert!(fix(false).contains("--bin-dir /opt/landfall/bin"), "{}", fix(false));
    assert!(fix(true).contains("--bin-dir /var/opt/landfall/bin"), "{}", fix(true));
}

#[test]
fn noexec_matters_where_containers_get_plain_directories() {
    let found = |driver: Option<&str>, kind: &str| {
        let mut world = world();
        let fact = world.file_system("/var/lib/docker");
        (fact.no_exec, fact.kind) = (true, kind.to_owned());
        if let Some(driver) = driver {
            world.set("storage-driver", driver.into());
        }
        let codes = ["LF023", "LF061"];
        let mut found = shown(&world.findings());
        found.retain(|line| codes.iter().any(|code| line.ends_with(code)));
        found
    };
    assert_eq!(found(None, "ext4"), ["warning LF061"]);
    assert_eq!(found(Some("overlay2"), "btrfs"), ["warning LF061"]);
    assert_eq!(found(Some("vfs"), "ext4"), ["error LF023"]);
    assert_eq!(found(None, "btrfs"), ["error LF023"]);
    assert_eq!(found(None, "nfs"), ["error LF023"]);
}
