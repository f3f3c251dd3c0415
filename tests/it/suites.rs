//! Other Debian releases than the usual one.

use crate::support::{Machine, MachineOptions, Snapshot, bundle, said_to_be_kept};

/// Debian's own engine on each release, with modern and then with classic units: 20.10 on bullseye
/// and bookworm, 26.1 on trixie.
#[test]
#[ignore = "long: two more root file systems and archives are made"]
fn the_engine_of_each_release_runs_on_it_in_both_styles() {
    for (suite, engine) in [("bullseye", "20.10"), ("bookworm", "20.10"), ("trixie", "26.1")] {
        let bundle = bundle::of_suite(suite);
        let host = MachineOptions { suite: Some(suite), ..MachineOptions::default() }.boot();
        let before = host.snapshot();
        for style in ["modern", "classic"] {
            installs_and_goes(&host, &before, &bundle, style, engine);
        }
    }
}

/// Install, container, second run, restart of the daemon, uninstall.
#[track_caller]
fn installs_and_goes(
    host: &Machine,
    before: &Snapshot,
    bundle: &bundle::Bundle,
    style: &str,
    engine: &str,
) {
    let options = ["--unit-style", style, "--image", bundle::image()];
    let install = [vec!["install"], bundle.arguments(), options.to_vec()].concat();
    host.landfall(&install).exits(0);
    let version = host.sh("docker version --format '{{.Server.Version}}'");
    assert!(version.starts_with(engine), "{version}");
    assert_eq!(host.exists("/run/containerd/containerd.sock"), style == "modern");
    let run = format!("docker run --rm {} echo {style}", bundle::IMAGE_NAME);
    assert_eq!(host.sh(&run), style);
    host.landfall(&install).exits(0).says("nothing");
    host.sh("systemctl restart docker");
    assert_eq!(host.sh(&run), style);
    let gone = host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert!(!host.exists("/var/lib/docker") && !host.exists("/var/lib/containerd"), "{gone}");
    before.assert_same(&host.snapshot(), &said_to_be_kept(&gone));
}

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
