//! What a run says while it goes on, and at its end.

use crate::desired::PROFILE;
use crate::facts::OsRelease;
use crate::facts::distribution::{self, Standing};
use crate::run_state::{Activity, RunState};

/// Nothing to do.
pub const NOTHING_TO_DO: &str = "Nothing to do: this host is as it shall be.";
/// The question before anything is changed.
pub const APPLY_QUESTION: &str = "Carry out this plan? [y/N] ";
/// The question before an installation is undone.
pub const UNINSTALL_QUESTION: &str =
    "Stop all containers and undo this installation (images and volumes stay)? [y/N] ";
/// The question before repairs of the doctor's are undone.
pub const UNREPAIR_QUESTION: &str = "Undo what landfall doctor --fix repaired? [y/N] ";
/// `status` on a host that was repaired alone.
pub const REPAIRED_ONLY: &str = "Landfall has installed nothing on this host, but repaired \
     something (landfall doctor --fix); landfall uninstall undoes it.";
/// The same, with the data.
pub const PURGE_QUESTION: &str = "Stop all containers, undo this installation and DELETE all \
     images, containers and volumes? [y/N] ";
/// The answer was no.
pub const NOT_CONFIRMED: &str = "not confirmed; nothing was changed";
/// A plan was shown and nothing else done.
pub const DRY_RUN: &str = "This was a plan: nothing was changed.";
/// A run that was cut is undone, and nothing else is installed.
pub const CUT_RUN_UNDONE: &str =
    "The run that was cut is undone; landfall has installed nothing else on this host.";
/// Nothing is installed.
pub const NOT_INSTALLED: &str = "Landfall has installed nothing on this host.";
/// The proof succeeded.
pub const PROVEN: &str = "a container ran and said what it should";
/// No member of the group was asked for.
pub const NOBODY: &str = "Nobody but root may use docker: members of group docker are as good as \
     root, so landfall adds nobody by itself. To add somebody: --user NAME.";
/// An image was provisioned.
pub const IMAGE_DONE: &str = "The image is provisioned; the engine starts when it boots.";

/// What groupadd, gpasswd and groupdel leave.
pub const SHADOW_BACKUPS: &str =
    "/etc/group- and /etc/gshadow-, where shadow-utils keep the version before their last change";

/// The terminal of a run is gone.
pub const TERMINAL_GONE: &str = "the terminal is gone; the run goes on";
/// A run was confirmed.
pub const CONFIRMED: &str = "Confirmed: the change stays.";

/// A run without a scope of its own.
pub fn no_scope(error: &str) -> String {
    format!(
        "this run stays in your login session ({error}): should the session end, the run may be \
         cut, and the next landfall command rolls it back"
    )
}

/// A run is asked to end: what it does about that.
pub fn heard_end(run: &RunState, again: bool) -> &'static str {
    match &run.activity {
        Activity::Finishing => "all is made already; the run ends in a moment",
        Activity::Undoing { .. } => "it is rolling back, and that is not interrupted",
        _ if again => "it rolls back once the present step is done; please wait",
        _ => "interrupted: the present step is finished, then everything is rolled back",
    }
}

/// All is made, and has to be confirmed.
pub fn confirm_within(seconds: u64) -> String {
    format!(
        "Made and verified. Unless it is confirmed within {seconds} s, it is rolled back: open a \
         new session and type landfall confirm (or press Enter here)."
    )
}

/// A run holds the lock and does not answer.
pub fn run_silent(error: &str) -> String {
    format!("a run of landfall seems to go on, but does not say what it is at: {error}")
}

/// A run ended well, for the host's log.
pub fn run_done(command: &str) -> String {
    format!("landfall {command}: done")
}

/// A run failed, for the host's log.
pub fn run_failed(command: &str, exit: u8, message: &str) -> String {
    format!("landfall {command}: exit code {exit}: {message}")
}

/// Images were loaded.
pub fn loaded(references: &[String]) -> String {
    format!("loaded {}", references.join(" "))
}

/// An earlier run has no end in the journal.
pub fn recovering(command: &str, since: &str, committed: bool) -> String {
    let what = if committed {
        "it had made all its changes, and is completed"
    } else {
        "it is rolled back first"
    };
    format!("an earlier run was cut (landfall {command}, begun {since}): {what}")
}

/// The receipt was damaged or gone.
pub const RECEIPT_RESTORED: &str =
    "the receipt was damaged or gone; it was written again from the journal";

/// A container does not run again.
pub fn container_down(name: &str, why: &str) -> String {
    format!("container {name} ran before and does not start now: {why}")
}

/// The same, for a command that only looks.
pub fn cut(command: &str, since: &str) -> String {
    format!(
        "a run was cut (landfall {command}, begun {since}); landfall recover takes back what it \
         did, and so does the next boot, and any command that changes the host, before it begins"
    )
}

/// Uninstalling stops containers.
pub fn stopping(names: &[String]) -> String {
    format!("stopping containers: {}", names.join(" "))
}

/// The host that a plan is for.
pub fn host(os: &OsRelease, architecture: &str, kernel: &str, systemd: u32) -> String {
    let kernel = if kernel.is_empty() { "not running" } else { kernel };
    format!("{}, {architecture}, kernel {kernel}, systemd {systemd}", distribution(os))
}

/// A distribution, and whether Landfall works on it.
pub fn distribution(os: &OsRelease) -> String {
    let standing = match distribution::standing(os) {
        Standing::Tested => "tested",
        Standing::Expected => "expected to work, not tested",
        Standing::Unknown => "not known to work",
    };
    format!("{} ({standing})", os.shown())
}

/// The engine runs.
pub fn running(version: Option<&str>) -> String {
    match version {
        Some(version) => format!("Docker {version} is installed and runs."),
        None => "Docker is installed and runs.".to_owned(),
    }
}

/// The programs are where no shell looked so far.
pub fn programs_are_in(bin_dir: &str) -> String {
    format!(
        "docker is in {bin_dir}. Login shells find it from now on ({PROFILE}); in this one: \
         export PATH=$PATH:{bin_dir}"
    )
}

/// Images are being loaded.
pub fn loading(bytes: &str, of: &str) -> String {
    format!("load images: {bytes} of {of}")
}

/// Plugins are where docker does not look by itself.
pub fn plugins_are_in(directory: &str) -> String {
    format!(
        "docker's plugins are in {directory}; it finds them once ~/.docker/config.json says \
         {{\"cliPluginsExtraDirs\": [\"{directory}\"]}}"
    )
}

/// A restart is needed to put the former configuration in force; whether containers that ran are
/// started again after it.
pub fn restarted_to_undo(again: bool) -> &'static str {
    if again {
        "docker is restarted with its former configuration: containers stop, and those that ran \
         before this run are started again (live-restore keeps them running)"
    } else {
        "docker is restarted with its former configuration: containers stop, and start again only \
         with a restart policy (live-restore keeps them running)"
    }
}

/// Another version runs now.
pub fn upgraded(version: &str) -> String {
    format!("Docker {version} runs now; docker was restarted.")
}

/// daemon.json changed.
pub fn reloaded(restarted: bool) -> &'static str {
    if restarted {
        "The change is in force; docker was restarted."
    } else {
        "The change is in force; docker was reloaded, containers ran on."
    }
}

/// The engine's data, before an installation is undone: their size, and whether all was counted.
pub fn data(path: &str, size: Option<(String, bool)>, goes: bool) -> String {
    let size = match size {
        Some((size, true)) => format!(" ({size})"),
        Some((size, false)) => format!(" (more than {size})"),
        None => String::new(),
    };
    let what = if goes { "is deleted" } else { "stays" };
    format!("Images, containers and volumes in {path}{size}: {what}")
}

/// An installation was undone; `kept` says what was left.
pub fn uninstalled(kept: &[String]) -> String {
    if kept.is_empty() {
        return "Uninstalled: the host is as it was before.".to_owned();
    }
    format!("Uninstalled. The host is as it was before, apart from this:\n  {}", kept.join("\n  "))
}
