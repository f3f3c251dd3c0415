//! End-to-end tests: the program on booted hosts with a real systemd and a real Docker.
//!
//! Each test has a fresh host of its own; `tests/support` starts and removes it.

#[path = "../support/mod.rs"]
mod support;

mod adopt;
mod approved;
mod bad_host;
mod bad_input;
mod bootstrap;
mod bundle;
mod classic;
mod cli;
mod configure;
mod cut;
mod daemon_json;
mod doctor;
mod download;
mod examples;
mod failure;
mod faults;
mod fleet;
mod groups;
mod hardened;
mod idempotence;
mod install;
mod kill;
mod lock;
mod migrate;
mod network;
mod old_kernel;
mod online;
mod packages;
mod power_cut;
mod probe;
mod reboot;
mod registry;
mod root_dir;
mod rpm_host;
mod scenarios;
mod session;
mod static_binary;
mod suites;
mod support_bundle;
mod test_bench;
mod trace;
mod uninstall;
mod upgrade;
mod verify;
mod vm;
