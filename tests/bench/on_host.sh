#!/bin/bash
# on_host.sh TEST-BINARY ARGUMENT...: runs a static test binary in a booted, disposable host, with
# its output and status. It is what the Makefile gives cargo as a runner, for tests that mount, make
# control groups and start daemons as root. By hand:
#
#   export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER=$PWD/tests/bench/on_host.sh
#   cargo test -p landfall-engine --features daemon --test runtime
#
# In the host: the programs that were built beside the binary, and an image, in /mnt/share; Debian's
# docker (client and daemon) and a static busybox in /usr/local/bin. BENCH_KEEP=1 leaves the host of
# tests that failed.
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

[ $# -gt 0 ] || die "usage: on_host.sh TEST-BINARY ARGUMENT..."
binary=$(readlink -f "$1")
shift
machine=$BENCH_SCRIPTS/machine.sh
name=e$(printf %x $$)
programs=$(mktemp -d)

clean_up() {
  local status=$?
  if [ $status != 0 ] && [ -n "${BENCH_KEEP:-}" ]; then
    echo "BENCH_KEEP is set: $name stays up until the next run" >&2
    return
  fi
  if [ -d "$BENCH_WORK/m/$name" ]; then "$machine" rm "$name"; fi
  rm -rf "$programs"
}

# Copies: a build in the middle of a run does not change what is tested.
cp "$binary" "$programs/tests"
find "$(dirname "$binary")/.." -maxdepth 1 -type f -perm -u+x -exec cp {} "$programs/" \;
"$BENCH_SCRIPTS/mkimage.py" "$programs/busybox.tar" busybox:latest
"$machine" gc
"$BENCH_SCRIPTS/mkroot.sh" >/dev/null
bundle=$("$BENCH_SCRIPTS/mkbundle.sh")
trap clean_up EXIT
"$machine" start "$name" --owner $$ -- --bind-ro="$programs:/mnt/share" \
  --bind-ro="$bundle:/mnt/docker.tgz" --bind-ro=/bin/busybox:/usr/local/bin/busybox >&2
"$machine" exec "$name" tar -xzf /mnt/docker.tgz -C /usr/local/bin --strip-components=1
"$machine" exec "$name" env RUST_BACKTRACE="${RUST_BACKTRACE:-0}" \
  RUST_TEST_THREADS="${RUST_TEST_THREADS:-4}" /mnt/share/tests "$@"
