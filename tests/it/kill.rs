//! The program is killed at every moment between two effects and at every line of its journal:
//! the same command again reaches what an undisturbed run reaches, and `rollback` what was there
//! before. In a directory (`--root`), where each run takes some hundredths of a second; on hosts
//! that run, at one moment for each kind of step.

// Roots are prepared, and looked at, from outside.
#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

use crate::support::{Machine, bundle, tiny, with};

/// A directory that looks like a host's root, as far as an installation looks.
pub struct Root(tempfile::TempDir);

/// What stands at each path: kind, mode, owner, and bytes or target.
pub type Tree = BTreeMap<String, String>;

impl Root {
    pub fn new() -> Self {
        let root = Self(in_memory());
        for directory in ["usr/bin", "usr/lib/systemd", "etc/systemd/system", "var/lib", "run"] {
            fs::create_dir_all(root.path().join(directory)).expect("writable");
        }
        for (file, text) in [
            ("etc/passwd", "root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n"),
            ("etc/shadow", "root:*:19000:0:99999:7:::\nanna:*:19000:0:99999:7:::\n"),
            ("etc/group", "root:x:0:\nanna:x:1000:\n"),
            ("etc/gshadow", "root:*::\nanna:!::\n"),
            ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n"),
            ("usr/bin/runc", "another's runc"),
        ] {
            fs::write(root.path().join(file), text).expect("writable");
        }
        // What its architecture and its systemd are told by.
        let systemd = root.path().join("usr/lib/systemd");
        fs::write(systemd.join("systemd"), tiny::program("systemd")).expect("writable");
        fs::write(systemd.join("libsystemd-shared-252.so"), "").expect("writable");
        for name in ["iptables", "ps", "xz", "git", "modprobe"] {
            let path = root.path().join("usr/bin").join(name);
            fs::write(&path, tiny::program(name)).expect("writable");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("writable");
        }
        root
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The same again, at another place.
    pub fn copy(&self) -> Self {
        let copy = Self(in_memory());
        let from = self.path().join(".");
        let done = Command::new("cp").arg("-a").arg(from).arg(copy.path()).status().expect("cp");
        assert!(done.success());
        copy
    }

    /// Runs Landfall beneath it, with a variable in its environment.
    pub fn run(&self, words: &[String], variable: Option<(&str, String)>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command.arg("--root").arg(self.path()).args(words).arg("--yes");
        command.envs(variable);
        command.output().expect("landfall is started")
    }

    #[track_caller]
    pub fn ok(&self, words: &[String]) {
        let output = self.run(words, None);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
    }

    /// Everything but Landfall's own state and the backups that shadow's tools make.
    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        walk(self.path(), self.path(), &mut tree);
        let own = |path: &str| {
            path.starts_with("var/lib/landfall")
                || ["etc/group-", "etc/gshadow-", "etc/passwd-", "etc/subuid", "run"]
                    .contains(&path)
                || path.starts_with("run/")
        };
        tree.retain(|path, _| !own(path));
        tree
    }

    fn journal(&self) -> String {
        let journal = self.path().join("var/lib/landfall/journal.jsonl");
        fs::read_to_string(journal).unwrap_or_default()
    }

    /// Whether the last run's end is in the journal.
    fn has_ended(&self) -> bool {
        let text = self.journal();
        text.ends_with("}\n")
            && text.lines().last().is_some_and(|line| line.contains("\"event\":\"run_ended\""))
    }

    /// How many runs the journal knows to have been committed.
    pub fn committed(&self) -> usize {
        let text = self.journal();
        let whole = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        let committed = |line: &&str| line.contains("\"event\":\"committed\"");
        text.lines().filter(whole).filter(committed).count()
    }

    pub fn has_state(&self) -> bool {
        self.path().join("var/lib/landfall").exists()
    }
}

/// Where syncing, of which a run does much, takes no time.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").expect("/dev/shm is there and writable")
}

fn walk(root: &Path, directory: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let meta = fs::symlink_metadata(&path).expect("it is there");
        let name = path.strip_prefix(root).expect("beneath").to_string_lossy().into_owned();
        let content = if meta.is_dir() {
            walk(root, &path, tree);
            "directory".to_owned()
        } else if meta.is_symlink() {
            fs::read_link(&path).expect("a link").to_string_lossy().into_owned()
        } else {
            format!("{:?}", Sha256::digest(fs::read(&path).expect("readable")))
        };
        let (mode, owner) = (meta.permissions().mode(), (meta.uid(), meta.gid()));
        tree.insert(name, format!("{mode:o} {owner:?} {content}"));
    }
}

pub fn text(output: &Output) -> String {
    let part = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}", part(&output.stdout), part(&output.stderr))
}

/// A command that is killed, and what makes the host that it is called on.
pub struct Case {
    pub name: &'static str,
    pub before: Vec<Vec<String>>,
    pub command: Vec<String>,
}

/// Every command that changes a host.
pub fn cases(archives: &Path) -> Vec<Case> {
    let [old, new] = ["28.5.2-1", "28.5.2-2"].map(|version| tiny::archive(archives, version));
    let words = |command: &str, archive: &PathBuf, more: &[&str]| -> Vec<String> {
        let archive = archive.to_string_lossy();
        let fixed = [command, "--offline", &archive, "--allow-unpinned", "--user", "anna"];
        fixed.iter().chain(more).map(|word| (*word).to_owned()).collect()
    };
    let install = words("install", &old, &["--set", "debug=true"]);
    let upgrade = words("upgrade", &new, &[]);
    let one = |command: &str| vec![command.to_owned()];
    vec![
        Case { name: "install", before: vec![], command: install.clone() },
        Case { name: "upgrade", before: vec![install.clone()], command: upgrade.clone() },
        Case {
            name: "configure",
            before: vec![install.clone()],
            command: ["configure", "--set", "live-restore=true"].map(str::to_owned).to_vec(),
        },
        Case { name: "rollback", before: vec![install.clone(), upgrade], command: one("rollback") },
        Case { name: "uninstall", before: vec![install], command: one("uninstall") },
    ]
}

/// Kills one case at every moment there is; how many there were.
fn kill_everywhere(case: &Case) -> usize {
    let start = Root::new();
    for words in &case.before {
        start.ok(words);
    }
    let before = start.tree();
    let earlier = start.committed();
    let undisturbed = start.copy();
    undisturbed.ok(&case.command);
    let after = undisturbed.tree();
    assert_ne!(before, after, "{}", case.name);

    for at in 1.. {
        let cut = start.copy();
        let output = cut.run(&case.command, Some(("LANDFALL_KILL_AT", at.to_string())));
        if output.status.success() {
            assert_eq!(cut.tree(), after);
            return at - 1;
        }
        let place = format!("{} killed at {at}", case.name);
        assert_eq!(output.status.signal(), Some(9), "{place}: {}", text(&output));
        assert_nothing_torn(&cut.tree(), &before, &after, &place);

        // Uninstalled, and even the journal is gone.
        let gone = !case.before.is_empty() && !cut.has_state();
        let committed = cut.committed() > earlier || gone;
        if case.name == "rollback" && committed && cut.has_ended() {
            // Killed on its way out: another rollback would take back another run.
            assert_eq!(cut.tree(), after, "{place}");
            continue;
        }
        let back = cut.copy();
        cut.ok(&case.command);
        assert_eq!(cut.tree(), after, "{place}, then the same again");
        assert_eq!(cut.has_state(), undisturbed.has_state(), "{place}");

        let output = back.run(&["rollback".to_owned()], None);
        // Once it is committed, an uninstallation and a rollback are what they are, and behind a
        // first installation there is nothing to roll back to.
        // A rollback that was cut is made when it is asked for again.
        let stays =
            case.name == "rollback" || (committed && ["install", "uninstall"].contains(&case.name));
        let expected = if stays { &after } else { &before };
        assert_eq!(back.tree(), *expected, "{place}, then rollback: {}", text(&output));
        if !committed && case.before.is_empty() {
            assert!(!back.has_state(), "{place}, then rollback: nothing is left");
        }
    }
    unreachable!("the loop ends with a run that is not killed")
}

/// Whatever has a final name is what was there before, or what shall be there.
#[track_caller]
fn assert_nothing_torn(now: &Tree, before: &Tree, after: &Tree, place: &str) {
    for (path, state) in now {
        let name = path.rsplit('/').next().unwrap_or_default();
        let hidden = name.ends_with(".landfall-new") || name.ends_with(".landfall-old");
        // shadow's own tools write these, and their locks and temporary files.
        let shadows = ["group", "gshadow", "passwd", "shadow"];
        if hidden || shadows.iter().any(|file| path.starts_with(&format!("etc/{file}"))) {
            continue;
        }
        let known = [before.get(path), after.get(path)];
        assert!(known.contains(&Some(state)), "{place}: {path} is {state}, not one of {known:?}");
    }
}

#[test]
fn killed_anywhere_a_run_is_done_again_or_rolled_back() {
    let archives = tempfile::tempdir().expect("a directory for temporary files");
    let cases = cases(archives.path());
    let counts: Vec<(&str, usize)> = std::thread::scope(|scope| {
        let running: Vec<_> =
            cases.iter().map(|case| (case.name, scope.spawn(|| kill_everywhere(case)))).collect();
        running
            .into_iter()
            .map(|(name, run)| {
                (name, run.join().unwrap_or_else(|error| std::panic::resume_unwind(error)))
            })
            .collect()
    });
    eprintln!("killed at: {counts:?}");
    assert!(counts.iter().all(|(_, count)| *count > 10), "{counts:?}");
}

/// Kinds of steps of an upgrade with a running container; killed once each has had its effect.
const KINDS: [&str; 9] = [
    "note_containers",
    "stop_units",
    "snapshot_metadata",
    "install_binary",
    "unit",
    "wait_api",
    "resume_containers",
    "smoke_test",
    "watch_units",
];

/// On a host that runs: an upgrade that is killed is rolled back by `rollback`, and the container
/// runs again on the engine of before; and the same upgrade again succeeds.
#[track_caller]
fn killed_on_a_host(host: &Machine, new: &bundle::Bundle, kind: &str) {
    let programs = "sha256sum /usr/bin/dockerd /usr/bin/containerd /usr/bin/runc";
    let before = host.sh(programs);
    let landfall = format!("{}/landfall", crate::support::SHARE);
    let at = format!("LANDFALL_KILL_AT={kind}");
    let script = r#""$@" || echo "it ended with $?""#;
    let mut words = vec!["sh", "-c", script, "sh", "env", &at, &landfall];
    words.extend(["upgrade", "--watch", "1", "--yes"]);
    words.extend(new.arguments());
    host.exec(&words).exits(0).says("it ended with 137");
    host.landfall(&["status"]).says("a run was cut");
    host.landfall(&["rollback", "--yes"]).exits(0).says("was cut");
    assert_eq!(host.sh(programs), before, "{kind}");
    assert_eq!(host.sh("docker ps --format '{{.Names}}'"), "plain", "{kind}");
    assert_eq!(host.sh("docker exec plain echo works"), "works", "{kind}");
    host.landfall(&["status"]).exits(0);
}

/// A host with an engine and a container that nobody but us starts again.
fn host_with_container() -> Machine {
    let host = Machine::boot();
    host.landfall(&with("install", &["--image", bundle::image()])).exits(0);
    host.sh(&format!("docker run -d --name plain {} sleep 100000", bundle::IMAGE_NAME));
    host
}

/// Two kinds, another pair for each commit.
#[test]
fn killed_on_a_running_host_it_goes_back() {
    let commit = Command::new("git").args(["rev-parse", "HEAD"]).output().expect("git");
    let seed = commit.stdout.iter().map(|byte| usize::from(*byte)).sum::<usize>();
    let host = host_with_container();
    let new = bundle::same_again();
    for kind in [KINDS[seed % KINDS.len()], KINDS[(seed + 4) % KINDS.len()]] {
        killed_on_a_host(&host, new, kind);
    }
    let again = [vec!["upgrade", "--watch", "1", "--yes"], new.arguments()].concat();
    host.landfall(&again).exits(0);
    host.landfall(&["uninstall", "--yes"]).exits(0);
}

#[test]
#[ignore = "long: an upgrade is killed and rolled back nine times"]
fn killed_on_a_running_host_at_every_kind_of_step() {
    let host = host_with_container();
    for kind in KINDS {
        killed_on_a_host(&host, bundle::same_again(), kind);
    }
}
