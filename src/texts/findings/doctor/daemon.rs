//! The daemon, its socket and its units.

use crate::preflight::Code;
use crate::texts::findings::Page;

pub(super) fn page(code: Code) -> Option<Page> {
    socket(code).or_else(|| units(code))
}

fn socket(code: Code) -> Option<Page> {
    Some(match code {
        Code::OpenFilesLow => Page {
            title: "the daemon may open too few files",
            why: "each container takes some; when they run out, containers fail one by one",
            check: "grep 'open files' /proc/$(pidof dockerd)/limits",
            fix: "systemctl edit UNIT, with the lines [Service] and LimitNOFILE=1048576; then \
                  systemctl restart UNIT",
        },
        Code::OpenFilesHuge => Page {
            title: "containers inherit a limit of open files that some programs choke on",
            why: "programs that close all possible files at their start (older MySQL, rpm, sshd) \
                  take minutes, or all memory",
            check: "grep 'open files' /proc/$(pidof dockerd)/limits",
            fix: "systemctl edit UNIT, with the lines [Service] and LimitNOFILE=1048576; then \
                  systemctl restart UNIT",
        },
        Code::SocketMode => Page {
            title: "the API socket has unusual permissions",
            why: "members of the group cannot use it, or others can who should not",
            check: "stat -c '%a %U %G' /run/docker.sock",
            fix: "nothing, if only root shall use it; rights that are too many: landfall doctor \
                  --fix; or, for root and the group: chmod 660 /run/docker.sock && chown root \
                  /run/docker.sock",
        },
        Code::SocketOpen => Page {
            title: "everybody on this host may use the API socket",
            why: "whoever can is as good as root",
            check: "stat -c '%a %U %G' /run/docker.sock",
            fix: "landfall doctor --fix, or: chmod 660 /run/docker.sock",
        },
        Code::SocketGroup => Page {
            title: "the API socket belongs to another group than docker's",
            why: "members of the group that shall use docker are refused",
            check: "stat -c %G /run/docker.sock; systemctl cat docker.socket | grep SocketGroup",
            fix: "chgrp GROUP /run/docker.sock; to keep it so: systemctl edit docker.socket, \
                  with the lines [Socket] and SocketGroup=GROUP",
        },
        Code::GroupMembers => Page {
            title: "members of docker's group are as good as root",
            why: "a container may mount the host's root directory, and write to it",
            check: "getent group docker",
            fix: "take out who need not be root: gpasswd --delete USER docker",
        },
        Code::TcpOpen => Page {
            title: "the API listens on the network, and does not ask who calls",
            why: "whoever reaches that port is as good as root on this host",
            check: "ss -ltnp | grep dockerd; tr '\\0' ' ' < /proc/$(pidof dockerd)/cmdline",
            fix: "take the tcp:// listener out of \"hosts\" in /etc/docker/daemon.json, or of \
                  ExecStart (systemctl edit --full docker), then systemctl restart docker; \
                  instead use ssh (DOCKER_HOST=ssh://HOST), or set tlsverify with tlscacert, \
                  tlscert and tlskey",
        },
        Code::ApiSilent => Page {
            title: "the daemon runs, but its API does not answer",
            why: "docker commands hang or fail",
            check: "docker version; journalctl -u docker -n 50",
            fix: "journalctl -u docker says why; then systemctl restart docker",
        },
        Code::ProxyOfDaemon => Page {
            title: "the daemon uses a proxy that this shell does not",
            why: "docker pull goes through it, curl on this host does not: what works in one may \
                  fail in the other",
            check: "systemctl show docker -p Environment; env | grep -i proxy",
            fix: "nothing, if it is meant; the proxy of the daemon is in a drop-in of \
                  docker.service, or in /etc/docker/daemon.json (proxies)",
        },
        Code::NotInForce => Page {
            title: "the daemon does not follow daemon.json",
            why: "the file was changed after the daemon had read it",
            check: "docker info; ls -l /etc/docker/daemon.json",
            fix: "systemctl reload docker; keys that need it: systemctl restart docker",
        },
        _ => return None,
    })
}

fn units(code: Code) -> Option<Page> {
    Some(match code {
        Code::DropInDangling => Page {
            title: "there is a drop-in for a unit that does not exist",
            why: "what it sets is not in force; once the unit comes back it is, unexpectedly",
            check: "ls /etc/systemd/system/*.d; systemctl cat UNIT",
            fix: "look at it, then: rm -r /etc/systemd/system/UNIT.d; or install the unit",
        },
        Code::UnitProgramMissing => Page {
            title: "the program that a unit starts does not exist",
            why: "the unit fails at each boot",
            check: "systemctl cat UNIT | grep ExecStart",
            fix: "install the program again, or: systemctl disable UNIT",
        },
        Code::LinkDangling => Page {
            title: "a unit is enabled that does not exist",
            why: "what was to start at boot does not, and systemd says so nowhere",
            check: "find /etc/systemd/system -xtype l",
            fix: "landfall doctor --fix, or: rm LINK",
        },
        Code::NeedsReload => Page {
            title: "unit files have changed, and systemd has not read them",
            why: "a restart starts the unit as it was before the change",
            check: "systemctl show UNIT -p NeedDaemonReload",
            fix: "landfall doctor --fix, or: systemctl daemon-reload",
        },
        Code::TwoDaemons => Page {
            title: "two daemons of one kind run",
            why: "they write the same files: images and containers get lost",
            check: "ps -e -o pid,ppid,args | grep -E 'dockerd|containerd'",
            fix: "systemctl status PID tells the unit of each; the one that has none: kill PID",
        },
        Code::StartLimit => Page {
            title: "a unit failed so often that systemd has given up",
            why: "it is not started again, not even when the reason is gone",
            check: "systemctl status UNIT",
            fix: "mend what the log says; then landfall doctor --fix, or: systemctl reset-failed \
                  UNIT; and systemctl start UNIT",
        },
        Code::UnitFailed => Page {
            title: "a unit has failed",
            why: "the engine is down, or a part of it",
            check: "systemctl status UNIT; journalctl -u UNIT",
            fix: "mend what the log says; then systemctl start UNIT",
        },
        Code::SocketUnitMissing => Page {
            title: "the daemon expects a socket from a unit that is not there",
            why: "with -H fd:// and no docker.socket it ends with “no sockets found”",
            check: "systemctl cat docker.service | grep fd://; systemctl cat docker.socket",
            fix: "landfall install, with the same archive and options, or install the package \
                  again; or take -H fd:// out of ExecStart: systemctl edit --full docker",
        },
        Code::NotEnabled => Page {
            title: "docker does not start at boot",
            why: "after a reboot no container comes back by itself",
            check: "systemctl is-enabled docker.service docker.socket",
            fix: "landfall doctor --fix, or: systemctl enable docker.service",
        },
        _ => return None,
    })
}
