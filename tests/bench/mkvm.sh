#!/bin/bash
# mkvm.sh: what virtual machines start from: a disk with the same Debian as the other hosts, its
# kernel, and an initrd. Made once; prints the directory, whose name holds the digest of this file
# and of mkroot.sh.
#
#   disk.img  vmlinuz  initrd  id (ssh key of root)
#
# The disk holds more than the other hosts: an ssh server, an SELinux policy, and labels on all
# files. What is in force is chosen at boot, on the kernel's command line (vm.sh). Packages that a
# test installs itself lie in /opt/debs/NAME, with all that they need.
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

packages=(openssh-server selinux-policy-default policycoreutils policycoreutils-python-utils selinux-utils)
later=(apparmor fapolicyd)
kernel=linux-image-cloud-amd64 # without firmware; has AppArmor, SELinux and ext4 built in

make_vm() {
  local dir=$1 root=$1/root
  rm -rf "$dir"
  mkdir -p "$dir"
  echo "making the disk of virtual machines, about a minute" >&2
  # A thousand lines that nobody reads, unless it fails.
  trap 'tail -n 20 "$dir/log" >&2; echo "mkvm.sh: the virtual machine could not be made: see above" >&2' EXIT
  cp -a "$("$BENCH_SCRIPTS/mkroot.sh" "$BENCH_SUITE")" "$root"
  {
    install_packages "$root"
    install_kernel "$dir"
    write_setup "$dir"
    # For a kernel without SELinux labels are plain attributes.
    setfiles -F -r "$root" "$root/etc/selinux/default/contexts/files/file_contexts" "$root"
    truncate -s 4G "$dir/disk.img"
    mke2fs -q -t ext4 -d "$root" "$dir/disk.img"
  } >"$dir/log" 2>&1
  trap - EXIT
  rm -rf --one-file-system "$root" "$dir/kernel" "$dir/tree"
}

install_packages() {
  local root=$1 name
  # Services must not start here, and names must be found while packages are fetched.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  cat /etc/resolv.conf >"$root/etc/resolv.conf"
  in_root "$root" apt-get -q update
  in_root "$root" apt-get -q install -y --no-install-recommends "${packages[@]}"
  for name in "${later[@]}"; do
    mkdir -p "$root/opt/debs/$name/partial"
    in_root "$root" apt-get -q install -y --no-install-recommends --download-only -o "Dir::Cache::archives=/opt/debs/$name" "$name"
    rm -rf "$root/opt/debs/$name"/{partial,lock}
  done
  in_root "$root" apt-get -q install -y --no-install-recommends --download-only "$kernel"
  mkdir "${root%/*}/kernel"
  mv "$root"/var/cache/apt/archives/linux-image-[0-9]*.deb "${root%/*}/kernel/"
  in_root "$root" apt-get clean
  rm -rf "$root"/var/lib/apt/lists/* "$root/usr/sbin/policy-rc.d"
  : >"$root/etc/resolv.conf"
}

in_root() {
  local root=$1
  shift
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# The kernel's modules go to the disk; the kernel, and an initrd with the disk's driver, stay outside.
install_kernel() {
  local dir=$1 root=$1/root tree=$1/tree ird=$1/tree/ird version number=10 module
  mkdir -p "$ird"/{bin,modules,dev,proc,sys,mnt}
  dpkg-deb -x "$dir"/kernel/*.deb "$tree"
  version=$(ls "$tree/lib/modules")
  cp "$tree/boot/vmlinuz-$version" "$dir/vmlinuz"
  mkdir -p "$root/lib/modules" "$root/boot" "$root/mnt/share"
  cp -a "$tree/lib/modules/$version" "$root/lib/modules/"
  cp "$tree/boot/config-$version" "$root/boot/"
  in_root "$root" depmod "$version"
  cp /bin/busybox "$ird/bin/"
  for module in $(
    for name in virtio_pci virtio_blk; do
      in_root "$root" modprobe -S "$version" --show-depends "$name"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
  ); do
    cp "$root/$module" "$ird/modules/$((number++))-${module##*/}"
  done
  cat >"$ird/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod "$module"; done
while [ ! -e /dev/vda ]; do sleep 0.05; done
mount -t ext4 /dev/vda /mnt || sh
umount /proc /sys
exec switch_root /mnt /sbin/init
INIT
  chmod 755 "$ird/init"
  (cd "$ird" && find . | cpio -o -H newc --quiet | gzip) >"$dir/initrd"
}

write_setup() {
  local dir=$1 root=$1/root unit
  rm -f "$root"/etc/systemd/system/sysinit.target.wants/bench-setup.service
  rm -f "$root"/etc/bench-setup* "$root"/etc/systemd/system/bench-setup.service "$root/etc/hostname"
  : >"$root/etc/machine-id"
  printf '127.0.0.1 localhost\n%s.1 benchhost\n' "$BENCH_NET" >"$root/etc/hosts"
  printf '/dev/vda / ext4 rw,relatime 0 1\n' >"$root/etc/fstab"
  printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' >"$root/etc/selinux/config"
  cat >"$root/etc/systemd/system/vm-setup.service" <<'UNIT'
[Unit]
Description=Test bench: address from the kernel's command line
DefaultDependencies=no
After=systemd-udev-trigger.service systemd-modules-load.service systemd-remount-fs.service
Before=network.target sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /usr/local/sbin/vm-setup

[Install]
WantedBy=sysinit.target
UNIT
  cat >"$root/usr/local/sbin/vm-setup" <<'SCRIPT'
modprobe virtio_net
for word in $(cat /proc/cmdline); do
  case $word in bench.address=*) address=${word#*=} ;; esac
done
until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done
ip link set lo up
ip link set eth0 up
ip addr replace "$address" dev eth0
SCRIPT
  ln -sf ../vm-setup.service "$root/etc/systemd/system/sysinit.target.wants/vm-setup.service"
  # What costs seconds under emulation, and no test needs.
  for unit in getty@tty1.service serial-getty@ttyS0.service e2scrub_reap.service systemd-pcrphase.service \
    systemd-pcrphase-sysinit.service systemd-update-utmp.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
  printf 'blacklist %s\n' kvm kvm_amd kvm_intel cryptd aesni_intel psmouse >"$root/etc/modprobe.d/bench.conf"
  rm -f "$root"/etc/ssh/ssh_host_*
  ssh-keygen -q -t ed25519 -N '' -f "$root/etc/ssh/ssh_host_ed25519_key"
  ssh-keygen -q -t ed25519 -N '' -f "$dir/id"
  install -d -m 700 "$root/root/.ssh"
  cp "$dir/id.pub" "$root/root/.ssh/authorized_keys"
}

dir=$BENCH_WORK/vmroots/$BENCH_SUITE.$(cat "$BENCH_SCRIPTS"/mk{root,vm}.sh | sha256sum | cut -c1-8)
mkdir -p "$BENCH_WORK/vmroots"
exec 8>"$BENCH_WORK/vmroots/lock"
flock 8
if [ ! -d "$dir" ]; then
  make_vm "$dir.tmp" >&2
  mv "$dir.tmp" "$dir"
fi
echo "$dir"
