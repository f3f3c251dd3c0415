//! A host that looks like CentOS Stream 9: rpm with a database of its own, dnf, no dpkg.

use crate::support::{Allowed, JOURNAL, Machine, MachineOptions, bundle, said_to_be_kept, with};

/// rpm's own, not Landfall's.
const RPM_READS: Allowed = Allowed {
    lines: "file /var/lib/rpm/rpmdb.sqlite-shm",
    reason: "rpm notes there that its database was read",
};

fn centos() -> Machine {
    MachineOptions { variant: Some("rpm"), ..MachineOptions::default() }.boot()
}

/// Installs some of the bench's packages.
fn rpm(host: &Machine, packages: &[&str]) {
    let files: Vec<String> =
        packages.iter().map(|name| format!("/srv/rpms/{name}-[0-9]*.rpm")).collect();
    host.sh(&format!("rpm -i --force-debian {}", files.join(" ")));
}

#[test]
fn an_installation_leaves_the_rpm_host_as_it_was() {
    let host = centos();
    let before = host.snapshot();
    let run = host.landfall(&with("install", &["--image", bundle::image()])).exits(0);
    let run = run.says("CentOS Stream 9 (expected to work, not tested)");
    assert!(!run.output().contains("LF038"), "rpm was asked: {run}");
    assert_eq!(host.sh(&format!("docker run --rm {} echo hello", bundle::IMAGE_NAME)), "hello");
    host.landfall(&["status"]).exits(0).says("CentOS Stream 9 (expected to work");
    let gone = host.landfall(&["uninstall", "--yes"]).exits(0);
    let allowed = [said_to_be_kept(&gone), vec![RPM_READS]].concat();
    before.assert_same(&host.snapshot(), &allowed);
}

#[test]
fn packages_of_engines_are_refused_and_gone_after_the_command_that_is_given() {
    let host = centos();
    for (packages, remove) in [
        (&["docker-engine"][..], "dnf remove docker-engine"),
        (
            &["docker-ce", "docker-ce-cli", "containerd.io"],
            "dnf remove containerd.io docker-ce docker-ce-cli",
        ),
    ] {
        rpm(&host, packages);
        let before = host.snapshot();
        let run = host.landfall(&with("install", &["--ignore", "LF030"])).exits(3).says("LF032");
        let run = run.says(remove).says("/usr/bin/docker");
        before.assert_same(&host.snapshot(), &[JOURNAL, RPM_READS]);
        host.sh(&format!("{remove} -y"));
        assert!(!host.exists("/usr/bin/docker"), "{run}");
        host.landfall(&with("plan", &[])).exits(0);
    }
    // A configuration that belongs to a package is not edited; as it is, it may stay.
    rpm(&host, &["site-docker-config"]);
    host.landfall(&with("plan", &["--live-restore"])).exits(3).says("LF032").says("daemon.json");
    host.landfall(&with("plan", &["--set", "debug=true"])).exits(0);
    // Nor for a key that is not asked for, but that the units need; nothing is staged before.
    let before = host.snapshot();
    let options = ["--unit-style", "classic", "--group", "containers"];
    host.landfall(&with("install", &options)).exits(3).says("LF032").says("daemon.json");
    before.assert_same(&host.snapshot(), &[RPM_READS]);
}

#[test]
fn podmans_runc_stays_and_a_damaged_database_is_seen() {
    let host = centos();
    rpm(&host, &["runc", "podman", "podman-docker"]);
    let run = host.landfall(&with("plan", &["--verbose"])).exits(3).says("LF044");
    let run = run.says("podman needs it");
    let run = run.says("--bin-dir /usr/local/bin").says("dnf remove podman-docker");
    assert!(!run.output().contains("remove runc"), "{run}");
    host.sh("dnf remove -y podman-docker");
    host.landfall(&with("install", &["--bin-dir", "/usr/local/bin"])).exits(0);
    assert_eq!(host.sh("rpm -V runc podman"), "", "the packages' files are as they were");
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);

    host.sh("cp /var/lib/rpm/rpmdb.sqlite /root/");
    for damage in ["dd if=/dev/zero bs=4096 count=20", "true"] {
        host.sh(&format!("{damage} >/var/lib/rpm/rpmdb.sqlite"));
        // runc is there, and may be a package's.
        let run = host.landfall(&with("install", &[])).exits(3).says("LF038");
        run.says("damaged").says("rpm --rebuilddb");
    }
    host.sh("cp /root/rpmdb.sqlite /var/lib/rpm/");
    host.landfall(&with("plan", &[])).exits(3).says("LF032");
}
