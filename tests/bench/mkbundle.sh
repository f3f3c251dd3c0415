#!/bin/bash
# mkbundle.sh [SUITE]: docker-VERSION.tgz in the layout of upstream's static archives (docker/...),
# from the docker.io, containerd, runc and tini packages of a Debian suite. Prints its path.
#
# The programs are Debian's, dynamically linked: the host needs the suite's libc or a newer one,
# libsystemd, libdevmapper and libseccomp. Upstream's are static.
#
# Same packages, same bytes: entries are sorted, owner and times fixed (SOURCE_DATE_EPOCH, else the
# time that the packages' newest program carries), and gzip writes no name and no time.
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

suite=${1:-$BENCH_SUITE}
# A changed recipe makes a new archive; packages of a stable suite change too rarely to ask each time.
digest=$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-8)
out=$BENCH_WORK/bundles/$suite.$digest
work=

# Downloads the packages with the suite's own apt, in a throw-away overlay on its cached root.
download() {
  local root
  root=$("$BENCH_SCRIPTS/mkroot.sh" "$suite")
  mkdir -p "$work"/{upper,work,root,packages}
  mount -t overlay mkbundle -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" "$work/root"
  cp -L /etc/resolv.conf "$work/root/etc/resolv.conf"
  cp /etc/hosts "$work/root/etc/hosts"
  chroot "$work/root" sh -ec '
    cd /tmp
    apt-get -q update
    apt-get -q download docker.io containerd runc tini
    # a package of its own since trixie
    ! apt-cache show docker-cli >/dev/null 2>&1 || apt-get -q download docker-cli'
  mv "$work"/root/tmp/*.deb "$work/packages/"
  umount "$work/root"
}

pack() {
  local deb program file version epoch
  for deb in "$work"/packages/*.deb; do dpkg-deb -x "$deb" "$work/tree"; done
  mkdir "$work/docker"
  for program in docker dockerd containerd containerd-shim-runc-v2 ctr runc docker-proxy tini-static; do
    file=$(find "$work/tree/usr" -type f -name "$program" -perm -1 -print -quit)
    [ -n "$file" ] || die "no $program in the packages of $suite"
    install -p -m 755 "$file" "$work/docker/${program/tini-static/docker-init}"
  done
  epoch=${SOURCE_DATE_EPOCH:-$(stat -c %Y "$work"/docker/* | sort -n | tail -1)}
  version=$(dpkg-deb -f "$work"/packages/docker.io_*.deb Version)
  mkdir -p "$out"
  tar -C "$work" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=ustar -cf - docker |
    gzip -n -6 >"$work/archive"
  mv "$work/archive" "$out/docker-${version%%[+~-]*}.tgz"
}

clean_up() {
  if mountpoint -q "$work/root"; then umount "$work/root"; fi
  rm -rf "$work"
}

mkdir -p "$BENCH_WORK/bundles"
exec 8>"$BENCH_WORK/bundles/$suite.lock"
flock 8 # two runs that find no archive must not both make it
if ! compgen -G "$out/docker-*.tgz" >/dev/null; then
  work=$(mktemp -d "$BENCH_WORK/bundles/work.XXXXXX")
  trap clean_up EXIT
  download >&2
  pack >&2
fi
compgen -G "$out/docker-*.tgz"
