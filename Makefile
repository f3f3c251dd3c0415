# What a newcomer and the CI run. Everything here needs root on a Debian-like machine, because the
# end-to-end tests boot disposable hosts; see tests/bench/README.md.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
BENCH := tests/bench
SCRIPTS := $(wildcard tests/bench/*.sh tests/scenarios/*.sh benches/*.sh .ci/run)

# The embedded engine, which nothing enables yet. What makes containers is tested in a host.
ENGINE_TEST := cargo test -p landfall-engine --features daemon
ON_HOST := CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER=$(CURDIR)/$(BENCH)/on_host.sh

# Hosts wait for their disks and daemons more than they compute: a few more than there are cores.
export RUST_TEST_THREADS ?= 4

.PHONY: help deps build roots test-build lint test test-full demo bench clean-bench

help:
	@echo "make demo       see it work: install, run a container, uninstall, on a disposable host"
	@echo "make test       format, lints, unit, golden and end-to-end tests"
	@echo "make test-full  the same, and what takes long"
	@echo "make build      target/*/debug/landfall"
	@echo "make bench      the figures that the documentation quotes"
	@echo "make deps       install what all of these need"
	@echo "make clean-bench  remove test hosts that are left, their roots and bundles"

deps:
	$(BENCH)/deps.sh

build:
	cargo build

# The root of the test hosts and the archive for them: mostly downloads, made while cargo builds.
roots:
	$(BENCH)/machine.sh gc
	$(BENCH)/mkroot.sh
	$(BENCH)/mkbundle.sh

test-build:
	cargo test --workspace --no-run
	$(ENGINE_TEST) --no-run

lint:
	cargo fmt --all --check
	shellcheck -x -S warning $(SCRIPTS)
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p landfall-engine --features daemon --all-targets -- -D warnings

test: deps
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory -j2 roots test-build
	trap '$(BENCH)/machine.sh gc' EXIT; cargo test --workspace
	$(ENGINE_TEST) --lib --bins --test image
	$(ON_HOST) $(ENGINE_TEST) --test runtime

# What is too long for every change: tests marked #[ignore = "long: ..."].
test-full: deps
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory -j2 roots test-build
	trap '$(BENCH)/machine.sh gc' EXIT; cargo test --workspace -- --include-ignored
	$(ENGINE_TEST) --lib --bins --test image -- --include-ignored
	$(ON_HOST) $(ENGINE_TEST) --test runtime -- --include-ignored

demo: deps
	$(MAKE) --no-print-directory -j2 roots build
	$(BENCH)/demo.sh "$$(cargo build --message-format=json 2>/dev/null | sed -n 's/.*"executable":"\([^"]*\/landfall\)".*/\1/p')"

bench: deps
	benches/run.sh

clean-bench:
	$(BENCH)/machine.sh clean
	. $(BENCH)/env.sh && rm -rf --one-file-system "$$BENCH_WORK"/{roots,vmroots,bundles,debs,run}
