//! An engine from packages: real apt and real dnf, and signed repositories on the test network.

use crate::support::registry::Authority;
use crate::support::{
    Allowed, Machine, MachineOptions, RUNNING, Repositories, SHADOW_BACKUPS, SHARE, Served,
    Snapshot, trace_programs,
};

/// What package managers write down of their own work, and never take back.
const LOGS: &[Allowed] = &[
    Allowed { lines: "file /var/log", reason: "logs of apt, dpkg, dnf" },
    Allowed { lines: "file /var/cache/apt", reason: "apt's caches" },
    Allowed { lines: "file /var/cache/debconf", reason: "where apt asks packages beforehand" },
    Allowed { lines: "file /var/cache/dnf", reason: "dnf's caches" },
    Allowed { lines: "file /var/cache/ldconfig", reason: "made anew by dpkg's triggers" },
    Allowed { lines: "file /var/lib/apt", reason: "what apt knows of automatic packages" },
    Allowed { lines: "file /var/lib/dnf", reason: "dnf's history" },
    Allowed { lines: "file /var/lib/dpkg", reason: "dpkg's database; the list is compared" },
    Allowed { lines: "file /var/lib/rpm", reason: "rpm's database; the list is compared" },
    Allowed { lines: "file /var/lib/systemd/deb-systemd-helper-enabled", reason: "dpkg's helper" },
    Allowed { lines: "file /var/lib/systemd/deb-systemd-helper-masked", reason: "dpkg's helper" },
];

/// The list of packages; with rpm also the keys that it trusts.
fn packages(host: &Machine, apt: bool) -> String {
    match apt {
        true => host.sh("dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'"),
        false => host.sh("rpm -qa | sort"),
    }
}

#[track_caller]
fn assert_as_before(host: &Machine, before: &Snapshot) {
    let allowed = [LOGS, RUNNING, SHADOW_BACKUPS].concat();
    before.assert_same(&host.snapshot(), &allowed);
}

/// Mirrors that must not be used, and what is said of them.
fn refuses_bad_mirrors(host: &Machine, repositories: &Repositories, apt: bool) {
    let plan = |mirrors: &[&str], options: &[&str]| {
        host.landfall(&repositories.with("plan", mirrors, options))
    };
    // Nobody but upstream signs what upstream has: the bench's own key is another one.
    let url = repositories.url("");
    let run = host.landfall(&["plan", "--online", "--mirror", &url]).exits(4);
    let pinned = if apt { "9DC858229FC7DD38854A" } else { "060A61C51B558A7F742B" };
    run.says("another key").says(&repositories.fingerprint).says(pinned);
    plan(&["other-key"], &[]).exits(4).says("another key");
    plan(&["two-keys"], &[]).exits(4).says("another key");
    // Also where a good mirror would follow: it is no accident.
    plan(&["other-key", ""], &[]).exits(4);
    // Not there, for this release or at all.
    plan(&["nothing"], &[]).exits(1).says("404");
    let run = plan(&[""], &["--version", "27.1"]).exits(1);
    run.says("has not the version").says("28.5.2");
    if apt {
        plan(&["resigned"], &[]).exits(1).says("its index is not accepted");
        plan(&["expired"], &[]).exits(1).says("its index is not accepted");
    }
}

/// All of an engine's life, with apt or dnf.
fn lives_and_goes(host: &Machine, repositories: &Repositories, apt: bool) {
    let before = host.snapshot();
    let list = packages(host, apt);
    refuses_bad_mirrors(host, repositories, apt);
    before.assert_same(&host.snapshot(), LOGS);

    // The newest is one whose daemon does not start: all of it goes again.
    let newest = host.landfall(&repositories.with("install", &[""], &[])).exits(1);
    newest.says("28.5.2").says("everything was rolled back");
    assert_eq!(packages(host, apt), list);
    assert_as_before(host, &before);

    // A mirror that is broken is passed by; all that will be done is shown before.
    let options = ["--version", "20.10.5", "--live-restore"];
    let mirrors = ["nothing", ""];
    let plan = host.landfall(&repositories.with("plan", &mirrors, &options)).exits(0);
    let plan = plan.says("LF215").says("docker-ce-cli").says("20.10.5-1").says("pigz");
    assert!(!plan.output().contains("20.10.24"), "{plan}");
    assert_as_before(host, &before);
    let run = host.landfall(&repositories.with("install", &mirrors, &options)).exits(0);
    assert!(run.output().contains("20.10.5"), "{run}");
    assert_eq!(host.sh("docker version --format '{{.Server.Version}}'"), "20.10.5+dfsg1");
    assert_eq!(host.sh("systemctl is-enabled docker containerd"), "enabled\nenabled");
    assert_eq!(host.sh("docker info --format '{{.LiveRestoreEnabled}}'"), "true");
    assert_ne!(packages(host, apt), list);
    // Once more: nothing to do, and nobody is asked.
    host.landfall(&repositories.with("install", &mirrors, &options)).exits(0).says("nothing");
    host.landfall(&["verify"]).exits(0);
    host.landfall(&["status"]).exits(0).says("docker-ce").says("no drift");
    // An archive does not go over packages.
    host.landfall(&crate::support::with("install", &[])).exits(3).says("from packages");

    let options = ["--version", "20.10.24"];
    let upgrade = host.landfall(&repositories.with("upgrade", &[""], &options)).exits(0);
    upgrade.says("20.10.5-1").says("20.10.24-1");
    assert_eq!(host.sh("docker version --format '{{.Server.Version}}'"), "20.10.24+dfsg1");
    host.landfall(&["rollback", "--yes"]).exits(0);
    assert_eq!(host.sh("docker version --format '{{.Server.Version}}'"), "20.10.5+dfsg1");
    host.landfall(&["verify"]).exits(0);

    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert_eq!(packages(host, apt), list);
    assert_as_before(host, &before);
}

/// A mirror whose certificate nobody but a private authority vouches for, and which wants a password:
/// the package manager is told of both, and nobody else reads the password.
fn by_tls_with_a_login(host: &Machine, repositories: &Repositories, apt: bool) {
    let authority = Authority::new("Private");
    let (address, _) = repositories.address();
    let served = repositories.serve_by_tls(&authority.signs(&[address], |_| {}));
    host.put("/root/ca.pem", authority.pem());
    let mirror = format!("https://ann:s3cret@{}/~login=ann%3As3cret", served.address);
    // What is typed as an argument is seen by all, and journald keeps it with each line.
    host.put(
        "/root/mirror.yaml",
        format!("version: 1\nengine: {{source: {{online: {{mirrors: ['{mirror}']}}}}}}\n"),
    );
    let before = host.snapshot();
    let options = ["--version", "20.10.5", "--no-smoke-test"];
    let run = host.landfall(&repositories.with("plan", &[&mirror], &options)).exits(1);
    run.says("certificate");
    let options = ["--version", "20.10.5", "--no-smoke-test", "--ca", "/root/ca.pem"];
    let wrong = mirror.replace("ann:s3cret@", "ann:0ther@");
    let run = host.landfall(&repositories.with("plan", &[&wrong], &options)).exits(1);
    run.says("401");
    let options = [&options[..], &["--config", "/root/mirror.yaml"]].concat();
    let words = repositories.with("install", &[], &options);
    let calls = trace_programs(host, &words);
    assert!(calls.iter().any(|call| call.contains("makecache") || call.contains("\"update\"")));
    let told = calls.iter().filter(|call| call.contains("s3cret"));
    assert_eq!(told.collect::<Vec<_>>(), [""; 0], "no program is given it");
    assert_eq!(host.sh("docker version --format '{{.Server.Version}}'"), "20.10.5+dfsg1");
    let logins = match apt {
        true => "/etc/apt/auth.conf.d/landfall-docker.conf",
        false => "/etc/dnf/vars/landfall_docker_password",
    };
    assert_eq!(host.sh(&format!("stat -c %a:%u {logins}")), "600:0");
    let places = "/etc /var/lib/landfall /var/log /var/lib/apt /var/cache /run/landfall";
    // The path of this server has it too, behind a colon that is written as %3A.
    let found = host.sh(&format!("grep -rlsaiP '(?<!3A)s3cret' {places} || true"));
    assert_eq!(found, logins);
    host.landfall(&["status"]).exits(0).says("no drift");
    host.landfall(&words).exits(0).says("nothing");
    // The manager finds its way alone from now on.
    match apt {
        true => host.sh("apt-get -o APT::Update::Error-Mode=any -o \
             Dir::Etc::sourcelist=/etc/apt/sources.list.d/landfall-docker.sources \
             -o Dir::Etc::sourceparts=/dev/null update"),
        false => host.sh("dnf --disablerepo='*' --enablerepo=landfall-docker --refresh makecache"),
    };
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert_as_before(host, &before);
}

/// A mirror that only a proxy reaches.
#[allow(clippy::expect_used)] // without a directory there is no test
fn by_a_proxy(host: &Machine, repositories: &Repositories) {
    let nothing = tempfile::tempdir().expect("a directory");
    let proxy = Served::with(nothing.path(), None, Some("me:pr0xy"));
    let (_, port) = repositories.address();
    let mirror = format!("http://repo.test:{port}");
    let before = host.snapshot();
    let options = ["--version", "20.10.5", "--no-smoke-test"];
    host.landfall(&repositories.with("plan", &[&mirror], &options)).exits(1).says("repo.test");
    let words = repositories.with("install", &[&mirror], &options);
    // Nothing is left of earlier installations.
    host.sh("rm -rf /var/cache/apt/archives/*.deb /var/cache/dnf/landfall-docker*");
    let variable = format!("http_proxy=http://me:pr0xy@{}", proxy.address);
    let landfall = format!("{SHARE}/landfall");
    let command = [vec!["env".to_owned(), variable, landfall], words].concat();
    host.exec(&command).exits(0);
    assert!(proxy.log().contains("docker-ce-cli"), "packages came by it: {}", proxy.log());
    assert_eq!(host.sh("grep -rls pr0xy /etc /var/lib/landfall /var/log || true"), "");
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert_as_before(host, &before);

    // By the configuration file.
    let yaml = format!(
        "version: 1\ndownload: {{proxy: {{http: \"http://me:pr0xy@{}\"}}}}\n",
        proxy.address
    );
    host.put("/root/by-proxy.yaml", yaml);
    let options = [&options[..], &["--config", "/root/by-proxy.yaml"]].concat();
    host.landfall(&repositories.with("plan", &[&mirror], &options)).exits(0).says("20.10.5-1");
    host.sh("rm /root/by-proxy.yaml");
}

#[test]
fn packages_of_a_mirror_with_apt_and_back() {
    let repositories = Repositories::serve();
    let host = MachineOptions { variant: Some("debs"), ..MachineOptions::default() }.boot();
    lives_and_goes(&host, &repositories, true);
    by_tls_with_a_login(&host, &repositories, true);
    by_a_proxy(&host, &repositories);

    // What conflicts is named, and goes only if that is asked for; its repository is not to be had,
    // so that it does not come back, which is said.
    host.sh("DEBIAN_FRONTEND=noninteractive dpkg -i /srv/debs/runc/*.deb");
    let options = ["--version", "20.10.24", "--hold"];
    let refused = host.landfall(&repositories.with("install", &[""], &options)).exits(3);
    refused.says("LF213").says("runc 1.1.5").says("--replace");
    assert_eq!(host.sh("dpkg-query -W -f '${db:Status-Status}' runc"), "installed");
    let options = [options.as_slice(), &["--replace"]].concat();
    host.landfall(&repositories.with("install", &[""], &options)).exits(0);
    assert!(host.sh("apt-mark showhold").contains("docker-ce-cli"));
    // Configuration that somebody has changed stays.
    host.sh("echo '# mine' >>/etc/containerd/config.toml");
    let gone = host.landfall(&["uninstall", "--yes"]).exits(0);
    gone.says("/etc/containerd/config.toml").says("runc 1.1.5");
    assert_eq!(host.sh("apt-mark showhold"), "");
    assert_eq!(host.sh("tail -1 /etc/containerd/config.toml"), "# mine");
}

#[test]
fn packages_of_a_mirror_with_dnf_and_back() {
    let repositories = Repositories::serve();
    let host = MachineOptions { variant: Some("rpm"), ..MachineOptions::default() }.boot();
    // What the packages' scripts need, and this host has not got as a package.
    let shell = repositories.shell();
    let put = ["sh", "-euc", "cat >/root/bash.rpm; rpm -i --force-debian /root/bash.rpm"];
    host.exec_with_input(&put, &shell).ok();
    lives_and_goes(&host, &repositories, false);
    by_tls_with_a_login(&host, &repositories, false);
    by_a_proxy(&host, &repositories);

    // The index of dnf's repositories is not signed, the packages are: by somebody else here.
    let list = packages(&host, false);
    let run = host.landfall(&repositories.with("install", &["resigned"], &[])).exits(1);
    run.says("rolled back");
    assert_eq!(packages(&host, false), list);

    host.sh("rpm -i --force-debian /srv/rpms/podman-docker-*.rpm /srv/rpms/podman-[0-9]*.rpm /srv/rpms/runc-*.rpm");
    let options = ["--version", "20.10.24"];
    let refused = host.landfall(&repositories.with("install", &[""], &options)).exits(3);
    refused.says("LF213").says("podman-docker").says("runc").says("--replace");
    host.landfall(&repositories.with("plan", &[""], &["--hold"])).exits(3).says("LF216");
}

#[test]
#[ignore = "long: two more root file systems and archives are made"]
fn packages_on_the_other_releases_of_debian() {
    let repositories = Repositories::serve();
    for suite in ["bullseye", "trixie"] {
        let host = MachineOptions { suite: Some(suite), ..MachineOptions::default() }.boot();
        let before = host.snapshot();
        let list = packages(&host, true);
        let options = ["--version", "20.10.5"];
        host.landfall(&repositories.with("install", &[""], &options)).exits(0);
        let version = host.sh("docker version --format '{{.Server.Version}}'");
        assert_eq!(version, "20.10.5+dfsg1", "{suite}");
        host.landfall(&["verify"]).exits(0);
        host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
        assert_eq!(packages(&host, true), list, "{suite}");
        assert_as_before(&host, &before);
    }
}

/// Kinds of steps of an installation from packages; killed once each has had its effect.
const KINDS: [&str; 6] =
    ["write_file", "refresh_index", "install_packages", "enable_units", "unit", "wait_api"];

#[test]
#[ignore = "long: an installation is killed and rolled back seven times"]
fn killed_at_every_kind_of_step_it_goes_back() {
    let repositories = Repositories::serve();
    let host = Machine::boot();
    let list = packages(&host, true);
    let before = host.snapshot();
    let options = ["--version", "20.10.5", "--no-smoke-test", "--yes"];
    let install = repositories.with("install", &[""], &options);
    let landfall = format!("{SHARE}/landfall");
    // The shell lives on, and tells how it ended.
    let script = r#""$@" || echo "it ended with $?""#;
    let killed = |variable: &str| {
        let words = ["sh", "-c", script, "sh", "env", variable, &landfall];
        let words = [words.map(str::to_owned).to_vec(), install.clone()].concat();
        host.exec(&words).exits(0).says("it ended with 137");
        host.landfall(&["status"]).says("a run was cut");
    };
    let goes_back = |what: &str| {
        host.landfall(&["rollback", "--yes"]).exits(0).says("was cut");
        assert_eq!(packages(&host, true), list, "{what}");
        assert_as_before(&host, &before);
    };
    for kind in KINDS {
        killed(&format!("LANDFALL_KILL_AT={kind}"));
        goes_back(kind);
    }

    // dpkg, apt and landfall die together, once all is unpacked and nothing is configured.
    host.put(
        "/root/cut",
        "#!/bin/sh\n[ -e /root/armed ] || exit 0\nrm /root/armed\n\
         for name in landfall apt-get dpkg; do pkill -KILL -x $name; done\n",
    );
    host.sh("chmod 755 /root/cut; echo 'post-invoke=/root/cut' >/etc/dpkg/dpkg.cfg.d/cut");
    let before = host.snapshot();
    host.sh("touch /root/armed");
    killed("NOTHING=1");
    assert!(host.sh("dpkg --audit").contains("docker-ce"), "it was unpacked alone");
    host.landfall(&["rollback", "--yes"]).exits(0).says("was cut");
    assert_eq!(packages(&host, true), list);
    assert_eq!(host.sh("dpkg --audit"), "");
    assert_as_before(&host, &before);
    // And the same command again installs.
    host.sh("touch /root/armed");
    killed("NOTHING=1");
    host.landfall(&install).exits(0);
    assert_eq!(host.sh("docker version --format '{{.Server.Version}}'"), "20.10.5+dfsg1");
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert_eq!(packages(&host, true), list);
}
