#!/bin/bash
# run.sh [RUNS]: the figures that the documentation quotes, measured here and now against the same
# work done by hand, each run on a fresh host. Prints a table. Needs what `make deps` installs.
set -eu -o pipefail
cd "$(dirname "$0")/.."
tests/bench/mkroot.sh
tests/bench/mkbundle.sh >/dev/null
cargo build --release
exec python3 benches/install.py "${1:-5}" target/x86_64-unknown-linux-gnu/release/landfall "$(tests/bench/mkbundle.sh)"
