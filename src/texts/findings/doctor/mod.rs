//! Findings of `landfall doctor` in words, a file for each area.

mod daemon;
mod files;
mod network;
mod seen;
mod system;

use super::Page;
use crate::desired::DAEMON_JSON;
use crate::doctor::{Sight, is_stricter};
use crate::preflight::Code;

pub(super) use seen::seen;

/// What is said about a code of the doctor's; `None` for all others.
pub(super) fn page(code: Code) -> Option<Page> {
    system::page(code)
        .or_else(|| network::page(code))
        .or_else(|| daemon::page(code))
        .or_else(|| files::page(code))
}

/// What mends it on this host.
pub(super) fn fix(sight: &Sight) -> String {
    let general = || page(sight.code()).map_or("", |page| page.fix).to_owned();
    match sight {
        Sight::ModulesAbsent { package, .. } => {
            let install = if package.starts_with("kernel-") { "dnf" } else { "apt-get" };
            format!("{install} install {package} (from a mirror or the medium)")
        }
        Sight::CgroupDriverKubelet { kubelet, .. } => format!(
            "in daemon.json: \"exec-opts\": [\"native.cgroupdriver={kubelet}\"]; then drain the \
             node, and systemctl restart docker"
        ),
        Sight::RulesetFlushed { path, .. } => {
            format!(
                "in {path} write two lines for each table of your own in place of “flush \
                 ruleset”: “table inet NAME” and “delete table inet NAME”; whenever docker's \
                 rules are gone: systemctl restart docker"
            )
        }
        Sight::DockerChainsGone { firewalld: true } => {
            "systemctl restart docker, after each firewall-cmd --reload (containers stop, unless \
             live-restore is on)"
                .to_owned()
        }
        Sight::ClockPast { newest, .. } => {
            format!(
                "set the clock: date --set 'YYYY-MM-DD HH:MM:SS', at least date --set @{newest}"
            )
        }
        Sight::OpenFilesLow { program, .. } | Sight::OpenFilesHuge { program, .. } => format!(
            "systemctl edit {unit}, with the lines [Service] and LimitNOFILE=1048576; then \
             systemctl restart {unit}",
            unit = unit_of(program)
        ),
        Sight::SocketMode { path, mode, uid } if is_stricter(*mode, *uid) => {
            format!("nothing, if only root shall use it; to let the group use it: chmod 660 {path}")
        }
        Sight::SocketGroup { path, wanted, .. } => format!(
            "chgrp {wanted} {path}; to keep it so: systemctl edit docker.socket, with [Socket] \
             SocketGroup={wanted}; without that unit, \"group\": \"{wanted}\" in daemon.json"
        ),
        Sight::SocketMode { path, .. } | Sight::SocketOpen { path, .. } => {
            format!("landfall doctor --fix, or: chmod 660 {path} && chown root {path}")
        }
        Sight::GroupMembers { group, .. } => {
            format!("take out who need not be root: gpasswd --delete USER {group}")
        }
        Sight::DropInDangling { paths } => format!("look at it, then: rm -r {}", paths.join(" ")),
        Sight::LinkDangling { paths } => {
            format!("landfall doctor --fix, or: rm {}", paths.join(" "))
        }
        Sight::UnitProgramMissing { unit, .. } => {
            format!("install the program again, or: systemctl disable {unit}")
        }
        Sight::TwoDaemons { processes, .. } => {
            let ids: Vec<String> = processes.iter().map(u32::to_string).collect();
            format!(
                "systemctl status {} tells the unit of each; the one that has none: kill PID",
                ids.join(" ")
            )
        }
        Sight::StartLimit { unit } => format!(
            "journalctl -u {unit} says why; then landfall doctor --fix, or: systemctl \
             reset-failed {unit}; and systemctl start {unit}"
        ),
        Sight::UnitFailed { unit, .. } => {
            format!("journalctl -u {unit} says why; then systemctl start {unit}")
        }
        Sight::NotEnabled { unit, socket: true } => format!(
            "nothing, if no container has to come back by itself after a reboot; else: systemctl \
             enable {unit}"
        ),
        Sight::NotEnabled { unit, socket: false } => {
            format!("landfall doctor --fix, or: systemctl enable {unit}")
        }
        Sight::DataSpace { path, .. } => {
            format!("docker system df; docker image prune; df -h {path}")
        }
        Sight::DataInodes { path, .. } => format!("docker image prune; df -i {path}"),
        Sight::LogLarge { path, .. } => format!(
            "truncate --size 0 {path}; and limit new containers: see {}",
            Code::LogsUnrotated
        ),
        Sight::CertificateUnreadable { path } => {
            format!(
                "it has to be PEM; DER is converted by: openssl x509 -inform der -in {path} -out \
                 {path}.pem; mv {path}.pem {path}"
            )
        }
        Sight::CertificatePair { missing, .. } => {
            format!(
                "cp NEW {missing}; if it is an authority's and not a client's: its name ends in .crt"
            )
        }
        Sight::KeyMode { path, .. } => format!("chmod 600 {path}"),
        Sight::DaemonKeyUnknown { key, nearest: Some(nearest) } => {
            format!("{key} may mean {nearest}; mend it in /etc/docker/daemon.json")
        }
        Sight::DaemonKeyTwice { key, .. } if key == "hosts" => {
            "landfall configure --repair moves it into a drop-in; or take it out of \
             /etc/docker/daemon.json"
                .to_owned()
        }
        Sight::DaemonKeyTwice { key, flag, place: Some((path, _)) } => format!(
            "take {key} out of /etc/docker/daemon.json, or {flag} out of {path}; then systemctl \
             daemon-reload"
        ),
        Sight::DaemonKeyTwice { key, flag, place: None } => {
            format!(
                "take {key} out of /etc/docker/daemon.json, or {flag} out of ExecStart: systemctl \
                 edit --full docker"
            )
        }
        Sight::KnownProblem { program, fixed, .. } => format!(
            "landfall install --offline docker-VERSION.tgz with {program} {fixed} or later, or the \
             distribution's corrected package"
        ),
        Sight::BridgeCallsOff { settings } => {
            let keys = settings.iter().map(|path| path.trim_start_matches("/proc/sys/"));
            let set: Vec<String> = keys.map(|key| key.replace('/', ".") + "=1").collect();
            format!(
                "sysctl -w {}; to keep it: the same, one a line, in /etc/sysctl.d/50-bridge.conf",
                set.join(" ")
            )
        }
        Sight::CertificateExpired { path, .. } | Sight::CertificateExpiring { path, .. } => {
            format!(
                "get a new one, and cp NEW {path}; certs.d is read at each call, for files of \
                 tlscert and the like: systemctl restart docker"
            )
        }
        Sight::Drift { changed, missing } if missing.is_empty() && *changed == [DAEMON_JSON] => {
            "nothing: landfall install keeps what you set there".to_owned()
        }
        Sight::RunLeft { command, files } if command.is_empty() => {
            format!("rm {}", files.join(" "))
        }
        Sight::NotSeen { as_root: true, .. } => {
            "mend the reason that is given, or wait for the run to end; then again: landfall doctor"
                .to_owned()
        }
        _ => general(),
    }
}

fn unit_of(program: &str) -> &str {
    if program == "dockerd" { "docker" } else { program }
}
