#!/usr/bin/env python3
"""mkimage.py OUT.tar NAME:TAG [BUSYBOX]: an image of one static busybox, in the form of `docker save`.

The same busybox gives the same bytes (all times are 0). Needs neither docker nor a network.
"""
import hashlib
import io
import json
import subprocess
import sys
import tarfile


def add(archive, name, data=b"", mode=0o644, kind=tarfile.REGTYPE, link=""):
    """Appends one entry that belongs to root and dates from 1970."""
    entry = tarfile.TarInfo(name)
    entry.mode, entry.type, entry.linkname, entry.size = mode, kind, link, len(data)
    archive.addfile(entry, io.BytesIO(data))


def layer(busybox):
    """The image's only layer: busybox, a link for each of its applets, a user database."""
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, mode in (("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("tmp", 0o1777)):
            add(archive, name + "/", mode=mode, kind=tarfile.DIRTYPE)
        with open(busybox, "rb") as program:
            add(archive, "bin/busybox", program.read(), 0o755)
        for applet in applets.stdout.split():
            if applet != "busybox":
                add(archive, "bin/" + applet, kind=tarfile.SYMTYPE, link="busybox", mode=0o777)
        add(archive, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        add(archive, "etc/group", b"root:x:0:\n")
    return buffer.getvalue()


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    out, reference = sys.argv[1:3]
    content = layer(sys.argv[3] if len(sys.argv) > 3 else "/bin/busybox")
    digest = hashlib.sha256(content).hexdigest()
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    config = json.dumps(
        {
            "architecture": architecture.stdout.strip(),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "mkimage.py"}],
        },
        sort_keys=True,
    ).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [{"Config": name, "RepoTags": [reference], "Layers": [digest + "/layer.tar"]}]
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as archive:
        add(archive, name, config)
        add(archive, digest + "/layer.tar", content)
        add(archive, "manifest.json", json.dumps(manifest).encode())


main()
