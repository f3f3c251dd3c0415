//! What preflight can find, as data. The words stand in [`crate::texts::findings`].

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Code;
use super::network::{BridgeProblem, Use};
use crate::doctor::Sight;
use crate::facts::kernel_settings::SettingReset;
use crate::facts::security::{ImaAppraisal, Lockdown};
use crate::facts::start_command::UnreadOptions;
use crate::facts::{CgroupMode, PackageManager, PackagesProblem, Protection};
use crate::file_state::FileKind;
use crate::online::OnlineSight;
use crate::registry::RegistrySight;

/// Something about a host that a person should know before it is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its stable code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen.
    pub seen: Seen,
    /// Whether it is about a move of data, which has no options of an installation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moving: bool,
}

impl Finding {
    pub(crate) fn error(seen: Seen) -> Self {
        Self { code: seen.code(), severity: Severity::Error, seen, moving: false }
    }

    pub(crate) fn warning(seen: Seen) -> Self {
        Self { code: seen.code(), severity: Severity::Warning, seen, moving: false }
    }

    pub(crate) fn note(seen: Seen) -> Self {
        Self { code: seen.code(), severity: Severity::Note, seen, moving: false }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// It may go wrong, or something is lost that a person may want.
    Warning,
    /// It will go wrong, or would harm what is there: nothing is done.
    Error,
}

/// What was seen. Sizes are bytes, times seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs)] // each variant stands for the code of the same name; the fields say it
#[rustfmt::skip] // one line for each
pub enum Seen {
    Root { uid: u32 },
    SystemdNotRunning,
    SystemdMissing,
    ArchitectureUnsupported { architecture: String },
    ArchiveArchitecture { program: String, built_for: String, host: String },
    ClockBehind { now: u64, archive: u64 },
    KernelTooOld { release: String, minimum: String, engine: String },
    KernelTooNew { release: String, maximum: String, engine: String },
    OverlayMissing { certain: bool },
    OverlayTooOld { release: String, minimum: String, el7_minimum: Option<String> },
    CgroupsMissing,
    CgroupControllers { mode: CgroupMode, missing: Vec<String> },
    CgroupVersion { engine: String },
    KernelNetwork { missing: Vec<String>, release: String, install: Option<String> },
    IptablesMissing { nft: bool, install: Option<String> },
    IptablesTooOld { version: String, minimum: String },
    SpaceShort { paths: Vec<String>, need: u64, available: u64 },
    InodesShort { paths: Vec<String>, need: u64, available: u64 },
    ReadOnly { path: String, instead: Option<String> },
    NoExec { path: String },
    EntryType { path: String, file_system: String },
    DataRootKind { path: String, file_system: String },
    EnginePackages { packages: Vec<String>, manager: PackageManager, remove: String },
    EngineRunning { unit: String, fragment: String },
    TargetOwned(OwnedTargets),
    SnapDocker { unit: String },
    ContainerdShared { user: String },
    SocketInUse { path: String },
    TargetUnowned { paths: Vec<String> },
    TargetKind { path: String, what: FileKind },
    PackagesUnknown { manager: PackageManager, problem: PackagesProblem },
    UnitMasked { unit: String },
    LibraryMissing { program: String, libraries: Vec<String> },
    LibraryTooOld { program: String, library: String, needs: String, has: Option<String> },
    LibrariesUnknown { programs: Vec<String> },
    DistributionUnknown { name: String, listed: bool },
    PackagesNeeded { packages: Vec<String>, users: Vec<String> },
    UserUnknown { name: String, answered: bool },
    GidTaken { gid: u32, group: String, wanted_for: String },
    GroupKept { name: String, gid: u32, wanted: u32 },
    NobodyInGroup { name: String },
    GroupNotLocal { name: String },
    GroupProgramMissing { program: String, install: Option<String> },
    HelperPrograms { missing: Vec<String>, install: Option<String> },
    ContainerdTaken { path: String },
    ArchiveGeneration { version: String, program: String, programs_of: String },
    Protected { paths: Vec<String>, how: Protection },
    DataRootFlags { path: String, flags: Vec<MountFlag> },
    GroupUnanswered { name: String },
    SudoPath { bin_dir: String, secure_path: Vec<String> },
    GroupRemote { name: String, gid: u32 },
    OneWay { from: String, to: String, what: String },
    Downgrade { from: String, to: String },
    DriverRemoved { driver: String, to: String },
    MigrationTarget { path: String, problem: TargetProblem },
    DriverNotCopied { driver: String },
    DataMounts { path: String, mounts: Vec<String> },
    ContainerdStays { root: String, users: Vec<String>, images: bool },
    SameFileSystem { path: String, root: bool },
    BindsOfData { binds: Vec<(String, String)>, to: String },
    DataRootFlag { unit: String, flag: String },
    AppArmorParserMissing,
    LabelToolsMissing { live: bool, enforcing: bool },
    ContainerPolicyMissing { policy: String, wanted: bool },
    SelinuxNotUsed { policy: String },
    SemanageMissing { data_root: String, live: bool },
    DataRootLabels { data_root: String, like: String, policy: String, live: bool },
    LabelsUnknown { reason: String, live: bool },
    FapolicydToolMissing,
    ImaAppraisal { appraisal: ImaAppraisal },
    Kysec { exec_control: Option<String> },
    Lockdown { level: Lockdown },
    Fips,
    NetworkOverlap { key: Option<String>, network: IpNet, uses: Vec<Use>, flag: Option<String> },
    PoolOverlap { pools: Vec<IpNet>, uses: Vec<Use>, skipped: bool, flag: Option<String> },
    BridgeMoves { first: IpNet, network: IpNet, uses: Vec<Use> },
    NoFreePool { avoided: Vec<IpNet>, flags: Vec<String> },
    BridgeAddress { key: String, value: String, problem: BridgeProblem },
    ForwardPolicy { now: bool, bridges: Vec<String>, libvirt: bool, can_keep: bool },
    BridgedTraffic { bridges: Vec<String>, first: String },
    Firewalld,
    FirewallService { services: Vec<String>, drops: Vec<String> },
    RoutesUnknown { reason: String },
    OptionsUnread { options: Vec<UnreadOptions> },
    ConfigFileElsewhere { file: String, path: String, line: usize },
    ListenersMoved { hosts: Vec<String> },
    BridgeAddressStays { address: IpNet },
    SettingsReset { resets: Vec<SettingReset> },
    /// What `landfall doctor` looks at beyond the preflight.
    #[serde(untagged)]
    Doctor(Sight),
    /// What is seen of registries.
    #[serde(untagged)]
    Registry(RegistrySight),
    /// What is looked at before packages are installed.
    #[serde(untagged)]
    Online(OnlineSight),
}

/// Why data cannot be moved to a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum TargetProblem {
    /// They are there.
    Same,
    /// It lies in the data.
    Inside {
        /// Which.
        data: String,
    },
    /// The data lie in it.
    Around {
        /// Which.
        data: String,
    },
    /// By another name, such as a bind mount's, it is the data, or in them, or around them.
    SameByMount {
        /// Which.
        data: String,
    },
    /// It is reached over a link.
    Link {
        /// Where it really is.
        real: String,
    },
    /// It is no directory.
    NotADirectory,
    /// Something is in it.
    NotEmpty {
        /// The first names.
        names: Vec<String>,
    },
}

/// A flag of a mount that takes something away from the files on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountFlag {
    /// Programs do not run.
    NoExec,
    /// Set-user-id bits do nothing.
    NoSuid,
    /// Device files cannot be opened.
    NoDev,
}

/// Files of a package that would be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedTargets {
    /// The files.
    pub paths: Vec<String>,
    /// The package.
    pub package: String,
    /// Who keeps it.
    pub manager: PackageManager,
    /// The command that removes it.
    pub remove: String,
    /// Packages that need this one to stay.
    pub users: Vec<String>,
    /// Another place for the programs; `None` if more than programs is in the way.
    pub elsewhere: Option<String>,
}

impl Seen {
    /// The code under which it is reported.
    pub fn code(&self) -> Code {
        match self {
            Self::Root { .. } => Code::Root,
            Self::SystemdNotRunning => Code::SystemdNotRunning,
            Self::SystemdMissing => Code::SystemdMissing,
            Self::ArchitectureUnsupported { .. } => Code::ArchitectureUnsupported,
            Self::ArchiveArchitecture { .. } => Code::ArchiveArchitecture,
            Self::ClockBehind { .. } => Code::ClockBehind,
            Self::KernelTooOld { .. } => Code::KernelTooOld,
            Self::KernelTooNew { .. } => Code::KernelTooNew,
            Self::OverlayMissing { .. } => Code::OverlayMissing,
            Self::OverlayTooOld { .. } => Code::OverlayTooOld,
            Self::CgroupsMissing => Code::CgroupsMissing,
            Self::CgroupControllers { .. } => Code::CgroupControllers,
            Self::CgroupVersion { .. } => Code::CgroupVersion,
            Self::KernelNetwork { .. } => Code::KernelNetwork,
            Self::IptablesMissing { .. } => Code::IptablesMissing,
            Self::IptablesTooOld { .. } => Code::IptablesTooOld,
            Self::SpaceShort { .. } => Code::SpaceShort,
            Self::InodesShort { .. } => Code::InodesShort,
            Self::ReadOnly { .. } => Code::ReadOnly,
            Self::NoExec { .. } => Code::NoExec,
            Self::EntryType { .. } => Code::EntryType,
            Self::DataRootKind { .. } => Code::DataRootKind,
            Self::EnginePackages { .. } => Code::EnginePackages,
            Self::EngineRunning { .. } => Code::EngineRunning,
            Self::TargetOwned { .. } => Code::TargetOwned,
            Self::SnapDocker { .. } => Code::SnapDocker,
            Self::ContainerdShared { .. } => Code::ContainerdShared,
            Self::SocketInUse { .. } => Code::SocketInUse,
            Self::TargetUnowned { .. } => Code::TargetUnowned,
            Self::TargetKind { .. } => Code::TargetKind,
            Self::PackagesUnknown { .. } => Code::PackagesUnknown,
            Self::UnitMasked { .. } => Code::UnitMasked,
            Self::LibraryMissing { .. } => Code::LibraryMissing,
            Self::LibraryTooOld { .. } => Code::LibraryTooOld,
            Self::LibrariesUnknown { .. } => Code::LibrariesUnknown,
            Self::DistributionUnknown { .. } => Code::DistributionUnknown,
            Self::PackagesNeeded { .. } => Code::PackagesNeeded,
            Self::UserUnknown { .. } => Code::UserUnknown,
            Self::GidTaken { .. } => Code::GidTaken,
            Self::GroupKept { .. } => Code::GroupKept,
            Self::NobodyInGroup { .. } => Code::NobodyInGroup,
            Self::GroupNotLocal { .. } => Code::GroupNotLocal,
            Self::GroupProgramMissing { .. } => Code::GroupProgramMissing,
            Self::HelperPrograms { .. } => Code::HelperPrograms,
            Self::ContainerdTaken { .. } => Code::ContainerdTaken,
            Self::ArchiveGeneration { .. } => Code::ArchiveGeneration,
            Self::Protected { .. } => Code::Protected,
            Self::DataRootFlags { .. } => Code::DataRootFlags,
            Self::GroupUnanswered { .. } => Code::GroupUnanswered,
            Self::SudoPath { .. } => Code::SudoPath,
            Self::GroupRemote { .. } => Code::GroupRemote,
            Self::OneWay { .. } => Code::OneWay,
            Self::Downgrade { .. } => Code::Downgrade,
            Self::DriverRemoved { .. } => Code::DriverRemoved,
            Self::MigrationTarget { .. } => Code::MigrationTarget,
            Self::DriverNotCopied { .. } => Code::DriverNotCopied,
            Self::DataMounts { .. } => Code::DataMounts,
            Self::ContainerdStays { .. } => Code::ContainerdStays,
            Self::SameFileSystem { .. } => Code::SameFileSystem,
            Self::BindsOfData { .. } => Code::BindsOfData,
            Self::DataRootFlag { .. } => Code::DataRootFlag,
            Self::AppArmorParserMissing => Code::AppArmorParserMissing,
            Self::LabelToolsMissing { .. } => Code::LabelToolsMissing,
            Self::ContainerPolicyMissing { .. } => Code::ContainerPolicyMissing,
            Self::SelinuxNotUsed { .. } => Code::SelinuxNotUsed,
            Self::SemanageMissing { .. } => Code::SemanageMissing,
            Self::DataRootLabels { .. } => Code::DataRootLabels,
            Self::LabelsUnknown { .. } => Code::LabelsUnknown,
            Self::FapolicydToolMissing => Code::FapolicydToolMissing,
            Self::ImaAppraisal { .. } => Code::ImaAppraisal,
            Self::Kysec { .. } => Code::Kysec,
            Self::Lockdown { .. } => Code::Lockdown,
            Self::Fips => Code::Fips,
            Self::NetworkOverlap { .. } => Code::NetworkOverlap,
            Self::PoolOverlap { .. } => Code::PoolOverlap,
            Self::BridgeMoves { .. } => Code::BridgeMoves,
            Self::NoFreePool { .. } => Code::NoFreePool,
            Self::BridgeAddress { .. } => Code::BridgeAddress,
            Self::ForwardPolicy { .. } => Code::ForwardPolicy,
            Self::BridgedTraffic { .. } => Code::BridgedTraffic,
            Self::Firewalld => Code::Firewalld,
            Self::FirewallService { .. } => Code::FirewallService,
            Self::RoutesUnknown { .. } => Code::RoutesUnknown,
            Self::OptionsUnread { .. } => Code::OptionsUnread,
            Self::ConfigFileElsewhere { .. } => Code::ConfigFileElsewhere,
            Self::ListenersMoved { .. } => Code::ListenersMoved,
            Self::BridgeAddressStays { .. } => Code::BridgeAddressStays,
            Self::SettingsReset { .. } => Code::SettingReset,
            Self::Doctor(sight) => sight.code(),
            Self::Registry(sight) => sight.code(),
            Self::Online(sight) => sight.code(),
        }
    }
}
