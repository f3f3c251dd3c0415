//! Debian's own packages of engines, and of parts of them, on a host.

use crate::support::{
    Allowed, JOURNAL, Machine, MachineOptions, RUNNING, Run, SHADOW_BACKUPS, with,
};

fn host_with_packages(set: &str) -> Machine {
    let host = MachineOptions { variant: Some("debs"), ..MachineOptions::default() }.boot();
    host.sh(&format!("DEBIAN_FRONTEND=noninteractive dpkg -i /srv/debs/{set}/*.deb"));
    host
}

/// The command that a finding gives: what stands after the last arrow or "fix" of the line that
/// holds `start`.
fn command(run: &Run, start: &str) -> String {
    let output = run.output();
    let at = output.find(start).unwrap_or_else(|| panic!("no {start:?}: {run}"));
    let line = output[at..].lines().next().unwrap_or_default();
    line.split([';', '(']).next().unwrap_or_default().trim().to_owned()
}

#[test]
fn debians_docker_is_refused_and_gone_after_the_command_that_is_given() {
    let host = host_with_packages("docker.io");
    let before = host.snapshot();
    let refused = host.landfall(&with("install", &[])).exits(3).says("LF030").says("LF032");
    before.assert_same(&host.snapshot(), RUNNING);
    // Whatever is ignored, what a package owns is not written.
    let ignoring = ["--ignore", "LF030", "--ignore", "LF031", "--ignore", "LF032"];
    host.landfall(&with("install", &ignoring)).exits(3).says("LF032").says("/usr/bin/docker");
    before.assert_same(&host.snapshot(), RUNNING);

    let remove = command(&refused, "apt-get remove containerd");
    assert_eq!(remove, "apt-get remove containerd docker.io runc tini");
    host.sh(&format!("DEBIAN_FRONTEND=noninteractive {remove} -y"));
    host.landfall(&with("install", &[])).exits(0);
    assert_eq!(host.unit("docker.service", "FragmentPath"), "/etc/systemd/system/docker.service");
}

#[test]
fn podmans_runc_stays_and_the_engine_goes_elsewhere() {
    let host = host_with_packages("podman");
    let refused = host.landfall(&with("install", &["--verbose"])).exits(3).says("LF044");
    // podman-docker brings /usr/bin/docker; podman needs runc.
    assert_eq!(command(&refused, "apt-get remove"), "apt-get remove podman-docker");
    let output = refused.output();
    assert!(!output.contains("remove runc") && !output.contains("docker runc"), "{refused}");
    host.sh("DEBIAN_FRONTEND=noninteractive apt-get remove -y podman-docker");

    // Where podman's runc lies nothing is written; the place that is named works.
    let owned = host.landfall(&with("install", &["--bin-dir", "/usr/sbin"])).exits(3);
    let owned = owned.says("LF032").says("podman needs it").says("--bin-dir /usr/local/bin");
    assert!(!owned.output().contains("remove runc"), "{owned}");
    let before = host.snapshot();
    host.landfall(&with("install", &["--bin-dir", "/usr/local/bin"])).exits(0);
    assert_eq!(host.sh("podman --version | cut -d' ' -f1"), "podman");
    assert_eq!(host.sh("dpkg --verify runc podman"), "", "the packages' files are as they were");
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    let allowed = [SHADOW_BACKUPS, PODMAN].concat();
    before.assert_same(&host.snapshot(), &allowed);
}

/// What podman does on its own meanwhile.
const PODMAN: &[Allowed] = &[
    Allowed { lines: "file /var/lib/containers/storage", reason: "podman's own locks" },
    Allowed { lines: "process podman", reason: "its API service ends when nobody asks" },
];

#[test]
fn files_that_were_removed_or_moved_aside_and_a_database_in_disorder() {
    let host = host_with_packages("runc");
    let plan = |options: &[&str]| host.landfall(&with("plan", options));
    // Debian's runc is in /usr/sbin, with a link to it in /usr/bin.
    let (in_sbin, in_local) = (["--bin-dir", "/usr/sbin"], ["--bin-dir", "/usr/local/bin"]);
    plan(&in_sbin).exits(3).says("LF032").says("/usr/sbin/runc");
    // The next update would bring it back.
    host.sh("mv /usr/sbin/runc /root/runc");
    plan(&in_sbin).exits(3).says("LF032");
    host.sh("mv /root/runc /usr/sbin/runc");
    // An administrator moved it aside: updates write to the other name.
    host.sh("dpkg-divert --local --rename --divert /usr/sbin/runc.debian --add /usr/sbin/runc");
    plan(&in_sbin).exits(0);
    host.sh("dpkg-divert --rename --remove /usr/sbin/runc");

    // dpkg is at work: perl holds the lock as dpkg does, and says when it has it.
    host.sh("cat >/root/lock <<'X'
use Fcntl;
open(my $file, '>>', '/var/lib/dpkg/lock-frontend') or die;
my $lock = pack('s s x4 q q i x4', F_WRLCK, 0, 0, 0, 0);
fcntl($file, F_SETLK, $lock) or die;
system('systemd-notify', '--ready', '--pid=' . $$);
sleep 1000;
X
systemd-run -q --unit=at-work --property=Type=notify --property=NotifyAccess=all perl /root/lock");
    plan(&in_local).exits(3).says("LF038").says("changing packages right now");
    host.sh("systemctl stop at-work");
    plan(&in_local).exits(0);

    host.sh("dpkg-query --status runc >/var/lib/dpkg/updates/0001");
    plan(&in_local).exits(3).says("LF038").says("dpkg --configure -a");
    host.sh("dpkg --configure -a");
    plan(&in_local).exits(0);

    host.sh(
        "cp /var/lib/dpkg/status /root/; dd if=/dev/zero of=/var/lib/dpkg/status bs=4096 count=9",
    );
    host.put("/usr/bin/dockerd", "of whom?");
    let before = host.snapshot();
    host.landfall(&with("install", &[])).exits(3).says("LF038").says("damaged");
    before.assert_same(&host.snapshot(), &[JOURNAL]);
}
