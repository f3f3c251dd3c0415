//! Landfall's own bundles: made, signed, split, installed, upgraded to, and refused.
// Bundles are made on this machine, in the directory that hosts see.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::{
    Machine, RUNNING, Run, SHARE, bundle, hostile, installed, said_to_be_kept, share, with,
};

/// What docker asks a plugin is its metadata (docker/cli, cli-plugins).
const PLUGIN: &str = r#"
#include <stdio.h>
int main(void) {
    puts("{\"SchemaVersion\":\"0.1.0\",\"Vendor\":\"tests\",\"Version\":\"2.40.0\","
         "\"ShortDescription\":\"says so\"}");
    return 0;
}
"#;

/// A directory in every host with what the bundles are made of: a plugin, keys, and
/// `site.tgz`, signed, with the usual engine, a plugin, an image and a configuration.
fn site() -> &'static str {
    static SITE: OnceLock<String> = OnceLock::new();
    SITE.get_or_init(|| {
        let (directory, inside) = (share().join("site"), format!("{SHARE}/site"));
        std::fs::create_dir_all(&directory).unwrap();
        let path = |name: &str| directory.join(name);
        std::fs::write(path("plugin.c"), PLUGIN).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-static", "-s", "-o"]).arg(path("compose")).arg(path("plugin.c"));
        Run::of(&compiler, b"", Duration::from_secs(60)).ok();
        for (name, text) in [
            ("landfall.yaml", "version: 1\ndaemon: {live-restore: true, debug: true}\n"),
            ("release.key", hostile::SECRET_KEY),
            ("release.pub", hostile::PUBLIC_KEY),
        ] {
            std::fs::write(path(name), text).unwrap();
        }
        let mut create = create("site.tgz", bundle::docker());
        create.arg("--config").arg(path("landfall.yaml")).arg("--sign").arg(path("release.key"));
        Run::of(&create, b"", Duration::from_secs(120)).ok();
        inside
    })
}

/// The call that makes a bundle of an engine with the plugin and the image, on this machine.
fn create(name: &str, engine: &bundle::Bundle) -> Command {
    let here = |path: &str| share().join(path.strip_prefix(SHARE).unwrap().trim_start_matches('/'));
    let directory = share().join("site");
    let mut create = Command::new(env!("CARGO_BIN_EXE_landfall"));
    create.args(["bundle", "create", "-o"]).arg(directory.join(name));
    create.arg("--engine-archive").arg(here(&engine.path)).args(["--sha256", &engine.sha256]);
    create.arg(format!("--plugin=compose@2.40.0={}", directory.join("compose").display()));
    create.arg("--image-archive").arg(here(bundle::image()));
    create
}

fn trusting(host: &Machine) {
    host.sh("mkdir -p /etc/landfall/trusted-keys.d");
    host.put("/etc/landfall/trusted-keys.d/release.pub", hostile::PUBLIC_KEY);
    host.put(
        "/etc/landfall/landfall.yaml",
        "version: 1\nrequire-signature: true\ndaemon: {debug: false}\n",
    );
}

#[test]
fn a_signed_bundle_is_installed_with_all_that_it_holds_and_taken_away_again() {
    let site = format!("{}/site.tgz", site());
    let host = Machine::boot();
    trusting(&host);
    let before = host.snapshot();
    host.landfall(&["install", "--offline", &site]).exits(0).says("trusted key");
    assert!(host.sh("docker images").contains("busybox"));
    host.sh(&format!("docker run --rm {} true", bundle::IMAGE_NAME));
    assert!(host.sh("docker info --format '{{json .ClientInfo.Plugins}}'").contains("2.40.0"));
    assert_eq!(
        host.sh("stat -c '%a %u:%g' /usr/libexec/docker/cli-plugins/docker-compose"),
        "755 0:0"
    );
    // The bundle's configuration holds where the host's own says nothing.
    let daemon = host.read("/etc/docker/daemon.json");
    assert!(daemon.contains("\"live-restore\": true"), "{daemon}");
    assert!(daemon.contains("\"debug\": false"), "{daemon}");
    // Nothing is done twice, and what is gone is put back.
    host.landfall(&["install", "--offline", &site]).exits(0).says("othing to do");
    host.landfall(&["verify"]).exits(0);
    host.sh(&format!("docker rmi {}", bundle::IMAGE_NAME));
    host.sh("rm /usr/libexec/docker/cli-plugins/docker-compose");
    host.landfall(&["verify"]).exits(7).says(bundle::IMAGE_NAME).says("docker-compose");
    host.landfall(&["verify", "--repair", "--offline", &site, "--yes"]).exits(0);
    host.sh(&format!("docker run --rm {} true", bundle::IMAGE_NAME));

    let run = host.landfall(&["uninstall", "--purge", "data", "--yes"]).exits(0);
    let mut allowed = said_to_be_kept(&run);
    allowed.retain(|kept| !RUNNING.iter().any(|data| data.lines == kept.lines));
    before.assert_same(&host.snapshot(), &allowed);
}

#[test]
fn volumes_are_read_directly_and_the_one_to_blame_is_named() {
    let site = site();
    let host = Machine::boot();
    host.sh(&format!("mkdir /root/v; cp {site}/site.tgz /root/v/"));
    host.landfall(&["bundle", "split", "--size", "20M", "/root/v/site.tgz"]).exits(0);
    host.sh("cd /root/v; cat site.tgz.0* | cmp - site.tgz; rm site.tgz");
    let before = host.snapshot();
    let key = format!("{site}/release.pub");
    let install =
        |list: &str| host.landfall(&["install", "--offline", list, "--trusted-key", &key]);
    let refused = |says: &str| {
        install("/root/v/site.tgz.volumes").exits(4).says(says);
        host.landfall(&["bundle", "verify", "/root/v/site.tgz.volumes"]).exits(4).says(says);
    };
    host.sh("mv /root/v/site.tgz.003 /root/third");
    refused("site.tgz.003 (number 3 of");
    host.sh("cp /root/third /root/v/site.tgz.003; truncate -s -1 /root/v/site.tgz.003");
    refused("the volume site.tgz.003 is 20971519 bytes long");
    host.sh("cp /root/third /root/v/site.tgz.003
        printf x | dd of=/root/v/site.tgz.003 bs=1 seek=1000000 conv=notrunc status=none");
    refused("the volume site.tgz.003 is damaged");
    host.sh("cd /root/v; cp /root/third site.tgz.003; mv site.tgz.001 x; mv site.tgz.002 site.tgz.001; mv x site.tgz.002");
    refused("site.tgz.001 is in the wrong place: it holds what site.tgz.002 should");
    host.sh("cd /root/v; mv site.tgz.001 x; mv site.tgz.002 site.tgz.001; mv x site.tgz.002; rm /root/third");
    before.assert_same(&host.snapshot(), &[]);
    install("/root/v/site.tgz.volumes").exits(0);
    host.sh(&format!("docker run --rm {} true", bundle::IMAGE_NAME));
}

#[test]
fn an_upgrade_to_a_bundle_brings_its_plugins_and_images_and_a_rollback_takes_them_back() {
    let inside = site();
    let host = Machine::boot();
    Run::of(&create("next.tgz", bundle::same_again()), b"", Duration::from_secs(120)).ok();
    installed(&host, &[]);
    let next = format!("{inside}/next.tgz");
    // Nobody vouches for a bundle that is not signed, whatever its engine is.
    host.landfall(&["upgrade", "--offline", &next, "--yes"]).exits(4).says("--allow-unpinned");
    let upgrade = ["upgrade", "--offline", &next, "--allow-unpinned", "--yes", "--watch", "1"];
    host.landfall(&upgrade).exits(0);
    host.sh(&format!("docker run --rm {} true", bundle::IMAGE_NAME));
    assert!(host.exists("/usr/libexec/docker/cli-plugins/docker-compose"));
    host.landfall(&["rollback", "--yes"]).exits(0);
    assert!(!host.exists("/usr/libexec/docker/cli-plugins"));
    host.sh("docker version");
}

/// Everything that can be wrong with a bundle: exit 4, its own message, and the host is as before.
#[test]
fn a_bundle_that_is_not_to_be_trusted_changes_nothing() {
    let host = Machine::boot();
    host.sh("mkdir -p /etc/landfall/trusted-keys.d");
    host.put("/etc/landfall/trusted-keys.d/release.pub", hostile::PUBLIC_KEY);
    let directory = share().join("hostile");
    std::fs::create_dir_all(&directory).unwrap();
    let before = host.snapshot();
    let (mut wrong, mut count) = (Vec::new(), 0);
    let mut try_one = |name: &str, bytes: &[u8], says: &str| {
        let file = format!("{count}.tgz");
        count += 1;
        std::fs::write(directory.join(&file), bytes).unwrap();
        let path = format!("{SHARE}/hostile/{file}");
        let run = host.landfall(&["install", "--offline", &path, "--allow-unpinned", "--yes"]);
        std::fs::remove_file(directory.join(&file)).unwrap();
        if run.code != 4 || !run.output().contains(says) {
            wrong.push(format!("{name}: {says:?} is missing, or it is not exit 4\n{run}"));
        }
    };
    for case in hostile::cases() {
        try_one(case.name, &case.bytes, case.says);
    }
    try_one("another architecture", &hostile::foreign(), "aarch64");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 60, "{count}");
    before.assert_same(&host.snapshot(), &[]);
    // Of a bundle without a signature nothing is accepted where one is required.
    host.put("/root/landfall.yaml", "version: 1\nrequire-signature: true\n");
    let path = format!("{SHARE}/hostile/sound.tgz");
    std::fs::write(directory.join("sound.tgz"), hostile::sound().build()).unwrap();
    let install =
        ["install", "--offline", &path, "--allow-unpinned", "--config", "/root/landfall.yaml"];
    host.landfall(&install).exits(4).says("not signed");
    let archive = with("install", &["--config", "/root/landfall.yaml"]);
    host.landfall(&archive).exits(4).says("is no bundle");
}

/// Keys and signatures are minisign's own.
#[test]
fn keys_and_signatures_go_both_ways() {
    let host = Machine::boot();
    host.put("/root/password", "correct horse\n");
    let keygen = ["bundle", "keygen", "--password-file", "/root/password", "/root/release.key"];
    host.landfall(&keygen).exits(0);
    host.landfall(&keygen).exits(2).says("there is such a file");
    assert_eq!(host.sh("stat -c %a /root/release.key"), "600");
    host.sh(&format!("cp {}/site.tgz /root/", site()));
    let sign = ["bundle", "sign", "--key", "/root/release.key", "/root/site.tgz"];
    host.landfall(&sign).exits(2).says("--password-file");
    host.landfall(&[&sign[..], &["--password-file", "/root/password"]].concat()).exits(0);
    let verify = ["bundle", "verify", "--trusted-key", "/root/release.pub", "/root/site.tgz"];
    host.landfall(&verify).exits(0).says("trusted key");
    // Anybody can check it without Landfall.
    host.sh("cd /root; tar xzf site.tgz landfall.json landfall.json.minisig");
    let text = host.read("/root/landfall.json.minisig");
    let directory = share().join("site");
    std::fs::write(directory.join("x.json.minisig"), text).unwrap();
    std::fs::write(directory.join("x.json"), host.read("/root/landfall.json")).unwrap();
    std::fs::write(directory.join("x.pub"), host.read("/root/release.pub")).unwrap();
    let mut minisign = Command::new("minisign");
    minisign
        .arg("-V")
        .arg("-p")
        .arg(directory.join("x.pub"))
        .arg("-m")
        .arg(directory.join("x.json"));
    Run::of(&minisign, b"", Duration::from_secs(60)).ok();
}
