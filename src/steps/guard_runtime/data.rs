//! Images, containers and volumes: kept unless asked, and never anything else's files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::file_state::LOST_AND_FOUND;
use crate::host::Host;
use crate::steps::{Context, KeptReason, Purge, StepError, Undone};

/// The engine's data directories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineData {
    /// Which.
    pub directories: Vec<String>,
    /// What each held before the engine's first start; one that did not exist has no entry.
    pub held: BTreeMap<String, Vec<String>>,
    /// Those of them that a move left behind: no link to them is followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<String>,
    /// Directories in use, which none of those may turn out to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<String>,
}

impl EngineData {
    /// Deletes the engine's data, and nothing else.
    ///
    /// # Errors
    /// [`StepError::Host`] if something cannot be deleted, [`StepError::InTheWay`] if one that was
    /// left behind is not what it was.
    pub fn purge(&self, host: &Host) -> Result<(), StepError> {
        for path in &self.directories {
            if self.moved.contains(path) {
                self.purge_left_behind(host, path)?;
            } else if host.stat(path)?.is_some() {
                delete_data(host, path, self.held.get(path), true)?;
            }
        }
        Ok(())
    }

    fn purge_left_behind(&self, host: &Host, path: &str) -> Result<(), StepError> {
        let held = self.held.get(path);
        let kept = |name: &str| held.is_some_and(|held| stays(name, held, true));
        if let Some(why) = host.empty_left_behind(path, &self.used, &kept)? {
            return Err(StepError::InTheWay { path: path.to_owned(), why });
        }
        if held.is_none() {
            host.remove_dir(path)?;
        }
        Ok(())
    }
}

/// What dockerd has in its data-root, by name (moby, daemon/ and its graph drivers).
const DOCKERD: [&str; 23] = [
    "aufs",
    "btrfs",
    "buildkit",
    "builder",
    "containerd",
    "containers",
    "devicemapper",
    "engine-id",
    "fuse-overlayfs",
    "image",
    "network",
    "nuke-graph-directory.sh",
    "overlay",
    "overlay2",
    "plugins",
    "rootfs",
    "runtimes",
    "swarm",
    "tmp",
    "trust",
    "vfs",
    "volumes",
    "zfs",
];

/// Keeps or deletes the data directories. `before` is what each held before the engine's
/// first start; one that has no entry did not exist.
pub(super) fn undo(
    context: &Context<'_>,
    directories: &[String],
    before: &BTreeMap<String, Vec<String>>,
) -> Result<Undone, StepError> {
    let host = context.host;
    if context.purge == Purge::AtCommit {
        return Ok(Undone::Restored);
    }
    let mut kept = Vec::new();
    for path in directories {
        if host.stat(path)?.is_none() {
            continue;
        }
        let held = before.get(path);
        let gone = match context.purge {
            // What was there before may be the data of an earlier installation: it stays,
            // and is nothing that this run has to speak of.
            Purge::IfNew => delete_data(host, path, held, false)? || held.is_some(),
            Purge::Keep | Purge::AtCommit => false,
        };
        if !gone {
            kept.push(path.clone());
        }
    }
    if kept.is_empty() {
        return Ok(Undone::Restored);
    }
    let reason = if context.purge == Purge::Keep { KeptReason::Data } else { KeptReason::NotEmpty };
    Ok(Undone::Kept { what: kept.join(" "), reason })
}

/// Deletes the engine's data in `path`, with `earlier` also those that an earlier engine left
/// before this one came; `false` if something else is left there. The
/// directory itself stays if it was there before, and if it is a mount point.
fn delete_data(
    host: &Host,
    path: &str,
    held: Option<&Vec<String>>,
    earlier: bool,
) -> Result<bool, StepError> {
    let Some(held) = held else {
        // A data-root may be a link: what it leads to is emptied.
        for name in host.read_dir(path)? {
            host.remove_tree(&format!("{path}/{name}"))?;
        }
        return Ok(host.remove_dir(path)?);
    };
    let mut all = true;
    for name in host.read_dir(path)? {
        if stays(&name, held, earlier) {
            // Empty directories of a fresh file system are nobody's data.
            all = all && name == LOST_AND_FOUND;
        } else {
            host.remove_tree(&format!("{path}/{name}"))?;
        }
    }
    Ok(all)
}

/// Whether a name is none of the engine's data, by what was `held` before it came.
fn stays(name: &str, held: &[String], earlier: bool) -> bool {
    let was_engines = earlier && is_engines_data(held);
    held.iter().any(|held| held == name) && !(was_engines && is_engines_name(name))
}

/// Whether a directory held an engine's data: dockerd's or containerd's.
fn is_engines_data(names: &[String]) -> bool {
    let has = |name: &str| names.iter().any(|held| held == name);
    (has("containers") && has("image")) || has("io.containerd.metadata.v1.bolt")
}

fn is_engines_name(name: &str) -> bool {
    DOCKERD.contains(&name) || name.starts_with("io.containerd.") || name == "tmpmounts"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    fn leave(bed: &Bed, before: &BTreeMap<String, Vec<String>>, purge: Purge) -> Undone {
        let context = Context { purge, ..bed.context() };
        undo(&context, &["/data".to_owned()], before).unwrap()
    }

    fn purge(bed: &Bed, held: BTreeMap<String, Vec<String>>) {
        let directories = vec!["/data".to_owned()];
        EngineData { directories, held, ..EngineData::default() }.purge(&bed.host).unwrap();
    }

    fn held(names: &[&str]) -> BTreeMap<String, Vec<String>> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        BTreeMap::from([("/data".to_owned(), names)])
    }

    #[test]
    fn a_directory_that_the_engine_made_goes() {
        let bed = Bed::new(&["data/overlay2/x", "data/image"]);
        assert_eq!(leave(&bed, &BTreeMap::new(), Purge::IfNew), Undone::Restored);
        assert_eq!(bed.host.stat("/data").unwrap(), None);

        let bed = Bed::new(&["data/overlay2/x", "data/image"]);
        purge(&bed, BTreeMap::new());
        assert_eq!(bed.host.stat("/data").unwrap(), None);
    }

    #[test]
    fn data_are_kept_unless_asked() {
        let bed = Bed::new(&["data/image"]);
        let kept = leave(&bed, &BTreeMap::new(), Purge::Keep);
        assert!(matches!(kept, Undone::Kept { reason: KeptReason::Data, .. }), "{kept:?}");
        // What is deleted later is no word worth yet.
        assert_eq!(leave(&bed, &BTreeMap::new(), Purge::AtCommit), Undone::Restored);
        assert!(bed.host.stat("/data/image").unwrap().is_some());
    }

    #[test]
    fn other_files_in_a_shared_directory_stay() {
        let bed = Bed::new(&["data/backups/2026", "data/image", "data/containers"]);
        purge(&bed, held(&["backups"]));
        assert_eq!(bed.host.read_dir("/data").unwrap(), ["backups"]);
    }

    #[test]
    fn data_of_an_earlier_installation_go_only_when_asked() {
        let earlier = held(&["containers", "image", "notes"]);
        let bed = Bed::new(&["data/containers", "data/image", "data/notes"]);
        assert_eq!(leave(&bed, &earlier, Purge::IfNew), Undone::Restored);
        assert_eq!(bed.host.read_dir("/data").unwrap(), ["containers", "image", "notes"]);
        purge(&bed, earlier);
        assert_eq!(bed.host.read_dir("/data").unwrap(), ["notes"]);
    }

    #[test]
    fn a_directory_that_was_there_and_empty_stays_and_is_emptied() {
        let bed = Bed::new(&["data/image", "data/lost+found"]);
        purge(&bed, held(&["lost+found"]));
        assert_eq!(bed.host.read_dir("/data").unwrap(), ["lost+found"]);
    }

    /// A link that came after the question, or before a cut run is completed.
    #[test]
    fn what_a_move_left_is_not_looked_for_behind_a_link() {
        let bed = Bed::new(&["new/image", "new/containers"]);
        bed.host.create_link("/data", "/new").unwrap();
        let directories = vec!["/data".to_owned()];
        let data = EngineData { moved: directories.clone(), directories, ..EngineData::default() };
        let error = data.purge(&bed.host).unwrap_err();
        assert!(matches!(error, StepError::InTheWay { .. }), "{error}");
        assert_eq!(bed.host.read_dir("/new").unwrap(), ["containers", "image"]);
        bed.host.remove_file("/data").unwrap();
        data.purge(&bed.host).unwrap();
        bed.host.create_dir("/data", crate::file_state::Ownership::own(0o700)).unwrap();
        data.purge(&bed.host).unwrap();
        assert_eq!(bed.host.stat("/data").unwrap(), None);
    }

    /// One that was a link when docker was installed leads to its data.
    #[test]
    fn a_data_root_that_is_a_link_is_emptied() {
        let bed = Bed::new(&["disk/image", "disk/containers"]);
        bed.host.create_link("/data", "/disk").unwrap();
        purge(&bed, held(&[]));
        assert_eq!(bed.host.read_dir("/disk").unwrap(), [""; 0]);
        assert!(bed.host.stat("/data").unwrap().is_some());
    }
}
