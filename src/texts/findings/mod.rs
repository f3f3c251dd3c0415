//! Findings of the preflight in words: what it is, what was seen, why it matters, and what
//! to type to mend it.

mod configuration;
mod doctor;
mod explain;
mod fix;
mod migrate;
mod network;
mod online;
mod registry;
mod security;
mod seen;
#[cfg(test)]
pub(crate) mod typed;

use crate::preflight::{Code, Finding};

pub(super) use seen::duration;

/// What brings the programs that set SELinux labels.
pub const LABEL_TOOLS: &str = "dnf install policycoreutils";

/// A finding in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What it is, in one line.
    pub title: &'static str,
    /// What was seen on this host.
    pub seen: String,
    /// Why it matters.
    pub why: &'static str,
    /// What mends it; empty if nothing has to be done.
    pub fix: String,
}

/// What is said about a code, on whatever host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it is, in one line.
    pub title: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// How to check it by hand.
    pub check: &'static str,
    /// What mends it.
    pub fix: &'static str,
}

/// What is said about a code. Every code has such a page: those of the preflight in `explain`,
/// those of the doctor in `doctor`.
pub fn page(code: Code) -> Page {
    page_of_one(code).unwrap_or_else(|| {
        let (check, fix) = explain::by_hand(code).unwrap_or(explain::ON_THE_HOST);
        Page { title: title(code), why: why(code), check, fix }
    })
}

/// The page of a code whose words all stand together.
fn page_of_one(code: Code) -> Option<Page> {
    let of_server = doctor::page(code).or_else(|| registry::page(code));
    of_server.or_else(|| configuration::page(code)).or_else(|| online::page(code))
}

/// A finding in words.
pub fn text(finding: &Finding) -> Text {
    Text {
        title: title(finding.code),
        seen: printable(seen::seen(&finding.seen)),
        why: why(finding.code),
        fix: printable(match finding.moving {
            true => fix::in_move(&finding.seen),
            false => fix::fix(&finding.seen),
        }),
    }
}

/// The same without what a terminal would take for a command: servers and files of others are
/// quoted in findings.
fn printable(text: String) -> String {
    let is_harmless = |c: char| !c.is_control() || c == '\n';
    if text.chars().all(is_harmless) {
        return text;
    }
    text.chars().map(|c| if is_harmless(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// What a code stands for, in one line.
pub fn title(code: Code) -> &'static str {
    match code {
        Code::Root => "landfall has to run as root",
        Code::SystemdNotRunning => "systemd does not run this system",
        Code::SystemdMissing => "systemd is not installed",
        Code::ArchitectureUnsupported => "no engine is built for this architecture",
        Code::ArchiveArchitecture => "the archive is for another architecture",
        Code::ClockBehind => "the clock is behind",
        Code::KernelTooOld => "the kernel is too old",
        Code::KernelTooNew => "the kernel is newer than any this engine was tried with",
        Code::OverlayMissing => "the kernel has no overlay file system",
        Code::OverlayTooOld => "the kernel's overlay file system is too old",
        Code::CgroupsMissing => "control groups are not mounted",
        Code::CgroupControllers => "control group controllers are missing",
        Code::CgroupVersion => "the engine is too old for version 2 of control groups",
        Code::KernelNetwork => "the kernel lacks parts of container networking",
        Code::IptablesMissing => "there is no iptables program",
        Code::IptablesTooOld => "iptables is too old",
        Code::SpaceShort => "there is too little space",
        Code::InodesShort => "there are too few inodes",
        Code::ReadOnly => "a file system that has to be written is mounted read-only",
        Code::NoExec => "programs cannot run where they have to",
        Code::EntryType => "the file system of the data directory does not suit overlay2",
        Code::DataRootKind => "the file system of the data directory is a poor choice",
        Code::EnginePackages => "packages of an engine are installed",
        Code::EngineRunning => "an engine that landfall did not install is running",
        Code::TargetOwned => "a package owns a file that would be replaced",
        Code::SnapDocker => "Docker is installed as a snap",
        Code::ContainerdShared => "something else uses this host's containerd",
        Code::SocketInUse => "something listens on the engine's socket",
        Code::TargetUnowned => "files that nobody owns will be replaced",
        Code::TargetKind => "something else stands at a path that is needed",
        Code::PackagesUnknown => "the package manager's answer cannot be relied on",
        Code::UnitMasked => "a unit is masked",
        Code::LibraryMissing => "a shared library is missing",
        Code::LibraryTooOld => "the C library is too old",
        Code::LibrariesUnknown => "shared libraries could not be checked",
        Code::DistributionUnknown => "landfall does not know this distribution well",
        Code::PackagesNeeded => "other packages need a part of an engine that is installed",
        Code::UserUnknown => "a user does not exist",
        Code::GidTaken => "the group id is taken",
        Code::GroupKept => "the group exists and keeps its id",
        Code::NobodyInGroup => "nobody but root may use docker",
        Code::GroupNotLocal => "the group is not a local one",
        Code::GroupProgramMissing => "a program that changes groups is missing",
        Code::HelperPrograms => "programs that some commands use are missing",
        Code::ContainerdTaken => "another containerd is in the way",
        Code::ArchiveGeneration => "the archive's name and its programs do not fit together",
        Code::AppArmorParserMissing => "AppArmor is on, but its parser is missing",
        Code::LabelToolsMissing => "SELinux labels cannot be set",
        Code::ContainerPolicyMissing => "the SELinux policy does not know containers",
        Code::SelinuxNotUsed => "SELinux does not confine containers",
        Code::SemanageMissing => "the SELinux policy cannot be told of the data directory",
        Code::DataRootLabels => "the SELinux policy labels the data directory like another one",
        Code::LabelsUnknown => "the SELinux labels of the engine's files cannot be told",
        Code::FapolicydToolMissing => "fapolicyd cannot be told to trust the engine",
        Code::ImaAppraisal => "the kernel appraises programs (IMA)",
        Code::Kysec => "Kylin's kysec is on",
        Code::Lockdown => "the kernel is locked down",
        Code::Fips => "the kernel is in FIPS mode",
        Code::NetworkOverlap => "the engine would take a network that this host uses",
        Code::PoolOverlap => "networks of containers may take addresses that this host uses",
        Code::BridgeMoves => "the engine's bridge gets another network than usual",
        Code::NoFreePool => "no network is left for the engine",
        Code::BridgeAddress => "an address of the engine's bridge cannot work",
        Code::ForwardPolicy => "the engine will drop what this host forwards",
        Code::BridgedTraffic => "the engine will send what bridges pass through iptables",
        Code::Firewalld => "firewalld and the engine share the firewall",
        Code::FirewallService => "another firewall and the engine share the rules",
        Code::RoutesUnknown => "the host's routes could not be read",
        Code::Protected => "what has to be changed is protected against changes",
        Code::DataRootFlags => "volumes will be mounted with restrictions",
        Code::GroupUnanswered => "it cannot be told whether the group exists",
        Code::SudoPath => "sudo will not find docker by its name",
        Code::GroupRemote => "the group is kept by a directory service",
        Code::OneWay => "after this upgrade the engine of now may not read its data",
        Code::Downgrade => "the engine would be replaced by an older one",
        Code::DriverRemoved => "the new engine does not have the storage driver that is in use",
        _ => migrate::title(code)
            .or_else(|| page_of_one(code).map(|page| page.title))
            .unwrap_or_default(),
    }
}

/// Why a finding with this code matters.
pub fn why(code: Code) -> &'static str {
    match code {
        Code::Root => "programs, units and groups of the system can be changed by root alone",
        Code::SystemdNotRunning | Code::SystemdMissing => {
            "the engine is installed as units of systemd"
        }
        Code::ArchitectureUnsupported | Code::ArchiveArchitecture => {
            "its programs cannot run on this host's processor"
        }
        Code::ClockBehind => {
            "TLS certificates that are younger than the clock are refused, so that no registry \
             can be reached; logs and images get wrong times"
        }
        Code::KernelTooOld => "the engine needs system calls and limits that came later",
        Code::KernelTooNew => "it may work, but nobody has said so",
        Code::OverlayMissing | Code::OverlayTooOld => {
            "images and containers are layers that the overlay file system puts together"
        }
        Code::CgroupsMissing => "no container starts without them",
        Code::CgroupControllers => {
            "without devices no container starts; without the others their limits do nothing"
        }
        Code::CgroupVersion => "engines know version 2 from 20.10 on",
        Code::KernelNetwork => "containers get no network, or the daemon does not start",
        Code::IptablesMissing | Code::IptablesTooOld => {
            "the daemon sets up the network of containers with it, and does not start without"
        }
        Code::SpaceShort | Code::InodesShort => {
            "the installation would fail half-way, or the first image would not fit"
        }
        Code::ReadOnly => "nothing can be installed there",
        Code::NoExec => "the system refuses to run anything from there",
        Code::EntryType => {
            "overlay2 needs the type of directory entries (d_type); without it files that were \
             deleted in a layer come back"
        }
        Code::DataRootKind => {
            "overlay2 does not work on it, or what is stored there is lost at the next boot"
        }
        Code::EnginePackages => {
            "two engines share units, sockets and data; the next update of the packages would \
             break this one"
        }
        Code::EngineRunning | Code::SocketInUse | Code::SnapDocker => {
            "two engines cannot serve one socket, and its containers would be cut off"
        }
        Code::TargetOwned => {
            "the package's next update would overwrite it, its removal would delete it"
        }
        Code::ContainerdShared => "another containerd in its place would take its containers down",
        Code::TargetUnowned => "an engine may have been installed by hand",
        Code::TargetKind => "landfall neither follows a link nor replaces a directory there",
        Code::PackagesUnknown => "it is not known whether packages own the files to be replaced",
        Code::UnitMasked => "somebody decided that it shall not start",
        Code::LibraryMissing | Code::LibraryTooOld => "the program does not start on this host",
        Code::LibrariesUnknown => "programs with a missing library do not start",
        Code::DistributionUnknown => {
            "nobody has said that an engine works on it; all that is checked here still holds"
        }
        Code::PackagesNeeded => "they have to stay: without them those containers do not start",
        Code::UserUnknown => "it cannot become a member of the group",
        Code::GidTaken => "two groups with one id have the same rights",
        Code::GroupKept => "files may belong to it already",
        Code::NobodyInGroup => {
            "members of the group are as good as root, so landfall adds nobody by itself"
        }
        Code::GroupNotLocal => {
            "its members are kept by a directory service, which landfall does not change"
        }
        Code::GroupProgramMissing => "the group cannot be made, or members cannot be added",
        Code::Protected => {
            "somebody set the attribute on purpose: landfall does not clear it by itself"
        }
        Code::DataRootFlags => {
            "a volume is a directory of the data directory, and is mounted with the flags of its \
             file system: noexec keeps programs in it from running, nosuid takes set-user-id bits \
             their effect, nodev closes device files. The containers' own files are not concerned"
        }
        Code::GroupUnanswered => {
            "if the directory service has it, a local one of the same name would hide it; and \
             groupadd asks the same service, and would wait for it too"
        }
        Code::SudoPath => "sudo looks in the directories of its own secure_path alone",
        Code::OneWay => {
            "upstream promises no way back; landfall rollback puts back what the engine knew before \
             the upgrade, and containers that were made since are forgotten then"
        }
        Code::Downgrade => {
            "upstream promises no way back across release lines: the older engine may not read what \
             the newer one wrote"
        }
        Code::DriverRemoved => {
            "images and containers that it keeps would be there, and could not be used"
        }
        Code::GroupRemote => {
            "the socket is made before a directory service answers at boot: its unit names the \
             group by number"
        }
        Code::HelperPrograms => {
            "docker top uses ps, images packed with xz need xz, builds from a repository git"
        }
        Code::ContainerdTaken => {
            "in the classic style dockerd starts a containerd of its own, but it would take the \
             one that is there, and restart and stop with containers of others in it"
        }
        Code::ArchiveGeneration => {
            "up to 18.06 programs are called docker-containerd and docker-runc, from 18.09 on \
             containerd and runc: the file was renamed, or is not what it says"
        }
        Code::AppArmorParserMissing
        | Code::LabelToolsMissing
        | Code::ContainerPolicyMissing
        | Code::SelinuxNotUsed
        | Code::SemanageMissing
        | Code::DataRootLabels
        | Code::LabelsUnknown
        | Code::FapolicydToolMissing
        | Code::ImaAppraisal
        | Code::Kysec
        | Code::Lockdown
        | Code::Fips => why_of_security(code),
        Code::NetworkOverlap
        | Code::PoolOverlap
        | Code::BridgeMoves
        | Code::NoFreePool
        | Code::BridgeAddress
        | Code::ForwardPolicy
        | Code::BridgedTraffic
        | Code::Firewalld
        | Code::FirewallService
        | Code::RoutesUnknown => why_of_network(code),
        _ => migrate::why(code)
            .or_else(|| page_of_one(code).map(|page| page.why))
            .unwrap_or_default(),
    }
}

fn why_of_network(code: Code) -> &'static str {
    match code {
        Code::NetworkOverlap => {
            "what is meant for them would go to containers: who comes from there is cut off"
        }
        Code::PoolOverlap => {
            "networks of containers (docker network create, compose) take one network of the pools \
             after the other; the daemon stays clear of name servers and of routes in the main \
             table alone, and from 23.0 on only of networks that the host is in"
        }
        Code::BridgeMoves => {
            "the daemon takes the first network of its pools that it sees no use of"
        }
        Code::NoFreePool => {
            "the daemon does not start without a network for docker0, and makes no others"
        }
        Code::BridgeAddress => "the daemon does not start with it, or containers get no network",
        Code::ForwardPolicy => {
            "what this host passes on for virtual machines and other networks is dropped, unless \
             a rule lets it through"
        }
        Code::BridgedTraffic => {
            "what goes from port to port of a bridge then meets the rules of chain FORWARD, and \
             is dropped where its policy is DROP"
        }
        Code::Firewalld => {
            "a reload of firewalld deletes Docker's rules; the daemon puts them back when \
             firewalld tells it, but rules of your own in DOCKER-USER are lost, and engines such \
             as 20.10 ask that chain no more until they are restarted; ports that containers \
             publish are open whatever the zones say"
        }
        Code::FirewallService => {
            "what one chain of nftables drops is dropped, whatever Docker's rules accept; \
             nftables.service flushes all rules when it starts or reloads; ports that containers \
             publish pass by the rules of ufw"
        }
        Code::RoutesUnknown => "the engine's networks were not compared with what the host uses",
        _ => "",
    }
}

fn why_of_security(code: Code) -> &'static str {
    match code {
        Code::AppArmorParserMissing => {
            "the daemon starts, but its profile for containers cannot be loaded, and no container \
             starts"
        }
        Code::LabelToolsMissing => "with a wrong label the policy may not let the engine start",
        Code::ContainerPolicyMissing => {
            "the engine gets no domain of its own, and containers are not confined by SELinux"
        }
        Code::SelinuxNotUsed => {
            "container-selinux is there, but containers are confined by it only where the daemon \
             is told so"
        }
        Code::LabelsUnknown => {
            "what cannot name the policy's labels cannot set them either, and with a wrong label \
             the policy may not let the engine start"
        }
        Code::SemanageMissing | Code::DataRootLabels => {
            "images and containers would get labels that the policy does not let containers read"
        }
        Code::FapolicydToolMissing => "programs that it does not trust do not run",
        Code::ImaAppraisal => "upstream's programs have no signature that the kernel knows",
        Code::Kysec => {
            "programs that it has not been told of may be refused, or ask somebody at the screen"
        }
        Code::Lockdown => {
            "overlay, br_netfilter and others load if the distribution signed them; modules that \
             were built here do not"
        }
        Code::Fips => {
            "the engine works, but upstream's programs bring their own cryptography, which is not \
             validated"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever adds a code writes its page, too.
    #[test]
    fn every_code_is_explained() {
        for code in Code::ALL {
            let Page { title, why, check, fix } = page(*code);
            assert!(!title.is_empty() && !why.is_empty(), "{code:?} has no title or no why");
            assert!(!check.is_empty() && !fix.is_empty(), "{code:?} is not explained");
        }
    }
}
