//! Moving an engine's data.

use crate::host::tree::{Differs, InTheWay};

/// It is about a host that runs.
pub const NEEDS_LIVE: &str =
    "migrate-data-root works on the running system, with systemd: an image has no data to move";
/// What to do about that.
pub const ADOPT_FIRST: &str = "take over the Docker that is here: landfall adopt";
/// The engine does not answer.
pub const SILENT: &str = "docker does not answer, so that it cannot be told what it has";
/// What to do about that.
pub const START_IT: &str = "systemctl start docker; journalctl -u docker says why it does not";
/// Before the move.
pub const QUESTION: &str =
    "Copy the data, stop all containers for the last of it, and use the copy? [y/N] ";
/// Before the old data are deleted.
pub const FINISH_QUESTION: &str = "DELETE the images, containers and volumes in what is named above? There is no way back. [y/N] ";
/// What happens to the old data.
pub const STAYS: &str = "The old data stay as they are until: landfall migrate-data-root --finish";
/// What the last move left.
pub const FINISH_FIRST: &str = "delete them: landfall migrate-data-root --finish; or, after a move, \
     go back: landfall rollback";
/// Nothing was left behind.
pub const NOTHING_LEFT: &str = "Nothing to do: no data are left of a move.";
/// What to look at.
pub const SEE_VERIFY: &str = "what is not as landfall left it: landfall verify";
/// Going back, after the old data were deleted.
pub const OLD_DATA_GONE: &str = "the data of before the move are not there any more";
/// What to do about that.
pub const KEEP_NEW_PLACE: &str = "docker goes on with its data where they are; to go back all the \
     same, put the old data back (a backup), then try again; to move once more: landfall \
     migrate-data-root DIR";
/// An adopted Docker whose data were moved for good.
pub const GIVE_BACK_MOVED: &str = "the data were moved, and the old ones deleted: without \
     landfall's configuration docker would look for them in the old place, and find nothing";
/// What to do about that.
pub const KEEP_OR_REMOVE: &str = "to remove this Docker too: landfall uninstall --include-adopted";

/// A path that names no place.
pub fn not_absolute(path: &str) -> String {
    format!("{path}: the new place has to be an absolute path without . and ..")
}

/// What goes where.
pub fn moves(from: &str, to: &str, size: &str, counted: bool) -> String {
    let size = if counted { size.to_owned() } else { format!("up to {size}") };
    format!("Data in {from} ({size}) are copied to {to}")
}

/// The last move is not finished; `newer` if it was taken back.
pub fn not_finished(old: &[String], newer: bool) -> String {
    let which = if newer { " (the newer ones, of after a move that was taken back)" } else { "" };
    format!("data that are not in use any more are still in {}{which}", old.join(", "))
}

/// Whose data are deleted: those of before a move (`at`, if that is known), or of after one that was
/// taken back.
pub fn whose(directories: &[String], newer: bool, at: Option<&str>) -> String {
    let directories = directories.join(", ");
    match (newer, at) {
        (true, _) => format!(
            "Not in use: {directories}, the NEWER data, which docker used from a move until that \
             was taken back"
        ),
        (false, Some(at)) => {
            format!("Not in use: {directories}, which docker used until the move of {at}")
        }
        (false, None) => format!("Not in use: {directories}, which docker used until they moved"),
    }
}

/// It is done.
pub fn moved(to: &str, old: &[String]) -> String {
    format!(
        "Docker keeps its data in {to} now. The old ones are still in {}; once you are sure: \
         landfall migrate-data-root --finish",
        old.join(", ")
    )
}

/// What stays.
pub fn in_use(data_root: &str) -> String {
    format!("Docker uses {data_root}, which stays")
}

/// What was not in use is gone.
pub fn finished(directories: &[String], size: &str) -> String {
    format!("Deleted: {}; {size} are free again.", directories.join(", "))
}

/// Why old data are not deleted.
pub fn in_the_way(path: &str, why: &InTheWay) -> String {
    match why {
        InTheWay::Link(link) if link == path => {
            format!("{path} was made a link since the move: nothing is deleted there")
        }
        InTheWay::Link(link) => {
            format!("{link} was made a link since the move: nothing is deleted in {path}")
        }
        InTheWay::NotADirectory => format!("{path} is no directory any more: nothing is deleted"),
        InTheWay::Mount(place) => {
            format!("a file system is mounted at {place}: what is on it would be deleted too")
        }
        InTheWay::InUse(used) => {
            format!("{path} leads to {used}, which is in use: nothing is deleted there")
        }
        InTheWay::Protected(place) => format!(
            "{place} is immutable or append-only (chattr +i, +a), so that {path} cannot be deleted"
        ),
    }
}

/// Containers, and volumes, that need the old data.
pub fn still_needed(containers: &[(String, String)], volumes: &[(String, String)]) -> String {
    let named = |what: &'static str| {
        move |(name, path): &(String, String)| format!("{what} {name} ({path})")
    };
    let all = containers.iter().map(named("container")).chain(volumes.iter().map(named("volume")));
    format!(
        "what is to be deleted is still needed, and nothing is deleted: {}",
        all.collect::<Vec<_>>().join(", ")
    )
}

/// What to do about that.
pub fn no_longer_needed(containers: &[(String, String)], volumes: &[(String, String)]) -> String {
    let list = |all: &[(String, String)]| {
        all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let mut steps = Vec::new();
    if !containers.is_empty() {
        steps.push(format!(
            "make these containers anew, named volumes stay: docker rm -f {}, then docker run as \
             before (docker compose up -d --force-recreate), with no path in there",
            list(containers)
        ));
    }
    if !volumes.is_empty() {
        steps.push(format!(
            "make these volumes anew with another device: docker volume rm {}, docker volume create",
            list(volumes)
        ));
    }
    format!("{}; then try again", steps.join("; "))
}

/// What to do then.
pub fn out_of_the_way(path: &str, why: &InTheWay) -> String {
    match why {
        InTheWay::Link(link) if link == path => format!(
            "ls -ld {path} shows it; take the link away (rm {path}), delete the old data where you \
             put them, then try again"
        ),
        InTheWay::Link(link) => format!(
            "ls -ld {link} shows it; delete the old data yourself, where they are now, then try again"
        ),
        InTheWay::NotADirectory => format!("move it away: mv {path} {path}.old; then try again"),
        InTheWay::Mount(place) if place == path => format!(
            "umount {place}; or, if the old data are on it, delete them yourself; then try again"
        ),
        InTheWay::Mount(place) => format!("umount {place}, then try again"),
        InTheWay::InUse(_) => format!(
            "a link or a mount does that: ls -ld {path}; findmnt -T {path}; take it away, then try \
             again"
        ),
        InTheWay::Protected(_) => format!("chattr -R -i -a {path}, then try again"),
    }
}

/// The engine uses another place than the receipt says.
pub fn used_elsewhere(found: &str, expected: &str, daemon_json: &str) -> String {
    format!(
        "docker keeps its data in {found}, and landfall moved them to {expected}: nothing is \
         deleted until {daemon_json} and the daemon agree on that"
    )
}

/// A rollback of a move: what only the newer data hold.
pub fn newer(what: &str, names: &[String]) -> String {
    format!("  {what}: {}", names.join(", "))
}

/// A rollback of a move.
pub fn goes_back(now: &str, then: &str) -> String {
    format!(
        "Docker goes back to its data in {then}, as they were at the move. What was made or \
         changed since stays in {now}, and is not seen any more"
    )
}

/// What a rollback leaves.
pub fn left_by_rollback(old: &[String]) -> String {
    format!(
        "Still there: {}, with the newer data, which docker used until now. To delete that: landfall \
         migrate-data-root --finish",
        old.join(", ")
    )
}

/// How far a copy is.
pub fn copied(from: &str, done: &str, of: &str) -> String {
    format!("copying {from}: {done} of about {of}")
}

/// Files whose protection stays behind.
pub fn protected(count: u64, first: &str) -> String {
    format!(
        "{count} files are immutable or append-only (chattr +i, +a), which their copies are not; \
         the first is {first}"
    )
}

/// In what a copy differs.
pub fn differs(what: Differs) -> &'static str {
    match what {
        Differs::Missing => "missing",
        Differs::Extra => "only in the copy",
        Differs::Kind => "of another kind",
        Differs::Size => "of another length",
        Differs::Owner => "another owner or mode",
        Differs::Time => "another time",
        Differs::Target => "leads elsewhere",
        Differs::Links => "has other names",
        Differs::Attributes => "other attributes",
        Differs::Content => "other bytes",
    }
}

/// An adopted Docker goes back to its old data.
pub fn given_back(now: &str) -> String {
    format!(
        "Docker goes back to its old data, as they were when they were moved; those in {now} stay, \
         and are not seen any more"
    )
}
