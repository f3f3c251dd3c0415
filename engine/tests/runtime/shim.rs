//! One shim, one container.

use std::{
    collections::HashMap,
    fs,
    io::{Read as _, Write as _},
    net::Shutdown,
};

use landfall_engine::runtime::{
    Answer, ExecPlan, Exit, Hierarchies, LogOptions, Request, log_files,
    spec::{Limits, ProcessSpec},
    write_json,
};

use crate::bench::{self, Container};

/// Docker's fourteen capabilities as the kernel shows them.
const CAPABILITIES: &str = "00000000a80425fb";

#[test]
fn runs_to_its_end_and_leaves_nothing() {
    let container = Container::new("echo out; echo err >&2; exit 7");
    let (exit, log) = container.run();
    assert_eq!((exit.code, exit.oom, exit.error), (7, false, None));
    assert!(log.contains("out\n") && log.contains("err\n"), "{log:?}");
    let group = container.plan.cgroup.strip_prefix("/").unwrap();
    for (mount, _) in &Hierarchies::load().unwrap().v1 {
        assert!(!mount.join(group).exists(), "{} is left", mount.join(group).display());
    }
    assert_eq!(fs::read_dir(container.path().join("oci")).unwrap().count(), 0);
}

#[test]
fn has_namespaces_of_its_own_and_a_loopback_that_is_up() {
    let container = Container::new("hostname; echo pid $$; ip link show lo; echo said; sleep 1000");
    container.shim();
    let mut output = container.attach(false);
    assert_eq!(container.ask(Request::Start), Answer::Done);
    let seen = bench::read_until(&mut output, "said\n");
    assert!(seen.contains("testhost\n") && seen.contains("pid 1\n"), "{seen}");
    assert!(seen.contains("LOOPBACK,UP"), "{seen}");
    let pid = container.status().pid;
    for kind in ["pid", "mnt", "ipc", "uts", "net"] {
        let of = |process: &str| fs::read_link(format!("/proc/{process}/ns/{kind}")).unwrap();
        assert_ne!(of(&pid.to_string()), of("self"), "{kind}");
    }
    container.ask(Request::Signal { number: 9 });
    assert_eq!(container.wait().code, 137);
}

#[test]
fn signals_reach_it_and_codes_come_back() {
    let container = Container::new("trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done");
    container.shim();
    let mut output = container.attach(false);
    assert_eq!(container.ask(Request::Start), Answer::Done);
    bench::read_until(&mut output, "ready");
    assert_eq!(container.ask(Request::Signal { number: 15 }), Answer::Done);
    assert_eq!(container.wait().code, 3);
}

#[test]
fn a_kill_for_want_of_memory_is_told() {
    let mut container = Container::new("dd if=/dev/zero of=/dev/null bs=64M count=1; exit 9");
    container.spec.limits = Limits {
        memory: Some(24 << 20),
        memory_and_swap: Some(24 << 20),
        pids: Some(50),
        ..Limits::default()
    };
    let (exit, log) = container.run();
    assert_eq!((exit.code, exit.oom), (9, true), "{log}");
}

#[test]
fn limits_are_in_the_kernel() {
    let mut container = Container::new("sleep 1000");
    container.spec.limits = Limits {
        memory: Some(64 << 20),
        memory_and_swap: Some(128 << 20),
        cpu_shares: Some(512),
        cpu_quota: Some(50_000),
        cpu_period: Some(100_000),
        cpus: Some("0".into()),
        pids: Some(77),
    };
    container.start();
    let hierarchies = Hierarchies::load().unwrap();
    let group = container.plan.cgroup.strip_prefix("/").unwrap();
    let read = |controller: &str, file: &str| {
        let path = hierarchies.v1_of(controller).unwrap().join(group).join(file);
        fs::read_to_string(path).unwrap().trim().to_owned()
    };
    assert_eq!(read("memory", "memory.limit_in_bytes"), (64 << 20).to_string());
    assert_eq!(read("cpu", "cpu.shares"), "512");
    assert_eq!(read("cpu", "cpu.cfs_quota_us"), "50000");
    assert_eq!(read("cpu", "cpu.cfs_period_us"), "100000");
    assert_eq!(read("cpuset", "cpuset.cpus"), "0");
    assert_eq!(read("pids", "pids.max"), "77");
    container.ask(Request::Signal { number: 9 });
    container.wait();
}

#[test]
fn stdin_is_passed_on_and_ends_with_its_client() {
    let mut container = Container::new("cat; echo end");
    container.plan.open_stdin = true;
    container.plan.stdin_once = true;
    container.shim();
    let mut stream = container.attach(true);
    assert_eq!(container.ask(Request::Start), Answer::Done);
    let text = "line\n".repeat(100_000);
    let mut writer = stream.try_clone().unwrap();
    let sent = text.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(sent.as_bytes()).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    writing.join().unwrap();
    let (out, err) = bench::unframe(&all);
    assert_eq!(err, "");
    assert_eq!(out, format!("{text}end\n"));
    assert_eq!(container.wait().code, 0);
    assert_eq!(container.log(), out);
}

#[test]
fn a_client_without_stdin_may_close_its_half_at_once() {
    let container = Container::new("echo one; echo two >&2");
    container.shim();
    let mut stream = container.attach(false);
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(container.ask(Request::Start), Answer::Done);
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    assert_eq!(bench::unframe(&all), ("one\n".into(), "two\n".into()));
}

#[test]
fn a_terminal_has_a_size_and_takes_input() {
    let mut container = Container::new("tty; read line; stty size; echo got $line");
    container.plan.terminal = true;
    container.plan.open_stdin = true;
    container.spec.process.terminal = true;
    container.shim();
    let mut stream = container.attach(true);
    assert_eq!(container.ask(Request::Start), Answer::Done);
    bench::read_until(&mut stream, "/dev/pts/0");
    assert_eq!(container.ask(Request::Resize { height: 33, width: 111 }), Answer::Done);
    stream.write_all(b"hello\n").unwrap();
    let seen = bench::read_until(&mut stream, "got hello");
    assert!(seen.contains("33 111"), "{seen}");
    assert_eq!(container.wait().code, 0);
}

#[test]
fn a_log_is_rotated() {
    let mut container = Container::new("seq 1 5000");
    let path = container.path().join("log");
    let log = LogOptions { path: path.clone(), max_size: Some(100_000), max_files: 3 };
    container.plan.log = Some(log);
    container.run();
    let files = log_files(&path);
    assert_eq!(files.len(), 3);
    for file in &files {
        assert!(fs::metadata(file).unwrap().len() <= 100_000);
    }
    assert!(fs::read_to_string(&path).unwrap().contains(r#""log":"5000\n""#));
}

#[test]
fn what_is_not_there_is_said_as_the_client_expects_it() {
    for (program, words, code) in [
        ("nothing", r#"exec: "nothing": executable file not found in $PATH"#, 127),
        ("/nothing", r#"exec: "/nothing": stat /nothing: no such file or directory"#, 127),
        ("/etc/passwd", r#"exec: "/etc/passwd": permission denied"#, 127),
    ] {
        let mut container = Container::new("");
        container.spec.process.arguments = vec![program.into()];
        container.shim();
        let Answer::Failed(why) = container.ask(Request::Start) else { panic!("{program}") };
        assert!(why.contains(words), "{why}");
        let exit = container.wait();
        assert_eq!((exit.code, exit.error.is_some()), (code, true));
    }
}

#[test]
fn is_as_confined_as_with_docker() {
    let container = Container::new(
        "cat /proc/self/status; \
         mount -t tmpfs x /tmp || echo no mount; unshare -n true || echo no unshare; \
         echo x > /proc/sys/kernel/domainname || echo no sysctl; \
         head -c1 /proc/kcore | grep -c . || echo no kcore; \
         mknod /tmp/disk b 254 0 && { head -c1 /tmp/disk || echo no disk; }; \
         echo ok > /dev/null && echo null; ls /sys/firmware | grep . || echo no firmware; \
         touch /sys/x || echo no sys; \
         for g in /sys/fs/cgroup/*; do mkdir $g/x && echo made $g/x; done; true",
    );
    let (exit, log) = container.run();
    assert_eq!(exit.code, 0, "{log}");
    let status = status_lines(&log);
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        assert_eq!(status[set], CAPABILITIES, "{set}");
    }
    assert_eq!(status["CapInh"], "0000000000000000");
    assert_eq!(status["CapAmb"], "0000000000000000");
    assert_eq!((status["Seccomp"], status["NoNewPrivs"]), ("2", "0"));
    assert_eq!(status["SigBlk"], "0000000000000000");
    // But for 32 and 33, which the C library keeps to itself when it starts a program.
    let ignored = u64::from_str_radix(status["SigIgn"], 16).unwrap();
    assert_eq!(ignored & !(0b11 << 31), 0, "{ignored:016x}");
    for refused in ["mount", "unshare", "sysctl", "kcore", "disk", "firmware", "sys"] {
        assert!(log.contains(&format!("no {refused}\n")), "{refused}: {log}");
    }
    assert!(log.contains("\nnull\n"), "{log}");
    assert!(!log.contains("made /sys"), "control groups can be written to: {log}");
}

#[test]
fn another_user_has_no_capabilities_but_the_filter() {
    let mut container = Container::new("id; cat /proc/self/status");
    container.spec.process.user = (1000, 1000, vec![44]);
    container.spec.process.no_new_privileges = true;
    let (exit, log) = container.run();
    assert_eq!(exit.code, 0, "{log}");
    assert!(log.contains("uid=1000 gid=1000 groups=44"), "{log}");
    let status = status_lines(&log);
    assert_eq!((status["CapEff"], status["CapPrm"]), ("0000000000000000", "0000000000000000"));
    assert_eq!(
        (status["CapBnd"], status["Seccomp"], status["NoNewPrivs"]),
        (CAPABILITIES, "2", "1")
    );
}

#[test]
fn another_process_joins_it_and_is_as_confined() {
    let container = Container::new("sleep 1000");
    container.start();
    let (exit, out) = exec(
        &container,
        "one",
        bench::process("hostname; cat /proc/1/cmdline; echo; cat /proc/self/status; exit 5"),
    );
    assert_eq!(exit.code, 5, "{out}");
    assert!(out.starts_with("testhost\nsleep"), "{out}");
    let status = status_lines(&out);
    assert_eq!((status["CapBnd"], status["Seccomp"]), (CAPABILITIES, "2"));
    assert_eq!((status["CapEff"], status["NoNewPrivs"]), (CAPABILITIES, "0"));

    let mut other = bench::process("mount -t tmpfs x /tmp || id");
    other.user = (5, 6, Vec::new());
    let (exit, out) = exec(&container, "two", other);
    assert_eq!((exit.code, out.contains("uid=5 gid=6")), (0, true), "{out}");

    container.ask(Request::Signal { number: 9 });
    assert_eq!(container.wait().code, 137);
}

#[test]
fn processes_are_frozen_and_go_on() {
    let container = Container::new("sleep 1000");
    container.start();
    let hierarchies = Hierarchies::load().unwrap();
    let group = container.plan.cgroup.strip_prefix("/").unwrap();
    let file = hierarchies.v1_of("freezer").unwrap().join(group).join("freezer.state");
    assert_eq!(container.ask(Request::Freeze { frozen: true }), Answer::Done);
    assert_eq!(fs::read_to_string(&file).unwrap(), "FROZEN\n");
    assert_eq!(container.ask(Request::Freeze { frozen: false }), Answer::Done);
    assert_eq!(fs::read_to_string(&file).unwrap(), "THAWED\n");
    container.ask(Request::Signal { number: 9 });
    container.wait();
}

#[test]
fn a_shim_is_in_a_group_of_shims() {
    let container = Container::new("sleep 1000");
    container.start();
    let status = fs::read_to_string(format!("/proc/{}/status", container.status().pid)).unwrap();
    let shim = status_lines(&status)["PPid"].to_owned();
    let groups = fs::read_to_string(format!("/proc/{shim}/cgroup")).unwrap();
    for hierarchy in ["name=systemd", "memory", "pids"] {
        let wanted = format!(":{hierarchy}:/landfall-test/shims");
        assert!(groups.lines().any(|line| line.ends_with(&wanted)), "{hierarchy}: {groups}");
    }
    container.ask(Request::Signal { number: 9 });
    container.wait();
}

/// Runs another process in a container. Returns its end, and what it wrote.
fn exec(container: &Container, name: &str, process: ProcessSpec) -> (Exit, String) {
    let directory = container.path().join(name);
    fs::create_dir(&directory).unwrap();
    let plan = ExecPlan { process: process.render().unwrap(), open_stdin: false, seccomp: true };
    write_json(&directory.join("exec.json"), &plan).unwrap();
    assert_eq!(container.ask(Request::Exec { directory: name.into() }), Answer::Done);
    let mut stream = bench::attach(&directory, false);
    let waiting = bench::ask_later(&directory, Request::Wait);
    assert_eq!(bench::ask(&directory, Request::Start).1, Answer::Done);
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let (out, err) = bench::unframe(&all);
    match bench::answer(waiting).1 {
        Answer::Exited(exit) => (exit, out + &err),
        other => panic!("{other:?}"),
    }
}

/// The lines of /proc/PID/status that are in a text.
fn status_lines(text: &str) -> HashMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim()))
        .collect()
}
