//! Keeps what an engine knows of its containers, images and networks, while it is down: a newer
//! engine may rewrite it in a way that the older one does not read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::desired::DEFAULT_CONTAINERD_ROOT;
use crate::file_state::{FileKind, parent_of};
use crate::host::Host;

/// Files beneath dockerd's data-root, `*` being any one name: the daemon's identity, its network
/// and volume databases, its tables of images and layers, BuildKit's databases, the cluster's
/// state, and what each container is made of (moby: daemon/, libnetwork/, volume/, image/,
/// builder/).
const OF_DOCKERD: [&str; 13] = [
    "engine-id",
    "network/files/local-kv.db",
    "volumes/metadata.db",
    "image/*/repositories.json",
    "buildkit/cache.db",
    "buildkit/history.db",
    "buildkit/metadata_v2.db",
    "buildkit/snapshots.db",
    "swarm/docker-state.json",
    "swarm/state.json",
    "containers/*/config.v2.json",
    "containers/*/hostconfig.json",
    "containerd/daemon/io.containerd.metadata.v1.bolt/meta.db",
];
/// Files beneath containerd's root: its database, and those of its snapshotters.
const OF_CONTAINERD: [&str; 2] =
    ["io.containerd.metadata.v1.bolt/meta.db", "io.containerd.snapshotter.v1.*/metadata.db"];

/// Keeps the engine's metadata. Its daemons must not run meanwhile. Data – layers, volumes, logs
/// – are not copied: engines only add to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotMetadata {
    /// dockerd's data-root.
    pub data_root: String,
    /// containerd's root, where it is a unit of its own.
    #[serde(default = "default_containerd_root", skip_serializing_if = "is_default")]
    pub containerd_root: String,
}

fn is_default(root: &str) -> bool {
    root == DEFAULT_CONTAINERD_ROOT
}

fn default_containerd_root() -> String {
    DEFAULT_CONTAINERD_ROOT.to_owned()
}

impl Action for SnapshotMetadata {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let mut files = BTreeMap::new();
        for path in self.files(context.host)? {
            if let Some(state) = context.host.stat(&path)?
                && state.kind == FileKind::File
            {
                let sha256 = context.store.keep(&path)?;
                files.insert(path, (state, sha256));
            }
        }
        Ok(Before::Files { files, directories: BTreeMap::new() })
    }

    fn apply(&self, _context: &Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    /// Puts back what has changed since, and takes away databases that were not there. What has
    /// lost its directory (a container that was removed since) stays lost.
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let Before::Files { files, .. } = before else { return Ok(Undone::Unchanged) };
        let host = context.host;
        let mut outcome = Undone::Unchanged;
        for (path, (state, sha256)) in files {
            let is_there = parent_of(path).map(|parent| host.stat(parent)).transpose()?.flatten();
            if is_there.is_some() && host.digest(path)? != Some(*sha256) {
                context.store.restore(*sha256, path, state)?;
                outcome = Undone::Restored;
            }
        }
        for path in self.files(host)? {
            if path.ends_with(".db") && !files.contains_key(&path) {
                host.remove_file(&path)?;
                outcome = Undone::Restored;
            }
        }
        Ok(outcome)
    }
}

impl SnapshotMetadata {
    /// The files that there are now.
    fn files(&self, host: &Host) -> Result<Vec<String>, StepError> {
        let mut found = Vec::new();
        let of_dockerd = OF_DOCKERD.iter().map(|file| (self.data_root.as_str(), file));
        let of_containerd = OF_CONTAINERD.iter().map(|file| (self.containerd_root.as_str(), file));
        for (root, pattern) in of_dockerd.chain(of_containerd) {
            found.extend(matching(host, root, pattern)?);
        }
        Ok(found)
    }
}

/// The files beneath `root` that a pattern stands for.
fn matching(host: &Host, root: &str, pattern: &str) -> Result<Vec<String>, StepError> {
    let mut paths = vec![root.to_owned()];
    for part in pattern.split('/') {
        let mut next = Vec::new();
        for path in paths {
            match part.split_once('*') {
                None => next.push(format!("{path}/{part}")),
                Some((start, end)) => {
                    let names = host.read_dir(&path)?.into_iter();
                    let fits = |name: &String| name.starts_with(start) && name.ends_with(end);
                    next.extend(names.filter(fits).map(|name| format!("{path}/{name}")));
                }
            }
        }
        paths = next;
    }
    let mut there = Vec::new();
    for path in paths {
        if host.stat(&path)?.is_some() {
            there.push(path);
        }
    }
    Ok(there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    const DATABASE: &str = "/var/lib/docker/network/files/local-kv.db";
    const CONTAINER: &str = "/var/lib/docker/containers/0123/config.v2.json";
    const NEW: &str = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";

    fn bed() -> Bed {
        let bed = Bed::new(&[
            "var/lib/docker/network/files",
            "var/lib/docker/containers/0123",
            "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs",
        ]);
        bed.write(DATABASE, "old");
        bed.write(CONTAINER, "{}");
        bed
    }

    fn step() -> SnapshotMetadata {
        SnapshotMetadata {
            data_root: "/var/lib/docker".to_owned(),
            containerd_root: default_containerd_root(),
        }
    }

    #[test]
    fn what_a_newer_engine_rewrote_comes_back() {
        let bed = bed();
        let before = bed.apply(&step());
        let Before::Files { files, .. } = &before else { panic!("{before:?}") };
        assert_eq!(files.keys().collect::<Vec<_>>(), [CONTAINER, DATABASE]);
        assert_eq!(bed.undo(&step(), &before), Undone::Unchanged);
        let state = bed.host.stat(CONTAINER).unwrap();
        bed.write(DATABASE, "newer");
        bed.write(NEW, "made by the newer one");
        assert_eq!(bed.undo(&step(), &before), Undone::Restored);
        assert_eq!(bed.read(DATABASE), "old");
        assert_eq!(bed.host.stat(NEW).unwrap(), None);
        assert_eq!(bed.host.stat(CONTAINER).unwrap(), state);
    }

    #[test]
    fn a_container_that_was_removed_does_not_come_back() {
        let bed = bed();
        let before = bed.apply(&step());
        bed.host.remove_tree("/var/lib/docker/containers/0123").unwrap();
        assert_eq!(bed.undo(&step(), &before), Undone::Unchanged);
        assert_eq!(bed.host.read_dir("/var/lib/docker/containers").unwrap(), [""; 0]);
    }
}
