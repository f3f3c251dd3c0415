//! Moving data to another directory.

use serde_json::json;

use super::{Case, World};
use crate::facts::FileSystemFact;
use crate::facts::data::{ContainerdData, DataDirectory, DataFacts, Target};
use crate::facts::engine::RunningEngine;
use crate::file_state::FileKind;

const NEW: &str = "/data/docker";

/// Two directories of one gigabyte together, and a disk of ten for them.
fn moves(world: &mut World) -> &mut DataFacts {
    world.set("data-root", json!(NEW));
    let disk = FileSystemFact {
        device: 77,
        available: 10 << 30,
        inodes: Some(1_000_000),
        ..world.facts.file_systems["/var/lib/docker"].clone()
    };
    world.facts.file_systems.insert(NEW.into(), disk);
    let engine = RunningEngine { storage_driver: "overlay2".into(), ..RunningEngine::default() };
    world.facts.engine = Some(engine);
    let directory = |path: &str| DataDirectory {
        path: path.to_owned(),
        bytes: 500 << 20,
        inodes: 10_000,
        counted: true,
        device: 1,
        ..DataDirectory::default()
    };
    let containerd =
        ContainerdData { directory: directory("/var/lib/containerd"), ..ContainerdData::default() };
    world.data.insert(DataFacts {
        docker: directory("/var/lib/docker"),
        containerd: Some(containerd),
        target: Target { path: NEW.to_owned(), ..Target::default() },
        ..DataFacts::default()
    })
}

fn to(world: &mut World, path: &str) {
    moves(world).target.path = path.to_owned();
}

fn holds(world: &mut World, names: &[&str]) {
    let target = &mut moves(world).target;
    target.kind = Some(FileKind::Directory);
    target.names = names.iter().map(|name| (*name).to_owned()).collect();
}

fn disk(world: &mut World, change: fn(&mut FileSystemFact)) {
    moves(world);
    change(world.facts.file_systems.get_mut(NEW).unwrap());
}

fn driver(world: &mut World, name: &str) {
    moves(world);
    world.facts.engine.as_mut().unwrap().storage_driver = name.to_owned();
}

fn shared(world: &mut World) {
    moves(world).containerd.as_mut().unwrap().others = vec!["k8s.io".to_owned()];
}

fn by_flag(world: &mut World) {
    moves(world).containerd.as_mut().unwrap().by_flag = true;
}

fn by_mount(world: &mut World, target: &str, data: &str, kind: Option<FileKind>) {
    let facts = moves(world);
    (facts.target.on_disk, facts.docker.on_disk) = (target.to_owned(), data.to_owned());
    facts.target.kind = kind;
}

pub(super) const CASES: &[Case] = &[
    ("a disk for the data", |world| to(world, NEW), &[]),
    ("a new disk's own root", |world| holds(world, &["lost+found"]), &[]),
    ("not empty", |world| holds(world, &["lost+found", "photos"]), &["error LF068"]),
    ("where the data are", |world| to(world, "/var/lib/docker"), &["error LF068"]),
    ("in the data", |world| to(world, "/var/lib/docker/new"), &["error LF068"]),
    ("in containerd's data", |world| to(world, "/var/lib/containerd/x"), &["error LF068"]),
    ("around the data", |world| to(world, "/var/lib"), &["error LF068"]),
    ("beside the data, by a like name", |world| to(world, "/var/lib/docker2"), &[]),
    (
        "in the data, by a bind mount",
        |world| by_mount(world, "8:1/docker/volumes", "8:1/docker", None),
        &["error LF068"],
    ),
    (
        "around the data, by a bind mount",
        |world| by_mount(world, "8:1", "8:1/docker", Some(FileKind::Directory)),
        &["error LF068"],
    ),
    (
        "a name beside the data, on their disk",
        |world| by_mount(world, "8:1/docker/data/new", "8:1/docker/data2", None),
        &[],
    ),
    ("a file", |world| moves(world).target.kind = Some(FileKind::File), &["error LF068"]),
    (
        "over a link",
        |world| moves(world).target.real = Some("/mnt/docker".into()),
        &["error LF068"],
    ),
    ("a driver of subvolumes", |world| driver(world, "btrfs"), &["error LF069"]),
    ("a driver of blocks", |world| driver(world, "devicemapper"), &["error LF069"]),
    (
        "a disk for a volume",
        |world| moves(world).docker.mounts = vec!["volumes/db/_data".into()],
        &["error LF070"],
    ),
    ("others use containerd", shared, &["note LF071"]),
    (
        "others use containerd, and images are there",
        |world| {
            shared(world);
            world.facts.engine.as_mut().unwrap().storage_driver = "overlayfs".into();
        },
        &["warning LF071"],
    ),
    (
        "what stays is not judged",
        |world| {
            shared(world);
            let containerd = world.data.as_mut().unwrap().containerd.as_mut().unwrap();
            containerd.directory.mounts = vec!["x".into()];
        },
        &["note LF071"],
    ),
    ("the root file system", |world| moves(world).target.on_root = true, &["note LF072"]),
    ("the same file system", |world| disk(world, |fact| fact.device = 1), &["note LF072"]),
    (
        "a container sees the data",
        |world| moves(world).binds = vec![("cadvisor".into(), "/var/lib/docker".into())],
        &["warning LF073"],
    ),
    (
        "docker.service says where the data are",
        |world| moves(world).flag = Some("--data-root /x".into()),
        &["error LF074"],
    ),
    ("another's containerd.service says it", by_flag, &["error LF074"]),
    (
        "our own does",
        |world| {
            by_flag(world);
            let unit = "/etc/systemd/system/containerd.service";
            world.unit("containerd.service", "loaded", "active", unit);
            world.owned.insert(unit.into());
        },
        &[],
    ),
    (
        "no room for a margin",
        |world| disk(world, |fact| fact.available = 1010 << 20),
        &["error LF020"],
    ),
    ("too few inodes", |world| disk(world, |fact| fact.inodes = Some(20_500)), &["error LF021"]),
    ("read-only", |world| disk(world, |fact| fact.read_only = true), &["error LF022"]),
    ("noexec", |world| disk(world, |fact| fact.no_exec = true), &["error LF023"]),
    ("nosuid", |world| disk(world, |fact| fact.no_suid = true), &["note LF061"]),
    (
        "no d_type",
        |world| disk(world, |fact| fact.reports_entry_type = Some(false)),
        &["error LF024"],
    ),
    ("NFS", |world| disk(world, |fact| fact.kind = "nfs".into()), &["error LF025"]),
    ("tmpfs", |world| disk(world, |fact| fact.kind = "tmpfs".into()), &["error LF025"]),
];
