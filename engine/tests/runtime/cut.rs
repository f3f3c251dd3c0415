//! The daemon is killed in the middle of what it does, and the next one finds everything in order.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use landfall_engine::runtime::Hierarchies;

use crate::daemon::{Daemon, IMAGE};

/// What goes on when it is killed. `victim` is the container of the round.
const OPERATIONS: [&[&str]; 7] = [
    &["load", "-q", "-i", IMAGE],
    &["create", "--network", "none", "--name", "victim", "busybox", "true"],
    &["run", "-d", "--network", "none", "--name", "victim", "busybox", "sleep", "1000"],
    &["run", "--rm", "--network", "none", "--name", "victim", "busybox", "true"],
    &["exec", "keeper", "sh", "-c", "echo inside"],
    &["rm", "-f", "victim"],
    &["restart", "-t", "0", "victim"],
];

#[test]
fn a_daemon_killed_at_any_moment_leaves_order() {
    rounds(21);
}

#[test]
#[ignore = "long: two hundred rounds"]
fn a_daemon_killed_two_hundred_times_leaves_order() {
    rounds(203);
}

fn rounds(count: u32) {
    let mut daemon = Daemon::start();
    daemon.ok(&["run", "-d", "--network", "none", "--name", "keeper", "busybox", "sleep", "10000"]);
    let keeper = daemon.ok(&["inspect", "-f", "{{.Id}} {{.State.Pid}}", "keeper"]);
    let id = keeper.split(' ').next().unwrap().to_owned();
    for round in 0..count {
        let operation = OPERATIONS[round as usize % OPERATIONS.len()];
        if matches!(operation[0], "rm" | "restart") {
            daemon.ok(OPERATIONS[2]);
        }
        let mut client = daemon.docker(operation);
        let mut client = client.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Moments spread over what an operation takes, most of them early.
        let part = u64::from(round / 7 % 29);
        std::thread::sleep(Duration::from_millis(15) + Duration::from_micros(part * part * 150));
        daemon.kill();
        client.wait().unwrap();
        daemon.run();
        let context = format!("round {round}, {operation:?}");
        assert_eq!(
            daemon.ok(&["inspect", "-f", "{{.Id}} {{.State.Pid}}", "keeper"]),
            keeper,
            "{context}"
        );
        assert_eq!(daemon.ok(&["exec", "keeper", "echo", "lives"]), "lives", "{context}");
        // Whatever is left of the victim can be removed like any other.
        for name in daemon.ok(&["ps", "-a", "--format", "{{.Names}}"]).lines() {
            if name != "keeper" {
                daemon.ok(&["rm", "-f", name]);
            }
        }
        assert_eq!(daemon.ok(&["images", "-q"]).lines().count(), 1, "{context}");
        let others: Vec<String> =
            daemon.leftovers().into_iter().filter(|path| !path.contains(&id[..32])).collect();
        assert!(others.is_empty(), "{context}: {others:#?}");
        // A shim ends soon after it has told how its container did.
        let shims = || Hierarchies::load().unwrap().processes(&daemon.cgroup().join("shims"));
        let until = Instant::now() + Duration::from_secs(20);
        while shims().len() != 1 {
            assert!(Instant::now() < until, "{context}: shims are left: {:?}", shims());
            std::thread::yield_now();
        }
        let scratch = fs::read_dir(daemon.path("data/image/scratch")).unwrap().count();
        assert_eq!(scratch, 0, "{context}: work that was cut is in the image store");
    }
    daemon.ok(&["rm", "-f", "keeper"]);
    assert_eq!(daemon.leftovers(), [""; 0]);
}
