//! The table.

use std::sync::LazyLock;

use super::{Distribution, Family, FrontEnd, Quirk, Standing, VersionPattern};
use crate::facts::CgroupMode;

pub(super) const TABLE: &str = include_str!("../../../bundles/distributions.tsv");

static ALL: LazyLock<Vec<Distribution>> =
    LazyLock::new(|| rows().filter_map(|row| parse(row).ok()).collect());

/// All distributions of the table, in its order: the first that fits counts.
pub fn all() -> &'static [Distribution] {
    &ALL
}

pub(super) fn rows() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadRow(pub &'static str);

pub(super) fn parse(row: &'static str) -> Result<Distribution, BadRow> {
    let columns: Vec<&str> = row.split('\t').collect();
    let columns: [&str; 13] = columns.try_into().map_err(|_| BadRow("number of columns"))?;
    let [name, id, version, pretty, family, manager, docker_ce, columns @ ..] = columns;
    let [standing, systemd, kernel, glibc, cgroups, quirks] = columns;
    Ok(Distribution {
        name,
        id,
        version: parse_version(version)?,
        pretty: known(pretty),
        family: parse_family(family)?,
        manager: parse_manager(manager)?,
        docker_ce: known(docker_ce),
        standing: parse_standing(standing)?,
        systemd: known(systemd)
            .map(|number| number.parse().map_err(|_| BadRow("systemd")))
            .transpose()?,
        kernel: known(kernel),
        glibc: known(glibc),
        cgroups: parse_cgroups(cgroups)?,
        quirks: known(quirks)
            .map(|quirks| quirks.split(',').map(parse_quirk).collect())
            .unwrap_or(Ok(Vec::new()))?,
    })
}

fn known(column: &'static str) -> Option<&'static str> {
    (column != "-").then_some(column)
}

fn parse_version(text: &'static str) -> Result<VersionPattern, BadRow> {
    match text.strip_suffix('+') {
        None => Ok(VersionPattern::Is(text)),
        Some(first) => first.parse().map(VersionPattern::From).map_err(|_| BadRow("first version")),
    }
}

fn parse_family(text: &str) -> Result<Family, BadRow> {
    match text {
        "rhel" => Ok(Family::Rhel),
        "debian" => Ok(Family::Debian),
        "suse" => Ok(Family::Suse),
        _ => Err(BadRow("family")),
    }
}

fn parse_manager(text: &str) -> Result<FrontEnd, BadRow> {
    match text {
        "apt" => Ok(FrontEnd::Apt),
        "dnf" => Ok(FrontEnd::Dnf),
        "yum" => Ok(FrontEnd::Yum),
        "zypper" => Ok(FrontEnd::Zypper),
        _ => Err(BadRow("manager")),
    }
}

fn parse_standing(text: &str) -> Result<Standing, BadRow> {
    match text {
        "tested" => Ok(Standing::Tested),
        "expected" => Ok(Standing::Expected),
        "unknown" => Ok(Standing::Unknown),
        _ => Err(BadRow("standing")),
    }
}

fn parse_cgroups(text: &str) -> Result<Option<CgroupMode>, BadRow> {
    match text {
        "-" => Ok(None),
        "v1" => Ok(Some(CgroupMode::V1)),
        "v2" => Ok(Some(CgroupMode::V2)),
        _ => Err(BadRow("cgroups")),
    }
}

fn parse_quirk(text: &str) -> Result<Quirk, BadRow> {
    match text {
        "no-docker-ce" => Ok(Quirk::NoDockerCe),
        "no-new-docker-ce" => Ok(Quirk::NoNewDockerCe),
        "nft-iptables" => Ok(Quirk::NftIptables),
        "kernel-modules-extra" => Ok(Quirk::KernelModulesExtra),
        "own-docker-engine" => Ok(Quirk::OwnDockerEngine),
        "podman-runc" => Ok(Quirk::PodmanRunc),
        _ => Err(BadRow("quirk")),
    }
}
