#!/bin/bash
# machine.sh: disposable Debian hosts with a real systemd, under systemd-nspawn. Works as root on
# any Debian-like machine, also on one whose PID 1 is not systemd (a container, a CI runner).
#
#   start NAME [--suite SUITE] [--disk SIZE] [--owner PID] [-- NSPAWN-OPTION...]
#                            boot a copy-on-write copy of the suite's root; waits until systemd is
#                            up. A NAME that was powered off or killed boots again from its own disk.
#                              --disk 400M   / and /var/lib on a real disk of that size (loop, ext4)
#                              --owner PID   `gc` removes the host when that process is gone
#   exec NAME COMMAND...     run as root in the booted host: its output, status and stdin
#   copy NAME SOURCE TARGET  copy a file from here into the booted host
#   reboot NAME              systemctl reboot; waits until the host is up again
#   poweroff NAME            systemctl poweroff; waits for the end
#   kill NAME                SIGKILL to the host's PID 1, the kernel kills the rest; nothing written is lost
#   cut NAME                 power cut, for a host with a disk of its own: what was not synced is lost
#   rm NAME                  kill if up, unmount, delete
#   start-time PID           when that process of this machine began, as "owner" files have it
#   ip NAME | pid NAME | log NAME | list
#   net COMMAND...           run on "our side" of the bridge (namespace $BENCH_NS, address $BENCH_NET.1)
#   gc                       remove hosts, virtual machines and run directories whose owner is gone
#   clean                    remove every host, virtual machine and the bridge (roots and bundles stay)
#
# Layout of $BENCH_WORK:
#   roots/SUITE.DIGEST       root file system of a suite, made by mkroot.sh
#   m/NAME/disk/             upper, work (overlay) and varlib (the host's /var/lib)
#   m/NAME/{ip,suite,pid,owner,options,console.log}
#
# Why so:
# * The host's /var/lib is a bind mount of a plain directory: overlayfs cannot be the upper
#   directory of another overlayfs, so dockerd's overlay2 would fall back to vfs if /var/lib/docker
#   lay on the host's own overlay. It also makes a rename between /usr and /var/lib fail with EXDEV.
# * The bridge lies in a network namespace of its own without a route out: hosts are air-gapped,
#   and nothing that a test sends can leave by this machine's default route.
# * Every host gets a cgroup of its own in every mounted hierarchy before nspawn starts: nspawn
#   with --keep-unit puts the container into "payload" below the cgroup it was started in, and two
#   hosts started from one cgroup would share it; one systemd would kill the other's services.
# * exec does not use machinectl (it needs a running machined): it enters the host's cgroups and
#   then all namespaces of the host's PID 1, which changes at every reboot.
set -u -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

W=$BENCH_WORK

# ---- names and processes -------------------------------------------------------------------------
need() {
  [ -d "$W/m/$1" ] || die "no host $1"
  M=$W/m/$1
}

# The supervisor is the shell that runs nspawn, and runs it again after each reboot.
is_up() { alive "$M/supervisor" >/dev/null; }

# The host's PID 1 as seen from here: the child of nspawn that is number 1 in its own namespace.
leader() {
  local nspawn child
  nspawn=$(alive "$M/pid") || return 1
  for child in $(cat /proc/"$nspawn"/task/*/children 2>/dev/null); do
    if [ "$(awk '/^NSpid:/ { print $NF, NF }' "/proc/$child/status" 2>/dev/null)" = "1 3" ]; then
      echo "$child"
      return 0
    fi
  done
  return 1
}

# Mount points of all cgroup hierarchies of this machine: v1, hybrid or v2.
cgroup_roots() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts; }

# ---- the bridge ----------------------------------------------------------------------------------
# The bridge has an address of its own. Without one it takes the lowest of its ports; when that host
# ends, the others still send to the address that is gone, for half a minute.
net_up() {
  [ -e "/run/netns/$BENCH_NS" ] && return 0
  ip netns add "$BENCH_NS" &&
    ip -n "$BENCH_NS" link set lo up &&
    ip -n "$BENCH_NS" link add br0 address 02:00:00:00:00:01 type bridge &&
    ip -n "$BENCH_NS" addr add "$BENCH_NET.1/24" dev br0 &&
    ip -n "$BENCH_NS" link set br0 up
}

# ---- start ---------------------------------------------------------------------------------------
cmd_start() {
  local name=$1 suite=$BENCH_SUITE disk='' owner='' rest=()
  shift
  # "vb-NAME" must fit into an interface name (15 bytes).
  [[ $name =~ ^[a-z][a-z0-9]{0,11}$ ]] || die "bad host name $name: a-z and 0-9, 12 at most"
  read_options "suite disk owner" "$@"
  M=$W/m/$name
  if [ -d "$M" ]; then
    is_up && die "$name is up"
    suite=$(cat "$M/suite")
    mapfile -d '' -t rest <"$M/options"
    mount_root
  else
    create_host "$name" "$suite" "$disk" "$owner" ${rest[@]+"${rest[@]}"} || exit 1
  fi
  (flock 9; net_up) 9>"$W/lock" || die "cannot make the network namespace $BENCH_NS"
  supervise "$name" ${rest[@]+"${rest[@]}"} </dev/null >>"$M/console.log" 2>&1 &
  echo "$! $(start_time $!)" >"$M/supervisor"
  disown $!
  wait_up "$name"
}

create_host() {
  local name=$1 suite=$2 disk=$3 owner=$4 root
  shift 4
  root=$(root_of "$suite")
  [ -d "$root" ] || die "no root of $suite: run mkroot.sh $suite (make deps roots)"
  (
    flock 9
    mkdir -p "$M"/{disk,root}
    free_address 11 >"$M/ip"
  ) 9>"$W/lock" || return 1
  echo "$suite" >"$M/suite"
  [ -n "$owner" ] && echo "$owner $(start_time "$owner")" >"$M/owner"
  : >"$M/options"
  [ $# -gt 0 ] && printf '%s\0' "$@" >"$M/options"
  if [ -n "$disk" ]; then
    truncate -s "$disk" "$M/disk.img" && mkfs.ext4 -q -F "$M/disk.img" || die "cannot make a disk of $disk"
  fi
  mount_disk
  mkdir -p "$M"/disk/{upper,work}
  cp -a "$root/var/lib" "$M/disk/varlib" || die "the disk of $name is too small for /var/lib of $suite"
  mount_root
  echo "$name" >"$M/root/etc/hostname"
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n%s.1 benchhost\n' "$name" "$BENCH_NET" >"$M/root/etc/hosts"
  tr -d - </proc/sys/kernel/random/uuid >"$M/root/etc/machine-id"
  echo "ADDR=$(cat "$M/ip")/24" >"$M/root/etc/bench-setup"
}

mount_disk() {
  [ ! -e "$M/disk.img" ] || mountpoint -q "$M/disk" || mount -o loop "$M/disk.img" "$M/disk" || die "cannot mount the disk of ${M##*/}"
}

mount_root() {
  mount_disk
  mountpoint -q "$M/root" && return 0
  mount -t overlay "bench-${M##*/}" "$M/root" \
    -o "lowerdir=$(root_of "$(cat "$M/suite")"),upperdir=$M/disk/upper,workdir=$M/disk/work" || die "cannot mount the root of ${M##*/}"
}

# Runs nspawn in a cgroup and a mount namespace of its own until the host is powered off.
supervise() {
  local name=$1 dir file arguments=()
  shift
  # systemd 256 and newer refuse cgroup v1 unless told otherwise; in a container the arguments of
  # PID 1 are what the kernel command line is elsewhere.
  if compgen -G "$M/root/usr/lib/*/systemd/libsystemd-core-25[6-9]*.so" >/dev/null; then
    arguments=(SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1)
  fi
  for dir in $(cgroup_roots); do
    dir=$dir/bench-$name
    mkdir -p "$dir" || exit 1
    if [ -e "$dir/cpuset.cpus" ] && [ -e "$dir/cpuset.sched_load_balance" ]; then # v1: empty at first
      for file in cpuset.cpus cpuset.mems; do cat "${dir%/*}/$file" >"$dir/$file"; done
    fi
    echo "$BASHPID" >"$dir/cgroup.procs" || exit 1
  done
  # nspawn --keep-unit ends with status 133 when the host reboots; starting it again is the
  # caller's part. /run/systemd/nspawn must be a tmpfs, or nspawn's cleanup at reboot refuses
  # ("Attempted to remove disk file system").
  # shellcheck disable=SC2016  # the inner shell expands these
  exec setsid nsenter --net="/run/netns/$BENCH_NS" unshare -m bash -c '
    pidfile=$1
    shift
    mkdir -p /run/systemd/nspawn && mount -t tmpfs none /run/systemd/nspawn
    unset NOTIFY_SOCKET
    while :; do
      systemd-nspawn "$@" &
      echo "$! $(sed "s/.*) //" /proc/$!/stat | cut -d" " -f20)" >"$pidfile"
      wait $!
      status=$?
      echo "machine.sh: nspawn ended with status $status"
      [ $status = 133 ] || break
    done
    rm -f "$pidfile"' bench-machine "$M/pid" \
    -q -D "$M/root" -M "$name" --register=no --keep-unit \
    --capability=all --system-call-filter='add_key keyctl bpf @privileged' \
    --network-bridge=br0 --bind="$M/disk/varlib:/var/lib" \
    --resolv-conf=off --timezone=off --link-journal=no --console=pipe "$@" -b "${arguments[@]}"
}

# Waits until systemd has finished booting: "degraded" (a unit failed) counts as booted.
wait_up() {
  local end=$((SECONDS + 60)) state=
  while [ $SECONDS -lt $end ]; do
    is_up || { tail -5 "$M/console.log" >&2; die "$1 ended while booting"; }
    state=$(run_in systemctl is-system-running --wait 2>/dev/null)
    case $state in
      running | degraded) echo "$1 $(cat "$M/ip") $state"; return 0 ;;
    esac
    sleep 0.05
  done
  die "$1 is not up after 60 s (state: ${state:-none})"
}

# ---- in a booted host ----------------------------------------------------------------------------
# Runs a command in the host. A subshell moves into the host's cgroups, then becomes the command.
run_in() {
  local pid
  pid=$(leader) || return 125
  (
    for dir in $(cgroup_roots); do
      dir=$dir/bench-${M##*/}
      [ -d "$dir/payload" ] && dir=$dir/payload
      echo "$BASHPID" >"$dir/cgroup.procs" 2>/dev/null
    done
    exec nsenter -t "$pid" -m -u -i -n -p -C --root --wd env -i \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      HOME=/root USER=root LANG=C.UTF-8 TERM="${TERM:-dumb}" container=systemd-nspawn "$@"
  )
}

cmd_exec() {
  need "$1"
  shift
  leader >/dev/null || die "${M##*/} is not up"
  run_in "$@"
}

cmd_copy() {
  need "$1"
  # shellcheck disable=SC2016  # the shell in the host expands these
  run_in sh -c 'cat >"$1" && chmod "$2" "$1"' sh "$3" "$(stat -c %a "$2")" <"$2"
}

# ---- the ends ------------------------------------------------------------------------------------
wait_gone() {
  local end=$((SECONDS + 90))
  while is_up; do
    [ $SECONDS -lt $end ] || die "$1 is still up after 90 s"
    sleep 0.05
  done
}

cmd_poweroff() {
  need "$1"
  run_in systemctl poweroff --no-block >/dev/null 2>&1
  wait_gone "$1"
}

cmd_kill() {
  local pid
  need "$1"
  pid=$(leader) || die "$1 is not up"
  kill -9 "$pid"
  wait_gone "$1"
}

# ext4 has a call that stops a file system dead, as a power cut does: no dirty page and nothing of
# the log that is not yet on the disk gets there (EXT4_IOC_SHUTDOWN, with NOLOGFLUSH). The log is
# replayed at the next mount.
cmd_cut() {
  local mount end=$((SECONDS + 30))
  need "$1"
  [ -e "$M/disk.img" ] || die "$1 has no disk of its own: start it with --disk"
  python3 -c 'import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack("I", 2))' "$M/disk" || die "cannot cut the disk of $1 off"
  cmd_kill "$1"
  for mount in "$M/root" "$M/disk"; do
    until umount "$mount" 2>/dev/null; do
      [ $SECONDS -lt $end ] || die "cannot unmount $mount"
      sleep 0.05
    done
  done
  # Hosts that were started meanwhile have this mount in their namespaces too, and hold the file
  # system that is cut off: what is on the disk is mounted from a copy of it.
  cp --sparse=always "$M/disk.img" "$M/disk.copy" && mv "$M/disk.copy" "$M/disk.img" || die "cannot copy the disk of $1"
}

cmd_reboot() {
  local pid end=$((SECONDS + 90))
  need "$1"
  pid=$(leader) || die "$1 is not up"
  run_in systemctl reboot --no-block >/dev/null 2>&1
  while [ "$(leader)" = "$pid" ]; do
    [ $SECONDS -lt $end ] || die "$1 did not go down within 90 s"
    sleep 0.05
  done
  wait_up "$1"
}

cmd_rm() {
  local pid dir trash end=$((SECONDS + 10))
  need "$1"
  while is_up; do # it may be between nspawn's start and its PID 1's: look again
    pid=$(leader) && kill -9 "$pid"
    [ $SECONDS -lt $end ] || kill -9 "$(alive "$M/supervisor")"
    sleep 0.05
  done
  for dir in $(cgroup_roots); do
    dir=$dir/bench-$1
    end=$((SECONDS + 5))
    while [ -d "$dir" ] && ! find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null; do
      [ $SECONDS -lt $end ] || break
      sleep 0.05
    done
  done
  # Unmounting an overlay syncs the whole file system below it, which takes seconds while others
  # write: done behind the caller's back.
  mkdir -p "$W/trash"
  trash=$(mktemp -d "$W/trash/$1.XXXXXX")
  mv -T "$M" "$trash"
  setsid "$BENCH_SCRIPTS/machine.sh" empty-trash "$trash" </dev/null >/dev/null 2>&1 &
}

empty_trash() {
  local mount
  for mount in "$1/root" "$1/disk"; do
    if mountpoint -q "$mount"; then umount "$mount" || return 1; fi
  done
  rm -rf --one-file-system "$1"
}

# Removes what a run that was killed left behind.
cmd_gc() {
  local dir file pid
  for dir in "$W"/m/*/; do
    M=${dir%/}
    [ -s "$M/owner" ] && ! alive "$M/owner" >/dev/null && (cmd_rm "${M##*/}")
  done
  for dir in "$W"/run/*/; do
    [ -s "$dir/owner" ] && ! alive "$dir/owner" >/dev/null || continue
    for file in "$dir"/*/pid; do # registries
      pid=$(alive "$file") && kill "$pid"
    done
    rm -rf --one-file-system "$dir"
  done
  for dir in "$W"/trash/*/; do
    [ -d "$dir" ] && empty_trash "${dir%/}" 2>/dev/null
  done
  "$BENCH_SCRIPTS/vm.sh" gc
  return 0
}

cmd_clean() {
  local dir
  for dir in "$W"/m/*/; do
    [ -d "$dir" ] && (cmd_rm "$(basename "$dir")")
  done
  "$BENCH_SCRIPTS/vm.sh" clean
  [ ! -e "/run/netns/$BENCH_NS" ] || ip netns del "$BENCH_NS"
}

cmd_list() {
  local dir
  for dir in "$W"/m/*/; do
    M=${dir%/}
    [ -d "$M" ] || continue
    echo "${M##*/} $(cat "$M/ip") $(cat "$M/suite") $(leader >/dev/null && echo up || echo off)"
  done
}

main() {
  local command=${1:-} M
  [ $# -gt 0 ] && shift
  mkdir -p "$W"/{roots,m} || die "cannot make $W"
  W=$(cd "$W" && pwd)
  case $command in
    start | exec | copy | poweroff | kill | cut | reboot | rm)
      [ $# -ge 1 ] || die "$command: name of a host needed"
      "cmd_$command" "$@"
      ;;
    gc | clean | list) "cmd_$command" "$@" ;;
    start-time) start_time "$1" ;;
    ip) need "$1"; cat "$M/ip" ;;
    pid) need "$1"; leader ;;
    log) need "$1"; cat "$M/console.log" ;;
    # exec: who puts "net" into the background gets the pid of the command itself
    net) net_up && exec nsenter --net="/run/netns/$BENCH_NS" "$@" ;;
    empty-trash) empty_trash "$1" ;;
    *)
      sed -n '2,/^# Layout/{/^# Layout/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
}
main "$@"
exit # one line is read at a time: the file may be edited while it runs
