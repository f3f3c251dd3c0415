//! The steps that change files, groups and links.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::listeners::{self, Unit};
use super::{Change, ChangeKind, Inputs, PlanError, kernel, proxy, registries, security};
use crate::adoption::flags_in_force;
use crate::bundle::Entry;
use crate::bundle::catalogue::{ImageStore, engine_line};
use crate::desired::{
    DAEMON_JSON, DEFAULT_CONTAINERD_ROOT, DEFAULT_DATA_ROOT, PROFILE, PROFILE_DIR, UNIT_DIR,
};
use crate::digest::Digest;
use crate::facts::doctor::units::exec_start_line;
use crate::file_state::{FileKind, Ownership, new_name};
use crate::installed;
use crate::receipt::Receipt;
use crate::render::daemon_json::{self, KeyChange, Merged};
use crate::render::diff::diff;
use crate::render::listeners::is_of_the_socket;
use crate::render::profile;
use crate::render::units::{self, UnitContext, containerd_notifies, raises_open_files};
use crate::steps::{
    AddGroupMember, CopyFile, CreateDir, CreateGroup, CreateLink, InstallBinary, RemoveFile, Step,
    WriteFile,
};
use crate::topology::{Topology, release};

/// The file part of a plan.
pub(super) struct FilePlan {
    pub topology: Topology,
    pub steps: Vec<Step>,
    pub changes: Vec<Change>,
    /// Names of programs that are installed or replaced.
    pub programs: BTreeSet<String>,
    /// Names of units whose text changes.
    pub units: BTreeSet<String>,
    /// What changes in daemon.json.
    pub daemon_changes: Vec<KeyChange>,
    /// All keys of daemon.json that Landfall will have set.
    pub daemon: Map<String, Value>,
    /// Listeners that daemon.json has and a drop-in shall have.
    pub hosts: Vec<String>,
    /// The value of `bridge` in daemon.json.
    pub bridge: Option<String>,
    /// Where the daemon keeps its data.
    pub data_root: String,
    /// Where a containerd of its own does.
    pub containerd_root: String,
}

impl FilePlan {
    /// Nothing is planned yet.
    pub(super) fn empty(topology: Topology) -> Self {
        Self {
            topology,
            steps: Vec::new(),
            changes: Vec::new(),
            programs: BTreeSet::new(),
            units: BTreeSet::new(),
            daemon_changes: Vec::new(),
            daemon: Map::new(),
            hosts: Vec::new(),
            bridge: None,
            data_root: DEFAULT_DATA_ROOT.to_owned(),
            containerd_root: DEFAULT_CONTAINERD_ROOT.to_owned(),
        }
    }
}

/// Plans directories, group, programs, daemon.json, units and their links, in this order.
pub(super) fn plan(inputs: &Inputs<'_>, topology: Topology) -> Result<FilePlan, PlanError> {
    let mut plan = FilePlan::empty(topology);
    let mut directories = Directories::new(inputs);
    let existing = standing_daemon_json(inputs)?;
    // Flags of a unit that was taken over are a person's, in daemon.json as well.
    let flags = flags_in_force(inputs.receipt, inputs.facts, plan.topology).unwrap_or_default();
    let unit = Unit::IsWritten(plan.topology);
    let daemon = plan_daemon_json(inputs, &mut plan, existing, &flags.daemon, unit)?;
    plan.containerd_root = containerd_root(inputs, &plan);
    let units = units::units(&unit_context(inputs, &plan))?;

    plan.steps.extend(directories.reach(&inputs.desired.bin_dir));
    if !inputs.archive.plugins().is_empty() {
        plan.steps.extend(directories.reach(&inputs.desired.plugin_dir()));
    }
    if daemon.is_some() {
        plan.steps.extend(directories.reach("/etc/docker"));
    }
    plan.steps.extend(directories.reach(UNIT_DIR));
    if inputs.desired.daemon.contains_key("data-root")
        && let Some((parent, _)) = plan.data_root.rsplit_once('/')
    {
        // dockerd makes the directory itself, with a mode of its own.
        plan.steps.extend(directories.reach(parent));
    }
    plan_group(inputs, &mut plan);
    plan_programs(inputs, &mut plan);
    plan_old_programs(inputs, &mut plan);
    plan.steps.extend(security::trust(inputs));
    if let Some(text) = daemon {
        plan_text(inputs, &mut plan, DAEMON_JSON, text)?;
    }
    if !inputs.desired.is_in_system_path() {
        plan.steps.extend(directories.reach(PROFILE_DIR));
        plan_text(inputs, &mut plan, PROFILE, profile::text(&inputs.desired.bin_dir))?;
    }
    kernel::plan(inputs, &mut directories, &mut plan)?;
    registries::plan(inputs, &mut directories, &mut plan)?;
    proxy::plan(inputs, &mut directories, &mut plan)?;
    for unit in &units {
        let path = format!("{UNIT_DIR}/{}", unit.name);
        if plan_text(inputs, &mut plan, &path, unit.text.clone())? {
            plan.units.insert(unit.name.to_owned());
        }
    }
    let docker = units.iter().find(|unit| unit.name == "docker.service");
    let command = docker.and_then(|unit| exec_start_line(std::slice::from_ref(&unit.text)));
    listeners::plan(inputs, &mut plan, &mut directories, command.as_deref())?;
    for unit in &units {
        let Some(wants) = units::wants_dir(unit.name) else { continue };
        let directory = format!("{UNIT_DIR}/{wants}");
        let link = format!("{directory}/{}", unit.name);
        plan.steps.extend(directories.reach(&directory));
        if !inputs.facts.files.contains_key(&link) {
            let target = format!("{UNIT_DIR}/{}", unit.name);
            plan.steps.push(Step::CreateLink(CreateLink { path: link, target }));
        }
    }
    plan.steps.extend(security::labels(inputs, &plan.steps));
    Ok(plan)
}

/// Nothing of an installed engine is changed yet.
pub(super) fn empty(receipt: &Receipt) -> FilePlan {
    FilePlan {
        daemon: receipt.daemon.clone(),
        containerd_root: installed::containerd_root(receipt).to_owned(),
        ..FilePlan::empty(receipt.topology)
    }
}

/// Where containerd keeps its data. That of an engine that is installed stays where it is; on a
/// fresh host it goes with docker's, if images live there.
fn containerd_root(inputs: &Inputs<'_>, plan: &FilePlan) -> String {
    if let Some(receipt) = inputs.receipt.filter(|receipt| receipt.has_engine()) {
        return installed::containerd_root(receipt).to_owned();
    }
    let store = inputs.version.and_then(engine_line).map(|line| line.store);
    let moves = plan.topology == Topology::Modern
        && plan.data_root != DEFAULT_DATA_ROOT
        && store == Some(ImageStore::Containerd);
    if moves {
        format!("{}/containerd", plan.data_root)
    } else {
        DEFAULT_CONTAINERD_ROOT.to_owned()
    }
}

pub(super) fn unit_context(inputs: &Inputs<'_>, plan: &FilePlan) -> UnitContext {
    let data_root = plan.data_root.as_str();
    let containerd_root = plan.containerd_root.as_str();
    let engine = inputs.version.and_then(release);
    UnitContext {
        topology: plan.topology,
        systemd_version: systemd_version(inputs),
        bin_dir: inputs.desired.bin_dir.clone(),
        group: unit_group(inputs),
        data_root: (data_root != DEFAULT_DATA_ROOT).then(|| data_root.to_owned()),
        containerd_root: (containerd_root != DEFAULT_CONTAINERD_ROOT)
            .then(|| containerd_root.to_owned()),
        modprobe: inputs.facts.programs.get("modprobe").cloned(),
        containerd_notify: engine.is_none_or(containerd_notifies),
        raises_open_files: engine.is_none_or(raises_open_files),
    }
}

/// The group as docker.socket names it. The socket is made early at boot, before a directory
/// service answers: a group of such a service is named by number.
fn unit_group(inputs: &Inputs<'_>) -> String {
    let name = &inputs.desired.group.name;
    match inputs.facts.accounts.groups.get(name) {
        Some(group) if !group.local => group.gid.to_string(),
        _ => name.clone(),
    }
}

/// The oldest version that units are written for, where it cannot be told.
const OLDEST_SYSTEMD: u32 = 219;

fn systemd_version(inputs: &Inputs<'_>) -> u32 {
    let version = inputs.facts.systemd.as_ref().map_or(0, |systemd| systemd.version);
    if version == 0 { OLDEST_SYSTEMD } else { version }
}

/// Directories that have to be made; each is planned once.
pub(super) struct Directories<'a> {
    inputs: &'a Inputs<'a>,
    planned: BTreeSet<String>,
}

impl<'a> Directories<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>) -> Self {
        Self { inputs, planned: BTreeSet::new() }
    }

    /// The steps that make `path` and what is missing above it, outermost first.
    pub(super) fn reach(&mut self, path: &str) -> Vec<Step> {
        let mut missing = Vec::new();
        let mut at = path;
        while !at.is_empty() && !self.exists(at) {
            missing.push(at.to_owned());
            at = at.rfind('/').map_or("", |slash| &at[..slash]);
        }
        missing.reverse();
        self.planned.extend(missing.iter().cloned());
        let ownership = Ownership::root(0o755);
        missing.into_iter().map(|path| Step::CreateDir(CreateDir { path, ownership })).collect()
    }

    fn exists(&self, path: &str) -> bool {
        self.planned.contains(path) || self.inputs.facts.files.contains_key(path)
    }
}

pub(super) fn plan_group(inputs: &Inputs<'_>, plan: &mut FilePlan) {
    let wanted = &inputs.desired.group;
    let existing = inputs.facts.accounts.groups.get(&wanted.name);
    if existing.is_none() {
        let step = CreateGroup { name: wanted.name.clone(), gid: wanted.gid };
        plan.steps.push(Step::CreateGroup(step));
    }
    for user in &wanted.members {
        if !existing.is_some_and(|group| group.members.contains(user)) {
            let step = AddGroupMember { group: wanted.name.clone(), user: user.clone() };
            plan.steps.push(Step::AddGroupMember(step));
        }
    }
}

/// Programs are root's and 0755, whatever the archive says: upstream's archives carry the
/// ids of the machine that built them.
const PROGRAM: Ownership = Ownership::root(0o755);

fn plan_programs(inputs: &Inputs<'_>, plan: &mut FilePlan) {
    for entry in &inputs.archive.entries {
        if plan_program(inputs, plan, &inputs.desired.bin_dir, entry) {
            plan.programs.insert(entry.name.clone());
        }
    }
    // The engine does not use them.
    for entry in inputs.archive.plugins() {
        plan_program(inputs, plan, &inputs.desired.plugin_dir(), entry);
    }
}

/// Plans a program; `true` if it is not yet as it shall be.
fn plan_program(inputs: &Inputs<'_>, plan: &mut FilePlan, directory: &str, entry: &Entry) -> bool {
    let path = format!("{directory}/{}", entry.name);
    let existing = inputs.facts.files.get(&path);
    let is_as_it_shall_be = existing.is_some_and(|file| {
        file.state.kind == FileKind::File
            && file.sha256 == Some(entry.sha256)
            && (file.state.mode, file.state.uid, file.state.gid) == (PROGRAM.mode, 0, 0)
    });
    if is_as_it_shall_be {
        return false;
    }
    plan.changes.push(Change {
        path: path.clone(),
        kind: ChangeKind::Program {
            before: existing.and_then(|file| file.sha256),
            after: entry.sha256,
            size: entry.size,
        },
    });
    plan.steps.push(Step::InstallBinary(InstallBinary {
        path,
        staged: format!("{}/{}", inputs.staging, new_name(&entry.name)),
        sha256: entry.sha256,
        size: entry.size,
        ownership: PROGRAM,
    }));
    true
}

/// Programs and plugins of before that the new archive does not have.
fn plan_old_programs(inputs: &Inputs<'_>, plan: &mut FilePlan) {
    let Some(receipt) = inputs.receipt else { return };
    let (old, new) = (&receipt.archive, inputs.archive);
    let plugin_dir = inputs.desired.plugin_dir();
    for (directory, old, new) in [
        (&inputs.desired.bin_dir, &old.entries[..], &new.entries[..]),
        (&plugin_dir, old.plugins(), new.plugins()),
    ] {
        for old in old {
            let stays = new.iter().any(|entry| entry.name == old.name);
            let path = format!("{directory}/{}", old.name);
            let is_there = inputs.facts.files.get(&path).is_some_and(|file| {
                file.sha256 == Some(old.sha256) && receipt.paths().contains(&path)
            });
            if !stays && is_there {
                plan.steps.push(Step::RemoveFile(RemoveFile { path, sha256: old.sha256 }));
            }
        }
    }
}

/// The text of daemon.json that stands there.
pub(super) fn standing_daemon_json<'a>(inputs: &Inputs<'a>) -> Result<Option<&'a str>, PlanError> {
    let Some(file) = inputs.facts.files.get(DAEMON_JSON) else { return Ok(None) };
    let text = file.text.as_deref();
    text.map(Some).ok_or_else(|| PlanError::NotText(DAEMON_JSON.to_owned()))
}

/// The new text of daemon.json, if it changes. `flags` are keys that somebody set elsewhere and
/// that belong into the file from now on.
pub(super) fn plan_daemon_json(
    inputs: &Inputs<'_>,
    plan: &mut FilePlan,
    existing: Option<&str>,
    flags: &Map<String, Value>,
    unit: Unit,
) -> Result<Option<String>, PlanError> {
    let none = Map::new();
    let mut moved = daemon_json::merge(existing, flags, &none)?;
    if let Some(hosts) = listeners::to_move(inputs, unit, &moved.value) {
        let listeners = moved.value.get_key_value("hosts");
        let listeners = listeners.map(|(key, value)| (key.clone(), value.clone())).into_iter();
        let without = daemon_json::merge(Some(&moved.text), &none, &listeners.collect())?;
        moved.changed_keys.extend(without.changed_keys);
        moved = Merged { changed_keys: moved.changed_keys, ..without };
        plan.hosts = hosts;
    }
    let is_there = existing.is_some() || !moved.text.is_empty();
    let with_flags = is_there.then_some(moved.text.as_str());
    let previous = inputs.receipt.map_or(&none, |receipt| &receipt.daemon);
    let wanted = wanted_daemon(inputs, plan.topology, with_flags)?;
    // Also with nothing wanted: the daemon does not start with a file that cannot be read.
    let merged = daemon_json::merge(with_flags, &wanted, previous)?;
    refuse_other_sockets(inputs, unit, &merged.value, plan.topology)?;
    refuse_unknown(inputs.version, &merged.value)?;
    let text = |key| merged.value.get(key).and_then(Value::as_str).map(str::to_owned);
    plan.bridge = text("bridge");
    if let Some(data_root) = text("data-root") {
        data_root.trim_end_matches('/').clone_into(&mut plan.data_root);
    }
    refuse_move(inputs, &plan.data_root)?;
    plan.daemon_changes = moved.changed_keys;
    plan.daemon_changes.extend(merged.changed_keys);
    plan.daemon = merged.owned;
    if existing.is_none() && merged.text.is_empty() {
        return Ok(None);
    }
    Ok((existing != Some(merged.text.as_str())).then_some(merged.text))
}

/// The keys of daemon.json that shall be set. In the classic topology dockerd makes the API
/// socket itself, for the group that `group` names, or else for `docker`.
fn wanted_daemon(
    inputs: &Inputs<'_>,
    topology: Topology,
    existing: Option<&str>,
) -> Result<Map<String, Value>, PlanError> {
    let mut wanted = inputs.desired.daemon.clone();
    proxy::wanted_key(inputs, &mut wanted);
    if topology == Topology::Modern {
        return Ok(wanted);
    }
    let group = &inputs.desired.group.name;
    // dockerd looks names up in /etc/group alone, but takes a number.
    let named = unit_group(inputs);
    let is_other = |asked: &&str| *asked != group && *asked != named;
    if let Some(daemon) = wanted.get("group").and_then(Value::as_str).filter(is_other) {
        return Err(PlanError::GroupTwice { daemon: daemon.to_owned(), group: group.clone() });
    }
    let is_there = existing
        .and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok())
        .is_some_and(|keys| keys.contains_key("group"));
    if named != DEFAULT_GROUP || is_there {
        wanted.insert("group".to_owned(), named.into());
    }
    Ok(wanted)
}

/// The group that dockerd looks for by itself.
const DEFAULT_GROUP: &str = "docker";

/// What stands in daemon.json must leave dockerd the socket and the containerd that the units
/// are made for.
pub(super) fn refuse_other_sockets(
    inputs: &Inputs<'_>,
    unit: Unit,
    daemon: &Map<String, Value>,
    topology: Topology,
) -> Result<(), PlanError> {
    listeners::refuse_flags(inputs, unit, daemon)?;
    if topology == Topology::Modern {
        return Ok(());
    }
    if daemon.contains_key("containerd") {
        return Err(PlanError::ForeignContainerd);
    }
    let serves = |host: &Value| host.as_str().is_some_and(is_of_the_socket);
    match daemon.get("hosts").and_then(Value::as_array) {
        Some(hosts) if !hosts.iter().any(serves) => Err(PlanError::SocketNotServed),
        _ => Ok(()),
    }
}

/// An engine that does not know a key does not start. One that no engine knows may be of a newer
/// one: dockerd is asked.
fn refuse_unknown(version: Option<&str>, daemon: &Map<String, Value>) -> Result<(), PlanError> {
    let Some(version) = version else { return Ok(()) };
    let checked = daemon.keys().map(|key| daemon_json::check_version(key, version));
    let unknown: Vec<_> = checked.filter_map(Result::err).collect();
    if unknown.is_empty() { Ok(()) } else { Err(PlanError::KeysUnknown(unknown)) }
}

/// An engine that was installed before keeps its data where they are: moving them is more
/// than a restart.
pub(super) fn refuse_move(inputs: &Inputs<'_>, to: &str) -> Result<(), PlanError> {
    match inputs.receipt.and_then(installed::data_root) {
        Some(from) if from != to => {
            Err(PlanError::DataRootMoves { from: from.to_owned(), to: to.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Takes away a file that Landfall wrote, and nobody has changed since.
pub(super) fn take_away(inputs: &Inputs<'_>, path: &str) -> Option<Step> {
    let sha256 = inputs.receipt?.left_at(path)?;
    let is_there = inputs.facts.files.get(path)?.sha256 == Some(sha256);
    is_there.then(|| Step::RemoveFile(RemoveFile { path: path.to_owned(), sha256 }))
}

/// Plans a secret that is copied from `source`, a file that root alone reads; nothing of it is
/// written down but its digest.
pub(super) fn plan_secret(
    inputs: &Inputs<'_>,
    plan: &mut FilePlan,
    source: PathBuf,
    path: String,
    sha256: Digest,
) {
    let ownership = Ownership::root(0o600);
    let is_as_it_shall_be = inputs
        .facts
        .files
        .get(&path)
        .is_some_and(|file| file.sha256 == Some(sha256) && file.state.ownership() == ownership);
    if !is_as_it_shall_be {
        plan.steps.push(Step::CopyFile(CopyFile { source, path, sha256, ownership }));
    }
}

/// Plans a text file; `true` if its text changes.
pub(super) fn plan_text(
    inputs: &Inputs<'_>,
    plan: &mut FilePlan,
    path: &str,
    text: String,
) -> Result<bool, PlanError> {
    let existing = inputs.facts.files.get(path);
    let old = match existing {
        None => None,
        Some(file) if file.text.is_some() => file.text.as_deref(),
        Some(_) => return Err(PlanError::NotText(path.to_owned())),
    };
    if old == Some(text.as_str()) {
        return Ok(false);
    }
    plan.changes.push(Change {
        path: path.to_owned(),
        kind: ChangeKind::Text {
            exists: existing.is_some(),
            diff: diff(old.unwrap_or_default(), &text),
        },
    });
    // A file that is there keeps its owner and mode; a unit must be readable by all.
    let ownership = existing.map_or(Ownership::root(0o644), |file| file.state.ownership());
    plan.steps.push(Step::WriteFile(WriteFile { path: path.to_owned(), text, ownership }));
    Ok(true)
}
