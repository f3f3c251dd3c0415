#!/bin/bash
# serve.sh start DIR WWW [CERTIFICATE KEY]: serves the files beneath WWW on the test network, see
#                        serve.py; its log and pid are kept in DIR. Prints HOST:PORT.
# serve.sh stop DIR
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

start() {
  local dir=$1 pid address end=$((SECONDS + 20))
  shift
  mkdir -p "$dir"
  : >"$dir/log"
  setsid "$BENCH_SCRIPTS/machine.sh" net python3 "$BENCH_SCRIPTS/serve.py" "$BENCH_NET.1" "$@" </dev/null >>"$dir/log" 2>&1 &
  pid=$!
  echo "$pid $(start_time $pid)" >"$dir/pid"
  while [ $SECONDS -lt $end ]; do
    address=$(sed -n '1s/^listening on //p' "$dir/log")
    if [ -n "$address" ]; then
      echo "$address"
      return 0
    fi
    alive "$dir/pid" >/dev/null || break
    sleep 0.05
  done
  cat "$dir/log" >&2
  die "the server did not start"
}

stop() {
  local pid
  pid=$(alive "$1/pid") || return 0
  kill "$pid"
  tail --pid="$pid" -f /dev/null
}

case ${1:-} in
  start) start "${2:?directory}" "${@:3}" ;;
  stop) stop "${2:?directory}" ;;
  *) sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
