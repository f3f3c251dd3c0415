#!/bin/sh
# lifecycle.sh LANDFALL ARCHIVE [IMAGE]: the whole life of an installation on the host it runs on,
# as root: plan, install, again, changed, used, uninstalled. Ends with status 0 if every step did
# what it should. It needs nothing but a POSIX shell, systemd and coreutils, so that the same
# script runs on the test hosts (tests/it/scenarios.rs) and on real distributions (vagrant/).
#   ARCHIVE   docker-<version>.tgz; its digest is taken from ARCHIVE.sha256, if that is there
#   IMAGE     a `docker save` archive of busybox:test, to run a container of
set -eu
landfall=$1 archive=$2 image=${3:-}

fail() {
  echo "lifecycle.sh: $*" >&2
  exit 1
}
step() { echo "--- $*"; }
# Exit codes count, so that a plan with nothing to do is told from one with changes.
code_of() {
  status=0
  "$@" >/tmp/lifecycle.out 2>&1 || status=$?
  echo "$status"
}
digest_of() { sha256sum "$1" | cut -d' ' -f1; }

install() {
  "$landfall" install --yes --offline "$archive" --registry-mirror "$1" ${image:+--image "$image"}
}

step "plan: there is something to do, and nothing is changed"
[ "$(code_of "$landfall" plan --detailed-exitcode --offline "$archive")" = 10 ] ||
  fail "plan: $(cat /tmp/lifecycle.out)"
[ ! -e /usr/bin/dockerd ] || fail "plan installed something"

step "install"
install https://one.example.internal
for unit in containerd.service docker.socket docker.service; do
  [ "$(systemctl is-active "$unit")" = active ] || fail "$unit is not active"
  [ "$(systemctl is-enabled "$unit")" = enabled ] || fail "$unit is not enabled"
done
[ "$(stat -c '%a %U:%G' /run/docker.sock)" = "660 root:docker" ] || fail "permissions of the socket"
docker info >/dev/null || fail "docker info"
if [ -n "$image" ]; then
  [ "$(docker run --rm busybox:test echo hello)" = hello ] || fail "docker run"
fi

step "again: nothing to do"
pid=$(systemctl show -p MainPID docker.service)
daemon_json=$(digest_of /etc/docker/daemon.json)
install https://one.example.internal
[ "$(systemctl show -p MainPID docker.service)" = "$pid" ] || fail "the second run restarted docker"
[ "$(digest_of /etc/docker/daemon.json)" = "$daemon_json" ] || fail "the second run wrote daemon.json"

step "another mirror: a reload"
install https://two.example.internal
[ "$(systemctl show -p MainPID docker.service)" = "$pid" ] || fail "another mirror restarted docker"
docker info --format '{{.RegistryConfig.Mirrors}}' | grep -q https://two.example.internal ||
  fail "docker does not know the mirror"

step "status"
"$landfall" status

step "uninstall"
"$landfall" uninstall --yes --purge data
for path in /usr/bin/dockerd /usr/bin/docker /etc/docker /var/lib/docker /var/lib/landfall \
  /etc/systemd/system/docker.service /run/docker.sock; do
  [ ! -e "$path" ] || fail "$path is left"
done
if getent group docker >/dev/null; then fail "group docker is left"; fi
if ip link show docker0 >/dev/null 2>&1; then fail "docker0 is left"; fi

step "done"
