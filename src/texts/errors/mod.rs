//! What to type next, for errors that name a way on.

mod bundle;
mod config;
mod daemon_json;
mod format;
mod host;
mod mirrors;
mod online;
mod plan;
mod smoke;
mod step;
mod values;

use std::collections::BTreeSet;

use crate::file_state::parent_of;
use crate::host::HostError;
use crate::plan::FlagConflict;
use crate::preflight::Code;
use crate::receipt::ReceiptError;
use crate::stage::StageError;
use crate::steps::StepError;
use crate::topology::Topology;

/// After a step failed and all before it were undone.
pub const ROLLED_BACK: &str = "everything was rolled back; the host is as it was before";
/// The same, with something left, which is named before.
pub const ROLLED_BACK_BUT: &str = "everything else was rolled back";
/// After something could not be undone.
pub const NOT_ROLLED_BACK: &str = "not everything could be rolled back";
/// How to go on then.
pub const RETRY_ROLLBACK: &str = "mend the cause, then run landfall rollback: it completes this, and so does any \
     command that changes the host (to give it up: move /var/lib/landfall/journal.jsonl away)";
/// Where the units' logs are kept.
pub fn evidence(path: &str) -> String {
    format!("what the units said until then: {path}")
}

/// There is nothing to upgrade.
pub const NO_ENGINE: &str = "landfall has installed no engine on this host";
/// What to do then.
pub const INSTALL_FIRST: &str = "to install one: landfall install --offline FILE";
/// A run is committed, and something that follows failed.
pub const COMMITTED: &str = "all changes are made and stay; what is left is to remove files that \
     have no use any more, and to note that the run ended";
/// How to go on then.
pub const COMPLETE: &str = "mend the cause; any command that changes the host completes it first, \
     such as landfall rollback";

/// A run was asked to end before it changed anything.
pub const INTERRUPTED_BEFORE: &str = "interrupted; nothing was changed";
/// Confirming needs root.
pub const CONFIRM_NOT_ROOT: &str = "confirming needs root";
/// Nothing to confirm.
pub const NO_RUN_TO_CONFIRM: &str = "no run waits for confirmation";
/// What may have become of the run.
pub const LOOK_WHETHER_ROLLED_BACK: &str =
    "it may be rolled back already; see landfall status, and journalctl -t landfall";
/// A run goes on, and is at something else.
pub const RUN_NOT_WAITING: &str = "the run does not wait for confirmation";
/// `--confirm-within` for files that nobody uses yet.
pub const NOTHING_TO_CONFIRM: &str =
    "--confirm-within is for a running host; beneath --root nothing is put in force";

/// A run ended early, and its steps are undone.
pub fn ended(cause: &HostError, whole: bool) -> String {
    if whole { format!("{cause}; rolled back") } else { cause.to_string() }
}

/// A step failed.
pub fn could_not(what: &str, why: &str) -> String {
    // What a package manager installs stands beneath it, a line for each package.
    let what = what.lines().next().unwrap_or(what);
    format!("could not {what}: {why}")
}

/// Above the last lines of a unit's log.
pub fn log_of(unit: &str) -> String {
    format!("the last lines of {unit}:")
}

/// Hints for a failed step.
pub fn step_hints(error: &StepError) -> Vec<String> {
    match error {
        StepError::Stage(error) => match &**error {
            StageError::Bundle { source, .. } => vec![source.hint().to_owned()],
            StageError::Volume { source, .. } => vec![source.hint().to_owned()],
            StageError::Archive { source, .. } => {
                source.hint().map(str::to_owned).into_iter().collect()
            }
            StageError::Host(error) => host_hints(error),
        },
        StepError::Unit { unit, .. } | StepError::NotSteady { unit, .. } => {
            vec![format!("the unit's whole log: journalctl -u {unit}")]
        }
        StepError::Smoke(_) => vec![
            "the daemon runs, but cannot run a container; its log and containerd's say why: \
             journalctl -u docker -u containerd"
                .to_owned(),
            "to do without that container (install, upgrade): --no-smoke-test".to_owned(),
        ],
        StepError::NotAFile { path, .. } => {
            vec![format!("move it away, then try again: mv {path} {path}.old")]
        }
        StepError::NotEmpty(path) => {
            vec![format!("see what came there meanwhile (ls -A {path}), or name another directory")]
        }
        StepError::SourceChanged(_) => vec!["give the same command again".to_owned()],
        StepError::StoreDamaged(_) => {
            vec!["put the file back by hand, from a backup or a package".to_owned()]
        }
        StepError::WrongVersion { .. } => {
            vec!["another daemon serves this socket: systemctl status docker; ss -lxp".to_owned()]
        }
        StepError::ContainersRun(pids) => vec![survivors(pids)],
        StepError::ContainersDown(_) => {
            vec!["one that need not run: docker stop NAME, then try again".to_owned()]
        }
        StepError::NotInForce(_) => {
            vec![
                "compare: docker info; systemctl cat docker.service; journalctl -u docker"
                    .to_owned(),
            ]
        }
        StepError::SocketPermissions { path, .. } => {
            vec![format!(
                "a drop-in may set them: systemctl cat docker.socket docker.service; ls -l {path}"
            )]
        }
        StepError::Mounted(_) => {
            vec!["unmount them, or copy by hand what is on them, then try again".to_owned()]
        }
        StepError::NotCompleted(cause) => step_hints(cause),
        StepError::OtherFileSystem(_) => {
            vec![
                "move what is in them to where docker does not keep its data, then try again"
                    .to_owned(),
            ]
        }
        StepError::InTheWay { path, why } => vec![super::migrate::out_of_the_way(path, why)],
        StepError::CopyDiffers(_) => vec![
            "something wrote to the data while docker was down, or the disk does not keep what is \
             written to it: dmesg"
                .to_owned(),
        ],
        StepError::OtherDataRoot { .. } => {
            vec!["something else sets data-root: systemctl cat docker.service".to_owned()]
        }
        StepError::Lacking(_) => vec![
            "the old data are as they were, and docker uses them again; it had come up with the \
             copy, which is kept for a look at what is lacking there"
                .to_owned(),
            "the daemon's log says what it could not read: journalctl -u docker".to_owned(),
        ],
        StepError::NoLabeller => vec![super::findings::LABEL_TOOLS.to_owned()],
        StepError::WrongLabels(_) => {
            vec!["see what SELinux denies: ausearch -m avc -ts recent; dmesg".to_owned()]
        }
        StepError::NotTrusted(path) => vec![format!(
            "look at its trust and its rules: fapolicyd-cli --dump-db | grep {path}; \
             fapolicyd-cli --list; journalctl -u fapolicyd"
        )],
        StepError::OtherTransaction(_) => {
            vec!["look at it again: landfall plan --online, with the same options".to_owned()]
        }
        StepError::NotInstalled(_) => {
            vec!["its log says why: /var/log/apt/history.log, /var/log/dnf.log".to_owned()]
        }
        StepError::PackagesNeeded(_) => {
            vec!["remove the packages that need them first, then try again".to_owned()]
        }
        StepError::PackagesAtBoot => {
            vec!["once the network is up: landfall recover; docker is held until then".to_owned()]
        }
        StepError::Host(error) => host_hints(error),
        StepError::Engine(_) | StepError::UnitsRefused(_) | StepError::NoGroup(_) => Vec::new(),
    }
}

fn survivors(pids: &[u32]) -> String {
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    format!(
        "start docker and stop its containers (systemctl start docker; docker stop …), or end \
         them by hand: they are the children of these processes: ps -o pid,args --ppid {}",
        pids.join(",")
    )
}

/// Hints for a refusal of the host.
pub fn host_hints(error: &HostError) -> Vec<String> {
    match error {
        HostError::Io { source, path, .. } => match source.raw_os_error() {
            Some(code) if code == rustix::io::Errno::NOSPC.raw_os_error() => {
                vec![format!(
                    "free some space: df -h {0}; df -i {0}",
                    parent_of(path).unwrap_or("/")
                )]
            }
            Some(code) if code == rustix::io::Errno::ROFS.raw_os_error() => {
                vec![format!("its file system is mounted read-only: findmnt -T {path}")]
            }
            Some(code) if code == rustix::io::Errno::PERM.raw_os_error() => {
                vec![format!("it may be immutable: lsattr -d {path}")]
            }
            Some(code) if code == rustix::io::Errno::ACCESS.raw_os_error() => {
                vec![
                    "run landfall as root; if it is: what a security module refuses is in dmesg, \
                     or ausearch -m avc -ts recent"
                        .to_owned(),
                ]
            }
            _ => Vec::new(),
        },
        HostError::Command { command, .. } if command.starts_with("groupadd --system ") => {
            vec!["to choose the group's id yourself: --gid N".to_owned()]
        }
        HostError::Sandbox { .. } => vec![
            "run landfall on the host itself; in a container: an engine from 20.10.10 on, or \
             --security-opt seccomp=unconfined"
                .to_owned(),
        ],
        HostError::Locked { .. } => vec!["wait for it to end, then try again".to_owned()],
        _ => Vec::new(),
    }
}

/// Hints for a receipt that cannot be used.
pub fn receipt_hints(error: &ReceiptError) -> Vec<String> {
    match error {
        ReceiptError::TooNew { .. } => {
            vec!["use the landfall that made this installation, or a newer one".to_owned()]
        }
        ReceiptError::Damaged(_) => {
            vec![
                "look at it, and at /var/lib/landfall/journal.jsonl, which holds the same"
                    .to_owned(),
            ]
        }
        ReceiptError::Host(error) => host_hints(error),
    }
}

/// Uninstalling needs root.
pub const NOT_ROOT: &str = "uninstalling needs root";
/// How to become root.
pub const USE_SUDO: &str = "run it with sudo";

/// A key of daemon.json that belongs into a drop-in.
pub fn set_by_flag(conflict: &FlagConflict) -> String {
    let FlagConflict { key, flag, place, moves } = conflict;
    match (place, key.as_str()) {
        (None, "hosts") => format!(
            "docker.service has {flag}: more listeners for the API go into a drop-in: systemctl edit \
             docker.socket, with a line ListenStream=… under [Socket]"
        ),
        (None, _) => format!("docker.service has {flag}: take `{key}` out of the file"),
        (Some((path, line)), _) if *moves => format!(
            "{path}, line {line}, has {flag}: it moves to daemon.json once landfall writes that \
             unit: landfall install --offline ARCHIVE (or upgrade), then configure again"
        ),
        (Some((path, line)), _) => format!(
            "{path}, line {line}, has {flag}: take it out there, then systemctl daemon-reload, and \
             the same command again; or leave `{key}` to it, and out of daemon.json"
        ),
    }
}

/// How a host gets the other units.
pub fn keep_unit_style(installed: Topology, asked: Topology) -> String {
    format!(
        "leave --unit-style out, or say --unit-style {}; to change it, stop your containers, then \
         landfall uninstall and landfall install --unit-style {}",
        installed.name(),
        asked.name()
    )
}

/// How an engine before 18.09 is installed.
pub fn needs_classic(installed: bool) -> &'static str {
    match installed {
        true => "landfall uninstall, then install that archive; or install 18.09 or later",
        false => "leave --unit-style out: it is chosen by itself for such an engine",
    }
}

/// One way to name the group.
pub fn group_once(daemon: &str) -> String {
    format!("say it once: --group {daemon}")
}

/// A daemon that is not reached.
pub const SERVE_SOCKET: &str =
    "add \"unix:///var/run/docker.sock\" to `hosts` in the file, or take `hosts` out of it";
/// Keys of an older or newer engine.
pub const UNSET_UNKNOWN: &str =
    "take them out first: landfall configure --unset KEY, or by hand in /etc/docker/daemon.json";
/// A containerd that is none of dockerd's.
pub const OWN_CONTAINERD: &str =
    "take `containerd` out of the file, or leave out --unit-style classic";

/// A file that is no archive.
pub fn not_an_image(path: &str) -> String {
    format!("{path} is not an archive of images, as docker save makes them")
}

/// The data directory of an installed engine.
pub fn keep_data_root(from: &str) -> String {
    format!("say --data-root {from}; to move the data: landfall migrate-data-root DIR")
}

/// The archive was replaced while it was read.
pub fn archive_changed(path: &str) -> String {
    format!("{path} was changed while it was being read")
}

/// There is no such configuration file.
pub fn no_config(path: &str) -> String {
    format!("there is no configuration file {path}")
}

/// Images for a host that is not running.
pub const IMAGE_NEEDS_ENGINE: &str = "--image needs an engine that runs, and nothing is started beneath --root: load the images \
     once the host has booted";

/// `apply` without anything to apply.
pub const NO_PLAN: &str = "no plan was named, and no site";

/// A command that there is not.
pub fn no_such_command(name: &str) -> String {
    format!("landfall has no command {name}")
}

/// The host was refused.
pub fn refused(codes: &BTreeSet<Code>) -> String {
    let codes: Vec<String> = codes.iter().map(Code::to_string).collect();
    format!("this host is not fit for that ({}); nothing was changed", codes.join(", "))
}

/// How to go on in spite of findings.
pub fn ignore_hint(codes: &[Code]) -> String {
    let flags: Vec<String> = codes.iter().map(|code| format!("--ignore {code}")).collect();
    format!("if you know better: {}", flags.join(" "))
}
