//! What the doctor can see, as data. The words stand in [`crate::texts::findings`].

use serde::{Deserialize, Serialize};

use crate::preflight::Code;

macro_rules! sights {
    ($($name:ident { $($field:ident: $type:ty),* },)*) => {
        /// What was seen on a closer look. Each variant stands for the code of the same name.
        /// Sizes are bytes, times seconds since 1970.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        #[allow(missing_docs)] // the fields say it
        pub enum Sight { $($name { $($field: $type),* },)* }

        impl Sight {
            /// The code under which it is reported.
            pub fn code(&self) -> Code {
                match self { $(Self::$name { .. } => Code::$name,)* }
            }
        }
    };
}

sights! {
    KernelOptions { missing: Vec<String> },
    KernelOptionsOptional { missing: Vec<String> },
    ModulesAbsent { modules: Vec<String>, package: String },
    ModulesOfAnotherKernel { release: String, installed: Vec<String> },
    CgroupDriverKubelet { engine: String, kubelet: String },
    CgroupDriverPlain { driver: String },
    IptablesBoth { legacy: usize, nft: usize },
    ForeignRules { owners: Vec<String> },
    RulesetFlushed { path: String, unit: String },
    ForwardDrops { policy: String },
    ForwardingOff { setting: String },
    BridgeCallsOff { settings: Vec<String> },
    DockerChainsGone { firewalld: bool },
    DnsStub { servers: Vec<String>, upstream: Vec<String> },
    DnsLoopback { servers: Vec<String> },
    DnsEmpty { exists: bool },
    ClockUnsynchronised {},
    ClockPast { now: u64, newest: u64, what: String },
    OpenFilesLow { program: String, limit: u64 },
    OpenFilesHuge { program: String, limit: u64 },
    SocketMode { path: String, mode: u32, uid: u32 },
    SocketOpen { path: String, mode: u32 },
    SocketGroup { path: String, group: String, wanted: String },
    GroupMembers { group: String, members: Vec<String> },
    TcpOpen { listeners: Vec<String>, loopback: bool },
    DropInDangling { paths: Vec<String> },
    UnitProgramMissing { unit: String, program: String },
    LinkDangling { paths: Vec<String> },
    NeedsReload { units: Vec<String> },
    TwoDaemons { program: String, processes: Vec<u32> },
    StartLimit { unit: String },
    UnitFailed { unit: String, result: String },
    SocketUnitMissing { unit: String },
    NotEnabled { unit: String, socket: bool },
    DataSpace { path: String, available: u64 },
    DataInodes { path: String, available: u64 },
    LogsUnrotated { containers: usize, bytes: u64 },
    LogLarge { path: String, bytes: u64 },
    CertificateExpired { path: String, subject: String, since: u64 },
    CertificateExpiring { path: String, subject: String, seconds: u64 },
    CertificateEarly { path: String, subject: String, seconds: u64 },
    CertificateUnreadable { path: String },
    CertificatePair { path: String, missing: String },
    KeyMode { path: String, mode: u32 },
    DaemonJsonBroken { reason: String },
    DaemonKeyUnknown { key: String, nearest: Option<String> },
    DaemonKeyForeign { key: String, engine: String, first: String, last: String },
    DaemonKeyTwice { key: String, flag: String, place: Option<(String, usize)> },
    NotInForce { keys: Vec<String> },
    ProxyOfDaemon { variables: Vec<String> },
    KnownProblem { program: String, version: String, records: Vec<String>, fixed: String },
    Drift { changed: Vec<String>, missing: Vec<String> },
    RunLeft { command: String, files: Vec<String> },
    NotSeen { what: Vec<String>, as_root: bool },
    ApiSilent { error: String },
}
