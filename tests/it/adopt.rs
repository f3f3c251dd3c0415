//! Taking over a Docker that others installed, and letting go of it.

use crate::support::hold::{Background, Hold};
use crate::support::{Allowed, Machine, MachineOptions, RUNNING, bundle, with};

/// What adopting may write.
const STATE: &[Allowed] =
    &[Allowed { lines: "file /var/lib/landfall", reason: "the receipt and the journal" }];

/// The unit that tutorials paste.
const UNIT: &str = "[Unit]
Description=Docker Application Container Engine
After=network-online.target firewalld.service

[Service]
Type=notify
ExecStart=/usr/local/bin/dockerd --insecure-registry 10.0.0.5:5000 -H unix:///var/run/docker.sock \\
    -H tcp://127.0.0.1:2375 --log-opt max-size=7m
ExecReload=/bin/kill -s HUP $MAINPID
LimitNOFILE=infinity
TimeoutStartSec=0
Delegate=yes
KillMode=process
Restart=on-failure

[Install]
WantedBy=multi-user.target
";

/// A host on which somebody followed a tutorial, with a container that runs. It is of the release
/// that runs both engines.
fn tutorials_host() -> Machine {
    let host = MachineOptions { suite: Some("trixie"), ..MachineOptions::default() }.boot();
    let archive = &bundle::docker().path;
    host.sh(&format!(
        "cd /root; tar xzf {archive} --no-same-owner; cp docker/* /usr/local/bin/; rm -r docker
        groupadd docker"
    ));
    host.put("/etc/systemd/system/docker.service", UNIT);
    host.put("/etc/docker/daemon.json", "{\n  \"registry-mirrors\": [\"https://m.lan\"]\n}\n");
    host.sh(&format!(
        "systemctl daemon-reload; systemctl enable --now docker
        docker load -i {}; docker run -d --name web --restart always {} sleep 100000",
        bundle::image(),
        bundle::IMAGE_NAME
    ));
    host
}

fn container(host: &Machine) -> String {
    host.sh("docker inspect --format '{{.State.Pid}} {{.State.Running}}' web")
}

fn started(host: &Machine) -> String {
    host.unit("docker.service", "ExecMainStartTimestampMonotonic")
}

#[test]
fn a_tutorials_docker_from_adoption_to_the_end() {
    let host = tutorials_host();
    let before = host.snapshot();
    let (ran, since) = (container(&host), started(&host));

    let look = host.landfall(&["adopt", "--dry-run"]).exits(0);
    look.says("classic style").says("/usr/local/bin").says("insecure-registries, log-opts, hosts");
    before.assert_same(&host.snapshot(), RUNNING);
    host.landfall(&["adopt", "--yes"]).exits(0).says("not touched");
    before.assert_same(&host.snapshot(), &[STATE, RUNNING].concat());
    assert_eq!((container(&host), started(&host)), (ran.clone(), since.clone()));
    host.landfall(&["adopt", "--yes"]).exits(0).says("already");
    host.landfall(&["status"]).exits(0).says("taken over").says("answers: version");
    host.landfall(&["rollback", "--yes"]).exits(2).says("taken over as it was");
    let doctor = host.landfall(&["doctor"]);
    assert!(!doctor.findings().contains(&"LF146".to_owned()), "no drift: {doctor}");

    // Given back untouched, and taken over again.
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(2).says("--include-adopted");
    host.landfall(&["uninstall", "--yes"]).exits(0).says("as it was taken over");
    before.assert_same(&host.snapshot(), &[RUNNING, DOCTOR].concat());
    assert_eq!((container(&host), started(&host)), (ran, since));
    host.landfall(&["adopt", "--yes"]).exits(0);

    // What a flag sets waits until the unit is written.
    let refused =
        host.landfall(&["configure", "--set", "log-opts={\"max-size\": \"9m\"}", "--yes"]);
    refused.exits(3).says("has --log-opt").says("landfall install --offline ARCHIVE");

    // A change of configuration: the programs stay, flags move to daemon.json.
    let archive_is_there = host.sh("sha256sum /usr/local/bin/dockerd");
    let set = ["--set", "debug=true", "--live-restore", "--yes"];
    let run = host.landfall(&with("install", &set)).exits(0);
    assert!(!run.output().contains("+ /usr/bin/dockerd"), "{run}");
    assert_eq!(host.sh("sha256sum /usr/local/bin/dockerd"), archive_is_there);
    assert!(!host.exists("/usr/bin/dockerd"));
    let daemon: serde_json::Value =
        serde_json::from_str(&host.read("/etc/docker/daemon.json")).unwrap();
    let expected = serde_json::json!({
        "registry-mirrors": ["https://m.lan"],
        "hosts": ["unix:///var/run/docker.sock", "tcp://127.0.0.1:2375"],
        "insecure-registries": ["10.0.0.5:5000"],
        "log-opts": {"max-size": "7m"},
        "debug": true,
        "live-restore": true,
    });
    assert_eq!(daemon, expected);
    assert!(host.read("/etc/systemd/system/docker.service").contains("Managed by Landfall"));
    host.sh("docker info | grep -F 10.0.0.5:5000; docker -H tcp://127.0.0.1:2375 version");
    assert!(container(&host).ends_with("true"));

    // What is moved belongs to who wrote it: a run that does not name it leaves it.
    let less = host.landfall(&with("install", &["--set", "debug=true", "--yes"])).exits(0);
    let daemon = host.read("/etc/docker/daemon.json");
    assert!(daemon.contains("10.0.0.5:5000") && !daemon.contains("live-restore"), "{less}");

    // Another engine goes where the tutorial put the first one.
    let newer = bundle::of_suite("trixie");
    let upgrade = [vec!["upgrade"], newer.arguments(), vec!["--yes"]].concat();
    host.landfall(&upgrade).exits(0);
    assert!(host.sh("docker version --format '{{.Server.Version}}'").starts_with("26."));
    assert_ne!(host.sh("sha256sum /usr/local/bin/dockerd"), archive_is_there);
    assert!(!host.exists("/usr/bin/dockerd") && container(&host).ends_with("true"));
    assert_eq!(host.read("/etc/docker/daemon.json"), daemon);

    host.landfall(&["rollback", "--yes"]).exits(0);
    assert_eq!(host.sh("sha256sum /usr/local/bin/dockerd"), archive_is_there);
    assert!(container(&host).ends_with("true"));

    // Let go of: the tutorial's Docker, with its unit and its file.
    host.landfall(&["uninstall", "--yes"]).exits(0);
    before.assert_same(&host.snapshot(), &[RUNNING, DOCTOR, RESTARTED].concat());
    assert!(container(&host).ends_with("true"));

    // All of it gone; interrupted in the middle, all of it is back.
    host.landfall(&["adopt", "--yes"]).exits(0);
    let adopted = host.snapshot();
    let removing = Hold::on(&host, "groupdel");
    let run = Background::start(&host, &["uninstall", "--include-adopted", "--yes"]);
    removing.reached();
    assert!(!host.exists("/usr/local/bin/dockerd"));
    host.sh(&format!("kill -INT {}", run.pid()));
    run.says("interrupted:");
    removing.release();
    let (code, output) = run.ends();
    assert_eq!(code, "1", "{output}");
    host.sh("rm -r /usr/local/sbin/groupdel /run/hold");
    adopted.assert_same(&host.snapshot(), &[STATE, RUNNING, DOCTOR, RESTARTED, GROUP].concat());
    assert!(container(&host).ends_with("true"));
    let run = host.landfall(&["uninstall", "--include-adopted", "--purge", "data", "--yes"]);
    run.exits(0).says("/etc/docker/daemon.json");
    for gone in ["/usr/local/bin/dockerd", "/etc/systemd/system/docker.service", "/var/lib/docker"]
    {
        assert!(!host.exists(gone), "{gone}");
    }
    assert_eq!(host.unit("docker.service", "LoadState"), "not-found");
    assert_eq!(host.exec(&["getent", "group", "docker"]).code, 2);
    assert_eq!(host.exec(&["pgrep", "-a", "docker|containerd|runc"]).code, 1);
    host.landfall(&["adopt", "--yes"]).exits(3).says("no Docker on this host");
}

/// What looking at everything starts.
const DOCTOR: &[Allowed] = &[Allowed {
    lines: "process systemd-timedat",
    reason: "the doctor asks whether the clock is kept right; the service ends by itself",
}];

/// What a daemon that was restarted has anew.
const RESTARTED: &[Allowed] = &[
    Allowed { lines: "process", reason: "they run again, in another order" },
    Allowed { lines: "link", reason: "a container that starts has a new link" },
    Allowed { lines: "mount nsfs", reason: "and a new network" },
    Allowed { lines: "sysctl net/ipv4/conf", reason: "with settings of its own" },
    Allowed { lines: "sysctl net/ipv6/conf", reason: "with settings of its own" },
];

/// What a group that was removed and made again leaves.
const GROUP: &[Allowed] = &[
    Allowed { lines: "file /etc/group", reason: "the group is at its end now" },
    Allowed { lines: "file /etc/gshadow", reason: "the group is at its end now" },
    Allowed { lines: "file /etc/group-", reason: "groupdel keeps the version before" },
    Allowed { lines: "file /etc/gshadow-", reason: "groupdel keeps the version before" },
    Allowed { lines: "file /run/output", reason: "what the test wrote down" },
];

#[test]
fn a_packages_docker_is_looked_after_and_left_to_its_manager() {
    let host = MachineOptions { variant: Some("debs"), ..MachineOptions::default() }.boot();
    host.sh("DEBIAN_FRONTEND=noninteractive dpkg -i /srv/debs/docker.io/*.deb");
    host.sh(&format!(
        "systemctl start docker; docker load -i {}; docker run -d --name web {} sleep 100000",
        bundle::image(),
        bundle::IMAGE_NAME
    ));
    let before = host.snapshot();
    let (ran, since) = (container(&host), started(&host));
    let run = host.landfall(&["adopt", "--yes"]).exits(0).says("modern style").says("docker.io");
    let run = run.says("apt-get install --only-upgrade containerd docker.io");
    run.says("apt-get remove containerd docker.io");
    before.assert_same(&host.snapshot(), &[STATE, RUNNING].concat());

    host.landfall(&["status"]).exits(0).says("taken over").says("docker.io");
    let doctor = host.landfall(&["doctor"]);
    assert!(!doctor.findings().contains(&"LF146".to_owned()), "no drift: {doctor}");
    let refused = host.landfall(&with("install", &["--yes"])).exits(3).says("apt-get remove");
    refused.says("apt-get install --only-upgrade").says("package manager");
    let gone = host.landfall(&["uninstall", "--include-adopted", "--yes"]).exits(3);
    gone.says("apt-get remove containerd docker.io");
    before.assert_same(&host.snapshot(), &[STATE, RUNNING, DOCTOR].concat());
    host.landfall(&["uninstall", "--yes"]).exits(0);
    before.assert_same(&host.snapshot(), &[RUNNING, DOCTOR].concat());
    assert_eq!((container(&host), started(&host)), (ran, since));

    // The package's unit has `-H fd://`: other listeners go into a drop-in of it.
    host.landfall(&["adopt", "--yes"]).exits(0);
    host.put("/etc/docker/daemon.json", r#"{"hosts": ["fd://", "tcp://127.0.0.1:2375"]}"#);
    host.landfall(&["configure", "--set", "debug=true", "--yes"]).exits(0).says("LF049");
    host.sh("docker -H tcp://127.0.0.1:2375 version; docker version");
}
