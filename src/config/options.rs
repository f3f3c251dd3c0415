//! The options of `landfall install`, as they were given.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::Deserialize;

use crate::desired::KernelWanted;
use crate::digest::Digest;
use crate::online::Fingerprint;
use crate::topology::Topology;

/// What comes from a mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Upstream's archive, which is then installed as with `--offline`.
    Static,
    /// Docker's packages, by the host's package manager.
    Packages,
}

/// Every option of install; what was not given is `None` or empty, and then comes from the
/// file, or is the default.
///
/// A list that is given replaces the one in the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// `--offline FILE`
    pub archive: Option<PathBuf>,
    /// `--sha256 DIGEST`
    pub sha256: Option<Digest>,
    /// `--online`
    pub online: Option<bool>,
    /// `--method static|packages`
    pub method: Option<Method>,
    /// `--mirror NAME|URL`, repeated, in order of preference
    pub mirrors: Vec<String>,
    /// `--version NUMBER`
    pub version: Option<String>,
    /// The digest of the archive, if it is what two mirrors give
    pub agreed: Option<Digest>,
    /// `--allow-unpinned`
    pub allow_unpinned: Option<bool>,
    /// `--trusted-key FILE`, repeated
    pub trusted_keys: Vec<PathBuf>,
    /// `--gpg-fingerprint HEX`
    pub fingerprint: Option<Fingerprint>,
    /// `--hold`
    pub hold: Option<bool>,
    /// `--replace`
    pub replace: Option<bool>,
    /// `--bin-dir DIR`
    pub bin_dir: Option<String>,
    /// `--group NAME`
    pub group: Option<String>,
    /// `--gid NUMBER`
    pub gid: Option<u32>,
    /// `--user NAME`, repeated
    pub users: Vec<String>,
    /// `--unit-style modern|classic`
    pub unit_style: Option<Topology>,
    /// `--registry-mirror URL`, repeated, in order of preference
    pub registry_mirrors: Vec<String>,
    /// `--insecure-registry HOST[:PORT]`, repeated
    pub insecure_registries: Vec<String>,
    /// `--data-root DIR`
    pub data_root: Option<String>,
    /// `--log-max-size SIZE`
    pub log_max_size: Option<String>,
    /// `--log-max-file NUMBER`
    pub log_max_file: Option<u32>,
    /// `--live-restore`
    pub live_restore: Option<bool>,
    /// `--bip ADDRESS/PREFIX`
    pub bip: Option<String>,
    /// `--set KEY=JSON`, repeated
    pub set: Vec<String>,
    /// `--http-proxy URL`
    pub http_proxy: Option<String>,
    /// `--https-proxy URL`
    pub https_proxy: Option<String>,
    /// `--no-proxy LIST`
    pub no_proxy: Option<String>,
    /// `--registry-ca HOST=FILE`, repeated
    pub registry_cas: Vec<String>,
    /// `--image FILE`, repeated
    pub images: Vec<PathBuf>,
    /// `Some(false)` for `--no-smoke-test`
    pub smoke_test: Option<bool>,
    /// `--no-kernel-modules`, `--keep-forwarding`
    pub kernel: KernelWanted,
    /// `--ignore CODE`, repeated
    pub ignore: Vec<String>,
}
