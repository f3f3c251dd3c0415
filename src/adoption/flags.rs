//! What stands on the command line of somebody else's dockerd, and which key of daemon.json says
//! the same.
//!
//! A unit of Landfall's has none of it: what can be said in daemon.json is moved there, the rest is
//! named, so that nothing is lost without a word.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::desired::DAEMON_JSON;
use crate::render::daemon_options::{self, OptionType};
use crate::topology::Topology;

/// The command line of a dockerd, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flags {
    /// Keys of daemon.json that say the same.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub daemon: Map<String, Value>,
    /// What no key can say, as it stood there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// Where the API is served, if flags say it (`-H`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The containerd that is used, if a flag says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containerd: Option<String>,
    /// Another configuration file than the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_file: Option<String>,
}

/// The short flags of dockerd, with their long names.
const SHORT: [(char, &str); 8] = [
    ('b', "bridge"),
    ('D', "debug"),
    ('G', "group"),
    ('g', "data-root"),
    ('H', "host"),
    ('l', "log-level"),
    ('p', "pidfile"),
    ('s', "storage-driver"),
];

/// Flags that may be given several times, each adding to a key of another name.
const LISTS: [(&str, &str); 11] = [
    ("add-runtime", "runtimes"),
    ("authorization-plugin", "authorization-plugins"),
    ("default-address-pool", "default-address-pools"),
    ("default-ulimit", "default-ulimits"),
    ("dns-opt", "dns-opts"),
    ("exec-opt", "exec-opts"),
    ("insecure-registry", "insecure-registries"),
    ("label", "labels"),
    ("log-opt", "log-opts"),
    ("registry-mirror", "registry-mirrors"),
    ("storage-opt", "storage-opts"),
];

impl Flags {
    /// Takes the words of a command line apart; the first one is the program.
    pub fn parse(command: &[String]) -> Self {
        let mut flags = Self::default();
        let mut words = command.iter().skip(1).map(String::as_str).peekable();
        while let Some(word) = words.next() {
            let Some((name, attached)) = name_and_value(word) else {
                flags.lost.push(word.to_owned());
                continue;
            };
            let value = match attached {
                Some(value) => Some(value),
                None if is_switch(&name) => None,
                None => words.next_if(|next| !next.starts_with('-')).map(str::to_owned),
            };
            if !flags.take(&name, value.as_deref()) {
                let value = value.map(|value| format!(" {value}")).unwrap_or_default();
                flags.lost.push(format!("{}{value}", word.split('=').next().unwrap_or(word)));
            }
        }
        flags
    }

    /// What has to be moved to daemon.json, and what is lost, once docker.service of this topology
    /// takes the place of the one that had these flags.
    pub fn for_units_of(mut self, topology: Topology) -> Self {
        let is_systemds = |host: &String| host.starts_with("fd://");
        let hosts: Vec<&String> = self.hosts.iter().filter(|host| !is_systemds(host)).collect();
        match topology {
            // Its docker.service says `-H fd://`, and the daemon takes no `hosts` beside that.
            Topology::Modern => {
                let lost = hosts.into_iter().filter(|host| !is_usual_socket(host));
                self.lost.extend(lost.map(|host| format!("-H {host}")));
                self.daemon.remove("group");
            }
            Topology::Classic if hosts.iter().all(|host| is_usual_socket(host)) => {}
            Topology::Classic => {
                self.daemon.insert("hosts".to_owned(), json!(hosts));
            }
        }
        self
    }

    /// Whether the API is served where docker looks for it, as far as flags say where.
    pub fn serves_usual_socket(&self) -> bool {
        self.hosts.is_empty()
            || self.hosts.iter().any(|host| is_usual_socket(host) || host.starts_with("fd://"))
    }

    /// Puts one flag where it belongs; `false` if no key says it.
    fn take(&mut self, name: &str, value: Option<&str>) -> bool {
        match (name, value) {
            ("host", Some(value)) => self.hosts.push(value.to_owned()),
            ("containerd", Some(value)) => self.containerd = Some(value.to_owned()),
            ("config-file", Some(value)) => {
                self.config_file = Some(value.to_owned()).filter(|path| path != DAEMON_JSON);
            }
            _ => return self.take_key(name, value).is_some(),
        }
        true
    }

    fn take_key(&mut self, name: &str, value: Option<&str>) -> Option<()> {
        let listed = LISTS.iter().find(|(flag, _)| *flag == name).map(|(_, key)| *key);
        let key = match name {
            "graph" => "data-root",
            name => listed.unwrap_or(name),
        };
        let option = daemon_options::find(key).filter(|option| option.parent().is_none())?;
        let there = self.daemon.get(key).cloned();
        let text = || value.map(str::to_owned);
        let new = match option.kind {
            OptionType::Bool => json!(value.unwrap_or("true").parse::<bool>().ok()?),
            OptionType::Int | OptionType::Uint => json!(value?.parse::<i64>().ok()?),
            OptionType::String | OptionType::Address | OptionType::Size => json!(text()?),
            OptionType::Strings | OptionType::Addresses => {
                // A list may be one word, with commas.
                let more = value?.split(',').map(|element| json!(element));
                let there = there.and_then(|list| list.as_array().cloned()).unwrap_or_default();
                Value::Array(there.into_iter().chain(more).collect())
            }
            OptionType::StringMap => {
                let (entry, value) = value?.split_once('=')?;
                with_entry(there, entry, json!(value))
            }
            OptionType::Ulimits => {
                let (entry, limits) = value?.split_once('=')?;
                let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
                let (soft, hard): (i64, i64) = (soft.parse().ok()?, hard.parse().ok()?);
                with_entry(there, entry, json!({"Name": entry, "Soft": soft, "Hard": hard}))
            }
            OptionType::Runtimes => {
                let (entry, path) = value?.split_once('=')?;
                with_entry(there, entry, json!({"path": path}))
            }
            OptionType::Pools => {
                let field = |name: &str| {
                    value?.split(',').find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
                };
                let pool =
                    json!({"base": field("base")?, "size": field("size")?.parse::<u64>().ok()?});
                let there = there.and_then(|list| list.as_array().cloned()).unwrap_or_default();
                Value::Array(there.into_iter().chain([pool]).collect())
            }
            OptionType::BoolMap | OptionType::StringMapMap | OptionType::Object => return None,
        };
        self.daemon.insert(key.to_owned(), new);
        Some(())
    }
}

/// Whether an address of the API is the one that docker uses by itself.
pub fn is_usual_socket(host: &str) -> bool {
    matches!(host, "unix://" | "unix:///var/run/docker.sock" | "unix:///run/docker.sock")
}

fn with_entry(there: Option<Value>, entry: &str, value: Value) -> Value {
    let mut map = there.and_then(|map| map.as_object().cloned()).unwrap_or_default();
    map.insert(entry.to_owned(), value);
    Value::Object(map)
}

/// The long name of the flag that a word is, and what is attached to it; `None` if it is none.
fn name_and_value(word: &str) -> Option<(String, Option<String>)> {
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (long, None),
        };
        return (!name.is_empty()).then(|| (name.to_owned(), value));
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let letter = letters.next()?;
    let (_, name) = SHORT.iter().find(|(short, _)| *short == letter)?;
    let rest = letters.as_str();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    Some(((*name).to_owned(), (!rest.is_empty()).then(|| rest.to_owned())))
}

/// Whether a flag takes no value of its own: `--debug`, `--iptables=false`.
fn is_switch(name: &str) -> bool {
    daemon_options::find(name).is_some_and(|option| option.kind == OptionType::Bool)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(command: &str) -> Flags {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        Flags::parse(&words)
    }

    #[test]
    fn flags_become_keys() {
        let flags = parsed(
            "/usr/bin/dockerd --insecure-registry 10.0.0.5:5000 --insecure-registry=reg.lan \
             -g /data/docker --log-opt max-size=50m --log-opt max-file=3 -D --iptables=false \
             --exec-opt native.cgroupdriver=systemd --mtu 1400 -s overlay2 --bip 172.30.0.1/24 \
             --default-ulimit nofile=1024:4096 --default-address-pool base=172.31.0.0/16,size=24 \
             --dns 10.0.0.2,10.0.0.3 --config-file=/etc/docker/daemon.json",
        );
        assert_eq!(
            Value::Object(flags.daemon),
            json!({
                "insecure-registries": ["10.0.0.5:5000", "reg.lan"],
                "data-root": "/data/docker",
                "log-opts": {"max-size": "50m", "max-file": "3"},
                "debug": true,
                "iptables": false,
                "exec-opts": ["native.cgroupdriver=systemd"],
                "mtu": 1400,
                "storage-driver": "overlay2",
                "bip": "172.30.0.1/24",
                "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 4096}},
                "default-address-pools": [{"base": "172.31.0.0/16", "size": 24}],
                "dns": ["10.0.0.2", "10.0.0.3"],
            })
        );
        assert_eq!((flags.lost.as_slice(), flags.config_file), (&[][..], None));
    }

    #[test]
    fn what_no_key_says_is_named() {
        let flags = parsed("/usr/bin/dockerd $DOCKER_OPTS --no-such-thing 7 -X --data-root /d");
        assert_eq!(flags.lost, ["$DOCKER_OPTS", "--no-such-thing 7", "-X"]);
        assert_eq!(flags.daemon["data-root"], "/d");
    }

    #[test]
    fn listeners_go_where_the_units_let_them() {
        let both = "/usr/bin/dockerd -H unix:///var/run/docker.sock -H tcp://0.0.0.0:2375";
        let classic = parsed(both).for_units_of(Topology::Classic);
        let hosts = json!(["unix:///var/run/docker.sock", "tcp://0.0.0.0:2375"]);
        assert_eq!((&classic.daemon["hosts"], classic.lost.as_slice()), (&hosts, &[][..]));
        let modern = parsed("/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375 --group ops")
            .for_units_of(Topology::Modern);
        assert_eq!(
            (modern.daemon.len(), modern.lost.as_slice()),
            (0, &["-H tcp://0.0.0.0:2375".to_owned()][..])
        );
        let usual = parsed("/usr/bin/dockerd -Hunix:// -G ops").for_units_of(Topology::Classic);
        assert_eq!(Value::Object(usual.daemon), json!({"group": "ops"}));
        assert!(!parsed("/usr/bin/dockerd -H tcp://0.0.0.0:2375").serves_usual_socket());
        assert!(parsed("/usr/bin/dockerd").serves_usual_socket());
    }
}
