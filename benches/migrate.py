#!/usr/bin/env python3
"""migrate.py RUNS BINARY ARCHIVE SUITE [MEGABYTES]: how long no daemon answers while an engine's
data are moved to another disk, by Landfall and by hand (stop, cp -a, edit, start).

Every run is on a fresh host (tests/bench/machine.sh) with a second disk (a loop device: this needs
root) and a volume of so many megabytes in files of 100 kB; a container writes to it meanwhile. The
API is asked every few milliseconds from outside, and the longest silence counts. Prints a table of
medians."""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from silence import Silence, machine

runs, binary, archive, suite = sys.argv[1:5]
megabytes = int(sys.argv[5]) if len(sys.argv) > 5 else 2000
binary, archive = os.path.realpath(binary), os.path.realpath(archive)
image = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "tests", "bench", "mkimage.py")


class Host:
    """A fresh host with an engine, its data, and an empty disk; all of it goes away in the end."""

    def __enter__(self):
        self.name = f"m{os.getpid() % 100000}"
        self.work = tempfile.mkdtemp(prefix="landfall-bench-", dir="/var/tmp")
        disk, self.mounted = os.path.join(self.work, "disk"), os.path.join(self.work, "mounted")
        os.mkdir(self.mounted)
        for command in [["truncate", "-s", f"{megabytes * 2 + 500}M", disk],
                        ["mkfs.ext4", "-q", "-F", disk], ["mount", "-o", "loop", disk, self.mounted],
                        [image, os.path.join(self.work, "image.tar"), "busybox:bench"]]:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        machine("start", self.name, "--suite", suite, "--owner", str(os.getpid()), "--",
                f"--bind-ro={binary}:/mnt/landfall", f"--bind-ro={archive}:/mnt/docker.tgz",
                f"--bind-ro={self.work}/image.tar:/mnt/image.tar", f"--bind={self.mounted}:/data")
        self.run("/mnt/landfall", "install", "--offline", "/mnt/docker.tgz", "--allow-unpinned",
                 "--image", "/mnt/image.tar", "--yes")
        self.run("sh", "-ec", f"""docker volume create things
            cd /var/lib/docker/volumes/things/_data
            head -c {megabytes}000000 /dev/urandom | split -b 100000 -a 5 - f
            docker run -d --restart=always -v things:/things busybox:bench sh -c \
                'trap exit TERM; while :; do date >>/things/log; sleep 1 & wait; done'
            sync""")
        self.socket = f"/proc/{machine('pid', self.name).strip()}/root/run/docker.sock"
        return self

    def __exit__(self, *_):
        machine("rm", self.name, check=False)
        subprocess.run(["umount", "-l", self.mounted], check=False)
        shutil.rmtree(self.work, ignore_errors=True)

    def run(self, *command):
        return machine("exec", self.name, *command)

    def measure(self, *command):
        """The longest silence, and how long all of it took; in milliseconds."""
        with Silence(self.socket) as silence:
            began = time.perf_counter()
            self.run(*command)
            took = (time.perf_counter() - began) * 1000
            self.run("docker", "version")
        root = self.run("docker", "info", "--format", "{{.DockerRootDir}}").strip()
        assert root == "/data/docker", root
        return silence.longest, took


BY_HAND = """systemctl stop docker.socket docker containerd
mkdir -p /data/docker /etc/docker
cp -a /var/lib/docker/. /data/docker/; cp -a /var/lib/containerd /data/containerd; sync
echo '{"data-root": "/data/docker"}' >/etc/docker/daemon.json
printf 'root = "/data/containerd"\\n' >/etc/containerd/config.toml
systemctl start containerd docker.socket docker"""

ways = {"by hand": ("sh", "-ec", "mkdir -p /etc/containerd\n" + BY_HAND),
        "landfall": ("/mnt/landfall", "migrate-data-root", "/data/docker", "--yes")}
figures = {way: [] for way in ways}
for _ in range(int(runs)):
    for way, command in ways.items():
        with Host() as host:
            figures[way].append(host.measure(*command))

print(f"\n{megabytes} MB in files of 100 kB, medians of {runs}, {os.path.basename(archive)} on {suite}, "
      f"{os.cpu_count()} processors")
print(f"{'':12} {'no daemon answers':>18} {'all of it':>12}")
for way, measured in figures.items():
    silence, took = (statistics.median(column) for column in zip(*measured))
    print(f"{way:12} {silence:15.0f} ms {took:9.0f} ms")
