//! Units that fail, lead nowhere, or do not start at boot; second daemons.

use std::collections::BTreeMap;

use super::{Case, Sight, error, note, warning};
use crate::facts::doctor::UnitDetails;
use crate::preflight::Finding;

const SERVICE: &str = "docker.service";
const SOCKET: &str = "docker.socket";

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = dangling(case);
    for (name, unit) in &case.doctor.units {
        findings.extend(one(name, unit));
    }
    findings.extend(needs_reload(&case.doctor.units));
    findings.extend(socket_missing(case));
    findings.extend(not_enabled(case));
    findings.extend(second_daemons(case));
    findings
}

fn dangling(case: &Case<'_>) -> Vec<Finding> {
    let dangling = &case.doctor.dangling;
    let mut findings = Vec::new();
    if !dangling.drop_ins.is_empty() {
        findings.push(warning(Sight::DropInDangling { paths: dangling.drop_ins.clone() }));
    }
    let paths: Vec<String> = dangling.links.iter().map(|(path, _)| path.clone()).collect();
    if !paths.is_empty() {
        findings.push(warning(Sight::LinkDangling { paths }));
    }
    findings
}

/// A unit that systemd starts anew by itself only stays failed once it hits its limit; its result
/// then still is that of its last run. Others say `start-limit-hit`, sockets
/// `service-start-limit-hit` or `trigger-limit-hit`.
fn one(name: &str, unit: &UnitDetails) -> Vec<Finding> {
    let mut findings = Vec::new();
    if unit.load == "loaded" && unit.program_exists == Some(false) {
        let program = unit.command.first().cloned().unwrap_or_default();
        findings.push(error(Sight::UnitProgramMissing { unit: name.to_owned(), program }));
    }
    if unit.active == "failed" {
        let gave_up = unit.restarts > 0 || unit.result.contains("limit");
        findings.push(if gave_up {
            error(Sight::StartLimit { unit: name.to_owned() })
        } else {
            error(Sight::UnitFailed { unit: name.to_owned(), result: unit.result.clone() })
        });
    }
    findings
}

fn needs_reload(units: &BTreeMap<String, UnitDetails>) -> Option<Finding> {
    let changed = units.iter().filter(|(_, unit)| unit.needs_reload);
    let units: Vec<String> = changed.map(|(name, _)| name.clone()).collect();
    (!units.is_empty()).then(|| warning(Sight::NeedsReload { units }))
}

/// `-H fd://` takes the socket from systemd, and fails without one.
fn socket_missing(case: &Case<'_>) -> Option<Finding> {
    let service = case.doctor.units.get(SERVICE)?;
    let expects = service.command.iter().any(|word| word.contains("fd://"));
    let socket = case.doctor.units.get(SOCKET);
    let there = socket.is_some_and(|socket| socket.load == "loaded");
    (service.load == "loaded" && expects && !there)
        .then(|| error(Sight::SocketUnitMissing { unit: SERVICE.to_owned() }))
}

fn not_enabled(case: &Case<'_>) -> Option<Finding> {
    let service = case.doctor.units.get(SERVICE)?;
    if service.load != "loaded" || service.file_state != "disabled" {
        return None;
    }
    let socket = case.doctor.units.get(SOCKET);
    let socket = socket.is_some_and(|socket| socket.file_state == "enabled");
    let sight = Sight::NotEnabled { unit: SERVICE.to_owned(), socket };
    // The first docker command starts it; many hosts are meant to be like that.
    Some(if socket { note(sight) } else { warning(sight) })
}

/// Two dockerd of root's, or two containerd of which neither is a dockerd's own child.
fn second_daemons(case: &Case<'_>) -> Vec<Finding> {
    let processes = &case.doctor.processes;
    let is_dockerd =
        |pid: u32| processes.iter().any(|process| process.pid == pid && process.name == "dockerd");
    ["containerd", "dockerd"]
        .into_iter()
        .filter_map(|program| {
            let same = processes.iter().filter(|process| {
                process.name == program && process.uid == 0 && !is_dockerd(process.parent)
            });
            let ids: Vec<u32> = same.map(|process| process.pid).collect();
            (ids.len() > 1).then(|| {
                let sight = Sight::TwoDaemons { program: program.to_owned(), processes: ids };
                if program == "dockerd" { error(sight) } else { warning(sight) }
            })
        })
        .collect()
}
