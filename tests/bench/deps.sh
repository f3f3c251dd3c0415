#!/bin/bash
# deps.sh: installs what the build, the tests and the demo need, on a Debian-like machine, as root.
# Quick when everything is there. Rust is expected to be present.
#   deps.sh --check   installs nothing; says what is missing
set -eu -o pipefail

packages=(
  gcc libc6-dev make                            # linking the static binary
  debootstrap systemd-container                 # test hosts: their root, and systemd-nspawn
  debian-archive-keyring e2fsprogs iproute2 mount util-linux
  busybox-static python3                        # test image, snapshots of hosts
  docker-registry openssl                       # registry on the test network, its token server
  skopeo                                        # another program's view of images
  rpm createrepo-c gpg dpkg-dev apt-utils       # repositories of packages on it
  strace shellcheck groff-base
  minisign                                      # the reference for signatures
  qemu-system-x86 qemu-utils cpio openssh-client # virtual machines
  policycoreutils attr                          # SELinux labels of images
)

die() {
  echo "deps.sh: $*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || die "must run as root: the test hosts are containers with a systemd of their own"
command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
  die "this is not a Debian-like machine (no dpkg, no apt-get). Install by hand what provides: ${packages[*]}"

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ "${1:-}" = --check ]; then
  [ ${#missing[@]} = 0 ] || die "not installed: ${missing[*]}"
  exit 0
fi
if [ ${#missing[@]} -gt 0 ]; then
  echo "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # A service of a package that comes along (docker-registry) must not start on this machine.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
  fi
  apt-get -q update
  apt-get -q install -y --no-install-recommends "${missing[@]}"
fi

command -v cargo >/dev/null || die "no cargo in PATH. Install Rust (rustup, or your distribution's packages), then run this again"
for component in fmt clippy; do
  cargo "$component" --version >/dev/null 2>&1 || die "cargo $component is missing: rustup component add ${component/fmt/rustfmt}"
done
