//! What was done to a host, and what stood there before: `/var/lib/landfall/receipt.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::adoption::Adoption;
use crate::bundle::Archive;
use crate::desired::Desired;
use crate::digest::Digest;
use crate::file_state::Ownership;
use crate::host::fault_point::{self, Effect};
use crate::host::{Host, HostError, clock};
use crate::steps::{Before, InstallPackages, Step};
use crate::topology::Topology;

/// Where the receipt lies.
pub const RECEIPT: &str = "/var/lib/landfall/receipt.json";
/// Where it is written first.
const STAGED: &str = "/var/lib/landfall/.receipt.json.landfall-new";
/// The version of the format that this Landfall writes.
pub const SCHEMA: u32 = 1;

/// Everything that Landfall did to a host and has not undone, over all its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of the format.
    pub schema: u32,
    /// Version of Landfall that wrote it.
    pub landfall: String,
    /// The run that wrote it, as the journal names it.
    pub run: String,
    /// When, seconds since 1970.
    pub updated: u64,
    /// The engine's version, from the archive's name.
    pub version: Option<String>,
    /// The archive that is installed.
    pub archive: Archive,
    /// Which units run the engine.
    #[serde(default)]
    pub topology: Topology,
    /// The keys of daemon.json that Landfall set.
    #[serde(default)]
    pub daemon: Map<String, Value>,
    /// Archives of images that were loaded.
    #[serde(default)]
    pub images: BTreeSet<Digest>,
    /// What such an archive held: names of images, or ids of those without one. Older receipts
    /// do not say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub loaded: BTreeMap<Digest, Vec<String>>,
    /// What was asked for; older receipts do not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<Desired>,
    /// Where the engine's data are, if they were moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<MovedData>,
    /// The engine that was there before Landfall, if it was taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Adoption>,
    /// The runs that can be gone back behind, oldest first. The first ones of `entries` belong
    /// to none of them: nothing is known of when they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunRecord>,
    /// All steps that were made, oldest first.
    pub entries: Vec<Entry>,
}

/// A run that succeeded, and what was installed before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run, as the journal names it.
    pub run: String,
    /// The command, such as `upgrade`.
    pub command: String,
    /// When it was done, seconds since 1970.
    pub at: u64,
    /// How many of the receipt's entries it made.
    pub entries: usize,
    /// What the receipt said before it; `None` if nothing was installed.
    pub before: Option<Installed>,
}

/// What a receipt says of the engine, beside the steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Installed {
    /// The engine's version.
    pub version: Option<String>,
    /// The archive.
    pub archive: Archive,
    /// Which units run the engine.
    pub topology: Topology,
    /// The keys of daemon.json that Landfall set.
    pub daemon: Map<String, Value>,
    /// Archives of images that were loaded.
    pub images: BTreeSet<Digest>,
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<Desired>,
    /// Where the engine's data are, if they were moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<MovedData>,
}

/// Where an engine's data are, once they were moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedData {
    /// dockerd's data-root.
    pub data_root: String,
    /// The root of a containerd that is a unit of its own.
    pub containerd_root: String,
    /// What was in each directory of data before the engine's came there; one that did not exist
    /// has no entry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<String, Vec<String>>,
    /// Directories with data that are not in use any more, and not deleted yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old: Vec<String>,
    /// Whether these are the newer ones, since the move was taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub newer: bool,
}

/// A step that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    pub step: Step,
    /// What stood there before.
    pub before: Before,
}

/// The receipt cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// It cannot be read or written.
    Host(#[from] HostError),
    /// It is not a receipt.
    Damaged(serde_json::Error),
    /// A newer Landfall wrote it.
    TooNew {
        /// Its format.
        found: u32,
    },
}

/// The same entries, with all files that were made at one path as one: what stood there before
/// the first, and what the last made. So with links, whatever others put there in between.
pub fn merged(entries: &[Entry]) -> Vec<Entry> {
    let mut merged: Vec<Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        let is_file_step = is_file(&entry.step);
        let earlier = merged.iter_mut().find(|earlier| {
            is_file_step
                // What was taken over is put back, and not what stood there before it.
                && earlier.before != Before::Adopted
                && is_file(&earlier.step)
                && earlier.step.path() == entry.step.path()
        });
        if let Some(earlier) = earlier {
            earlier.step = entry.step.clone();
        } else if is_link_again(&merged, entry) {
            merged.retain(|earlier| match &earlier.step {
                Step::RemoveLink(other) => Some(other.path.as_str()) != entry.step.path(),
                _ => true,
            });
        } else {
            merged.push(entry.clone());
        }
    }
    merged
}

fn is_file(step: &Step) -> bool {
    matches!(step, Step::InstallBinary(_) | Step::WriteFile(_) | Step::CopyFile(_))
}

/// Whether a link is made again that was made before, and so puts back what a repair found.
fn is_link_again(merged: &[Entry], entry: &Entry) -> bool {
    let Step::CreateLink(link) = &entry.step else { return false };
    merged.iter().any(|earlier| matches!(&earlier.step, Step::CreateLink(made) if made == link))
}

impl Receipt {
    /// The host's receipt, or `None` if Landfall has installed nothing.
    ///
    /// # Errors
    /// [`ReceiptError`] if it is there but cannot be used.
    pub fn load(host: &Host) -> Result<Option<Self>, ReceiptError> {
        #[derive(Deserialize)]
        struct Schema {
            schema: u32,
        }
        let open = || host.open_file(RECEIPT).map(|file| file.map(BufReader::new));
        let (Some(head), Some(whole)) = (open()?, open()?) else { return Ok(None) };
        let Schema { schema } = serde_json::from_reader(head).map_err(ReceiptError::Damaged)?;
        if schema > SCHEMA {
            return Err(ReceiptError::TooNew { found: schema });
        }
        serde_json::from_reader(whole).map(Some).map_err(ReceiptError::Damaged)
    }

    /// Notes who writes the receipt, and when.
    pub fn stamp(&mut self) {
        self.updated = clock::now();
        env!("CARGO_PKG_VERSION").clone_into(&mut self.landfall);
    }

    /// Writes the receipt beside the one that stands there, so that it is on disk when this
    /// returns: what is left is [`Receipt::put`].
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be written.
    pub fn stage(&self, host: &Host) -> Result<(), HostError> {
        let failed = |source| HostError::io("write", RECEIPT, source);
        let mut file = host.create_staged(STAGED)?;
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        let written = fault_point::before(Effect::Grows)
            .map_err(std::io::Error::from)
            .and_then(|()| file.write_all(&bytes))
            .and_then(|()| file.sync_all())
            .map_err(failed);
        if written.is_err() {
            // The first error is the one to report.
            let _ = host.remove_file(STAGED);
        }
        written
    }

    /// Puts the staged receipt in its place.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be renamed.
    pub fn put(host: &Host) -> Result<(), HostError> {
        host.commit_staged(STAGED, RECEIPT, Ownership::root(0o600))?;
        host.sync_directories()
    }

    /// Adds what a run made.
    pub fn add_run(&mut self, run: &str, command: &str, entries: &[Entry], now: Option<Installed>) {
        let before = self.has_engine().then(|| self.installed());
        if let Some(now) = now {
            self.set_installed(now);
        }
        run.clone_into(&mut self.run);
        // The guard goes when the run is committed.
        let lasts = |entry: &&Entry| !matches!(entry.step, Step::GuardBoot(_));
        let entries: Vec<Entry> = entries.iter().filter(lasts).cloned().collect();
        self.entries.extend(entries.iter().cloned());
        self.runs.push(RunRecord {
            run: run.to_owned(),
            command: command.to_owned(),
            at: clock::now(),
            entries: entries.len(),
            before,
        });
    }

    /// Gives up going back behind all but the last `keep` runs; how many that were. What
    /// stood there before the first of them is still known.
    pub fn forget_all_but(&mut self, keep: usize) -> usize {
        let count = self.runs.len().saturating_sub(keep);
        let kept = self.entries_of_last(self.runs.len() - count).to_vec();
        let old = self.entries.len() - kept.len();
        self.entries = merged(&self.entries[..old]);
        self.entries.extend(kept);
        self.runs.drain(..count);
        count
    }

    /// Digests of the copies that are needed to undo what the receipt holds.
    pub fn copies(&self) -> BTreeSet<Digest> {
        let mut copies = BTreeSet::new();
        for entry in &self.entries {
            match &entry.before {
                Before::File { sha256, .. } => {
                    copies.insert(*sha256);
                }
                Before::Files { files, .. } => {
                    copies.extend(files.values().map(|(_, sha256)| *sha256));
                }
                _ => {}
            }
        }
        copies
    }

    /// What is installed.
    pub fn installed(&self) -> Installed {
        Installed {
            version: self.version.clone(),
            archive: self.archive.clone(),
            topology: self.topology,
            daemon: self.daemon.clone(),
            images: self.images.clone(),
            desired: self.desired.clone(),
            moved: self.moved.clone(),
        }
    }

    fn set_installed(&mut self, installed: Installed) {
        let Installed { version, archive, topology, daemon, images, desired, moved } = installed;
        (self.version, self.archive, self.topology) = (version, archive, topology);
        (self.daemon, self.images, self.desired) = (daemon, images, desired);
        self.moved = moved;
    }

    /// The entries that the last `runs` runs made, oldest first.
    pub fn entries_of_last(&self, runs: usize) -> &[Entry] {
        let count: usize = self.runs.iter().rev().take(runs).map(|run| run.entries).sum();
        &self.entries[self.entries.len().saturating_sub(count)..]
    }

    /// What the receipt was before the last `runs` runs; `run` is the one that goes back.
    /// `None` if nothing was installed then.
    pub fn before_last(&self, runs: usize, run: &str) -> Option<Self> {
        let first = self.runs.len().checked_sub(runs)?;
        let before = self.runs.get(first)?.before.clone()?;
        let mut receipt = self.clone();
        receipt.set_installed(before);
        receipt.entries.truncate(self.entries.len() - self.entries_of_last(runs).len());
        receipt.runs.truncate(first);
        run.clone_into(&mut receipt.run);
        Some(receipt)
    }

    /// A receipt of repairs alone: no engine was installed.
    pub fn without_engine() -> Self {
        Self {
            schema: SCHEMA,
            landfall: String::new(),
            run: String::new(),
            updated: 0,
            version: None,
            topology: Topology::default(),
            archive: Archive::of_programs(Vec::new()),
            daemon: Map::new(),
            images: BTreeSet::new(),
            loaded: BTreeMap::new(),
            desired: None,
            moved: None,
            adopted: None,
            runs: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// What the package manager installed, if the engine came from packages.
    pub fn packages(&self) -> Option<&InstallPackages> {
        self.entries.iter().rev().find_map(|entry| match &entry.step {
            Step::InstallPackages(step) => Some(step),
            _ => None,
        })
    }

    /// Whether packages own the engine, so that their manager may bring it to another version.
    pub fn is_packaged(&self) -> bool {
        self.adopted.as_ref().is_some_and(|adopted| !adopted.packages.is_empty())
            || self.packages().is_some()
    }

    /// Whether the programs were taken over as they were, and come from no archive.
    pub fn has_no_archive(&self) -> bool {
        self.archive.size == 0
    }

    /// Whether an engine was installed or taken over, rather than a host repaired alone.
    pub fn has_engine(&self) -> bool {
        !self.archive.entries.is_empty()
    }

    /// The paths that Landfall wrote.
    pub fn paths(&self) -> BTreeSet<String> {
        self.entries.iter().filter_map(|entry| entry.step.path()).map(str::to_owned).collect()
    }

    /// The digest of the text or key that Landfall put there last; `None` if it put none there, or
    /// took it away again.
    pub fn left_at(&self, path: &str) -> Option<Digest> {
        let last = self.entries.iter().rev().find(|entry| entry.step.path() == Some(path))?;
        match &last.step {
            Step::WriteFile(step) => Some(Digest::of(step.text.as_bytes())),
            Step::CopyFile(step) => Some(step.sha256),
            _ => None,
        }
    }

    /// Whether a step like this was made by an earlier run.
    pub fn has(&self, matches: impl Fn(&Step) -> bool) -> bool {
        self.entries.iter().any(|entry| matches(&entry.step))
    }
}

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;
