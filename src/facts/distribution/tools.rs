//! Which packages bring what an engine or Landfall needs, and the command that installs or
//! removes them on a host.

use super::{Distribution, Family, FrontEnd, Standing, family, lookup, standing};
use crate::facts::{Facts, PackageManager};

/// Something that a package brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// iptables(8).
    Iptables,
    /// The kernel's modules for container networking.
    KernelModules,
    /// groupadd(8) and gpasswd(1).
    GroupTools,
    /// ps(1).
    Ps,
    /// xz(1).
    Xz,
    /// git(1).
    Git,
}

impl Tool {
    /// The package; `None` if it has no name that could be given.
    fn package(self, facts: &Facts) -> Option<String> {
        let family = facts.family()?;
        let name = match (self, family) {
            // On EL 9 and later that name is provided by iptables-nft.
            (Self::Iptables, _) => "iptables",
            (Self::KernelModules, _) => return kernel_modules(facts),
            (Self::GroupTools, Family::Rhel) => "shadow-utils",
            (Self::GroupTools, Family::Debian) => "passwd",
            (Self::GroupTools, Family::Suse) => "shadow",
            (Self::Ps, Family::Rhel) => "procps-ng",
            (Self::Ps, Family::Debian | Family::Suse) => "procps",
            (Self::Xz, Family::Debian) => "xz-utils",
            (Self::Xz, Family::Rhel | Family::Suse) => "xz",
            (Self::Git, _) => "git",
        };
        Some(name.to_owned())
    }
}

/// RHEL 8 and later, and Ubuntu, keep less used modules in a package of their own.
fn kernel_modules(facts: &Facts) -> Option<String> {
    match (facts.os.id.as_str(), facts.family()?, facts.front_end()?) {
        ("ubuntu", ..) => Some(format!("linux-modules-extra-{}", facts.kernel.release)),
        (_, Family::Rhel, FrontEnd::Dnf) => Some("kernel-modules-extra".to_owned()),
        _ => None,
    }
}

impl Facts {
    /// The distribution, if it stands in the table.
    pub fn distribution(&self) -> Option<&'static Distribution> {
        lookup(&self.os)
    }

    /// What packages are called here: by the distribution, or else by the database.
    pub fn family(&self) -> Option<Family> {
        family(&self.os).or(match self.packages.manager {
            PackageManager::Dpkg => Some(Family::Debian),
            PackageManager::Rpm => Some(Family::Rhel),
            PackageManager::None => None,
        })
    }

    /// Whether an offline installation works on this distribution.
    pub fn standing(&self) -> Standing {
        standing(&self.os)
    }

    /// The front end of the package manager: the distribution's own, if it is there.
    pub fn front_end(&self) -> Option<FrontEnd> {
        let is_there = |front_end: &FrontEnd| self.programs.contains_key(front_end.program());
        let own = self.distribution().map(|distribution| distribution.manager);
        own.into_iter().chain(FrontEnd::ALL).find(is_there)
    }

    /// The command that installs what brings these tools; `None` if nobody could say it.
    pub fn install_command(&self, tools: &[Tool]) -> Option<String> {
        let packages: Option<Vec<String>> = tools.iter().map(|tool| tool.package(self)).collect();
        Some(format!("{} install {}", self.front_end()?.program(), packages?.join(" ")))
    }

    /// The command that brings packages up to date.
    pub fn upgrade_command(&self, packages: &[String]) -> String {
        let program = match self.front_end().map(FrontEnd::program) {
            Some("apt-get") => "apt-get install --only-upgrade".to_owned(),
            Some(program) => format!("{program} update"),
            None if self.packages.manager == PackageManager::Dpkg => "dpkg --install".to_owned(),
            None => "rpm --upgrade".to_owned(),
        };
        format!("{program} {}", packages.join(" "))
    }

    /// The command that removes packages.
    pub fn removal_command(&self, packages: &[String]) -> String {
        let program = match (self.front_end(), self.packages.manager) {
            (Some(front_end), _) => format!("{} remove", front_end.program()),
            (None, PackageManager::Dpkg) => "dpkg --remove".to_owned(),
            (None, PackageManager::Rpm | PackageManager::None) => "rpm --erase".to_owned(),
        };
        format!("{program} {}", packages.join(" "))
    }
}
