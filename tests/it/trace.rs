//! What the program asks of the kernel: no network, no name service modules.

use crate::support::{Machine, bundle, trace};

#[test]
fn offline_means_no_internet_socket_and_static_means_no_loaded_module() {
    let host = Machine::boot();
    host.sh("useradd --create-home alice");
    let arguments =
        [vec!["install"], bundle::docker().arguments(), vec!["--user", "alice"]].concat();
    let calls = trace(&host, &arguments);
    assert!(calls.iter().any(|call| call.contains("connect(")), "it talked to systemd: {calls:#?}");
    assert!(calls.iter().any(|call| call.contains("openat(")), "it opened files");
    let internet: Vec<_> =
        calls.iter().filter(|call| call.contains("connect(") && call.contains("AF_INET")).collect();
    assert!(internet.is_empty(), "{internet:#?}");
    let is_module = |call: &str| call.contains(".so\"") || call.contains(".so.");
    let modules: Vec<_> =
        calls.iter().filter(|call| call.contains("openat(") && is_module(call)).collect();
    assert!(modules.is_empty(), "{modules:#?}");
}
