//! What units, drop-ins and files of options say to dockerd, beside daemon.json.

use serde_json::Value;

use super::{Case, Finding, Seen};
use crate::desired::{DAEMON_JSON, HOSTS_DROP_IN};
use crate::render::listeners::is_of_the_socket;
use crate::topology::Topology;

/// What counts where docker.service is written anew.
pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let by_drop_in = case.facts.start_command.by_drop_in;
    let mut findings = Vec::from_iter(config_file(case).filter(|_| by_drop_in));
    findings.extend(unread(case));
    findings.extend(listeners(case));
    findings.extend(resets(case));
    findings
}

/// The engine turns these settings on when it starts, and is not asked when they are turned off.
fn resets(case: &Case<'_>) -> Option<Finding> {
    let is_off = |key: &str| case.setting(key).and_then(Value::as_bool) == Some(false);
    let matters = |setting: &str| match setting {
        "net.ipv4.ip_forward" => !is_off("ip-forward"),
        _ => !is_off("iptables"),
    };
    let resets = case.facts.setting_resets.iter().filter(|reset| matters(&reset.setting));
    let resets: Vec<_> = resets.cloned().collect();
    (!resets.is_empty()).then(|| Finding::warning(Seen::SettingsReset { resets }))
}

/// What counts where docker.service stays as it is.
pub(super) fn check_standing(case: &Case<'_>) -> Vec<Finding> {
    config_file(case).into_iter().chain(unread(case)).chain(listeners(case)).collect()
}

fn config_file(case: &Case<'_>) -> Option<Finding> {
    let words = &case.facts.start_command.words;
    let mut found = None;
    for (index, word) in words.iter().enumerate() {
        let file = match word.text.split_once('=') {
            Some(("--config-file", file)) => Some((word, file)),
            None if word.text == "--config-file" => {
                words.get(index + 1).map(|file| (file, file.text.as_str()))
            }
            _ => None,
        };
        found = file.or(found);
    }
    let (word, file) = found.filter(|(_, file)| *file != DAEMON_JSON)?;
    let (file, path, line) = (file.to_owned(), word.path.clone(), word.line);
    Some(Finding::error(Seen::ConfigFileElsewhere { file, path, line }))
}

fn unread(case: &Case<'_>) -> Option<Finding> {
    let options = case.facts.start_command.unread.clone();
    (!options.is_empty()).then(|| Finding::warning(Seen::OptionsUnread { options }))
}

/// `hosts` beside `-H fd://` goes into a drop-in, unless somebody else's says the command.
fn listeners(case: &Case<'_>) -> Option<Finding> {
    let hosts = case.daemon_json.as_ref()?.get("hosts")?.as_array()?;
    let command = &case.facts.start_command;
    let by_others =
        command.by_drop_in && command.words.iter().any(|word| word.path != HOSTS_DROP_IN);
    if case.topology() != Topology::Modern || by_others {
        return None;
    }
    let hosts = hosts.iter().filter_map(Value::as_str).filter(|host| !is_of_the_socket(host));
    let hosts = hosts.map(str::to_owned).collect();
    Some(Finding::warning(Seen::ListenersMoved { hosts }))
}
