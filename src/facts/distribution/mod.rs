//! What is known of distributions: `bundles/distributions.tsv`, which says where its facts
//! come from and is part of the program, and what follows for the commands that mend things.

mod table;
mod tools;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::{CgroupMode, OsRelease};

pub use table::all;
pub use tools::Tool;

/// A distribution's release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// As people call it.
    pub name: &'static str,
    /// `ID` of os-release, in lower case.
    pub id: &'static str,
    /// Which `VERSION_ID` it has.
    pub version: VersionPattern,
    /// A word that `PRETTY_NAME` holds, where `ID` and `VERSION_ID` do not tell.
    pub pretty: Option<&'static str>,
    /// What packages are called.
    pub family: Family,
    /// How packages are installed.
    pub manager: FrontEnd,
    /// Where Docker's own packages for it are, beneath `linux/`, `%v` for `VERSION_ID`.
    pub docker_ce: Option<&'static str>,
    /// Whether an offline installation works on it.
    pub standing: Standing,
    /// The systemd that it was released with.
    pub systemd: Option<u32>,
    /// The kernel that it was released with.
    pub kernel: Option<&'static str>,
    /// The C library that it was released with.
    pub glibc: Option<&'static str>,
    /// How control groups are mounted by default.
    pub cgroups: Option<CgroupMode>,
    /// What is particular to it.
    pub quirks: Vec<Quirk>,
}

/// Which `VERSION_ID` a release has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionPattern {
    /// This one, also with more numbers: `9` is also `9.4`.
    Is(&'static str),
    /// This number and all later ones.
    From(u32),
}

/// What packages are called on a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// RHEL, Fedora and what is like them.
    Rhel,
    /// Debian, Ubuntu and what is like them.
    Debian,
    /// SUSE.
    Suse,
}

/// A program that installs and removes packages with all that they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrontEnd {
    /// apt-get(8).
    Apt,
    /// dnf(8).
    Dnf,
    /// yum(8).
    Yum,
    /// zypper(8).
    Zypper,
}

impl FrontEnd {
    /// All of them; where a host has several and its distribution is not known, the first
    /// counts.
    pub const ALL: [Self; 4] = [Self::Apt, Self::Dnf, Self::Yum, Self::Zypper];

    /// The program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Yum => "yum",
            Self::Zypper => "zypper",
        }
    }
}

/// Whether an offline installation works on a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Our end-to-end tests boot it.
    Tested,
    /// What is known of it says that it works; nobody of us has run it.
    Expected,
    /// Too little is known of it.
    Unknown,
}

/// What is particular to a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// Docker builds no packages for it.
    NoDockerCe,
    /// Docker does not build packages for it any more.
    NoNewDockerCe,
    /// iptables is there as the nf_tables variant only.
    NftIptables,
    /// Modules of container networking are in the package kernel-modules-extra.
    KernelModulesExtra,
    /// Its own package docker-engine brings `/usr/bin/docker` and dockerd.
    OwnDockerEngine,
    /// Its podman is packaged with a dependency on runc.
    PodmanRunc,
}

impl Distribution {
    /// A file beneath the root of a mirror that is there if Docker's packages for this are, on a
    /// machine of this kind (`uname -m`).
    pub fn index(&self, machine: &str) -> Option<String> {
        let (system, release) = self.docker_ce?.split_once('/')?;
        match self.family {
            Family::Debian => Some(format!("linux/{system}/dists/{release}/Release")),
            // What stands for a version is not known here.
            Family::Rhel if release.contains('%') => None,
            Family::Rhel => {
                Some(format!("linux/{system}/{release}/{machine}/stable/repodata/repomd.xml"))
            }
            Family::Suse => None,
        }
    }

    fn is(&self, os: &OsRelease) -> bool {
        self.id == os.id.to_lowercase()
            && self.version.fits(&os.version_id.to_lowercase())
            && self.pretty.is_none_or(|word| os.pretty_name.contains(word))
    }
}

impl VersionPattern {
    /// Whether a release has this `VERSION_ID`, in lower case.
    pub fn fits(self, version: &str) -> bool {
        match self {
            Self::Is(known) => version
                .strip_prefix(known)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-'])),
            Self::From(first) => {
                let number = version.split('.').next().and_then(|number| number.parse().ok());
                number.is_some_and(|number: u32| number >= first)
            }
        }
    }
}

/// The distribution that an os-release describes, if it stands in the table.
pub fn lookup(os: &OsRelease) -> Option<&'static Distribution> {
    all().iter().find(|distribution| distribution.is(os))
}

/// The family of a distribution, also of one that is not in the table but says what it is
/// like.
pub fn family(os: &OsRelease) -> Option<Family> {
    if let Some(distribution) = lookup(os) {
        return Some(distribution.family);
    }
    [&os.id].into_iter().chain(&os.id_like).find_map(|id| match id.to_lowercase().as_str() {
        "debian" | "ubuntu" | "deepin" => Some(Family::Debian),
        "rhel" | "fedora" | "centos" | "anolis" | "openeuler" => Some(Family::Rhel),
        "suse" | "opensuse" | "sles" => Some(Family::Suse),
        _ => None,
    })
}

/// Whether an offline installation works on what an os-release describes.
pub fn standing(os: &OsRelease) -> Standing {
    lookup(os).map_or(Standing::Unknown, |distribution| distribution.standing)
}
