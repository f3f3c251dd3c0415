//! Moving an engine's data: copied while it runs, then once more while it does not, then used.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::files::{self, Directories, FilePlan};
use super::{EngineAction, Inputs, Plan, PlanError, SCHEMA, Stops, back, security, swap};
use crate::desired::{DAEMON_JSON, UNIT_DIR};
use crate::facts::Wanted;
use crate::facts::data::{ContainerdData, DataDirectory, DataFacts};
use crate::file_state::{FileKind, parent_of};
use crate::installed;
use crate::preflight::moved_directories;
use crate::receipt::{MovedData, Receipt};
use crate::render::daemon_json;
use crate::render::units;
use crate::steps::{
    Before, CheckInventory, CopyData, DaemonReload, DataPart, ExpectGone, GuardBoot,
    NoteContainers, NoteInventory, PlaceData, RenamePaths, SmokeTest, Step, SyncData, VerifyUnits,
};

/// Files that say where data are, beside units that somebody else wrote.
const DROP_INS: [(&str, &str); 2] = [
    ("docker.service", "landfall-data-root.conf"),
    // Read last: it sets the command line.
    ("containerd.service", "zz-landfall-data-root.conf"),
];

/// Adds what this plan looks at to what every plan does.
pub fn wanted(desired: &crate::desired::Desired) -> Wanted {
    let mut wanted = super::wanted(desired);
    for (unit, name) in DROP_INS {
        wanted.paths.push(format!("{UNIT_DIR}/{unit}.d"));
        wanted.texts.push(format!("{UNIT_DIR}/{unit}.d/{name}"));
    }
    wanted
}

/// Plans the move to where `inputs.desired` wants the data; and what the receipt has to say then.
///
/// # Errors
/// [`PlanError`] if daemon.json cannot be edited, or the path cannot stand in a unit.
pub fn migrate(
    inputs: &Inputs<'_>,
    receipt: &Receipt,
    data: &DataFacts,
) -> Result<(Plan, MovedData), PlanError> {
    let to = inputs.desired.data_root();
    let own = data.containerd.as_ref().filter(|containerd| containerd.others.is_empty());
    let moved = MovedData {
        data_root: to.to_owned(),
        containerd_root: own.map_or_else(
            || installed::containerd_root(receipt).to_owned(),
            |containerd| new_containerd_root(containerd, data, to),
        ),
        held: held(receipt, data),
        old: moved_directories(data).iter().map(|directory| directory.path.clone()).collect(),
        newer: false,
    };
    let mut files = files::empty(receipt);
    (files.data_root, files.containerd_root) =
        (moved.data_root.clone(), moved.containerd_root.clone());
    let mut directories = Directories::new(inputs);
    let mut steps = directories.reach(parent_of(to).unwrap_or("/"));
    steps.extend(security::data_root(inputs, to));
    if own.is_some() {
        steps.extend(security::containerd_root(inputs, &moved.containerd_root));
    }
    let (parts, place) = (parts(data, &moved), to.to_owned());
    steps.push(Step::CopyData(CopyData { to: place.clone(), parts: parts.clone() }));
    let directory = inputs.staging.to_owned();
    steps.push(Step::GuardBoot(GuardBoot { directory, data: Some(place.clone()) }));
    steps.extend(down(inputs, own.is_some()));
    let directories = renamed(data, &moved);
    steps.push(Step::SyncData(SyncData { to: place.clone(), parts }));
    steps.push(Step::RenamePaths(RenamePaths { to: place.clone(), directories }));
    steps.push(Step::PlaceData(PlaceData { from: data.docker.path.clone(), to: place }));
    configure(inputs, receipt, own, &mut files)?;
    let labels = security::labels(inputs, &files.steps);
    steps.extend(std::mem::take(&mut files.steps));
    steps.extend(labels);
    let paths = files.units.iter().map(|unit| format!("{UNIT_DIR}/{unit}")).collect();
    steps.push(Step::VerifyUnits(VerifyUnits { paths }));
    steps.push(Step::DaemonReload(DaemonReload {}));
    steps.extend(up(inputs, &files, own.is_some()));
    let stops = inputs.facts.engine.as_ref().map(Stops::all).unwrap_or_default();
    let plan = Plan {
        schema: SCHEMA,
        version: receipt.version.clone(),
        topology: receipt.topology,
        steps,
        changes: files.changes,
        engine: EngineAction::Restart,
        settings: Vec::new(),
        stopping: stops.stopping,
        ending: stops.ending,
        daemon: files.daemon,
    };
    Ok((plan, moved))
}

/// containerd's data go along with docker's: to one directory, on one file system.
fn new_containerd_root(containerd: &ContainerdData, data: &DataFacts, to: &str) -> String {
    if let Some(rest) = containerd.directory.path.strip_prefix(&format!("{}/", data.docker.path)) {
        return format!("{to}/{rest}");
    }
    // A classic engine of before may have left the data of its own containerd.
    let taken = data.docker.names.iter().any(|name| name == "containerd");
    format!("{to}/{}", if taken { "containerd-root" } else { "containerd" })
}

/// What was in the directories before the engine's data came there.
fn held(receipt: &Receipt, data: &DataFacts) -> BTreeMap<String, Vec<String>> {
    let known = installed::data(receipt).held;
    let mut held = known.clone();
    let containerd = data.containerd.as_ref().map(|containerd| &containerd.directory);
    let named = [installed::data_root(receipt), Some(installed::containerd_root(receipt))];
    for (name, directory) in named.into_iter().zip([Some(&data.docker), containerd]) {
        if let (Some(names), Some(directory)) = (name.and_then(|name| known.get(name)), directory) {
            // Links resolved.
            held.insert(directory.path.clone(), names.clone());
        }
    }
    if data.target.kind == Some(FileKind::Directory) {
        held.insert(data.target.path.clone(), data.target.names.clone());
    }
    held
}

/// What is copied: docker's data first, since they become the new place.
fn parts(data: &DataFacts, moved: &MovedData) -> Vec<DataPart> {
    let beneath = format!("{}/", moved.data_root);
    let containerd = moved.containerd_root.strip_prefix(&beneath).map(str::to_owned);
    let part = |directory: &&DataDirectory| {
        let is_docker = directory.path == data.docker.path;
        let name = if is_docker { None } else { containerd.clone() };
        DataPart { from: directory.path.clone(), name, bytes: directory.bytes }
    };
    moved_directories(data).iter().map(part).collect()
}

/// What containers call the directories that are moved, and what these are called then.
fn renamed(data: &DataFacts, moved: &MovedData) -> BTreeMap<String, String> {
    let directories = moved_directories(data).into_iter().flat_map(|directory| {
        let is_docker = directory.path == data.docker.path;
        let to = if is_docker { &moved.data_root } else { &moved.containerd_root };
        // Links in it may be resolved or not.
        [&directory.path, &directory.named].map(|name| (name.clone(), to.clone()))
    });
    directories.filter(|(name, _)| !name.is_empty()).collect()
}

/// Nothing uses the data once these steps are made.
fn down(inputs: &Inputs<'_>, containerd: bool) -> Vec<Step> {
    let units: Vec<&str> =
        swap::active(inputs).filter(|unit| containerd || *unit != "containerd.service").collect();
    // Containers that are kept while the daemon is down would go on in the old data; without
    // live-restore the daemon itself stops all of them at once.
    let stop = inputs.facts.engine.as_ref().is_none_or(|engine| engine.live_restore);
    let mut steps = vec![
        // First: what is removed at its end (`docker run --rm`) may be half gone once it is stopped.
        Step::NoteInventory(NoteInventory {}),
        Step::NoteContainers(NoteContainers { stop }),
        back::stop(&units),
    ];
    let is_alone = containerd || !swap::active(inputs).any(|unit| unit == "containerd.service");
    if is_alone {
        let programs =
            swap::SHIMS.map(|name| format!("{}/{name}", inputs.desired.bin_dir)).to_vec();
        steps.push(Step::ExpectGone(ExpectGone { programs }));
    }
    steps
}

/// daemon.json and the units say where the data are. A unit that Landfall wrote is written anew;
/// one that somebody else did gets a file beside it.
fn configure(
    inputs: &Inputs<'_>,
    receipt: &Receipt,
    containerd: Option<&ContainerdData>,
    files: &mut FilePlan,
) -> Result<(), PlanError> {
    let mut directories = Directories::new(inputs);
    files.steps.extend(directories.reach("/etc/docker"));
    let existing = files::standing_daemon_json(inputs)?;
    let key = |value: Option<Value>| -> Map<String, Value> {
        value.map(|value| ("data-root".to_owned(), value)).into_iter().collect()
    };
    let wanted = key(Some(files.data_root.clone().into()));
    let merged =
        daemon_json::merge(existing, &wanted, &key(receipt.daemon.get("data-root").cloned()))?;
    files.bridge = merged.value.get("bridge").and_then(Value::as_str).map(str::to_owned);
    files.daemon.extend(merged.owned);
    files::plan_text(inputs, files, DAEMON_JSON, merged.text)?;

    let rendered = units::units(&files::unit_context(inputs, files))?;
    for (unit, name) in DROP_INS {
        let path = format!("{UNIT_DIR}/{unit}");
        let ours = rendered.iter().find(|rendered| rendered.name == unit);
        let text = match (unit, containerd) {
            ("docker.service", _) => mounts_for(&files.data_root),
            (_, Some(containerd)) => command_with_root(containerd, &files.containerd_root),
            (_, None) => continue,
        };
        match ours.filter(|_| is_ours(inputs, receipt, &path)) {
            Some(rendered) => {
                files::plan_text(inputs, files, &path, rendered.text.clone())?;
                files.units.insert(unit.to_owned());
            }
            None => {
                files.steps.extend(directories.reach(&format!("{path}.d")));
                files::plan_text(inputs, files, &format!("{path}.d/{name}"), text)?;
            }
        }
    }
    Ok(())
}

/// Whether a unit is what Landfall wrote last.
fn is_ours(inputs: &Inputs<'_>, receipt: &Receipt, path: &str) -> bool {
    let Some(text) = inputs.facts.files.get(path).and_then(|file| file.text.as_deref()) else {
        return false;
    };
    let written = receipt.entries.iter().rev().find_map(|entry| match &entry.step {
        Step::WriteFile(step) if step.path == path => Some((step, &entry.before)),
        _ => None,
    });
    written.is_some_and(|(step, before)| *before != Before::Adopted && step.text == text)
}

const HEAD: &str = "# Managed by Landfall: landfall migrate-data-root\n";

fn mounts_for(data_root: &str) -> String {
    format!("{HEAD}[Unit]\nRequiresMountsFor={}\n", quoted(data_root))
}

/// The unit's own command line, with another root; what else stands there stays as it is written.
fn command_with_root(containerd: &ContainerdData, root: &str) -> String {
    let all = words(&containerd.exec_start);
    let mut words = all.iter();
    let mut command = Vec::new();
    while let Some(word) = words.next() {
        match word.trim_matches(['"', '\'']) {
            "--root" | "-root" => drop(words.next()),
            plain if plain.starts_with("--root=") || plain.starts_with("-root=") => {}
            _ => command.push(*word),
        }
    }
    let (command, root) = (command.join(" "), quoted(root));
    format!(
        "{HEAD}[Unit]\nRequiresMountsFor={root}\n\n[Service]\nExecStart=\nExecStart={command} --root {root}\n"
    )
}

/// The words of a command line of a unit, with their quotes.
fn words(line: &str) -> Vec<&str> {
    let mut quote = None;
    let parts = line.split(|c: char| {
        match quote {
            Some(open) if open == c => quote = None,
            None if ['"', '\''].contains(&c) => quote = Some(c),
            _ => {}
        }
        quote.is_none() && c.is_whitespace()
    });
    parts.filter(|word| !word.is_empty()).collect()
}

/// A path as units have it; that it can stand there was seen when the others were rendered.
fn quoted(path: &str) -> String {
    let path = path.replace('%', "%%");
    if path.contains(' ') { format!("\"{path}\"") } else { path }
}

/// The engine comes up with the copy, and has to have all that it had.
fn up(inputs: &Inputs<'_>, files: &FilePlan, containerd: bool) -> Vec<Step> {
    let limit = swap::limit(inputs.facts.engine.as_ref());
    let units = swap::up(files, limit).into_iter();
    let mut steps: Vec<Step> = units
        .filter(|step| containerd || step.unit != "containerd.service")
        .map(Step::Unit)
        .collect();
    steps.push(swap::gate(inputs, Some(limit)));
    steps.push(Step::CheckInventory(CheckInventory { data_root: files.data_root.clone() }));
    steps.push(swap::resume());
    if inputs.desired.smoke_test {
        steps.push(Step::SmokeTest(SmokeTest {
            socket: crate::desired::SOCKET.to_owned(),
            network: files.bridge.clone().filter(|bridge| bridge == "none"),
        }));
    }
    steps
}
