//! Options of `docker run`, by what the kernel shows inside of the container.

use std::fs;

use serde_json::Value;

use crate::daemon::Daemon;

#[test]
fn directories_of_the_host_are_bound() {
    let daemon = Daemon::start();
    let shared = daemon.path("shared");
    fs::create_dir(&shared).unwrap();
    fs::write(shared.join("from-host"), "hello\n").unwrap();
    let writable = format!("{}:/data", shared.display());
    let locked = format!("{}:/locked/deep:ro", shared.display());
    let made = format!("{}:/made", daemon.path("made").display());
    let script = "cat /data/from-host; echo back > /data/from-container; \
                  echo x > /locked/deep/x || echo locked; touch /made/file";
    let mut words = vec!["run", "--network", "none", "--name", "bound"];
    words.extend(["-v", &writable, "-v", &locked, "-v", &made, "busybox", "sh", "-c", script]);
    assert_eq!(daemon.ok(&words), "hello\nlocked");
    assert_eq!(fs::read_to_string(shared.join("from-container")).unwrap(), "back\n");
    assert!(daemon.path("made/file").exists(), "it is made where it was not");
    let mounts: Value =
        serde_json::from_str(&daemon.ok(&["inspect", "-f", "{{json .Mounts}}", "bound"])).unwrap();
    let is_writable = |destination: &str| {
        let mut all = mounts.as_array().unwrap().iter();
        all.find(|mount| mount["Destination"] == destination).unwrap()["RW"].as_bool().unwrap()
    };
    assert!(is_writable("/data") && !is_writable("/locked/deep"), "{mounts}");
    daemon.ok(&["rm", "bound"]);
    assert!(shared.join("from-host").exists(), "what is the host's stays");
    assert_eq!(daemon.leftovers(), [""; 0]);
}

#[test]
fn limits_and_parameters_are_its_own() {
    let daemon = Daemon::start();
    let own = fs::read_to_string("/proc/sys/kernel/msgmax").unwrap();
    let script = "ulimit -Sn; ulimit -Hn; cat /proc/sys/kernel/msgmax \
                  /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/self/oom_score_adj; \
                  grep /scratch /proc/mounts; true";
    let mut words = vec!["run", "-d", "--network", "none", "--name", "tuned"];
    words.extend(["--ulimit", "nofile=100:200", "--sysctl", "kernel.msgmax=12345"]);
    words.extend(["--sysctl", "net.ipv4.ip_unprivileged_port_start=7", "--oom-score-adj", "55"]);
    words.extend(["--tmpfs", "/scratch:size=1m,mode=1770", "busybox", "sleep", "1000"]);
    daemon.ok(&words);
    let seen = daemon.ok(&["exec", "tuned", "sh", "-c", script]);
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[..5], ["100", "200", "12345", "7", "55"], "{seen}");
    for option in ["nosuid", "nodev", "noexec", "size=1024k", "mode=1770"] {
        assert!(lines[5].contains(option), "{option}: {seen}");
    }
    assert_eq!(fs::read_to_string("/proc/sys/kernel/msgmax").unwrap(), own, "the host's");
    let pid = daemon.ok(&["inspect", "-f", "{{.State.Pid}}", "tuned"]);
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["100", "200"]);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let shim = status.lines().find_map(|line| line.strip_prefix("PPid:\t")).unwrap();
    let score = |pid: &str| fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap();
    assert_eq!((score(&pid), score(shim)), ("55\n".to_owned(), score("self")));
    daemon.ok(&["rm", "-f", "tuned"]);
    assert_eq!(daemon.leftovers(), [""; 0]);
}
