//! `landfall verify` in words.

use std::path::Path;

use serde_json::Value;

use crate::desired::{DAEMON_JSON, UNIT_DIR};
use crate::digest::Digest;
use crate::file_state::FileKind;
use crate::texts::phrases::host as phrases;
use crate::verify::{Difference, Note, Owner};

/// Nothing differs.
pub const NO_DRIFT: &str = "No drift: everything is as landfall left it.";
/// Nothing is there to compare with.
pub const NOTHING_INSTALLED: &str = "landfall has installed nothing on this host";
/// What `--repair` could do.
pub const CAN_REPAIR: &str =
    "landfall verify --repair puts it back, as a plan that is shown first.";
/// A daemon.json that is not JSON any more.
pub const MEND_DAEMON_JSON: &str = "landfall does not guess what /etc/docker/daemon.json was to say: \
     mend it by hand; or mv /etc/docker/daemon.json /etc/docker/daemon.json.broken, then landfall \
     verify --repair writes it as landfall left it; landfall configure --repair mends comments and \
     spare commas";
/// The question before a repair.
pub const QUESTION: &str = "Put this back? [y/N] ";
/// Above what is left after a repair.
pub const LEFT: &str = "This is left for you to mend:";
/// After a repair, nothing differs.
pub const REPAIRED: &str =
    "Repaired: everything is as landfall left it. landfall rollback undoes it.";
/// After a repair, something is left.
pub const REPAIRED_IN_PART: &str =
    "Repaired, but for what is named above. landfall rollback undoes the repair.";
/// Nothing can be repaired.
pub const NOTHING_TO_REPAIR: &str = "Nothing of this can be repaired by landfall.";
/// A run goes on.
pub const RUN_GOES_ON: &str =
    "a run of landfall goes on; what it has done so far is not compared with anything";
/// What to do about that.
pub const WHEN_ENDED: &str = "type it again once that has ended (landfall status)";

/// How many things differ.
pub fn summary(differences: usize) -> String {
    match differences {
        0 => NO_DRIFT.to_owned(),
        1 => "1 thing differs from what landfall left.".to_owned(),
        many => format!("{many} things differ from what landfall left."),
    }
}

/// The line of `landfall status`.
pub fn status(differences: usize) -> String {
    let said = match differences {
        0 => "no drift".to_owned(),
        1 => "1 thing differs: landfall verify tells which".to_owned(),
        many => format!("{many} things differ: landfall verify tells which"),
    };
    format!("drift                {said}")
}

/// Programs whose bytes are nowhere on the host.
pub fn no_bytes(programs: &[String]) -> String {
    format!("the bytes of {} are not in landfall's store; nothing was changed", programs.join(", "))
}

/// They come from no archive.
pub const NO_ARCHIVE: &str = "docker was taken over as it stood there (landfall adopt), from no \
     archive: put these programs back as they were installed, or install over them with landfall \
     upgrade --offline FILE";

/// Where they can be taken from.
pub fn give_archive(name: &Path, sha256: Digest) -> String {
    let name = name.file_name().unwrap_or(name.as_os_str()).to_string_lossy();
    let name = if name.is_empty() { "FILE".into() } else { name };
    format!(
        "landfall verify --repair --offline {name} takes them from the archive that was installed \
         (sha256 {sha256})"
    )
}

/// Another archive than the one that was installed.
pub fn other_archive(path: &str, found: Digest, installed: Digest) -> String {
    format!(
        "{path} is another archive (sha256 {found}) than the one that was installed ({installed})"
    )
}

/// Something that differs.
pub fn difference(difference: &Difference) -> String {
    match difference {
        Difference::Missing { path, expected } => match enabled_by(path) {
            Some(unit) => format!("{unit} is not enabled: {path} is missing"),
            None => format!("{path} is missing: {}", kind(*expected)),
        },
        Difference::OtherKind { path, expected, found } => {
            format!("{path} is {}, expected {}", kind(*found), kind(*expected))
        }
        Difference::Bytes { path, expected, found } => {
            let found = found.map_or("unknown".to_owned(), short);
            format!("{path} has other bytes: sha256 {found}, expected {}", short(*expected))
        }
        Difference::Text { path, .. } => format!("{path} has another text"),
        Difference::Mode { path, expected, found } => {
            format!("{path} has mode {found:04o}, expected {expected:04o}")
        }
        Difference::Owner { path, expected, found } => {
            format!("{path} belongs to {}, expected {}", owner(*found), owner(*expected))
        }
        Difference::Target { path, expected, found } => {
            format!(
                "{path} points to {}, expected {expected}",
                found.as_deref().unwrap_or("nothing")
            )
        }
        Difference::Label { path, expected, found } => {
            let found = found.as_deref().unwrap_or("none");
            format!("{path} has SELinux label {found}, expected {expected}")
        }
        Difference::LabelRule { path } => {
            format!(
                "the SELinux policy does not label {path} like docker's default directory any more"
            )
        }
        Difference::Untrusted { path } => {
            format!("{path} does not have fapolicyd trust the programs any more")
        }
        Difference::Group { group } => format!("group {group} is gone"),
        Difference::Member { group, user } => format!("{user} is no member of group {group}"),
        Difference::Key { key, expected, found } => {
            format!("{DAEMON_JSON}: {key} is {}, expected {}", value(found), value(expected))
        }
        Difference::DaemonJson { error } => format!("{DAEMON_JSON} cannot be read: {error}"),
        Difference::NotInForce { key } => {
            format!("the daemon does not follow {key} of {DAEMON_JSON}")
        }
        Difference::Inactive { unit, found } => format!("{unit} is {found}, expected active"),
        Difference::Version { expected, found } => {
            format!("docker {found} answers, expected {expected}")
        }
        Difference::Silent { error } => {
            format!("docker.service runs, but does not answer: {error}")
        }
        Difference::Package { package, expected } => {
            format!("package {package} is gone, expected {expected}")
        }
        Difference::Image { reference, archive } => {
            format!(
                "image {reference} is gone; it was loaded from archive sha256 {}",
                short(*archive)
            )
        }
    }
}

/// Something that is good to know.
pub fn note(note: &Note) -> String {
    match note {
        Note::Keys { keys } => {
            format!("keys of {DAEMON_JSON} that landfall did not set: {}", keys.join(", "))
        }
        Note::Members { group, users } => {
            format!("members of group {group} that landfall did not add: {}", users.join(", "))
        }
        Note::Packages { versions } => {
            let changed = versions.iter().map(|(name, from, to)| format!("{name} {from} → {to}"));
            format!("packages in other versions: {}", changed.collect::<Vec<_>>().join(", "))
        }
        Note::DropIns { unit, paths } => format!("drop-ins of {unit}: {}", paths.join(", ")),
    }
}

/// The unit that a link enables.
fn enabled_by(path: &str) -> Option<&str> {
    let (directory, unit) = path.strip_prefix(UNIT_DIR)?.strip_prefix('/')?.split_once('/')?;
    directory.ends_with(".wants").then_some(unit)
}

fn kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => phrases::A_FILE,
        FileKind::Directory => phrases::A_DIRECTORY,
        FileKind::Symlink => phrases::A_SYMBOLIC_LINK,
        FileKind::Other => phrases::A_SPECIAL_FILE,
    }
}

fn owner(owner: Owner) -> String {
    format!("{}:{}", owner.uid, owner.gid)
}

fn value(value: &Option<Value>) -> String {
    value.as_ref().map_or("not set".to_owned(), Value::to_string)
}

/// The first digits of a digest.
fn short(digest: Digest) -> String {
    let digest = digest.to_string();
    digest.get(..12).unwrap_or(&digest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_is_gone_is_a_unit_that_is_not_enabled() {
        let path = format!("{UNIT_DIR}/multi-user.target.wants/docker.service");
        let missing = Difference::Missing { path, expected: FileKind::Symlink };
        assert!(difference(&missing).starts_with("docker.service is not enabled"));
        let path = format!("{UNIT_DIR}/docker.service");
        let missing = Difference::Missing { path, expected: FileKind::File };
        assert!(difference(&missing).ends_with("docker.service is missing: a file"));
    }
}
