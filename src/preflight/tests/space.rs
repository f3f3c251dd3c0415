//! File systems.

use super::{Case, World};
use crate::desired::DAEMON_JSON;
use crate::facts::FileSystemFact;
use crate::file_state::FileKind;

pub(super) const CASES: &[Case] = &[
    (
        "too small for the programs",
        |w| w.file_system("/usr/bin").available = 150 << 20,
        &["error LF020"],
    ),
    ("too small for two on one device", |w| shared_device(w, 250 << 20), &["error LF020"]),
    ("just enough for two on one device", |w| shared_device(w, 400 << 20), &[]),
    (
        "space for what is replaced",
        |w| {
            w.put("/usr/bin/dockerd", FileKind::File);
            w.owned.insert("/usr/bin/dockerd".into());
            var_lib(w, |fact| fact.available = 120 << 20);
        },
        &["error LF020"],
    ),
    ("too few inodes", |w| var_lib(w, |fact| fact.inodes = Some(20)), &["error LF021"]),
    ("inodes as needed", |w| var_lib(w, |fact| fact.inodes = None), &[]),
    ("read-only /usr", |w| w.file_system("/usr/bin").read_only = true, &["error LF022"]),
    ("noexec data-root", |w| w.file_system("/var/lib/docker").no_exec = true, &["warning LF061"]),
    ("noexec for programs", |w| w.file_system("/usr/bin").no_exec = true, &["error LF023"]),
    (
        "xfs without ftype",
        |w| w.file_system("/var/lib/docker").reports_entry_type = Some(false),
        &["error LF024"],
    ),
    ("d_type unknown", |w| w.file_system("/var/lib/docker").reports_entry_type = None, &[]),
    (
        "data-root on NFS",
        |w| w.file_system("/var/lib/docker").kind = "nfs".into(),
        &["warning LF025"],
    ),
    (
        "data-root on tmpfs",
        |w| w.file_system("/var/lib/docker").kind = "tmpfs".into(),
        &["warning LF025"],
    ),
    (
        "data-root that daemon.json moves",
        |w| {
            let text = r#"{"data-root": "/data"}"#.to_owned();
            w.put(DAEMON_JSON, FileKind::File).text = Some(text);
            let mut fact = w.facts.file_systems["/var/lib/docker"].clone();
            fact.no_exec = true;
            w.facts.file_systems.insert("/data".into(), fact);
        },
        &["warning LF061"],
    ),
];

fn shared_device(world: &mut World, available: u64) {
    for fact in world.facts.file_systems.values_mut() {
        (fact.device, fact.available) = (1, available);
    }
}

/// `/var/lib` is a file system of its own.
fn var_lib(world: &mut World, change: fn(&mut FileSystemFact)) {
    for path in ["/var/lib/docker", "/var/lib/landfall"] {
        change(world.file_system(path));
    }
}
