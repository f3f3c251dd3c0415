//! The stock client against our daemon.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use serde_json::Value;

use crate::daemon::Daemon;

/// Options of `docker run` that every test here gives: there are no other networks yet.
const RUN: [&str; 3] = ["run", "--network", "none"];

fn run<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&RUN[..], more].concat()
}

#[test]
fn a_container_runs_and_leaves_nothing() {
    let daemon = Daemon::start();
    assert_eq!(daemon.ok(&run(&["--rm", "busybox", "echo", "hi"])), "hi");
    let output = daemon.output(&run(&["--rm", "busybox", "sh", "-c", "echo e >&2; exit 7"]));
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(7), &b"e\n"[..]));
    let mut cat = daemon.docker(&run(&["--rm", "-i", "busybox", "cat"]));
    let mut cat = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    cat.stdin.take().unwrap().write_all(b"through\n").unwrap();
    assert_eq!(cat.wait_with_output().unwrap().stdout, b"through\n");
    assert_eq!(daemon.leftovers(), [""; 0]);
}

#[test]
fn programs_that_are_not_there_have_dockers_exit_codes() {
    let daemon = Daemon::start();
    let (code, error) = daemon.fails(&run(&["--rm", "busybox", "nothing"]));
    assert_eq!(code, 127, "{error}");
    assert!(error.contains("executable file not found in $PATH"), "{error}");
    let (code, error) = daemon.fails(&run(&["--rm", "busybox", "/etc/passwd"]));
    assert_eq!(code, 126, "{error}");
    let (code, error) = daemon.fails(&run(&["--rm", "--user", "ghost", "busybox", "true"]));
    assert_eq!(code, 125, "{error}");
    assert!(error.contains("unable to find user ghost"), "{error}");
    assert_eq!(daemon.leftovers(), [""; 0]);
}

#[test]
fn a_life_from_creation_to_removal() {
    let daemon = Daemon::start();
    let id = daemon.ok(&[
        "create",
        "--network",
        "none",
        "--name",
        "web",
        "--label",
        "a=b",
        "--hostname",
        "webhost",
        "--stop-signal",
        "TERM",
        "busybox",
        "sh",
        "-c",
        "echo started; trap 'exit 4' TERM; while :; do sleep 0.05; done",
    ]);
    assert_eq!(daemon.ok(&["ps", "-q"]), "");
    assert_eq!(daemon.ok(&["ps", "-aq", "--no-trunc", "--filter", "label=a=b"]), id);
    let (_, error) = daemon.fails(&["create", "--network", "none", "--name", "web", "busybox"]);
    assert!(error.contains("is already in use by container"), "{error}");
    daemon.ok(&["start", "web"]);
    let (_, error) = daemon.fails(&["rm", "web"]);
    assert!(error.contains("container is running"), "{error}");
    let inspected: Value = serde_json::from_str(&daemon.ok(&["inspect", "web"])).unwrap();
    let state = &inspected[0]["State"];
    assert_eq!((&state["Status"], &state["ExitCode"]), (&"running".into(), &0.into()));
    let pid = state["Pid"].as_i64().unwrap();
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(command.starts_with("sh\0-c\0"), "{command:?}");
    assert_eq!(daemon.ok(&["exec", "web", "hostname"]), "webhost");
    daemon.ok(&["pause", "web"]);
    assert!(daemon.ok(&["ps"]).contains("(Paused)"));
    daemon.ok(&["unpause", "web"]);
    daemon.ok(&["stop", "-t", "60", "web"]);
    let code = daemon.ok(&["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "web"]);
    assert_eq!(code, "exited 4");
    assert_eq!(daemon.ok(&["logs", "web"]), "started");
    daemon.ok(&["start", "web"]);
    daemon.ok(&["pause", "web"]);
    daemon.ok(&["kill", "web"]);
    assert_eq!(daemon.ok(&["wait", "web"]), "137");
    daemon.ok(&["rm", "web"]);
    let (_, error) = daemon.fails(&["inspect", "web"]);
    assert!(error.contains("No such object: web"), "{error}");
    assert_eq!(daemon.leftovers(), [""; 0]);
}

#[test]
fn logs_are_read_and_followed() {
    let daemon = Daemon::start();
    daemon.ok(&run(&[
        "-d",
        "--name",
        "talk",
        "--log-opt",
        "max-size=2k",
        "--log-opt",
        "max-file=3",
        "-i",
        "busybox",
        "sh",
        "-c",
        "seq 1 40; read line; echo last",
    ]));
    let mut follow = daemon.docker(&["logs", "-f", "--tail", "3", "talk"]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    // It has written all before it reads, and the log has it when it was attached to.
    let mut seen: Vec<String> = Vec::new();
    while seen.last().is_none_or(|line| line != "40") {
        seen.push(lines.next().unwrap().unwrap());
    }
    let mut attached = daemon.docker(&["attach", "talk"]);
    let mut attached = attached.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    attached.stdin.take().unwrap().write_all(b"go\n").unwrap();
    assert_eq!(attached.wait_with_output().unwrap().stdout, b"last\n");
    assert_eq!(lines.next().unwrap().unwrap(), "last");
    assert!(lines.next().is_none());
    assert!(follow.wait().unwrap().success());
    assert_eq!(daemon.ok(&["logs", "--tail", "2", "talk"]), "40\nlast");
    let stamped = daemon.ok(&["logs", "-t", "--tail", "1", "talk"]);
    assert!(stamped.starts_with("20") && stamped.ends_with("Z last"), "{stamped}");
    daemon.ok(&["rm", "talk"]);
}

#[test]
fn an_exec_has_a_code_streams_a_user_and_an_environment() {
    let daemon = Daemon::start();
    daemon.ok(&run(&["-d", "--name", "base", "-e", "A=1", "busybox", "sleep", "1000"]));
    let (code, _) = daemon.fails(&["exec", "base", "sh", "-c", "exit 9"]);
    assert_eq!(code, 9);
    let out = daemon.ok(&[
        "exec",
        "-e",
        "B=2",
        "-w",
        "/tmp",
        "-u",
        "5:6",
        "base",
        "sh",
        "-c",
        "echo $A $B; cat /proc/self/cwd/../etc/group; id; exec env",
    ]);
    assert!(out.starts_with("1 2\nroot:x:0:\nuid=5 gid=6"), "{out}");
    assert!(out.contains("PWD=/tmp"), "{out}");
    let mut cat = daemon.docker(&["exec", "-i", "base", "cat"]);
    let mut cat = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    cat.stdin.take().unwrap().write_all(b"typed").unwrap();
    assert_eq!(cat.wait_with_output().unwrap().stdout, b"typed");
    for (words, code, told) in [
        (&["base", "nothing"][..], 127, "executable file not found in $PATH"),
        (&["base", "/etc/passwd"], 126, "permission denied"),
        (&["-u", "ghost", "base", "true"], 126, "unable to find user ghost"),
    ] {
        let output = daemon.output(&[&["exec"], words].concat());
        // dockerd tells it on the stream too.
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(told), "{said}");
        assert_eq!(output.status.code(), Some(code), "{words:?}");
    }
    let output = daemon.output(&["exec", "-d", "base", "nothing"]);
    assert!(!output.status.success());
    daemon.ok(&["rm", "-f", "base"]);
    assert_eq!(daemon.leftovers(), [""; 0]);
}

#[test]
fn a_killed_daemon_leaves_containers_alone_and_the_next_adopts_them() {
    let mut daemon = Daemon::start();
    for name in ["stays", "ends"] {
        daemon.ok(&run(&[
            "-d",
            "-i",
            "--name",
            name,
            "busybox",
            "sh",
            "-c",
            "echo one; read line; echo two; read line; exit 6",
        ]));
    }
    let pid = daemon.ok(&["inspect", "-f", "{{.State.Pid}}", "stays"]);
    let shim = shim_of(&pid);
    let program = fs::read_link(format!("/proc/{shim}/exe")).unwrap();
    assert!(program.to_string_lossy().contains("memfd:landfall-engine"), "{program:?}");
    let other = daemon.ok(&["inspect", "-f", "{{.State.Pid}}", "ends"]);
    daemon.kill();
    assert!(fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap().starts_with("sh\0"));
    let other_shim = shim_of(&other);
    kill(&other);
    // Its shim ends when it has written down how the container did.
    wait_for_the_end_of(&other_shim);

    daemon.run();
    assert_eq!(daemon.ok(&["inspect", "-f", "{{.State.Pid}}", "stays"]), pid);
    assert_eq!(daemon.ok(&["wait", "ends"]), "137");
    assert_eq!(daemon.ok(&["exec", "stays", "echo", "here"]), "here");
    let mut attached = daemon.docker(&["attach", "stays"]);
    let mut attached = attached.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    attached.stdin.take().unwrap().write_all(b"a\nb\n").unwrap();
    let output = attached.wait_with_output().unwrap();
    assert_eq!((&output.stdout[..], output.status.code()), (&b"two\n"[..], Some(6)));
    assert_eq!(daemon.ok(&["logs", "stays"]), "one\ntwo");
    daemon.ok(&["rm", "stays", "ends"]);
    assert_eq!(daemon.leftovers(), [""; 0]);
}

#[test]
fn a_killed_shim_ends_its_container() {
    let daemon = Daemon::start();
    daemon.ok(&run(&["-d", "--name", "orphan", "busybox", "sleep", "1000"]));
    let pid = daemon.ok(&["inspect", "-f", "{{.State.Pid}}", "orphan"]);
    kill(&shim_of(&pid));
    assert_eq!(daemon.ok(&["wait", "orphan"]), "255");
    daemon.ok(&["rm", "orphan"]);
    wait_for_the_end_of(&pid);
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let daemon = Daemon::start();
    for (options, name) in [
        (&["run", "busybox"][..], "HostConfig.NetworkMode \"default\""),
        (&run(&["--privileged", "busybox"]), "HostConfig.Privileged"),
        (&run(&["-v", "named:/x", "busybox"]), "HostConfig.Binds"),
        (&run(&["--mount", "type=bind,src=/,dst=/x", "busybox"]), "HostConfig.Mounts"),
        (&run(&["--pid", "host", "busybox"]), "HostConfig.PidMode"),
        (&run(&["--restart", "always", "busybox"]), "HostConfig.RestartPolicy"),
        (&run(&["--security-opt", "label=disable", "busybox"]), "HostConfig.SecurityOpt"),
        (&run(&["--health-cmd", "x", "busybox"]), "Config.Healthcheck"),
        (&run(&["--log-driver", "syslog", "busybox"]), "logging driver \"syslog\""),
    ] {
        let (code, error) = daemon.fails(options);
        assert_eq!(code, 125, "{error}");
        assert!(error.contains(name), "{options:?}: {error}");
    }
    assert_eq!(daemon.ok(&["ps", "-aq"]), "");
}

#[test]
fn options_reach_the_kernel() {
    let daemon = Daemon::start();
    let status = daemon.ok(&run(&[
        "--rm",
        "--cap-drop",
        "ALL",
        "--cap-add",
        "CHOWN",
        "--security-opt",
        "no-new-privileges",
        "--read-only",
        "--shm-size",
        "1m",
        "busybox",
        "sh",
        "-c",
        "cat /proc/self/status; touch /x || echo read-only; grep /dev/shm /proc/mounts",
    ]));
    assert!(status.contains("CapBnd:\t0000000000000001\n"), "{status}");
    assert!(status.contains("NoNewPrivs:\t1\n") && status.contains("Seccomp:\t2\n"), "{status}");
    assert!(status.contains("\nread-only\n"), "{status}");
    assert!(status.contains("size=1024k"), "{status}");
    let open = daemon.ok(&run(&[
        "--rm",
        "--security-opt",
        "seccomp=unconfined",
        "busybox",
        "cat",
        "/proc/self/status",
    ]));
    assert!(open.contains("Seccomp:\t0\n"), "{open}");
}

#[test]
fn a_network_is_the_hosts_or_another_containers() {
    let daemon = Daemon::start();
    let network = fs::read_link("/proc/self/ns/net").unwrap();
    let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net")).unwrap();
    let start = |name: &str, mode: &str| {
        daemon.ok(&["run", "-d", "--name", name, "--network", mode, "busybox", "sleep", "1000"]);
        daemon.ok(&["inspect", "-f", "{{.State.Pid}}", name])
    };
    assert_eq!(of(&start("onhost", "host")), network);
    let first = start("first", "none");
    assert_ne!(of(&first), network);
    assert_eq!(of(&start("second", "container:first")), of(&first));
    daemon.ok(&["rm", "-f", "onhost", "first", "second"]);
}

#[test]
fn what_it_is_and_what_happens_is_told() {
    let daemon = Daemon::start();
    let api = daemon.ok(&["version", "-f", "{{.Server.APIVersion}} {{.Server.MinAPIVersion}}"]);
    assert_eq!(api, "1.47 1.24");
    let mut events = daemon.docker(&["events", "--format", "{{.Action}}"]);
    let mut events = events.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines();
    // Events are told from the call on, which may come in the middle of a container's life.
    let mut seen: Vec<String> = Vec::new();
    let wanted = ["create", "attach", "start", "die", "destroy"];
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        while let Some(Ok(line)) = lines.next() {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    while !seen.windows(wanted.len()).any(|window| window == wanted) {
        daemon.ok(&run(&["--rm", "busybox", "true"]));
        seen.extend(receiver.try_iter());
        assert!(seen.len() < 100, "{seen:?}");
    }
    events.kill().unwrap();
    events.wait().unwrap();
    let info = daemon.ok(&["info", "-f", "{{.Containers}} {{.CgroupVersion}} {{.LoggingDriver}}"]);
    assert_eq!(info, "0 1 json-file");
}

/// The process ID of the shim of the process `pid`.
fn shim_of(pid: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    line.trim().to_owned()
}

/// Until a process is gone, or only waits to be reaped by whoever has it now.
fn wait_for_the_end_of(pid: &str) {
    let runs = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    };
    while runs() {
        std::thread::yield_now();
    }
}

fn kill(pid: &str) {
    let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
