#!/bin/bash
# mkroot.sh [SUITE]: the root file system that hosts of a Debian suite (bullseye, bookworm, trixie)
# are copies of: debootstrapped once, never written afterwards. Prints its directory, whose name
# holds the digest of this file: a changed recipe makes a new one.
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# A systemd host with what Docker's documentation asks for (iptables, kmod, procps), and the
# libraries that Debian's docker.io, containerd and runc are linked with; attr, to set attributes.
packages=systemd,systemd-sysv,dbus,iproute2,iptables,procps,kmod,passwd,libseccomp2,libdevmapper1.02.1,attr

make_root() {
  local suite=$1 root=$2 unit
  rm -rf "$root"
  mkdir -p "$BENCH_WORK/debs"
  echo "debootstrapping $suite, about a minute" >&2
  # A thousand lines that nobody reads, unless it fails.
  if ! debootstrap --variant=minbase --cache-dir="$BENCH_WORK/debs" --include="$packages" "$suite" "$root" \
    ${BENCH_MIRROR:+"$BENCH_MIRROR"} >"$root.log" 2>&1; then
    tail -n 20 "$root.log" >&2
    die "debootstrap of $suite failed (see above, and $root.log); is the mirror reachable? (BENCH_MIRROR=URL chooses another)"
  fi
  rm -f "$root.log"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  : >"$root/etc/resolv.conf"
  # No getty on a console that nobody sees, no timers that fire in the middle of a test.
  for unit in console-getty.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
  write_bench_unit "$root"
}

# What a host needs at boot: its address, from a file that `start` writes (no DHCP, no networkd),
# and writable v1 controllers: nspawn mounts them read-only (all but name=systemd), but dockerd and
# runc write there.
write_bench_unit() {
  cat >"$1/etc/systemd/system/bench-setup.service" <<'UNIT'
[Unit]
Description=Test bench: address of host0, writable cgroups
DefaultDependencies=no
Wants=network.target
Before=network.target network-online.target sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile=/etc/bench-setup
ExecStart=/bin/sh /etc/bench-setup.sh

[Install]
WantedBy=sysinit.target
UNIT
  cat >"$1/etc/bench-setup.sh" <<'SCRIPT'
ip link set lo up
# Nobody else has this address: without the wait for an answer, it is settled when boot is done.
echo 0 >/proc/sys/net/ipv6/conf/host0/accept_dad
ip link set host0 up
ip addr replace "$ADDR" dev host0
while read -r _ dir type _; do
  [ "$type" = cgroup ] && mount -o remount,bind,rw "$dir"
done </proc/mounts
exit 0
SCRIPT
  mkdir -p "$1/etc/systemd/system/sysinit.target.wants"
  ln -sf ../bench-setup.service "$1/etc/systemd/system/sysinit.target.wants/bench-setup.service"
}

suite=${1:-$BENCH_SUITE}
root=$(root_of "$suite")
mkdir -p "$BENCH_WORK/roots"
exec 8>"$BENCH_WORK/roots/$suite.lock"
flock 8 # two runs that find no root must not both make it
if [ ! -d "$root" ]; then
  make_root "$suite" "$root.tmp" >&2
  mv "$root.tmp" "$root"
fi
echo "$root"
