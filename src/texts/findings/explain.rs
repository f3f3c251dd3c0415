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
        .or_else(|| super::migrate::by_hand(code))
}

fn system(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::Root => ("id -u", "run it as root: sudo landfall …"),
        Code::SystemdNotRunning => (
            "ps -p 1 -o comm=",
            "boot the system with systemd; for an image: --root DIR; in an \
             installer's chroot: --root /",
        ),
        Code::DistributionUnknown => (
            "grep -E '^(ID|VERSION_ID)=' /etc/os-release",
            "nothing: see what else is found, and try it on one host first",
        ),
        Code::SystemdMissing => (
            "systemctl --version",
            "apt-get install systemd, or dnf install systemd; or use a distribution that \
             has it",
        ),
        Code::ArchitectureUnsupported => {
            ("uname -m", "nothing on this host: use one with x86_64 or aarch64")
        }
        Code::ArchiveArchitecture => (
            "tar xzOf FILE docker/dockerd | file -; uname -m",
            "get upstream's archive for this host (…/static/stable/$(uname -m)/): --offline \
             docker-VERSION.tgz",
        ),
        Code::ClockBehind => {
            ("date", "timedatectl set-ntp false; timedatectl set-time 'YYYY-MM-DD HH:MM:SS'")
        }
        Code::KernelTooOld => (
            "uname -r",
            "dnf upgrade kernel, or apt-get dist-upgrade; reboot. Or install an older \
             engine: --offline docker-VERSION.tgz",
        ),
        Code::KernelTooNew => (
            "uname -r",
            "nothing, if it works: try it on one host. Or install a newer engine: --offline \
             docker-VERSION.tgz",
        ),
        Code::OverlayMissing => (
            "modprobe overlay; grep overlay /proc/filesystems",
            "modprobe overlay; if that fails, install the kernel's modules: dnf install \
             kernel-modules-$(uname -r), or apt-get install --reinstall linux-image-$(uname \
             -r)",
        ),
        Code::OverlayTooOld => (
            "uname -r",
            "dnf upgrade kernel, or apt-get dist-upgrade; reboot. Or choose another \
             storage: --set 'storage-driver=\"vfs\"' (slow)",
        ),
        Code::CgroupsMissing => (
            "grep cgroup /proc/self/mountinfo",
            "mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd",
        ),
        Code::CgroupControllers => (
            "cat /proc/cgroups /sys/fs/cgroup/cgroup.controllers",
            "grubby --update-kernel=ALL --remove-args=cgroup_disable=NAME (Debian and kin: \
             in /etc/default/grub, then update-grub); reboot",
        ),
        Code::CgroupVersion => (
            "stat -f -c %T /sys/fs/cgroup",
            "install 20.10 or later: --offline docker-VERSION.tgz. Or grubby \
             --update-kernel=ALL --args=systemd.unified_cgroup_hierarchy=0 (Debian and kin: \
             in /etc/default/grub, then update-grub); reboot",
        ),
        Code::KernelNetwork => (
            "modprobe --dry-run NAME",
            "dnf install kernel-modules-extra-$(uname -r), or apt-get install \
             linux-modules-extra-$(uname -r) (Debian: linux-image-$(uname -r))",
        ),
        Code::IptablesMissing => {
            ("iptables --version", "dnf install iptables-nft, or apt-get install iptables")
        }
        Code::IptablesTooOld => {
            ("iptables --version", "dnf upgrade iptables, or apt-get install iptables")
        }
        _ => return None,
    })
}

fn places(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::SpaceShort => (
            "df -h PATH",
            "free some space (du -xh -d 2 PATH | sort -h | tail shows where it went), or \
             use --data-root DIR",
        ),
        Code::InodesShort => (
            "df -i PATH",
            "remove files (du -x --inodes -d 2 PATH | sort -n | tail shows where they are), \
             or use --data-root DIR",
        ),
        Code::ReadOnly => (
            "findmnt -T PATH",
            "mount -o remount,rw \"$(findmnt -n -o TARGET -T PATH)\"; where it is meant to \
             be so: --bin-dir /opt/landfall/bin",
        ),
        Code::NoExec => (
            "findmnt -T PATH",
            "mount -o remount,exec \"$(findmnt -n -o TARGET -T PATH)\", or choose another \
             place: --bin-dir DIR, --data-root DIR",
        ),
        Code::EntryType => (
            "xfs_info PATH | grep ftype",
            "mkfs.xfs -n ftype=1 DEVICE, or mkfs.ext4 DEVICE; mount it, and use it: \
             --data-root DIR",
        ),
        Code::DataRootKind => {
            ("stat -f -c %T PATH", "choose a place on ext4 or xfs: --data-root DIR")
        }
        _ => return None,
    })
}

fn engines(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::EnginePackages => (
            "dpkg -l '*docker*' 'containerd*', or rpm -qa '*docker*'",
            "apt-get remove NAME, or dnf remove NAME (images and containers stay in \
             /var/lib/docker)",
        ),
        Code::EngineRunning => (
            "systemctl status UNIT",
            "if it may go: systemctl disable --now UNIT (this stops its containers)",
        ),
        Code::TargetOwned => (
            "dpkg -S PATH, or rpm -qf PATH",
            "apt-get remove NAME, or dnf remove NAME; or leave it, and use --bin-dir DIR",
        ),
        Code::SnapDocker => ("snap list docker", "snap remove docker"),
        Code::ContainerdShared => (
            "systemctl status kubelet containerd",
            "nothing on this host, as long as it is used: use another host for Docker",
        ),
        Code::SocketInUse => (
            "ss -lxp | grep PATH",
            "ss -lxp | grep PATH names the process; systemctl status PID its unit: \
             systemctl disable --now UNIT, or kill PID",
        ),
        Code::TargetUnowned => ("ls -l PATH", "nothing: landfall keeps what is there"),
        Code::TargetKind => ("ls -ld PATH", "move it away: mv PATH PATH.old"),
        Code::PackagesUnknown => (
            "rpm -qa, or dpkg -l",
            "rpm --rebuilddb, or dpkg --configure -a; if packages are being installed right \
             now, wait until that is done",
        ),
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
            "give the archive the name that upstream gave it: mv FILE docker-VERSION.tgz",
        ),
        _ => return None,
    })
}

fn programs(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::LibraryMissing => (
            "ldd PROGRAM",
            "dnf provides '*/LIBRARY' (Debian and kin: apt-file search LIBRARY) names its \
             package; or use upstream's static archive: --offline docker-VERSION.tgz",
        ),
        Code::LibraryTooOld => (
            "ldd --version",
            "use upstream's static archive, or one for this distribution: --offline \
             docker-VERSION.tgz",
        ),
        Code::LibrariesUnknown => {
            ("ldd PROGRAM", "use upstream's static archive: --offline docker-VERSION.tgz")
        }
        Code::UserUnknown => {
            ("getent passwd NAME", "check the name, or make the user: useradd NAME")
        }
        Code::GidTaken => ("getent group GID", "choose another one, or leave it out: --gid GID"),
        Code::GroupKept => ("getent group NAME", "nothing; to change it: groupmod --gid GID NAME"),
        Code::NobodyInGroup => (
            "getent group docker",
            "nothing, if only root shall use it; to add somebody: gpasswd --add USER \
             docker, or at the installation --user USER",
        ),
        Code::GroupNotLocal => (
            "grep NAME /etc/group",
            "add the members in the directory service, and leave out --user; or let a local \
             group use docker: --group NAME",
        ),
        Code::GroupProgramMissing => {
            ("which groupadd gpasswd", "dnf install shadow-utils, or apt-get install passwd")
        }
        Code::Protected => ("lsattr -d PATH", "chattr -i PATH, or chattr -a PATH"),
        Code::DataRootFlags => (
            "findmnt -T PATH -o OPTIONS",
            "nothing, if volumes hold data alone; else mount -o remount,exec,suid,dev \
             \"$(findmnt -n -o TARGET -T PATH)\", and the same in /etc/fstab; or \
             --data-root DIR",
        ),
        Code::GroupUnanswered => (
            "getent group NAME",
            "systemctl status sssd (or nslcd) says why it is silent; or make the group a \
             local one: groupadd --system NAME",
        ),
        Code::SudoPath => (
            "sudo grep -rn secure_path /etc/sudoers /etc/sudoers.d",
            "call it by its path (sudo DIR/docker), or visudo -f /etc/sudoers.d/docker, \
             with the line: Defaults secure_path = USUAL:DIR",
        ),
        Code::OneWay => {
            ("docker version; the name of the archive", "to upgrade all the same: --ignore LF065")
        }
        Code::Downgrade => (
            "docker version; the name of the archive",
            "to go back to what was installed before: landfall rollback; to try it all the same: \
             --ignore LF066",
        ),
        Code::DriverRemoved => (
            "docker info --format '{{.Driver}}'",
            "save what is needed (docker save, docker commit), set another driver (--set \
             'storage-driver=\"overlay2\"') with the engine of now, load it there, then upgrade",
        ),
        Code::GroupRemote => (
            "getent group NAME; grep NAME /etc/group",
            "nothing, as long as the directory service keeps the number",
        ),
        Code::HelperPrograms => (
            "which ps xz git",
            "nothing, unless you need them: dnf install procps-ng xz git, or apt-get \
             install procps xz-utils git",
        ),
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
            "choose pools that nobody uses: --set \
             'default-address-pools=[{\"base\":\"NETWORK\",\"size\":24}]'",
        ),
        Code::BridgeAddress => (
            "grep -E 'bip|fixed-cidr' /etc/docker/daemon.json",
            "give the address of a host with the length of its prefix, such as --bip \
             10.201.0.1/24; what cannot stand beside it has to go from daemon.json",
        ),
        Code::ForwardPolicy => (
            "sysctl net.ipv4.ip_forward; iptables -S FORWARD | head -1",
            "landfall install --keep-forwarding; by hand, before the engine starts: echo \
             net.ipv4.ip_forward=1 >/etc/sysctl.d/50-forward.conf; sysctl --system",
        ),
        Code::BridgedTraffic => (
            "bridge link; sysctl net.bridge.bridge-nf-call-iptables",
            "let the bridges' traffic through: iptables -I DOCKER-USER -i BRIDGE -o BRIDGE -j ACCEPT",
        ),
        Code::Firewalld => (
            "firewall-cmd --state; iptables -t nat -S DOCKER",
            "if its rules are missing after a reload: systemctl restart docker; then put \
             your own rules back",
        ),
        Code::FirewallService => (
            "systemctl status nftables ufw; nft list ruleset",
            "in /etc/nftables.conf (RHEL and kin: /etc/sysconfig/nftables.conf) write two \
             lines for each table of your own in place of “flush ruleset”: “table inet \
             NAME” and “delete table inet NAME”; after it ran: systemctl restart docker",
        ),
        Code::RoutesUnknown => (
            "ip route show table all",
            "compare them yourself: ip route show table all; then give docker0 a free \
             network: --bip ADDRESS/PREFIX",
        ),
        _ => return None,
    })
}

fn security(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::AppArmorParserMissing => (
            "cat /sys/module/apparmor/parameters/enabled; which apparmor_parser",
            "apt-get install apparmor, or zypper install apparmor-parser",
        ),
        Code::LabelToolsMissing => ("getenforce; which restorecon setfiles", LABEL_TOOLS),
        Code::ContainerPolicyMissing => {
            ("semodule -l | grep container", "dnf install container-selinux")
        }
        Code::SelinuxNotUsed => (
            "docker info --format '{{.SecurityOptions}}'",
            "to confine containers: --set selinux-enabled=true",
        ),
        Code::SemanageMissing => (
            "semanage fcontext -l -C",
            "dnf install policycoreutils-python-utils (RHEL and CentOS 7: yum install \
             policycoreutils-python)",
        ),
        Code::DataRootLabels => (
            "semanage fcontext -l -C; grep DIR /etc/selinux/*/contexts/files/file_contexts.subs*",
            "semanage fcontext -d -e OTHER DIR; or another place: --data-root DIR",
        ),
        Code::LabelsUnknown => (
            "restorecon -F -n -v /usr/bin/dockerd",
            "semodule -B builds the policy's rules anew; then landfall doctor looks again",
        ),
        Code::FapolicydToolMissing => {
            ("systemctl status fapolicyd; which fapolicyd-cli", "dnf install fapolicyd")
        }
        Code::ImaAppraisal => (
            "cat /proc/cmdline /sys/kernel/security/ima/policy",
            "nothing, where it asks for hashes; where it asks for signatures: evmctl \
             ima_sign --key KEY FILE, for each program, or have the policy pass them",
        ),
        Code::Kysec => {
            ("getstatus", "if a program is refused: kysec_set -n exectl -v trusted FILE")
        }
        Code::Lockdown => (
            "cat /sys/kernel/security/lockdown",
            "nothing, with the distribution's own modules; others have to be signed: \
             mokutil --import KEY, then reboot",
        ),
        Code::Fips => ("cat /proc/sys/crypto/fips_enabled", "nothing"),
        _ => return None,
    })
}
