//! The stable codes of findings.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a refusal means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This host is not fit (exit code 3).
    Host,
    /// The request cannot be carried out on any host like this (exit code 2).
    Usage,
    /// The archive is not for this host (exit code 4).
    Archive,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The stable code of a finding, shown as `LF001`. A number is never used again for
        /// something else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Code { $($(#[$doc])* $name = $number,)* }

        impl Code {
            /// All codes, in their order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

codes! {
    /// Landfall does not run as root.
    Root = 1,
    /// systemd is installed, but does not run this system.
    SystemdNotRunning = 2,
    /// systemd is not installed.
    SystemdMissing = 3,
    /// No engine is built for this architecture.
    ArchitectureUnsupported = 4,
    /// The archive is for another architecture.
    ArchiveArchitecture = 5,
    /// The host's clock is behind the archive.
    ClockBehind = 6,
    /// The kernel is older than the engine needs.
    KernelTooOld = 10,
    /// The kernel is newer than the engine is known to work with.
    KernelTooNew = 11,
    /// The kernel has no overlay file system.
    OverlayMissing = 12,
    /// The kernel's overlay file system is too old for the engine's storage.
    OverlayTooOld = 13,
    /// Control groups are not mounted.
    CgroupsMissing = 14,
    /// Controllers are missing.
    CgroupControllers = 15,
    /// The engine does not know version 2 of control groups.
    CgroupVersion = 16,
    /// Parts of the kernel's network that the engine uses are missing.
    KernelNetwork = 17,
    /// There is no iptables program.
    IptablesMissing = 18,
    /// The iptables program is too old.
    IptablesTooOld = 19,
    /// There is too little space.
    SpaceShort = 20,
    /// There are too few inodes.
    InodesShort = 21,
    /// A file system is read-only.
    ReadOnly = 22,
    /// Programs cannot run on a file system.
    NoExec = 23,
    /// The file system does not report the type of directory entries.
    EntryType = 24,
    /// The data directory's file system does not suit.
    DataRootKind = 25,
    /// Another engine's packages are installed.
    EnginePackages = 30,
    /// Another engine runs.
    EngineRunning = 31,
    /// A package owns a file that would be replaced.
    TargetOwned = 32,
    /// Docker is installed as a snap.
    SnapDocker = 33,
    /// Kubernetes uses the host's containerd.
    ContainerdShared = 34,
    /// Something that is no unit listens on the engine's socket.
    SocketInUse = 35,
    /// A file of nobody's would be replaced.
    TargetUnowned = 36,
    /// Something of another kind stands at a path that is needed.
    TargetKind = 37,
    /// The package manager could not be asked.
    PackagesUnknown = 38,
    /// A unit is masked.
    UnitMasked = 39,
    /// A shared library is missing.
    LibraryMissing = 40,
    /// A shared library is too old.
    LibraryTooOld = 41,
    /// It cannot be told which libraries are needed, or there.
    LibrariesUnknown = 42,
    /// The distribution is not known well enough to say whether the engine works on it.
    DistributionUnknown = 43,
    /// Packages of a part of an engine that other packages need.
    PackagesNeeded = 44,
    /// The SELinux policy labels the data directory like another one than the default.
    DataRootLabels = 45,
    /// It cannot be told which files have a wrong SELinux label.
    LabelsUnknown = 46,
    /// Options for the daemon stand where nothing reads them.
    OptionsUnread = 47,
    /// The daemon reads another configuration file.
    ConfigFileElsewhere = 48,
    /// Listeners go from daemon.json into a drop-in.
    ListenersMoved = 49,
    /// A user does not exist.
    UserUnknown = 50,
    /// The wanted group id is taken.
    GidTaken = 51,
    /// The group exists with another id.
    GroupKept = 52,
    /// Nobody but root will have access.
    NobodyInGroup = 53,
    /// The group is not a local one.
    GroupNotLocal = 54,
    /// A program that changes groups is missing.
    GroupProgramMissing = 55,
    /// Programs that parts of the engine use are missing.
    HelperPrograms = 56,
    /// A dockerd that shall start its own containerd would take one that runs already.
    ContainerdTaken = 57,
    /// The archive's name names another generation of engines than its programs are of.
    ArchiveGeneration = 58,
    /// The bridge keeps an address that is no longer asked for.
    BridgeAddressStays = 59,
    /// Something that has to be changed is immutable or append-only.
    Protected = 60,
    /// The data directory is mounted with flags that volumes inherit.
    DataRootFlags = 61,
    /// The directory service does not say whether the group exists.
    GroupUnanswered = 62,
    /// sudo does not look where the programs go.
    SudoPath = 63,
    /// The group is kept by a directory service.
    GroupRemote = 64,
    /// The older engine may not read what the newer one leaves.
    OneWay = 65,
    /// The engine would be replaced by an older one.
    Downgrade = 66,
    /// The newer engine does not have the storage driver that is in use.
    DriverRemoved = 67,
    /// Data cannot be moved to where they shall go.
    MigrationTarget = 68,
    /// What a storage driver keeps cannot be copied file by file.
    DriverNotCopied = 69,
    /// File systems are mounted in the data that shall be moved.
    DataMounts = 70,
    /// A containerd that others use keeps its data where they are.
    ContainerdStays = 71,
    /// Data would be moved within their file system, or to the root file system.
    SameFileSystem = 72,
    /// Containers have the engine's data mounted by their path.
    BindsOfData = 73,
    /// A unit's command line says where data are.
    DataRootFlag = 74,
    /// AppArmor is on, and its parser is missing.
    AppArmorParserMissing = 75,
    /// SELinux is on, and nothing is there to set labels with.
    LabelToolsMissing = 76,
    /// The SELinux policy does not know containers.
    ContainerPolicyMissing = 77,
    /// SELinux is enforced, but does not confine containers.
    SelinuxNotUsed = 78,
    /// The SELinux policy cannot be told of the data directory.
    SemanageMissing = 79,
    /// fapolicyd runs, and cannot be told what to trust.
    FapolicydToolMissing = 80,
    /// The kernel appraises files before they run.
    ImaAppraisal = 81,
    /// Kylin's kysec is on.
    Kysec = 82,
    /// The kernel is locked down.
    Lockdown = 83,
    /// The kernel runs in FIPS mode.
    Fips = 84,
    /// A network of the engine overlaps with something that the host uses.
    NetworkOverlap = 85,
    /// Pools of the engine's networks overlap with something that the host uses.
    PoolOverlap = 86,
    /// The engine's bridge gets another network than the usual one.
    BridgeMoves = 87,
    /// The engine finds no network for its bridge.
    NoFreePool = 88,
    /// An address of the engine's bridge is wrong.
    BridgeAddress = 89,
    /// The engine changes what becomes of forwarded packets.
    ForwardPolicy = 90,
    /// The engine sends what bridges pass through the firewall.
    BridgedTraffic = 91,
    /// firewalld and the engine share the firewall.
    Firewalld = 92,
    /// Another firewall and the engine share the rules.
    FirewallService = 93,
    /// The host's routes could not be read.
    RoutesUnknown = 94,
    /// Build options that the engine requires are not set.
    KernelOptions = 95,
    /// Build options are not set without which features are missing.
    KernelOptionsOptional = 96,
    /// Modules that the engine loads are not installed.
    ModulesAbsent = 97,
    /// The running kernel's modules are gone.
    ModulesOfAnotherKernel = 98,
    /// kubelet and the engine keep control groups in different ways.
    CgroupDriverKubelet = 99,
    /// The engine writes control groups beside systemd.
    CgroupDriverPlain = 100,
    /// Rules stand in both of the kernel's packet filters.
    IptablesBoth = 101,
    /// Others write firewall rules too.
    ForeignRules = 102,
    /// A service empties the whole firewall when it starts.
    RulesetFlushed = 103,
    /// Forwarded packets are dropped by default.
    ForwardDrops = 104,
    /// The kernel forwards no packets.
    ForwardingOff = 105,
    /// Traffic on bridges passes the packet filter by.
    BridgeCallsOff = 106,
    /// The engine's firewall rules are gone.
    DockerChainsGone = 107,
    /// Name servers are asked through a local stub.
    DnsStub = 108,
    /// Containers will be given public name servers.
    DnsLoopback = 109,
    /// No name server is configured.
    DnsEmpty = 110,
    /// Nothing keeps the clock right.
    ClockUnsynchronised = 111,
    /// The clock stands before something that has happened already.
    ClockPast = 112,
    /// The daemon may open too few files.
    OpenFilesLow = 113,
    /// Containers inherit a limit of open files that some programs choke on.
    OpenFilesHuge = 114,
    /// The API socket has other permissions than usual.
    SocketMode = 115,
    /// Everybody may use the API socket.
    SocketOpen = 116,
    /// The API socket belongs to another group than docker.
    SocketGroup = 117,
    /// Members of the group are root.
    GroupMembers = 118,
    /// The API listens on the network without TLS.
    TcpOpen = 119,
    /// A drop-in is for a unit that does not exist.
    DropInDangling = 120,
    /// The program that a unit starts does not exist.
    UnitProgramMissing = 121,
    /// A unit is enabled that does not exist.
    LinkDangling = 122,
    /// Unit files have changed, and systemd has not read them.
    NeedsReload = 123,
    /// Two daemons of one kind run.
    TwoDaemons = 124,
    /// systemd has given up to start a unit.
    StartLimit = 125,
    /// A unit has failed.
    UnitFailed = 126,
    /// The daemon expects a socket that no unit gives it.
    SocketUnitMissing = 127,
    /// The engine does not start at boot.
    NotEnabled = 128,
    /// The engine's data directory is nearly full.
    DataSpace = 129,
    /// The engine's data directory has few inodes left.
    DataInodes = 130,
    /// Logs of containers grow without a limit.
    LogsUnrotated = 131,
    /// The log of a container is very large.
    LogLarge = 132,
    /// A certificate has expired.
    CertificateExpired = 133,
    /// A certificate is about to expire.
    CertificateExpiring = 134,
    /// A certificate is not valid yet.
    CertificateEarly = 135,
    /// A file that should hold a certificate holds none.
    CertificateUnreadable = 136,
    /// A client certificate lacks its key, or a key its certificate.
    CertificatePair = 137,
    /// A private key can be read by others.
    KeyMode = 138,
    /// daemon.json cannot be read.
    DaemonJsonBroken = 139,
    /// daemon.json has a key that no release knows.
    DaemonKeyUnknown = 140,
    /// daemon.json has a key that this engine does not know.
    DaemonKeyForeign = 141,
    /// A key is set in daemon.json and on the command line.
    DaemonKeyTwice = 142,
    /// The daemon does not follow daemon.json.
    NotInForce = 143,
    /// The daemon uses a proxy that the shell does not.
    ProxyOfDaemon = 144,
    /// A known problem is in an installed version.
    KnownProblem = 145,
    /// What Landfall installed is not what it was.
    Drift = 146,
    /// A run of Landfall was cut, or left files behind.
    RunLeft = 147,
    /// Not everything could be seen.
    NotSeen = 148,
    /// The daemon runs, but its API does not answer.
    ApiSilent = 149,
    /// A registry's name has no address.
    NameUnknown = 150,
    /// No name server answers.
    NameServersSilent = 151,
    /// A registry's name stands in /etc/hosts alone.
    NameInHosts = 152,
    /// Nothing listens where a registry should be.
    RegistryRefuses = 153,
    /// A registry's address cannot be reached.
    RegistrySilent = 154,
    /// The proxy does not let a registry be reached.
    RegistryProxy = 155,
    /// A registry speaks plain HTTP.
    RegistryPlain = 156,
    /// A registry speaks TLS where plain HTTP was meant.
    RegistryNotPlain = 157,
    /// Nobody who is trusted has signed a registry's certificate.
    AuthorityUnknown = 158,
    /// A registry's certificate has expired.
    RegistryExpired = 159,
    /// A registry's certificate is not valid yet.
    RegistryEarly = 160,
    /// A registry's certificate is for another name.
    RegistryOtherName = 161,
    /// A registry's certificate has its name in the subject alone.
    RegistryCommonName = 162,
    /// A registry does not send the whole chain.
    ChainIncomplete = 163,
    /// TLS with a registry fails for another reason.
    RegistryTls = 164,
    /// A registry wants a certificate of its clients.
    ClientCertificateWanted = 165,
    /// What answers is no registry.
    NoRegistry = 166,
    /// A registry fails.
    RegistryFails = 167,
    /// The name of a token realm has no address.
    RealmUnknown = 168,
    /// A token realm cannot be reached.
    RealmUnreachable = 169,
    /// The certificate of a token realm is refused.
    RealmCertificate = 170,
    /// A token realm gives no token.
    RealmAnswer = 171,
    /// A registry refuses name and password.
    LoginRefused = 172,
    /// A registry wants name and password.
    LoginMissing = 173,
    /// A registry does not have an image.
    ImageUnknown = 174,
    /// A registry does not give an image.
    ImageDenied = 175,
    /// A manifest is damaged.
    ManifestDamaged = 176,
    /// A mirror has a path.
    MirrorPath = 177,
    /// A project of Harbor cannot be a mirror.
    MirrorHarbor = 178,
    /// A mirror wants a login.
    MirrorLogin = 179,
    /// A file that is given for certificates or a key cannot be one.
    CertificateFile = 180,
    /// A certificate that is given as an authority's is none.
    CertificateNoAuthority = 181,
    /// A certificate that is given for a registry is for another name.
    CertificateFileName = 182,
    /// A certificate that is given is not valid now.
    CertificateFileTime = 183,
    /// A key does not belong to its certificate.
    CertificateKey = 184,
    /// Certificates that are given are no chain.
    CertificateFileChain = 185,
    /// The system's trust store cannot be told of an authority.
    TrustStoreMissing = 186,
    /// Something turns kernel settings off that the engine needs.
    SettingReset = 190,
    /// Docker has no packages for the distribution.
    NoPackages = 210,
    /// Docker does not build packages for the distribution any more.
    PackagesOld = 211,
    /// apt is too old to be told of a key.
    AptTooOld = 212,
    /// Packages conflict with Docker's.
    PackagesInTheWay = 213,
    /// Files of nobody's are in the way of packages.
    FilesInTheWay = 214,
    /// A mirror does not work.
    MirrorsPassed = 215,
    /// Versions of packages cannot be locked.
    LockMissing = 216,
}

impl Code {
    /// Whether `--ignore` can turn the error into a warning. It cannot where going on is
    /// bound to fail.
    pub fn can_be_ignored(self) -> bool {
        !matches!(
            self,
            Self::Root
                | Self::SystemdMissing
                | Self::ArchiveArchitecture
                | Self::ArchiveGeneration
                | Self::TargetKind
                | Self::TargetOwned
                | Self::UserUnknown
                | Self::GidTaken
                | Self::GroupProgramMissing
                | Self::Protected
                | Self::DriverRemoved
                | Self::MigrationTarget
                | Self::DriverNotCopied
                | Self::DataMounts
                | Self::DataRootFlag
                | Self::NoPackages
                | Self::AptTooOld
                | Self::PackagesInTheWay
                | Self::LockMissing
                | Self::CertificateFile
                | Self::CertificateKey
        )
    }

    /// Whether `landfall doctor` alone reports it; all others are the preflight's too.
    pub fn is_doctors(self) -> bool {
        (Self::KernelOptions..=Self::ApiSilent).contains(&self)
    }

    /// Whether an installation from packages alone reports it.
    pub fn is_of_packages(self) -> bool {
        (Self::NoPackages..=Self::LockMissing).contains(&self)
    }

    /// Whether `landfall registry check` alone reports it.
    pub fn is_of_registries(self) -> bool {
        (Self::NameUnknown..=Self::MirrorLogin).contains(&self)
    }

    /// What an error with this code means for the caller.
    pub fn refusal(self) -> Refusal {
        match self {
            Self::UserUnknown
            | Self::GidTaken
            | Self::BridgeAddress
            | Self::CertificateFile
            | Self::CertificateNoAuthority
            | Self::CertificateFileName
            | Self::CertificateFileTime
            | Self::CertificateKey => Refusal::Usage,
            Self::ArchiveArchitecture | Self::ArchiveGeneration => Refusal::Archive,
            _ => Refusal::Host,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LF{:03}", *self as u16)
    }
}

/// The text is not the code of a finding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ParseCodeError(pub String);

impl FromStr for Code {
    type Err = ParseCodeError;

    /// Accepts `LF012`, also in lower case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.to_uppercase();
        let known = Self::ALL.iter().find(|code| code.to_string() == wanted);
        known.copied().ok_or_else(|| ParseCodeError(text.to_owned()))
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
