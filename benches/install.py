#!/usr/bin/env python3
"""install.py RUNS BINARY ARCHIVE: an installation by Landfall against the same by hand.

Every run is on a fresh host (tests/bench/machine.sh); the two are measured in turns, so that
other load on the machine hits both alike. Prints a table of medians."""
import json
import os
import re
import statistics
import subprocess
import sys
import time

runs, binary, archive = int(sys.argv[1]), os.path.realpath(sys.argv[2]), os.path.realpath(sys.argv[3])
here = os.path.dirname(os.path.realpath(__file__))
machine_sh = os.path.join(here, "..", "tests", "bench", "machine.sh")
inside = "/mnt/landfall/landfall"
inside_archive = "/mnt/archive/" + os.path.basename(archive)


def machine(*arguments, check=True):
    result = subprocess.run([machine_sh, *arguments], capture_output=True, text=True)
    if check and result.returncode != 0:
        sys.exit(f"machine.sh {' '.join(arguments)}: {result.stderr.strip() or result.stdout.strip()}")
    return result


class Host:
    """A fresh host that goes away in the end."""

    def __enter__(self):
        self.name = f"b{os.getpid() % 100000}"
        binds = [f"--bind-ro={os.path.dirname(binary)}:/mnt/landfall",
                 f"--bind-ro={os.path.dirname(archive)}:/mnt/archive"]
        machine("start", self.name, "--owner", str(os.getpid()), "--", *binds)
        # The archive is in the page cache for both, and nothing waits to be written.
        self.run("sh", "-c", f"cat {inside_archive} >/dev/null; sync")
        return self

    def __exit__(self, *_):
        machine("rm", self.name, check=False)

    def run(self, *command):
        return machine("exec", self.name, *command)


def events(host, *arguments):
    output = host.run(inside, *arguments, "--json", "--yes").stdout
    return [json.loads(line) for line in output.splitlines()]


def install(*more):
    return ["install", "--offline", inside_archive, "--allow-unpinned", *more]


figures = {}


def note(name, value):
    figures.setdefault(name, []).append(value)


by_hand = open(os.path.join(here, "by_hand.sh")).read()
for _ in range(runs):
    with Host() as host:
        for line in host.run("bash", "-c", by_hand, "by_hand", inside_archive).stdout.splitlines():
            name, value = line.split()
            note(f"by hand: {name}", float(value))
    with Host() as host:
        seen = events(host, *install("--no-smoke-test"))
        files = [e for e in seen if e["event"] == "step" and re.match(r"install|write|enable|create", e["what"])]
        note("landfall: copied", files[-1]["elapsed_ms"])
        note("landfall: running", seen[-1]["elapsed_ms"])
        again = events(host, *install("--no-smoke-test"))
        assert again[-1]["changed"] is False, again[-1]
        note("landfall: second run", again[-1]["elapsed_ms"])
    with Host() as host:
        seen = events(host, *install())
        note("landfall: running and proven", seen[-1]["elapsed_ms"])
        note("landfall: test container", next(e for e in seen if e["event"] == "proven")["milliseconds"])

start = []
for _ in range(50):
    began = time.perf_counter()
    subprocess.run([binary, "--version"], check=True, stdout=subprocess.DEVNULL)
    start.append((time.perf_counter() - began) * 1000)

# The largest of machine.sh's descendants is landfall; the shells around it take 4 MiB.
usage = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
         "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
with Host() as host:
    peak = subprocess.run(
        [sys.executable, "-c", usage, machine_sh, "exec", host.name, inside, *install("--yes")],
        capture_output=True, text=True, check=True)

median = {name: statistics.median(values) for name, values in figures.items()}
print(f"\nmedians of {runs}, archive {os.path.getsize(archive) / 1e6:.1f} MB, {os.cpu_count()} processors")
print(f"{'':42} {'by hand':>10} {'landfall':>10} {'ratio':>7}")


def row(title, hand, own):
    print(f"{title:42} {median[hand]:7.0f} ms {median[own]:7.0f} ms {median[own] / median[hand]:7.2f}")


row("verified, unpacked, in place, on disk", "by hand: copied", "landfall: copied")
row("daemon answers", "by hand: running", "landfall: running")
print(f"{'… and a container has run':42} {'':>10} {median['landfall: running and proven']:7.0f} ms")
print(f"{'   of which the container':42} {'':>10} {median['landfall: test container']:7.0f} ms")
print(f"{'second run, nothing to do':42} {'':>10} {median['landfall: second run']:7.0f} ms")
print(f"{'peak memory of the first run':42} {'':>10} {int(peak.stdout.split()[-1]) / 1024:6.1f} MiB")
print(f"{'size of the binary':42} {'':>10} {os.path.getsize(binary) / 2**20:6.1f} MiB")
print(f"{'start (landfall --version)':42} {'':>10} {statistics.median(start):7.1f} ms")
