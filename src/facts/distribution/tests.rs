//! The table itself, real os-release files against it, and the page that is made from it.
#![allow(clippy::disallowed_methods)] // reads fixtures of the source tree

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::*;
use crate::facts::os_release;
use crate::facts::{Facts, PackageManager};

fn fixtures() -> BTreeMap<String, OsRelease> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facts/os-release");
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), os_release::parse(&text))
        })
        .collect()
}

fn host(fixture: &str, programs: &[&str]) -> Facts {
    let os = fixtures().remove(fixture).unwrap_or_else(|| panic!("no {fixture}"));
    let programs = programs.iter().map(|name| ((*name).into(), format!("/usr/bin/{name}")));
    Facts { os, programs: programs.collect(), ..Facts::default() }
}

#[test]
fn every_row_can_be_read() {
    let bad: Vec<_> =
        table::rows().filter_map(|row| Some((row, table::parse(row).err()?))).collect();
    assert_eq!(bad, []);
    assert_eq!(all().len(), table::rows().count());
}

#[test]
fn every_fixture_is_found_and_every_row_has_one() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 50, "{}", fixtures.len());
    let mut found = std::collections::BTreeSet::new();
    for (name, os) in &fixtures {
        let distribution = lookup(os).unwrap_or_else(|| panic!("{name}: {os:?}"));
        found.insert(distribution.name);
        // The file is called by id and version, and by "server" or "desktop" where both are.
        let id = name.split('-').next().unwrap();
        assert!(distribution.id.starts_with(id), "{name} is taken for {}", distribution.name);
    }
    let without: Vec<&str> =
        all().iter().map(|row| row.name).filter(|name| !found.contains(name)).collect();
    // Same as their other releases; nothing that could be got wrong.
    assert_eq!(without, ["Rocky Linux 10", "AlmaLinux 10", "Oracle Linux 7"]);
}

#[test]
fn what_is_said_to_work_is_known_well_enough() {
    let (tested, others): (Vec<&Distribution>, Vec<&Distribution>) =
        all().iter().partition(|row| row.standing == Standing::Tested);
    let tested: Vec<&str> = tested.iter().map(|row| row.name).collect();
    assert_eq!(tested, ["Debian 11", "Debian 12", "Debian 13"]);
    for row in others.iter().filter(|row| row.standing == Standing::Expected) {
        assert!(row.systemd.is_some_and(|version| version >= 219), "{}", row.name);
        assert!(row.kernel.is_some(), "{}", row.name);
    }
}

#[test]
fn names_that_do_not_tell() {
    let family = |fixture: &str| lookup(&fixtures()[fixture]).unwrap().family;
    assert_eq!(family("kylin-v10-sp3"), Family::Rhel);
    assert_eq!(family("kylin-desktop-v10"), Family::Debian);
    assert_eq!(family("kylin-desktop-v11"), Family::Debian);
    assert_eq!(family("uos-server-20"), Family::Rhel);
    assert_eq!(family("uos-desktop-20"), Family::Debian);
    assert_eq!(family("deepin-20"), Family::Debian);
}

#[test]
fn versions() {
    assert!(VersionPattern::Is("9").fits("9.4"));
    assert!(VersionPattern::Is("v10").fits("v10-sp1"));
    assert!(!VersionPattern::Is("1").fits("12"));
    assert!(!VersionPattern::Is("9").fits(""));
    assert!(VersionPattern::From(40).fits("41"));
    assert!(!VersionPattern::From(40).fits("39"));
    assert!(!VersionPattern::From(40).fits("rawhide"));
}

#[test]
fn a_distribution_that_is_not_in_the_table_says_what_it_is_like() {
    let like = |id: &str, like: &str| {
        let id_like = like.split_whitespace().map(str::to_owned).collect();
        let os = OsRelease { id: id.into(), id_like, version_id: "1".into(), ..Default::default() };
        assert_eq!(standing(&os), Standing::Unknown);
        family(&os)
    };
    assert_eq!(like("linuxmint", "ubuntu debian"), Some(Family::Debian));
    assert_eq!(like("nfs-server", "rhel centos"), Some(Family::Rhel));
    assert_eq!(like("opensuse-tumbleweed", "opensuse suse"), Some(Family::Suse));
    assert_eq!(like("centos", "rhel fedora"), Some(Family::Rhel));
    assert_eq!(like("alpine", ""), None);
}

#[test]
fn commands_are_those_of_the_distribution() {
    let install = |fixture: &str, programs: &[&str], tools: &[Tool]| {
        host(fixture, programs).install_command(tools)
    };
    let both = ["apt-get", "dnf", "yum"];
    let command = |text: &str| Some(text.to_owned());
    assert_eq!(
        install("centos-7", &["yum"], &[Tool::Ps, Tool::Git]),
        command("yum install procps-ng git")
    );
    assert_eq!(install("centos-9", &both, &[Tool::Iptables]), command("dnf install iptables"));
    assert_eq!(install("debian-12", &both, &[Tool::Xz]), command("apt-get install xz-utils"));
    assert_eq!(
        install("sles-15", &["zypper"], &[Tool::GroupTools]),
        command("zypper install shadow")
    );
    assert_eq!(
        install("rhel-10", &["dnf"], &[Tool::KernelModules]),
        command("dnf install kernel-modules-extra")
    );
    assert_eq!(install("debian-12", &["apt-get"], &[Tool::KernelModules]), None);
    assert_eq!(install("centos-9", &[], &[Tool::Iptables]), None);

    let packages = ["docker-engine".to_owned()];
    let mut bare = host("openeuler-22.03", &[]);
    bare.packages.manager = PackageManager::Rpm;
    assert_eq!(bare.removal_command(&packages), "rpm --erase docker-engine");
    let euler = host("openeuler-22.03", &["dnf", "yum"]);
    assert_eq!(euler.removal_command(&packages), "dnf remove docker-engine");
    let suse = host("sles-15", &["zypper"]);
    assert_eq!(suse.removal_command(&["docker-stable".to_owned()]), "zypper remove docker-stable");
}

/// `docs/distributions.md` is made from the table; `UPDATE_GOLDEN=1` writes it anew.
#[test]
fn the_page_is_up_to_date() {
    let file: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/distributions.md");
    let page = page();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == page, "docs/distributions.md is not what the table says; UPDATE_GOLDEN=1");
}

const INTRODUCTION: &str = "# Distributions

Made from [`bundles/distributions.tsv`](../bundles/distributions.tsv), whose head says what each
column means; a test compares the two.

- **tested**: our end-to-end tests boot it, as a container with a systemd of its own.
- *expected*: its systemd and kernel are new enough; nobody of us has run it.
- unknown: we do not know enough of it to say so. `LF043` says this on the host too.

Every host is checked for what really is there (kernel, cgroups, libraries, packages), whatever
stands here. The table is used for the names of packages and commands in findings.

| distribution | offline install | systemd | kernel | glibc | cgroups | packages | docker-ce | particular |
|---|---|---|---|---|---|---|---|---|
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for row in all() {
        let quirks: Vec<&str> = row.quirks.iter().map(|quirk| words(*quirk)).collect();
        let standing = match row.standing {
            Standing::Tested => "**tested**",
            Standing::Expected => "*expected*",
            Standing::Unknown => "unknown",
        };
        let cgroups = match row.cgroups {
            Some(CgroupMode::V1) => "v1",
            Some(CgroupMode::V2) => "v2",
            _ => "",
        };
        let _ = writeln!(
            page,
            "| {} | {standing} | {} | {} | {} | {cgroups} | {} | {} | {} |",
            row.name,
            row.systemd.map(|version| version.to_string()).unwrap_or_default(),
            row.kernel.unwrap_or_default(),
            row.glibc.unwrap_or_default(),
            row.manager.program(),
            row.docker_ce.unwrap_or_default().replace("%v", "N"),
            quirks.join("; "),
        );
    }
    page
}

fn words(quirk: Quirk) -> &'static str {
    match quirk {
        Quirk::NoDockerCe => "no docker-ce packages",
        Quirk::NoNewDockerCe => "no new docker-ce packages",
        Quirk::NftIptables => "iptables-nft only",
        Quirk::KernelModulesExtra => "network modules in kernel-modules-extra",
        Quirk::OwnDockerEngine => "own package docker-engine",
        Quirk::PodmanRunc => "podman needs the package runc",
    }
}
