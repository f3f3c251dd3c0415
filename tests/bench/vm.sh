#!/bin/bash
# vm.sh: disposable virtual machines, for what a host under nspawn cannot show: a kernel of its own
# (SELinux, AppArmor, modules, version 2 of control groups alone) and a real power cut. qemu emulates
# the processor (TCG), so that no KVM is needed; expect a boot of half a minute.
#
#   start NAME [--owner PID] [--share DIR] [-- WORD...]
#                            boot from a copy-on-write disk over mkvm.sh's; waits until systemd is up.
#                            A NAME that is off boots again from its own disk.
#                              --owner PID   `gc` removes the machine when that process is gone
#                              --share DIR   a copy of DIR, seen at /mnt/share, read-only
#                              -- WORD...    added to the kernel's command line; without any,
#                                            SELinux and AppArmor are off
#   exec NAME COMMAND...     run as root in it: its output, status and stdin
#   reboot NAME | poweroff NAME | rm NAME | log NAME (serial console) | list
#   kill NAME                power cut: SIGKILL to qemu; what was not synced is lost
#   gc                       remove machines whose owner is gone
#
# The machines are on machine.sh's bridge, with addresses from the same range, and like its hosts
# they have no way out. Layout of $BENCH_WORK/vm/NAME: disk.qcow2 share.img ip owner words pid
# console.log qemu.log ssh (control socket).
# VM_MEMORY (MiB, 1024), VM_CPUS (2), VM_BOOT_LIMIT (seconds, 600).
set -u -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

W=$BENCH_WORK

need() {
  [ -d "$W/vm/$1" ] || die "no virtual machine $1"
  V=$W/vm/$1
}

in_net() { "$BENCH_SCRIPTS/machine.sh" net "$@"; }

# ---- start ---------------------------------------------------------------------------------------
cmd_start() {
  local name=$1 owner='' share='' rest=()
  shift
  # "tap-NAME" must fit into an interface name (15 bytes).
  [[ $name =~ ^[a-z][a-z0-9]{0,10}$ ]] || die "bad name $name: a-z and 0-9, 11 at most"
  read_options "owner share" "$@"
  V=$W/vm/$name
  if [ ! -d "$V" ]; then
    create "$name" "$owner" "$share" ${rest[@]+"${rest[@]}"} || exit 1
  fi
  alive "$V/pid" >/dev/null && die "$name is up"
  boot "$name"
  wait_up "$name"
}

create() {
  local name=$1 owner=$2 share=$3 root
  shift 3
  root=$("$BENCH_SCRIPTS/mkvm.sh") || die "no disk for virtual machines: see mkvm.sh"
  (
    flock 9
    mkdir -p "$V"
    free_address 200 >"$V/ip"
  ) 9>"$W/lock" || return 1
  [ -n "$owner" ] && echo "$owner $(start_time "$owner")" >"$V/owner"
  echo "$root" >"$V/root"
  # Debian's kernel does not know selinux=0; without a module named here none of them is on.
  [ $# -gt 0 ] || set -- lsm=lockdown,yama,integrity
  echo "$*" >"$V/words"
  qemu-img create -q -f qcow2 -F raw -b "$root/disk.img" "$V/disk.qcow2" || die "cannot make the disk of $name"
  if [ -n "$share" ]; then
    # As large as what is in it, and some room for the file system itself.
    truncate -s "$(($(du -sm "$share" | cut -f1) * 11 / 10 + 32))M" "$V/share.img" &&
      mke2fs -q -t ext4 -m 0 -O ^has_journal -d "$share" "$V/share.img" || die "cannot make the shared drive"
  fi
}

boot() {
  local name=$1 root drives=() number
  root=$(cat "$V/root")
  number=$(cut -d. -f4 "$V/ip")
  in_net sh -c "ip link show tap-$name >/dev/null 2>&1 || { ip tuntap add tap-$name mode tap && ip link set tap-$name master br0 up; }" ||
    die "cannot connect $name to the bridge"
  [ -e "$V/share.img" ] && drives=(-drive "file=$V/share.img,if=virtio,format=raw,readonly=on")
  # -no-reboot: qemu ends instead, and `reboot` starts it again.
  setsid nsenter --net="/run/netns/$BENCH_NS" qemu-system-x86_64 -name "$name" \
    -machine q35 -accel tcg,thread=multi -cpu max -smp "${VM_CPUS:-2}" -m "${VM_MEMORY:-1024}" \
    -nodefaults -display none -no-reboot -serial "file:$V/console.log" \
    -kernel "$root/vmlinuz" -initrd "$root/initrd" \
    -append "console=ttyS0 root=/dev/vda rw quiet mitigations=off net.ifnames=0 systemd.hostname=$name bench.address=$(cat "$V/ip")/24 $(cat "$V/words")" \
    -drive "file=$V/disk.qcow2,if=virtio,format=qcow2,discard=unmap" ${drives[@]+"${drives[@]}"} \
    -netdev "tap,id=n0,ifname=tap-$name,script=no,downscript=no" \
    -device "virtio-net-pci,netdev=n0,mac=52:54:00:77:00:$(printf %02x "$number")" -device virtio-rng-pci \
    </dev/null >>"$V/qemu.log" 2>&1 &
  echo "$! $(start_time $!)" >"$V/pid"
  disown $!
}

# Waits until systemd has finished booting: "degraded" (a unit failed) counts as booted.
wait_up() {
  local end=$((SECONDS + ${VM_BOOT_LIMIT:-600})) state=
  while [ $SECONDS -lt $end ]; do
    alive "$V/pid" >/dev/null || { tail -n 5 "$V/qemu.log" "$V/console.log" >&2; die "$1 ended while booting"; }
    if connect; then
      state=$(run_in systemctl is-system-running --wait 2>/dev/null)
      case $state in
        running | degraded)
          mount_share || die "cannot mount the shared drive in $1"
          echo "$1 $(cat "$V/ip") $state"
          return 0
          ;;
      esac
    fi
    sleep 0.2
  done
  tail -n 5 "$V/console.log" >&2
  die "$1 is not up after ${VM_BOOT_LIMIT:-600} s (state: ${state:-none})"
}

# Files that come from outside have no label of the machine's policy: they count as programs. A
# service at boot may not say so, root who logs in may.
mount_share() {
  [ -e "$V/share.img" ] || return 0
  # shellcheck disable=SC2016  # the shell in the machine expands these
  run_in sh -c 'option=ro
    [ ! -e /sys/fs/selinux/enforce ] || option=ro,context=system_u:object_r:bin_t:s0
    mount -t ext4 -o "$option" /dev/vdb /mnt/share'
}

# ---- in it ---------------------------------------------------------------------------------------
ssh_options() {
  printf '%s\n' -S "$V/ssh" -F /dev/null -i "$(cat "$V/root")/id" -l root -o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null -o BatchMode=yes -o LogLevel=ERROR -o ConnectTimeout=20 -o ServerAliveInterval=15 \
    -o ServerAliveCountMax=8
}

# One connection for all commands: shaking hands takes a second under emulation.
connect() {
  local options
  mapfile -t options < <(ssh_options)
  in_net ssh "${options[@]}" -O check "$(cat "$V/ip")" >/dev/null 2>&1 && return 0
  rm -f "$V/ssh"
  # The banner first: ssh's own attempts to reach a machine that boots block for seconds each.
  in_net bash -c "exec 3<>/dev/tcp/$(cat "$V/ip")/22 && read -t 5 -r line <&3 && [[ \$line == SSH* ]]" >/dev/null 2>&1 || return 1
  in_net setsid ssh "${options[@]}" -M -N -f "$(cat "$V/ip")" </dev/null >/dev/null 2>&1
}

run_in() {
  local options
  mapfile -t options < <(ssh_options)
  in_net ssh "${options[@]}" -o ControlMaster=no "$(cat "$V/ip")" "$(printf '%q ' env -i \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root LANG=C.UTF-8 \
    TERM="${TERM:-dumb}" "$@")"
}

cmd_exec() {
  need "$1"
  shift
  alive "$V/pid" >/dev/null || die "${V##*/} is not up"
  connect || die "${V##*/} does not answer"
  run_in "$@"
}

# ---- the ends ------------------------------------------------------------------------------------
wait_gone() {
  local end=$((SECONDS + 180))
  while alive "$V/pid" >/dev/null; do
    [ $SECONDS -lt $end ] || die "$1 is still up after 180 s"
    sleep 0.1
  done
  rm -f "$V/ssh"
}

hang_up() {
  local options
  [ -S "$V/ssh" ] || return 0
  mapfile -t options < <(ssh_options)
  in_net ssh "${options[@]}" -O exit "$(cat "$V/ip")" >/dev/null 2>&1
}

cmd_poweroff() {
  need "$1"
  run_in systemctl poweroff --no-block >/dev/null 2>&1
  hang_up
  wait_gone "$1"
}

cmd_reboot() {
  need "$1"
  run_in systemctl reboot --no-block >/dev/null 2>&1
  hang_up
  wait_gone "$1"
  boot "$1"
  wait_up "$1"
}

cmd_kill() {
  local pid
  need "$1"
  pid=$(alive "$V/pid") || die "$1 is not up"
  kill -9 "$pid"
  hang_up
  wait_gone "$1"
}

cmd_rm() {
  local pid
  need "$1"
  if pid=$(alive "$V/pid"); then
    kill -9 "$pid"
    wait_gone "$1"
  fi
  hang_up
  in_net ip link del "tap-$1" 2>/dev/null
  rm -rf --one-file-system "$V"
}

cmd_gc() {
  local dir
  for dir in "$W"/vm/*/; do
    V=${dir%/}
    [ -s "$V/owner" ] && ! alive "$V/owner" >/dev/null && (cmd_rm "${V##*/}")
  done
  return 0
}

cmd_clean() {
  local dir
  for dir in "$W"/vm/*/; do
    [ -d "$dir" ] && (cmd_rm "$(basename "$dir")")
  done
  return 0
}

cmd_list() {
  local dir
  for dir in "$W"/vm/*/; do
    V=${dir%/}
    [ -d "$V" ] || continue
    echo "${V##*/} $(cat "$V/ip") $(alive "$V/pid" >/dev/null && echo up || echo off)"
  done
}

main() {
  local command=${1:-} V
  [ $# -gt 0 ] && shift
  mkdir -p "$W/vm" || die "cannot make $W"
  W=$(cd "$W" && pwd)
  case $command in
    start | exec | poweroff | kill | reboot | rm)
      [ $# -ge 1 ] || die "$command: name of a virtual machine needed"
      "cmd_$command" "$@"
      ;;
    gc | clean | list) "cmd_$command" "$@" ;;
    log) need "$1"; cat "$V/console.log" ;;
    *)
      sed -n '2,/^# The machines are/{/^# The machines are/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
}
main "$@"
exit # one line is read at a time: the file may be edited while it runs
