//! The running daemon: its limits, its socket, who may use it, where else it listens.

use serde_json::Value;

use super::{Case, Sight, error, note, warning};
use crate::desired::SOCKET;
use crate::preflight::Finding;

/// Below this a host with some dozen containers runs out of files; upstream's packages used
/// to set 1048576, and Go raises a service's 1024 to the hard limit, 524288 by default.
const FEW_FILES: u64 = 65_536;
/// From here on programs that walk through all possible files at their start hang
/// (containerd/containerd#7566). `infinity` is 1073741816 from systemd 240 on, a little below 2^30.
const TOO_MANY_FILES: u64 = 1_000_000_000;

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = limits(case);
    findings.extend(socket(case));
    findings.extend(members(case));
    findings.extend(listeners(case));
    findings.extend(proxy(case));
    if case.dockerd().is_some()
        && let Some(Err(reason)) = &case.doctor.answer
    {
        findings.push(error(Sight::ApiSilent { error: reason.clone() }));
    }
    findings
}

fn limits(case: &Case<'_>) -> Vec<Finding> {
    let daemons = case.doctor.processes.iter().filter(|process| process.uid == 0);
    daemons
        .filter_map(|process| {
            let (program, limit) = (process.name.clone(), process.open_files?);
            if limit >= TOO_MANY_FILES {
                Some(warning(Sight::OpenFilesHuge { program, limit }))
            } else {
                (limit < FEW_FILES).then(|| warning(Sight::OpenFilesLow { program, limit }))
            }
        })
        .collect()
}

fn socket(case: &Case<'_>) -> Option<Finding> {
    let state = case.doctor.socket.as_ref().filter(|_| case.has_engine())?;
    let (path, mode) = (SOCKET.to_owned(), state.mode);
    if mode & 0o002 != 0 {
        return Some(error(Sight::SocketOpen { path, mode }));
    }
    if mode != 0o660 || state.uid != 0 {
        let seen = Sight::SocketMode { path, mode, uid: state.uid };
        // Fewer rights than usual keep people out: somebody chose that, and nothing is open.
        let is_stricter = is_stricter(mode, state.uid);
        return Some(if is_stricter { note(seen) } else { warning(seen) });
    }
    let (wanted, members) = case.group().filter(|(_, group)| group.gid != state.gid)?;
    let mut groups = case.facts.accounts.groups.iter();
    let of = groups.find(|(_, group)| group.gid == state.gid);
    let group = of.map_or_else(|| state.gid.to_string(), |(name, _)| name.clone());
    let wanted = wanted.clone();
    (!members.members.is_empty()).then(|| warning(Sight::SocketGroup { path, group, wanted }))
}

/// Whether the socket is root's, and gives no right that mode 660 does not.
pub(crate) fn is_stricter(mode: u32, uid: u32) -> bool {
    uid == 0 && mode & !0o660 == 0
}

fn members(case: &Case<'_>) -> Option<Finding> {
    let (group, members) = case.group()?;
    let (group, members) = (group.clone(), members.members.clone());
    (!members.is_empty() && case.has_engine()).then(|| note(Sight::GroupMembers { group, members }))
}

/// Listeners by flag and in daemon.json. With `tlsverify` clients must show a certificate;
/// with `tls` alone anybody may connect.
fn listeners(case: &Case<'_>) -> Option<Finding> {
    if case.switch("tlsverify", false) {
        return None;
    }
    let hosts = case.daemon_json.get("hosts").and_then(Value::as_array);
    let configured = hosts.into_iter().flatten().filter_map(Value::as_str);
    let all = case.flag(&["-H", "--host"]).into_iter().chain(configured);
    let listeners: Vec<String> =
        all.filter(|host| host.starts_with("tcp://")).map(str::to_owned).collect();
    let loopback = listeners.iter().all(|listener| {
        ["tcp://127.", "tcp://localhost", "tcp://[::1]"]
            .iter()
            .any(|local| listener.starts_with(local))
    });
    let sight = || Sight::TcpOpen { listeners: listeners.clone(), loopback };
    match (listeners.is_empty(), loopback) {
        (true, _) => None,
        (false, true) => Some(warning(sight())),
        (false, false) => Some(error(sight())),
    }
}

fn proxy(case: &Case<'_>) -> Option<Finding> {
    let variables = case.dockerd()?.proxies.clone()?;
    (!variables.is_empty() && !case.doctor.own_proxy)
        .then(|| note(Sight::ProxyOfDaemon { variables }))
}
