//! Archives that are not to be trusted: exit 4 before anything has its final name.

use crate::support::bundle::{self, Bundle};
use crate::support::{Allowed, JOURNAL, Machine, Run, installed};

#[test]
fn a_damaged_archive_is_refused() {
    refused(&bundle::damaged().arguments());
}

#[test]
fn a_truncated_archive_is_refused() {
    refused(&bundle::truncated().arguments());
}

#[test]
fn an_archive_with_another_digest_is_refused() {
    let other = "0".repeat(64);
    let run = refused(&["--offline", &bundle::docker().path, "--sha256", &other]);
    run.says(&bundle::docker().sha256);
}

#[test]
fn programs_for_another_architecture_are_refused() {
    refused(&bundle::wrong_architecture().arguments()).says("aarch64");
}

#[test]
fn a_digest_beside_the_archive_that_disagrees_is_refused() {
    let Bundle { path, sha256 } = &bundle::with_digest_beside(&"1".repeat(64));
    let host = Machine::boot();
    refused_on(&host, &["--offline", path, "--sha256", sha256]);
    refused_on(&host, &["--offline", path]);
    refused_on(&host, &["--offline", path, "--allow-unpinned"]);
}

#[test]
fn a_digest_beside_the_archive_is_enough() {
    let host = Machine::boot();
    let Bundle { path, .. } = &bundle::with_digest_beside(&bundle::docker().sha256);
    host.landfall(&["install", "--offline", path]).exits(0);
    host.sh("docker version");
}

#[test]
fn an_archive_that_nothing_vouches_for_needs_a_word() {
    let Bundle { path, sha256 } = bundle::docker();
    let host = Machine::boot();
    refused_on(&host, &["--offline", path]).says(sha256).says("--allow-unpinned");
    host.landfall(&["install", "--offline", path, "--allow-unpinned"]).exits(0);
    host.sh("docker version");
}

#[test]
fn an_archive_that_is_not_there_is_a_mistake_in_the_call() {
    let host = Machine::boot();
    let before = host.snapshot();
    host.landfall(&["install", "--offline", "/nowhere/docker.tgz", "--allow-unpinned"])
        .exits(2)
        .says("/nowhere/docker.tgz");
    before.assert_same(&host.snapshot(), &[]);
}

#[test]
fn a_refused_archive_does_not_hurt_the_docker_that_runs() {
    let host = Machine::boot();
    installed(&host, &[]);
    let pid = host.unit("docker.service", "MainPID");
    host.landfall(&[vec!["install"], bundle::damaged().arguments()].concat()).exits(4);
    assert_eq!(host.unit("docker.service", "MainPID"), pid);
    host.sh("docker version");
}

#[track_caller]
fn refused(arguments: &[&str]) -> Run {
    refused_on(&Machine::boot(), arguments)
}

/// An installation that must end with exit 4 and leave the host as it was.
#[track_caller]
fn refused_on(host: &Machine, arguments: &[&str]) -> Run {
    let before = host.snapshot();
    let run = host.landfall(&[&["install"], arguments].concat()).exits(4);
    // Where Landfall has installed something before, its journal notes the refused run too.
    let allowed: &[Allowed] = if host.exists("/var/lib/landfall") { &[JOURNAL] } else { &[] };
    before.assert_same(&host.snapshot(), allowed);
    run
}
