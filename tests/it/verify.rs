//! `landfall verify`: a host that is damaged in every way is told so, and put back.

use serde_json::Value;

use crate::support::hold::Background;
use crate::support::with;
use crate::support::{
    Allowed, Machine, RUNNING, SHADOW_BACKUPS, bundle, installed, said_to_be_kept,
};

/// What people do, and nobody has to restart anything for.
const DAMAGE: &str = r#"
echo >>/usr/bin/runc
chmod 700 /usr/bin/ctr
chown 1:1 /etc/systemd/system/docker.socket
systemctl disable --quiet docker.service containerd.service
ln -sfn /nowhere/docker.socket /etc/systemd/system/sockets.target.wants/docker.socket
gpasswd --delete alice docker
sed -i 's/"max-concurrent-downloads": 5/"max-concurrent-downloads": 7/' /etc/docker/daemon.json
docker rmi --force busybox:bench
"#;

/// How it is told: the kind of each difference, and a word of its text.
const TOLD: [(&str, &str); 9] = [
    ("bytes", "/usr/bin/runc"),
    ("mode", "/usr/bin/ctr has mode 0700, expected 0755"),
    ("owner", "docker.socket belongs to 1:1, expected 0:0"),
    ("missing", "docker.service is not enabled"),
    ("missing", "containerd.service is not enabled"),
    ("target", "points to /nowhere/docker.socket"),
    ("member", "alice is no member of group docker"),
    ("key", "max-concurrent-downloads is 7, expected 5"),
    ("image", "image busybox:bench is gone"),
];

/// What takes a restart.
const WORSE: &str = r#"
sed -i 's/^ExecStart=.*/& --debug/' /etc/systemd/system/docker.service
systemctl daemon-reload
systemctl stop docker.socket docker.service
echo >>/usr/bin/dockerd
"#;

/// As an upgrade leaves it: the bytes of programs, by their digests.
const FILL_STORE: &str = r#"
mkdir -p -m 700 /tmp/x /var/lib/landfall/store
tar -xzf "$1" -C /tmp/x
for program in runc dockerd; do
  install -m 600 /tmp/x/docker/$program \
    /var/lib/landfall/store/$(sha256sum </tmp/x/docker/$program | cut -d ' ' -f 1)
done
rm -r /tmp/x
"#;

const OWN_STATE: Allowed =
    Allowed { lines: "file /var/lib/landfall", reason: "what was done is written down there" };

/// `doctor` asks for the clock's state, which starts a daemon of systemd's for a while.
const CLOCK: Allowed = Allowed {
    lines: "process systemd-timedat",
    reason: "it answers timedatectl, and ends by itself when nobody asks any more",
};

/// What is said with `--json`, by the name of the event.
fn events(output: &str, name: &str) -> Vec<Value> {
    let all = output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default());
    all.filter(|event| event["event"] == name).collect()
}

#[track_caller]
fn is_told(host: &Machine) {
    let run = host.landfall(&["--json", "verify"]).exits(7);
    let drift = events(&run.stdout, "drift");
    for (kind, word) in TOLD {
        let told = drift.iter().any(|event| {
            event["kind"] == kind && event["text"].as_str().is_some_and(|text| text.contains(word))
        });
        assert!(told, "{kind}: {word}: {run}");
    }
    let last = &events(&run.stdout, "verified")[0];
    assert_eq!(last["differences"], drift.len(), "{run}");
    assert_eq!(drift.len(), TOLD.len(), "{run}");
}

#[test]
fn drift_is_told_and_put_back() {
    let host = Machine::boot();
    host.sh("useradd --create-home alice; useradd --create-home bob");
    let fresh = host.snapshot();
    host.landfall(&["verify"]).exits(2).says("installed nothing");
    let options = ["--user", "alice", "--image", bundle::image(), "--live-restore"];
    let options = [&options[..], &["--set", "max-concurrent-downloads=5"]].concat();
    installed(&host, &options);
    host.sh(&format!("docker run --detach --name stays {} sleep 100000", bundle::IMAGE_NAME));
    host.landfall(&["verify"]).exits(0).says("no drift");
    host.landfall(&["status"]).exits(0).says("no drift");

    // What people may do is a note.
    host.sh(
        "gpasswd --add bob docker; sed -i 's/^{/{\\n  \"debug\": true,/' /etc/docker/daemon.json",
    );
    host.put("/etc/systemd/system/docker.service.d/nice.conf", "[Service]\nNice=1\n");
    host.sh("systemctl daemon-reload");
    let run = host.landfall(&["verify"]).exits(0);
    run.says("did not set: debug").says("did not add: bob").says("nice.conf");
    let run = host.landfall(&["--json", "verify"]).exits(0);
    assert_eq!(events(&run.stdout, "note").len(), 3, "{run}");
    host.sh("gpasswd --delete bob docker");

    // Cut off: nobody knows what it was to say, but it is written anew once it is out of the way.
    host.sh("cd /etc/docker; cp daemon.json whole; head -c 20 whole >daemon.json");
    let run = host.landfall(&["verify"]).exits(7).says("does not guess");
    assert!(!run.output().contains("puts it back"), "{run}");
    let run = host.landfall(&["verify", "--repair", "--yes"]).exits(7);
    run.says("mv /etc/docker/daemon.json /etc/docker/daemon.json.broken");
    host.sh("rm /etc/docker/daemon.json");
    host.landfall(&["verify", "--repair", "--yes"]).exits(0).says("Repaired");
    host.landfall(&["rollback", "--yes"]).exits(0);
    host.sh("cd /etc/docker; rm -f daemon.json; mv whole daemon.json");

    // A setting that the daemon does not follow any more; going back behind the repair leaves it so.
    host.sh("sed -i 's/\"live-restore\": true/\"live-restore\": false/' /etc/docker/daemon.json");
    host.sh("systemctl reload docker");
    let run = host.landfall(&["verify", "--repair", "--yes"]).exits(0);
    run.says("live-restore is false, expected true").says("reload docker.service");
    host.landfall(&["rollback", "--yes"]).exits(0);
    host.landfall(&["verify"]).exits(7).says("live-restore is false, expected true");
    host.landfall(&["verify", "--repair", "--yes"]).exits(0);

    // Damaged, it is told; nothing is touched that cannot be put back.
    let container = || host.sh("docker inspect --format '{{.State.Pid}}' stays");
    let (clean, pid) = (host.snapshot(), container());
    let allowed = [RUNNING, SHADOW_BACKUPS, &[OWN_STATE]].concat();
    host.sh(DAMAGE);
    let damaged = host.snapshot();
    is_told(&host);
    host.landfall(&["status"]).exits(0).says("9 things differ: landfall verify tells which");
    let run = host.landfall(&["verify", "--repair", "--yes"]).exits(2);
    run.says("/usr/bin/runc").says("--repair --offline docker").says(&bundle::docker().sha256);
    damaged.assert_same(&host.snapshot(), &allowed);

    // Put back: docker is told to read its configuration, and runs on with its containers.
    let daemon = host.unit("docker.service", "MainPID");
    let archive = bundle::docker().path.as_str();
    let run = host.landfall(&["verify", "--repair", "--offline", archive, "--yes"]).exits(0);
    run.says("reload docker.service").says("Repaired");
    clean.assert_same(&host.snapshot(), &allowed);
    assert_eq!((container(), host.unit("docker.service", "MainPID")), (pid.clone(), daemon));
    host.landfall(&["verify"]).exits(0);
    host.landfall(&["verify", "--repair", "--yes"]).exits(0).says("no drift");

    // A repair is a run, and is gone back behind. Images are data, and stay.
    host.landfall(&["rollback", "--yes"]).exits(0);
    damaged.assert_same(&host.snapshot(), &allowed);
    assert_eq!(container(), pid, "live-restore keeps it");

    // Worse, and with the programs in the store: no archive is needed.
    host.exec(&["sh", "-euc", FILL_STORE, "fill", archive]).exits(0);
    host.sh(WORSE);
    let run = host.landfall(&["verify"]).exits(7);
    run.says("docker.service has another text").says("--debug").says("docker.socket is inactive");
    let run = host.landfall(&["verify", "--repair", "--yes"]).exits(0);
    run.says("docker.service");
    clean.assert_same(&host.snapshot(), &allowed);
    assert_eq!(container(), pid);
    host.landfall(&["verify"]).exits(0).says("no drift");

    a_cut_run_is_told_first(&host, &with("install", &options));

    host.sh("rm -r /etc/systemd/system/docker.service.d");
    let run = host.landfall(&["uninstall", "--purge", "all", "--yes"]).exits(0);
    fresh.assert_same(&host.snapshot(), &[&said_to_be_kept(&run)[..], &[CLOCK]].concat());
}

/// By every command that looks at the host, and by none while the run goes on.
fn a_cut_run_is_told_first(host: &Machine, install: &[&str]) {
    let change = [install, &["--set", "debug=false", "--confirm-within", "30m", "--yes"]].concat();
    let run = Background::start(host, &change);
    run.says("landfall confirm");
    let plan = [&["plan"], &install[1..]].concat();
    let looking: [&[&str]; 6] = [
        &["verify"],
        &["status"],
        &["doctor"],
        &["probe"],
        &["support-bundle", "-o", "/root/support.tgz"],
        &plan,
    ];
    host.landfall(&["verify"]).exits(6).says("in progress: landfall install");
    for command in looking {
        let said = host.landfall(command);
        assert!(!said.output().contains("a run was cut"), "{said}");
    }
    host.sh(&format!("kill -KILL {}", run.pid()));
    assert_eq!(run.ends().0, "137");
    for command in looking {
        host.landfall(command).says("a run was cut (landfall install");
    }
    host.landfall(&["rollback", "--yes"]).exits(0).says("before the run that was cut");
    host.landfall(&["verify"]).exits(0).says("no drift");
    host.sh("rm /root/support.tgz");
}
