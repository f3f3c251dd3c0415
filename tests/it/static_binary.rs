//! The program is static, and works where the system bus cannot be reached.
#![allow(clippy::disallowed_methods)] // looks at the program with this machine's own tools

use std::process::Command;

use crate::support::{Machine, with};

#[test]
fn it_needs_no_dynamic_linker() {
    let headers = Command::new("readelf")
        .args(["--program-headers", "--dynamic", "--wide", env!("CARGO_BIN_EXE_landfall")])
        .output()
        .expect("readelf is there (make deps)");
    let headers = String::from_utf8(headers.stdout).expect("readelf prints text");
    assert!(headers.contains("LOAD"), "{headers}");
    assert!(!headers.contains("INTERP"), "{headers}");
    assert!(!headers.contains("NEEDED"), "{headers}");
}

#[test]
fn the_c_librarys_name_services_are_not_linked_in() {
    let symbols = Command::new("nm")
        .args(["--format=posix", env!("CARGO_BIN_EXE_landfall")])
        .output()
        .expect("nm is there (make deps)");
    let symbols = String::from_utf8(symbols.stdout).expect("nm prints text");
    assert!(symbols.lines().any(|line| line.starts_with("main ")), "the binary has symbols");
    let of_nss: Vec<&str> = symbols
        .lines()
        .filter(|line| line.starts_with("__nss_") || line.starts_with("_nss_"))
        // fork(2)'s hooks, weak: there is nothing for them to call.
        .filter(|line| !matches!(line.split(' ').nth(1), Some("U" | "w")))
        .collect();
    assert!(of_nss.is_empty(), "{of_nss:#?}");
}

#[test]
fn without_a_system_bus_systemctl_is_used() {
    let host = Machine::boot();
    host.sh("systemctl mask --now dbus.socket dbus.service");
    let run = host.landfall(&with("install", &[])).exits(0);
    // It cannot leave the session then, and says so once.
    assert_eq!(run.output().matches("stays in your login session").count(), 1, "{run}");
    assert_eq!(host.unit("docker.service", "ActiveState"), "active");
    host.landfall(&["uninstall", "--yes"]).exits(0);
    assert_eq!(host.unit("docker.service", "LoadState"), "not-found");
}
