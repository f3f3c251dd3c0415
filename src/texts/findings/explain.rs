//! What `landfall doctor CODE` says of the preflight's codes: how to check by hand, and how to
//! mend it on any host.

use super::LABEL_TOOLS;
use crate::preflight::Code;

/// Where there is no general answer: what was seen says it.
pub(super) const ON_THE_HOST: (&str, &str) = (
    "landfall doctor shows what was seen on this host",
    "landfall doctor says what to type on this host",
);

/// How to check by hand, and what mends it; `None` for codes of the doctor's own.
pub(super) fn by_hand(code: Code) -> Option<(&'static str, &'static str)> {
    system(code)
        .or_else(|| places(code))
        .or_else(|| engines(code))
        .or_else(|| programs(code))
        .or_else(|| network(code))
        .or_else(|| security(code))
}

fn system(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::Root => ("id -u", "run it with sudo"),
        Code::SystemdNotRunning => {
            ("ps -p 1 -o comm=", "boot the system with systemd; to provision an image: --root DIR")
        }
        Code::DistributionUnknown => (
            "grep -E '^(ID|VERSION_ID)=' /etc/os-release",
            "nothing: see what else is found, and try it on one host first",
        ),
        Code::SystemdMissing => ("systemctl --version", "install systemd"),
        Code::ArchitectureUnsupported => ("uname -m", "use another host"),
        Code::ArchiveArchitecture => {
            ("tar xzOf FILE docker/dockerd | file -; uname -m", "get the archive for this host")
        }
        Code::ClockBehind => ("date", "set the clock: timedatectl set-time"),
        Code::KernelTooOld => ("uname -r", "update the kernel, or install an older engine"),
        Code::KernelTooNew => ("uname -r", "install a newer engine, or try it"),
        Code::OverlayMissing => {
            ("modprobe overlay; grep overlay /proc/filesystems", "install the kernel's modules")
        }
        Code::OverlayTooOld => ("uname -r", "update the kernel, or choose another storage driver"),
        Code::CgroupsMissing => ("grep cgroup /proc/self/mountinfo", "boot with systemd"),
        Code::CgroupControllers => (
            "cat /proc/cgroups /sys/fs/cgroup/cgroup.controllers",
            "take cgroup_disable= out of the boot options",
        ),
        Code::CgroupVersion => (
            "stat -f -c %T /sys/fs/cgroup",
            "install 20.10 or later, or boot with systemd.unified_cgroup_hierarchy=0",
        ),
        Code::KernelNetwork => (
            "modprobe --dry-run NAME",
            "install the kernel's extra modules (RHEL and kin: kernel-modules-extra)",
        ),
        Code::IptablesMissing => {
            ("iptables --version", "install iptables (RHEL and kin: iptables-nft)")
        }
        Code::IptablesTooOld => ("iptables --version", "update iptables"),
        _ => return None,
    })
}

fn places(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::SpaceShort => ("df -h PATH", "free some space, or use --data-root DIR"),
        Code::InodesShort => ("df -i PATH", "remove files, or use --data-root DIR"),
        Code::ReadOnly => ("findmnt -T PATH", "remount it; where it is meant: --bin-dir /opt/bin"),
        Code::NoExec => ("findmnt -T PATH", "remount it, or choose another place: --bin-dir DIR"),
        Code::EntryType => (
            "xfs_info PATH | grep ftype",
            "use a file system that was made with it (mkfs.xfs -n ftype=1, ext4)",
        ),
        Code::DataRootKind => ("stat -f -c %T PATH", "choose a place on ext4 or xfs: --data-root"),
        _ => return None,
    })
}

fn engines(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::EnginePackages => {
            ("dpkg -l '*docker*' 'containerd*', or rpm -qa '*docker*'", "remove the packages")
        }
        Code::EngineRunning => ("systemctl status UNIT", "systemctl disable --now UNIT"),
        Code::TargetOwned => {
            ("dpkg -S PATH, or rpm -qf PATH", "remove the package, or use --bin-dir DIR")
        }
        Code::SnapDocker => ("snap list docker", "snap remove docker"),
        Code::ContainerdShared => {
            ("systemctl status kubelet containerd", "use another host for Docker")
        }
        Code::SocketInUse => ("ss -lxp | grep PATH", "stop the program that listens"),
        Code::TargetUnowned => ("ls -l PATH", "nothing: landfall keeps what is there"),
        Code::TargetKind => ("ls -ld PATH", "move it away"),
        Code::PackagesUnknown => ("rpm -qa, or dpkg -l", "see why it gives no answer"),
        Code::UnitMasked => ("systemctl is-enabled UNIT", "systemctl unmask UNIT"),
        Code::PackagesNeeded => (
            "rpm -q --whatrequires runc, or apt-cache rdepends --installed runc",
            "nothing: they stay; landfall's programs go elsewhere with --bin-dir DIR",
        ),
        Code::ContainerdTaken => (
            "ss -lxp | grep containerd.sock; systemctl status containerd",
            "leave out --unit-style classic, or systemctl disable --now containerd",
        ),
        Code::ArchiveGeneration => (
            "tar tzf FILE",
            "give the archive the name that upstream gave it: docker-<version>.tgz",
        ),
        _ => return None,
    })
}

fn programs(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::LibraryMissing => {
            ("ldd PROGRAM", "install the library, or use upstream's static archive")
        }
        Code::LibraryTooOld => {
            ("ldd --version", "use upstream's static archive, or one for this distribution")
        }
        Code::LibrariesUnknown => ("ldd PROGRAM", "use upstream's static archive"),
        Code::UserUnknown => ("getent passwd NAME", "check the name, or make the user"),
        Code::GidTaken => ("getent group GID", "choose another --gid, or leave it out"),
        Code::GroupKept => ("getent group NAME", "nothing"),
        Code::NobodyInGroup => ("getent group docker", "to add somebody: --user NAME"),
        Code::GroupNotLocal => ("grep NAME /etc/group", "add the members in the directory service"),
        Code::GroupProgramMissing => (
            "which groupadd gpasswd",
            "install shadow-utils (RHEL and kin) or passwd (Debian and kin)",
        ),
        Code::Protected => ("lsattr -d PATH", "chattr -i PATH, or chattr -a PATH"),
        Code::DataRootFlags => {
            ("findmnt -T PATH -o OPTIONS", "mount it without them, or use --data-root DIR")
        }
        Code::GroupUnanswered => ("getent group NAME", "see why the directory service is silent"),
        Code::SudoPath => (
            "sudo grep -rn secure_path /etc/sudoers /etc/sudoers.d",
            "add the directory to secure_path, or call it by its path",
        ),
        Code::GroupRemote => ("getent group NAME; grep NAME /etc/group", "nothing"),
        Code::HelperPrograms => ("which ps xz git", "install them if you need them"),
        _ => return None,
    })
}

fn network(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::NetworkOverlap | Code::BridgeMoves => (
            "ip route show table all; ip -4 addr show docker0",
            "choose a network that nobody uses: --bip ADDRESS/PREFIX",
        ),
        Code::PoolOverlap | Code::NoFreePool => (
            "ip route show table all; docker network inspect NAME",
            "choose pools that nobody uses: default-address-pools in daemon.json",
        ),
        Code::BridgeAddress => {
            ("grep -E 'bip|fixed-cidr' /etc/docker/daemon.json", "correct the address")
        }
        Code::ForwardPolicy => (
            "sysctl net.ipv4.ip_forward; iptables -S FORWARD | head -1",
            "keep net.ipv4.ip_forward=1 in /etc/sysctl.d before the engine starts",
        ),
        Code::BridgedTraffic => (
            "bridge link; sysctl net.bridge.bridge-nf-call-iptables",
            "let the bridges' traffic through: iptables -I DOCKER-USER -i BRIDGE -o BRIDGE -j ACCEPT",
        ),
        Code::Firewalld => (
            "firewall-cmd --state; iptables -t nat -S DOCKER",
            "restart docker if its rules are missing after a reload",
        ),
        Code::FirewallService => (
            "systemctl status nftables ufw; nft list ruleset",
            "let only one of them empty the rules",
        ),
        Code::RoutesUnknown => ("ip route show table all", "compare the networks by hand"),
        _ => return None,
    })
}

fn security(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::AppArmorParserMissing => (
            "cat /sys/module/apparmor/parameters/enabled; which apparmor_parser",
            "install the package apparmor (openSUSE: apparmor-parser)",
        ),
        Code::LabelToolsMissing => ("getenforce; which restorecon setfiles", LABEL_TOOLS),
        Code::ContainerPolicyMissing => {
            ("semodule -l | grep container", "install container-selinux")
        }
        Code::SelinuxNotUsed => (
            "docker info --format '{{.SecurityOptions}}'",
            "to confine containers: --set selinux-enabled=true",
        ),
        Code::SemanageMissing => {
            ("semanage fcontext -l -C", "install policycoreutils-python-utils")
        }
        Code::FapolicydToolMissing => (
            "systemctl status fapolicyd; which fapolicyd-cli",
            "install the whole package fapolicyd",
        ),
        Code::ImaAppraisal => (
            "cat /proc/cmdline /sys/kernel/security/ima/policy",
            "have the IMA policy pass the engine, or sign its programs",
        ),
        Code::Kysec => ("getstatus", "kysec_set -n exectl -v trusted FILE"),
        Code::Lockdown => ("cat /sys/kernel/security/lockdown", "use the distribution's modules"),
        Code::Fips => ("cat /proc/sys/crypto/fips_enabled", "nothing"),
        _ => return None,
    })
}
