//! What was done to a host, and what stood there before: `/var/lib/landfall/receipt.json`.

use std::collections::BTreeSet;
use std::io::BufReader;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::bundle::Archive;
use crate::digest::Digest;
use crate::file_state::Ownership;
use crate::host::{Host, HostError, clock};
use crate::steps::{Before, Step};
use crate::topology::Topology;

/// Where the receipt lies.
pub const RECEIPT: &str = "/var/lib/landfall/receipt.json";
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
    /// All steps that were made, oldest first.
    pub entries: Vec<Entry>,
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

    /// Writes the receipt so that it is on disk when this returns.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be written; the one before it is then still there.
    pub fn save(&mut self, host: &Host) -> Result<(), HostError> {
        self.updated = clock::now();
        env!("CARGO_PKG_VERSION").clone_into(&mut self.landfall);
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| HostError::io("write", RECEIPT, error.into()))?;
        bytes.push(b'\n');
        host.write_file(RECEIPT, &bytes, Ownership::root(0o600))?;
        host.sync_directories()
    }

    /// A receipt of repairs alone: no engine was installed.
    pub fn without_engine() -> Self {
        let nothing = Archive {
            sha256: Digest::of(b""),
            size: 0,
            unpacked: 0,
            newest_mtime: 0,
            entries: Vec::new(),
        };
        Self {
            schema: SCHEMA,
            landfall: String::new(),
            run: String::new(),
            updated: 0,
            version: None,
            topology: Topology::default(),
            archive: nothing,
            daemon: Map::new(),
            images: BTreeSet::new(),
            entries: Vec::new(),
        }
    }

    /// Whether an engine was installed, rather than a host repaired alone.
    pub fn has_engine(&self) -> bool {
        !self.archive.entries.is_empty()
    }

    /// The paths that Landfall wrote.
    pub fn paths(&self) -> BTreeSet<String> {
        self.entries.iter().filter_map(|entry| entry.step.path()).map(str::to_owned).collect()
    }

    /// Whether a step like this was made by an earlier run.
    pub fn has(&self, matches: impl Fn(&Step) -> bool) -> bool {
        self.entries.iter().any(|entry| matches(&entry.step))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::steps::testing::Bed;

    /// The first format, as the first release wrote it: every kind of step and of what stood
    /// there before. It must load for ever; a newer format gets a file of its own beside it.
    const SCHEMA_1: &str = include_str!("../tests/receipts/schema-1.json");

    fn load(text: &str) -> Result<Option<Receipt>, ReceiptError> {
        let bed = Bed::new(&[]);
        bed.write(RECEIPT, text);
        Receipt::load(&bed.host)
    }

    fn first() -> Receipt {
        load(SCHEMA_1).unwrap().unwrap()
    }

    #[test]
    fn the_first_format_loads() {
        let receipt = first();
        assert_eq!((receipt.schema, receipt.landfall.as_str()), (1, "0.1.0"));
        assert_eq!(receipt.run, "1795494779.000000001-412");
        assert_eq!(receipt.version.as_deref(), Some("28.5.2"));
        assert_eq!(receipt.archive.entries[0].name, "dockerd");
        assert_eq!(receipt.daemon["live-restore"], true);
        assert_eq!(receipt.images.len(), 1);
        assert!(receipt.paths().contains("/etc/docker/daemon.json"));
        assert!(receipt.has(|step| matches!(step, Step::GuardRuntime(_))));
        let replaced = receipt.entries.iter().find_map(|entry| match &entry.before {
            Before::File { state, sha256 } => Some((state.mode, state.mtime, *sha256)),
            _ => None,
        });
        assert_eq!(replaced, Some((0o640, 1_700_000_000, Digest::of(b"old"))));
        let guarded = receipt.entries.iter().find_map(|entry| match &entry.before {
            Before::Runtime(before) => Some(before),
            _ => None,
        });
        assert_eq!(guarded.unwrap().forwarding["/proc/sys/net/ipv4/ip_forward"], "0");
    }

    /// What is loaded is written again without a loss.
    #[test]
    fn the_first_format_is_understood_whole() {
        let mut written: Value = serde_json::from_str(SCHEMA_1).unwrap();
        // What came later has its default.
        written["topology"] = "modern".into();
        assert_eq!(serde_json::to_value(first()).unwrap(), written);
    }

    #[test]
    fn the_first_format_holds_all_kinds() {
        let kinds = |of: &str, tag: &str| -> BTreeSet<String> {
            let json: Value = serde_json::from_str(SCHEMA_1).unwrap();
            let entries = json["entries"].as_array().unwrap();
            entries.iter().map(|entry| entry[of][tag].as_str().unwrap().to_owned()).collect()
        };
        let steps = [
            "add_group_member",
            "create_dir",
            "create_group",
            "create_link",
            "daemon_reload",
            "guard_runtime",
            "install_binary",
            "load_image",
            "smoke_test",
            "unit",
            "verify_units",
            "wait_api",
            "write_file",
        ];
        assert_eq!(kinds("step", "kind"), steps.map(str::to_owned).into());
        let before = ["absent", "file", "nothing", "present", "runtime", "unit"];
        assert_eq!(kinds("before", "was"), before.map(str::to_owned).into());
    }

    #[test]
    fn saved_and_loaded_it_is_the_same() {
        let bed = Bed::new(&[]);
        assert_eq!(Receipt::load(&bed.host).unwrap(), None);
        let mut receipt = first();
        receipt.save(&bed.host).unwrap();
        assert_ne!(receipt.updated, first().updated);
        assert_eq!(Receipt::load(&bed.host).unwrap(), Some(receipt));
        assert_eq!(bed.host.stat(RECEIPT).unwrap().unwrap().mode, 0o600);
    }

    #[test]
    fn fields_of_later_versions_are_passed_over() {
        let mut json: Value = serde_json::from_str(SCHEMA_1).unwrap();
        json["signature"] = "…".into();
        json["archive"]["origin"] = "usb".into();
        assert_eq!(load(&json.to_string()).unwrap().unwrap(), first());
    }

    #[test]
    fn a_newer_format_is_named_whatever_it_holds() {
        let error = load("{\"schema\": 2, \"entries\": \"elsewhere\"}").unwrap_err();
        assert!(matches!(error, ReceiptError::TooNew { found: 2 }), "{error}");
        let text = error.to_string();
        assert!(text.contains(RECEIPT) && text.contains('2') && text.contains('1'), "{text}");
    }

    #[test]
    fn a_damaged_receipt_is_an_error_and_not_an_absent_one() {
        let half = &SCHEMA_1[..SCHEMA_1.len() / 2];
        for text in ["", "{}", "[]", "{\"schema\": 1}", half] {
            let error = load(text).unwrap_err();
            assert!(matches!(error, ReceiptError::Damaged(_)), "{text:?}: {error}");
            assert!(error.to_string().starts_with(RECEIPT), "{error}");
        }
    }
}
