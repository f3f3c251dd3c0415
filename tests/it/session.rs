//! A run and the session it was typed in: it outlives the session, ends when asked to, and can be
//! made to wait for a confirmation from a new one.

use crate::support::hold::{Background, Hold};
use crate::support::{Allowed, Machine, SHADOW_BACKUPS, bundle, installed, said_to_be_kept, with};

const MIRROR: &[&str] = &["--registry-mirror", "https://mirror.example.internal"];

#[test]
fn a_run_outlives_its_terminal_and_its_session() {
    let host = Machine::boot();
    let hold = Hold::on(&host, "systemd-analyze");
    let run = Background::on_terminal(&host, &[with("install", &[]), vec!["--yes"]].concat());
    hold.reached();
    let (state, pid) = (run.state(), run.pid());
    assert_eq!(
        (&state["command"], &state["activity"]["doing"]),
        (&"install".into(), &"step".into())
    );
    let scope = state["scope"].as_str().expect("it has a scope of its own");
    assert_eq!(scope, format!("landfall-run-{pid}.scope"));
    assert_eq!(host.unit(scope, "ActiveState"), "active");
    assert_eq!(host.unit(scope, "Slice"), "system.slice");
    let step = format!("step {} of {}", state["activity"]["number"], state["activity"]["of"]);
    host.landfall(&["status"]).exits(0).says(&step).says(&format!("pid {pid}")).says(scope);
    host.landfall(&with("install", &[])).exits(6).says(&step).says(&pid).says(scope).says("since");
    host.landfall(&with("plan", &[])).exits(0).says(&step);

    // logind's KillUserProcesses= and the end of an ssh session stop the session's scope. With the
    // terminal's owner the terminal is gone.
    host.sh("systemctl stop session-9.scope");
    assert_eq!(host.exec(&["pgrep", "-x", "script"]).code, 1, "the terminal is gone");
    host.sh(&format!("kill -HUP {pid}; kill -0 {pid}"));
    hold.release();
    host.sh(&format!("timeout 200 tail --pid={pid} -f /dev/null"));
    let status = host.landfall(&["status"]).exits(0).says("answers");
    assert!(!status.output().contains("in progress"), "{status}");
    assert_eq!(host.unit("docker.service", "ActiveState"), "active");
    assert!(!host.exists("/run/landfall"), "nothing of the run is left");
    assert_ne!(host.unit(scope, "ActiveState"), "active");
    let log = host.sh("journalctl -t landfall -o cat --no-pager");
    assert!(
        log.contains("the terminal is gone") && log.contains("landfall install: done"),
        "{log}"
    );
}

#[test]
fn asked_to_end_a_run_leaves_the_host_as_it_was() {
    let host = Machine::boot();
    let (adding, removing) = (Hold::on(&host, "groupadd"), Hold::on(&host, "groupdel"));
    let before = host.snapshot();
    let install = with("install", &[]);
    let install_yes = [install.clone(), vec!["--yes"]].concat();

    // At the question.
    let run = Background::on_terminal(&host, &install);
    run.says("Carry out this plan");
    run.types("\\003");
    let (code, output) = run.ends();
    assert_eq!(code, "1", "{output}");
    assert!(output.contains("interrupted; nothing was changed"), "{output}");
    before.assert_same(&host.snapshot(), &[]);

    // In the middle of a program, and again while it rolls back.
    let run = Background::on_terminal(&host, &install_yes);
    adding.reached();
    run.types("\\003");
    run.says("interrupted:");
    adding.release();
    removing.reached();
    assert!(host.sh("getent group docker").starts_with("docker:"), "groupadd was not interrupted");
    assert_eq!(run.state()["activity"]["doing"], "undoing");
    run.types("\\003");
    run.says("rolling back, and that is not interrupted");
    removing.release();
    let (code, output) = run.ends();
    assert_eq!(code, "1", "{output}");
    assert!(output.contains("interrupted; rolled back"), "{output}");
    before.assert_same(&host.snapshot(), SHADOW_BACKUPS);

    // By SIGTERM, as `kill` and a shutdown send it.
    adding.again();
    let run = Background::start(&host, &install);
    adding.reached();
    host.sh(&format!("kill -TERM {}", run.pid()));
    run.says("interrupted:");
    adding.release();
    let (code, output) = run.ends();
    assert_eq!(code, "1", "{output}");
    assert!(output.contains("interrupted; rolled back"), "{output}");
    before.assert_same(&host.snapshot(), SHADOW_BACKUPS);
}

#[test]
fn asked_to_end_uninstall_takes_itself_back() {
    let host = Machine::boot();
    host.sh("useradd --create-home alice");
    let hold = Hold::on(&host, "gpasswd");
    host.sh("rm /run/hold/*");
    let before = host.snapshot();
    installed(&host, &["--user", "alice", "--image", bundle::image()]);

    // Between two containers: the one that is being stopped is waited for, and runs again.
    for name in ["stays", "stops"] {
        host.sh(&format!(
            r#"mkfifo /root/{name} /root/{name}.go
            docker run -d --name {name} --stop-timeout 250 -v /root:/test {} sh -c \
              'trap "echo >/test/{name}; read -r go </test/{name}.go; exit" TERM
               echo >/test/{name}; sleep 100000 & wait'
            timeout 100 head -n1 /root/{name}"#,
            bundle::IMAGE_NAME
        ));
    }
    let run = Background::start(&host, &["uninstall", "--yes"]);
    // The daemon names the newest first.
    host.sh("timeout 100 head -n1 /root/stops");
    host.sh(&format!("kill -TERM {}", run.pid()));
    run.says("interrupted:");
    host.sh("echo go >/root/stops.go");
    let (code, output) = run.ends();
    assert_eq!(code, "1", "{output}");
    assert!(output.contains("interrupted; rolled back"), "{output}");
    assert_eq!(host.sh("docker ps --format '{{.Names}}' | sort"), "stays\nstops");
    host.sh("docker rm --force stays stops; rm /root/sta* /root/sto*");

    let installed = host.snapshot();
    hold.again();
    let run = Background::start(&host, &["uninstall", "--yes"]);
    hold.reached();
    host.sh(&format!("kill -TERM {}", run.pid()));
    run.says("interrupted:");
    hold.release();
    let (code, output) = run.ends();
    assert_eq!(code, "1", "{output}");
    assert!(output.contains("interrupted; rolled back"), "{output}");
    let own = |lines| Allowed { lines, reason: "an engine that started again" };
    let data =
        ["file /var/lib/docker", "file /var/lib/containerd", "file /var/lib/landfall", "link"];
    let allowed = [SHADOW_BACKUPS, &data.map(own)].concat();
    installed.assert_same(&host.snapshot(), &allowed);
    host.sh("docker version >/dev/null; id -nG alice | grep -w docker");
    let run = host.landfall(&["uninstall", "--yes"]).exits(0);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
}

#[test]
fn a_shutdown_in_the_middle_rolls_back() {
    let host = Machine::boot();
    let before = host.snapshot();
    let run = Background::start(&host, &with("install", &["--confirm-within", "1h"]));
    run.says("landfall confirm");
    host.reboot();
    let status = host.landfall(&["status"]).exits(0).says("nothing");
    assert!(!status.output().contains("a run was cut"), "it was complete before the end: {status}");
    before.assert_same(&host.snapshot(), SHADOW_BACKUPS);

    // A change of an engine that runs already: in a shutdown it cannot be put in force again, and
    // need not be.
    installed(&host, MIRROR);
    let confirmed = host.read("/etc/docker/daemon.json");
    let [reloaded, restarted] = ["debug=true", r#"log-level=\"debug\""#];
    for (change, end) in
        [(reloaded, Machine::reboot as fn(&Machine)), (restarted, Machine::power_off_and_on)]
    {
        let change_it = [MIRROR, &["--confirm-within", "1h", "--set", change]].concat();
        let run = Background::start(&host, &with("install", &change_it));
        run.says("landfall confirm");
        assert_ne!(host.read("/etc/docker/daemon.json"), confirmed, "the change is in force");
        end(&host);
        assert_eq!(host.read("/etc/docker/daemon.json"), confirmed, "{change}");
        for unit in ["docker.service", "containerd.service"] {
            assert_eq!(host.unit(unit, "ActiveState"), "active", "{change}: {unit}");
        }
        let status = host.landfall(&["status"]).exits(0).says("answers");
        assert!(!status.output().contains("a run was cut"), "{change}: {status}");
        assert_eq!(host.sh("docker info --format '{{.Debug}}'"), "false", "{change}");
    }
}

#[test]
fn a_change_stays_only_if_it_is_confirmed() {
    let host = Machine::boot();
    let before = host.snapshot();
    host.landfall(&["confirm"]).exits(1).says("no run waits");
    let unconfirmed = host.landfall(&with("install", &["--confirm-within", "1s"])).exits(1);
    let unconfirmed = unconfirmed.says("nobody confirmed").says("rolled back");
    before.assert_same(&host.snapshot(), &said_to_be_kept(&unconfirmed));

    // Confirmed from another session, after the one of the run is gone.
    let waiting = [with("install", &["--confirm-within", "1h"]), vec!["--yes"]].concat();
    let run = Background::on_terminal(&host, &waiting);
    run.says("landfall confirm");
    assert_eq!(run.state()["activity"]["doing"], "confirming");
    host.landfall(&["status"]).exits(0).says("waiting for confirmation");
    let pid = run.pid();
    host.sh("systemctl stop session-9.scope");
    host.landfall(&["confirm"]).exits(0).says("confirmed");
    host.sh(&format!("timeout 200 tail --pid={pid} -f /dev/null"));
    host.landfall(&["status"]).exits(0).says("answers");

    // By Enter, where the terminal lives.
    let run = Background::on_terminal(&host, &[&waiting[..], &["--set", "debug=true"]].concat());
    run.says("landfall confirm");
    run.types("\\n");
    let (code, output) = run.ends();
    assert_eq!(code, "0", "{output}");

    // Ended while it waits; killed while it waits.
    let confirmed = host.read("/etc/docker/daemon.json");
    let change = [&waiting[..], &["--set", "debug=true"], MIRROR].concat();
    let run = Background::on_terminal(&host, &change);
    run.says("landfall confirm");
    assert_ne!(host.read("/etc/docker/daemon.json"), confirmed, "the change is in force");
    run.types("\\003");
    let (code, output) = run.ends();
    assert_eq!(code, "1", "{output}");
    assert_eq!(host.read("/etc/docker/daemon.json"), confirmed);
    let run = Background::start(&host, &change);
    run.says("landfall confirm");
    host.sh(&format!("kill -KILL {}", run.pid()));
    assert_eq!(run.ends().0, "137");
    host.landfall(&["status"]).exits(0).says("a run was cut");
    host.landfall(&["confirm"]).exits(1).says("no run waits");
    let next = host.landfall(&with("install", &["--set", "debug=true"])).exits(0);
    next.says("an earlier run was cut").says("nothing to do");
    assert_eq!(host.read("/etc/docker/daemon.json"), confirmed);

    // A rule of the host's file; a plan that was made there carries it.
    let file = "/etc/landfall/landfall.yaml";
    let change = [&["--set", "debug=true"], MIRROR].concat();
    host.put(file, "version: 1\nconfirm-within: soon\n");
    let wrong = host.landfall(&with("install", &change)).exits(2);
    wrong.says("landfall.yaml, line 2, column 17: `soon` is not a time").says("such as 120s");
    host.put(file, "version: 1\nconfirm-within: 1s\n");
    host.landfall(&with("install", &change)).exits(1).says("nobody confirmed");
    let plan = [&["-o", "/root/plan.json"], &change[..]].concat();
    host.landfall(&with("plan", &plan)).exits(0);
    host.landfall(&["apply", "/root/plan.json"]).exits(1).says("nobody confirmed");
    assert_eq!(host.read("/etc/docker/daemon.json"), confirmed);
}
