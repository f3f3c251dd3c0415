#!/bin/bash
# mkvariant.sh VARIANT: a root like the usual one, with more in it; made once, never written
# afterwards. Prints the name that `machine.sh start --suite` takes for it.
#
#   debs  /srv/debs/SET/*.deb: Debian's packages that bring an engine or parts of one, each set
#         with all that it needs, for `dpkg -i /srv/debs/SET/*.deb`
#   rpm   looks like CentOS Stream 9: os-release, rpm with a database, dnf and yum; no dpkg, no
#         apt. /srv/rpms/*.rpm: packages that own what an engine's packages own
#
# The name holds the digest of this file, and machine.sh adds that of mkroot.sh: a changed recipe
# makes a new root.
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

variant=${1:-}
name=$BENCH_SUITE-$variant-$(sha256sum "${BASH_SOURCE[0]}" | cut -c1-8)
work=

# A root to write to: an overlay on the suite's, which knows where packages are.
open_root() {
  local base
  base=$("$BENCH_SCRIPTS/mkroot.sh" "$BENCH_SUITE")
  mkdir -p "$work"/{upper,work,root}
  mount -t overlay mkvariant -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work" "$work/root"
  cp -L /etc/resolv.conf "$work/root/etc/resolv.conf"
  cp /etc/hosts "$work/root/etc/hosts"
  # No service of a package starts in the chroot.
  printf '#!/bin/sh\nexit 101\n' >"$work/root/usr/sbin/policy-rc.d"
  chmod 755 "$work/root/usr/sbin/policy-rc.d"
  in_root 'apt-get -q update'
}

in_root() { DEBIAN_FRONTEND=noninteractive chroot "$work/root" sh -ec "$1"; }

close_root() {
  in_root 'rm -rf /var/cache/apt/archives/*.deb /var/cache/apt/*.bin /var/lib/apt/lists/* /usr/sbin/policy-rc.d; : >/etc/resolv.conf'
  cp -a "$work/root" "$root.tmp"
  umount "$work/root"
  mv "$root.tmp" "$root"
}

make_debs() {
  # Sets: name=packages. podman alone would bring crun; here it uses runc, as on EL 8.
  local set
  for set in docker.io='docker.io' runc='runc' podman='podman podman-docker runc'; do
    in_root "apt-get clean
      apt-get -q install -y --no-install-recommends --download-only ${set#*=}
      mkdir -p /srv/debs/${set%%=*}
      mv /var/cache/apt/archives/*.deb /srv/debs/${set%%=*}/"
  done
}

make_rpm() {
  in_root 'apt-get -q install -y --no-install-recommends rpm dnf'
  look_like_centos
  mkdir "$work/root/srv/rpms"
  package centos-stream-release 9.0 '' /usr/lib/os-release /etc/centos-release
  package docker-engine 18.09.0 '' /usr/bin/docker /usr/bin/dockerd /usr/bin/docker-proxy \
    /usr/bin/containerd /usr/bin/runc /usr/lib/systemd/system/docker.service
  package docker-ce 28.5.2 'docker-ce-cli containerd.io' /usr/bin/dockerd /usr/bin/docker-proxy \
    /usr/lib/systemd/system/docker.service /usr/lib/systemd/system/docker.socket
  package docker-ce-cli 28.5.2 '' /usr/bin/docker
  package containerd.io 1.7.28 '' /usr/bin/containerd /usr/bin/ctr /usr/bin/runc \
    /usr/lib/systemd/system/containerd.service
  package runc 1.2.5 '' /usr/bin/runc
  package podman 5.2.2 runc /usr/bin/podman
  package podman-docker 5.2.2 podman /usr/bin/docker
  package site-docker-config 1.0 '' /etc/docker/daemon.json
  # What is on a host from the start; the distribution's own files are there already.
  in_root 'rpm -i --force-debian --replacefiles /srv/rpms/centos-stream-release-*.rpm'
}

look_like_centos() {
  in_root '
    rm -f /etc/os-release /etc/debian_version
    cat >/usr/lib/os-release <<X
NAME="CentOS Stream"
VERSION="9"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="9"
PLATFORM_ID="platform:el9"
PRETTY_NAME="CentOS Stream 9"
X
    ln -s ../usr/lib/os-release /etc/os-release
    echo "CentOS Stream release 9" >/etc/centos-release
    # Debian points rpm at a database in the home directory.
    mkdir -p /etc/rpm /var/lib/rpm
    echo "%_dbpath /var/lib/rpm" >/etc/rpm/macros
    rpm --initdb
    printf "[main]\nenabled = false\n" >/etc/dnf/plugins/local.conf
    ln -sf dnf-3 /usr/bin/yum
    mkdir -p /usr/lib/systemd/system-preset
    echo "disable *" >/usr/lib/systemd/system-preset/99-default-disable.preset
    mkdir -p /usr/lib/debian
    mv /var/lib/dpkg /usr/lib/debian/database
    for program in apt apt-get apt-cache apt-mark dpkg dpkg-query; do
      mv /usr/bin/$program /usr/lib/debian/
    done'
}

# package NAME VERSION REQUIRES FILE...: builds an rpm of small files that do nothing.
package() {
  local name=$1 version=$2 requires=$3 file tree
  shift 3
  tree=/tmp/build/$name
  {
    printf 'Name: %s\nVersion: %s\nRelease: 1.el9\nSummary: stand-in\n' "$name" "$version"
    printf 'License: none\nBuildArch: noarch\nAutoReqProv: no\n'
    [ -z "$requires" ] || echo "Requires: $requires"
    printf '%%description\nstand-in\n%%files\n'
    for file; do
      case $file in /etc/docker/*) echo "%config(noreplace) $file" ;; *) echo "$file" ;; esac
    done
  } >"$work/root/tmp/$name.spec"
  in_root "mkdir -p $tree; cd $tree
    for file in $*; do
      mkdir -p .\${file%/*}
      case \$file in
        *.service) printf '[Service]\nExecStart=/bin/sleep infinity\n' ;;
        *.socket) printf '[Socket]\nListenStream=/run/docker.sock\n' ;;
        *.json) printf '{\"debug\": true}\n' ;;
        /usr/lib/os-release | /etc/centos-release) cat \$file ;;
        *) printf '#!/bin/sh\necho %s of a package\n' \${file##*/} ;;
      esac >.\$file
      case \$file in /usr/bin/*) chmod 755 .\$file ;; esac
    done
    cd /
    rpmbuild -bb --quiet --define '_rpmdir /tmp/rpms' --define '_topdir /tmp/top' \
      --define '__os_install_post %{nil}' --buildroot $tree /tmp/$name.spec
    mv /tmp/rpms/noarch/*.rpm /srv/rpms/
    rm -rf /tmp/build /tmp/top /tmp/rpms /tmp/$name.spec"
}

clean_up() {
  if mountpoint -q "$work/root"; then umount "$work/root"; fi
  rm -rf --one-file-system "$work"
}

case $variant in
  debs | rpm) ;;
  *) die "which variant? debs or rpm" ;;
esac
root=$(root_of "$name")
mkdir -p "$BENCH_WORK/roots"
exec 8>"$BENCH_WORK/roots/$BENCH_SUITE-$variant.lock"
flock 8 # two runs that find no root must not both make it
if [ ! -d "$root" ]; then
  work=$(mktemp -d "$BENCH_WORK/roots/work.XXXXXX")
  trap clean_up EXIT
  {
    rm -rf --one-file-system "$root.tmp"
    open_root
    "make_$variant"
    close_root
  } >&2
fi
echo "$name"
