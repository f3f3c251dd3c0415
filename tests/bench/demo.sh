#!/bin/bash
# demo.sh: Landfall from end to end on a disposable host. Shows each command before it runs.
# Called by `make demo` once the program is built; argument: the landfall binary.
set -eu -o pipefail
# shellcheck source=tests/bench/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

landfall=$(realpath "${1:?path of the landfall binary}")
machine=$BENCH_SCRIPTS/machine.sh
name=demo$(printf %x $$)

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }

# Runs a command in the demo's host, and shows it first as a user there would type it.
on_host() {
  local word shown=''
  for word in "$@"; do
    [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]] || word=${word@Q}
    shown+=" $word"
  done
  printf '\033[1mroot@demo:~#%s\033[0m\n' "$shown"
  "$machine" exec "$name" "$@"
}

clean_up() {
  if [ -d "$BENCH_WORK/m/$name" ]; then "$machine" rm "$name"; fi
  rm -rf "$share"
}

started=$SECONDS
say "A Docker archive in the layout that download.docker.com publishes, made from Debian's packages"
bundle=$("$BENCH_SCRIPTS/mkbundle.sh")
mkdir -p "$BENCH_WORK/run"
share=$(mktemp -d "$BENCH_WORK/run/demo.XXXXXX")
trap clean_up EXIT
echo "$$ $(start_time $$)" >"$share/owner"
cp "$landfall" "$share/landfall"
cp "$bundle" "$share/"
"$BENCH_SCRIPTS/mkimage.py" "$share/busybox.tar" busybox:demo
archive=/media/usb/$(basename "$bundle")
(cd "$share" && sha256sum "$(basename "$bundle")" | tee "$(basename "$bundle").sha256")

say "A fresh host that boots its own systemd and has no way to the internet"
"$BENCH_SCRIPTS/mkroot.sh" >/dev/null
"$machine" start "$name" --owner $$ -- --bind-ro="$share:/media/usb"
"$machine" exec "$name" ln -s /media/usb/landfall /usr/local/bin/landfall
on_host ip route
on_host sh -c 'command -v docker || echo "docker is not installed"'

say "What would be done"
on_host landfall plan --offline "$archive" --image /media/usb/busybox.tar

say "Install"
on_host landfall install --offline "$archive" --image /media/usb/busybox.tar

say "Docker works"
on_host docker version
on_host docker run --rm busybox:demo echo "hello from a container"

say "A second run finds nothing to do"
on_host landfall install --offline "$archive" --image /media/usb/busybox.tar

say "Status"
on_host landfall status

say "And back"
on_host landfall uninstall --purge data --yes
on_host sh -c 'command -v docker || echo "docker is not installed"'

say "Done in $((SECONDS - started)) s. The host is removed."
