//! Moving an engine's data to another disk, and back.

use crate::support::{Disk, Machine, MachineOptions, RUNNING, SHARE, bundle, with};

/// A container that writes all the time, one that has ended, and a volume.
fn start_containers(host: &Machine) {
    let image = bundle::IMAGE_NAME;
    host.sh(&format!(
        "docker volume create things
        docker run -d --name app -v things:/things {image} sh -c \
          'echo kept >/things/file; ln /things/file /things/linked; \
           while :; do echo x >>/things/log; sleep 0.1; done'
        docker run -d --name bound -v /var/lib/docker/volumes/things/_data:/b {image} sleep 100000
        docker run --name ended {image} sh -c 'echo layer >/of-the-layer; rm /bin/wc'
        docker run -d --rm -v /scratch --name passing {image} sleep 100000
        until docker exec app test -e /things/log; do sleep 0.1; done"
    ));
}

fn data_root(host: &Machine) -> String {
    host.sh("docker info --format '{{.DockerRootDir}}'")
}

/// All that was there is there, and works.
#[track_caller]
fn all_there(host: &Machine) {
    let running = host.sh("docker ps --format '{{.Names}}' | grep -v passing | sort");
    assert_eq!(running, "app\nbound");
    assert_eq!(host.sh("docker exec app cat /things/linked"), "kept");
    assert_eq!(host.sh("docker exec app stat -c %h /things/file"), "2");
    let changes = host.sh("docker diff ended | sort");
    assert!(changes.contains("A /of-the-layer") && changes.contains("D /bin/wc"), "{changes}");
    assert_eq!(host.sh("docker images -q | wc -l"), "1");
}

/// All containers start with the data that are in use, and name no others.
#[track_caller]
fn all_start(host: &Machine) {
    let used = data_root(host);
    let named = host
        .sh("docker inspect app bound ended | grep -o '\"/[^ ,:\"]*/\\(volumes\\|containers\\)/'");
    let others: Vec<_> = named.lines().filter(|path| !path.contains(&used)).collect();
    assert!(named.contains(&used) && others.is_empty(), "{named}");
    host.sh("docker restart app bound >/dev/null; docker start -a ended || true");
    assert_eq!(host.sh("docker exec bound cat /b/file"), "kept");
    all_there(host);
}

fn migrate(host: &Machine, to: &str) -> crate::support::Run {
    host.landfall(&["migrate-data-root", to, "--yes"])
}

#[test]
fn data_move_to_another_disk_and_back_and_for_good() {
    let (disk, small) = (Disk::new("400M"), Disk::new("20M"));
    let nspawn = vec![disk.at("/data"), small.at("/small")];
    let host = MachineOptions { nspawn, ..MachineOptions::default() }.boot();
    migrate(&host, "/data/docker").exits(2).says("landfall adopt");
    let options = ["--image", bundle::image(), "--live-restore", "--user", "root"];
    host.landfall(&with("install", &options)).exits(0);
    start_containers(&host);

    // Refused: nothing has changed.
    host.sh("mkdir /data/photos; touch /data/photos/1; ln -s /data /link");
    let before = host.snapshot();
    host.sh("mkdir /mirror /data/fixed; mount --bind /var/lib/docker/volumes /mirror
         chattr +i /data/fixed");
    for (to, code, word) in [
        ("/small/docker", 3, "LF020"),
        ("/var/lib/docker/new", 3, "LF068"),
        ("/data/photos", 3, "LF068"),
        ("/link/docker", 3, "LF068"),
        ("/run/docker-data", 3, "LF025"),
        ("/mirror/new", 3, "by another name"),
        ("/mirror", 3, "by another name"),
        ("/data/fixed", 3, "chattr -i /data/fixed"),
        ("data/docker", 2, "absolute"),
    ] {
        let run = migrate(&host, to).exits(code).says(word);
        assert!(!run.output().contains("--data-root DIR"), "{run}");
    }
    host.sh("umount /mirror; rmdir /mirror; chattr -i /data/fixed; rmdir /data/fixed");
    host.sh("mount -o remount,bind,noexec /data");
    migrate(&host, "/data/docker").exits(3).says("LF023");
    host.sh("mount -o remount,bind,exec /data");
    host.landfall(&["migrate-data-root", "--finish", "--yes"]).exits(0).says("nothing");
    let plan = host.landfall(&["migrate-data-root", "/data/docker", "--dry-run"]).exits(0);
    let plan = plan.says("/data/docker/containerd").says("nothing was changed");
    plan.says("are started again: app, bound").says("gone when they stop): passing");
    before.assert_same(&host.snapshot(), RUNNING);

    let done = migrate(&host, "/data/docker").exits(0);
    assert_eq!(data_root(&host), "/data/docker", "{done}");
    all_there(&host);
    all_start(&host);
    let log = "wc -l </var/lib/docker/volumes/things/_data/log";
    let old = host.sh(log);
    assert!(host.sh("docker exec app wc -l /things/log") != old, "it writes to the copy");
    assert_eq!(host.sh(log), old, "nothing writes to the old data");
    assert!(host.exists("/data/docker/containerd/io.containerd.metadata.v1.bolt/meta.db"));
    let units = host.sh("systemctl cat docker.service containerd.service");
    assert!(units.contains("RequiresMountsFor=/data/docker\n"), "{units}");
    host.landfall(&["verify"]).exits(0);
    host.landfall(&["status"]).exits(0);
    migrate(&host, "/data/other").exits(3).says("--finish");

    // Back, to what was there at the move.
    host.sh(&format!("docker run -d --name newer -v later:/x {} sleep 1000", bundle::IMAGE_NAME));
    let before = host.snapshot();
    let plan = host.landfall(&["rollback", "--dry-run"]).exits(0).says("nothing was changed");
    plan.says("containers: newer").says("started again: app, bound, newer");
    before.assert_same(&host.snapshot(), RUNNING);
    let back = host.landfall(&["rollback", "--yes"]).exits(0);
    let back = back.says("containers: newer").says("volumes: later").says("newer data");
    assert_eq!(data_root(&host), "/var/lib/docker", "{back}");
    all_start(&host);
    assert!(host.exists("/data/docker/volumes/later"));
    host.landfall(&["verify"]).exits(0);
    migrate(&host, "/data/again").exits(3).says("/data/docker");
    let run = host.landfall(&["migrate-data-root", "--finish", "--yes"]).exits(0);
    run.says("/data/docker, the NEWER data");
    assert!(!host.exists("/data/docker") && host.exists("/data/photos/1"));
    host.landfall(&["history"]).exits(0).says("migrate-data-root --finish done");
    all_there(&host);

    // For good.
    migrate(&host, "/data/docker").exits(0);
    host.sh("systemctl stop docker.socket docker");
    host.landfall(&["migrate-data-root", "--finish", "--yes"]).exits(3).says("does not answer");
    host.sh("systemctl start docker.socket docker; docker start app");
    let refused = |made: &str, word: &str, taken_back: &str| {
        host.sh(made);
        let run = host.landfall(&["migrate-data-root", "--finish", "--yes"]);
        host.sh(taken_back);
        run.exits(3).says(word);
        all_there(&host);
        assert!(host.exists("/var/lib/docker/containers") && host.exists("/data/photos/1"));
    };
    // The old place was made a link: to the new one, or elsewhere.
    let link = |to: &str| format!("mv /var/lib/docker /var/lib/aside; ln -s {to} /var/lib/docker");
    let no_link = "rm /var/lib/docker; mv /var/lib/aside /var/lib/docker";
    refused(&link("/data/docker"), "/data/docker, which is in use", no_link);
    refused(&link("/var/lib/aside"), "was made a link", no_link);
    refused(&link("/gone"), "was made a link", no_link);
    // A container that was made since has them.
    let old = "/var/lib/docker/volumes/things/_data";
    let run = format!("docker run -d --name late -v {old}:/old {} true", bundle::IMAGE_NAME);
    refused(&run, "docker rm -f late", "docker rm -f late");
    // Or something is mounted there: the new one, what is around it, something else; or in it.
    let umount = "umount /var/lib/docker";
    let mount = |what: &str| format!("mount --bind {what} /var/lib/docker");
    refused(&mount("/data/docker"), "/data/docker, which is in use", umount);
    refused(&mount("/data"), "/data/docker, which is in use", umount);
    refused(&mount("/data/photos"), "mounted at /var/lib/docker:", umount);
    let inside = "/var/lib/docker/volumes/things";
    refused(&format!("mount --bind /data/photos {inside}"), inside, &format!("umount {inside}"));
    // It could not be deleted whole.
    let file = "/var/lib/docker/volumes/things/_data/file";
    refused(&format!("chattr +i {file}"), "chattr -R -i", &format!("chattr -i {file}"));
    // The same once it is decided: it stays to be completed.
    let ended = host.sh(&format!(
        "LANDFALL_FREEZE_AT='{{\"event\":\"committed\"' /mnt/share/landfall migrate-data-root \
           --finish --yes >/tmp/out 2>&1 & pid=$!
         until grep -q '^State:.T' /proc/$pid/status; do kill -0 $pid; done
         chattr +i {file}; kill -CONT $pid
         wait $pid || echo $?"
    ));
    assert_eq!(ended, "5", "{}", host.sh("cat /tmp/out"));
    for command in [&["recover"][..], &["migrate-data-root", "--finish", "--yes"]] {
        host.landfall(command).exits(5).says(file).says("are made and stay");
    }
    host.sh(&format!("chattr -i {file}"));
    host.landfall(&["recover"]).exits(0).says("ompleted");
    assert!(!host.exists("/var/lib/docker") && !host.exists("/var/lib/containerd"));
    host.landfall(&["rollback", "--yes"]).exits(2);
    host.landfall(&["verify"]).exits(0);
    all_start(&host);
    host.landfall(&with("install", &options)).exits(2).says("/data/docker");

    // Once more, and to the end.
    migrate(&host, "/data/second").exits(0);
    host.landfall(&["migrate-data-root", "--finish", "--yes"]).exits(0).says("/data/docker");
    all_start(&host);

    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0).says("/data/second");
    assert!(!host.exists("/data/second") && host.exists("/data/photos/1"));
}

/// Kinds of steps of a move; killed once each has had its effect.
const KINDS: [&str; 5] = ["copy_data", "sync_data", "place_data", "unit", "check_inventory"];
/// Moments in the middle of the copy.
const MOMENTS: [&str; 2] = ["60", "300"];
/// Effects there that fail.
const FAULTS: [&str; 3] = ["40 ENOSPC", "150 EIO", "300 EACCES"];

/// An engine that does not start with the copy, and a run that is killed: everything is as before.
#[test]
fn a_move_that_fails_or_is_cut_leaves_docker_where_it_was() {
    let disk = Disk::new("400M");
    let host =
        MachineOptions { nspawn: vec![disk.at("/data")], ..MachineOptions::default() }.boot();
    host.landfall(&with("install", &["--image", bundle::image()])).exits(0);
    start_containers(&host);
    let files = "cd /etc; sha256sum systemd/system/docker.service systemd/system/containerd.service; \
         cat docker/daemon.json 2>&1 || true";
    let before = host.sh(files);
    let receipt = host.read("/var/lib/landfall/receipt.json");
    let unchanged = |what: &str| {
        assert_eq!(host.sh(files), before, "{what}");
        assert_eq!(data_root(&host), "/var/lib/docker", "{what}");
        assert_eq!(host.sh("ls -A /data"), "lost+found", "{what}");
        assert_eq!(host.read("/var/lib/landfall/receipt.json"), receipt, "{what}");
        all_there(&host);
    };

    let trap = "/etc/systemd/system/docker.service.d/trap.conf";
    let check = "ExecStartPre=/bin/sh -c '! grep -q /data/docker /etc/docker/daemon.json'";
    host.put(trap, format!("[Service]\n{check}\n"));
    host.sh("systemctl daemon-reload");
    migrate(&host, "/data/docker").exits(1).says("rolled back");
    unchanged("an engine that does not start");
    host.sh(&format!("rm -r {}; systemctl daemon-reload", trap.trim_end_matches("/trap.conf")));

    for fault in FAULTS {
        let (fault, landfall) = (format!("LANDFALL_FAIL={fault}"), format!("{SHARE}/landfall"));
        let words = ["env", &fault, &landfall, "migrate-data-root", "/data/docker", "--yes"];
        host.exec(&words).exits(1).says("LANDFALL_FAIL hit").says("rolled back");
        unchanged(&fault);
    }

    for kind in MOMENTS.into_iter().chain(KINDS) {
        let script = r#""$@" || echo "it ended with $?""#;
        let (at, landfall) = (format!("LANDFALL_KILL_AT={kind}"), format!("{SHARE}/landfall"));
        let words = ["sh", "-c", script, "sh", "env", &at, &landfall, "migrate-data-root"];
        host.exec(&[&words[..], &["/data/docker", "--yes"]].concat())
            .exits(0)
            .says("it ended with 137");
        // Docker has come up with the copy, and its containers write.
        let is_used = kind == "check_inventory";
        if is_used {
            host.sh("until docker version; do :; done; touch /data/docker/volumes/since");
        }
        let run = host.landfall(&["rollback", "--yes"]).exits(0).says("was cut");
        if is_used {
            run.says("rm -rf /data/docker");
            host.sh("rm /data/docker/volumes/since && rm -rf /data/docker");
        }
        unchanged(kind);
    }

    // What comes to the new place while the data are copied is not theirs, and stays.
    let script = "LANDFALL_FREEZE_AT='{\"event\":\"intent\"*\"kind\":\"place_data\"' \
         /mnt/share/landfall migrate-data-root /data/docker --yes >/tmp/out 2>&1 & pid=$!
         until grep -q '^State:.T' /proc/$pid/status; do kill -0 $pid; done
         stat -c %a /data/docker /data/docker/.landfall-copy
         mkdir /data/docker/mine; touch /data/docker/mine/photo
         kill -KILL $pid";
    assert_eq!(host.sh(script), "700\n700");
    host.landfall(&["rollback", "--yes"]).exits(0).says("was cut").says("/data/docker/mine");
    assert_eq!(
        host.sh("find /data/docker -mindepth 1"),
        "/data/docker/mine\n/data/docker/mine/photo"
    );
    host.sh("rm -r /data/docker");
    unchanged("a file of a person");
}

/// Images that are containerd's, not dockerd's.
#[test]
fn images_in_containerds_store_move_too() {
    let disk = Disk::new("600M");
    let newer = bundle::of_suite("trixie");
    let nspawn = vec![disk.at("/data")];
    let host = MachineOptions { suite: Some("trixie"), nspawn, ..MachineOptions::default() }.boot();
    let store = r#"features={"containerd-snapshotter": true}"#;
    let options = ["--image", bundle::image(), "--set", store];
    host.landfall(&[vec!["install"], newer.arguments(), options.to_vec()].concat()).exits(0);
    assert_eq!(host.sh("docker info --format '{{.Driver}}'"), "overlayfs");
    start_containers(&host);
    // The disk itself.
    migrate(&host, "/data").exits(0);
    assert_eq!(data_root(&host), "/data");
    all_there(&host);
    host.landfall(&["verify"]).exits(0);
    host.landfall(&["migrate-data-root", "--finish", "--yes"]).exits(0);
    assert!(!host.exists("/var/lib/containerd"));
    all_start(&host);
    host.sh("docker run --rm --name fresh busybox:bench true");
    host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    assert_eq!(host.sh("ls -A /data"), "lost+found");
}

/// A Docker of packages: its units are theirs, and get files beside them.
#[test]
fn an_adopted_docker_moves_and_its_units_stay() {
    let disk = Disk::new("400M");
    let nspawn = vec![disk.at("/data")];
    let host = MachineOptions { variant: Some("debs"), nspawn, ..MachineOptions::default() }.boot();
    host.sh("DEBIAN_FRONTEND=noninteractive dpkg -i /srv/debs/docker.io/*.deb");
    host.sh(&format!("systemctl start docker; docker load -i {}", bundle::image()));
    start_containers(&host);
    let units = "cd /lib/systemd/system; sha256sum docker.service containerd.service";
    let before = host.sh(units);
    host.landfall(&["adopt", "--yes"]).exits(0);

    migrate(&host, "/data/docker").exits(0);
    assert_eq!(data_root(&host), "/data/docker");
    all_there(&host);
    assert_eq!(host.sh(units), before);
    let command = host.unit("containerd.service", "ExecStart");
    assert!(command.contains("--root /data/docker/containerd"), "{command}");
    host.landfall(&["verify"]).exits(0);

    // Let go of, it is as it was before Landfall: with its old data.
    host.landfall(&["uninstall", "--yes"]).exits(0).says("/data/docker");
    assert_eq!(data_root(&host), "/var/lib/docker");
    all_there(&host);
    assert!(!host.exists("/etc/systemd/system/docker.service.d"));

    host.landfall(&["adopt", "--yes"]).exits(0);
    migrate(&host, "/data/second").exits(0);
    host.landfall(&["migrate-data-root", "--finish", "--yes"]).exits(0);
    all_start(&host);
    host.landfall(&["uninstall", "--yes"]).exits(3).says("old ones deleted");
    host.landfall(&["verify"]).exits(0);
}
