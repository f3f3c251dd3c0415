//! The facts that a plan rests on, each in short: what must be the same when it is applied.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::desired::Desired;
use crate::digest::Digest;
use crate::facts::engine::RunningEngine;
use crate::facts::start_command::StartCommand;
use crate::facts::{Accounts, Facts, FileFact, FileSystemFact, Security};
use crate::file_state::FileKind;
use crate::plan::wanted;
use crate::render::kernel_settings;
use crate::unit_state::UnitState;

/// Every fact that decides what is done to a host, or whether it is fit; by name, in short.
///
/// Left out is what changes by itself: the clock, free space and inodes, who runs Landfall,
/// loaded modules, links and routes, device numbers, times of change, sizes of directories,
/// accounts that were not asked about, and what is only told to people (where sudo looks, what
/// volumes are mounted with). Preflight looks at those again before a plan is
/// applied. Every field of [`Facts`] is decided about here: a new one does not compile until
/// it is.
pub fn facts(facts: &Facts, desired: &Desired) -> BTreeMap<String, String> {
    let Facts {
        live,
        uid: _,
        now: _,
        architecture,
        kernel,
        os,
        systemd,
        cgroups,
        accounts,
        files,
        units,
        engine,
        packages,
        file_systems,
        network,
        programs,
        iptables,
        libraries,
        protected,
        sudo_path: _,
        security,
        // Told to people; nothing is planned by it.
        setting_resets: _,
        start_command,
    } = facts;
    let mut found = BTreeMap::from([
        ("architecture".to_owned(), architecture.clone()),
        ("kernel".to_owned(), kernel.release.clone()),
        ("running system".to_owned(), live.to_string()),
        ("distribution".to_owned(), short(os)),
        ("systemd".to_owned(), short(systemd)),
        ("control groups".to_owned(), short(cgroups)),
        ("iptables".to_owned(), short(iptables)),
        ("libraries".to_owned(), short(libraries)),
    ]);
    if let Some(engine) = engine {
        // Which containers run is not decided here.
        let RunningEngine { version, live_restore, swarm, storage_driver, .. } = engine;
        let text = short(&(version, live_restore, swarm, storage_driver));
        found.insert("running engine".to_owned(), text);
    }
    if let Some(modules) = kernel_settings::modules(kernel) {
        found.insert("modules of the kernel".to_owned(), short(&modules));
    }
    if desired.kernel.forwarding == Some(true) {
        found.insert("forwarding".to_owned(), short(&network.forwarding.ipv4));
    }
    if *security != Security::default() {
        found.insert("security modules".to_owned(), short(security));
    }
    if *start_command != StartCommand::default() {
        // Where a word stands is not decided on; and one may be a secret.
        let words: Vec<&str> = start_command.words.iter().map(|word| word.text.as_str()).collect();
        let json = serde_json::to_vec(&(words, start_command.by_drop_in)).unwrap_or_default();
        let digest = format!("sha256:{}", Digest::of(&json));
        found.insert("command of docker.service".to_owned(), digest);
    }
    found.extend(of_accounts(accounts, desired));
    let wanted = wanted(desired);
    for path in wanted.texts.iter().chain(&wanted.programs).chain(&wanted.paths) {
        let owner = packages.owners.get(path).map(|package| format!(", of package {package}"));
        if let Some(file) = files.get(path) {
            found.insert(path.clone(), of_file(file) + &owner.unwrap_or_default());
        }
    }
    let units = units.iter().filter(|(_, unit)| unit.load != "not-found");
    found.extend(units.map(|(name, unit)| (format!("unit {name}"), of_unit(unit))));
    let engines = packages.engines.iter();
    found.extend(engines.map(|(name, version)| (format!("package {name}"), version.clone())));
    let file_systems = file_systems.iter();
    found.extend(
        file_systems.map(|(path, fact)| (format!("file system of {path}"), of_file_system(fact))),
    );
    let protected = protected.iter();
    found.extend(protected.map(|(path, how)| (format!("protection of {path}"), short(how))));
    let programs = programs.iter();
    found.extend(programs.map(|(name, path)| (format!("program {name}"), path.clone())));
    found
}

fn of_accounts(accounts: &Accounts, desired: &Desired) -> Vec<(String, String)> {
    let wanted = &desired.group;
    let mut found = Vec::new();
    if let Some(group) = accounts.groups.get(&wanted.name) {
        let members: Vec<&String> =
            group.members.iter().filter(|member| wanted.members.contains(member)).collect();
        let text = format!("gid {}, local {}, members {members:?}", group.gid, group.local);
        found.push((format!("group {}", wanted.name), text));
    }
    let taken = accounts.groups.iter().find(|(_, group)| Some(group.gid) == wanted.gid);
    found.extend(
        taken.zip(wanted.gid).map(|((name, _), gid)| (format!("group id {gid}"), name.clone())),
    );
    for name in &wanted.members {
        if let Some(user) = accounts.users.get(name) {
            found.push((format!("user {name}"), format!("uid {}, gid {}", user.uid, user.gid)));
        }
    }
    found
}

fn of_file(file: &FileFact) -> String {
    let state = &file.state;
    let kind = match state.kind {
        FileKind::File => "file",
        FileKind::Directory => "directory",
        FileKind::Symlink => "link",
        FileKind::Other => "special file",
    };
    let mut text = format!("{kind} {:04o} {}:{}", state.mode, state.uid, state.gid);
    if state.kind == FileKind::File {
        text += &format!(" {} bytes", state.size);
    }
    if let Some(sha256) = file.sha256 {
        text += &format!(" sha256:{sha256}");
    }
    if let Some(target) = &state.target {
        text += &format!(" to {target}");
    }
    if !state.xattrs.is_empty() {
        text += &format!(" attributes {}", short(&state.xattrs));
    }
    text
}

/// Whether it runs, and from what. Not the finer state: a socket is `listening` or `running`
/// as its service comes and goes.
fn of_unit(unit: &UnitState) -> String {
    let from = unit.fragment.iter().chain(&unit.drop_ins);
    let from: Vec<&str> = from.map(String::as_str).collect();
    format!("{}, {} {}", unit.load, unit.active, from.join(" ")).trim_end().to_owned()
}

fn of_file_system(fact: &FileSystemFact) -> String {
    let FileSystemFact {
        available: _,
        inodes: _,
        read_only,
        no_exec,
        no_suid: _,
        no_dev: _,
        kind,
        device: _,
        reports_entry_type: _,
    } = fact;
    let flag = |set: bool, name| if set { name } else { "" };
    format!("{kind}{}{}", flag(*read_only, ", read-only"), flag(*no_exec, ", noexec"))
}

/// JSON if it is short, or else its digest.
fn short(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    if json.len() <= 300 { json } else { format!("sha256:{}", Digest::of(json.as_bytes())) }
}
