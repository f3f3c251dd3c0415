#!/usr/bin/env python3
"""upgrade.py RUNS BINARY OLD NEW SUITE: how long no daemon answers while an engine is replaced, by
Landfall and by hand, upwards and back.

Every run is on a fresh host (tests/bench/machine.sh) of a release on which both engines run; the
API is asked every few milliseconds from outside, and the longest silence counts. Prints a table of
medians."""
import os
import statistics
import sys

from silence import Silence, machine

runs, binary, old, new, suite = sys.argv[1:]
binary, old, new = (os.path.realpath(path) for path in (binary, old, new))


class Host:
    """A fresh host with the old engine, that goes away in the end."""

    def __enter__(self):
        self.name = f"u{os.getpid() % 100000}"
        binds = [f"--bind-ro={binary}:/mnt/landfall", f"--bind-ro={old}:/mnt/old.tgz",
                 f"--bind-ro={new}:/mnt/new.tgz"]
        machine("start", self.name, "--suite", suite, "--owner", str(os.getpid()), "--", *binds)
        self.run("sh", "-c", "cat /mnt/*.tgz >/dev/null; sync")
        self.landfall("install", "--offline", "/mnt/old.tgz", "--allow-unpinned")
        self.socket = f"/proc/{machine('pid', self.name).strip()}/root/run/docker.sock"
        return self

    def __exit__(self, *_):
        machine("rm", self.name, check=False)

    def run(self, *command):
        return machine("exec", self.name, *command)

    def landfall(self, *arguments):
        self.run("/mnt/landfall", *arguments, "--yes")

    def silence(self, act):
        with Silence(self.socket) as silence:
            act()
            # Whatever comes up again does so within this.
            self.run("docker", "version")
        return silence.longest


BY_HAND = """set -e; cd /root; rm -rf docker
systemctl stop docker.socket docker containerd
tar -xzf {archive}; cp docker/* /usr/bin/; sync
systemctl start containerd docker.socket docker"""

figures = {"hand up": [], "hand back": [], "landfall up": [], "landfall back": []}
for _ in range(int(runs)):
    with Host() as host:
        for way, archive in [("up", "/mnt/new.tgz"), ("back", "/mnt/old.tgz")]:
            script = BY_HAND.format(archive=archive)
            figures[f"hand {way}"].append(host.silence(lambda: host.run("sh", "-c", script)))
    with Host() as host:
        upgrade = ("upgrade", "--offline", "/mnt/new.tgz", "--allow-unpinned", "--watch", "0",
                   "--no-smoke-test")
        figures["landfall up"].append(host.silence(lambda: host.landfall(*upgrade)))
        figures["landfall back"].append(host.silence(lambda: host.landfall("rollback")))

print(f"\nno daemon answers: medians of {runs}, {os.path.basename(old)} to {os.path.basename(new)} "
      f"on {suite}, {os.cpu_count()} processors")
print(f"{'':14} {'by hand':>10} {'landfall':>10} {'ratio':>7}")
for way, title in [("up", "upgrade"), ("back", "rollback")]:
    hand, own = (statistics.median(figures[f"{who} {way}"]) for who in ("hand", "landfall"))
    print(f"{title:14} {hand:7.0f} ms {own:7.0f} ms {own / hand:7.2f}")
