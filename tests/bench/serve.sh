#!/bin/bash
# serve.sh start DIR WWW [CERTIFICATE KEY]: serves the files beneath WWW on the test network, see
#                        serve.py; its log and pid are kept in DIR. Prints HOST:PORT.
# serve.sh stop DIR
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

case ${1:-} in
  start) serve_on_net "${2:?directory}" python3 "$BENCH_SCRIPTS/serve.py" "$BENCH_NET.1" "${@:3}" ;;
  stop) stop_server "${2:?directory}" ;;
  *) sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
