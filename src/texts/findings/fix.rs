//! What mends it.

use super::seen::protection;
use crate::facts::{PackageManager, PackagesProblem};
use crate::file_state::FileKind;
use crate::preflight::{OwnedTargets, Seen};

pub(super) fn fix(seen: &Seen) -> String {
    match seen {
        Seen::Root { .. } => "run it as root: sudo landfall …".to_owned(),
        Seen::SystemdNotRunning => {
            "boot this system with systemd; for an image: --root DIR; in an \
             installer's chroot: --root /".to_owned()
        }
        Seen::SystemdMissing => {
            "apt-get install systemd, or dnf install systemd; or use a distribution that has it"
                .to_owned()
        }
        Seen::ArchitectureUnsupported { .. } => {
            "nothing on this host: use one with x86_64, aarch64 or another architecture that upstream builds for"
                .to_owned()
        }
        Seen::ArchiveArchitecture { host, .. } => {
            format!("get upstream's archive for {host} (…/static/stable/{host}/): --offline FILE")
        }
        Seen::ClockBehind { archive, .. } => {
            format!(
                "set the clock: date --set 'YYYY-MM-DD HH:MM:SS'; at least: date --set @{archive}"
            )
        }
        Seen::KernelTooOld { .. } => {
            "dnf upgrade kernel, or apt-get dist-upgrade; reboot. Or install an older engine: \
             --offline docker-VERSION.tgz"
                .to_owned()
        }
        Seen::KernelTooNew { .. } => {
            "nothing, if it works: try it on one host. Or install a newer engine".to_owned()
        }
        Seen::OverlayMissing { .. } => {
            "modprobe overlay; if that fails: dnf install kernel-modules-$(uname -r), or apt-get \
             install --reinstall linux-image-$(uname -r)"
                .to_owned()
        }
        Seen::OverlayTooOld { .. } => "update the kernel and boot it, or choose another storage: \
             --set 'storage-driver=\"vfs\"' (slow)"
            .to_owned(),
        Seen::CgroupsMissing => {
            "mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd".to_owned()
        }
        Seen::CgroupControllers { .. } => {
            "grep cgroup_disable /proc/cmdline; grubby --update-kernel=ALL \
             --remove-args=cgroup_disable=NAME (Debian and kin: in /etc/default/grub, then \
             update-grub); reboot"
                .to_owned()
        }
        Seen::CgroupVersion { .. } => {
            "install Docker 20.10 or later; or grubby --update-kernel=ALL \
             --args=systemd.unified_cgroup_hierarchy=0 (Debian and kin: in /etc/default/grub, then \
             update-grub), and reboot"
                .to_owned()
        }
        Seen::KernelNetwork { install, .. } => or_words(
            install.as_deref(),
            "dnf install kernel-modules-extra-$(uname -r), or apt-get install \
             linux-modules-extra-$(uname -r) (Debian: linux-image-$(uname -r))",
        ),
        Seen::IptablesMissing { install, .. } => or_words(
            install.as_deref(),
            "dnf install iptables-nft, or apt-get install iptables",
        ),
        Seen::IptablesTooOld { .. } => {
            "dnf upgrade iptables, or apt-get install iptables".to_owned()
        }
        _ => fix_of_files(seen),
    }
}

/// The same where data are moved: another place is named by the command itself.
pub(super) fn in_move(seen: &Seen) -> String {
    const COMMAND: &str = "landfall migrate-data-root DIR";
    fix(seen).replace("--bin-dir DIR, --data-root DIR", COMMAND).replace("--data-root DIR", COMMAND)
}

fn fix_of_files(seen: &Seen) -> String {
    match seen {
        Seen::SpaceShort { paths, .. } => {
            let path = first(paths);
            format!(
                "free some space (du -xh -d 2 {path} | sort -h | tail shows where it went); for \
                 images another place: --data-root DIR"
            )
        }
        Seen::InodesShort { paths, .. } => format!(
            "remove files: du -x --inodes -d 2 {} | sort -n | tail shows where they are",
            first(paths)
        ),
        Seen::ReadOnly { instead: Some(instead), .. } => {
            format!("install the programs elsewhere: --bin-dir {instead}")
        }
        Seen::ReadOnly { path, instead: None } => {
            format!("mount -o remount,rw \"$(findmnt -n -o TARGET -T {path})\"")
        }
        Seen::Protected { paths, how } => {
            let set = protection(*how).1;
            let (clear, paths) = (set.replace('+', "-"), paths.join(" "));
            format!(
                "{clear} {paths}; then the same command again; and, unless data go there: {set} {paths}"
            )
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
            format!("nothing on this host, as long as {user} is used: use another one for Docker")
        }
        Seen::SocketInUse { path } => format!(
            "ss -lxp | grep {path} names the process, systemctl status PID its unit: systemctl \
             disable --now UNIT, or kill PID"
        ),
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
                "dnf provides '*/{library}' (Debian and kin: apt-file search {library}) names the \
                 package; or use upstream's static archive",
                library = first(libraries)
            )
        }
        Seen::DistributionUnknown { .. } => {
            "nothing, if all else is well; docs/distributions.md lists the known ones".to_owned()
        }
        Seen::PackagesNeeded { .. } => {
            "nothing; if their programs are in the way: --bin-dir /usr/local/bin".to_owned()
        }
        Seen::LibraryTooOld { .. } | Seen::LibrariesUnknown { .. } => {
            "use upstream's static archive, or one built for this distribution: --offline FILE"
                .to_owned()
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
        Seen::NobodyInGroup { name } => {
            format!(
                "to add somebody: gpasswd --add USER {name}, or at the installation --user USER"
            )
        }
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
        Seen::OneWay { .. } => "to upgrade all the same: --ignore LF065".to_owned(),
        Seen::Downgrade { .. } => {
            "to go back to what was installed before: landfall rollback; to try it all the same: \
             --ignore LF066"
                .to_owned()
        }
        Seen::DriverRemoved { .. } => {
            "save what is needed (docker save, docker commit), set another driver (--set \
             'storage-driver=\"overlay2\"') with the engine of now, load it there, then upgrade"
                .to_owned()
        }
        Seen::GroupRemote { .. } => {
            "nothing, as long as the directory service keeps the number".to_owned()
        }
        Seen::GroupProgramMissing { install, .. } => {
            or_words(install.as_deref(), "dnf install shadow-utils, or apt-get install passwd")
        }
        Seen::HelperPrograms { install, .. } => format!(
            "nothing, unless you need them: {}",
            or_words(install.as_deref(), "apt-get install procps xz-utils git")
        ),
        Seen::ContainerdTaken { .. } => {
            "stop and remove that containerd (systemctl disable --now containerd), or leave out \
             --unit-style classic"
                .to_owned()
        }
        Seen::ArchiveGeneration { .. } => {
            "give the archive the name that upstream gave it: mv FILE docker-VERSION.tgz".to_owned()
        }
        Seen::Doctor(sight) => super::doctor::fix(sight),
        Seen::Registry(sight) => super::registry::fix(sight),
        Seen::Online(sight) => super::online::fix(sight),
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
        (PackagesProblem::Busy, _) => "nothing: wait until it is done, then run this again",
        (PackagesProblem::Interrupted, _) => "dpkg --configure -a",
    }
}

fn first(paths: &[String]) -> &str {
    paths.first().map_or("/", String::as_str)
}
