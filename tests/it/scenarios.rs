//! The scenario scripts that also run on real distributions (`vagrant/`).

use crate::support::{Machine, bundle};

#[test]
fn lifecycle() {
    let host = Machine::boot();
    let script = include_str!("../scenarios/lifecycle.sh");
    let docker = bundle::docker();
    // The digest beside the archive, as the script's user would have it.
    host.sh(&format!("cp {} /tmp/docker-20.10.24.tgz", docker.path));
    host.sh("cd /tmp; sha256sum docker-20.10.24.tgz >docker-20.10.24.tgz.sha256");
    let run = host.exec(&[
        "sh",
        "-c",
        script,
        "lifecycle.sh",
        "/mnt/share/landfall",
        "/tmp/docker-20.10.24.tgz",
    ]);
    assert!(run.ok().ends_with("--- done"));
}
