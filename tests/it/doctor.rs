//! `landfall doctor` on hosts that are sick in many ways at once.

use crate::support::hold::{Background, Hold};
use crate::support::{Allowed, Machine, RUNNING, SHADOW_BACKUPS, bundle, installed, with};

/// A certificate that ended in January 2025.
const EXPIRED: &str = include_str!("../facts/registry.crt");

/// Makes the host sick.
const SICKEN: &str = r#"
units=/etc/systemd/system certs=/etc/docker/certs.d/registry.example
cd $units
mkdir -p docker-extra.service.d docker.service.d
printf '[Service]\nNice=1\n' >docker-extra.service.d/nice.conf
ln -s /nowhere/docker-old.service multi-user.target.wants/docker-old.service
printf '[Service]\nType=oneshot\nExecStart=/bin/false\n' >docker-failing.service
printf '[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=2\n[Service]\nExecStart=/bin/false\nRestart=always\n' >docker-loop.service
printf '[Service]\nExecStart=/nowhere/docker-gone\n' >docker-gone.service
systemctl daemon-reload
systemctl start docker-failing || true
systemctl start docker-loop
until systemctl --quiet is-failed docker-loop; do sleep 0.1; done
systemctl disable docker.service docker.socket
printf '[Service]\nNice=1\n' >docker.service.d/later.conf

cp $certs/ca.crt $certs/client.cert
echo none >$certs/other.crt
cp $certs/ca.crt $certs/paired.cert
echo key >$certs/paired.key
chmod 644 $certs/paired.key

mkdir -p /var/lib/docker/containers/aa
truncate --size 3G /var/lib/docker/containers/aa/aa-json.log
printf '{"live-restore": true, "hostz": [], "proxies": {}}' >/etc/docker/daemon.json
touch /usr/bin/.dockerd.landfall-new
chmod 666 /run/docker.sock
echo 0 >/proc/sys/net/ipv4/ip_forward
mkdir /run/second
echo '{}' >/run/second/daemon.json
systemd-run --quiet --unit=second --property=Type=notify dockerd --data-root=/run/second/data \
  --exec-root=/run/second/exec --pidfile=/run/second/pid --host=tcp://0.0.0.0:2375 \
  --bridge=none --iptables=false --ip-forward=false --config-file=/run/second/daemon.json
"#;

/// Takes back what `--fix` leaves alone.
const NURSE: &str = r#"
systemctl stop second
systemctl reset-failed
cd /etc/systemd/system
rm -r docker-extra.service.d docker.service.d docker-failing.service docker-loop.service \
  docker-gone.service
rm -r /etc/docker/daemon.json /etc/docker/certs.d /var/lib/docker/containers/aa \
  /usr/bin/.dockerd.landfall-new /run/second
systemctl daemon-reload
"#;

/// Each of these codes comes of something in [`SICKEN`].
const SICK: [&str; 21] = [
    "LF105", "LF116", "LF118", "LF120", "LF121", "LF122", "LF123", "LF124", "LF125", "LF126",
    "LF128", "LF131", "LF132", "LF133", "LF136", "LF137", "LF138", "LF140", "LF141", "LF143",
    "LF147",
];

/// Those that `--fix` repairs.
const REPAIRED: [&str; 6] = ["LF105", "LF116", "LF122", "LF123", "LF125", "LF128"];

/// Asking for the clock's state starts a daemon of systemd's for a while.
const CLOCK: Allowed = Allowed {
    lines: "process systemd-timedat",
    reason: "it answers timedatectl, and ends by itself when nobody asks any more",
};

#[test]
fn a_sick_host_is_told_and_repaired_and_uninstalled_as_before() {
    let host = Machine::boot();
    host.sh("useradd --create-home alice");
    let fresh = host.snapshot();
    host.landfall(&["doctor"]).exits(0).says("LF110");
    installed(&host, &["--user", "alice"]);
    host.landfall(&["doctor"]).exits(0).says("LF118");

    host.put("/etc/docker/certs.d/registry.example/ca.crt", EXPIRED);
    host.sh(SICKEN);
    let sick = host.snapshot();
    let run = host.landfall(&["doctor"]).exits(7);
    let found = run.findings();
    let missed: Vec<&&str> =
        SICK.iter().filter(|code| !found.iter().any(|f| f == **code)).collect();
    assert!(missed.is_empty(), "{missed:?} are missing: {run}");
    let json = host.landfall(&["--json", "doctor"]).exits(7).stdout;
    let last: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "diagnosis");
    sick.assert_same(&host.snapshot(), &[RUNNING, &[CLOCK]].concat());

    // Whoever is not root is told what could not be seen.
    host.exec(&["runuser", "-u", "alice", "--", "/mnt/share/landfall", "doctor"])
        .exits(7)
        .says("LF148");

    // It is judged again afterwards: there are errors left that only people can mend.
    let run = host.landfall(&["doctor", "--fix", "--yes"]).exits(7).says("enable docker.service");
    let said = run.output().split_once("After the repairs:").expect("it looks again").1.to_owned();
    let left = host.landfall(&["doctor"]).exits(7).findings();
    for left in [&said, &left.join(" ")] {
        let again: Vec<&&str> = REPAIRED.iter().filter(|code| left.contains(**code)).collect();
        assert!(again.is_empty(), "{again:?} were not repaired: {left}");
    }
    assert_eq!(host.sh("cat /proc/sys/net/ipv4/ip_forward; stat -c %a /run/docker.sock"), "1\n660");
    assert_eq!(host.sh("systemctl is-enabled docker.service"), "enabled");

    host.sh(NURSE);
    host.sh("chmod 666 /run/docker.sock");
    host.landfall(&["doctor"]).exits(7).says("LF116");
    host.landfall(&["doctor", "--fix", "--yes"]).exits(0).says("0 errors");
    let run = host.landfall(&["uninstall", "--yes", "--purge", "data"]).exits(0);
    assert!(!host.exists("/etc/sysctl.d/90-landfall-forwarding.conf"), "{run}");
    // The link to nothing is back, as it was before it was repaired.
    host.sh("rm /etc/systemd/system/multi-user.target.wants/docker-old.service");
    fresh.assert_same(&host.snapshot(), &[SHADOW_BACKUPS, &[CLOCK]].concat());
}

/// `/usr` cannot be written.
const READ_ONLY: &str = "mount --bind /usr /usr; mount -o remount,bind,ro /usr; \
    useradd --create-home alice";
const ELSEWHERE: [&str; 7] =
    ["--bin-dir", "/opt/x", "--group", "ops", "--data-root", "/data/docker", "--yes"];

#[test]
fn an_engine_elsewhere_is_sound_and_a_run_that_goes_on_was_not_cut() {
    let host = Machine::boot();
    let hold = Hold::on(&host, "systemd-analyze");
    host.sh(READ_ONLY);
    let install = [with("install", &["--user", "alice"]), ELSEWHERE.to_vec()].concat();
    let run = Background::start(&host, &install);
    hold.reached();
    let seen = host.landfall(&["doctor"]).says("in progress: landfall install");
    let seen = seen.says("what landfall installed (landfall install goes on");
    assert!(!seen.findings().contains(&"LF147".to_owned()), "{seen}");
    hold.release();
    let (code, output) = run.ends();
    assert_eq!(code, "0", "{output}");

    let sound = |host: &Machine| {
        let run = host.landfall(&["doctor"]).exits(0).says("ops: alice");
        let found = run.findings();
        for code in ["LF022", "LF117", "LF147"] {
            assert!(!found.iter().any(|found| found == code), "{code}: {run}");
        }
    };
    sound(&host);
    host.exec(&["runuser", "-u", "alice", "--", "/mnt/share/landfall", "doctor"])
        .exits(0)
        .says("sudo landfall doctor");
    // Also while it does not run, and its programs are on no usual path.
    host.sh("systemctl stop docker.socket docker.service");
    sound(&host);
    let dockerd = "/opt/x/dockerd";
    host.sh(&format!("mv {dockerd} {dockerd}.real"));
    host.put(dockerd, "#!/bin/sh\necho 'Docker version 18.09.0, build 1'\n");
    host.sh(&format!("chmod 755 {dockerd}"));
    host.landfall(&["doctor"]).says("dockerd 18.09.0");
}

#[test]
fn an_engine_of_others_is_repaired_and_left_running() {
    let host = Machine::boot();
    let archive = &bundle::docker().path;
    host.sh(&format!(
        "tar --extract --gzip --file {archive} --directory /usr/bin --strip-components=1"
    ));
    host.put(
        "/usr/lib/systemd/system/docker.service",
        "[Service]\nType=notify\nExecStart=/usr/bin/dockerd -H unix:///run/docker.sock -H \
         tcp://127.0.0.1:2375 --log-level=error\n[Install]\nWantedBy=multi-user.target\n",
    );
    host.put("/etc/docker/daemon.json", "{\"log-level\": \"error\"}");
    host.sh("systemctl daemon-reload; systemctl enable docker");
    host.landfall(&["doctor"]).exits(7).says("LF142");
    host.sh("rm /etc/docker/daemon.json; systemctl start docker; chmod 666 /run/docker.sock");

    let found = host.landfall(&["doctor"]).exits(7).findings();
    for code in ["LF116", "LF119"] {
        assert!(found.iter().any(|found| found == code), "{code}: {found:?}");
    }
    host.landfall(&["doctor", "--fix", "--yes"]).exits(0);
    assert_eq!(host.sh("stat -c %a /run/docker.sock"), "660");
    host.landfall(&["status"]).exits(0).says("repaired");

    let daemon = host.unit("docker.service", "MainPID");
    host.landfall(&["uninstall", "--yes"]).exits(0);
    assert_eq!(host.sh("stat -c %a /run/docker.sock"), "666");
    assert_eq!(host.unit("docker.service", "MainPID"), daemon);
    assert!(!host.exists("/var/lib/landfall"));
}
