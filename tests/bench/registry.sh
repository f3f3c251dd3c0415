#!/bin/bash
# registry.sh start DIR [PORT]: Debian's docker-registry on the test network; its blobs (DIR/data),
#                        log and pid are kept in DIR. With DIR/tls.crt and DIR/tls.key it speaks TLS;
#                        DIR/more.yml is added to its configuration. Prints HOST:PORT: a free port,
#                        if none is named, so that the registries of several test runs do not meet.
# registry.sh auth DIR   a token server for registries (registry_auth.py). Prints HOST:PORT
# registry.sh stop DIR
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# Runs it on the test network, until its address turns up.
serve() {
  local dir=$1 pid address end=$((SECONDS + 20))
  shift
  : >"$dir/log"
  rm -f "$dir/port"
  setsid "$BENCH_SCRIPTS/machine.sh" net "$@" </dev/null >>"$dir/log" 2>&1 &
  pid=$!
  echo "$pid $(start_time $pid)" >"$dir/pid"
  while [ $SECONDS -lt $end ]; do
    address=$(grep -o -m1 "listening on $BENCH_NET.1:[0-9]*" "$dir/log" || true)
    if [ -s "$dir/port" ]; then
      address=$BENCH_NET.1:$(cat "$dir/port")
    fi
    if [ -n "$address" ]; then
      echo "${address##* }"
      return 0
    fi
    alive "$dir/pid" >/dev/null || break
    sleep 0.05
  done
  cat "$dir/log" >&2
  die "$1 did not start"
}

start() {
  local dir=$1 tls=''
  [ -e "$dir/data" ] || mkdir -p "$dir/data"
  [ ! -e "$dir/tls.crt" ] || tls=", tls: {certificate: $dir/tls.crt, key: $dir/tls.key}"
  cat >"$dir/config.yml" <<YAML
version: 0.1
log: {level: info, accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: $dir/data}, delete: {enabled: true}}
http: {addr: "$BENCH_NET.1:${2:-0}"$tls}
YAML
  [ ! -e "$dir/more.yml" ] || cat "$dir/more.yml" >>"$dir/config.yml"
  serve "$dir" docker-registry serve "$dir/config.yml"
}

auth() {
  local dir=$1
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/auth.key" -out "$dir/auth.crt" -days 2 \
    -subj /CN=tests 2>/dev/null
  serve "$dir" python3 "$BENCH_SCRIPTS/registry_auth.py" "$dir" "$BENCH_NET.1"
}

stop() {
  local pid
  pid=$(alive "$1/pid") || return 0
  kill "$pid"
  tail --pid="$pid" -f /dev/null
}

case ${1:-} in
  start | auth | stop) "$1" "${2:?directory}" "${@:3}" ;;
  *) sed -n '2,8s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
