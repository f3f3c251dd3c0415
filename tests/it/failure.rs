//! Hosts on which an installation cannot succeed: refused by preflight, or rolled back.

use crate::support::bundle::{self, Bundle};
use crate::support::{Machine, MachineOptions, Run, Snapshot, said_to_be_kept, with};

#[test]
fn a_library_that_no_host_has_is_found_before_any_change() {
    let host = Machine::boot();
    let before = host.snapshot();
    let run = host.landfall(&install(bundle::missing_library())).exits(3);
    let run = run.says(bundle::NO_SUCH_LIBRARY).says("runc");
    assert!(!run.findings().is_empty(), "{run}");
    before.assert_same(&host.snapshot(), &[]);
}

#[test]
fn a_library_that_only_a_container_misses_is_found_by_the_smoke_test() {
    let host = Machine::boot();
    let before = host.snapshot();
    let refused = host.landfall(&install(bundle::missing_library())).exits(3);
    // containerd hears of it as "runc did not terminate successfully: exit status 127".
    rolled_back(&host, &before, &ignoring(&refused, install(bundle::missing_library())))
        .says("runc");
}

#[test]
fn without_the_smoke_test_nobody_notices_until_the_first_container() {
    // Shows that the test above fails for the reason that it names: the daemons do start.
    let host = Machine::boot();
    let refused = host.landfall(&install(bundle::missing_library())).exits(3);
    let mut arguments = ignoring(&refused, install(bundle::missing_library()));
    arguments.push("--no-smoke-test".into());
    host.landfall(&arguments).exits(0);
    host.sh(&format!("docker version; docker load -q -i {}", bundle::image()));
    let run = ["docker", "run", "--rm", bundle::IMAGE_NAME, "true"];
    let run = host.exec(&run);
    assert_ne!(run.code, 0, "{run}");
    run.says("runc did not terminate successfully");
}

#[test]
fn a_disk_that_is_too_small_is_found_before_any_change() {
    let host = small_disk();
    let before = host.snapshot();
    let run = host.landfall(&with("install", &[])).exits(3).says("space");
    assert!(!run.findings().is_empty(), "{run}");
    before.assert_same(&host.snapshot(), &[]);
}

#[test]
fn a_disk_that_fills_up_all_the_same_leaves_the_host_as_it_was() {
    let host = small_disk();
    let before = host.snapshot();
    let refused = host.landfall(&with("install", &[])).exits(3);
    rolled_back(&host, &before, &ignoring(&refused, install(bundle::docker()))).says("space");
    assert_eq!(
        host.sh("find / -xdev -name '*.landfall*' -not -path '/proc/*'"),
        "",
        "staged files"
    );
}

#[test]
fn a_daemon_that_cannot_start_is_shown_with_its_log_and_rolled_back() {
    let host = Machine::boot();
    let before = host.snapshot();
    // The daemon knows the driver and cannot use it here: only its start can tell.
    let mut arguments = install(bundle::docker());
    arguments.extend(["--set".into(), r#"storage-driver="zfs""#.into()]);
    rolled_back(&host, &before, &arguments).says("docker.service").says("zfs");
}

#[test]
fn a_containerd_that_cannot_start_is_shown_with_its_log_and_rolled_back() {
    let host = Machine::boot();
    host.put("/etc/containerd/config.toml", "version = 2\nroot = 7\n");
    let before = host.snapshot();
    rolled_back(&host, &before, &install(bundle::docker())).says("containerd.service");
    assert_eq!(host.read("/etc/containerd/config.toml"), "version = 2\nroot = 7\n");
}

#[test]
fn a_failed_change_puts_the_running_docker_back() {
    let host = Machine::boot();
    let mirror = ["--registry-mirror", "https://one.example.internal"];
    host.landfall(&with("install", &mirror)).exits(0);
    let before = host.read("/etc/docker/daemon.json");
    host.landfall(&with(
        "install",
        &[mirror.as_slice(), &["--set", r#"storage-driver="zfs""#]].concat(),
    ))
    .exits(1);
    assert_eq!(host.read("/etc/docker/daemon.json"), before);
    let mirrors = host.sh("docker info --format '{{.RegistryConfig.Mirrors}}'");
    assert_eq!(mirrors, "[https://one.example.internal/]");
}

fn small_disk() -> Machine {
    MachineOptions { disk: Some("150M"), ..MachineOptions::default() }.boot()
}

fn install(bundle: &Bundle) -> Vec<String> {
    let mut words = vec!["install".to_owned()];
    words.extend(bundle.arguments().into_iter().map(str::to_owned));
    words
}

/// The call again, with all findings of a refused one ignored.
fn ignoring(refused: &Run, mut arguments: Vec<String>) -> Vec<String> {
    for code in refused.findings() {
        arguments.extend(["--ignore".into(), code]);
    }
    arguments
}

/// A call that must fail and leave the host as it was.
#[track_caller]
fn rolled_back(host: &Machine, before: &Snapshot, arguments: &[String]) -> Run {
    let run = host.landfall(arguments).exits(1);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
    run
}
