//! What the engine remembers: one file per object, written beside and renamed into place.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::runtime::{read_json, write_json};

/// A container, as it outlives the daemon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerRecord {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Without the slash that the API puts before it.
    pub name: String,
    /// RFC 3339.
    pub created: String,
    /// The image's ID.
    pub image: String,
    /// `Config` of the API, with everything that the image gives.
    pub config: Value,
    /// `HostConfig` of the API, with every field.
    pub host_config: Value,
    /// How it is.
    pub state: ContainerState,
}

/// `State` of the API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    /// Where in its life it is.
    pub phase: Phase,
    /// The first process's ID on the host while it runs.
    pub pid: i32,
    /// Whether its processes are frozen.
    #[serde(default)]
    pub paused: bool,
    /// How it ended last.
    pub exit_code: i32,
    /// Whether memory ran out.
    pub oom: bool,
    /// Why it could not be started.
    pub error: String,
    /// RFC 3339, empty if never.
    pub started_at: String,
    /// RFC 3339, empty if never.
    pub finished_at: String,
}

/// Where in its life a container is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It was never started.
    #[default]
    Created,
    /// A shim has it, or is about to.
    Running,
    /// It ended.
    Exited,
}

impl ContainerState {
    /// `Status` of the API.
    pub fn status(&self) -> &'static str {
        match self.phase {
            Phase::Created => "created",
            Phase::Running if self.paused => "paused",
            Phase::Running => "running",
            Phase::Exited => "exited",
        }
    }
}

/// The directory with everything that outlives the daemon.
#[derive(Debug, Clone)]
pub struct Store {
    containers: PathBuf,
}

impl Store {
    /// Opens or makes it beneath `root`.
    pub fn open(root: &Path) -> io::Result<Self> {
        let containers = root.join("containers");
        fs::create_dir_all(&containers)?;
        Ok(Self { containers })
    }

    /// A container's directory.
    pub fn directory(&self, id: &str) -> PathBuf {
        self.containers.join(id)
    }

    /// Writes what is known of a container.
    pub fn save(&self, record: &ContainerRecord) -> io::Result<()> {
        let directory = self.directory(&record.id);
        fs::create_dir_all(&directory)?;
        write_json(&directory.join("container.json"), record)
    }

    /// All containers. A directory without a record is what a cut creation left: it goes.
    pub fn load(&self) -> io::Result<Vec<ContainerRecord>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.containers)? {
            let directory = entry?.path();
            match read_json(&directory.join("container.json"))? {
                Some(record) => records.push(record),
                None => fs::remove_dir_all(&directory)?,
            }
        }
        Ok(records)
    }

    /// Removes a container's directory: its record first, so that a cut removal is completed.
    pub fn remove(&self, id: &str) -> io::Result<()> {
        let directory = self.directory(id);
        match fs::remove_file(directory.join("container.json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> ContainerRecord {
        ContainerRecord {
            id: id.into(),
            name: "name".into(),
            created: "2026-01-02T03:04:05Z".into(),
            image: "sha256:0".into(),
            config: Value::Null,
            host_config: Value::Null,
            state: ContainerState::default(),
        }
    }

    #[test]
    fn records_are_kept_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        store.save(&record("a")).unwrap();
        assert_eq!(store.load().unwrap(), [record("a")]);
        store.remove("a").unwrap();
        store.remove("a").unwrap();
        assert_eq!(store.load().unwrap(), []);
    }

    #[test]
    fn what_a_cut_creation_or_removal_left_goes() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        fs::create_dir_all(store.directory("half").join("upper")).unwrap();
        assert_eq!(store.load().unwrap(), []);
        assert!(!store.directory("half").exists());
    }
}
