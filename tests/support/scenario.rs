//! What most scenarios begin and end with.

use super::bundle;
use super::machine::Machine;
use super::run::Run;
use super::snapshot::Allowed;

/// The call that installs the usual archive, with more options.
pub fn with<'a>(command: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec![command];
    words.extend(bundle::docker().arguments());
    words.extend(options);
    words
}

/// A host on which the usual archive is installed, with more options.
#[track_caller]
pub fn installed(host: &Machine, options: &[&str]) {
    host.landfall(&with("install", options)).exits(0);
}

/// What running daemons write while nobody asks anything of them.
pub const RUNNING: &[Allowed] = &[
    Allowed { lines: "file /var/lib/docker", reason: "dockerd runs, and this is its own" },
    Allowed { lines: "file /var/lib/containerd", reason: "containerd runs, and this is its own" },
];

/// What a run that was refused writes on a host where another one succeeded before.
pub const JOURNAL: Allowed = Allowed {
    lines: "file /var/lib/landfall/journal.jsonl",
    reason: "the journal says that the run began and ended",
};

/// What the tools that made and removed a group leave beside the databases.
pub const SHADOW_BACKUPS: &[Allowed] = &[
    Allowed { lines: "file /etc/group-", reason: "groupadd keeps the version before" },
    Allowed { lines: "file /etc/gshadow-", reason: "groupadd keeps the version before" },
];

/// What a run says it kept may differ; what it keeps without a word may not, but for the backups,
/// which only uninstall names: a failed run has more to say.
pub fn said_to_be_kept(run: &Run) -> Vec<Allowed> {
    let output = run.output();
    RUNNING
        .iter()
        .filter(|kept| output.contains(kept.lines.trim_start_matches("file ")))
        .chain(SHADOW_BACKUPS)
        .copied()
        .collect()
}
