//! From one engine to another and back, with containers that run.

use crate::support::{Machine, MachineOptions, bundle, with};

/// Two containers: one that the daemon starts by itself, and one that nobody but us does; one that is
/// paused, and one that is gone once it stops.
fn start_containers(host: &Machine) {
    for (name, policy) in [("always", "--restart=always"), ("plain", "--restart=no")] {
        let image = bundle::IMAGE_NAME;
        host.sh(&format!("docker run -d --name {name} {policy} {image} sleep 100000"));
    }
    let image = bundle::IMAGE_NAME;
    host.sh(&format!("docker run -d --name halted {image} sleep 100000; docker pause halted"));
    host.sh(&format!("docker run -d --rm --name passing {image} sleep 100000"));
}

/// Names and start times of the containers that run.
fn running(host: &Machine) -> String {
    host.sh(
        "docker ps -q | xargs -r docker inspect --format '{{.Name}} {{.State.StartedAt}}' | sort",
    )
}

#[track_caller]
fn both_run(host: &Machine) {
    let of = |status: &str| {
        let list = format!("docker ps --filter status={status} --format '{{{{.Names}}}}' | sort");
        host.sh(&list).replace("\npassing", "")
    };
    assert_eq!((of("running").as_str(), of("paused").as_str()), ("always\nplain", "halted"));
}

fn version(host: &Machine) -> String {
    host.sh("docker version --format '{{.Server.Version}}'")
}

fn upgrade(bundle: &bundle::Bundle) -> Vec<&str> {
    [vec!["upgrade"], bundle.arguments(), vec!["--watch", "2", "--yes"]].concat()
}

/// 20.10.5 → 20.10.24 → 26.1.5 on the release that can run all of them: within a release line
/// live-restore keeps containers, across lines they stop and run again; and back in one go.
#[test]
fn engines_follow_each_other_and_go_back() {
    let [first, second, third] = ["bullseye", "bookworm", "trixie"].map(bundle::of_suite);
    let host = MachineOptions { suite: Some("trixie"), ..MachineOptions::default() }.boot();
    let options = ["--image", bundle::image(), "--live-restore", "--user", "root"];
    host.landfall(&[vec!["install"], first.arguments(), options.to_vec()].concat()).exits(0);
    assert!(version(&host).starts_with("20.10.5"), "{}", version(&host));
    start_containers(&host);
    let began = running(&host);

    let plan = host.landfall(&upgrade(&second)).exits(0);
    assert!(!plan.output().contains("Containers that stop"), "{plan}");
    let plan = plan.says("gone when they stop): passing");
    let plan = plan.says("Docker 20.10.24-1 runs now");
    assert!(version(&host).starts_with("20.10.24"), "{}", version(&host));
    let kept: Vec<_> = began.lines().filter(|line| !line.contains("passing")).collect();
    let began = running(&host);
    assert_eq!(began, kept.join("\n"), "live-restore is honoured within a release line: {plan}");
    host.sh(&format!("docker run -d --rm --name passing {} sleep 100000", bundle::IMAGE_NAME));
    assert!(host.read("/etc/docker/daemon.json").contains("live-restore"), "options are kept");

    let run = host.landfall(&upgrade(&third)).exits(0);
    let run = run.says("Containers that stop").says(": always, halted, plain");
    run.says("LOST (started with --rm: gone when they stop): passing");
    assert_eq!(host.sh("docker ps -aq --filter name=passing"), "");
    assert!(version(&host).starts_with("26.1.5"), "{}", version(&host));
    both_run(&host);
    assert_ne!(running(&host), began);
    host.landfall(&upgrade(&third)).exits(0).says("nothing");

    let history = host.landfall(&["history"]).exits(0);
    for line in ["install    done → docker 20.10.5", "upgrade    done → docker 26.1.5"] {
        assert!(history.output().contains(line), "{history}");
    }
    host.landfall(&["rollback", "--yes"]).exits(0).says("20.10.24").says(": always, halted, plain");
    assert!(version(&host).starts_with("20.10.24"), "{}", version(&host));
    both_run(&host);

    host.landfall(&upgrade(&third)).exits(0);
    host.landfall(&["rollback", "--to", "19.3.1", "--yes"]).exits(2).says("landfall history");
    let back = host.landfall(&["rollback", "--to", "20.10.5", "--yes"]).exits(0);
    assert!(version(&host).starts_with("20.10.5"), "{back}");
    both_run(&host);
    host.landfall(&["rollback", "--yes"]).exits(2).says("landfall uninstall");

    host.landfall(&upgrade(&third)).exits(0);
    host.landfall(&["prune", "--keep", "0", "--yes"]).exits(0).says("2 older runs");
    host.landfall(&["prune", "--keep", "0", "--yes"]).exits(0).says("nothing");
    host.landfall(&["rollback", "--yes"]).exits(2);
    host.landfall(&["uninstall", "--purge", "all", "--yes"]).exits(0);
    assert!(!host.exists("/usr/bin/dockerd") && !host.exists("/var/lib/docker"));
}

/// The same without live-restore: at each step the containers are named that stop, and they run
/// again, also after a rollback across release lines.
#[test]
#[ignore = "long: two more root file systems and archives are made"]
fn engines_follow_each_other_without_live_restore() {
    let [first, second, third] = ["bullseye", "bookworm", "trixie"].map(bundle::of_suite);
    let host = MachineOptions { suite: Some("trixie"), ..MachineOptions::default() }.boot();
    let options = ["--image", bundle::image(), "--user", "root"];
    host.landfall(&[vec!["install"], first.arguments(), options.to_vec()].concat()).exits(0);
    start_containers(&host);
    let mut began = running(&host);
    let mut started_anew = |what: &str| {
        both_run(&host);
        let now = running(&host);
        let same = now.lines().filter(|line| began.contains(line)).count();
        assert_eq!(same, 0, "{what}: {began}\n{now}");
        assert_eq!(host.sh("docker exec plain echo works"), "works");
        began = now;
    };
    for (bundle, release) in [(&second, "20.10.24"), (&third, "26.1.5")] {
        let run = host.landfall(&upgrade(bundle)).exits(0);
        run.says("Containers that stop").says(": always, halted, plain");
        assert!(version(&host).starts_with(release), "{}", version(&host));
        started_anew(release);
    }
    for release in ["20.10.24", "20.10.5"] {
        host.landfall(&["rollback", "--yes"]).exits(0).says(release);
        assert!(version(&host).starts_with(release), "{}", version(&host));
        started_anew(release);
    }
}

/// An engine that does not start, and one whose runc cannot run here: both go back by themselves,
/// and what ran runs.
#[test]
fn an_engine_that_fails_goes_back_by_itself() {
    let newer = bundle::of_suite("trixie");
    let host = Machine::boot();
    host.landfall(&with("install", &["--image", bundle::image()])).exits(0);
    start_containers(&host);
    let before = host.sh("sha256sum /usr/bin/dockerd /usr/bin/containerd /usr/bin/runc");
    let receipt = host.read("/var/lib/landfall/receipt.json");

    let ignore = ["--ignore", "LF040", "--ignore", "LF041"];
    for bundle in [bundle::dead_daemon(), &newer] {
        let run = host.landfall(&[upgrade(bundle), ignore.to_vec()].concat()).exits(1);
        run.says("rolled back").says("/var/lib/landfall/failed-");
        assert_eq!(host.sh("sha256sum /usr/bin/dockerd /usr/bin/containerd /usr/bin/runc"), before);
        assert_eq!(host.read("/var/lib/landfall/receipt.json"), receipt);
        both_run(&host);
        assert_eq!(host.sh("docker exec plain echo works"), "works");
        assert!(!host.sh("cat /var/lib/landfall/failed-*.log").is_empty());
    }
    host.landfall(&["uninstall", "--yes"]).exits(0);
}
