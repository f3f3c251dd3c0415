#!/bin/bash
# mkoldbundle.sh BUNDLE DIR OLD [BINDIR]: DIR/docker-old.tgz, an archive in the layout of 18.06 and
# before (docker-containerd, docker-runc, ...), from the programs of an archive that mkbundle.sh made.
# Debian has no engine of that age. Its dockerd is a static wrapper (old-dockerd.c) around the real
# one, which lies in DIR/old and is seen by the host as OLD; BINDIR is where the programs will be.
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

[ $# -ge 3 ] || die "usage: mkoldbundle.sh BUNDLE DIR OLD [BINDIR]"
bundle=$1 dir=$2 old=$3 bindir=${4:-/usr/bin}
work=$(mktemp -d "$dir/.old.XXXXXX")
trap 'rm -rf "$work"' EXIT

tar -xzf "$bundle" -C "$work"
mkdir "$work/old"
mv "$work/docker/dockerd" "$work/old/dockerd"
rename() {
  mv "$work/docker/$1" "$work/docker/$2"
  ln -s "$bindir/$2" "$work/old/$1"
}
rename containerd docker-containerd
rename containerd-shim-runc-v2 docker-containerd-shim
rename ctr docker-containerd-ctr
rename runc docker-runc
cc -static -O2 -Wall -Werror -DOLD="\"$old\"" -o "$work/docker/dockerd" "$BENCH_SCRIPTS/old-dockerd.c"
touch -r "$work/docker/docker-runc" "$work/docker/dockerd" # no newer than the host's clock
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --format=ustar -czf "$work/archive" docker
rm -rf "$dir/old"
mv "$work/old" "$dir/old"
mv "$work/archive" "$dir/docker-old.tgz"
echo "$dir/docker-old.tgz"
