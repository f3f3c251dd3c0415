//! What was seen.

use crate::facts::{CgroupMode, PackageManager, PackagesProblem, Protection};
use crate::file_state::FileKind;
use crate::preflight::{MountFlag, Seen};

pub(super) fn seen(seen: &Seen) -> String {
    match seen {
        Seen::Root { uid } => format!("it runs as user id {uid}"),
        Seen::SystemdNotRunning => "process 1 is something else".to_owned(),
        Seen::SystemdMissing => "there is no /usr/lib/systemd/systemd".to_owned(),
        Seen::ArchitectureUnsupported { architecture } if architecture.is_empty() => {
            "the image holds no program that would tell".to_owned()
        }
        Seen::ArchitectureUnsupported { architecture } => architecture.clone(),
        Seen::ArchiveArchitecture { program, built_for, host } => {
            format!("{program} is built for {built_for}, this host is {host}")
        }
        Seen::ClockBehind { now, archive } => {
            let behind = duration(archive.saturating_sub(*now));
            format!("the archive holds files that are {behind} younger than the clock")
        }
        Seen::KernelTooOld { release, minimum, engine } => {
            format!("{release}; {} needs {minimum}", docker(engine))
        }
        Seen::KernelTooNew { release, maximum, engine } => {
            format!("{release}; {} is known to work up to {maximum}", docker(engine))
        }
        Seen::OverlayMissing { certain: true } => {
            "it is neither built in nor can it be loaded".to_owned()
        }
        Seen::OverlayMissing { certain: false } => {
            "it is not there now; whether it can be loaded cannot be told".to_owned()
        }
        Seen::OverlayTooOld { release, minimum, el7_minimum } => match el7_minimum {
            Some(el7) => format!("{release}; {minimum} is needed, or {el7} of RHEL and CentOS 7"),
            None => format!("{release}; {minimum} is needed"),
        },
        Seen::CgroupsMissing => "neither version 1 nor version 2 is mounted".to_owned(),
        Seen::CgroupControllers { mode, missing } => {
            format!("{} without {}", cgroups(*mode), missing.join(", "))
        }
        Seen::CgroupVersion { engine } => {
            format!("{}, and a host with version 2 alone", docker(engine))
        }
        Seen::KernelNetwork { missing, release, .. } => {
            format!("{release} without {}", missing.join(", "))
        }
        Seen::IptablesMissing { nft: false, .. } => "neither iptables nor nft was found".to_owned(),
        Seen::IptablesMissing { nft: true, .. } => {
            "nft is there, but the daemon calls iptables".to_owned()
        }
        Seen::IptablesTooOld { version, minimum } => {
            format!("version {version}; {minimum} is needed")
        }
        _ => seen_of_files(seen),
    }
}

fn seen_of_files(seen: &Seen) -> String {
    match seen {
        Seen::SpaceShort { paths, need, available } => format!(
            "{} together need {}; {} are free",
            paths.join(", "),
            bytes(*need),
            bytes(*available)
        ),
        Seen::InodesShort { paths, need, available } => {
            format!("{} together need {need}; {available} are left", paths.join(", "))
        }
        Seen::ReadOnly { path, .. } => path.clone(),
        Seen::Protected { paths, how } => {
            format!("{}: {} ({})", paths.join(", "), protection(*how).0, protection(*how).1)
        }
        Seen::DataRootFlags { path, flags } => {
            let flags: Vec<&str> = flags.iter().map(|flag| mount_flag(*flag)).collect();
            format!("{path} is mounted {}", flags.join(", "))
        }
        Seen::SudoPath { bin_dir, secure_path } => {
            format!("{bin_dir} is not in its secure_path {}", secure_path.join(":"))
        }
        Seen::NoExec { path } => format!("{path} is mounted noexec"),
        Seen::EntryType { path, file_system } => {
            format!("{path} is on {file_system}, which does not report the type of entries")
        }
        Seen::DataRootKind { path, file_system } => format!("{path} is on {file_system}"),
        Seen::EnginePackages { packages, manager, .. } => {
            format!("{}: {}", self::manager(*manager), packages.join(", "))
        }
        Seen::EngineRunning { unit, fragment } if fragment.is_empty() => {
            format!("{unit} is active")
        }
        Seen::EngineRunning { unit, fragment } => format!("{unit} is active, from {fragment}"),
        Seen::TargetOwned(owned) => format!(
            "package {} ({}) owns {}",
            owned.package,
            manager(owned.manager),
            owned.paths.join(", ")
        ),
        Seen::SnapDocker { unit } => unit.clone(),
        Seen::ContainerdShared { user } => format!("{user} and containerd.service are there"),
        Seen::SocketInUse { path } => format!("{path}, and no unit of an engine is active"),
        Seen::TargetUnowned { paths } => paths.join(", "),
        Seen::TargetKind { path, what } => format!("{path} is {}", kind(*what)),
        Seen::PackagesUnknown { manager, problem } => {
            let manager = self::manager(*manager);
            match problem {
                PackagesProblem::NoAnswer => {
                    format!("{manager} has a database, but could not be asked")
                }
                PackagesProblem::Damaged => format!("the database of {manager} is damaged"),
                PackagesProblem::Busy => format!("{manager} is changing packages right now"),
                PackagesProblem::Interrupted => {
                    format!("an installation by {manager} was cut and is not completed")
                }
            }
        }
        Seen::UnitMasked { unit } => unit.clone(),
        Seen::LibraryMissing { program, libraries } => {
            format!("{program} needs {}", libraries.join(", "))
        }
        Seen::LibraryTooOld { program, library, needs, has } => match has {
            Some(has) => format!("{program} needs {needs} of {library}; this host has {has}"),
            None => format!("{program} needs {needs} of {library}"),
        },
        Seen::LibrariesUnknown { programs } => programs.join(", "),
        Seen::DistributionUnknown { name, listed: true } => {
            format!("{name}: its versions of systemd and kernel are not on record")
        }
        Seen::DistributionUnknown { name, listed: false } => format!("{name} is not in its table"),
        Seen::PackagesNeeded { packages, users } => {
            format!("{}, needed by {}", packages.join(", "), users.join(", "))
        }
        _ => seen_of_accounts(seen),
    }
}

fn seen_of_accounts(seen: &Seen) -> String {
    match seen {
        Seen::UserUnknown { name, answered: true } => name.clone(),
        Seen::UserUnknown { name, answered: false } => {
            format!("{name} is not a local user, and the directory service did not answer in 5 s")
        }
        Seen::GidTaken { gid, group, wanted_for } => {
            format!("{gid}, wanted for {wanted_for}, is the id of group {group}")
        }
        Seen::GroupKept { name, gid, wanted } => {
            format!("{name} has id {gid}; {wanted} was asked for")
        }
        Seen::NobodyInGroup { name } => format!("group {name} has no members"),
        Seen::GroupNotLocal { name } => format!("{name} is not in /etc/group"),
        Seen::GroupProgramMissing { program, .. } => program.clone(),
        Seen::HelperPrograms { missing, .. } => missing.join(", "),
        Seen::ContainerdTaken { path } => format!("{path} is served"),
        Seen::ArchiveGeneration { version, program, programs_of } => {
            format!("the name says {version}, but {program} belongs to {programs_of}")
        }
        Seen::GroupUnanswered { name } => {
            format!("{name} is not a local group, and the directory service did not answer in 5 s")
        }
        Seen::OneWay { from, to, what } => format!("{from} → {to}: {what}"),
        Seen::Downgrade { from, to } => format!("{from} → {to}"),
        Seen::DriverRemoved { driver, to } => format!("{driver}, which {to} does not have"),
        Seen::GroupRemote { name, gid } => format!("{name}, with id {gid}"),
        Seen::Doctor(sight) => super::doctor::seen(sight),
        Seen::Registry(sight) => super::registry::seen(sight),
        Seen::Online(sight) => super::online::seen(sight),
        _ => super::network::seen(seen),
    }
}

/// What a protection is called, and the letter that chattr(1) has for it.
pub(super) fn protection(how: Protection) -> (&'static str, &'static str) {
    match how {
        Protection::Immutable => ("immutable", "chattr +i"),
        Protection::AppendOnly => ("append-only", "chattr +a"),
    }
}

fn mount_flag(flag: MountFlag) -> &'static str {
    match flag {
        MountFlag::NoExec => "noexec",
        MountFlag::NoSuid => "nosuid",
        MountFlag::NoDev => "nodev",
    }
}

fn docker(version: &str) -> String {
    if version.is_empty() { "Docker".to_owned() } else { format!("Docker {version}") }
}

fn cgroups(mode: CgroupMode) -> &'static str {
    match mode {
        CgroupMode::None => "no version",
        CgroupMode::V1 => "version 1",
        CgroupMode::Hybrid => "version 1 beside 2",
        CgroupMode::V2 => "version 2",
    }
}

fn manager(manager: PackageManager) -> &'static str {
    match manager {
        PackageManager::None => "no package manager",
        PackageManager::Rpm => "rpm",
        PackageManager::Dpkg => "dpkg",
    }
}

fn kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "a regular file",
        FileKind::Directory => "a directory",
        FileKind::Symlink => "a symbolic link",
        FileKind::Other => "a device, pipe or socket",
    }
}

/// Bytes in the unit that people read.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(size, _)| count >= *size) {
        Some((size, name)) => {
            let tenths = u128::from(count) * 10 / u128::from(*size);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{count} bytes"),
    }
}

/// Seconds in the unit that people read.
pub(in crate::texts) fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations() {
        assert_eq!(bytes(17), "17 bytes");
        assert_eq!(bytes(210 << 20), "210.0 MiB");
        assert_eq!(bytes((3 << 30) / 2), "1.5 GiB");
        assert_eq!(bytes(u64::MAX), "17179869183.9 GiB");
        assert_eq!(duration(90), "90 seconds");
        assert_eq!(duration(3 * 3600), "3 hours");
        assert_eq!(duration(400 * 86_400), "400 days");
    }
}
