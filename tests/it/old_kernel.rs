//! The program on a kernel of the time of CentOS 7, as far as system calls tell.

use crate::support::{Machine, bundle, said_to_be_kept, with};

/// What the filter of the bench answers to some calls, in a host.
fn answers(host: &Machine, answer: &str) -> String {
    // statx, openat2, close_range, getrandom, memfd_create; getpid is older than all.
    let calls = r#"for my $call (332, 437, 436, 318, 319, 39) {
        $! = 0; syscall($call, 0, 0, 0, 0, 0); print $!+0, " " }"#;
    host.on_old_kernel(answer, &["perl", "-e", calls]).ok()
}

#[test]
fn from_end_to_end_without_the_newer_system_calls() {
    let host = Machine::boot();
    assert_eq!(answers(&host, "ENOSYS").trim(), "38 38 38 38 38 0");
    host.sh("useradd --create-home alice");
    let before = host.snapshot();
    let run = |arguments: &[&str]| host.landfall_on_old_kernel("ENOSYS", arguments).exits(0);

    let options = ["--image", bundle::image(), "--user", "alice", "--registry-mirror"];
    let options = [options.as_slice(), &["https://mirror.example.internal"]].concat();
    run(&with("plan", &options));
    run(&with("install", &options));
    assert_eq!(host.sh(&format!("docker run --rm {} echo hello", bundle::IMAGE_NAME)), "hello");
    run(&["status"]).says("answers");
    run(&with("install", &options)).says("nothing to do");
    // daemon.json is edited, and the daemon reloaded.
    run(&with("install", &[options.as_slice(), &["--set", "debug=true"]].concat()))
        .says("reloaded");
    let gone = run(&["uninstall", "--yes"]);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&gone));
}

/// Sandboxes of old (container engines before 20.10 with a seccomp profile) answer EPERM to what
/// they do not know. There it either works or says what is wrong, and the host is as before.
#[test]
fn where_newer_system_calls_are_forbidden_it_says_so_and_changes_nothing() {
    let host = Machine::boot();
    assert_eq!(answers(&host, "EPERM").trim(), "1 1 1 1 1 0");
    let before = host.snapshot();
    let refused = host.landfall_on_old_kernel("EPERM", &with("install", &[]));
    assert_eq!(refused.code, 3, "{refused}");
    let refused = refused.says("sandbox");
    assert!(!refused.output().contains("panicked"), "{refused}");
    before.assert_same(&host.snapshot(), &said_to_be_kept(&refused));
}
