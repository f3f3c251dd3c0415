//! Upgrades on a host that turns bad, before or in the middle of them: a disk that is full or
//! read-only, files that cannot be changed, units that hang, a bus that is gone.

use crate::support::hold::{Background, Hold};
use crate::support::{Machine, MachineOptions, Run, VmOptions, bundle, with};

/// A host with an engine and a container that nobody but us starts again.
struct Host {
    machine: Machine,
    programs: String,
    receipt: String,
}

impl Host {
    fn of(options: MachineOptions) -> Self {
        let machine = options.boot();
        machine.landfall(&with("install", &["--image", bundle::image()])).exits(0);
        machine.sh(&format!("docker run -d --name plain {} sleep 100000", bundle::IMAGE_NAME));
        let programs = programs(&machine);
        let receipt = machine.read("/var/lib/landfall/receipt.json");
        Self { machine, programs, receipt }
    }

    /// The daemon's process: another one once it was restarted.
    fn daemon(&self) -> String {
        self.machine.unit("docker.service", "MainPID")
    }

    /// An upgrade that is to fail.
    fn upgrade(&self, more: &[&str]) -> Run {
        self.machine.landfall(&[&upgrade(bundle::same_again())[..], more].concat())
    }

    /// Everything is as before the upgrade, and the container runs.
    #[track_caller]
    fn is_as_before(&self, run: &str) {
        let host = &self.machine;
        assert_eq!(programs(host), self.programs, "{run}");
        assert_eq!(host.read("/var/lib/landfall/receipt.json"), self.receipt, "{run}");
        works(host);
        let left = host.sh("find / -xdev -name '*.landfall*' -not -path '/proc/*'");
        assert_eq!(left, "", "{run}");
        host.landfall(&["verify"]).exits(0);
    }
}

fn programs(host: &Machine) -> String {
    host.sh("sha256sum /usr/bin/dockerd /usr/bin/containerd /usr/bin/runc")
}

#[track_caller]
fn works(host: &Machine) {
    assert_eq!(host.sh("docker ps --format '{{.Names}}'"), "plain");
    assert_eq!(host.sh("docker exec plain echo works"), "works");
    assert_eq!(host.sh("systemctl --failed --no-legend --plain"), "");
}

fn upgrade(bundle: &bundle::Bundle) -> Vec<&str> {
    [vec!["upgrade"], bundle.arguments(), vec!["--watch", "1", "--yes"]].concat()
}

/// Takes all room of the disk but this many bytes.
fn fill(host: &Machine, left: u64) {
    host.sh(&format!(
        "free=$(stat -f -c '%f * %S' /)
         fallocate -l $(( $free - {left} )) /fill
         [ {left} -gt 0 ] || dd if=/dev/zero of=/fill.rest bs=4k 2>/dev/null || true"
    ));
}

#[test]
fn a_disk_that_is_full_read_only_or_immutable() {
    let host = Host::of(MachineOptions { disk: Some("3G"), ..MachineOptions::default() });
    let machine = &host.machine;
    let daemon = host.daemon();

    // Before it.
    fill(machine, 60_000_000);
    let refused = host.upgrade(&[]).exits(3).says("space");
    let codes = refused.findings();
    let ignored: Vec<&str> = codes.iter().flat_map(|code| ["--ignore", code.as_str()]).collect();
    let run = host.upgrade(&ignored).exits(1);
    let run = run.says("No space left on device").says("/usr/bin/.").says("df -h");
    host.is_as_before(&run.to_string());
    machine.sh("rm /fill");

    machine.sh("mount --bind /usr /usr; mount -o remount,bind,ro /usr");
    let run = host.upgrade(&[]).exits(3).says("read-only");
    machine.sh("umount -l /usr");
    host.is_as_before(&run.to_string());

    machine.sh("mount --bind /var/lib/landfall /var/lib/landfall
                mount -o remount,bind,ro /var/lib/landfall");
    let run = host.upgrade(&[]).exits(3).says("read-only").says("/var/lib/landfall");
    machine.sh("umount -l /var/lib/landfall");
    host.is_as_before(&run.to_string());

    // A small file system for Landfall's own.
    machine.sh("cp -a /var/lib/landfall /root/state
                mount -t tmpfs -o size=8M,mode=0700 none /var/lib/landfall
                cp -a /root/state/receipt.json /root/state/journal.jsonl /var/lib/landfall");
    let codes = host.upgrade(&[]).findings();
    let ignored: Vec<&str> = codes.iter().flat_map(|code| ["--ignore", code.as_str()]).collect();
    let run = host.upgrade(&ignored).exits(1);
    let run = run.says("No space left on device").says("/var/lib/landfall/store");
    machine.sh("umount -l /var/lib/landfall; rm -r /root/state");
    host.is_as_before(&run.to_string());
    assert_eq!(host.daemon(), daemon, "nothing of this needed the engine to stop");

    // In the middle of it: the engine is down, and its programs are about to be replaced.
    let hold = Hold::in_unit(machine, "docker.service", "ExecStopPost");
    let meanwhile = |what: &str| {
        hold.again();
        let run = Background::start(machine, &upgrade(bundle::same_again()));
        hold.reached();
        machine.sh(what);
        hold.release();
        run.ends()
    };
    let (code, said) = meanwhile("chattr +i /usr/bin/dockerd");
    assert_eq!(code, "1", "{said}");
    assert!(said.contains("/usr/bin/dockerd: Operation not permitted"), "{said}");
    assert!(said.contains("lsattr") && said.contains("rolled back"), "{said}");
    machine.sh("chattr -i /usr/bin/dockerd");
    host.is_as_before(&said);

    let (code, said) = meanwhile("mount --bind /usr /usr; mount -o remount,bind,ro /usr");
    assert!(said.contains("Read-only file system") && said.contains("findmnt"), "{said}");
    // Unpacked files, and the guard's program, cannot be removed as long as it is.
    assert_eq!(code, "5", "{said}");
    works(machine);
    machine.sh("umount -l /usr");
    machine.landfall(&["recover"]).exits(0);
    host.is_as_before(&said);

    // The disk is full before anything of the engine is kept, and once the new one is about to start.
    let full = "fallocate -l $(( $(stat -f -c '%f * %S' /) )) /fill || true
        dd if=/dev/zero of=/fill.rest bs=4k 2>/dev/null || true";
    let (code, said) = meanwhile(full);
    assert_eq!(code, "1", "{said}");
    assert!(said.contains("No space left on device") && said.contains("rolled back"), "{said}");
    works(machine);
    machine.sh("rm -f /fill /fill.rest");
    host.is_as_before(&said);

    machine.sh("rm /etc/systemd/system/docker.service.d/hold.conf");
    let hold = Hold::in_unit(machine, "docker.service", "ExecStartPre");
    let run = Background::start(machine, &upgrade(bundle::same_again()));
    hold.reached();
    machine.sh(full);
    hold.release();
    let (code, said) = run.ends();
    works(machine);
    machine.sh("rm -f /fill /fill.rest");
    assert_eq!(code, "1", "{said}");
    host.is_as_before(&said);
}

#[test]
fn units_that_hang_and_a_bus_that_is_gone() {
    let host = Host::of(MachineOptions::default());
    let machine = &host.machine;
    let drop_in = |text: &str| {
        machine.put("/etc/systemd/system/docker.service.d/bad.conf", format!("[Service]\n{text}"));
        machine.sh("systemctl daemon-reload");
    };

    // The new daemon never says that it is ready.
    machine.sh("cp /usr/bin/dockerd /root/dockerd");
    drop_in(
        "ExecStartPre=/bin/sh -c 'cmp -s /usr/bin/dockerd /root/dockerd || exec sleep 100000'\n\
         TimeoutStartSec=8\n",
    );
    let run = host.upgrade(&[]).exits(1).says("docker.service did not start").says("timeout");
    let run = run.says("rolled back").says("/var/lib/landfall/failed-");
    host.is_as_before(&run.to_string());
    let evidence = machine.sh("cat /var/lib/landfall/failed-*.log");
    assert!(evidence.contains("== docker.service"), "{evidence}");

    // The old one does not end when it is asked to; systemd ends it.
    drop_in("KillSignal=SIGCONT\nTimeoutStopSec=4\n");
    let run = host.upgrade(&[]).exits(0);
    assert_ne!(programs(machine), host.programs, "{run}");
    works(machine);
    let run = machine.landfall(&["rollback", "--yes"]).exits(0);
    assert_eq!(programs(machine), host.programs, "{run}");
    works(machine);
    machine.sh("rm /etc/systemd/system/docker.service.d/bad.conf; systemctl daemon-reload");

    // No bus before, and none from the middle on.
    let off = "systemctl stop dbus.socket dbus.service";
    let on = "systemctl start dbus.socket dbus.service";
    machine.sh(off);
    host.upgrade(&[]).exits(0);
    works(machine);
    machine.landfall(&["rollback", "--yes"]).exits(0);
    works(machine);
    machine.sh(on);
    let hold = Hold::in_unit(machine, "docker.service", "ExecStopPost");
    let run = Background::start(machine, &upgrade(bundle::same_again()));
    hold.reached();
    machine.sh(off);
    hold.release();
    let (code, said) = run.ends();
    assert_eq!(code, "0", "{said}");
    works(machine);
    machine.sh(on);
    hold.again();
    let run = Background::start(machine, &["rollback", "--yes"]);
    hold.reached();
    machine.sh(off);
    hold.release();
    let (code, said) = run.ends();
    assert_eq!(code, "0", "{said}");
    machine.sh(on);
    assert_eq!(programs(machine), host.programs, "{said}");
    works(machine);
}

/// What is started anew for each container changes, and changes back, beneath a running engine.
#[test]
fn another_runc_disturbs_nobody() {
    let host = Host::of(MachineOptions::default());
    let machine = &host.machine;
    let state = || (host.daemon(), machine.sh("docker inspect -f '{{.State.StartedAt}}' plain"));
    let before = state();
    machine.landfall(&upgrade(bundle::other_runc())).exits(0).says("runc");
    assert_ne!(programs(machine), host.programs);
    assert_eq!(state(), before);
    machine.landfall(&["rollback", "--yes"]).exits(0);
    assert_eq!(programs(machine), host.programs);
    assert_eq!(state(), before);
    works(machine);
    let run = format!("docker run --rm {} echo works", bundle::IMAGE_NAME);
    assert_eq!(machine.sh(&run), "works");
}

/// Nothing but Landfall's own limit ends it.
#[test]
#[ignore = "long: waits for two minutes until the daemon is given up"]
fn a_daemon_that_is_never_ready_is_given_up() {
    let host = Host::of(MachineOptions::default());
    let machine = &host.machine;
    machine.sh("cp /usr/bin/dockerd /root/dockerd");
    machine.put(
        "/etc/systemd/system/docker.service.d/bad.conf",
        "[Service]\n\
         ExecStartPre=/bin/sh -c 'cmp -s /usr/bin/dockerd /root/dockerd || exec sleep 100000'\n",
    );
    machine.sh("systemctl daemon-reload");
    let run = host.upgrade(&[]).exits(1).says("docker.service did not start");
    let run = run.says("rolled back").says("/var/lib/landfall/failed-");
    host.is_as_before(&run.to_string());
}

/// The clock is set a day back while the engine is down for an upgrade, and two days forward while it
/// is down for a rollback. On a virtual machine, which has a clock of its own.
#[test]
#[ignore = "long: a virtual machine under emulation"]
fn a_clock_that_jumps_in_the_middle() {
    bundle::same_again();
    let host = VmOptions::default().boot();
    host.landfall(&with("install", &["--image", bundle::image()])).exits(0);
    host.sh(&format!("docker run -d --name plain {} sleep 100000", bundle::IMAGE_NAME));
    let before = programs(&host);
    let jump = |days: i64| host.sh(&format!("date -s @$(( $(date +%s) + {days} * 86400 ))"));

    let hold = Hold::in_unit(&host, "docker.service", "ExecStartPre");
    let run = Background::start(&host, &upgrade(bundle::same_again()));
    hold.reached();
    jump(-1);
    hold.release();
    let (code, said) = run.ends();
    assert_eq!(code, "0", "{said}");
    works(&host);

    // What happened last is what is taken back, whatever the clock says.
    hold.again();
    let run = Background::start(&host, &["rollback", "--yes"]);
    hold.reached();
    jump(2);
    hold.release();
    let (code, said) = run.ends();
    assert_eq!(code, "0", "{said}");
    assert_eq!(programs(&host), before);
    works(&host);
    let history = host.landfall(&["history"]).exits(0).output();
    let order = ["install", "upgrade", "rollback"].map(|run| history.find(&format!("{run} ")));
    assert!(order.is_sorted() && order[0].is_some(), "{history}");
}
