//! Prints the facts of this host, or of the image at the given directory, as JSON: this is
//! how the fixtures in `tests/facts/` are made.

#![allow(clippy::print_stdout)] // its output is what it is for

use std::path::Path;

use landfall::facts::{Wanted, gather};
use landfall::host::Host;

/// The programs of an archive of the current layout.
const PROGRAMS: [&str; 8] = [
    "containerd",
    "containerd-shim-runc-v2",
    "ctr",
    "docker",
    "docker-init",
    "docker-proxy",
    "dockerd",
    "runc",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = match std::env::args().nth(1) {
        Some(root) => Host::at(Path::new(&root))?,
        None => Host::live()?,
    };
    let paths = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let directories =
        ["/usr/bin", "/etc/docker", "/etc/systemd/system", "/var/lib/landfall", "/var/lib/docker"];
    let wanted = Wanted {
        texts: paths(&[
            "/etc/docker/daemon.json",
            "/etc/systemd/system/containerd.service",
            "/etc/systemd/system/docker.service",
            "/etc/systemd/system/docker.socket",
        ]),
        programs: PROGRAMS.map(|name| format!("/usr/bin/{name}")).to_vec(),
        paths: paths(&directories),
        units: paths(&["containerd.service", "docker.service", "docker.socket"]),
        groups: paths(&["docker"]),
        users: Vec::new(),
        file_systems: paths(&directories),
    };
    let started = std::time::Instant::now();
    let facts = gather(&host, &wanted)?;
    println!("{}", serde_json::to_string_pretty(&facts)?);
    if std::env::var_os("TIME").is_some() {
        println!("{:?}", started.elapsed());
    }
    Ok(())
}
