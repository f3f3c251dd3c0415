# shellcheck shell=bash
# Settings that the scripts of the test bench share; sourced, never run.
#
#   LANDFALL_BENCH_DIR   where roots, bundles and machines are kept between runs
#   BENCH_NS             name of the network namespace that holds the bridge of the test hosts
#   BENCH_NET            first three octets of the test network
#   BENCH_MIRROR         Debian mirror for debootstrap (empty: debootstrap's own default)
#   BENCH_SUITE          suite of the hosts that are booted unless a test asks for another
BENCH_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BENCH_WORK=${LANDFALL_BENCH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/landfall/bench}
BENCH_NS=${BENCH_NS:-landfall-bench}
BENCH_NET=${BENCH_NET:-10.77.0}
BENCH_MIRROR=${BENCH_MIRROR:-}
BENCH_SUITE=${BENCH_SUITE:-bookworm}
export BENCH_SCRIPTS BENCH_WORK BENCH_NS BENCH_NET BENCH_MIRROR BENCH_SUITE

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# read_options "NAME..." ARGUMENT...: puts what stands behind --NAME into the caller's variable NAME,
# and all that stands behind "--" into its array rest.
read_options() {
  local known=" $1 " name
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    name=${1#--}
    [ "$1" != "$name" ] && [[ $known == *" $name "* ]] && [ $# -gt 1 ] || die "option $1: unknown, or without a value"
    printf -v "$name" %s "$2"
    shift 2
  done
  # shellcheck disable=SC2034  # the caller's
  rest=("${@:2}")
}

# start_time PID: when a process began, in clock ticks since boot. Pids are used again, so a
# process is known by pid and start time together. Prints nothing for a zombie: some machines'
# PID 1 reaps orphans late, and a zombie does not run any more.
start_time() {
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'
}

# alive FILE: prints the pid of FILE ("pid start-time") if that very process still runs.
alive() {
  local pid started
  [ -s "$1" ] || return 1
  read -r pid started <"$1"
  [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

# root_of SUITE: where mkroot.sh puts the root file system of a suite.
root_of() {
  echo "$BENCH_WORK/roots/$1.$(sha256sum "$BENCH_SCRIPTS/mkroot.sh" | cut -c1-8)"
}

# free_address FIRST: an address of the test network that no host and no virtual machine has. The
# caller holds the lock of $BENCH_WORK until it has written it down.
free_address() {
  local n
  for n in $(seq "$1" 250); do
    grep -qsx "$BENCH_NET.$n" "$BENCH_WORK"/{m,vm}/*/ip || { echo "$BENCH_NET.$n"; return 0; }
  done
  die "no free address left in $BENCH_NET.0/24"
}

# serve_on_net DIR COMMAND...: runs a server on the test network, with its log and pid in DIR. Prints
# HOST:PORT, which the server says in its log ("listening on ...") or, the port, in DIR/port.
serve_on_net() {
  local dir=$1 pid address end=$((SECONDS + 20))
  shift
  mkdir -p "$dir"
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

# stop_server DIR: ends the server of DIR, and waits for it.
stop_server() {
  local pid
  pid=$(alive "$1/pid") || return 0
  kill "$pid"
  tail --pid="$pid" -f /dev/null
}
