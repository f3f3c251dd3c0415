//! Which units run an engine, and who starts containerd: the topology, called *unit style* in
//! options and texts.
//!
//! A host keeps the one that it was installed with. Why the modern one is the default stands
//! in `docs/design/unit-styles.md`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The units of an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// docker.socket, docker.service and a containerd.service of its own.
    #[default]
    Modern,
    /// docker.service alone: dockerd makes its socket and starts containerd as its child.
    Classic,
}

/// Every unit that any topology has, in the order in which they are started.
pub const ALL_UNITS: [&str; 3] = ["containerd.service", "docker.socket", "docker.service"];

/// The first release whose containerd bears its own name, and is found when it runs already.
/// Before it, dockerd starts `docker-containerd` and no other.
const SEPARATE_CONTAINERD_SINCE: (u32, u32) = (18, 9);

impl Topology {
    /// Its name, as `--unit-style` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Classic => "classic",
        }
    }

    /// Its units, in the order in which they are started.
    pub fn units(self) -> &'static [&'static str] {
        match self {
            Self::Modern => &ALL_UNITS,
            Self::Classic => &["docker.service"],
        }
    }

    /// The directories that hold the data of an engine whose `data_root` this is, and whose
    /// containerd's root is `containerd`. A containerd that dockerd starts keeps its own beneath
    /// the data-root.
    pub fn data(self, data_root: &str, containerd: &str) -> Vec<String> {
        let own = data_root.to_owned();
        match self {
            Self::Modern => vec![own, containerd.to_owned()],
            Self::Classic => vec![own],
        }
    }

    /// The flags that docker.service gives to dockerd, with the key of daemon.json that each
    /// one stands for. The daemon does not start if such a key is in daemon.json as well.
    pub fn daemon_flags(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Modern => &[("hosts", "-H"), ("containerd", "--containerd")],
            Self::Classic => &[],
        }
    }
}

/// The first two numbers of a version: 18 and 6 of `18.06.3-ce`.
pub fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(['.', '-', '+', '~']).map_while(|part| part.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// Whether this version of the engine knows no containerd but the one that it starts.
pub fn starts_its_own_containerd(version: &str) -> bool {
    release(version).is_some_and(|release| release < SEPARATE_CONTAINERD_SINCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_that_start_their_own_containerd() {
        for version in ["17.03.2-ce", "17.12.1-ce", "18.06.3-ce", "18.03.0-ce-rc1"] {
            assert!(starts_its_own_containerd(version), "{version}");
        }
        for version in ["18.09.0", "19.03.15", "20.10.24+dfsg1", "29.4.2-2", "unknown", ""] {
            assert!(!starts_its_own_containerd(version), "{version}");
        }
    }

    #[test]
    fn names_are_those_of_options_and_files() {
        for topology in [Topology::Modern, Topology::Classic] {
            assert_eq!(serde_json::to_value(topology).unwrap(), topology.name());
            let option = topology.to_possible_value().unwrap();
            assert_eq!(option.get_name(), topology.name());
            assert!(topology.units().iter().all(|unit| ALL_UNITS.contains(unit)));
        }
    }
}
