#!/bin/bash
# debs.sh PACKAGE...: Debian packages that only one test needs, downloaded once and kept. Prints
# the directory; a host unpacks them from there, without what they depend on.
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

[ $# -gt 0 ] || die "usage: debs.sh PACKAGE..."
out=$BENCH_WORK/debs-of/$BENCH_SUITE/$1-$(printf '%s ' "$@" | sha256sum | cut -c1-8)
work=

# With the suite's own apt, in a throw-away overlay on its cached root.
download() {
  local root
  root=$("$BENCH_SCRIPTS/mkroot.sh")
  mkdir -p "$work"/{upper,work,root,packages}
  mount -t overlay debs -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" "$work/root"
  cp -L /etc/resolv.conf "$work/root/etc/resolv.conf"
  cp /etc/hosts "$work/root/etc/hosts"
  chroot "$work/root" sh -ec 'cd /tmp; apt-get -q update; apt-get -q download "$@"' sh "$@"
  mv "$work"/root/tmp/*.deb "$work/packages/"
}

clean_up() {
  if mountpoint -q "$work/root"; then umount "$work/root"; fi
  rm -rf "$work"
}

mkdir -p "$BENCH_WORK/debs-of/$BENCH_SUITE"
exec 8>"$out.lock"
flock 8 # two runs that find nothing must not both download
if [ ! -d "$out" ]; then
  work=$(mktemp -d "$BENCH_WORK/debs-of/work.XXXXXX")
  trap clean_up EXIT
  download "$@" >&2
  mv "$work/packages" "$out"
fi
echo "$out"
