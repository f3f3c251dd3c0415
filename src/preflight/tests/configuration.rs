//! daemon.json, and what else configures dockerd.

use super::{Case, World};
use crate::desired::{DAEMON_JSON, HOSTS_DROP_IN};
use crate::facts::kernel_settings::{ResetBy, SettingReset};
use crate::facts::start_command::{UnreadOptions, Word};
use crate::file_state::FileKind;
use crate::route::LinkAddress;

pub(super) const CASES: &[Case] = &[
    (
        "options that nothing reads",
        |w| {
            w.facts.start_command.unread.push(UnreadOptions {
                name: "DOCKER_OPTS".to_owned(),
                value: "--dns 10.0.0.53".to_owned(),
                path: "/etc/default/docker".to_owned(),
                line: 7,
            });
        },
        &["warning LF047"],
    ),
    (
        "a drop-in that names another configuration file",
        |w| w.drop_in("/etc/x.conf", "/usr/bin/dockerd --config-file=/etc/docker/other.json"),
        &["error LF048"],
    ),
    (
        "one that names the usual file in two words",
        |w| w.drop_in("/etc/x.conf", "/usr/bin/dockerd --config-file /etc/docker/daemon.json"),
        &[],
    ),
    (
        "another file that a unit names which is going to be replaced",
        |w| {
            w.drop_in("/lib/systemd/system/docker.service", "/usr/bin/dockerd --config-file /x");
            w.facts.start_command.by_drop_in = false;
        },
        &[],
    ),
    (
        "the same where it stays",
        |w| {
            w.drop_in("/lib/systemd/system/docker.service", "/usr/bin/dockerd --config-file /x");
            w.facts.start_command.by_drop_in = false;
            w.gone = Some([].into());
        },
        &["error LF048"],
    ),
    ("listeners", |w| w.listed("{\"hosts\": [\"tcp://127.0.0.1:1\"]}"), &["warning LF049"]),
    (
        "listeners, and a drop-in of somebody's that takes no socket from systemd",
        |w| {
            w.listed("{\"hosts\": [\"tcp://127.0.0.1:1\"]}");
            w.drop_in("/etc/x.conf", "/usr/bin/dockerd");
        },
        &[],
    ),
    (
        "listeners, and our own drop-in",
        |w| {
            w.listed("{\"hosts\": [\"unix:///run/docker.sock\"]}");
            w.drop_in(HOSTS_DROP_IN, "/usr/bin/dockerd -H fd:// -H tcp://10.0.0.1:2376");
        },
        &["warning LF049"],
    ),
    ("a job that turns forwarding off", |w| w.reset("net.ipv4.ip_forward"), &["warning LF190"]),
    (
        "the same, and an engine that shall not turn it on",
        |w| {
            w.reset("net.ipv4.ip_forward");
            w.set("ip-forward", serde_json::json!(false));
        },
        &[],
    ),
    (
        "a job that takes bridges out of the firewall",
        |w| w.reset("net.bridge.bridge-nf-call-iptables"),
        &["warning LF190"],
    ),
    (
        "a bip that goes, but stays on docker0",
        |w| {
            w.listed("{\"bip\": \"172.30.9.1/24\"}");
            w.docker0("172.30.9.1/24");
            w.gone = Some(["bip"].into());
        },
        &["warning LF059"],
    ),
    (
        "a bip that goes, and docker0 has another address",
        |w| {
            w.listed("{\"bip\": \"172.30.9.1/24\"}");
            w.docker0("172.17.0.1/16");
            w.gone = Some(["bip"].into());
        },
        &[],
    ),
];

impl World {
    fn listed(&mut self, text: &str) {
        self.put(DAEMON_JSON, FileKind::File).text = Some(text.to_owned());
        self.owned.insert(DAEMON_JSON.to_owned());
    }

    fn drop_in(&mut self, path: &str, command: &str) {
        let word = |text: &str| Word { text: text.to_owned(), path: path.to_owned(), line: 3 };
        self.facts.start_command.words = command.split(' ').map(word).collect();
        self.facts.start_command.by_drop_in = true;
    }

    fn reset(&mut self, setting: &str) {
        self.facts.setting_resets.push(SettingReset {
            setting: setting.to_owned(),
            path: "/etc/cron.d/harden".to_owned(),
            line: 2,
            by: ResetBy::Cron,
        });
    }

    fn docker0(&mut self, address: &str) {
        let address = LinkAddress { link: "docker0".to_owned(), address: address.parse().unwrap() };
        self.facts.network.addresses.push(address);
    }
}
