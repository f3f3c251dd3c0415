#!/bin/bash
# mkrepos.sh: repositories of packages in upstream's layout and names, for dnf and for apt, signed with
# a key of their own. Made once; prints the directory that a web server gives out as the root of a
# mirror. The packages hold the programs of mkbundle.sh, and scripts as upstream's have them.
#
#   linux/debian/{gpg,dists/SUITE}        for bookworm, bullseye and trixie
#   linux/centos/{gpg,9/x86_64/stable}    for the host that looks like CentOS Stream 9
#     docker-ce 20.10.5, 20.10.24 (not for bullseye: its C library is too old) and 28.5.2, which is
#     only a few bytes and whose daemon does not start; containerd.io 1.4.13 and 1.6.20; pigz, which
#     docker-ce needs
#   fingerprint                           of that key
#   base/bash.rpm                         what the packages' scripts need and the host has not got
# and beside it the same as other mirrors would have it:
#   other-key/    the keys of somebody else, packages and indexes as above
#   two-keys/     somebody else's key was added
#   resigned/     the right key, but somebody else signed the index (apt) and the packages (dnf)
#   expired/      the index says that it is not valid any more (apt; dnf's has no such date)
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

digest=$(sha256sum "${BASH_SOURCE[0]}" "$BENCH_SCRIPTS/mkbundle.sh" | sha256sum | cut -c1-8)
out=$BENCH_WORK/repos.$digest
suites=(bookworm bullseye trixie)
work=

# ------------------------------------------------------------------ what the packages hold

units() { # DIRECTORY NAME...: units much as upstream's packages have them
  local directory=$1
  shift
  mkdir -p "$directory"
  local unit
  for unit; do
    case $unit in
      containerd.service) printf '[Unit]\nAfter=network.target\n[Service]\nType=notify\nExecStart=/usr/bin/containerd\nDelegate=yes\nKillMode=process\nRestart=always\nRestartSec=5\n[Install]\nWantedBy=multi-user.target\n' ;;
      docker.socket) printf '[Socket]\nListenStream=/run/docker.sock\nSocketMode=0660\nSocketUser=root\nSocketGroup=docker\n[Install]\nWantedBy=sockets.target\n' ;;
      docker.service) printf '[Unit]\nAfter=network-online.target containerd.service docker.socket\nWants=network-online.target containerd.service\nRequires=docker.socket\n[Service]\nType=notify\nExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock\nExecReload=/bin/kill -s HUP $MAINPID\nRestart=always\nRestartSec=2\nDelegate=yes\nKillMode=process\n[Install]\nWantedBy=multi-user.target\n' ;;
    esac >"$directory/$unit"
  done
}

stage() { # VERSION: $work/stage/VERSION/{ce,cli,ctd}
  local s=$work/stage/$1 suite=bookworm tree
  mkdir -p "$s"/{ce,cli,ctd}/usr/bin "$s/ctd/etc/containerd" "$s/pigz/usr/share/doc/pigz"
  units "$s/ce/usr/lib/systemd/system" docker.service docker.socket
  units "$s/ctd/usr/lib/systemd/system" containerd.service
  printf 'disabled_plugins = ["cri"]\n' >"$s/ctd/etc/containerd/config.toml"
  echo stand-in >"$s/pigz/usr/share/doc/pigz/copyright"
  if [ "$1" = 28.5.2 ]; then
    printf '#!/bin/sh\necho this daemon does not start >&2\nexit 1\n' >"$s/ce/usr/bin/dockerd"
    printf '#!/bin/sh\necho Docker version 28.5.2\n' >"$s/cli/usr/bin/docker"
    chmod 755 "$s"/*/usr/bin/*
    return
  fi
  [ "$1" != 20.10.5 ] || suite=bullseye
  tree=$work/tree-$1
  mkdir "$tree"
  tar -C "$tree" -xzf "$("$BENCH_SCRIPTS/mkbundle.sh" "$suite")"
  cp "$tree"/docker/{dockerd,docker-proxy,docker-init} "$s/ce/usr/bin/"
  cp "$tree/docker/docker" "$s/cli/usr/bin/"
  cp "$tree"/docker/{containerd,containerd-shim-runc-v2,ctr,runc} "$s/ctd/usr/bin/"
}

# containerd.io has versions of its own: containerd_of DOCKER
containerd_of() {
  case $1 in 20.10.5) echo 1.4.13 ;; *) echo 1.6.20 ;; esac
}

# ------------------------------------------------------------------ deb

deb() { # STAGED NAME VERSION FIELDS [UNITS]
  local d=$work/deb units=${5:-}
  rm -rf "$d"
  cp -a "$1" "$d"
  mkdir "$d/DEBIAN"
  printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: bench <bench@example.invalid>\nDescription: stand-in\n%b' \
    "$2" "$3" "$4" >"$d/DEBIAN/control"
  [ ! -d "$d/etc" ] || (cd "$d" && find etc -type f -printf '/%p\n') >"$d/DEBIAN/conffiles"
  if [ -n "$units" ]; then
    # As debhelper writes them.
    cat >"$d/DEBIAN/postinst" <<S
#!/bin/sh
set -e
[ "\$1" = configure ] || exit 0
$([ "$2" != docker-ce ] || echo 'getent group docker >/dev/null || groupadd --system docker')
for unit in $units; do
  deb-systemd-helper unmask \$unit >/dev/null || true
  if deb-systemd-helper --quiet was-enabled \$unit; then
    deb-systemd-helper enable \$unit >/dev/null || true
  else
    deb-systemd-helper update-state \$unit >/dev/null || true
  fi
done
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
  if [ -n "\$2" ]; then action=restart; else action=start; fi
  deb-systemd-invoke \$action $units >/dev/null || true
fi
S
    cat >"$d/DEBIAN/prerm" <<S
#!/bin/sh
set -e
if [ -d /run/systemd/system ] && [ "\$1" = remove ]; then deb-systemd-invoke stop $units >/dev/null || true; fi
S
    cat >"$d/DEBIAN/postrm" <<S
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl --system daemon-reload >/dev/null || true; fi
if [ "\$1" = purge ]; then for unit in $units; do deb-systemd-helper purge \$unit >/dev/null || true; done; fi
S
    chmod 755 "$d"/DEBIAN/p*
  fi
  dpkg-deb -Zgzip -z1 --root-owner-group -b "$d" "$work/www/linux/debian/pool/$2_${3#*:}_amd64.deb" >/dev/null
}

make_debs() { # VERSION
  local s=$work/stage/$1 ctd
  ctd=$(containerd_of "$1")
  local not_with='Conflicts: docker, docker.io\nReplaces: docker, docker.io\n'
  [ "$1" = 28.5.2 ] || deb "$s/ctd" containerd.io "$ctd-1~debian" 'Provides: containerd, runc\nConflicts: containerd, runc\nReplaces: containerd, runc\n' containerd.service
  deb "$s/cli" docker-ce-cli "5:$1-1~debian" "$not_with"
  deb "$s/ce" docker-ce "5:$1-1~debian" "Depends: containerd.io (>= $ctd), docker-ce-cli, pigz\n$not_with" 'docker.service docker.socket'
}

release() { # DIRECTORY SUITE KEY [APT-FTPARCHIVE-OPTION...]: index and signature of dists/SUITE
  local directory=$1 suite=$2 key=$3
  shift 3
  (
    cd "$directory"
    rm -f InRelease Release Release.gpg
    local o=APT::FTPArchive::Release
    apt-ftparchive -o $o::Origin=Docker -o $o::Label='Docker CE' -o $o::Suite="$suite" -o $o::Codename="$suite" \
      -o $o::Components=stable -o $o::Architectures=amd64 "$@" release . >"$work/Release"
    mv "$work/Release" Release
    gpg --batch --yes -u "$key" --clearsign -o InRelease Release
    gpg --batch --yes -u "$key" -abs -o Release.gpg Release
  )
}

apt_repository() {
  local suite debian=$work/www/linux/debian
  (cd "$debian" && apt-ftparchive packages pool) >"$work/Packages"
  for suite in "${suites[@]}"; do
    local index=$debian/dists/$suite/stable/binary-amd64
    mkdir -p "$index"
    # Not for bullseye: its C library is too old.
    awk -v RS= -v ORS='\n\n' -v suite="$suite" '!(suite == "bullseye" && /Version: (5:20.10.24|1.6.20)/)' "$work/Packages" >"$index/Packages"
    gzip -9nkf "$index/Packages"
    release "$debian/dists/$suite" "$suite" "$own"
  done
}

# ------------------------------------------------------------------ rpm

rpm_package() { # STAGED NAME EPOCH VERSION FIELDS [UNITS]
  local spec=$work/$2.spec units=${6:-}
  {
    printf 'Name: %s\nEpoch: %s\nVersion: %s\nRelease: 1.el9\nSummary: stand-in\nLicense: none\nAutoReqProv: no\n%b' "$2" "$3" "$4" "$5"
    printf '%%description\nstand-in\n'
    [ "$2" != docker-ce ] || printf '%%pre\ngetent group docker >/dev/null || groupadd --system docker\n'
    if [ -n "$units" ]; then
      # As systemd-rpm-macros write them.
      # shellcheck disable=SC2016 # the scripts' own
      printf '%%post\nif [ $1 -eq 1 ]; then systemctl --no-reload preset %s || :; fi\n%%preun\nif [ $1 -eq 0 ]; then systemctl --no-reload disable --now %s || :; fi\n%%postun\nif [ $1 -ge 1 ]; then systemctl try-restart %s || :; fi\n' "$units" "$units" "$units"
    fi
    echo '%files'
    (cd "$1" && find . -path './usr/*' -type f -printf '/%P\n')
    (cd "$1" && find . -type d \( -path './usr/share/doc/*' -o -path './etc/*' \) -printf '%%dir /%P\n')
    [ ! -d "$1/etc" ] || (cd "$1" && find etc -type f -printf '%%config(noreplace) /%p\n')
  } >"$spec"
  rm -rf "$work/buildroot"
  cp -a "$1" "$work/buildroot" # rpmbuild empties it after use
  rpmbuild -bb --quiet --target x86_64 --define "_topdir $work/top" --define "_rpmdir $work/rpms" \
    --define '_binary_payload w1.gzdio' --define '__os_install_post %{nil}' --define 'debug_package %{nil}' \
    --define '_build_id_links none' --buildroot "$work/buildroot" "$spec"
}

make_rpms() { # VERSION
  local s=$work/stage/$1 ctd
  ctd=$(containerd_of "$1")
  [ "$1" = 28.5.2 ] || rpm_package "$s/ctd" containerd.io 0 "$ctd" 'Provides: containerd, runc\nObsoletes: containerd, runc\nConflicts: containerd, runc\n' containerd.service
  rpm_package "$s/cli" docker-ce-cli 1 "$1" 'Conflicts: docker, docker-io\n'
  rpm_package "$s/ce" docker-ce 3 "$1" "Requires: docker-ce-cli, containerd.io >= $ctd, pigz\nObsoletes: docker-engine\nConflicts: docker, docker-io, podman-docker\n" 'docker.service docker.socket'
}

dnf_repository() { # KEY DIRECTORY RPM...
  local key=$1 packages=$2/Packages
  mkdir -p "$packages"
  cp "${@:3}" "$packages/"
  rpmsign --define "_gpg_name $key" --define '__gpg /usr/bin/gpg' --addsign "$packages"/*.rpm >/dev/null
  createrepo_c -q "$2"
}

# ------------------------------------------------------------------ other mirrors

other_mirrors() {
  local www=$work/www mirror family
  for mirror in other-key two-keys resigned expired; do
    for family in debian centos; do
      mkdir -p "$www/$mirror/linux/$family"
      cp "$www/linux/$family/gpg" "$www/$mirror/linux/$family/gpg"
    done
    ln -s ../../../linux/debian/pool "$www/$mirror/linux/debian/pool"
    cp -r "$www/linux/debian/dists" "$www/$mirror/linux/debian/dists"
    [ $mirror = resigned ] || ln -s ../../../linux/centos/9 "$www/$mirror/linux/centos/9"
  done
  gpg --batch --armor --export "$other" | tee "$www"/other-key/linux/{debian,centos}/gpg >/dev/null
  gpg --batch --armor --export "$own" "$other" | tee "$www"/two-keys/linux/{debian,centos}/gpg >/dev/null
  for suite in "${suites[@]}"; do
    release "$www/resigned/linux/debian/dists/$suite" "$suite" "$other"
    release "$www/expired/linux/debian/dists/$suite" "$suite" "$own" -o APT::FTPArchive::Release::ValidTime=-86400
    sed -i '/^Valid-Until:/d; s/^Date:.*/&\nValid-Until: Sun, 01 Jan 2023 00:00:00 UTC/' "$www/expired/linux/debian/dists/$suite/Release"
    gpg --batch --yes -u "$own" --clearsign -o "$www/expired/linux/debian/dists/$suite/InRelease" "$www/expired/linux/debian/dists/$suite/Release"
    rm "$www/expired/linux/debian/dists/$suite/Release.gpg"
  done
  dnf_repository "$other" "$www/resigned/linux/centos/9/x86_64/stable" "$work"/rpms/x86_64/{docker-ce,docker-ce-cli}-28.5.2-*.rpm "$work"/rpms/x86_64/{containerd.io-1.6.20,pigz}-*.rpm
}

clean_up() {
  gpgconf --kill all 2>/dev/null || true
  rm -rf --one-file-system "$work"
}

mkdir -p "$BENCH_WORK"
exec 8>"$BENCH_WORK/repos.lock"
flock 8 # two runs that find none must not both make them
if [ ! -d "$out" ]; then
  work=$(mktemp -d "$BENCH_WORK/repos-work.XXXXXX")
  trap clean_up EXIT
  export GNUPGHOME=$work/gpg
  own='Bench (own) <own@example.invalid>' other='Somebody else <other@example.invalid>'
  {
    mkdir -m 700 "$GNUPGHOME"
    mkdir -p "$work"/www/linux/{debian/pool,centos}
    for key in "$own" "$other"; do gpg --batch --quiet --passphrase '' --quick-generate-key "$key" rsa2048 sign never; done
    for version in 20.10.5 20.10.24 28.5.2; do
      stage $version
      make_debs $version
      make_rpms $version
    done
    deb "$work/stage/28.5.2/pigz" pigz 2.8-1 ''
    rpm_package "$work/stage/28.5.2/pigz" pigz 0 2.8 ''
    mkdir "$work/nothing" "$work/www/base"
    rpm_package "$work/nothing" bash 0 5.1.8 'Provides: /bin/sh\n'
    mv "$work"/rpms/x86_64/bash-*.rpm "$work/www/base/bash.rpm"
    apt_repository
    dnf_repository "$own" "$work/www/linux/centos/9/x86_64/stable" "$work"/rpms/x86_64/*.rpm
    gpg --batch --armor --export "$own" | tee "$work"/www/linux/{debian,centos}/gpg >/dev/null
    gpg --batch --with-colons --list-keys "$own" | awk -F: '$1 == "fpr" { print $10; exit }' >"$work/www/fingerprint"
    other_mirrors
    chmod -R a+rX "$work/www"
  } >&2
  rm -rf "$out.tmp"
  mv "$work/www" "$out.tmp"
  mv "$out.tmp" "$out"
fi
echo "$out"
