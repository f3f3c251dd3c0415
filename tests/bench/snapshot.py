#!/usr/bin/env python3
"""snapshot.py NAME: everything about a booted test host that an installation may change, as sorted lines.

Two snapshots of a host that nobody touched are equal; what differs was changed. Each line begins
with its kind: file, user, link, firewall, sysctl, mount, process, unit.

Files and processes are read from outside, through /proc/PID/root of the host's PID 1: the host needs
no tools for it, its mounts are seen as the host sees them, and the reader is no process of the host.
"""
import hashlib
import os
import re
import stat
import subprocess
import sys

MACHINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "machine.sh")
TREES = ("/etc", "/usr", "/var", "/opt")

# Paths that change while nobody does anything, and why. Their content is not compared, but that they
# exist, with which mode and owner, is.
CONTENT_CHANGES = (
    (r"/var/lib/systemd/random-seed", "written at every boot and shutdown"),
    (r"/var/log/(wtmp|btmp|lastlog)", "a record is added at every boot"),
)
# Paths that come and go while nobody does anything, and why.
COMES_AND_GOES = (
    (r"/var/log/journal/.+", "journald's files grow and rotate"),
    (r"/var/lib/systemd/timers/.+", "stamps of the last run of each timer"),
    (r"/var/tmp/systemd-private-.+", "private directories of running services"),
    # Mounted by dockerd while containers run; the mount section shows what is left of them.
    (r"/var/lib/docker/overlay2/[^/]+/merged/.+", "view of layers that are listed themselves"),
)
# How many packets a rule has seen, as iptables-save writes it.
COUNTERS = re.compile(r"\[\d+:\d+\]|packets \d+ bytes \d+")
SYSCTLS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/*/forwarding",
    "net/ipv4/conf/*/route_localnet",
    "net/ipv4/conf/*/rp_filter",
    "net/ipv4/ip_local_port_range",
    "net/ipv6/conf/*/forwarding",
    "net/ipv6/conf/*/accept_ra",
    "net/bridge/*",
    "kernel/keys/root_maxkeys",
)


def matches(path, patterns):
    return any(re.fullmatch(pattern, path) for pattern, _ in patterns)


def run_in(name, *command):
    """What a command in the host prints; "" when the host does not have it."""
    result = subprocess.run([MACHINE, "exec", name, *command], capture_output=True, text=True)
    if result.returncode not in (0, 127):
        sys.exit(f"snapshot.py: {' '.join(command)} failed in {name}: {result.stderr}")
    return result.stdout.splitlines()


def describe(root, path):
    """One line about one path: type, mode, owner, size, digest or target, extended attributes."""
    real = root + path
    try:
        info = os.lstat(real)
        words = [f"{stat.S_IMODE(info.st_mode):04o}", f"{info.st_uid}:{info.st_gid}"]
        if stat.S_ISREG(info.st_mode):
            words.insert(0, "regular")
            if not matches(path, CONTENT_CHANGES):
                with open(real, "rb") as file:
                    words += [str(info.st_size), hashlib.sha256(file.read()).hexdigest()]
        elif stat.S_ISLNK(info.st_mode):
            words = ["symlink", words[1], "->", os.readlink(real)]
        elif stat.S_ISDIR(info.st_mode):
            words.insert(0, "directory")
        elif stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
            words.insert(0, f"device {os.major(info.st_rdev)}:{os.minor(info.st_rdev)}")
        else:
            words.insert(0, {stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}[stat.S_IFMT(info.st_mode)])
        for key in sorted(os.listxattr(real, follow_symlinks=False)):
            words.append(f"{key}={os.getxattr(real, key, follow_symlinks=False).hex()}")
    except FileNotFoundError:
        return None  # went away since its directory was read
    return f"file {path} {' '.join(words)}"


def paths_below(root, top):
    yield top
    for directory, directories, files in os.walk(root + top):
        here = directory[len(root) :]
        directories[:] = [name for name in directories if not matches(f"{here}/{name}", COMES_AND_GOES)]
        for name in directories + files:
            path = f"{here}/{name}"
            if not matches(path, COMES_AND_GOES):
                yield path


def files(root):
    for tree in TREES:
        for path in paths_below(root, tree):
            line = describe(root, path)
            if line:
                yield line


def users(root):
    """The lines of the user databases; of secrets only a digest."""
    for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid"):
        try:
            with open(f"{root}/etc/{name}") as database:
                for line in database.read().splitlines():
                    if name.endswith("shadow"):
                        line = f"{line.split(':')[0]} {hashlib.sha256(line.encode()).hexdigest()}"
                    yield f"user {name} {line}"
        except FileNotFoundError:
            yield f"user {name} is missing"


def links(name):
    for line in run_in(name, "ip", "-o", "link"):
        # Without the numbers of the link and of its peer, which change at every boot.
        yield f"link {re.sub('@if[0-9]+:', ':', line.split(': ', 1)[1])}"
    for line in run_in(name, "ip", "-o", "addr"):
        words = re.sub(r"valid_lft.*", "", line).split()
        # An IPv6 address is tentative for a second, until nobody else turned out to have it.
        words = [word for word in words if word != "tentative"]
        yield f"link address {' '.join(words[1:])}".rstrip("\\ ")
    for family in ("-4", "-6"):
        for line in run_in(name, "ip", family, "route", "show", "table", "all"):
            # The kernel adds this one when a link-local address is no longer tentative.
            if not line.startswith("local fe80::"):
                yield f"link route {family} {line.strip()}"


def firewall(name):
    # Both flavours: a host's iptables may be either, and rules of the other one are there all the same.
    for flavour in ("nft", "legacy"):
        for tool in (f"iptables-{flavour}-save", f"ip6tables-{flavour}-save"):
            table = ""
            for line in run_in(name, "sh", "-c", f"{tool} 2>/dev/null || true"):
                if line.startswith("*"):
                    table = line[1:]
                # A built-in chain that lets everything pass is the same as none: merely listing
                # the rules makes these chains, and nothing removes them.
                elif not re.match(r"#|COMMIT$|:[A-Z]+ ACCEPT ", line):
                    yield f"firewall {tool} {table} {COUNTERS.sub('', line).strip()}"


def sysctls(name):
    globs = " ".join(f"/proc/sys/{pattern}" for pattern in SYSCTLS)
    for line in run_in(name, "sh", "-c", f"grep -s -H . {globs} || true"):
        path, value = line.split(":", 1)
        yield f"sysctl {path[len('/proc/sys/') :]} = {value}"


def mounts(pid):
    with open(f"/proc/{pid}/mounts") as table:
        for line in table:
            yield f"mount {line.strip()}"


def processes(pid):
    namespace = os.readlink(f"/proc/{pid}/ns/pid")
    for other in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{other}/ns/pid") != namespace:
                continue
            with open(f"/proc/{other}/cmdline", "rb") as file:
                arguments = file.read().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
            with open(f"/proc/{other}/comm") as file:
                yield f"process {file.read().strip()} {arguments}".strip()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # ended since then, or one of this machine that even root may not look at


def units(name):
    for line in run_in(name, "systemctl", "list-unit-files", "--state=enabled", "--no-legend", "--plain"):
        yield f"unit enabled {' '.join(line.split()[:2])}"
    for line in run_in(name, "systemctl", "list-units", "--state=failed", "--no-legend", "--plain"):
        yield f"unit failed {line.split()[0]}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    name = sys.argv[1]
    pid = subprocess.run([MACHINE, "pid", name], capture_output=True, text=True).stdout.strip()
    if not pid:
        sys.exit(f"snapshot.py: {name} is not up")
    root = f"/proc/{pid}/root"
    lines = [
        *files(root), *users(root), *links(name), *firewall(name), *sysctls(name),
        *mounts(pid), *processes(pid), *units(name),
    ]  # fmt: skip
    # A firewall has equal lines in several chains, several processes may look alike: all are kept.
    print("\n".join(sorted(lines)))


main()
