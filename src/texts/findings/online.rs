//! Findings of an installation from packages in words.

use super::Page;
use crate::online::OnlineSight;
use crate::preflight::Code;

/// What is said about a code of packages; `None` for all others.
pub(super) fn page(code: Code) -> Option<Page> {
    let (title, why, check, fix) = match code {
        Code::NoPackages => (
            "Docker has no packages for this distribution",
            "what upstream builds for another distribution may not fit this one's libraries and \
             units",
            "cat /etc/os-release; bundles/distributions.tsv of landfall's sources",
            "with an archive, which needs no packages: landfall install --offline FILE",
        ),
        Code::PackagesOld => (
            "Docker builds no new packages for this distribution",
            "the newest that are there get no corrections any more",
            "the newest version in the plan",
            "with an archive, which is as new as any: landfall install --offline FILE",
        ),
        Code::AptTooOld => (
            "apt is too old",
            "apt reads a repository's key as text from 1.4 on; an older one would have to trust it \
             for all repositories",
            "apt-get --version",
            "with an archive, which needs no packages: landfall install --offline FILE",
        ),
        Code::PackagesInTheWay => (
            "packages would be removed",
            "Docker's packages conflict with them; what uses them stops working",
            "apt-get --simulate install docker-ce; dnf --assumeno --allowerasing install docker-ce",
            "if they may go: landfall install --online --replace",
        ),
        Code::FilesInTheWay => (
            "files that no package owns are in the way of packages",
            "packages overwrite programs without asking, and units in /etc/systemd/system hide \
             the ones that packages bring",
            "dpkg -S FILE; rpm -qf FILE",
            "move them away: mv FILE FILE.old; or look after this engine as it is: landfall adopt",
        ),
        Code::MirrorsPassed => (
            "a mirror does not work",
            "it was passed by, and the next one taken",
            "curl -I URL/linux/",
            "nothing, if that one is meant to be used; else name one: landfall install --online \
             --mirror NAME|URL",
        ),
        Code::LockMissing => (
            "versions cannot be locked",
            "dnf and yum keep packages at their versions with a plugin that is not installed",
            "dnf versionlock list",
            "dnf install python3-dnf-plugin-versionlock; or leave --hold out",
        ),
        _ => return None,
    };
    Some(Page { title, why, check, fix })
}

pub(super) fn seen(sight: &OnlineSight) -> String {
    match sight {
        OnlineSight::NoPackages { distribution } => format!(
            "{distribution}: not one of the distributions with packages and a package manager that \
             landfall drives (apt-get, dnf, yum)"
        ),
        OnlineSight::PackagesOld { distribution } => {
            format!("{distribution}: upstream has stopped building for it")
        }
        OnlineSight::AptTooOld { version } => format!("apt {version}"),
        OnlineSight::PackagesInTheWay { packages, replaced: false } => {
            format!("in the way: {}", packages.join(", "))
        }
        OnlineSight::PackagesInTheWay { packages, .. } => {
            format!("removed, as --replace says: {}", packages.join(", "))
        }
        OnlineSight::FilesInTheWay { paths } => paths.join(", "),
        OnlineSight::MirrorsPassed { mirrors, used } => {
            format!("{}; used is {used}", mirrors.join("; "))
        }
        OnlineSight::LockMissing { .. } => "the versionlock plugin does not answer".to_owned(),
    }
}

/// What mends it on this host.
pub(super) fn fix(sight: &OnlineSight) -> String {
    match sight {
        OnlineSight::LockMissing { install } => format!("{install}; or leave --hold out"),
        OnlineSight::PackagesInTheWay { replaced: true, .. } => {
            "nothing: landfall uninstall brings them back, where a repository still has them"
                .to_owned()
        }
        _ => page(sight.code()).map_or("", |page| page.fix).to_owned(),
    }
}
