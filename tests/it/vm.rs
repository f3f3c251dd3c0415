//! What only a kernel of its own shows: version 2 of control groups alone, AppArmor, SELinux,
//! fapolicyd, a power cut. Each test is a virtual machine under emulation.

use crate::support::{Machine, VmOptions, bundle, with};

/// The usual archive with its image. Landfall's own proof is left out: under emulation, beside
/// other tests, starting a container can take longer than the minute that it waits. Each test
/// runs a container itself.
fn options() -> Vec<&'static str> {
    vec!["--image", bundle::image(), "--no-smoke-test"]
}

fn installed(host: &Machine) {
    host.landfall(&with("install", &options())).exits(0);
}

/// One line for each path that an installation may change, with everything that must be as
/// before afterwards. `more` is what find prints of each beside that: `%Z` is its label.
/// Left out: databases that tools of the system write, and the backups that groupadd keeps.
fn files(host: &Machine, more: &str) -> String {
    host.sh(&format!(
        "cd /; find etc usr/bin usr/local opt var/lib -xdev \
           \\( -path etc/selinux -o -path var/lib/selinux -o -path var/lib/systemd \
           -o -path var/lib/dpkg -o -path var/lib/fapolicyd -o -name group- -o -name gshadow- \\) \
           -prune -o -type f -printf '%p f %m %U:%G %s {more}\\n' \
           -o -printf '%p %y %m %U:%G %l {more}\\n' | sort"
    ))
}

fn run_a_container(host: &Machine) {
    let run = ["docker", "run", "--rm", bundle::IMAGE_NAME, "echo", "hello"];
    assert_eq!(host.exec(&run).ok(), "hello");
}

/// Lines that differ, in the order of their paths.
fn changes(before: &str, after: &str) -> Vec<String> {
    let has = |text: &str, line: &str| text.lines().any(|other| other == line);
    let gone = before.lines().filter(|line| !has(after, line)).map(|line| format!("- {line}"));
    let come = after.lines().filter(|line| !has(before, line)).map(|line| format!("+ {line}"));
    gone.chain(come).collect()
}

#[test]
#[ignore = "long: a virtual machine under emulation"]
fn cgroup_version_2_alone_and_a_power_cut() {
    let host = VmOptions::default().boot();
    assert_eq!(host.sh("stat -f -c %T /sys/fs/cgroup"), "cgroup2fs");
    assert!(!host.exists("/sys/fs/cgroup/systemd"), "no hierarchy of version 1 beside it");
    let before = files(&host, "");
    installed(&host);
    run_a_container(&host);
    // The files with the kernel's modules are there, and the boot loads them.
    host.sh("grep -qx overlay /etc/modules-load.d/landfall-engine.conf
             systemctl restart systemd-modules-load.service");
    let limited = format!(
        "docker run --rm --memory 64m --cpus 0.5 --pids-limit 50 {} sh -c \
         'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max /sys/fs/cgroup/pids.max'",
        bundle::IMAGE_NAME
    );
    assert_eq!(host.sh(&limited), "67108864\n50000 100000\n50", "limits are in force");

    host.power_cut();
    for unit in ["docker.socket", "docker.service", "containerd.service"] {
        assert_eq!(host.unit(unit, "ActiveState"), "active", "{unit}");
    }
    assert_eq!(host.unit("systemd-modules-load.service", "ActiveState"), "active");
    run_a_container(&host);
    host.landfall(&["status"]).exits(0);
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert_eq!(changes(&before, &files(&host, "")), [""; 0]);
}

#[test]
#[ignore = "long: a virtual machine under emulation"]
fn apparmor_needs_its_parser() {
    let host = VmOptions { kernel: &["apparmor=1", "security=apparmor"] }.boot();
    assert_eq!(host.read("/sys/module/apparmor/parameters/enabled"), "Y\n");
    let run = host.landfall(&with("install", &[])).exits(3);
    assert_eq!(run.findings().iter().filter(|code| *code == "LF075").count(), 1, "{run}");
    assert!(!host.exists("/usr/bin/dockerd"), "{run}");

    host.sh("dpkg -i /opt/debs/apparmor/*.deb");
    installed(&host);
    run_a_container(&host);
    let profile = format!("docker run --rm {} cat /proc/self/attr/current", bundle::IMAGE_NAME);
    assert_eq!(host.sh(&profile), "docker-default (enforce)");
}

/// Debian's reference policy, enforced. It has no module `container`, so that the engine runs
/// in a general domain and containers are not confined by it: what is tested are labels.
#[test]
#[ignore = "long: a virtual machine under emulation"]
fn selinux_enforcing() {
    let host =
        VmOptions { kernel: &["selinux=1", "security=selinux", "enforcing=1", "audit=1"] }.boot();
    assert_eq!(host.sh("getenforce"), "Enforcing");
    // A program that somebody copied by hand: it is replaced, and comes back with its label.
    host.put("/usr/bin/runc", "#!/bin/sh\n");
    host.sh("chmod 755 /usr/bin/runc; chcon -t user_home_t /usr/bin/runc");
    // As container-selinux does: a name that the policy knows better than its directory.
    host.put(
        "/etc/selinux/default/contexts/files/file_contexts.local",
        "/usr/bin/docker -- system_u:object_r:shell_exec_t:s0\n",
    );
    host.sh("mv /usr/sbin/semanage /root/");
    let before = files(&host, "%Z");

    let run = host.landfall(&with("install", &options())).exits(0);
    assert!(run.findings().contains(&"LF077".to_owned()), "{run}");
    run_a_container(&host);
    let targets = "/usr/bin/dockerd /usr/bin/docker /usr/bin/containerd /usr/bin/ctr \
         /usr/bin/containerd-shim-runc-v2 /usr/bin/runc /usr/bin/docker-proxy \
         /etc/systemd/system/docker.service /etc/systemd/system/docker.socket \
         /etc/systemd/system/containerd.service \
         /etc/systemd/system/multi-user.target.wants/docker.service";
    // Both ask the policy, by different ways.
    assert_eq!(host.sh(&format!("restorecon -F -n -v {targets}")), "");
    let verified = host.sh(&format!("matchpathcon -V {targets}"));
    assert!(verified.lines().all(|line| line.ends_with(" verified.")), "{verified}");
    let types = host.sh(&format!("stat -c %C {targets} | cut -d: -f3 | sort -u"));
    assert_eq!(types, "bin_t\nshell_exec_t\nsystemd_unit_t");

    // A label that got lost is seen, and given again, without a restart.
    let since = host.unit("docker.service", "ActiveEnterTimestampMonotonic");
    host.sh("chcon -t user_home_t /usr/bin/ctr");
    host.landfall(&with("plan", &options())).exits(0).says("labels");
    installed(&host);
    assert_eq!(host.sh("restorecon -F -n -v /usr/bin/ctr"), "");
    assert_eq!(host.unit("docker.service", "ActiveEnterTimestampMonotonic"), since);
    let nothing = host.landfall(&with("install", &options())).exits(0);
    nothing.says("nothing to do");

    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert_eq!(changes(&before, &files(&host, "%Z")), [""; 0]);

    another_data_directory(&host);
    an_image(&host);
}

fn another_data_directory(host: &Machine) {
    let words = [options(), vec!["--data-root", "/data/docker"]].concat();
    let run = host.landfall(&with("install", &words)).exits(3);
    assert!(run.findings().contains(&"LF079".to_owned()), "{run}");
    host.sh("mv /root/semanage /usr/sbin/");
    let container = files_of_an_earlier_engine(host);
    host.landfall(&with("install", &words)).exits(0);
    run_a_container(host);
    let labels = host.sh(&format!("find {container} -printf '%Z\\n' | sort -u"));
    assert_eq!(labels, CONTAINER_LABEL, "a container's files are still its own");
    let like = |path: &str| host.sh(&format!("matchpathcon -n {path}"));
    assert_eq!(like("/data/docker/x"), like("/var/lib/docker/x"), "the policy knows it");
    assert_eq!(host.sh("restorecon -n -v /data/docker /data/docker/image"), "");
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert_ne!(like("/data/docker/x"), like("/var/lib/docker/x"), "and has forgotten it");
    assert_eq!(host.sh("ls -A /data/docker"), "", "the directory itself was there before");
}

/// What a container's own files are labelled with: its categories keep other containers out.
const CONTAINER_LABEL: &str = "system_u:object_r:container_file_t:s0:c1,c2";

/// A data directory that an engine left behind, labelled as container-selinux has it: the type is
/// one of those that belong to whoever set them. Its path; everything else there has whatever label
/// it was made with.
fn files_of_an_earlier_engine(host: &Machine) -> &'static str {
    host.put(
        "/root/container.cil",
        "(type container_file_t)\n(typeattributeset file_type (container_file_t))\n",
    );
    let files = "/data/docker/overlay2/earlier/diff";
    host.sh(&format!(
        "semodule -i /root/container.cil
         echo container_file_t >>/etc/selinux/default/contexts/customizable_types
         mkdir -p /data/docker/containers /data/docker/image {files}
         echo hello >{files}/file
         chcon -R {CONTAINER_LABEL} {files}"
    ));
    files
}

/// The same disk once more, as an image that is mounted somewhere.
fn an_image(host: &Machine) {
    host.sh("mkdir -p /srv/image; mount --bind / /srv/image");
    let image = ["--root", "/srv/image"];
    host.landfall(&[&image, with("install", &[]).as_slice()].concat()).exits(0);
    let targets = "/usr/bin/dockerd /usr/bin/docker /etc/systemd/system/docker.service";
    let verified = host.sh(&format!("matchpathcon -V {targets}"));
    assert_eq!(verified.lines().filter(|line| line.ends_with(" verified.")).count(), 3);
    host.landfall(&[&image[..], &["uninstall", "--yes"]].concat()).exits(0);
    assert!(!host.exists("/usr/bin/dockerd"));
}

/// Debian's own rules refuse whatever lies below `/bin` and `/lib`, which are links there and
/// stand otherwise in dpkg's lists; the rules here ask for trust of the programs in question.
#[test]
#[ignore = "long: a virtual machine under emulation"]
fn fapolicyd_trusts_what_is_installed() {
    let host = VmOptions::default().boot();
    host.put("/usr/sbin/policy-rc.d", "exit 101\n");
    host.sh("sed -i '1i #!/bin/sh' /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d");
    host.sh("dpkg -i /opt/debs/fapolicyd/*.deb; rm /etc/fapolicyd/rules.d/*");
    let copied = "/usr/local/bin/landfall-untrusted";
    host.sh(&format!("cp /mnt/share/landfall {copied}"));
    let names = "docker dockerd docker-init docker-proxy containerd ctr runc \
                 containerd-shim-runc-v2";
    host.sh(&format!(
        "for path in /mnt/share/landfall {copied} $(printf '/usr/bin/%s ' {names}); do
           echo deny_syslog perm=execute all : path=$path trust=0
         done >/etc/fapolicyd/rules.d/10-test.rules
         echo allow perm=any all : all >/etc/fapolicyd/rules.d/90-test.rules"
    ));
    let before = files(&host, "");
    // Landfall itself is as foreign to it as the engine: the administrator trusts it first.
    host.sh("fapolicyd-cli --file add /mnt/share/landfall; systemctl start fapolicyd");
    host.sh(&format!("until ! {copied} --help >/dev/null 2>&1; do :; done"));
    host.landfall(&["--help"]).exits(0);

    installed(&host);
    run_a_container(&host);
    let file = host.read("/etc/fapolicyd/trust.d/landfall");
    let dockerd = host.sh("stat -c %s /usr/bin/dockerd; sha256sum </usr/bin/dockerd | cut -c1-64");
    let line = format!("/usr/bin/dockerd {}\n", dockerd.replace('\n', " "));
    assert!(file.contains(&line), "{line} in {file}");
    let again = host.landfall(&with("install", &options())).exits(0);
    again.says("nothing to do");

    // Its trust goes with it: the same program, put there by hand, is refused.
    host.sh("cp /usr/bin/runc /root/runc");
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert!(!host.exists("/etc/fapolicyd/trust.d/landfall"));
    host.sh("cp /root/runc /usr/bin/runc");
    host.sh("until ! /usr/bin/runc --version >/dev/null 2>&1; do :; done; rm /usr/bin/runc");
    host.sh("rm /root/runc; fapolicyd-cli --file delete /mnt/share/landfall");
    let left = changes(&before, &files(&host, ""));
    let ours = left.iter().filter(|line| !line.contains("etc/fapolicyd"));
    assert_eq!(ours.count(), 0, "{left:?}");
}
