#!/bin/bash
# run.sh [RUNS]: the figures that the documentation quotes, measured here and now against the same
# work done by hand, each run on a fresh host. Prints a table. Needs what `make deps` installs.
set -eu -o pipefail
cd "$(dirname "$0")/.."
tests/bench/mkroot.sh
tests/bench/mkbundle.sh >/dev/null
cargo build --release
program=${CARGO_TARGET_DIR:-target}/x86_64-unknown-linux-gnu/release/landfall
python3 benches/install.py "${1:-5}" "$program" "$(tests/bench/mkbundle.sh)"
tests/bench/mkroot.sh trixie
old=$(tests/bench/mkbundle.sh bookworm) new=$(tests/bench/mkbundle.sh trixie)
python3 benches/migrate.py "${1:-5}" "$program" "$old" bookworm
exec python3 benches/upgrade.py "${1:-5}" "$program" "$old" "$new" trixie
