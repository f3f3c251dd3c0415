//! The engine that a receipt says is installed: where, for whom, of which units.

use std::path::PathBuf;

use crate::desired::{DEFAULT_CONTAINERD_ROOT, DEFAULT_DATA_ROOT, Desired, UNIT_DIR};
use crate::facts::doctor::units::exec_start;
use crate::file_state::parent_of;
use crate::receipt::{Entry, Receipt};
use crate::steps::{Before, EngineData, GuardRuntime, RuntimeBefore, Step, WriteFile};
use crate::topology::Topology;

/// An installed engine, as far as its receipt tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its version, from the archive's name.
    pub version: Option<String>,
    /// Which units run it.
    pub unit_style: Topology,
    /// Where its programs are, without a trailing slash.
    pub bin_dir: Option<String>,
    /// The group that owns the API socket: its name, or its number where only that is known.
    pub group: Option<String>,
    /// Where its data are.
    pub data_root: Option<String>,
}

impl Installed {
    /// What the receipt says; `None` if it is one of repairs alone. What was done last counts.
    pub fn of(receipt: &Receipt) -> Option<Self> {
        let desired = receipt.desired.as_ref();
        receipt.has_engine().then(|| Self {
            version: receipt.version.clone(),
            unit_style: receipt.topology,
            bin_dir: last(receipt, bin_dir).or_else(|| Some(desired?.bin_dir.clone())),
            group: last(receipt, group).or_else(|| Some(desired?.group.name.clone())),
            data_root: data_root(receipt).map(str::to_owned),
        })
    }

    /// Makes `desired` ask for this engine: what is known of it replaces what stood there.
    pub fn asked_by(&self, desired: &mut Desired) {
        if let Some(version) = &self.version {
            desired.source.archive = PathBuf::from(format!("docker-{version}.tgz"));
        }
        desired.unit_style = Some(self.unit_style);
        if let Some(bin_dir) = &self.bin_dir {
            desired.bin_dir.clone_from(bin_dir);
        }
        if let Some(group) = &self.group {
            desired.group.name.clone_from(group);
        }
        if let Some(data_root) = self.data_root.as_deref().filter(|path| *path != DEFAULT_DATA_ROOT)
        {
            desired.daemon.insert("data-root".to_owned(), data_root.into());
        }
    }
}

/// Where the engine's data are; an engine that is installed keeps its place.
pub fn data_root(receipt: &Receipt) -> Option<&str> {
    match &receipt.moved {
        Some(moved) => Some(&moved.data_root),
        None => guarded(receipt)?.0.data.first().map(String::as_str),
    }
}

/// Where a containerd that is a unit of its own keeps its data.
pub fn containerd_root(receipt: &Receipt) -> &str {
    let root = match &receipt.moved {
        Some(moved) => Some(&moved.containerd_root),
        None => guarded(receipt).and_then(|(guard, _)| guard.data.get(1)),
    };
    root.map_or(DEFAULT_CONTAINERD_ROOT, String::as_str)
}

/// The engine's data, and what was in their place before it; those that were left behind when they
/// were moved come last.
pub fn data(receipt: &Receipt) -> EngineData {
    let mut data = guarded(receipt).map(|(guard, before)| guard.data(before)).unwrap_or_default();
    if let Some(moved) = &receipt.moved {
        data.directories = receipt.topology.data(&moved.data_root, &moved.containerd_root);
        data.directories.extend(moved.old.iter().cloned());
        data.moved.clone_from(&moved.old);
        data.held.extend(moved.held.clone());
    }
    data
}

/// The entries of a receipt as if the engine's data had always been where they are now.
pub fn with_moved_data(receipt: &Receipt) -> Vec<Entry> {
    let data = data(receipt);
    let moved = |entry: &Entry| match (&entry.step, &entry.before) {
        (Step::GuardRuntime(_), Before::Runtime(before)) if receipt.moved.is_some() => {
            let before = RuntimeBefore { data: data.held.clone(), ..before.clone() };
            Entry {
                step: Step::GuardRuntime(GuardRuntime { data: data.directories.clone() }),
                before: Before::Runtime(before),
            }
        }
        _ => entry.clone(),
    };
    receipt.entries.iter().map(moved).collect()
}

fn guarded(receipt: &Receipt) -> Option<(&GuardRuntime, &Before)> {
    receipt.entries.iter().find_map(|entry| match &entry.step {
        Step::GuardRuntime(guard) => Some((guard, &entry.before)),
        _ => None,
    })
}

fn last(receipt: &Receipt, told_by: fn(&Step) -> Option<String>) -> Option<String> {
    receipt.entries.iter().rev().find_map(|entry| told_by(&entry.step))
}

/// Programs that stood there already were not installed: then the unit tells where they are.
fn bin_dir(step: &Step) -> Option<String> {
    match step {
        Step::InstallBinary(step) => parent_of(&step.path).map(str::to_owned),
        Step::WriteFile(file) => {
            let words = exec_start(&[unit_text(file, "docker.service")?]);
            // Units have `%` doubled (systemd.unit(5), “Specifiers”).
            Some(parent_of(words.first()?)?.replace("%%", "%"))
        }
        _ => None,
    }
}

fn group(step: &Step) -> Option<String> {
    match step {
        Step::WaitApi(step) => Some(step.group.clone()),
        Step::CreateGroup(step) => Some(step.name.clone()),
        Step::AddGroupMember(step) => Some(step.group.clone()),
        // Nothing is waited for in an image.
        Step::WriteFile(file) => {
            let text = unit_text(file, "docker.socket")?;
            let name = text.lines().find_map(|line| line.strip_prefix("SocketGroup="));
            let number = || {
                let line = text.lines().find_map(|line| line.strip_prefix("ExecStartPost="))?;
                line.strip_prefix("/bin/chgrp ")?.split(' ').next()
            };
            name.or_else(number).map(str::to_owned)
        }
        _ => None,
    }
}

fn unit_text(file: &WriteFile, unit: &str) -> Option<String> {
    let name = file.path.strip_prefix(UNIT_DIR)?.strip_prefix('/')?;
    (name == unit).then(|| file.text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Options};
    use crate::file_state::Ownership;
    use crate::render::units::{UnitContext, units};

    /// The receipt of an engine, with the units that were written in this order.
    fn receipt(written: &[UnitContext]) -> Receipt {
        let json = include_str!("../tests/receipts/schema-1.json");
        let mut receipt: Receipt = serde_json::from_str(json).unwrap();
        receipt.entries.clear();
        for unit in written.iter().flat_map(|context| units(context).unwrap()) {
            let path = format!("{UNIT_DIR}/{}", unit.name);
            let step = WriteFile { path, text: unit.text, ownership: Ownership::root(0o644) };
            receipt.entries.push(Entry { step: Step::WriteFile(step), before: Before::Absent });
        }
        receipt
    }

    fn context(bin_dir: &str, group: &str) -> UnitContext {
        UnitContext {
            topology: Topology::Modern,
            systemd_version: 252,
            bin_dir: bin_dir.to_owned(),
            group: group.to_owned(),
            data_root: None,
            containerd_root: None,
            modprobe: None,
            containerd_notify: true,
            raises_open_files: true,
        }
    }

    #[test]
    fn the_first_format_tells_all_of_it() {
        let json = include_str!("../tests/receipts/schema-1.json");
        let mut receipt: Receipt = serde_json::from_str(json).unwrap();
        let installed = Installed::of(&receipt).unwrap();
        assert_eq!(installed.version.as_deref(), Some("28.5.2"));
        assert_eq!(installed.bin_dir.as_deref(), Some("/usr/bin"));
        assert_eq!(installed.group.as_deref(), Some("docker"));
        assert_eq!(installed.data_root.as_deref(), Some("/var/lib/docker"));
        receipt.archive.entries.clear();
        assert_eq!(Installed::of(&receipt), None, "a host that was repaired alone");
    }

    #[test]
    fn where_nothing_else_was_done_the_units_tell_it() {
        let of = |written: &[UnitContext]| {
            let installed = Installed::of(&receipt(written)).unwrap();
            (installed.bin_dir.unwrap(), installed.group.unwrap())
        };
        let (first, later) = (context("/usr/bin", "docker"), context("/opt/100%/bin", "ops"));
        assert_eq!(of(&[first.clone(), later]), ("/opt/100%/bin".to_owned(), "ops".to_owned()));
        let remote = context("/usr/bin", "70002");
        assert_eq!(of(&[first, remote]), ("/usr/bin".to_owned(), "70002".to_owned()));
    }

    #[test]
    fn what_is_installed_is_asked_for() {
        let options = Options { archive: Some(PathBuf::new()), ..Options::default() };
        let mut desired = config::desired(&options, None).unwrap();
        let installed = Installed {
            version: Some("28.5.2".to_owned()),
            unit_style: Topology::Classic,
            bin_dir: Some("/opt/x".to_owned()),
            group: Some("ops".to_owned()),
            data_root: Some("/data/docker".to_owned()),
        };
        installed.asked_by(&mut desired);
        assert_eq!(desired.source.archive, PathBuf::from("docker-28.5.2.tgz"));
        assert_eq!(desired.unit_style, Some(Topology::Classic));
        assert_eq!((desired.bin_dir.as_str(), desired.group.name.as_str()), ("/opt/x", "ops"));
        assert_eq!(desired.data_root(), "/data/docker");
    }
}
