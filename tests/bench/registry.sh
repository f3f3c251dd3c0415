#!/bin/bash
# registry.sh start DIR: Debian's docker-registry on the test network, without TLS; its blobs, log
#                        and pid are kept in DIR. Prints HOST:PORT: a free port, so that the
#                        registries of several test runs do not meet.
# registry.sh stop DIR
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

start() {
  local dir=$1 pid address end=$((SECONDS + 20))
  mkdir -p "$dir/data"
  cat >"$dir/config.yml" <<YAML
version: 0.1
log: {level: info, accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: $dir/data}, delete: {enabled: true}}
http: {addr: "$BENCH_NET.1:0"}
YAML
  : >"$dir/log"
  setsid "$BENCH_SCRIPTS/machine.sh" net docker-registry serve "$dir/config.yml" </dev/null >>"$dir/log" 2>&1 &
  pid=$!
  echo "$pid $(start_time $pid)" >"$dir/pid"
  while [ $SECONDS -lt $end ]; do
    address=$(grep -o -m1 "listening on $BENCH_NET.1:[0-9]*" "$dir/log" || true)
    if [ -n "$address" ]; then
      echo "${address##* }"
      return 0
    fi
    alive "$dir/pid" >/dev/null || break
    sleep 0.05
  done
  cat "$dir/log" >&2
  die "docker-registry did not start"
}

stop() {
  local pid
  pid=$(alive "$1/pid") || return 0
  kill "$pid"
  tail --pid="$pid" -f /dev/null
}

case ${1:-} in
  start | stop) "$1" "${2:?directory}" ;;
  *) sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
