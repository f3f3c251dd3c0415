//! daemon.json, and what else configures dockerd.

use super::Page;
use crate::desired::{DAEMON_JSON, HOSTS_DROP_IN};
use crate::facts::kernel_settings::{ResetBy, SettingReset};
use crate::facts::start_command::UnreadOptions;
use crate::preflight::{Code, Seen};
use crate::redact;

pub(super) fn page(code: Code) -> Option<Page> {
    Some(match code {
        Code::OptionsUnread => Page {
            title: "options for dockerd stand where nothing reads them",
            why: "whoever wrote them there counts on them: a proxy, a mirror, or a network that the \
                  engine then does not have",
            check: "grep -n OPT /etc/default/docker /etc/sysconfig/docker*; systemctl cat docker",
            fix: "say them in daemon.json: landfall configure --set KEY=JSON, and empty the file",
        },
        Code::ConfigFileElsewhere => Page {
            title: "dockerd reads another file than /etc/docker/daemon.json",
            why: "what landfall writes into daemon.json would have no effect",
            check: "systemctl cat docker | grep config-file",
            fix: "move its keys to /etc/docker/daemon.json, take --config-file out of the unit: \
                  systemctl edit --full docker; systemctl daemon-reload",
        },
        Code::ListenersMoved => Page {
            title: "`hosts` goes from daemon.json into a drop-in of docker.service",
            why: "docker.service starts dockerd with -H fd://, and dockerd does not start with \
                  listeners in both places",
            check: "systemctl cat docker | grep ExecStart; grep hosts /etc/docker/daemon.json",
            fix: "nothing; without -H fd://: --unit-style classic",
        },
        Code::BridgeAddressStays => Page {
            title: "docker0 keeps the address that `bip` gave it",
            why: "the daemon takes a bridge that is there as it is: only without the bridge does it \
                  choose a network again",
            check: "ip -4 address show docker0",
            fix: "with the engine stopped: systemctl stop docker.socket docker; ip link delete \
                  docker0; systemctl start docker",
        },
        Code::SettingReset => Page {
            title: "something turns kernel settings off that containers need",
            why: "the engine turns them on when it starts; once they are off again, containers \
                  reach nobody, and published ports answer no more",
            check: "sysctl net.ipv4.ip_forward; grep -rn ip_forward /etc/sysctl.d /etc/sysctl.conf \
                    /usr/lib/sysctl.d /etc/cron* /etc/rc.local /etc/tuned",
            fix: "take the line out, or write 1 for 0; then sysctl --system and systemctl restart \
                  docker",
        },
        _ => return None,
    })
}

pub(super) fn seen(seen: &Seen) -> Option<String> {
    Some(match seen {
        Seen::OptionsUnread { options } => {
            let one = |UnreadOptions { name, value, path, line }: &UnreadOptions| {
                format!("{path}, line {line}: {name}={}", redact::text(value))
            };
            format!(
                "docker.service uses none of {}",
                options.iter().map(one).collect::<Vec<_>>().join("; ")
            )
        }
        Seen::ConfigFileElsewhere { file, path, line } => {
            format!("{path}, line {line}, names {file}")
        }
        Seen::ListenersMoved { hosts } if hosts.is_empty() => {
            format!("{DAEMON_JSON} names the socket that docker.socket makes anyway")
        }
        Seen::ListenersMoved { hosts } => {
            format!("{DAEMON_JSON} has {}; they go into {HOSTS_DROP_IN}", hosts.join(", "))
        }
        Seen::BridgeAddressStays { address } => format!("docker0 has {address}"),
        Seen::SettingsReset { resets } => {
            let one = |reset: &SettingReset| {
                let when = match reset.by {
                    ResetBy::Sysctl => "at boot",
                    ResetBy::Cron => "by cron",
                    ResetBy::Boot => "at the end of the boot",
                    ResetBy::Tuned => "by a profile of tuned",
                };
                format!("{}, line {}, sets {} to 0 {when}", reset.path, reset.line, reset.setting)
            };
            resets.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        _ => return None,
    })
}

pub(super) fn fix(seen: &Seen) -> Option<String> {
    Some(match seen {
        Seen::OptionsUnread { options } => {
            let paths: Vec<&str> = options.iter().map(|options| options.path.as_str()).collect();
            format!(
                "say them in daemon.json: landfall configure --set KEY=JSON; then empty them in {}",
                paths.join(", ")
            )
        }
        Seen::ConfigFileElsewhere { path, file, .. } => format!(
            "cp {file} {DAEMON_JSON}, take --config-file out of {path}, then systemctl daemon-reload"
        ),
        Seen::ListenersMoved { .. } => {
            "nothing; uninstalling puts it back; without -H fd://: --unit-style classic".to_owned()
        }
        Seen::SettingsReset { resets } => {
            let places: Vec<String> =
                resets.iter().map(|reset| format!("{}, line {}", reset.path, reset.line)).collect();
            format!(
                "take it out, or write 1 for 0, in {}; then sysctl --system; systemctl restart docker",
                places.join("; ")
            )
        }
        Seen::BridgeAddressStays { .. } => {
            "to have the daemon choose again, with no container running: systemctl stop \
             docker.socket docker; ip link delete docker0; systemctl start docker"
                .to_owned()
        }
        _ => return None,
    })
}
