//! The few repairs that are safe: small, undoable, and nothing is stopped or restarted for
//! them. Everything else is only told.

use std::collections::BTreeSet;

use crate::desired::{SOCKET, UNIT_DIR};
use crate::facts::Facts;
use crate::facts::doctor::DoctorFacts;
use crate::file_state::Ownership;
use crate::preflight::{Finding, Seen};
use crate::render::kernel_settings::{FORWARDING, FORWARDING_TEXT};
use crate::render::units::wants_dir;
use crate::steps::{
    CreateDir, CreateLink, DaemonReload, RemoveLink, ResetFailed, SetMode, SetSetting, Step,
    WriteFile,
};

use super::Sight;
use super::daemon::is_stricter;

/// Whether a finding can be repaired.
pub fn can_repair(finding: &Finding) -> bool {
    let Seen::Doctor(sight) = &finding.seen else { return false };
    match sight {
        Sight::ForwardingOff { .. }
        | Sight::LinkDangling { .. }
        | Sight::NeedsReload { .. }
        | Sight::SocketOpen { .. }
        | Sight::StartLimit { .. } => true,
        // What is started by its socket, or was closed to the group, may be meant to be so.
        Sight::NotEnabled { socket, .. } => !socket,
        Sight::SocketMode { mode, uid, .. } => !is_stricter(*mode, *uid),
        _ => false,
    }
}

/// The steps that mend what can be mended, files first, then what systemd has to be told.
pub fn plan(facts: &Facts, doctor: &DoctorFacts, findings: &[Finding]) -> Vec<Step> {
    let mut files = Vec::new();
    let mut reload = false;
    let mut last = Vec::new();
    for finding in findings.iter().filter(|finding| can_repair(finding)) {
        let Seen::Doctor(sight) = &finding.seen else { continue };
        match sight {
            Sight::LinkDangling { .. } => {
                files.extend(doctor.dangling.links.iter().map(remove_link));
                reload = true;
            }
            Sight::NotEnabled { unit, .. } => {
                let steps = enable(facts, doctor, unit);
                reload |= !steps.is_empty();
                files.extend(steps);
            }
            Sight::ForwardingOff { setting } => files.extend(forward(setting)),
            Sight::SocketMode { .. } | Sight::SocketOpen { .. } => {
                last.extend(socket_mode(doctor));
            }
            Sight::NeedsReload { .. } => reload = true,
            Sight::StartLimit { unit } => {
                last.push(Step::ResetFailed(ResetFailed { unit: unit.clone() }));
            }
            _ => {}
        }
    }
    if reload {
        files.push(Step::DaemonReload(DaemonReload {}));
    }
    files.extend(last);
    files
}

fn remove_link((path, target): &(String, String)) -> Step {
    Step::RemoveLink(RemoveLink { path: path.clone(), target: target.clone() })
}

fn enable(facts: &Facts, doctor: &DoctorFacts, unit: &str) -> Vec<Step> {
    let target = doctor.units.get(unit).map(|unit| unit.fragment.clone()).unwrap_or_default();
    let (Some(wants), false) = (wants_dir(unit), target.is_empty()) else { return Vec::new() };
    let directory = format!("{UNIT_DIR}/{wants}");
    let path = format!("{directory}/{unit}");
    let dangling: BTreeSet<&String> = doctor.dangling.links.iter().map(|(path, _)| path).collect();
    if facts.files.contains_key(&path) && !dangling.contains(&path) {
        return Vec::new();
    }
    let mut steps = Vec::new();
    if !facts.files.contains_key(&directory) {
        let ownership = Ownership::root(0o755);
        steps.push(Step::CreateDir(CreateDir { path: directory, ownership }));
    }
    steps.push(Step::CreateLink(CreateLink { path, target }));
    steps
}

fn forward(setting: &str) -> [Step; 2] {
    [
        Step::WriteFile(WriteFile {
            path: FORWARDING.to_owned(),
            text: FORWARDING_TEXT.to_owned(),
            ownership: Ownership::root(0o644),
        }),
        Step::SetSetting(SetSetting { path: setting.to_owned(), value: "1".to_owned() }),
    ]
}

/// Rights are only taken away: its group, and a stricter mode, are somebody's choice.
fn socket_mode(doctor: &DoctorFacts) -> Option<Step> {
    let state = doctor.socket.as_ref()?;
    let mode = state.mode & 0o660;
    let ownership = Ownership { mode, uid: 0, gid: state.gid };
    Some(Step::SetMode(SetMode { path: SOCKET.to_owned(), ownership }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::tests::{examined, link, world};

    fn kinds(steps: &[Step]) -> Vec<String> {
        let kind = |step: &Step| serde_json::to_value(step).unwrap()["kind"].to_string();
        steps.iter().map(kind).map(|kind| kind.trim_matches('"').to_owned()).collect()
    }

    #[test]
    fn a_sound_host_needs_no_repair() {
        let world = world();
        assert!(plan(&world.facts, &world.doctor, &examined(&world)).is_empty());
    }

    #[test]
    fn what_is_safe_is_planned_in_order() {
        let mut world = world();
        world.doctor.dangling.links = vec![link("docker.socket")];
        world.doctor.socket.as_mut().unwrap().mode = 0o666;
        world.facts.network.forwarding.ipv4 = Some(false);
        for unit in ["docker.service", "docker.socket"] {
            world.doctor.units.get_mut(unit).unwrap().file_state = "disabled".into();
        }
        let containerd = world.doctor.units.get_mut("containerd.service").unwrap();
        (containerd.active, containerd.result) = ("failed".into(), "start-limit-hit".into());
        let found = examined(&world);
        let steps = plan(&world.facts, &world.doctor, &found);
        let mut sorted = kinds(&steps);
        let reload = sorted.iter().position(|kind| kind == "daemon_reload").unwrap();
        assert!(sorted[..reload].contains(&"create_link".to_owned()), "{sorted:?}");
        assert!(sorted[..reload].contains(&"remove_link".to_owned()), "{sorted:?}");
        sorted.retain(|kind| kind != "create_dir");
        sorted.sort();
        let expected = [
            "create_link",
            "daemon_reload",
            "remove_link",
            "reset_failed",
            "set_mode",
            "set_setting",
            "write_file",
        ];
        assert_eq!(sorted, expected);
        assert!(found.iter().all(can_repair), "{found:?}");
    }

    #[test]
    fn a_socket_that_is_stricter_than_usual_is_left_and_not_promised() {
        let mut world = world();
        world.doctor.socket.as_mut().unwrap().mode = 0o600;
        let found = examined(&world);
        assert_eq!(found.len(), 1);
        assert!(!can_repair(&found[0]));
        assert!(plan(&world.facts, &world.doctor, &found).is_empty());
        // Somebody else's is not stricter.
        world.doctor.socket.as_mut().unwrap().uid = 1000;
        let found = examined(&world);
        assert!(can_repair(&found[0]));
        assert_eq!(kinds(&plan(&world.facts, &world.doctor, &found)), ["set_mode"]);
    }

    #[test]
    fn what_its_socket_starts_is_left() {
        let mut world = world();
        world.doctor.units.get_mut("docker.service").unwrap().file_state = "disabled".into();
        let found = examined(&world);
        assert_eq!(found.len(), 1);
        assert!(!can_repair(&found[0]));
        assert!(plan(&world.facts, &world.doctor, &found).is_empty());
    }

    #[test]
    fn what_is_not_safe_is_only_told() {
        let mut world = world();
        world.doctor.dangling.drop_ins = vec!["/etc/systemd/system/docker.service.d".into()];
        world.daemon_json("{");
        let found = examined(&world);
        assert_eq!(found.len(), 2);
        assert!(plan(&world.facts, &world.doctor, &found).is_empty());
        assert!(!found.iter().any(can_repair));
    }
}
