//! Other engines, and whose the targets are.

use super::{Case, World};
use crate::facts::PackageManager;
use crate::file_state::FileKind;

pub(super) const CASES: &[Case] = &[
    ("docker.io installed", |w| engine(w, "docker.io"), &["error LF030"]),
    ("runc installed", |w| engine(w, "runc"), &["note LF030"]),
    (
        "docker-ce runs",
        |w| w.unit("docker.service", "loaded", "active", "/lib/systemd/system/docker.service"),
        &["error LF031"],
    ),
    (
        "Landfall's own docker runs",
        |w| {
            let unit = "/etc/systemd/system/docker.service";
            w.unit("docker.service", "loaded", "active", unit);
            w.put(unit, FileKind::File);
            w.owned.insert(unit.into());
            w.facts.network.listening = vec!["/run/docker.sock".into()];
        },
        &[],
    ),
    ("a program that a package owns", |w| w.own("/usr/bin/runc", "runc"), &["error LF032"]),
    (
        "Landfall's own program, of other content",
        |w| {
            w.put("/usr/bin/runc", FileKind::File);
            w.owned.insert("/usr/bin/runc".into());
        },
        &[],
    ),
    (
        "snap",
        |w| {
            w.unit(
                "snap.docker.dockerd.service",
                "loaded",
                "active",
                "/etc/systemd/system/snap.docker.dockerd.service",
            );
            w.facts.network.listening = vec!["/run/docker.sock".into()];
        },
        &["error LF033"],
    ),
    (
        "kubelet and its containerd",
        |w| {
            w.unit("kubelet.service", "loaded", "active", "/lib/systemd/system/kubelet.service");
            w.unit(
                "containerd.service",
                "loaded",
                "inactive",
                "/lib/systemd/system/containerd.service",
            );
        },
        &["error LF034"],
    ),
    (
        "a daemon started by hand",
        |w| w.facts.network.listening = vec!["/run/docker.sock".into()],
        &["error LF035"],
    ),
    (
        "programs put there by hand",
        |w| {
            w.put("/usr/bin/dockerd", FileKind::File);
        },
        &["warning LF036"],
    ),
    (
        "the same program is there already",
        |w| {
            let digest = w.archive.entries[0].sha256;
            w.put("/usr/bin/dockerd", FileKind::File).sha256 = Some(digest);
        },
        &[],
    ),
    (
        "a unit written by hand",
        |w| {
            w.put("/etc/systemd/system/docker.service", FileKind::File);
        },
        &["warning LF036"],
    ),
    (
        "a link where a program goes",
        |w| {
            w.put("/usr/bin/docker", FileKind::Symlink).state.target = Some("podman".into());
        },
        &["error LF037"],
    ),
    (
        "a file where the data goes",
        |w| {
            w.put("/var/lib/docker", FileKind::File);
        },
        &["error LF037"],
    ),
    (
        "a link to where the data goes",
        |w| {
            w.put("/var/lib/docker", FileKind::Symlink).state.target = Some("/data/docker".into());
        },
        &[],
    ),
    (
        "rpm without an answer",
        |w| {
            w.facts.packages.manager = PackageManager::Rpm;
            w.facts.packages.known = false;
        },
        &["warning LF038"],
    ),
    (
        "a masked unit",
        |w| {
            w.put("/etc/systemd/system/docker.service", FileKind::Symlink);
            w.unit("docker.service", "masked", "inactive", "/dev/null");
        },
        &["error LF039"],
    ),
    (
        "a masked unit in an image",
        |w| {
            w.put("/etc/systemd/system/docker.service", FileKind::Symlink);
            w.facts.units.clear();
        },
        &["error LF039"],
    ),
];

fn engine(world: &mut World, package: &str) {
    world.facts.packages.engines.insert(package.into(), "1.2.3".into());
}
