#!/usr/bin/env python3
"""upgrade.py RUNS BINARY OLD NEW SUITE: how long no daemon answers while an engine is replaced, by
Landfall and by hand, upwards and back.

Every run is on a fresh host (tests/bench/machine.sh) of a release on which both engines run; the
API is asked every few milliseconds from outside, and the longest silence counts. Prints a table of
medians."""
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

runs, binary, old, new, suite = sys.argv[1:]
binary, old, new = (os.path.realpath(path) for path in (binary, old, new))
here = os.path.dirname(os.path.realpath(__file__))
machine_sh = os.path.join(here, "..", "tests", "bench", "machine.sh")


def machine(*arguments, check=True):
    result = subprocess.run([machine_sh, *arguments], capture_output=True, text=True)
    if check and result.returncode != 0:
        sys.exit(f"machine.sh {' '.join(arguments)}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


class Silence:
    """The longest time between two answers of the API, in milliseconds."""

    def __init__(self, path):
        self.path, self.longest, self.done = path, 0.0, False
        self.thread = threading.Thread(target=self.listen)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done = True
        self.thread.join()

    def listen(self):
        last = time.perf_counter()
        while not self.done:
            if self.answers():
                now = time.perf_counter()
                self.longest, last = max(self.longest, (now - last) * 1000), now
            time.sleep(0.004)

    def answers(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            try:
                client.connect(self.path)
                client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return client.recv(64).startswith(b"HTTP/1.0 200")
            except OSError:
                return False


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
