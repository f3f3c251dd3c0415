//! The power is cut in the middle of a run: what was not synced is lost, nobody is there, and the
//! host comes up with the engine that it had before, or with the new one, and with nothing else.

use crate::support::{Machine, MachineOptions, Run, VmOptions, bundle, with};

/// When the power is cut.
#[derive(Clone, Debug)]
enum Moment {
    /// The line with this in it is in the journal: the run goes no further.
    At(String),
    /// The same, but the run goes on until the disk stops.
    After(String),
}

impl Moment {
    /// A step with this in its line is about to be made.
    fn step(what: &str) -> String {
        format!("^{{\"event\":\"intent\".*{what}")
    }

    fn number(number: usize) -> String {
        format!("^{{\"event\":\"intent\",\"number\":{number},")
    }

    /// Runs Landfall until then; whether it came to its end before.
    fn reached(&self, host: &Machine, words: &[String]) -> bool {
        // It stops itself, or goes on from there.
        let (freeze, is_there) = match self {
            Self::At(line) => {
                let line = line.trim_start_matches('^').replacen(".*", "*", 1);
                (line, "grep -q '^State:.T' /proc/$pid/status 2>/dev/null")
            }
            Self::After(_) => (String::from("-"), "[ \"$(seen)\" != \"$before\" ]"),
        };
        // The loop ends by itself when the run does.
        let seen = host.sh(&format!(
            "seen() {{ cat /var/lib/landfall/journal.jsonl 2>/dev/null | grep -c '{}' || true; }}
             before=$(seen)
             LANDFALL_FREEZE_AT='{freeze}' /mnt/share/landfall {} >/tmp/out 2>&1 & pid=$!
             while kill -0 $pid 2>/dev/null; do
               if {is_there}; then echo cut; exit; fi
             done
             echo ended",
            self.line(),
            words.join(" ")
        ));
        seen == "cut"
    }

    /// Whether the guard of the boot may not be there yet: then the host is as it was, but for files
    /// that were unpacked, and the next command finds the run.
    fn is_before_guard(&self) -> bool {
        ["staging", "guard_boot", "\"number\":0,"].iter().any(|early| self.line().contains(early))
    }

    fn line(&self) -> &str {
        match self {
            Self::At(line) | Self::After(line) => line,
        }
    }
}

/// What a run may leave, and what the host has before it.
struct Story {
    host: Machine,
    words: Vec<String>,
    before: Vec<String>,
    after: Vec<String>,
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn a_host() -> Machine {
    // A disk that a power cut stops dead; the engine's data are on it too.
    MachineOptions { disk: Some("3G"), ..MachineOptions::default() }.boot()
}

fn install_words() -> Vec<String> {
    words(&with("install", &["--image", bundle::image()]))
}

/// Nothing installed yet.
fn of_an_install() -> Story {
    let host = a_host();
    let before = files(&host);
    host.landfall(&install_words()).exits(0);
    let after = files(&host);
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    Story { host, words: install_words(), before, after }
}

/// An older engine that runs, with containers.
fn of_an_upgrade() -> Story {
    let host = a_host();
    install_older(&host);
    let before = files(&host);
    host.landfall(&install_words()).exits(0);
    let after = files(&host);
    host.landfall(&["rollback", "--yes"]).exits(0);
    assert_eq!(files(&host), before, "a rollback takes it back");
    Story { host, words: install_words(), before, after }
}

fn install_older(host: &Machine) {
    let older = bundle::of_suite("bullseye");
    let mut install = vec!["install", "--image", bundle::image(), "--yes"];
    install.extend(older.arguments());
    host.landfall(&install).exits(0);
    start_containers(host);
}

/// An engine that runs, with containers: it stops them itself.
fn of_an_uninstall() -> Story {
    let host = a_host();
    let after = files(&host);
    host.landfall(&install_words()).exits(0);
    start_containers(&host);
    let before = files(&host);
    Story { host, words: words(&["uninstall", "--yes"]), before, after }
}

/// One for each restart policy that brings a container back after a boot.
const CONTAINERS: [&str; 2] = ["always", "unless-stopped"];

fn start_containers(host: &Machine) {
    for policy in CONTAINERS {
        let image = bundle::IMAGE_NAME;
        host.sh(&format!("docker run -d --name {policy} --restart {policy} {image} sleep 100000"));
    }
}

/// Everything that a run may change of programs, units and configuration, by path and digest. Left
/// out: the backups that groupadd keeps, dockerd's key, and what Landfall notes for itself.
fn files(host: &Machine) -> Vec<String> {
    let listed = host.sh(
        "cd /; list() { find etc usr/bin usr/local opt -name group- -o -name gshadow- -o -name key.json -o \"$@\"; }
         list -printf '%m %U:%G %y %p %l\\n'; list -type f -exec sha256sum {} +",
    );
    let mut lines: Vec<String> = listed.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

impl Story {
    /// Cuts the power at this moment, boots, and looks. Returns whether the run got there; if not,
    /// it came to its end.
    #[track_caller]
    fn cut(&self, moment: &Moment) -> bool {
        let host = &self.host;
        let reached = moment.reached(host, &self.words);
        host.power_cut();
        self.is_whole(moment);
        reached
    }

    /// All of one state, or all of the other; and nothing left of the cut.
    #[track_caller]
    fn is_whole(&self, moment: &Moment) {
        let host = &self.host;
        if moment.is_before_guard() {
            host.landfall(&["recover"]).exits(0);
        }
        let now = files(host);
        let state = if now == self.before {
            "before"
        } else if now == self.after {
            "after"
        } else {
            let log =
                host.sh("journalctl -b --no-pager -t landfall -t landfall-recover | tail -40");
            panic!(
                "neither one nor the other, cut at {moment:?}; against before:\n{}\nagainst \
                 after:\n{}\n{log}",
                differences(&self.before, &now).join("\n"),
                differences(&self.after, &now).join("\n")
            );
        };
        let status = host.landfall(&["status"]).exits(0);
        assert!(!status.output().contains("was cut"), "cut at {moment:?}: {status}");
        let failed = host.sh("systemctl --failed --no-legend --plain");
        assert_eq!(failed, "", "cut at {moment:?}, {state}");
        if host.exists("/usr/bin/dockerd") {
            works(host, moment);
        } else {
            status.says("installed nothing");
        }
    }

    /// Brings the host back to where it was, if the run came to its end.
    fn back(&self) {
        if files(&self.host) == self.before {
            return;
        }
        match self.words[0].as_str() {
            "uninstall" => {
                self.host.landfall(&install_words()).exits(0);
            }
            _ if self.before.iter().any(|line| line.ends_with("usr/bin/dockerd")) => {
                self.host.landfall(&["rollback", "--yes"]).exits(0);
            }
            _ => {
                self.host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
            }
        }
    }
}

fn differences(before: &[String], now: &[String]) -> Vec<String> {
    let gone = before.iter().filter(|line| !now.contains(line)).map(|line| format!("- {line}"));
    let come = now.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(come).collect()
}

/// The engine came up by itself, with its containers, and runs another.
#[track_caller]
fn works(host: &Machine, moment: &Moment) {
    let run: Run = host.exec(&["docker", "run", "--rm", bundle::IMAGE_NAME, "echo", "hello"]);
    assert_eq!(run.ok(), "hello", "cut at {moment:?}");
    // Started by a unit of this boot, which may still be at it.
    host.sh(
        "while systemctl is-active -q landfall-resume.service || [ \"$(systemctl show --value \
             -p ActiveState landfall-resume.service)\" = activating ]; do :; done",
    );
    let all = host.sh("docker ps -a --format '{{.Names}} {{.Status}}'");
    let down: Vec<&str> = all.lines().filter(|line| !line.contains(" Up ")).collect();
    assert!(
        down.is_empty(),
        "cut at {moment:?}: {down:?}\n{}",
        host.sh("docker ps -aq --no-trunc | xargs -r docker inspect --format \
                 '{{.ID}} {{.Name}} {{.Created}} {{json .State}} {{json .Config.Labels}}'
                 ls -la --time-style=full-iso /var/lib/docker/containers/*")
    );
}

/// Five moments, spread over an installation.
#[test]
fn an_install_that_is_cut_is_whole_after_the_boot() {
    let story = of_an_install();
    let moments = [
        Moment::After("\"event\":\"staging\"".to_owned()),
        Moment::At(Moment::step("/usr/bin/docker-init")),
        Moment::After(Moment::step("\"kind\":\"daemon_reload\"")),
        Moment::After(Moment::step("\"unit\":\"docker.service\",\"action\":\"start\"")),
        Moment::At("^{\"event\":\"committed\"".to_owned()),
    ];
    for moment in &moments {
        assert!(story.cut(moment), "it was cut at {moment:?}");
    }
}

/// The engine that comes back has its containers, those too that the run had stopped.
#[test]
fn an_uninstall_that_is_cut_leaves_the_engine_that_ran() {
    let story = of_an_uninstall();
    assert!(story.cut(&Moment::At(Moment::step("/usr/bin/docker-init"))));
    assert_eq!(files(&story.host), story.before);
}

/// The boot takes the copy away, if docker has not come up with it.
#[test]
fn a_move_that_is_cut_leaves_docker_with_its_old_data() {
    let host = a_host();
    host.landfall(&install_words()).exits(0);
    start_containers(&host);
    let (before, words) = (files(&host), words(&["migrate-data-root", "/var/lib/moved", "--yes"]));
    let story = Story { host, words, after: before.clone(), before };
    for step in ["\"kind\":\"sync_data\"", "\"kind\":\"place_data\"", "/etc/docker/daemon.json"] {
        let moment = Moment::At(Moment::step(step));
        assert!(moment.reached(&story.host, &story.words), "{}", story.host.sh("cat /tmp/out"));
        story.host.power_cut();
        story.is_whole(&moment);
        let root = story.host.sh("docker info --format '{{.DockerRootDir}}'");
        assert_eq!(root, "/var/lib/docker", "cut at {moment:?}");
        assert!(!story.host.exists("/var/lib/moved"), "cut at {moment:?}");
    }
}

/// A change that nobody confirmed does not outlive the power cut.
#[test]
fn an_unconfirmed_change_is_taken_back_by_the_boot() {
    let host = Machine::boot();
    host.landfall(&with("install", &[])).exits(0);
    let before = files(&host);
    let change = with("install", &["--bip", "172.30.0.1/24", "--confirm-within", "1h"]);
    host.sh(&format!(
        "/mnt/share/landfall {} >/tmp/out 2>&1 & until grep -q 'landfall confirm' /tmp/out; do \
         kill -0 $!; done",
        change.join(" ")
    ));
    assert_ne!(files(&host), before);
    host.power_cut();
    assert_eq!(files(&host), before);
    assert_eq!(host.unit("docker.service", "ActiveState"), "active");
    assert_eq!(
        host.landfall(&["recover"]).exits(0).output().trim(),
        "Nothing to do: no run was cut."
    );
}

/// What cannot be completed holds the engine, and the log says what to type.
#[test]
fn an_engine_of_two_versions_is_not_started() {
    let host = a_host();
    install_older(&host);
    let before = files(&host);
    let story = Story { words: install_words(), after: before.clone(), before, host };
    let host = &story.host;
    let moment = Moment::At(Moment::step("/usr/bin/runc"));
    assert!(moment.reached(host, &story.words));
    // What former programs would be put back from – set aside, or a copy – is not what it was.
    host.sh("cp -r /var/lib/landfall/store /root/kept
             for copy in /var/lib/landfall/store/* /usr/bin/.*.landfall-old; do
               cp -p $copy /root/copy; echo x >>/root/copy; mv /root/copy $copy
             done; sync");
    host.power_cut();
    let log = host.sh("journalctl -b --no-pager -t landfall -t landfall-recover");
    assert_eq!(host.unit("landfall-recover.service", "ExecMainStatus"), "5", "{log}");
    for unit in ["docker.service", "docker.socket", "containerd.service"] {
        assert_eq!(host.unit(unit, "ActiveState"), "inactive", "{unit}");
    }
    assert!(log.contains("landfall recover"), "{log}");
    host.sh("! systemctl start docker.service");

    host.sh("cp /root/kept/* /var/lib/landfall/store/; rm -r /root/kept");
    host.landfall(&["recover"]).exits(0).says("Taken back");
    host.sh("systemctl reset-failed; systemctl start docker.service");
    story.is_whole(&moment);
}

/// A disk that is a machine's own, and a boot from the firmware on.
#[test]
#[ignore = "long: a virtual machine under emulation"]
fn a_virtual_machine_that_is_cut_is_whole_after_the_boot() {
    let host = VmOptions::default().boot();
    let before = files(&host);
    let words = words(&with("install", &["--no-smoke-test"]));
    let story = Story { words, after: before.clone(), before, host };
    for moment in [
        Moment::At(Moment::step("/usr/bin/dockerd")),
        Moment::After(Moment::step("\"unit\":\"docker.service\",\"action\":\"start\"")),
    ] {
        assert!(story.cut(&moment), "it was cut at {moment:?}");
    }
}

/// Every step of an installation, of an upgrade and of an uninstallation, each cut where it begins
/// and a moment later.
#[test]
#[ignore = "long: more than a hundred power cuts"]
fn every_step_can_be_cut() {
    let mut count = 0;
    for story in [of_an_upgrade, of_an_install, of_an_uninstall] {
        let story = story();
        for number in 0.. {
            let reached = story.cut(&Moment::At(Moment::number(number)));
            story.back();
            if !reached {
                break;
            }
            story.cut(&Moment::After(Moment::number(number)));
            story.back();
            count += 2;
        }
        println!("{count} power cuts");
    }
    assert!(count >= 60, "only {count} power cuts");
}
