//! What mends it.

use super::seen::protection;
use crate::facts::{PackageManager, PackagesProblem};
use crate::file_state::FileKind;
use crate::preflight::{OwnedTargets, Seen};

pub(super) fn fix(seen: &Seen) -> String {
    match seen {
        Seen::Root { .. } => "run it with sudo".to_owned(),
        Seen::SystemdNotRunning => {
            "boot this system with systemd; to provision an image: --root DIR".to_owned()
        }
        Seen::SystemdMissing => "install systemd, or use a distribution that has it".to_owned(),
        Seen::ArchitectureUnsupported { .. } => {
            "use a host with x86_64, aarch64 or another architecture that upstream builds for"
                .to_owned()
        }
        Seen::ArchiveArchitecture { host, .. } => {
            format!("get upstream's archive for {host}: …/static/stable/{host}/")
        }
        Seen::ClockBehind { archive, .. } => {
            format!("set the clock: timedatectl set-time, or date --set @{archive}, at least")
        }
        Seen::KernelTooOld { .. } => {
            "update the kernel and boot it, or install an older engine".to_owned()
        }
        Seen::KernelTooNew { .. } => "install a newer engine, or try it".to_owned(),
        Seen::OverlayMissing { .. } => {
            "modprobe overlay; if that fails, install the kernel's modules package".to_owned()
        }
        Seen::OverlayTooOld { .. } => "update the kernel and boot it, or choose another storage: \
             --set 'storage-driver=\"vfs\"' (slow)"
            .to_owned(),
        Seen::CgroupsMissing => {
            "mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd".to_owned()
        }
        Seen::CgroupControllers { .. } => {
            "look for cgroup_disable= in /proc/cmdline, and take it out of the boot options"
                .to_owned()
        }
        Seen::CgroupVersion { .. } => {
            "install Docker 20.10 or later, or boot with systemd.unified_cgroup_hierarchy=0"
                .to_owned()
        }
        Seen::KernelNetwork { install, .. } => or_words(
            install.as_deref(),
            "install the kernel's extra modules (RHEL and kin: kernel-modules-extra)",
        ),
        Seen::IptablesMissing { install, .. } => or_words(
            install.as_deref(),
            "install the distribution's iptables package (RHEL and kin: iptables-nft)",
        ),
        Seen::IptablesTooOld { .. } => "update the distribution's iptables package".to_owned(),
        _ => fix_of_files(seen),
    }
}

fn fix_of_files(seen: &Seen) -> String {
    match seen {
        Seen::SpaceShort { paths, .. } => {
            let path = first(paths);
            format!("free some space: df -h {path}; for images another place: --data-root DIR")
        }
        Seen::InodesShort { paths, .. } => format!("remove files: df -i {}", first(paths)),
        Seen::ReadOnly { instead: Some(instead), .. } => {
            format!("install the programs elsewhere: --bin-dir {instead}")
        }
        Seen::ReadOnly { path, instead: None } => {
            format!("mount -o remount,rw \"$(findmnt -n -o TARGET -T {path})\"")
        }
        Seen::Protected { paths, how } => {
            let set = protection(*how).1;
            let (clear, paths) = (set.replace('+', "-"), paths.join(" "));
            format!("{clear} {paths}; install; then again: {set} {paths}")
        }
        Seen::DataRootFlags { path, .. } => {
            format!(
                "nothing, if volumes hold data alone; or give {path} a file system of its own \
                 without these flags, or choose another place: --data-root DIR"
            )
        }
        Seen::SudoPath { bin_dir, secure_path } => format!(
            "sudo {bin_dir}/docker …; or visudo -f /etc/sudoers.d/docker, with the line: Defaults \
             secure_path = {}:{bin_dir}",
            secure_path.join(":")
        ),
        Seen::NoExec { path } => {
            format!(
                "mount -o remount,exec \"$(findmnt -n -o TARGET -T {path})\", or choose another \
                 place: --bin-dir DIR, --data-root DIR"
            )
        }
        Seen::EntryType { .. } => {
            "use a file system that was made with it (mkfs.xfs -n ftype=1, ext4): --data-root DIR"
                .to_owned()
        }
        Seen::DataRootKind { .. } => "choose a place on ext4 or xfs: --data-root DIR".to_owned(),
        Seen::EnginePackages { remove, .. } => {
            format!("{remove} (images and containers stay in /var/lib/docker)")
        }
        Seen::EngineRunning { unit, .. } => {
            format!("if it may go: systemctl disable --now {unit} (this stops its containers)")
        }
        Seen::TargetOwned(owned) => fix_of_owned(owned),
        Seen::SnapDocker { .. } => "snap remove docker".to_owned(),
        Seen::ContainerdShared { user } => {
            format!("use another host for Docker, or remove what uses it first ({user})")
        }
        Seen::SocketInUse { path } => format!("find it and stop it: ss -lxp | grep {path}"),
        Seen::TargetUnowned { .. } => {
            "nothing: landfall keeps what is there, and uninstall puts it back".to_owned()
        }
        Seen::TargetKind { path, what: FileKind::Symlink } => {
            format!("move the link away: mv {path} {path}.old")
        }
        Seen::TargetKind { path, .. } => format!("move it away: mv {path} {path}.old"),
        Seen::PackagesUnknown { manager, problem } => {
            fix_of_packages(*manager, *problem).to_owned()
        }
        Seen::UnitMasked { unit } => format!("systemctl unmask {unit}"),
        Seen::LibraryMissing { libraries, .. } => {
            format!(
                "install the package that brings {}, or use upstream's static archive",
                libraries.join(", ")
            )
        }
        Seen::DistributionUnknown { .. } => {
            "nothing, if all else is well; docs/distributions.md lists the known ones".to_owned()
        }
        Seen::PackagesNeeded { .. } => {
            "nothing; if their programs are in the way: --bin-dir /usr/local/bin".to_owned()
        }
        Seen::LibraryTooOld { .. } | Seen::LibrariesUnknown { .. } => {
            "use upstream's static archive, or one built for this distribution".to_owned()
        }
        _ => fix_of_accounts(seen),
    }
}

fn fix_of_accounts(seen: &Seen) -> String {
    match seen {
        Seen::UserUnknown { name, answered: true } => {
            format!("check the name: getent passwd {name}; or make the user: useradd {name}")
        }
        Seen::UserUnknown { name, answered: false } => {
            format!("see why it does not answer: getent passwd {name}; or leave out --user {name}")
        }
        Seen::GidTaken { .. } => "choose another --gid, or leave it out".to_owned(),
        Seen::NobodyInGroup { .. } => "to add somebody: --user NAME".to_owned(),
        Seen::GroupNotLocal { name } => {
            format!(
                "make them members of {name} in the directory service and leave out --user, or \
                 let another, local group use docker: --group NAME"
            )
        }
        Seen::GroupUnanswered { name } => format!(
            "see why it does not answer: getent group {name}; or make the group a local one \
             yourself: groupadd --system {name}"
        ),
        Seen::GroupRemote { .. } => {
            "nothing, as long as the directory service keeps the number".to_owned()
        }
        Seen::GroupProgramMissing { install, .. } => or_words(
            install.as_deref(),
            "install the package of user tools (RHEL and kin: shadow-utils, Debian: passwd)",
        ),
        Seen::HelperPrograms { install, .. } => {
            format!("if you need them: {}", or_words(install.as_deref(), "install procps, xz, git"))
        }
        Seen::ContainerdTaken { .. } => {
            "stop and remove that containerd (systemctl disable --now containerd), or leave out \
             --unit-style classic"
                .to_owned()
        }
        Seen::ArchiveGeneration { .. } => {
            "give the archive the name that upstream gave it: docker-<version>.tgz".to_owned()
        }
        Seen::Doctor(sight) => super::doctor::fix(sight),
        _ => super::network::fix(seen),
    }
}

/// The command, if one is known.
fn or_words(command: Option<&str>, words: &str) -> String {
    command.unwrap_or(words).to_owned()
}

/// A package's file is never written: the package goes, or the engine goes elsewhere.
fn fix_of_owned(owned: &OwnedTargets) -> String {
    let OwnedTargets { paths, remove, users, elsewhere, .. } = owned;
    let needed = format!("leave it, since {} needs it", users.join(", "));
    match (users.is_empty(), elsewhere.as_deref()) {
        (true, Some(directory)) => {
            format!("{remove}; or leave it, and install elsewhere: --bin-dir {directory}")
        }
        (false, Some(directory)) => {
            format!("{needed}, and install elsewhere: --bin-dir {directory}")
        }
        (true, None) if paths.iter().any(|path| path == crate::desired::DAEMON_JSON) => format!(
            "{remove}; or leave it, set the options where that package gets its file from, and \
             leave them out here"
        ),
        (true, None) => remove.to_owned(),
        (false, None) => format!("{needed}, and use another host for Docker"),
    }
}

fn fix_of_packages(manager: PackageManager, problem: PackagesProblem) -> &'static str {
    match (problem, manager) {
        (PackagesProblem::NoAnswer, _) => {
            "check that rpm or dpkg works here; for an image, that this machine has it too"
        }
        (PackagesProblem::Damaged, PackageManager::Rpm) => "rpm --rebuilddb",
        (PackagesProblem::Damaged, _) => {
            "dpkg --audit; /var/lib/dpkg/status-old and /var/backups hold earlier versions"
        }
        (PackagesProblem::Busy, _) => "wait until it is done, then run this again",
        (PackagesProblem::Interrupted, _) => "dpkg --configure -a",
    }
}

fn first(paths: &[String]) -> &str {
    paths.first().map_or("/", String::as_str)
}
