//! The way from an installed engine to another; what is asked for is 28.5.2.

use super::Case;
use super::World;
use crate::facts::engine::RunningEngine;

fn runs(world: &mut World, version: &str, storage_driver: &str) {
    world.facts.engine = Some(RunningEngine {
        version: version.to_owned(),
        storage_driver: storage_driver.to_owned(),
        ..RunningEngine::default()
    });
}

fn to(world: &mut World, version: &str) {
    world.desired.source.archive = format!("/root/docker-{version}.tgz").into();
}

pub(super) const CASES: &[Case] = &[
    ("the same release", |world| world.installed = Some("28.5.2"), &[]),
    ("a newer release", |world| world.installed = Some("20.10.24"), &[]),
    ("an older release", |world| world.installed = Some("28.6.0"), &["error LF066"]),
    (
        "another's engine is no matter of an upgrade",
        |world| runs(world, "29.1.0", "overlayfs"),
        &[],
    ),
    (
        "over a boundary",
        |world| {
            world.installed = Some("28.5.2");
            to(world, "29.1.0");
        },
        &["error LF065"],
    ),
    (
        "what runs counts, not what the receipt says",
        |world| {
            world.installed = Some("28.5.2");
            runs(world, "29.0.1", "overlay2");
            to(world, "29.1.0");
        },
        &[],
    ),
    (
        "a storage driver that is gone",
        |world| {
            world.installed = Some("20.10.24");
            runs(world, "20.10.24", "devicemapper");
        },
        &["error LF067"],
    ),
    (
        "a storage driver that stays",
        |world| {
            world.installed = Some("20.10.24");
            runs(world, "20.10.24", "overlay2");
        },
        &[],
    ),
];
