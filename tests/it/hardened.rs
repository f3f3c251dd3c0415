//! Hosts that somebody has closed down, as people really have them.

use crate::support::{Machine, MachineOptions, Run, bundle, installed, said_to_be_kept, with};

/// Runs the program with root's umask set to 077.
#[track_caller]
fn private(host: &Machine, arguments: &[&str]) -> Run {
    let script = "umask 077; exec /mnt/share/landfall \"$@\"";
    host.exec(&[&["sh", "-euc", script, "landfall"], arguments].concat()).exits(0)
}

/// Nothing may run from where everybody can write, nor from `/var/lib`; processes of others are
/// hidden; `/etc` is a file system of its own; there is no nsswitch.conf.
const CLOSED: &str = "for dir in /tmp /var/tmp /dev/shm; do
      mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 none $dir
    done
    mount -o remount,bind,noexec,nosuid,nodev /var/lib
    mount -o remount,hidepid=2 /proc
    mkdir /run/etc; mount -t tmpfs -o mode=755 none /run/etc; cp -a /etc/. /run/etc; mount --bind /run/etc /etc
    rm /etc/nsswitch.conf
    useradd --create-home alice";

#[test]
fn mount_flags_umask_and_hidden_processes_do_not_matter() {
    let host = Machine::boot();
    host.sh(CLOSED);
    let before = host.snapshot();
    host.sh("touch /run/began");
    let options =
        ["--user", "alice", "--live-restore", "--image", bundle::image(), "--gid", "2345"];
    let run = private(&host, &with("install", &options));
    assert_eq!(run.findings(), ["LF061"], "{run}");
    assert!(run.output().contains("/var/lib/docker is mounted noexec, nosuid, nodev"), "{run}");

    // Everything that was made or changed, but for what the daemons keep for themselves.
    let made =
        host.sh("find /etc /usr/bin -newercm /run/began ! -type l -printf '%y %m %U:%G %p\\n'");
    for line in made.lines() {
        let path = line.rsplit(' ').next().unwrap();
        let expected = match path {
            "/etc/gshadow" | "/etc/gshadow-" => "f 640 0:42",
            "/etc/.pwd.lock" | "/etc/docker/key.json" => "f 600 0:0",
            "/etc/cni/net.d" => "d 700 0:0",
            _ if line.starts_with('d') => "d 755 0:0",
            _ if path.starts_with("/usr/bin") => "f 755 0:0",
            _ => "f 644 0:0",
        };
        assert_eq!(line, format!("{expected} {path}"), "{made}");
    }
    for path in ["/etc/docker", "/etc/docker/daemon.json", "/etc/systemd/system/docker.socket"] {
        assert!(made.lines().any(|line| line.ends_with(path)), "{path} is not in {made}");
    }
    assert_eq!(host.sh("stat -c '%a %U' /var/lib/landfall"), "700 root");

    // What LF061 says: the container's own files run, have their set-id bits and devices, but a
    // volume's do not.
    let inside = "cp /bin/busybox /tmp/sh; /tmp/sh -c true && echo own-file-runs
        cp /bin/busybox /v/sh; /v/sh -c true && echo volume-runs
        grep ' /v ' /proc/mounts";
    let run = ["docker", "run", "--rm", "-v", "data:/v", bundle::IMAGE_NAME, "sh", "-c", inside];
    let said = host.exec(&[&["runuser", "-u", "alice", "--"], run.as_slice()].concat());
    assert!(said.stdout.contains("nosuid,nodev,noexec"), "{said}");
    assert!(!said.stdout.contains("volume-runs"), "{said}");
    assert!(said.stdout.contains("own-file-runs"), "{said}");

    let run = private(&host, &["uninstall", "--yes"]);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
}

#[test]
fn where_containers_would_run_from_a_noexec_directory_it_is_refused() {
    let host = Machine::boot();
    host.sh("mount -o remount,bind,noexec /var/lib");
    let vfs = ["--set", r#"storage-driver="vfs""#];
    let run = host.landfall(&with("install", &vfs)).exits(3);
    assert_eq!(run.findings(), ["LF023"], "{run}");
    // And rightly: the daemon starts, but no container.
    let run = host.landfall(&with("install", &[vfs.as_slice(), &["--ignore", "LF023"]].concat()));
    run.exits(1).says("permission denied");
}

/// `/usr` as ostree, transactional updates and the like have it; sudo as Debian configures it; the
/// data on a disk of their own.
const READ_ONLY: &str = "mount --bind /usr /usr; mount -o remount,bind,ro /usr
    mkdir /data; mount -t tmpfs -o noexec none /data
    useradd --create-home --shell /bin/bash alice";
const SUDOERS: &str = "Defaults\tenv_reset\nDefaults\tsecure_path=\"/usr/local/sbin:\
    /usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n";

#[test]
fn a_read_only_usr_gets_its_programs_elsewhere_and_people_find_them() {
    let host = Machine::boot();
    host.sh(READ_ONLY);
    host.put("/etc/sudoers", SUDOERS);
    let before = host.snapshot();
    let run = host.landfall(&with("install", &[])).exits(3).says("--bin-dir /opt/landfall/bin");
    assert_eq!(run.findings(), ["LF022"], "{run}");
    before.assert_same(&host.snapshot(), &[]);
    let run = host.landfall(&with("plan", &["--bin-dir", "/data/bin"])).exits(3);
    assert!(run.findings().contains(&"LF023".to_owned()), "{run}");

    let options = ["--bin-dir", "/opt/landfall/bin", "--data-root", "/data/docker"];
    let options = [options.as_slice(), &["--user", "alice", "--image", bundle::image()]].concat();
    let run = private(&host, &with("install", &options));
    let run = run.says("sudo /opt/landfall/bin/docker").says("export PATH=");
    assert!(run.findings().contains(&"LF063".to_owned()), "{run}");
    assert_eq!(host.sh("docker --version || echo not found"), "not found", "in /usr/bin");
    let docker = format!("docker run --rm {} echo hello", bundle::IMAGE_NAME);
    for shell in ["/bin/bash", "/bin/sh"] {
        let login = ["su", "--login", "--shell", shell, "--command", &docker, "alice"];
        assert_eq!(host.exec(&login).ok(), "hello", "{shell}");
    }
    assert!(host.exists("/data/docker/overlay2"), "the data are on their own disk");
    assert!(!host.exists("/var/lib/docker"), "and nowhere else");
    host.landfall(&with("install", &options)).exits(0).says("nothing to do");

    let run = host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert!(!host.exists("/opt/landfall") && !host.exists("/etc/profile.d/landfall.sh"), "{run}");
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
}

/// A host whose file system surely has the attributes of chattr(1).
fn on_ext4(size: &'static str) -> Machine {
    MachineOptions { disk: Some(size), ..MachineOptions::default() }.boot()
}

const ACCOUNTS: &str = "/etc/passwd /etc/group /etc/shadow /etc/gshadow";

#[test]
fn what_is_immutable_is_named_before_any_change_and_never_cleared() {
    let host = on_ext4("1500M");
    host.sh("useradd --create-home alice");
    let daemon_json = "/etc/docker/daemon.json";
    host.put(daemon_json, "{}\n");
    let refused = |attribute: &str, path: &str, options: &[&str]| {
        host.sh(&format!("chattr +{attribute} {path}"));
        let before = host.snapshot();
        let run = host.landfall(&with("install", options)).exits(3);
        assert_eq!(run.findings(), ["LF060"], "{run}");
        run.says(&format!("chattr -{attribute} {path}"));
        before.assert_same(&host.snapshot(), &[]);
        let flags = host.sh(&format!("lsattr -d {path}"));
        assert!(flags.split(' ').next().unwrap().contains(attribute), "{flags}");
        host.sh(&format!("chattr -{attribute} {path}"));
    };
    refused("i", "/usr/bin", &[]);
    host.sh("chattr +i /usr/bin");
    host.landfall(&with("plan", &[])).exits(3).says("chattr -i /usr/bin");
    host.sh("chattr -i /usr/bin");
    refused("i", "/etc/gshadow", &[]);
    refused("i", "/etc", &[]);
    refused("i", "/var/lib", &[]);
    refused("i", daemon_json, &["--live-restore"]);
    refused("i", "/etc/docker", &["--live-restore"]);
    refused("a", "/etc/systemd/system", &[]);
    refused("a", "/etc/group", &["--user", "alice"]);

    // No account has to change, nor daemon.json: then they may be as protected as they like.
    host.sh("groupadd --gid 2345 docker; usermod --append --groups docker alice");
    let closed = format!("{ACCOUNTS} {daemon_json}");
    host.sh(&format!("chattr +i {closed}"));
    let before = host.snapshot();
    installed(&host, &["--user", "alice"]);
    host.sh("runuser -u alice -- docker version");
    let run = host.landfall(&["uninstall", "--yes"]).exits(0);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
    assert_eq!(host.sh(&format!("lsattr {closed} | grep -c '^....i'")), "5");
    host.sh(&format!("chattr -i {closed}"));
}

#[test]
fn a_host_without_a_free_group_id_is_rolled_back_and_takes_one_that_is_named() {
    let host = Machine::boot();
    host.sh("sed -i '/^#\\?SYS_GID_M/d' /etc/login.defs
        printf 'SYS_GID_MIN 150\\nSYS_GID_MAX 150\\nMAX_MEMBERS_PER_GROUP 1\\n' >>/etc/login.defs
        groupadd --gid 150 taken; useradd alice; useradd bob");
    let before = host.snapshot();
    let run = host.landfall(&with("install", &[])).exits(1).says("groupadd").says("--gid");
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));

    // With one member a line, the second member stands in a line of its own.
    let options = ["--gid", "2345", "--user", "alice", "--user", "bob"];
    installed(&host, &options);
    assert_eq!(host.sh("grep -c '^docker:.*:2345:' /etc/group"), "2");
    host.landfall(&with("install", &options)).exits(0).says("nothing to do");
    host.sh("runuser -u alice -- docker version; runuser -u bob -- docker version");
    host.landfall(&["uninstall", "--yes"]).exits(0);
    assert_eq!(host.sh("grep -c ^docker: /etc/group || true"), "0");
}

/// Accounts outside of `/etc/passwd` and `/etc/group`: `extrausers` stands for a directory service
/// that answers, `ldap` for one that does not, since nobody ever takes the call at its socket.
fn with_directory(host: &Machine) {
    let debs = bundle::unpacked(&["libnss-extrausers", "libnss-ldapd"]);
    host.sh(&format!(
        "find {debs} -name 'libnss_*.so.2' ! -path '*/usr/lib32/*' -exec cp {{}} /usr/lib/x86_64-linux-gnu/ \\;
        mkdir /var/lib/extrausers
        echo 'rita:x:70001:70001::/:/bin/sh' >/var/lib/extrausers/passwd
        echo 'rita:x:70001:' >/var/lib/extrausers/group
        useradd alice"
    ));
    look_in(host, "extrausers");
}

fn look_in(host: &Machine, service: &str) {
    host.sh(&format!("sed -i -E 's/^(passwd|group):.*/\\1: files {service}/' /etc/nsswitch.conf"));
}

#[test]
fn accounts_of_a_directory_service() {
    let host = Machine::boot();
    with_directory(&host);
    let before = host.snapshot();

    // A user from the directory in a local group.
    installed(&host, &["--user", "rita"]);
    host.sh("runuser -u rita -- docker version; grep '^docker:.*:rita$' /etc/group");
    let run = host.landfall(&["uninstall", "--yes"]).exits(0);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));

    // The group itself from the directory: it gets no member from here.
    host.sh("echo docker:x:70002:rita >>/var/lib/extrausers/group");
    let before = host.snapshot();
    let run = host.landfall(&with("install", &["--user", "alice"])).exits(3).says("--group NAME");
    assert_eq!(run.findings(), ["LF054"], "{run}");
    before.assert_same(&host.snapshot(), &[]);
    installed(&host, &[]);
    assert_eq!(host.sh("stat -c %g /run/docker.sock"), "70002");
    host.sh("runuser -u rita -- docker version");
    host.landfall(&with("install", &[])).exits(0).says("nothing to do");
    // At boot the socket is there before any directory service.
    look_in(&host, "");
    host.reboot();
    assert_eq!(host.sh("docker version >/dev/null; stat -c %g /run/docker.sock"), "70002");
    look_in(&host, "extrausers");
    host.landfall(&["uninstall", "--yes"]).exits(0);
    assert!(!host.exists("/usr/bin/dockerd"));
    host.sh("getent group docker");
}

#[test]
fn a_directory_service_that_does_not_answer() {
    let host = Machine::boot();
    with_directory(&host);
    host.put("/etc/systemd/system/nslcd.socket", "[Socket]\nListenStream=/run/nslcd/socket\n");
    host.put("/etc/systemd/system/nslcd.service", "[Service]\nExecStart=sleep infinity\n");
    host.sh("systemctl daemon-reload; systemctl start nslcd.socket nslcd.service");
    look_in(&host, "ldap");
    let before = host.snapshot();
    let run = host.landfall(&with("install", &[])).exits(3).says("did not answer");
    assert_eq!(run.findings(), ["LF062"], "{run}");
    let run = host.landfall(&with("install", &["--user", "rita"])).exits(2).says("rita");
    assert_eq!(run.findings(), ["LF050", "LF062"], "{run}");
    before.assert_same(&host.snapshot(), &[]);

    // With a local group and a local user nobody has to be asked. (Debian's dockerd asks for a user
    // docker when it unpacks an image; upstream's, which is static, looks in /etc/passwd alone.)
    host.sh("echo docker:x:2345: >>/etc/group; echo 'docker:!::' >>/etc/gshadow
        echo docker:x:2345:2345::/:/bin/false >>/etc/passwd");
    let before = host.snapshot();
    installed(&host, &["--user", "alice"]);
    host.sh("grep '^docker:.*:alice$' /etc/group; test \"$(stat -c %g /run/docker.sock)\" = 2345");
    let run = host.landfall(&["uninstall", "--yes"]).exits(0);
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
}

#[test]
fn a_disk_without_inodes_or_space_in_the_middle_leaves_the_host_as_it_was() {
    let host = on_ext4("700M");
    // As many inodes are left as staging needs, but not the steps.
    host.sh("mkdir /var/lib/fill; cd /var/lib/fill
        free=$(($(stat -f -c %d .) - 34))
        seq $free | xargs touch; stat -f -c %d .");
    let before = host.snapshot();
    let run = host.landfall(&with("install", &[])).exits(3);
    assert_eq!(run.findings(), ["LF021"], "{run}");
    before.assert_same(&host.snapshot(), &[]);
    let run = host.landfall(&with("install", &["--ignore", "LF021"])).exits(1);
    let run = run.says("no space left").says("df -i");
    assert!(run.output().contains("install /usr/bin/dockerd"), "it was at a step: {run}");
    before.assert_same(&host.snapshot(), &said_to_be_kept(&run));

    // The journal's own disk is full: after some steps, and later (all was done but the receipt).
    host.sh("rm -r /var/lib/fill; mkdir /var/lib/landfall
        mount -t tmpfs -o mode=700 none /var/lib/landfall");
    for size in ["8k", "20k"] {
        host.sh(&format!("mount -o remount,size={size} /var/lib/landfall"));
        let before = host.snapshot();
        let run = host.landfall(&with("install", &["--ignore", "LF020"])).exits(1);
        let run = run.says("cannot write /var/lib/landfall/").says("no space left");
        before.assert_same(&host.snapshot(), &said_to_be_kept(&run));
    }
}
