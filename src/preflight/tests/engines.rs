//! Other engines, and whose the targets are.

use super::{Case, World};
use crate::facts::security::Fapolicyd;
use crate::facts::{PackageManager, PackagesProblem};
use crate::file_state::FileKind;
use crate::topology::Topology;

pub(super) const CASES: &[Case] = &[
    ("docker.io installed", |w| engine(w, "docker.io"), &["error LF030"]),
    ("openSUSE's docker-stable installed", |w| engine(w, "docker-stable"), &["error LF030"]),
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
        "a program of a package, removed by hand",
        |w| {
            w.facts.packages.owners.insert("/usr/bin/runc".into(), "runc".into());
        },
        &["error LF032"],
    ),
    (
        "a link of a package, removed by hand",
        |w| {
            let link = "/etc/systemd/system/multi-user.target.wants/docker.service";
            w.facts.packages.owners.insert(link.into(), "site-units".into());
        },
        &["error LF032"],
    ),
    (
        "a daemon.json of a package, to be changed",
        |w| {
            daemon_json(w);
            w.set("debug", true.into());
        },
        &["error LF032"],
    ),
    ("a daemon.json of a package, to be left", daemon_json, &[]),
    (
        "a daemon.json of a package that says it already",
        |w| {
            daemon_json(w);
            w.set("log-level", "warn".into());
        },
        &[],
    ),
    (
        "a daemon.json of a package, and a group that classic units name there",
        |w| {
            daemon_json(w);
            w.desired.unit_style = Some(Topology::Classic);
            w.desired.group.name = "containers".into();
        },
        &["error LF032"],
    ),
    (
        "a program of a package that the archive does not have",
        |w| w.own("/usr/bin/docker-containerd", "docker-engine"),
        &[],
    ),
    (
        "a program of a package that is the archive's own",
        |w| {
            w.own("/usr/bin/runc", "site-runc");
            let sha256 = w.archive.entries[1].sha256;
            w.facts.files.get_mut("/usr/bin/runc").unwrap().sha256 = Some(sha256);
        },
        &["error LF032"],
    ),
    (
        "an old fapolicyd's trust file, which is its package's",
        |w| {
            w.own("/etc/fapolicyd/fapolicyd.trust", "fapolicyd");
            w.facts.security.fapolicyd = Some(Fapolicyd { active: false, trust_dir: false });
        },
        &[],
    ),
    (
        "podman and its runc",
        |w| {
            engine(w, "runc");
            user(w, "podman");
        },
        &["note LF044"],
    ),
    (
        "podman-docker",
        |w| {
            engine(w, "podman-docker");
            user(w, "podman");
        },
        &["error LF030"],
    ),
    (
        "nerdctl and its containerd",
        |w| {
            engine(w, "containerd");
            engine(w, "runc");
            user(w, "nerdctl");
        },
        &["note LF044", "error LF034"],
    ),
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
        "classic, and a containerd that runs",
        |w| {
            w.desired.unit_style = Some(Topology::Classic);
            w.unit(
                "containerd.service",
                "loaded",
                "active",
                "/lib/systemd/system/containerd.service",
            );
        },
        &["error LF057"],
    ),
    (
        "classic, and a containerd started by hand",
        |w| {
            w.desired.unit_style = Some(Topology::Classic);
            w.facts.network.listening = vec!["/run/containerd/containerd.sock".into()];
        },
        &["error LF057"],
    ),
    (
        "an engine that looks for no containerd, and one that runs",
        |w| {
            old(w);
            w.facts.network.listening = vec!["/run/containerd/containerd.sock".into()];
        },
        &[],
    ),
    (
        "an old engine whose file's name does not say so, and a containerd that runs",
        |w| {
            old(w);
            w.desired.source.archive = "/root/engine.tgz".into();
            w.facts.network.listening = vec!["/run/containerd/containerd.sock".into()];
            w.put("/etc/systemd/system/docker.socket", FileKind::File);
            w.unit("containerd.service", "masked", "inactive", "/dev/null");
        },
        &[],
    ),
    (
        "classic, and units that it does not have",
        |w| {
            w.desired.unit_style = Some(Topology::Classic);
            w.put("/etc/systemd/system/docker.socket", FileKind::File);
            w.unit("containerd.service", "masked", "inactive", "/dev/null");
        },
        &[],
    ),
    (
        "classic, and a socket unit that holds the socket",
        |w| {
            w.desired.unit_style = Some(Topology::Classic);
            w.unit("docker.socket", "loaded", "active", "/lib/systemd/system/docker.socket");
        },
        &["error LF031"],
    ),
    ("an old engine under its own name", old, &[]),
    (
        "an old engine under a new name",
        |w| {
            old(w);
            w.desired.source.archive = "/root/docker-28.5.2.tgz".into();
        },
        &["error LF058"],
    ),
    (
        "a new engine under an old name",
        |w| w.desired.source.archive = "/root/docker-18.06.3-ce.tgz".into(),
        &["error LF058"],
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
        "a damaged database, and programs that may be a package's",
        |w| {
            w.facts.packages.known = false;
            w.facts.packages.problem = Some(PackagesProblem::Damaged);
            w.put("/usr/bin/dockerd", FileKind::File);
        },
        &["error LF038", "warning LF036"],
    ),
    (
        "packages are being installed",
        |w| w.facts.packages.problem = Some(PackagesProblem::Busy),
        &["error LF038"],
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

/// A daemon.json that a package brings.
fn daemon_json(world: &mut World) {
    let path = "/etc/docker/daemon.json";
    world.own(path, "site-docker-config");
    let text = "{\n  \"log-level\": \"warn\"\n}\n".to_owned();
    world.facts.files.get_mut(path).unwrap().text = Some(text);
}

/// The archive of a release up to 18.06.
fn old(world: &mut World) {
    world.desired.source.archive = "/root/docker-18.06.3-ce.tgz".into();
    world.archive.entries[1].name = "docker-runc".into();
}

fn user(world: &mut World, package: &str) {
    world.facts.packages.users.insert(package.into(), "1.2.3".into());
}

fn engine(world: &mut World, package: &str) {
    world.facts.packages.engines.insert(package.into(), "1.2.3".into());
}
