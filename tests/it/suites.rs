//! Other Debian releases than the usual one.

use crate::support::{MachineOptions, bundle, said_to_be_kept};

#[test]
#[ignore = "long: two more root file systems and an archive are made"]
fn an_archive_for_the_oldest_release_runs_on_all() {
    let bundle = bundle::of_suite("bullseye");
    for suite in ["bullseye", "bookworm", "trixie"] {
        let host = MachineOptions { suite: Some(suite), ..MachineOptions::default() }.boot();
        let before = host.snapshot();
        let arguments =
            [vec!["install"], bundle.arguments(), vec!["--image", bundle::image()]].concat();
        host.landfall(&arguments).exits(0);
        assert_eq!(host.sh(&format!("docker run --rm {} echo {suite}", bundle::IMAGE_NAME)), suite);
        let run = host.landfall(&["uninstall", "--yes"]).exits(0);
        before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
    }
}

#[test]
#[ignore = "long: another root file system and an archive are made"]
fn a_runc_that_needs_a_newer_libc_than_the_host_has_is_never_left_installed() {
    // trixie's dockerd starts on bookworm and answers; its runc needs symbols of glibc 2.38.
    let bundle = bundle::of_suite("trixie");
    let host = MachineOptions { suite: Some("bookworm"), ..MachineOptions::default() }.boot();
    let before = host.snapshot();
    let mut arguments = [vec!["install"], bundle.arguments()].concat();
    let refused = host.landfall(&arguments);
    let codes = refused.findings();
    if refused.code == 3 {
        before.assert_same(&host.snapshot(), &[]);
        arguments.extend(codes.iter().flat_map(|code| ["--ignore", code.as_str()]));
    }
    // With or without a finding that names the symbols: the container that does not run is the proof.
    let run = host.landfall(&arguments).exits(1);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
}
