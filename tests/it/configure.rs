//! Day two: single keys of daemon.json are changed on a host whose containers run.

use crate::support::{Machine, MachineOptions, Snapshot, bundle, installed, said_to_be_kept};

const FILE: &str = "/etc/docker/daemon.json";

fn configure<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&["configure", "--yes"], options].concat()
}

/// The daemon's process, the container's, and what the daemon says of its mirrors.
fn processes(host: &Machine) -> (String, String) {
    (host.unit("docker.service", "MainPID"), host.sh("docker inspect -f '{{.State.Pid}}' web"))
}

fn mirrors(host: &Machine) -> String {
    host.sh("docker info --format '{{.RegistryConfig.Mirrors}}'")
}

/// A host whose engine runs a container, and somebody's daemon.json.
fn a_host(text: &str, options: &[&str]) -> Machine {
    let host = Machine::boot();
    host.put(FILE, text);
    installed(&host, &[&["--image", bundle::image()], options].concat());
    host.sh(&format!("docker run -d --name web {} sleep 100000", bundle::IMAGE_NAME));
    host
}

#[test]
fn a_mirror_comes_without_a_restart_and_really_goes() {
    let host = a_host("{\n  \"labels\": [\"rack=7\"]\n}\n", &["--live-restore"]);
    let (daemon, container) = processes(&host);
    let before = host.read(FILE);
    let mirror = "https://mirror.example.internal";

    let run = host.landfall(&configure(&["--registry-mirror", mirror])).exits(0);
    run.says("containers run on");
    assert_eq!(processes(&host), (daemon.clone(), container.clone()));
    assert_eq!(mirrors(&host), format!("[{mirror}/]"));
    host.landfall(&configure(&["--registry-mirror", mirror])).exits(0).says("Nothing to do");
    host.landfall(&["verify"]).exits(0);

    // What is taken out of the file lives on in a daemon that is only told to read it again.
    let element = format!("registry-mirrors={mirror}");
    host.landfall(&configure(&["--remove", &element])).exits(0).says("restarted");
    assert_eq!(mirrors(&host), "[]");
    assert_ne!(processes(&host).0, daemon);
    assert_eq!(processes(&host).1, container, "live-restore keeps it");
    assert_eq!(host.read(FILE), before, "byte for byte");
    host.landfall(&["verify"]).exits(0);

    // A number that a reload takes over, by the daemon's own word.
    let pid = processes(&host).0;
    host.landfall(&configure(&["--set", "max-concurrent-downloads=7"])).exits(0);
    assert_eq!(processes(&host).0, pid, "a reload");
    host.landfall(&["rollback", "--yes"]).exits(0);

    // What containers keep from their creation is said, and is so.
    let run = host.landfall(&configure(&["--log-max-size", "5m"])).exits(0);
    run.says("log-opts: needs a restart; for new containers only");
    let log = "docker inspect -f '{{json .HostConfig.LogConfig.Config}}'";
    assert_eq!(host.sh(&format!("{log} web")), "{}");
    let new = format!(
        "docker run -d --name new {} sleep 100000 >/dev/null; {log} new",
        bundle::IMAGE_NAME
    );
    assert_eq!(host.sh(&new), "{\"max-size\":\"5m\"}");
    host.sh("docker rm -f new");
    host.landfall(&["rollback", "--yes"]).exits(0);

    // Both changes are runs, and can be taken back.
    host.landfall(&["rollback", "--yes"]).exits(0);
    assert_eq!(mirrors(&host), format!("[{mirror}/]"));
    assert_eq!(processes(&host).1, container);
    host.landfall(&["history"]).exits(0).says("configure");
}

#[test]
fn what_somebody_else_set_needs_a_choice() {
    let host = a_host("{\"debug\": true, \"max-concurrent-downloads\": 2}\n", &[]);
    host.sh(&format!("sed -i 's/: 2/: 4/' {FILE}; systemctl reload docker"));
    let before: Snapshot = host.snapshot();
    let change = ["--set", "max-concurrent-downloads=8", "--add", "labels=rack=7"];
    let refused = host.landfall(&configure(&change)).exits(3);
    refused.says("there:  4").says("asked:  8").says("--force");
    before.assert_same(&host.snapshot(), &[]);

    let forced = [&change[..], &["--force"]].concat();
    host.landfall(&[&["configure", "--dry-run"], &forced[..]].concat()).exits(0).says("labels");
    before.assert_same(&host.snapshot(), &[]);
    host.landfall(&configure(&forced)).exits(0).says("containers run on");
    assert_eq!(host.sh("docker info --format '{{.Labels}} {{.Debug}}'"), "[rack=7] true");

    // What a person changes of ours since is that person's.
    host.sh(&format!("sed -i 's/rack=7/rack=9/' {FILE}; systemctl reload docker"));
    host.landfall(&configure(&["--set", "shutdown-timeout=20"])).exits(0).says("rack=7");
    assert_eq!(host.sh("docker info --format '{{.Labels}}'"), "[rack=9]");
    let file: serde_json::Value = serde_json::from_str(&host.read(FILE)).expect("JSON");
    let expected = serde_json::json!({
        "debug": true, "max-concurrent-downloads": 8, "labels": ["rack=9"], "shutdown-timeout": 20
    });
    assert_eq!(file, expected);

    host.landfall(&["uninstall", "--yes"]).exits(0);
    let left: serde_json::Value = serde_json::from_str(&host.read(FILE)).expect("JSON");
    assert_eq!(left["debug"], true);
    assert_eq!(left["labels"], serde_json::json!(["rack=9"]));
}

#[test]
fn a_broken_file_is_told_and_mended() {
    let host = a_host("{}\n", &["--live-restore"]);
    let container = processes(&host).1;
    let broken = "{\n  // for the audit\n  \"debug\": true,\n  \"live-restore\": true,\n}\n";
    host.put(FILE, broken);
    host.sh("! systemctl restart docker.service
         until systemctl -q is-failed docker.service && systemctl -q is-failed docker.socket; do
             systemctl start docker.socket; docker version >/dev/null 2>&1 || :
         done");
    let before: Snapshot = host.snapshot();
    let run = host.landfall(&configure(&["--set", "icc=true"])).exits(2);
    run.says("line 2, column 3").says("--repair");
    before.assert_same(&host.snapshot(), &[]);

    host.landfall(&configure(&["--repair"])).exits(0);
    assert_eq!(host.read(FILE), "{\n  \"debug\": true,\n  \"live-restore\": true\n}\n");
    assert_eq!(host.sh("docker info --format '{{.Debug}}'"), "true");
    assert_eq!(processes(&host).1, container);

    // What would be a guess is left to a person.
    host.put(FILE, "{\"debug\": true, \"debug\": false}\n");
    host.landfall(&configure(&["--repair"])).exits(2).says("`debug` is there already");

    // Listeners that dockerd does not start with beside -H fd:// go into a drop-in.
    let hosts = "{\n  \"hosts\": [\"unix:///var/run/docker.sock\", \"tcp://127.0.0.1:2375\"],\n  \
        \"live-restore\": true\n}\n";
    host.put(FILE, hosts);
    host.landfall(&["doctor"]).says("LF142").says("docker.service, line");
    host.landfall(&configure(&["--repair"])).exits(0).says("LF049");
    assert_eq!(host.read(FILE), "{\n  \"live-restore\": true\n}\n");
    let version = "docker -H tcp://127.0.0.1:2375 version --format '{{.Server.Version}}'";
    assert!(host.sh(version).starts_with("20.10"));
    host.landfall(&configure(&["--repair"])).exits(0).says("Nothing to do");
    host.landfall(&["verify"]).exits(0);
    assert_eq!(processes(&host).1, container);
    let drop_in = "/etc/systemd/system/docker.service.d/landfall-hosts.conf";
    assert!(host.exists(drop_in));
    host.landfall(&["uninstall", "--yes"]).exits(0);
    assert!(!host.exists(drop_in));
}

/// dockerd says what is wrong with daemon.json before it is there: the one that is going to be
/// installed, and the one that runs.
#[test]
fn dockerd_itself_is_asked_first() {
    let bundle = bundle::of_suite("trixie");
    let host = MachineOptions { suite: Some("trixie"), ..MachineOptions::default() }.boot();
    let hosts = "{\"hosts\": [\"tcp://127.0.0.1:2375\"]}\n";
    host.put(FILE, hosts);
    let before = host.snapshot();
    let install = [vec!["install", "--yes"], bundle.arguments()].concat();
    let wrong = ["--set", "node-generic-resources=[\"kata\"]"];
    let refused = host.landfall(&[&install[..], &wrong].concat()).exits(3);
    refused.says("does not accept daemon.json").says("kata");
    before.assert_same(&host.snapshot(), &[]);

    host.landfall(&install).exits(0).says("LF049");
    let version = "docker -H tcp://127.0.0.1:2375 version --format '{{.Server.Version}}'";
    assert!(host.sh(version).starts_with("26.1"));
    host.landfall(&install).exits(0).says("nothing");
    let installed: Snapshot = host.snapshot();
    let pid = host.unit("docker.service", "MainPID");
    for dry in [&[][..], &["--dry-run"]] {
        let refused = host.landfall(&[&configure(&wrong)[..], dry].concat()).exits(3);
        refused.says("does not accept daemon.json").says("kata");
    }
    installed.assert_same(&host.snapshot(), &[]);
    assert_eq!(host.unit("docker.service", "MainPID"), pid);
    host.landfall(&configure(&["--set", "shutdown-timeout=20"])).exits(0);

    let gone = host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&gone));
    assert_eq!(host.read(FILE), hosts);
}

#[test]
fn what_dockerd_would_refuse_is_refused_before_it_sees_it() {
    let host = a_host("{}\n", &["--live-restore"]);
    host.sh("mkdir /etc/systemd/system/docker.service.d
         sed -n 's/^ExecStart=.*/[Service]\\nExecStart=\\n& --mtu=1400/p' \
             /etc/systemd/system/docker.service >/etc/systemd/system/docker.service.d/mtu.conf
         systemctl daemon-reload");
    let before: Snapshot = host.snapshot();
    for (options, code, text) in [
        (&["--registry-mirror", "https://harbor.example/proxy"][..], 2, "harbor.example/proxy"),
        (&["--set", "mtu=1500"], 3, "docker.service.d/mtu.conf, line 3, has --mtu"),
        (&["--set", "registry-mirror=[]"], 2, "registry-mirrors"),
        (&["--unset", "registry-mirror"], 2, "registry-mirrors"),
        (&["--add", "bip=172.30.0.1/24"], 2, "`bip`"),
        (&["--add", "labels"], 2, "KEY=VALUE"),
        (&["--set", "min-api-version=\"1.40\""], 2, "does not know"),
        (&["--set", "data-root=\"/data\""], 2, "/var/lib/docker"),
        (&["--bip", "10.77.0.200/24"], 3, "10.77.0"),
        (&[], 2, "--set KEY=JSON"),
    ] {
        let run = host.landfall(&configure(options));
        assert_eq!(run.code, code, "{options:?}: {run}");
        run.says(text);
    }
    before.assert_same(&host.snapshot(), &[]);

    // A network that the host has a route to is refused, and the proposal is free.
    host.sh("ip route add 172.30.0.0/16 dev host0; ip route add 172.18.0.0/16 dev host0");
    let refused = host.landfall(&configure(&["--bip", "172.30.9.1/24"])).exits(3);
    let refused = refused.says("LF085").says("172.30.0.0/16, a route through host0");
    let output = refused.output();
    let free = output.split_once("--bip ").and_then(|(_, rest)| rest.split_whitespace().next());
    let free = free.expect("a proposal").to_owned();
    host.sh("docker rm -f web; mkdir -p /etc/default /etc/cron.d
         echo 'DOCKER_OPTS=\"--dns 10.0.0.53\"' >/etc/default/docker
         echo '* * * * * root sysctl -w net.ipv4.ip_forward=0' >/etc/cron.d/harden");
    let run = host.landfall(&configure(&["--bip", &free])).exits(0);
    run.says("LF047").says("/etc/default/docker, line 1");
    assert!(host.sh("ip -4 -o addr show docker0").contains(&free), "{free}");
    // It stays on docker0 where it is taken back, and that is said.
    host.landfall(&configure(&["--unset", "bip"])).exits(0).says("LF059").says("ip link delete");
    assert!(host.sh("ip -4 -o addr show docker0").contains(&free), "{free}");
    host.landfall(&["doctor"]).says("LF190").says("/etc/cron.d/harden, line 1");
    host.sh(&format!("docker run -d --name web {} sleep 100000", bundle::IMAGE_NAME));

    // A daemon that does not come up with it gets its former file back, and its containers.
    let container = processes(&host).1;
    let run = host.landfall(&configure(&["--set", "storage-driver=\"nonsense\""])).exits(1);
    run.says("rolled back");
    assert_eq!(host.read(FILE), "{\n  \"live-restore\": true\n}\n");
    assert_eq!(host.unit("docker.service", "ActiveState"), "active");
    assert_eq!(processes(&host).1, container);

    // Nobody confirms it.
    let within = ["--set", "icc=true", "--confirm-within", "1s"];
    host.landfall(&configure(&within)).exits(1);
    assert_eq!(host.read(FILE), "{\n  \"live-restore\": true\n}\n");
    assert_eq!(host.unit("docker.service", "ActiveState"), "active");
}

#[test]
fn without_an_engine_there_is_nothing_to_change() {
    let host = Machine::boot();
    let before: Snapshot = host.snapshot();
    host.landfall(&configure(&["--live-restore"])).exits(2).says("landfall adopt");
    before.assert_same(&host.snapshot(), &[]);
}
