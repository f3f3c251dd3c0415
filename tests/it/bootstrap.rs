//! `landfall bootstrap-script` and `landfall cloud-init`: what a new host runs first.
// Scripts are checked by programs of this machine.
#![allow(clippy::disallowed_methods)]

use std::process::Command;
use std::time::Duration;

use crate::support::{Machine, Run, Served, bundle};

const WGET: [&str; 2] = ["wget", "libpsl5"];
const CURL: [&str; 17] = [
    "curl",
    "libcurl4",
    "libnghttp2-14",
    "librtmp1",
    "libssh2-1",
    "libldap-2.5-0",
    "libsasl2-2",
    "libsasl2-modules-db",
    "libbrotli1",
    "libpsl5",
    "libgssapi-krb5-2",
    "libkrb5-3",
    "libk5crypto3",
    "libkrb5support0",
    "libkeyutils1",
    "libcom-err2",
    "libssl3",
];
/// cloud-init, and what its `schema` command imports.
const CLOUD_INIT: [&str; 20] = [
    "cloud-init",
    "python3-configobj",
    "python3-jinja2",
    "python3-markupsafe",
    "python3-jsonpatch",
    "python3-json-pointer",
    "python3-jsonschema",
    "python3-attr",
    "python3-pyrsistent",
    "python3-oauthlib",
    "python3-yaml",
    "python3-requests",
    "python3-six",
    "python3-netifaces",
    "python3-serial",
    "python3-urllib3",
    "python3-certifi",
    "python3-idna",
    "python3-chardet",
    "python3-charset-normalizer",
];

const LIMIT: Duration = Duration::from_secs(60);

/// What the program prints on this machine.
fn printed(command: &str, arguments: &[&str]) -> Run {
    let mut landfall = Command::new(env!("CARGO_BIN_EXE_landfall"));
    Run::of(landfall.arg(command).args(arguments).env_clear(), b"", LIMIT)
}

#[test]
fn scripts_are_posix_shell_and_user_data_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let ca = file("ca.pem", &certificate());
    let ca = ca.to_str().unwrap();
    let url = ["--url", "https://depot.internal/{arch}/landfall"];
    let archive = ["--archive", "https://depot.internal/docker-28.5.2.tgz", "--ca", ca];
    let arguments = ["--", "--user", "o'neill", "--registry-mirror", "https://a.b"];
    let plain = printed("bootstrap-script", &url).ok();
    let whole = [url.as_slice(), &archive, &arguments].concat();
    let full = printed("bootstrap-script", &whole).ok();
    assert!(full.contains("BEGIN CERTIFICATE"));
    for (name, script) in [("plain.sh", &plain), ("full.sh", &full)] {
        let path = file(name, script);
        Run::of(Command::new("shellcheck").arg(&path), b"", LIMIT).ok();
        Run::of(Command::new("dash").arg("-n").arg(&path), b"", LIMIT).ok();
        Run::of(Command::new("busybox").args(["sh", "-n"]).arg(&path), b"", LIMIT).ok();
    }

    let user_data = printed("cloud-init", &whole).ok();
    let inner: Vec<&str> = user_data
        .lines()
        .skip_while(|line| !line.contains("content: |"))
        .skip(1)
        .take_while(|line| *line != "runcmd:")
        .map(|line| line.strip_prefix("      ").unwrap_or(line))
        .collect();
    assert_eq!(inner.join("\n"), full.trim_end());
    let packages = bundle::unpacked_here(&CLOUD_INIT);
    let check = |text: &str| {
        let mut python = Command::new("/usr/bin/python3");
        python.env("PYTHONPATH", packages.join("usr/lib/python3/dist-packages"));
        python.arg(packages.join("usr/bin/cloud-init")).args(["schema", "--config-file"]);
        Run::of(python.arg(file("user-data", text)), b"", LIMIT)
    };
    check(&user_data).exits(0).says("Valid cloud-config");
    check(&user_data.replace("permissions", "permission")).exits(1);
}

#[test]
fn a_new_host_installs_by_itself() {
    let host = Machine::boot();
    let served = Served::share();
    let docker = bundle::docker();
    let with = |program: &str, archive: &str| {
        let url = |path: &str| format!("http://{}{path}", served.address);
        let (program, archive) = (url(program), url(archive));
        let words = ["--url", &program, "--archive", &archive, "--", "--sha256", &docker.sha256];
        host.put("/run/bootstrap.sh", printed("bootstrap-script", &words).ok());
    };
    let run_in = |packages: &[&str], root: Option<&str>| {
        let at = bundle::unpacked(packages);
        let libraries = format!("LD_LIBRARY_PATH={at}/usr/lib/x86_64-linux-gnu");
        let path = format!("PATH={at}/usr/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        let chroot = root.into_iter().flat_map(|root| ["chroot", root]);
        let command = ["env", &libraries, &path, "sh", "/run/bootstrap.sh"];
        host.exec(&chroot.chain(command).collect::<Vec<_>>())
    };
    let run = |packages: &[&str]| run_in(packages, None);
    let archive = format!("/{}", docker.path.rsplit('/').next().unwrap());
    with("/landfall", &archive);
    let before = host.snapshot();
    // Neither is there.
    host.exec(&["sh", "/run/bootstrap.sh"]).exits(2).says("neither curl nor wget");
    for packages in [WGET.as_slice(), &CURL] {
        with("/nowhere", &archive);
        run(packages).exits(1).says("cannot fetch landfall");
        with("/~alter/landfall", &archive);
        run(packages).exits(4).says("the sha256 of what was fetched as landfall is");
        with("/~cut=100000/landfall", &archive);
        run(packages).exits(1).says("cannot fetch landfall");
    }
    with("/landfall", &archive);
    before.assert_same(&host.snapshot(), &[]);
    in_a_chroot(&host, || run_in(&WGET, Some(CHROOT)));
    before.assert_same(&host.snapshot(), &[]);
    with("/landfall", &format!("/~alter{archive}"));
    run(&WGET).exits(4);
    with("/~status=503*2/landfall", &archive);
    run(&CURL).exits(0);
    host.sh("docker info");
    assert!(served.log().contains("/~status=503*2/landfall - 503"));
    // Once more, with the other one: nothing changes.
    with("/landfall", &archive);
    run(&WGET).exits(0);
    host.sh("/usr/local/bin/landfall uninstall --yes && rm /usr/local/bin/landfall");
}

const CHROOT: &str = "/mnt/system";

/// As a kickstart's %post runs: the new system is a chroot, and `/run` in it is the installer's.
fn in_a_chroot(host: &Machine, run: impl Fn() -> Run) {
    host.sh("mkdir /run/installer; mount -t tmpfs installer /run/installer
        mkdir /run/installer/upper /run/installer/work; mkdir -p /mnt/system
        mount -t overlay -o lowerdir=/,upperdir=/run/installer/upper,workdir=/run/installer/work \
            system /mnt/system
        for at in run proc mnt/share; do mount --bind /$at /mnt/system/$at; done");
    run().exits(0).says("The image is provisioned");
    host.sh("test -x /mnt/system/usr/bin/dockerd -a ! -e /usr/bin/dockerd");
    host.sh("test -L /mnt/system/etc/systemd/system/multi-user.target.wants/docker.service");
    host.sh("cd /mnt/system; umount run proc mnt/share");
    host.sh("umount /mnt/system && umount /run/installer && rmdir /mnt/system /run/installer");
}

/// A certificate of a throw-away authority.
fn certificate() -> String {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl.args(["-nodes", "-keyout", "/dev/null", "-days", "1", "-subj", "/CN=test"]);
    Run::of(&openssl, b"", LIMIT).ok()
}
