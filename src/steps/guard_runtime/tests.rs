//! The paths that an engine makes, in a temporary root; links, rules and settings are only
//! touched on a live host, and tried out on the test hosts.

use std::sync::Mutex;

use super::*;
use crate::file_state::Ownership;
use crate::receipt::Entry;
use crate::report::Reporter;
use crate::steps::testing::Bed;
use crate::steps::{Purge, Revert, Step};
use crate::store::STATE_DIR;

const DATA: &str = "/var/lib/docker";

fn step() -> GuardRuntime {
    GuardRuntime { data: vec![DATA.to_owned(), "/var/lib/containerd".to_owned()] }
}

/// Makes what an engine of 20.10 makes when it is started.
fn start_engine(bed: &Bed) {
    for path in [
        "/run/docker",
        "/run/docker/netns",
        "/run/containerd",
        "/etc/docker",
        "/opt/containerd",
        "/opt/containerd/bin",
        "/opt/containerd/lib",
        "/etc/cni",
        "/etc/cni/net.d",
        DATA,
        "/var/lib/docker/overlay2",
        "/var/lib/docker/image",
        "/var/lib/docker/containers",
        "/var/lib/containerd",
        "/var/lib/containerd/io.containerd.metadata.v1.bolt",
    ] {
        if bed.host.stat(path).unwrap().is_none() {
            bed.host.create_dir(path, Ownership::own(0o711)).unwrap();
        }
    }
    bed.write("/etc/docker/key.json", "{}");
    bed.write("/run/docker.sock", "");
    bed.write("/run/docker/docker.pid", "1");
}

fn undo(bed: &Bed, before: &Before, purge: Purge) -> Undone {
    step().undo(&Context { purge, ..bed.context() }, before).unwrap()
}

fn fresh() -> Bed {
    Bed::new(&["run", "etc", "opt", "var/lib"])
}

/// Remembers what was reported as left.
#[derive(Default)]
struct Left(Mutex<Vec<String>>);

impl Reporter for Left {
    fn event(&self, event: &Event<'_>) {
        if let Event::Left { outcome: Undone::Kept { what, .. } } = event {
            self.0.lock().unwrap().push(what.clone());
        }
    }
}

#[test]
fn all_that_an_engine_makes_goes() {
    for purge in [Purge::IfNew, Purge::AtCommit] {
        let bed = fresh();
        let before = bed.tree();
        let observed = bed.apply(&step());
        assert_eq!(bed.tree(), before, "noting changes nothing");
        start_engine(&bed);
        for time in ["once", "again"] {
            assert_eq!(undo(&bed, &observed, purge), Undone::Restored);
            step().data(&observed).purge(&bed.host).unwrap();
            assert_eq!(bed.tree(), before, "{purge:?} {time}");
        }
    }
}

#[test]
fn an_engine_that_was_never_started_leaves_nothing_to_do() {
    let bed = fresh();
    let before = bed.tree();
    let observed = bed.apply(&step());
    undo(&bed, &observed, Purge::Keep);
    assert_eq!(bed.tree(), before);
}

#[test]
fn data_stay_unless_asked_and_are_named() {
    let bed = fresh();
    let observed = bed.apply(&step());
    start_engine(&bed);
    let kept = undo(&bed, &observed, Purge::Keep);
    let what = format!("{DATA} /var/lib/containerd");
    assert_eq!(kept, Undone::Kept { what, reason: KeptReason::Data });
    assert!(bed.host.stat("/var/lib/docker/overlay2").unwrap().is_some());
    for path in ["/run/docker", "/run/docker.sock", "/etc/docker", "/opt/containerd", "/etc/cni"] {
        assert_eq!(bed.host.stat(path).unwrap(), None, "{path}");
    }
}

#[test]
fn what_was_there_before_stays() {
    let bed = Bed::new(&[
        "run/containerd/kubelet",
        "etc/docker",
        "etc/cni/net.d",
        "opt/containerd/bin",
        "var/lib/containerd/io.containerd.metadata.v1.bolt",
    ]);
    bed.write("/etc/docker/key.json", "an older key");
    let before = bed.tree();
    let observed = bed.apply(&step());
    let Before::Runtime(noted) = &observed else { panic!("{observed:?}") };
    assert_eq!(
        noted.existing,
        [
            "/etc/docker/key.json",
            "/etc/docker",
            "/opt/containerd/bin",
            "/opt/containerd",
            "/etc/cni/net.d",
            "/etc/cni",
            "/run/containerd"
        ]
    );
    assert_eq!(noted.data.keys().collect::<Vec<_>>(), ["/var/lib/containerd"]);

    bed.host.create_dir("/run/docker", Ownership::own(0o700)).unwrap();
    bed.write("/run/docker.sock", "");
    undo(&bed, &observed, Purge::IfNew);
    assert_eq!(bed.tree(), before);
}

#[test]
fn directories_with_files_of_others_stay_and_are_named() {
    let bed = fresh();
    let observed = bed.apply(&step());
    start_engine(&bed);
    bed.write("/etc/cni/net.d/10-calico.conflist", "{}");
    bed.write("/etc/docker/daemon.json", "{}");
    let left = Left::default();
    let context = Context { purge: Purge::IfNew, reporter: &left, ..bed.context() };
    assert_eq!(step().undo(&context, &observed).unwrap(), Undone::Restored);
    assert_eq!(*left.0.lock().unwrap(), ["/etc/docker", "/etc/cni/net.d", "/etc/cni"]);
    assert_eq!(bed.read("/etc/cni/net.d/10-calico.conflist"), "{}");
    assert_eq!(bed.read("/etc/docker/daemon.json"), "{}");
    assert_eq!(bed.host.stat("/etc/docker/key.json").unwrap(), None);
}

/// What no start of the engine brings back is back once the undoing is undone.
#[test]
fn undoing_can_be_undone() {
    let bed = fresh();
    let observed = bed.apply(&step());
    start_engine(&bed);
    bed.host.set_mode("/etc/docker", 0o750).unwrap();
    let mut before = bed.tree();
    let entry = Box::new(Entry { step: Step::GuardRuntime(step()), before: observed });
    let revert = Revert { entry, changed_too: false };
    let running = bed.apply(&revert);
    assert_eq!(bed.host.stat("/etc/docker").unwrap(), None);
    assert_eq!(bed.undo(&revert, &running), Undone::Restored);
    let mut now = bed.tree();
    for tree in [&mut before, &mut now] {
        tree.retain(|path, _| !path.starts_with("/run/") && !path.starts_with(STATE_DIR));
    }
    assert_eq!(now, before);
}

/// dockerd closes its data-root to others, also one that it did not make.
#[test]
fn a_data_directory_gets_its_mode_back() {
    for purge in [Purge::Keep, Purge::IfNew, Purge::AtCommit] {
        let bed = Bed::new(&["run", "etc", "opt", "var/lib/docker"]);
        bed.host.set_mode(DATA, 0o755).unwrap();
        let observed = bed.apply(&step());
        start_engine(&bed);
        bed.host.set_mode(DATA, 0o710).unwrap();
        undo(&bed, &observed, purge);
        assert_eq!(bed.host.stat(DATA).unwrap().unwrap().mode, 0o755, "{purge:?}");
    }
}

/// A link that somebody put in the place of an engine's directory does not lead the removal
/// elsewhere.
#[test]
fn links_are_removed_and_not_followed() {
    let bed = Bed::new(&["run", "etc", "opt", "var/lib", "srv/precious/files"]);
    let observed = bed.apply(&step());
    bed.host.create_link("/run/docker", "/srv/precious").unwrap();
    bed.host.create_link("/etc/cni", "/srv/precious").unwrap();
    undo(&bed, &observed, Purge::AtCommit);
    step().data(&observed).purge(&bed.host).unwrap();
    assert!(bed.host.stat("/srv/precious/files").unwrap().is_some());
    assert_eq!(bed.host.stat("/run/docker").unwrap(), None);
    assert_eq!(bed.host.stat("/etc/cni").unwrap(), None);
}

#[test]
fn bridges_of_the_engine_are_told_from_others() {
    let none: [String; 0] = [];
    for link in ["docker0", "br-0123456789ab"] {
        assert!(is_engines_link(link, &none), "{link}");
        assert!(!is_engines_link(link, &[link.to_owned()]), "{link} was there before");
    }
    for link in ["eth0", "docker1", "docker_gwbridge", "br-lan", "br-0123456789", "br-0123456789xy"]
    {
        assert!(!is_engines_link(link, &none), "{link}");
    }
}
