//! The keys of daemon.json: type, release lines, and how each is merged and taken over.
//!
//! The table is `bundles/daemon-options.tsv`, compiled in; its head names the sources.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::daemon_values::Values;
use crate::nearest;

const TABLE: &str = include_str!("../../bundles/daemon-options.tsv");

/// The release lines at which the table was read.
const LINES: [(u32, u32); 12] = [
    (17, 5),
    (18, 6),
    (18, 9),
    (19, 3),
    (20, 10),
    (23, 0),
    (24, 0),
    (25, 0),
    (26, 1),
    (27, 0),
    (28, 0),
    (29, 0),
];

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionType {
    /// A string.
    String,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A whole number that is not negative.
    Uint,
    /// A list of strings.
    Strings,
    /// A list of IP addresses, as strings.
    Addresses,
    /// An IP address, as a string.
    Address,
    /// A number of bytes, as a string such as `64M`.
    Size,
    /// An object whose values are strings.
    StringMap,
    /// An object whose values are `true` or `false`.
    BoolMap,
    /// An object of objects whose values are strings.
    StringMapMap,
    /// Ulimits by name: an object of objects.
    Ulimits,
    /// Runtimes by name: an object of objects.
    Runtimes,
    /// Address pools: a list of objects with `base` and `size`.
    Pools,
    /// An object that the daemon checks itself.
    Object,
}

impl OptionType {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "string" => Self::String,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "uint" => Self::Uint,
            "strings" => Self::Strings,
            "addresses" => Self::Addresses,
            "address" => Self::Address,
            "size" => Self::Size,
            "string-map" => Self::StringMap,
            "bool-map" => Self::BoolMap,
            "string-map-map" => Self::StringMapMap,
            "ulimits" => Self::Ulimits,
            "runtimes" => Self::Runtimes,
            "pools" => Self::Pools,
            "object" => Self::Object,
            _ => return None,
        })
    }
}

/// What happens to values that stand in the file already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeRule {
    /// Replaced as a whole.
    Value,
    /// An object, merged key by key to any depth.
    Keys,
    /// An object of definitions: merged by name, each definition replaced as a whole.
    Names,
    /// A list whose order matters: ours first, other elements behind them.
    Ordered,
    /// A list whose order does not matter: other elements stay where they are.
    Set,
    /// A list of `NAME=VALUE`, one for each name: other names stay where they are.
    Assignments,
}

impl MergeRule {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "value" => Self::Value,
            "keys" => Self::Keys,
            "names" => Self::Names,
            "ordered" => Self::Ordered,
            "set" => Self::Set,
            "assignments" => Self::Assignments,
            _ => return None,
        })
    }

    /// Whether it is told for each element of a list whose it is.
    pub fn is_by_element(self) -> bool {
        matches!(self, Self::Ordered | Self::Set | Self::Assignments)
    }
}

/// One key of daemon.json.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaemonOption {
    /// The key; `object.key` for one that the daemon checks inside of an object.
    pub key: &'static str,
    /// Type of its value.
    pub kind: OptionType,
    /// First release line that knows it, `(major, minor)`.
    pub first: (u32, u32),
    /// Last release line that knows it; the newest line of the table if it is still there.
    pub last: (u32, u32),
    /// Whether a SIGHUP takes over a new value.
    pub reloadable: bool,
    /// What happens to values that stand in the file already.
    pub merge: MergeRule,
    /// Which values the daemon takes.
    pub values: Values,
    /// Who goes on with the old value once a new one is in force.
    pub existing: Option<Existing>,
}

/// Who goes on with an old value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// Containers that were created before.
    Created,
    /// Containers that run on: their next start takes the new one over.
    Started,
    /// Networks that were created before.
    Networks,
}

impl Existing {
    fn parse(text: &str) -> Option<Option<Self>> {
        Some(match text {
            "-" => None,
            "created" => Some(Self::Created),
            "started" => Some(Self::Started),
            "networks" => Some(Self::Networks),
            _ => return None,
        })
    }
}

impl DaemonOption {
    /// Whether an engine of this version, `(major, minor)`, knows the key. A version between
    /// two lines of the table counts as the lower one, a newer one as the newest line.
    pub fn known_to(&self, engine: (u32, u32)) -> bool {
        let line = LINES.into_iter().rfind(|line| *line <= engine).unwrap_or(LINES[0]);
        engine >= self.first && line <= self.last
    }

    /// The object that the key belongs into, for a key that only counts inside of one.
    pub fn parent(&self) -> Option<&'static str> {
        self.key.split_once('.').map(|(parent, _)| parent)
    }
}

/// All keys, sorted by name.
pub fn all() -> &'static [DaemonOption] {
    static OPTIONS: OnceLock<Vec<DaemonOption>> = OnceLock::new();
    // A test proves that every line of the table can be read.
    OPTIONS.get_or_init(|| lines().filter_map(parse_line).collect())
}

/// The key with this name at the top of daemon.json.
pub fn find(key: &str) -> Option<&'static DaemonOption> {
    all().iter().find(|option| option.key == key)
}

/// The key that counts only inside of an object, such as `http-proxy` in `proxies`.
pub fn find_nested(key: &str) -> Option<&'static DaemonOption> {
    all().iter().find(|option| option.key.split_once('.').is_some_and(|(_, name)| name == key))
}

/// The known key that a mistyped one was most likely meant to be.
pub fn nearest(key: &str) -> Option<&'static str> {
    nearest::nearest(
        key,
        all().iter().filter(|option| option.parent().is_none()).map(|option| option.key),
    )
}

/// The flag that says the same as a key of daemon.json, if it is among these words of a command
/// line, and which word it is: the daemon does not start with both. `runtimes` may stand in both
/// places.
pub fn flag_among<'w>(key: &str, words: &'w [String]) -> Option<(usize, &'w str)> {
    if key == "runtimes" {
        return None;
    }
    let own = format!("--{key}");
    let own = [own.as_str()];
    let names = FLAGS.iter().find(|(name, _)| *name == key).map_or(&own[..], |(_, names)| names);
    let flags = words.iter().map(|word| word.split('=').next().unwrap_or(word));
    flags.enumerate().find(|(_, flag)| names.contains(flag))
}

/// Keys whose flag has another name than `--KEY`: lists take the singular (moby's
/// `cmd/dockerd/config.go`).
const FLAGS: [(&str, &[&str]); 19] = [
    ("hosts", &["-H", "--host"]),
    ("registry-mirrors", &["--registry-mirror"]),
    ("insecure-registries", &["--insecure-registry"]),
    ("storage-driver", &["-s", "--storage-driver"]),
    ("storage-opts", &["--storage-opt"]),
    ("exec-opts", &["--exec-opt"]),
    ("log-opts", &["--log-opt"]),
    ("log-level", &["-l", "--log-level"]),
    ("labels", &["--label"]),
    ("group", &["-G", "--group"]),
    ("debug", &["-D", "--debug"]),
    ("authorization-plugins", &["--authorization-plugin"]),
    ("bridge", &["-b", "--bridge"]),
    ("data-root", &["-g", "--data-root", "--graph"]),
    ("default-address-pools", &["--default-address-pool"]),
    ("default-ulimits", &["--default-ulimit"]),
    ("dns-opts", &["--dns-opt"]),
    ("node-generic-resources", &["--node-generic-resource"]),
    ("pidfile", &["-p", "--pidfile"]),
];

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

fn parse_line(line: &'static str) -> Option<DaemonOption> {
    let mut fields = line.split('\t');
    let option = DaemonOption {
        key: fields.next()?,
        kind: OptionType::parse(fields.next()?)?,
        first: parse_release_line(fields.next()?)?,
        last: parse_release_line(fields.next()?)?,
        reloadable: match fields.next()? {
            "yes" => true,
            "no" => false,
            _ => return None,
        },
        merge: MergeRule::parse(fields.next()?)?,
        values: Values::parse(fields.next()?)?,
        existing: Existing::parse(fields.next()?)?,
    };
    fields.next().is_none().then_some(option)
}

/// `20.10` or `29`.
fn parse_release_line(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_can_be_read() {
        assert_eq!(all().len(), lines().count());
        assert!(all().len() > 100);
        assert!(all().windows(2).all(|pair| pair[0].key < pair[1].key), "sorted, no key twice");
        for option in all() {
            assert!(option.first <= option.last, "{}", option.key);
            assert!(option.parent().is_none_or(|parent| find(parent).is_some()), "{}", option.key);
        }
    }

    #[test]
    fn merge_rules_fit_the_types() {
        use OptionType as T;
        for option in all() {
            let fits = match option.merge {
                MergeRule::Value => true,
                MergeRule::Ordered | MergeRule::Set | MergeRule::Assignments => {
                    matches!(option.kind, T::Strings | T::Addresses)
                }
                MergeRule::Names => matches!(option.kind, T::Runtimes | T::Ulimits),
                MergeRule::Keys => {
                    matches!(option.kind, T::StringMap | T::BoolMap | T::StringMapMap | T::Object)
                }
            };
            assert!(fits, "{option:?}");
        }
    }

    #[test]
    fn what_a_reload_takes_over() {
        for key in ["debug", "registry-mirrors", "insecure-registries", "live-restore", "labels"] {
            assert!(find(key).unwrap().reloadable, "{key}");
        }
        for key in ["data-root", "log-opts", "log-driver", "bip", "storage-driver", "dns"] {
            assert!(!find(key).unwrap().reloadable, "{key}");
        }
        assert_eq!(all().iter().filter(|option| option.reloadable).count(), 17);
    }

    #[test]
    fn release_lines() {
        let known = |key: &str, engine| find(key).unwrap().known_to(engine);
        assert!(known("graph", (17, 5)) && known("graph", (23, 0)) && !known("graph", (24, 0)));
        assert!(!known("proxies", (20, 10)) && known("proxies", (23, 0)));
        assert!(known("bip", (18, 3)) && known("bip", (29, 3)) && known("bip", (31, 0)));
        // A version between two lines of the table counts as the lower one.
        assert!(known("oom-score-adjust", (26, 0)) && !known("oom-score-adjust", (26, 1)));
        assert!(all().iter().all(|option| LINES.contains(&option.last)));
    }

    #[test]
    fn flags_that_say_the_same() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let line =
            words("/usr/bin/dockerd -H fd:// --registry-mirror=https://a --bip 172.30.0.1/24");
        assert_eq!(flag_among("registry-mirrors", &line), Some((3, "--registry-mirror")));
        assert_eq!(flag_among("bip", &line), Some((4, "--bip")));
        assert_eq!(flag_among("hosts", &line), Some((1, "-H")));
        assert_eq!(flag_among("debug", &line), None);
        assert_eq!(flag_among("runtimes", &words("dockerd --runtimes x")), None);
    }

    #[test]
    fn nested_and_mistyped_keys() {
        assert!(find("http-proxy").is_none());
        assert_eq!(find_nested("http-proxy").unwrap().parent(), Some("proxies"));
        assert_eq!(nearest("registry-mirror"), Some("registry-mirrors"));
        assert_eq!(nearest("log-opt"), Some("log-opts"));
        assert_eq!(nearest("something-else-entirely"), None);
    }
}
