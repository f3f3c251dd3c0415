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
  serve_on_net "$dir" docker-registry serve "$dir/config.yml"
}

auth() {
  local dir=$1
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/auth.key" -out "$dir/auth.crt" -days 2 \
    -subj /CN=tests 2>/dev/null
  serve_on_net "$dir" python3 "$BENCH_SCRIPTS/registry_auth.py" "$dir" "$BENCH_NET.1"
}

case ${1:-} in
  start | auth) "$1" "${2:?directory}" "${@:3}" ;;
  stop) stop_server "${2:?directory}" ;;
  *) sed -n '2,8s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
